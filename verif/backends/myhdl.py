"""Backend `myhdl`: the engine itself in the MyHDL simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from silicodec.rtl.engine import Engine
from silicodec.verif.backends.waveform import check_ending
from silicodec.verif.drivers import bench
from silicodec.verif.drivers.stimulus import Recording, Stimulus


def run(engine: Engine, stimulus: Stimulus, verilog: str | None) -> Recording:
    """Simulate the engine's block; there is no other Verilog to simulate."""
    waveform = stimulus.waveform
    if waveform:
        check_ending(waveform, ".vcd")
    if verilog is not None:
        raise ValueError("backend myhdl simulates the engine itself: use icarus or verilator for Verilog")

    def device(clk: Any, rst: Any, streams: Mapping[str, Any], unknown: Mapping[str, Any]) -> Any:
        instance = engine.instantiate(clk, rst, streams)
        if waveform:  # a scope for each block
            place = {"directory": str(waveform.parent), "filename": waveform.stem, "tracebackup": False}
            instance.config_sim(trace=True, name=engine.top, **place)
        return instance

    return bench.run(engine, stimulus, device)
