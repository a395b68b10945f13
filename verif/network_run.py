"""Whole networks through the simulated accelerator, against their reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from silicodec.models.accelerator.compiler import Program
from silicodec.models.accelerator.plan import plan
from silicodec.models.accelerator.reference import Run
from silicodec.models.accelerator.streams import input_packets, output_packets
from silicodec.rtl.accelerator.engines import accelerator_engine
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.simulate import simulate

PATIENCE = 10
"""How many times as long as it is planned the hardware may take, with stalls."""
TIMING_WORDS = 4


@dataclass(frozen=True)
class NetworkRun:
    """What the simulated accelerator did.

    Attributes
    ----------
    cycles : int
        For all images.
    layer_cycles : ndarray of int
        Of each layer, (images, layers), as `timing` tells it.
    differing : list of str
        Streams that are not what the reference gives: empty where the hardware is right.
    """

    cycles: int
    layer_cycles: np.ndarray
    differing: list[str]


def run_network(
    program: Program,
    pixels: Sequence[np.ndarray],
    runs: Sequence[Run],
    *,
    backend: str = "verilator",
    stalls: Stalls | None = None,
    verilog: str | None = None,
) -> NetworkRun:
    """Simulate a program on images, back to back.

    Parameters
    ----------
    program : Program
        The network.
    pixels : sequence of ndarray of uint64
        A packet of the `pixels` stream for each image.
    runs : sequence of Run
        What the reference gave for each image.
    backend, stalls, verilog
        As of `simulate`.
    """
    count = len(runs)
    engine = accelerator_engine(program.shape)
    planned = [layer.cycles for layer in plan(program, runs[0])]
    result = simulate(
        engine,
        input_packets(program, pixels, runs),
        backend=backend,
        stalls=stalls,
        verilog=verilog,
        idle_cycles=2 * max(planned),
        max_cycles=PATIENCE * count * sum(planned),
    )
    differing = [
        name
        for name, packets in output_packets(runs).items()
        if len(packets) != len(result.streams[name]) or not all(map(np.array_equal, packets, result.streams[name]))
    ]
    timing = np.array([words.reshape(-1, TIMING_WORDS)[:, 0] for words in result.streams["timing"]], np.int64)
    return NetworkRun(result.cycles, timing, differing)
