"""Formal check that the netlist does what the Verilog says.

It runs in Yosys, as a program of its own. Usage, in the folder of a staged source:

    python -m silicodec.asic.equivalence [[!]RESET_PORT] [--booth] [--full-adders] [--gates] [--cpu-seconds N]

`cells.lib` and `netlist.v` are there, as `silicodec.asic.synthesis` leaves them; `equivalence.json` goes there. Where
`silicodec.asic.memory_netlist` left `logic.v` and `memories.json`, that netlist is compared: memories are black boxes
of both designs, whose inputs are to be equal for whatever they give. So are the modules of `boxes.v`, if it is there,
and with them latches and the clock gates that open them.

The registers of the netlist have names that they have in the Verilog. Each register of both designs is cut in two, its
input being one more output of the design and its output one more input. What is left is combinational: if it is equal
for every input, then the netlist does the same as the Verilog for ever, from any state that both start in. Where the
Verilog leaves a value undefined (X), such as a read beyond the rows of a memory, the netlist may have any. An
asynchronous reset counts as a synchronous one. Yosys chooses how to build adders and multipliers of both designs alike.

Where that fails, as for a state machine that Yosys coded anew, some cycles are checked after a cycle in reset, but not
of a netlist against a netlist (`--gates`), whose registers are to be the same. Without a reset to begin from, states of
both designs that belong together are known only where registers match one to one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from silicodec.asic.compared_designs import ComparedDesigns
from silicodec.asic.register_match import EQUAL, RegisterMatch
from silicodec.asic.structure import sources
from silicodec.rtl.source import Source, read_staged

SWEEP = "+strash;ifraig;scorr;dc2;fraig;ifraig;"
"""What ABC does to a comparison: it merges what is equal inside, so that little or nothing is left to prove."""
THOROUGH_SWEEP = "+strash;ifraig,-C,3000;scorr;ifraig,-C,20000;ifraig,-C,100000"
"""The same where processor time is limited: carries of long sums take more conflicts than ABC allows by itself."""
CYCLES = (8, 2)
"""Clock cycles after reset to check where the registers cannot be matched; fewer where more take too much."""
COMPARED = "cmp_"
"""What Yosys' comparison of two outputs begins its name with."""
ONE = "'S1"
"""What `bits` calls a constant 1."""
SECONDS = 300
"""How long the solver may take for a proof."""


class Comparison:
    """Tells whether both designs do the same.

    Parameters
    ----------
    designs : ComparedDesigns
        The designs; `keep_outputs` changes them.
    """

    def __init__(self, designs: ComparedDesigns) -> None:
        self._designs = designs

    def unequal_outputs(self, sweep: str = SWEEP) -> set[str]:
        """Return the outputs that ABC does not find equal, with zeros for what the Verilog leaves undefined."""
        self._designs.run("miter -equiv -flatten -make_outcmp gold gate miter")
        self._designs.in_module("miter", "setundef -zero", "techmap", "opt", f"abc -g AND -script {sweep}", "opt_clean")
        compared = {name for name in self._designs.selected("miter/o:*") if name.startswith(COMPARED)}
        equal = {name for name, source in sources(self._designs.module("miter")).items() if source == ONE}
        self._designs.run("delete miter")
        return {name.removeprefix(COMPARED) for name in compared - equal}

    def keep_outputs(self, kept: set[str]) -> None:
        """Take all other outputs, and what only they depend on, out of both designs."""
        others = [
            f"{module}/{name}" for module in ("gold", "gate") for name in self._designs.selected(f"{module}/o:*") - kept
        ]
        (self._designs.folder / "others").write_text("".join(f"{name}\n" for name in others))
        self._designs.commands(
            f"select -read {self._designs.folder / 'others'}", "delete -port", "select -clear", "opt_clean -purge"
        )

    def prove(self, options: str = "") -> bool | None:
        """Whether no input makes an output of the two designs differ, unless the Verilog leaves it undefined.

        None if that takes too long to find out.
        """
        # With undefined values the solver takes twice as much. Without them they have to be zeros, which some netlists
        # equal: to the solver every zero of the Verilog would be an undefined value that the comparison leaves out.
        self._designs.run("miter -equiv -flatten -make_outputs gold gate miter")
        self._designs.in_module("miter", "setundef -zero")
        proven = self._no_difference(options)
        self._designs.run("delete miter")
        if proven is False:
            self._designs.run("miter -equiv -flatten -ignore_gold_x -make_outputs gold gate miter")
            proven = self._no_difference(f"-enable_undef -set-def-inputs {options}")
            self._designs.run("delete miter")
        return proven

    def _no_difference(self, options: str) -> bool | None:
        self._designs.run(f"sat -timeout {SECONDS} -prove trigger 0 {options} miter", output="proof")
        said = (self._designs.folder / "proof").read_text()
        if "SAT proof finished" not in said:
            return None
        return EQUAL in said


def within_memory(prove: Callable[[], bool | None]) -> bool | None:
    """Run a proof in a process of its own; None if half of the machine's memory is too little for it.

    Yosys cannot go on where memory has failed it.
    """
    codes = (True, False, None)
    child = os.fork()
    if child == 0:
        code = len(codes)
        try:
            limit_memory(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
            code = codes.index(prove())
        except MemoryError:
            code = codes.index(None)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:  # as by SIGXCPU
        os.kill(os.getpid(), -code)
    if code == len(codes):
        raise RuntimeError("the proof failed")
    return codes[code]


def limit_memory(size: int) -> None:
    """Let this process have so many bytes at most."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def check(
    source: Source, folder: Path, reset: str | None = None, *, sweep: str = SWEEP, **options: bool
) -> dict[str, object]:
    """Compare the netlist with the Verilog.

    Parameters
    ----------
    source : Source
        The Verilog, staged in the working folder.
    folder : Path
        Holds `cells.lib` and `netlist.v`. The working folder.
    reset : str, optional
        The reset port, with `!` before it where 0 resets; by default it is looked for.
    sweep : str
        What ABC does, `SWEEP` or `THOROUGH_SWEEP`.
    options : dict of str to bool
        `booth`, `full_adders` and `gates`, as of `ComparedDesigns`.

    Returns
    -------
    dict
        `proven`: whether no difference was found; None if that was not decided. `cycles`: for how many clock cycles;
        None stands for any number, from any state, or for a difference from some state. `reset`: what was held for a
        cycle before; None if nothing was.
    """
    by_state = ComparedDesigns(source, folder, cut=True, **options)
    registers = RegisterMatch(by_state)
    if registers.complete:
        comparison = Comparison(by_state)
        unequal = comparison.unequal_outputs(sweep)
        comparison.keep_outputs(unequal)
        proven = not unequal or comparison.prove()
        if proven:
            return {"proven": True, "cycles": None, "reset": None}
        if options.get("gates"):  # no tool of a layout changes what registers stand for
            return {"proven": proven, "cycles": None, "reset": None}
    bounded = ComparedDesigns(source, folder, cut=False, **options)
    if bounded.selected("gold/x:*") != bounded.selected("gate/x:*"):  # a memory, latch or clock gate that one has alone
        return {"proven": False, "cycles": None, "reset": None}
    if options.get("gates"):  # cycles of a whole accelerator take more memory than machines have
        return {"proven": None, "cycles": 0, "reset": None}
    reset = reset or bounded.reset
    held = f"-set-at 1 in_{reset.removeprefix('!')} {int(reset[0] != '!')} -prove-skip 1" if reset else ""
    for cycles in CYCLES:
        solver = f"-seq {cycles + bool(reset)} -set-init-zero {held}"
        proven = within_memory(partial(Comparison(bounded).prove, solver))
        if proven is False and reset is None and not registers.one_to_one:
            break
        if proven is not None:
            return {"proven": proven, "cycles": cycles, "reset": reset}
    return {"proven": None, "cycles": 0, "reset": reset}


def main() -> None:
    """Read the arguments, and compare."""
    parser = argparse.ArgumentParser(prog="python -m silicodec.asic.equivalence")
    parser.add_argument("reset", nargs="?")
    parser.add_argument("--booth", action="store_true", help="the netlist has Yosys' Booth multipliers")
    parser.add_argument("--full-adders", action="store_true", help="its adders are made of full adder cells")
    parser.add_argument("--gates", action="store_true", help="the Verilog is a netlist of cells")
    parser.add_argument("--cpu-seconds", type=int, help="end by SIGXCPU after that much processor time")
    given = parser.parse_args()
    if given.cpu_seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (given.cpu_seconds, given.cpu_seconds))
    sweep = THOROUGH_SWEEP if given.cpu_seconds else SWEEP
    options = {"booth": given.booth, "full_adders": given.full_adders, "gates": given.gates}
    result = check(read_staged(Path()), Path(), given.reset, sweep=sweep, **options)
    Path("equivalence.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
