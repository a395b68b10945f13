"""The whole netlist of an engine that was synthesised block by block, as a program of its own.

The blocks' netlists are connected, and what the nets between blocks need is added (`buffering`). Usage:

    python -m silicodec.asic.assembly TOP

in a folder with `cells.lib` and `blocks.v`, the netlists of all modules, leaves there `netlist.v`, in which a cell of
module M is named `M__...`, and `repair.json`: the area that this adds, in square micrometres.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.buffering import Buffering
from silicodec.asic.cells import Library
from silicodec.asic.yosys_log import pass_runner

_ESCAPED = re.compile(r"\\(\S+)\s")


def main() -> None:
    """Connect the blocks in the working folder."""
    folder, top = Path(), sys.argv[1]
    design = yosys.Design()
    run = pass_runner(design, folder)
    for command in (
        *("read_liberty -lib cells.lib", "read_verilog blocks.v", f"hierarchy -check -top {top}", "flatten"),
        *("splitnets -ports", "opt_clean -purge"),
    ):
        run(command)
    buffering = Buffering(design.top_module(), Library((folder / "cells.lib").read_text()))
    buffering.repair()
    run("write_verilog -noattr -noexpr -nohex flat.v")
    # Patterns of cells' names are simpler without escapes.
    netlist = _ESCAPED.sub(
        lambda name: re.sub(r"\W", "_", name[1].replace(".", "__")) + " ", (folder / "flat.v").read_text()
    )
    (folder / "netlist.v").write_text(netlist)
    (folder / "repair.json").write_text(json.dumps({"area_um2": buffering.added_um2}))


if __name__ == "__main__":
    main()
