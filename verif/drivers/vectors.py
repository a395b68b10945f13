"""Packets that try an engine, with those of its reference, and a test bench that travels with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from silicodec.models.storage import written_whole
from silicodec.rtl.convert import signal_names
from silicodec.rtl.engine import Engine, Packets, Port

BENCH = "cocotb_bench"
"""Name of the bench's Python module, a file of this package."""
MAKEFILE = """# SPDX-License-Identifier: Apache-2.0
# `make` runs the engine on packets of its reference: cocotb 2 on Icarus Verilog.
SIM ?= icarus
TOPLEVEL_LANG = verilog
COCOTB_TOPLEVEL ?= {top}
COCOTB_TEST_MODULES = {bench}
VERILOG_SOURCES = $(COCOTB_TOPLEVEL).v
SIM_BUILD = build/$(COCOTB_TOPLEVEL)
COCOTB_RESULTS_FILE = $(SIM_BUILD)/results.xml
# The messages of its assertions say all; to rewrite those of every module takes longer than the simulation.
export COCOTB_REWRITE_ASSERTION_FILES =
include $(shell cocotb-config --makefiles)/Makefile.sim
"""


def sample_packets(engine: Engine, count: int | None = None) -> dict[str, list[np.ndarray]]:
    """Return packets for an engine's inputs, from small tensors: single words, extreme, sparse, smooth and noisy ones.

    Parameters
    ----------
    engine : Engine
        The engine, whose `stimulus` takes the widest of these tensors that it can.
    count : int, optional
        Number of tensors, at most seven.

    Raises
    ------
    ValueError
        If it takes none of them.
    """
    for bits in (16, 8, 7, 6, 5, 4, 3, 2):
        tensors = _tensors(bits)[:count]
        try:
            return engine.stimulus(tensors)
        except ValueError as error:
            refusal = error
    raise refusal


def _tensors(bits: int) -> list[np.ndarray]:
    """Return tensors of signed values of so many bits, int16 or int8."""
    random = np.random.default_rng(0)
    dtype = np.dtype(np.int16 if bits > 8 else np.int8)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    noise = random.integers(low, high, (2, 8, 8), endpoint=True)
    tensors = [
        np.where(random.random((1, 4, 8)) < 0.6, 0, noise[:1, :4]),
        np.ones((1, 1, 1)),
        np.full((1, 1, 8), low),
        np.zeros((1, 1, 1)),
        np.clip(np.cumsum(random.integers(-3, 4, (3, 8, 8)), axis=2), low, high),
        noise,
        np.full((1, 8, 8), high),
    ]
    return [tensor.astype(dtype) for tensor in tensors]


def bench_files(engine: Engine) -> dict[str, str]:
    """Return the files of a cocotb test bench by name: the bench, its `Makefile`, and vectors of the reference."""
    inputs = sample_packets(engine)
    vectors = {
        "engine": engine.name,
        "inputs": _streams(engine, engine.inputs, inputs),
        "outputs": _streams(engine, engine.outputs, engine.reference(inputs)),
    }
    return {
        f"{BENCH}.py": files(__package__).joinpath(f"{BENCH}.py").read_text(),
        "Makefile": MAKEFILE.format(top=engine.top, bench=BENCH),
        f"{engine.top}_vectors.json": json.dumps(vectors) + "\n",
    }


def write_bench(engine: Engine, folder: Path) -> list[Path]:
    """Write a cocotb test bench beside an engine's Verilog, which `make` runs, and return the paths of its files."""
    texts = bench_files(engine)
    for name, text in texts.items():
        with written_whole(folder / name) as temporary:
            temporary.write_text(text)
    return [folder / name for name in texts]


def _streams(engine: Engine, ports: Sequence[Port], packets: Mapping[str, Packets]) -> dict[str, Any]:
    """Return signals and packets of some streams, as JSON has them."""
    return {
        port.name: {
            "signals": {role: f"{port.name}_{name}" for role, name in signal_names(engine, port).items()},
            "packets": [packet.tolist() for packet in packets[port.name]],
        }
        for port in ports
    }
