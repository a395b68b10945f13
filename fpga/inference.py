"""An image through a network on a board's accelerator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from silicodec.fpga.board_top import board_verilog
from silicodec.fpga.link import Link, Returns, run
from silicodec.models.accelerator.inference import Inference
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
        The image and the network, compiled for this accelerator. Packets that it spills wait here, and go back to it.
    progress : callable
        Told the number of input words sent, and of all.

    Raises
    ------
    LinkError
        If the board does not answer, holds another engine, or stops, as it does after an error in the program.
    """
    expected = inference.outputs
    counts = {name: len(packets) for name, packets in expected.items()} | {"timing": 1}
    # What the board itself has spilled goes back, not what the reference says of it.
    inputs = inference.inputs | {"refill": []}
    returns = {"refill": Returns("spill", inference.refill_order)}
    outcome = run(link, engine, inputs, counts, progress, returns)
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
