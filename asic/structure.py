"""What a synchronous design must not have: latches and combinational loops."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.yosys_log import pass_runner

_LOOP = re.compile(r"found logic loop in module \S+\n(?:.*\n)*?\s+wire \\(\S+)", re.MULTILINE)


def check_structure(top: str, files: list[str], folder: Path) -> None:
    """Exit with one line on standard error if the design has a latch or a combinational loop.

    It reads the design once more, because passes that run before synthesis change ABC's result.
    """
    run = pass_runner(yosys.Design(), folder)
    run("read_verilog -sv " + " ".join(f'"{file}"' for file in files))
    run(f"hierarchy -check -top {top}")
    for command in ("proc", "flatten", "opt_clean"):
        run(command)
    run("select -list t:$*latch* %co1:+[Q] t:* %d", output="latches")
    if latches := (folder / "latches").read_text().split():
        sys.exit(f"ERROR: {latches[-1]} is a latch: give it a value in every branch, or clock it")
    run("check", output="loops")
    if loop := _LOOP.search((folder / "loops").read_text()):
        sys.exit(f"ERROR: {top} has a combinational loop through {loop[1]}")
