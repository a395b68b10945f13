"""An image through a network on a board's accelerator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from silicodec.fpga.board_top import board_verilog
from silicodec.fpga.link import Link, run
from silicodec.models.accelerator.inference import Inference
from silicodec.models.errors import CodecError
from silicodec.rtl.engine import Engine
from silicodec.verif.compare import Mismatch, first_difference
from silicodec.verif.drivers.board import SimulatedBoard

FASTEST_DIVIDER = 4
"""Cycles a bit of a simulated board's UART: the fewest that it works with."""
TIMING_WORDS = 4
"""Words of the stream `timing` for each layer."""


@dataclass(frozen=True)
class Classification:
    """What a board made of an image.

    Attributes
    ----------
    label, score : int
        The class, and its score.
    seconds : float
        From the first word sent to the last one received.
    cycles, weight_cycles : int
        Of the accelerator: in all, and those in which its array waited for weights.
    difference : Mismatch or None
        The first word that is not the reference's.
    """

    label: int
    score: int
    seconds: float
    cycles: int
    weight_cycles: int
    difference: Mismatch | None


def classify(
    link: Link,
    engine: Engine,
    inference: Inference,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Classification:
    """Run an image through a network on a board, and compare every word with the reference.

    Parameters
    ----------
    link : Link
        The link to the board.
    engine : Engine
        The accelerator that the board holds.
    inference : Inference
        The image and the network, compiled for this accelerator, which must have room for all maps.
    progress : callable
        Told the number of input words sent, and of all.

    Raises
    ------
    CodecError
        If maps are spilled: a board has no memory for them.
    LinkError
        If the board does not answer, holds another engine, or stops, as it does after an error in the program.
    """
    if inference.run.spilled:
        raise CodecError(f"the network's maps outgrow the memory of {engine.name}, and a board has no other one")
    expected = inference.outputs
    counts = {name: len(packets) for name, packets in expected.items()} | {"timing": 1}
    outcome = run(link, engine, inference.inputs, counts, progress)
    streams = dict(outcome.streams)
    timing = streams.pop("timing")[0].reshape(-1, TIMING_WORDS).astype(np.int64)
    label, score = inference.class_of(streams["scores"][0])
    cycles, _, weight_cycles, _ = (int(count) for count in timing.sum(axis=0))
    difference = first_difference(expected, streams)
    return Classification(label, score, outcome.seconds, cycles, weight_cycles, difference)


@contextmanager
def simulated_board(engine: Engine) -> Iterator[str]:
    """Simulate a board with an engine, by Verilator and with a fast UART; gives its serial port."""
    with SimulatedBoard([board_verilog(engine, FASTEST_DIVIDER)], FASTEST_DIVIDER, backend="verilator") as board:
        yield board.port
