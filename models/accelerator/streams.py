"""Packets of the accelerator's streams, as its reference takes and gives them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from silicodec.models.accelerator.compiler import Program
from silicodec.models.accelerator.reference import Run


def input_packets(program: Program, pixels: Sequence[np.ndarray], runs: Sequence[Run]) -> dict[str, list[np.ndarray]]:
    """Return the packets of every input stream for a program that runs on images, back to back.

    Parameters
    ----------
    program : Program
        The network.
    pixels : sequence of ndarray of uint64
        A packet of the `pixels` stream for each image.
    runs : sequence of Run
        What the reference gave for each image.
    """
    return {
        "program": [program.words] * len(runs),
        "weights": [program.weights] * len(runs),
        "pixels": list(pixels),
        "refill": [words for run in runs for words in run.refilled],
    }


def output_packets(runs: Sequence[Run]) -> dict[str, list[np.ndarray]]:
    """Return the packets of every output stream but `timing`, which depends on the streams' pauses."""
    return {
        "scores": [run.scores for run in runs if run.scores is not None],
        "spill": [words for run in runs for words in run.spilled],
        "report": [np.array(run.report, np.uint64) for run in runs],
    }
