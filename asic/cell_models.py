"""Behavioural Verilog of the cells in a netlist, from the functions, flip-flops and latches of the liberty file.

Also a program of its own, for simulations of netlists. Usage:

    python -m silicodec.asic.cell_models NETLIST LIBERTY TOP TARGET
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.yosys_log import PassRunner, pass_runner

CLOCK_GATE_MODEL = Path(__file__).parent / "clock_gate.v"
REGISTER = re.compile(r"^  reg (\w+);$", re.MULTILINE)


def read_cells(run: PassRunner, liberty: Path) -> None:
    """Read a model of every cell that has a function, and of the clock gates, into the design of a `pass_runner`."""
    run(f"read_liberty -ignore_miss_func {liberty}")
    run(f'read_verilog -overwrite "{CLOCK_GATE_MODEL}"')


def add_models(netlist: Path, liberty: Path, top: str, target: Path) -> None:
    """Write the netlist and the models of its cells as one Verilog file, without delays.

    A flip-flop wakes up as 0 or 1, at random but always the same: gates would turn its X into more X than there is, as
    where both values of a multiplexer's X select are equal.

    Parameters
    ----------
    netlist : Path
        Verilog of standard cells.
    liberty : Path
        The cells' liberty file, not compressed.
    top : str
        The netlist's module.
    target : Path
        File to write.
    """
    run = pass_runner(yosys.Design(), target.parent)
    read_cells(run, liberty)
    run(f"read_verilog {netlist}")
    run(f"hierarchy -check -top {top}")
    run("proc")
    run("opt_clean -purge")
    run(f"write_verilog -noattr {target}")
    target.write_text(REGISTER.sub(r"\g<0>\n  initial \1 = $random;", target.read_text()))


if __name__ == "__main__":
    add_models(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
