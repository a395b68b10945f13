"""Simulators that a stimulus can be run on."""

from __future__ import annotations

from collections.abc import Callable

from silicodec.rtl.engine import Engine
from silicodec.verif.backends import icarus, myhdl, verilator
from silicodec.verif.drivers.stimulus import Recording, Stimulus

BACKENDS: dict[str, Callable[[Engine, Stimulus, str | None], Recording]] = {
    "myhdl": myhdl.run,
    "icarus": icarus.run,
    "verilator": verilator.run,
}
"""Name -> function that runs a stimulus through an engine, or through Verilog with the engine's ports.

`silicodec.asic.netlist` adds the backend `netlist` when it is imported.
"""
