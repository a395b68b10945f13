"""The netlist of an engine that was synthesised block by block, for a layout: with its memories, or of one block alone.

Yosys does it, in a program of its own:

    python -m silicodec.asic.block_netlist TOP [NAME PATTERN...]

in the folder of `netlist.v` and `cells.lib` leaves there `part.v`: the module NAME of the cells of TOP whose names the
patterns match, or without a NAME all of TOP as one module.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.blocks import KeptNetlist
from silicodec.asic.clock import BEGIN, LAYOUT
from silicodec.asic.macros import read_macros
from silicodec.asic.measure import failure, time_netlist
from silicodec.asic.memory_netlist import macros_of, plan_memories, with_memories
from silicodec.asic.memory_plan import FLIP_FLOPS, LATCHES, MACROS
from silicodec.asic.memory_verilog import macro_boxes
from silicodec.asic.pdk import MeasurementError, liberty_file
from silicodec.asic.target import liberty_of
from silicodec.asic.yosys_log import pass_runner
from silicodec.models.processes import run_group

CLOCK_PORT = "clk"


def whole_netlist(kept: KeptNetlist, top: str) -> tuple[str, tuple[str, ...]]:
    """Connect a netlist with its memories, of macros that have a layout, and return it with the names of these.

    Memories of fewer words than any macro has are made of latches or flip-flops. So would larger ones be, by their area
    alone: but thousands of latches take a router longer than all else.

    Parameters
    ----------
    kept : KeptNetlist
        The netlist without memories.
    top : str
        Its module.

    Raises
    ------
    MeasurementError
        If the process data has no macros with a layout, or a memory fits into none.
    """
    macros = {name: macro for name, macro in read_macros().items() if macro.has_layout}
    if not macros:
        raise MeasurementError("SILICODEC_PDK does not hold SRAM macros with a layout, in its folder sram22")
    least = min(macro.words for macro in macros.values())
    small = [memory for memory in kept.memories if memory["words"] < least]
    large = [memory for memory in kept.memories if memory["words"] >= least]
    plans = plan_memories(small, (FLIP_FLOPS, LATCHES)) | plan_memories(large, (MACROS,), macros)
    used = macros_of(plans.values())
    modules = with_memories(kept.netlist, top, kept.memories, CLOCK_PORT, plans)
    # In one module: OpenROAD leaves inputs open that a constant output of another module drives.
    return _one_module("\n".join([*modules, macro_boxes(used.values())]), top), tuple(sorted(used))


def block_netlist(kept: KeptNetlist, top: str, block: str) -> str:
    """Cut a block out of a netlist, as a module of its name.

    Parameters
    ----------
    kept : KeptNetlist
        The netlist.
    top : str
        Its module.
    block : str
        One of `kept.blocks`.

    Raises
    ------
    MeasurementError
        If there is no such block.
    """
    if block not in kept.blocks:
        raise MeasurementError(f"there is no block {block}: {', '.join(sorted(kept.blocks))}")
    return _one_module(kept.netlist, top, block, *(f"{module}__*" for module in kept.blocks[block]))


def _one_module(netlist: str, top: str, *part: str) -> str:
    """Run this module's program, `part` being its other arguments."""
    with tempfile.TemporaryDirectory(prefix="silicodec-") as place:
        folder = Path(place)
        (folder / "netlist.v").write_text(netlist)
        (folder / "cells.lib").write_bytes(gzip.decompress(liberty_file().read_bytes()))
        done = run_group([sys.executable, "-m", "silicodec.asic.block_netlist", top, *part], folder)
        if done.returncode != 0:
            what = f"cutting out {part[0]}" if part else f"making {top} one module"
            raise MeasurementError(f"{what} failed: {failure(done.returncode, done.stderr)}")
        return (folder / "part.v").read_text()


def netlist_period(netlist: str, top: str) -> float:
    """Return a clock period in nanoseconds that the layout of a netlist is likely to meet at the slow corner.

    Parameters
    ----------
    netlist : str
        The netlist; memories' ports count as ports.
    top : str
        Its module.
    """
    with tempfile.TemporaryDirectory(prefix="silicodec-") as place:
        folder = Path(place)
        (folder / "netlist.v").write_text(netlist)
        timing, _ = time_netlist(top, folder, [CLOCK_PORT], BEGIN["slow"], liberty=liberty_of("slow"))
    return round(LAYOUT * (timing.shortest_period_ns or 0), 1)


def main() -> None:
    """Read the arguments, and write the module."""
    top, *part = sys.argv[1:]
    name, *patterns = part or [top]
    design = yosys.Design()
    run = pass_runner(design, Path())
    run("read_liberty -lib cells.lib")
    run("read_verilog netlist.v")
    if part:
        run(f"submod -name {name} {' '.join(f'{top}/c:{pattern}' for pattern in patterns)}")
    else:
        for command in (f"hierarchy -check -top {top}", "flatten", "splitnets", "opt_clean -purge"):
            run(command)
    run(f"select {name}")
    run("write_verilog -noattr -noexpr -selected part.v")


if __name__ == "__main__":
    main()
