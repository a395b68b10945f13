"""Formal check that the netlist does what the Verilog says.

It runs in Yosys, as a program of its own. Usage:

    python -m silicodec.asic.equivalence TOP FOLDER FILE...

FOLDER holds `cells.lib` and `netlist.v`, as `silicodec.asic.synthesis` leaves them; `equivalence.json` goes there.

The registers of the netlist keep the names that they have in the Verilog. Each register of both designs is cut in two,
its input being one more output of the design and its output one more input. What is left is combinational: if it is
equal for every input, then the netlist does the same as the Verilog for ever, from any state that both start in. Where
the Verilog leaves a value undefined (X), the netlist may have any. An asynchronous reset counts as a synchronous one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.cell_models import read_cells
from silicodec.asic.yosys_log import PassRunner, pass_runner

SWEEP = "+strash;ifraig;scorr;dc2;fraig;ifraig;"
"""What ABC does to a comparison: it merges what is equal inside, so that little or nothing is left to prove."""
CYCLES = (8, 2)
"""Clock cycles after reset to check where the registers cannot be matched; fewer where more take too long."""
SECONDS = 300
"""How long the solver may take for a proof."""


class Check:
    """Both designs in Yosys, as modules `gold` (Verilog) and `gate` (netlist).

    Parameters
    ----------
    top : str
        The top module.
    folder : Path
        Holds `cells.lib` and `netlist.v`.
    files : list of str
        The Verilog.
    cut : bool
        Whether to turn registers into inputs and outputs.
    """

    def __init__(self, top: str, folder: Path, files: list[str], *, cut: bool) -> None:
        self._folder = folder
        self._run: PassRunner = pass_runner(yosys.Design(), folder)
        self._cut = ["expose -evert-dff -dff"] if cut else []
        self._read_verilog(top, files)
        self._read_netlist(top)
        self._commands("design -copy-from gold -as gold gold", "design -copy-from gate -as gate gate")

    def _commands(self, *commands: str) -> None:
        for command in commands:
            self._run(command)

    def _read_verilog(self, top: str, files: list[str]) -> None:
        self._run("read_verilog -sv " + " ".join(f'"{file}"' for file in files))
        self._commands(f"hierarchy -check -top {top}", "proc", "flatten", "opt_clean", "memory_map")
        self._commands("async2sync", "dffunmap", "splitnets -ports", "simplemap t:$dff", "opt_clean -purge", *self._cut)
        self._commands("opt_clean -purge", f"rename {top} gold", "design -stash gold")

    def _read_netlist(self, top: str) -> None:
        read_cells(self._run, self._folder / "cells.lib")
        self._commands(
            f"read_verilog {self._folder / 'netlist.v'}", f"hierarchy -check -top {top}", "proc", "simplemap"
        )
        # Names such as _0123_ come from Yosys; hidden, they leave their nets to the names of the Verilog.
        self._commands("splitnets -ports", f"select -module {top}", "rename -hide w:_*_", "flatten t:*df*")
        self._commands("async2sync", "dffunmap", "simplemap", "rename -hide w:_*_.*", "opt_clean", *self._cut)
        self._commands("select -clear", "flatten", "opt_clean -purge")
        self._commands(f"rename {top} gate", "design -stash gate")

    def _selected(self, selection: str) -> set[str]:
        """Names of the selected wires, without their module."""
        self._run(f"select -list {selection}", output="selected")
        lines = (self._folder / "selected").read_text().split()
        return {line.partition("/")[2] for line in lines if line.startswith(("gold/", "gate/"))}

    def match_registers(self) -> bool:
        """Whether every register was cut, and those of both designs have the same names, in the end."""
        if self._selected("gold/t:$*DFF* gate/t:$*DFF*"):
            return False
        gold, gate = (self._selected(f"{module}/x:*") for module in ("gold", "gate"))
        for name in sorted(gate - gold):
            self._match_output_register(name, gold - gate)
        return self._selected("gold/x:*") == self._selected("gate/x:*")

    def _match_output_register(self, name: str, unmatched: set[str]) -> None:
        """Find the register of `gold` for a register of `gate` that has lost its name to the output that it drives."""
        port, _, role = name.rpartition(".")
        candidates = self._selected(f"gold/{port} %ci*") & {other for other in unmatched if other.endswith(".q")}
        if role == "q" and len(candidates) == 1:
            register = candidates.pop().removesuffix(".q")
            self._run("select -module gold")
            self._commands(*(f"rename {register}.{part} {port}.{part}" for part in "cdq"))
            self._run("select -clear")

    def reset(self) -> str:
        """Return the option that holds the input `rst` in the first cycle, if there is such an input."""
        return "-set-at 1 in_rst 1" if self._selected("gold/i:rst") else ""

    def prove_swept(self) -> bool | None:
        """Whether no input makes an output differ with zeros for what the Verilog leaves undefined, which is faster."""
        self._run("miter -equiv -flatten -make_outputs gold gate miter")
        self._commands("select -module miter", "setundef -zero", "techmap", "opt", f"abc -g AND -script {SWEEP}")
        self._run("select -clear")
        proven = self._no_difference()
        self._run("delete miter")
        return proven

    def prove(self, options: str = "") -> bool | None:
        """Whether no input makes an output of the two designs differ; None if that takes too long to find out."""
        self._run("miter -equiv -flatten -ignore_gold_x -make_outputs gold gate miter")
        proven = self._no_difference(options)
        self._run("delete miter")
        return proven

    def _no_difference(self, options: str = "") -> bool | None:
        """Whether the solver finds no input on which the comparison fails; None if it ran out of time."""
        self._run(f"sat -timeout {SECONDS} -prove trigger 0 {options} miter", output="proof")
        said = (self._folder / "proof").read_text()
        if "SAT proof finished" not in said:
            return None
        return "no model found: SUCCESS!" in said


def check(top: str, folder: Path, files: list[str]) -> dict[str, object]:
    """Compare the netlist with the Verilog.

    Returns
    -------
    dict
        `proven`: whether no difference was found; None if that was not decided in time. `cycles`: for how many clock
        cycles after a reset, with registers that begin as zero; None stands for any number, from any state.
    """
    by_state = Check(top, folder, files, cut=True)
    if by_state.match_registers() and (by_state.prove_swept() or by_state.prove()):
        return {"proven": True, "cycles": None}
    bounded = Check(top, folder, files, cut=False)
    for cycles in CYCLES:
        proven = bounded.prove(f"-seq {cycles} -set-init-zero {bounded.reset()}")
        if proven is not None:
            return {"proven": proven, "cycles": cycles}
    return {"proven": None, "cycles": 0}


if __name__ == "__main__":
    directory = Path(sys.argv[2])
    result = check(sys.argv[1], directory, sys.argv[3:])
    (directory / "equivalence.json").write_text(json.dumps(result) + "\n")
