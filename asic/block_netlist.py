"""The netlist of an engine that was synthesised block by block, for a layout: with its memories, or of one block alone.

The netlist of a block is cut out of the whole by Yosys, in a program of its own:

    python -m silicodec.asic.block_netlist TOP NAME PATTERN...

in the folder of `netlist.v` and `cells.lib` leaves there `block.v`, the module NAME of the cells of TOP whose names the
patterns match.
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
    return "\n".join(with_memories(kept.netlist, top, kept.memories, CLOCK_PORT, plans)), tuple(sorted(used))


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
    with tempfile.TemporaryDirectory(prefix="silicodec-") as place:
        folder = Path(place)
        (folder / "netlist.v").write_text(kept.netlist)
        (folder / "cells.lib").write_bytes(gzip.decompress(liberty_file().read_bytes()))
        patterns = [f"{module}__*" for module in kept.blocks[block]]
        done = run_group([sys.executable, "-m", "silicodec.asic.block_netlist", top, block, *patterns], folder)
        if done.returncode != 0:
            raise MeasurementError(f"cutting out {block} failed: {failure(done.returncode, done.stderr)}")
        return (folder / "block.v").read_text()


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
    """Read the arguments and cut."""
    top, name, *patterns = sys.argv[1:]
    design = yosys.Design()
    run = pass_runner(design, Path())
    run("read_liberty -lib cells.lib")
    run("read_verilog netlist.v")
    run(f"submod -name {name} {' '.join(f'{top}/c:{pattern}' for pattern in patterns)}")
    run(f"select {name}")
    run("write_verilog -noattr -noexpr -selected block.v")


if __name__ == "__main__":
    main()
