"""Latencies of the catalog's engines: cycles from the first word in to the first word out, or for a whole image."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np

from silicodec.models.accelerator.inference import prepare
from silicodec.models.accelerator.plan import plan
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.networks import get_network
from silicodec.rtl.engine import Engine
from silicodec.verif.drivers.vectors import sample_packets
from silicodec.verif.simulate import simulate

NETWORK, IMAGE = "resnet8", (3, 32, 32)
"""Network that an accelerator's latency is told for, and the shape of its images."""
RECORD = "latencies.json"
"""File of this package with what was measured; `scripts/latencies.py` writes it."""


def measure_latency(engine: Engine) -> int | None:
    """Simulate one small packet, 40 % of its words nonzero, with streams that never pause.

    Tables that an engine loads come first, and count. An accelerator's is planned, for an image: see `plan_latency`.
    """
    shape = engine.parameters.get("shape")
    if isinstance(shape, AcceleratorShape):
        return plan_latency(shape)
    return simulate(engine, sample_packets(engine, 1), backend="icarus").latency


def plan_latency(shape: AcceleratorShape) -> int:
    """Plan the cycles of an image from when `NETWORK` begins to its last score, with raw maps.

    Raises
    ------
    silicodec.models.networks.network.NetworkError
        If `SILICODEC_DATA` has no such network.
    """
    network = get_network(NETWORK)
    inference = prepare(network, shape, np.zeros(IMAGE, np.uint8))  # raw maps take the same time whatever they hold
    return sum(layer.cycles for layer in plan(inference.program, inference.run))


def read_latencies() -> dict[str, int]:
    """Read what was measured, in cycles, by the engine's name."""
    latencies: dict[str, int] = json.loads(files(__package__).joinpath(RECORD).read_text())
    return latencies
