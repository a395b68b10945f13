"""Synthesis onto SkyWater 130 standard cells, run as a program of its own.

One design per process: names that earlier work left in Yosys change ABC's result by some percent. Yosys also ends its
process on an error, so the caller reads the reason from standard error. Usage:

    python -m silicodec.asic.synthesis TOP CLOCK_PORT PERIOD_NS FOLDER FILE...

FOLDER holds the liberty file `cells.lib`; the netlist `netlist.v` and Yosys' statistics `statistics.json` go there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.pdk import DRIVING_CELL, OUTPUT_LOAD_FF


def check_clock(design: yosys.Design, top: str, clock_port: str) -> None:
    """Exit with one line on standard error unless `clock_port` is an input of the design's top module."""
    inputs = sorted(wire.name.str()[1:] for wire in design.top_module().selected_wires() if wire.port_input)
    if clock_port not in inputs:
        sys.exit(f"ERROR: {top} has no input {clock_port!r} for a clock; its inputs are {', '.join(inputs)}")


def synthesize(top: str, clock_port: str, period_ns: float, folder: Path, files: list[str]) -> None:
    """Map Verilog to a flat netlist of standard cells, sized by ABC for the clock period.

    Parameters
    ----------
    top : str
        The top module.
    clock_port : str
        Its clock input.
    period_ns : float
        The period that ABC aims for, in nanoseconds.
    folder : Path
        Holds `cells.lib`; takes the results.
    files : list of str
        Verilog or SystemVerilog files.
    """
    liberty = folder / "cells.lib"
    constraints = folder / "constraints"
    constraints.write_text(f"set_driving_cell {DRIVING_CELL}\nset_load {OUTPUT_LOAD_FF}\n")
    design = yosys.Design()

    def run(command: str, output: str = "log") -> None:
        # Always by `tee`: passes that it calls count for the names that Yosys generates, hence for ABC's result.
        yosys.run_pass(f"tee -q -o {folder / output} {command}", design)

    run("read_verilog -sv " + " ".join(f'"{file}"' for file in files))
    run(f"hierarchy -check -top {top}")
    check_clock(design, top, clock_port)
    run(f"synth -top {top} -flatten")
    run(f"dfflibmap -liberty {liberty}")
    run("opt")
    run(f"abc -liberty {liberty} -dont_use *lpflow* -dont_use *probe* -D {int(period_ns * 1000)} -constr {constraints}")
    run("setundef -zero")
    run("splitnets")
    run("opt_clean -purge")
    run(f"stat -json -liberty {liberty}", output="statistics.json")
    run(f"write_verilog -noattr -noexpr -nohex -nodec {folder / 'netlist.v'}")


if __name__ == "__main__":
    synthesize(sys.argv[1], sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]), sys.argv[5:])
