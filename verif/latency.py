"""Latencies of the catalog's engines: cycles from the first word in to the first word out."""

from __future__ import annotations

import json
from importlib.resources import files

from silicodec.rtl.engine import Engine
from silicodec.verif.drivers.vectors import sample_packets
from silicodec.verif.simulate import simulate

RECORD = "latencies.json"
"""File of this package with what was measured; `scripts/latencies.py` writes it."""


def measure_latency(engine: Engine) -> int | None:
    """Simulate one small packet, 40 % of its words nonzero, with streams that never pause.

    Tables that an engine loads come first, and count.
    """
    return simulate(engine, sample_packets(engine, 1), backend="icarus").latency


def read_latencies() -> dict[str, int]:
    """Read what was measured, in cycles, by the engine's name."""
    latencies: dict[str, int] = json.loads(files(__package__).joinpath(RECORD).read_text())
    return latencies
