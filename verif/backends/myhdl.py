"""Backend `myhdl`: the engine itself in the MyHDL simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from silicodec.rtl.engine import Engine
from silicodec.verif.drivers import bench
from silicodec.verif.drivers.stimulus import Recording, Stimulus


def run(engine: Engine, stimulus: Stimulus, verilog: str | None) -> Recording:
    """Simulate the engine's block; there is no other Verilog to simulate."""
    if stimulus.waveform:
        raise ValueError("backend myhdl writes no waveform: use icarus or netlist, whose cycles are the same")
    if verilog is not None:
        raise ValueError("backend myhdl simulates the engine itself: use icarus or verilator for Verilog")

    def device(clk: Any, rst: Any, streams: Mapping[str, Any], unknown: Mapping[str, Any]) -> Any:
        return engine.instantiate(clk, rst, streams)

    return bench.run(engine, stimulus, device)
