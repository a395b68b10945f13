"""Synthesis onto SkyWater 130 standard cells, run as a program of its own.

One design per process: names that earlier work left in Yosys change ABC's result by some percent. Yosys also ends its
process on an error, so the caller reads the reason from standard error. Usage:

    python -m silicodec.asic.synthesis [OPTION]... TOP CLOCK_PORT PERIOD_NS FOLDER FILE...

Into FOLDER go the liberty file `cells.lib`, the netlist `netlist.v`, Yosys' statistics `statistics.json` and, with
`--models`, `gates.v`: the netlist with behavioural models of its cells, for simulation. With `--memories-outside` the
memories become ports of the netlist, and `memories.json` says how many bits each one has.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.cell_models import add_models
from silicodec.asic.memories import has_memories, take_out_memories
from silicodec.asic.pdk import CLOCK_GATE, DRIVING_CELL, OUTPUT_LOAD_FF, MeasurementError, liberty_file
from silicodec.asic.structure import check_structure
from silicodec.asic.yosys_log import pass_runner

GATED_FLIP_FLOPS = 3
"""From so many flip-flops on, a clock gate is smaller than the multiplexers that it replaces."""


def check_clock(design: yosys.Design, top: str, clock_port: str) -> None:
    """Exit with one line on standard error unless `clock_port` is an input of the design's top module."""
    inputs = sorted(wire.name.str()[1:] for wire in design.top_module().selected_wires() if wire.port_input)
    if clock_port not in inputs:
        sys.exit(f"ERROR: {top} has no input {clock_port!r} for a clock; its inputs are {', '.join(inputs)}")


def synthesize(
    top: str,
    clock_port: str,
    period_ns: float,
    folder: Path,
    files: list[str],
    *,
    clock_gating: bool = False,
    memories_outside: bool = False,
) -> None:
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
    clock_gating : bool
        Whether registers with an enable get a gated clock, `GATED_FLIP_FLOPS` or more behind each gate.
    memories_outside : bool
        Whether memories become ports of the netlist; otherwise they become flip-flops.
    """
    liberty = folder / "cells.lib"
    constraints = folder / "constraints"
    constraints.write_text(f"set_driving_cell {DRIVING_CELL}\nset_load {OUTPUT_LOAD_FF}\n")
    design = yosys.Design()
    run = pass_runner(design, folder)
    run("read_verilog -sv " + " ".join(f'"{file}"' for file in files))
    run(f"hierarchy -check -top {top}")
    check_clock(design, top, clock_port)
    if memories_outside and has_memories(design):
        run(f"synth -top {top} -flatten -run begin:fine")
        take_out_memories(design, folder / "memories.json")
        run(f"synth -top {top} -flatten -run fine:")
    else:
        run(f"synth -top {top} -flatten")
    if clock_gating:
        run(f"clockgate -pos {CLOCK_GATE} GATE:CLK:GCLK -min_net_size {GATED_FLIP_FLOPS}")
    run(f"dfflibmap -liberty {liberty}")
    run("opt")
    run(f"abc -liberty {liberty} -dont_use *lpflow* -dont_use *probe* -D {int(period_ns * 1000)} -constr {constraints}")
    run("setundef -zero")
    run("splitnets")
    run("opt_clean -purge")
    run(f"stat -json -liberty {liberty}", output="statistics.json")
    run(f"write_verilog -noattr -noexpr -nohex -nodec {folder / 'netlist.v'}")


def main() -> None:
    """Read the arguments, synthesise, and write the models if they are wanted."""
    parser = argparse.ArgumentParser(prog="python -m silicodec.asic.synthesis")
    parser.add_argument("--liberty", type=Path, help="gzip file; by default the typical corner's")
    parser.add_argument("--clock-gating", action="store_true")
    parser.add_argument("--memories-outside", action="store_true")
    parser.add_argument("--strict", action="store_true", help="refuse latches and combinational loops")
    parser.add_argument("--models", action="store_true")
    parser.add_argument("top")
    parser.add_argument("clock_port")
    parser.add_argument("period_ns", type=float)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", nargs="+")
    given = parser.parse_args()
    liberty = given.folder / "cells.lib"
    try:
        liberty.write_bytes(gzip.decompress((given.liberty or liberty_file()).read_bytes()))
    except MeasurementError as error:
        sys.exit(f"ERROR: {error}")
    synthesize(
        given.top,
        given.clock_port,
        given.period_ns,
        given.folder,
        given.files,
        clock_gating=given.clock_gating,
        memories_outside=given.memories_outside,
    )
    if given.strict:
        check_structure(given.top, given.files, given.folder)
    if given.models:
        add_models(given.folder / "netlist.v", liberty, given.top, given.folder / "gates.v")


if __name__ == "__main__":
    main()
