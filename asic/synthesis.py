"""Synthesis onto SkyWater 130 standard cells, for measurements, flows and simulation alike, as a program of its own.

One design per process: names that earlier work left in Yosys change ABC's result by some percent. Yosys also ends its
process on an error, so the caller reads the reason from standard error. Usage, in the folder of a staged source:

    python -m silicodec.asic.synthesis [OPTION]...

There it leaves the liberty file `cells.lib`, the netlist `netlist.v`, Yosys' statistics `statistics.json`, what these
leave out `outside.json` and, with `--models`, `gates.v`: the netlist with behavioural models of its cells, for
simulation. With `--memories-outside` the memories become ports of the netlist.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.buffering import Buffering
from silicodec.asic.cell_models import add_models
from silicodec.asic.cells import Library
from silicodec.asic.full_adders import place_full_adders
from silicodec.asic.memories import OutsideMemory, find_shared_ports, has_memories, take_out_memories
from silicodec.asic.pdk import (
    CLOCK_GATE,
    DRIVING_CELL,
    NOT_IN_LAYOUTS,
    OUTPUT_LOAD_FF,
    PERIOD_NS,
    MeasurementError,
    liberty_file,
)
from silicodec.asic.statistics import read_statistics
from silicodec.asic.structure import Structure
from silicodec.asic.yosys_log import pass_runner
from silicodec.rtl.source import Source, read_staged

GATED_FLIP_FLOPS = 3
"""From so many flip-flops on, a clock gate is smaller than the multiplexers that it replaces."""
UNUSED = ("*lpflow*", "*probe*")
PIN_LOAD_FF = 1.7
"""What ABC takes for the load of its outputs beside full adders: a flip-flop's, for most are pins of cells."""


def synthesize(
    source: Source,
    folder: Path,
    period_ns: float,
    *,
    clock_gating: bool = False,
    booth: bool = False,
    full_adders: int = 0,
    routable: bool = False,
    memories_outside: bool = False,
    limits: str | None = None,
) -> tuple[list[OutsideMemory], int]:
    """Map Verilog to a flat netlist of standard cells, sized by ABC for the clock period, and buffer it.

    Parameters
    ----------
    source : Source
        The design, staged in the working folder.
    folder : Path
        Holds `cells.lib`; takes the results. The working folder.
    period_ns : float
        The period that ABC aims for, in nanoseconds.
    clock_gating : bool
        Whether registers with an enable get a gated clock, `GATED_FLIP_FLOPS` or more behind each gate.
    booth : bool
        Whether multipliers are Yosys' Booth multipliers.
    full_adders : int
        How many bits of each adder are made of the library's full adder cells, the lowest ones.
    routable : bool
        Whether it is for a layout, which does without some cells (`NOT_IN_LAYOUTS`).
    memories_outside : bool
        Whether memories become ports of the netlist; otherwise they become flip-flops.
    limits : str, optional
        Text of the liberty file that says what each cell may drive; by default that of `cells.lib`.

    Returns
    -------
    list of OutsideMemory, int
        The memories that became ports, and the number of buffers that nets of a large load got.
    """
    liberty = folder / "cells.lib"
    constraints = folder / "constraints"
    load = PIN_LOAD_FF if full_adders else OUTPUT_LOAD_FF
    constraints.write_text(f"set_driving_cell {DRIVING_CELL}\nset_load {load}\n")
    design = yosys.Design()
    run = pass_runner(design, folder)
    for command in source.yosys_commands():
        run(command)
    top = source.top
    memories: list[OutsideMemory] = []
    synth = f"synth -top {top} -flatten" + (" -booth" if booth else "")
    outside = memories_outside and has_memories(design)
    if outside or full_adders:
        run(f"{synth} -run begin:fine")
        if outside:
            memories = take_out_memories(design)
        if full_adders:
            place_full_adders(design, run, liberty, full_adders)
        run(f"{synth} -run fine:")
    else:
        run(synth)
    if clock_gating:
        run(f"clockgate -pos {CLOCK_GATE} GATE:CLK:GCLK -min_net_size {GATED_FLIP_FLOPS}")
    run(f"dfflibmap -liberty {liberty}")
    run("opt")
    unused = " ".join(f"-dont_use {pattern}" for pattern in UNUSED + NOT_IN_LAYOUTS * routable)
    run(f"abc -liberty {liberty} {unused} -D {int(period_ns * 1000)} -constr {constraints}")
    run("setundef -zero")
    run("splitnets")
    run("opt_clean -purge")
    buffering = Buffering(design.top_module(), Library(limits or liberty.read_text()))
    buffering.repair()
    for wire in design.top_module().selected_wires():
        wire.is_signed = False  # OpenSTA reads no signed ports
    run(f"stat -json -liberty {liberty}", output="statistics.json")
    run(f"write_verilog -noattr -noexpr -nohex -nodec -simple-lhs {folder / 'netlist.v'}")
    return memories, buffering.buffers


def main() -> None:
    """Read the arguments, synthesise, and write the models if they are wanted."""
    parser = argparse.ArgumentParser(prog="python -m silicodec.asic.synthesis")
    parser.add_argument("--liberty", type=Path, help="gzip file; by default the typical corner's")
    parser.add_argument("--limits", type=Path, help="gzip file that says what cells may drive; by default the same")
    parser.add_argument("--period-ns", type=float, default=PERIOD_NS)
    parser.add_argument("--clock-port", dest="clock_ports", action="append", default=[])
    parser.add_argument("--clock-gating", action="store_true")
    parser.add_argument("--booth", action="store_true")
    parser.add_argument("--full-adders", type=int, default=0)
    parser.add_argument("--routable", action="store_true", help="for a layout: without the cells that it cannot have")
    parser.add_argument("--memories-outside", action="store_true")
    parser.add_argument("--black-boxes", action="store_true", help="leave out modules without content")
    parser.add_argument("--models", action="store_true")
    given = parser.parse_args()
    folder = Path()
    source = read_staged(folder)
    liberty = folder / "cells.lib"
    try:
        liberty.write_bytes(gzip.decompress((given.liberty or liberty_file()).read_bytes()))
    except MeasurementError as error:
        sys.exit(f"ERROR: {error}")
    flags = ("clock_gating", "booth", "full_adders", "routable", "memories_outside")
    options = {flag: getattr(given, flag) for flag in flags}
    limits = gzip.decompress(given.limits.read_bytes()).decode() if given.limits else None
    memories, buffers = synthesize(source, folder, given.period_ns, limits=limits, **options)
    structure = Structure(source, folder)
    structure.check(given.clock_ports, black_boxes=given.black_boxes)
    if not read_statistics(folder / "statistics.json").cells:
        sys.exit(f"ERROR: {source.top} is empty after synthesis: nothing in it reaches an output")
    shared = find_shared_ports(source, folder) if memories else ()
    described = [asdict(replace(memory, shared_port=memory.name in shared)) for memory in memories]
    outside = {"memories": described, "black_boxes": structure.black_boxes(), "buffers": buffers}
    (folder / "outside.json").write_text(json.dumps(outside))
    if given.models:
        add_models(folder / "netlist.v", liberty, source.top, folder / "gates.v")


if __name__ == "__main__":
    main()
