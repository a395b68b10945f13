"""Formal check that the netlist does what the Verilog says.

It runs in Yosys, as a program of its own. Usage, in the folder of a staged source:

    python -m silicodec.asic.equivalence [[!]RESET_PORT] [--booth] [--full-adders] [--gates] [--cpu-seconds N]

`cells.lib` and `netlist.v` are there, as `silicodec.asic.synthesis` leaves them; `equivalence.json` goes there. Where
`silicodec.asic.memory_netlist` left `logic.v` and `memories.json`, that netlist is compared: memories are black boxes
of both designs, whose inputs are to be equal for whatever they give.

The registers of the netlist have names that they have in the Verilog. Each register of both designs is cut in two, its
input being one more output of the design and its output one more input. What is left is combinational: if it is equal
for every input, then the netlist does the same as the Verilog for ever, from any state that both start in. Where the
Verilog leaves a value undefined (X), such as a read beyond the rows of a memory, the netlist may have any. An
asynchronous reset counts as a synchronous one. Yosys chooses how to build adders and multipliers of both designs alike.

Where that fails, as for a state machine that Yosys coded anew, some cycles are checked after a cycle in reset. Without
a reset to begin from, states of both designs that belong together are known only where registers match one to one.
"""

from __future__ import annotations

import argparse
import json
import resource
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.cell_models import read_cells
from silicodec.asic.full_adders import chain_adders
from silicodec.asic.memories import take_out_memories
from silicodec.asic.resets import find_reset
from silicodec.asic.structure import sources
from silicodec.asic.ungating import take_out_clock_gates
from silicodec.asic.yosys_log import PassRunner, pass_runner
from silicodec.rtl.source import Source, read_staged

SWEEP = "+strash;ifraig;scorr;dc2;fraig;ifraig;"
"""What ABC does to a comparison: it merges what is equal inside, so that little or nothing is left to prove."""
THOROUGH_SWEEP = "+strash;ifraig,-C,3000;scorr;ifraig,-C,20000;ifraig,-C,100000"
"""The same where processor time is limited: carries of long sums take more conflicts than ABC allows by itself."""
ARITHMETIC = (
    "opt_expr",
    "opt_clean",
    "opt_muxtree",
    "opt_reduce",
    "opt_merge t:* t:$*dff* %d",
    "opt_expr",
    "wreduce t:* t:$*dff* %d",
    "peepopt",
    "opt_clean",
    "booth",
    "alumacc",
    "opt_clean",
    "opt_dff -nodffe -nosdff",
    "opt_clean",
    "maccmap",
)
"""What `synth` does to adders and multipliers of the Verilog, so that those of both designs are built alike.

`opt_dff` takes out registers that hold a constant from their first cycle on.
"""
EDGES = ("NN", "NP", "PN", "PP")
"""Active edge of the clock, and level of the reset: negative or positive."""
SYNCHRONOUS = tuple(
    f"chtype -set $_SDFF{kind}_ t:$_DFF{kind}_"
    for edges in EDGES
    for value in "01"
    for kind in (f"_{edges}{value}", f"E_{edges}{value}N", f"E_{edges}{value}P")
)
"""Makes asynchronous resets synchronous."""
CYCLES = (8, 2)
"""Clock cycles after reset to check where the registers cannot be matched; fewer where more take too long."""
COMPARED = "cmp_"
"""What Yosys' comparison of two outputs begins its name with."""
ONE = "'S1"
"""What `bits` calls a constant 1."""
EQUAL = "no model found: SUCCESS!"
"""What Yosys says where a proof holds."""
SECONDS = 300
"""How long the solver may take for a proof."""


class Check:
    """Both designs in Yosys, as modules `gold` (Verilog) and `gate` (netlist).

    Parameters
    ----------
    source : Source
        The Verilog, staged in the working folder.
    folder : Path
        Holds `cells.lib` and `netlist.v`. The working folder.
    cut : bool
        Whether to turn registers into inputs and outputs.
    booth : bool
        Whether the netlist has Yosys' Booth multipliers.
    full_adders : bool
        Whether its adders are made of full adder cells.
    gates : bool
        Whether the Verilog is a netlist of cells, whose registers have the names that they have in the other.
    """

    def __init__(
        self,
        source: Source,
        folder: Path,
        *,
        cut: bool,
        booth: bool = False,
        full_adders: bool = False,
        gates: bool = False,
    ) -> None:
        self._folder = folder
        outside = folder / "memories.json"
        self._memories = [one["name"] for one in json.loads(outside.read_text())] if outside.exists() else []
        self._design = yosys.Design()
        self._run: PassRunner = pass_runner(self._design, folder)
        self._cut = ["expose -evert-dff -dff"] if cut else []
        self.one_to_one = False
        self._arithmetic = [command for command in ARITHMETIC if booth or command != "booth"]
        self._full_adders = full_adders
        self._sources: dict[str, str] = {}
        self.reset: str | None = None
        if gates:
            (file,) = source.files
            self._read_netlist(source.top, file, "gold")
        else:
            self._read_verilog(source)
            self._look_at_verilog(source)
        self._read_netlist(source.top, folder / ("logic.v" if self._memories else "netlist.v"), "gate")
        self._commands("design -copy-from gold -as gold gold", "design -copy-from gate -as gate gate")

    def _commands(self, *commands: str) -> None:
        for command in commands:
            self._run(command)

    def _read_verilog(self, source: Source) -> None:
        # First of all that Yosys does: the order in which it adds up depends on what it has done before in a process,
        # and the netlist's synthesis did nothing before.
        self._commands(*source.yosys_commands(), "proc", "flatten", *self._arithmetic)
        if self._full_adders:
            chain_adders(self._design, self._run)
        if self._memories:
            self._commands("opt_dff", "opt_clean", "memory -nomap", "opt_clean")
            take_out_memories(self._design, self._memories)
        self._run("memory_map")
        self._commands("splitnets -ports", "simplemap t:$*dff*", *SYNCHRONOUS, "async2sync", "dffunmap")
        self._commands("opt_clean -purge", *self._cut, "opt_clean -purge", "setundef -undriven -undef")
        self._commands(f"rename {source.top} gold", "design -stash gold")

    def _look_at_verilog(self, source: Source) -> None:
        """Find the reset, and the names of each net."""
        top = source.top
        self._commands(*source.yosys_commands())
        if self._cut:
            # What synthesis finds to be one net tells which register of the netlist is which, and no more than that.
            synth = f"synth -top {top} -flatten -noabc"
            self._commands("design -push-copy", f"{synth} -run begin:fine")
            if self._memories:
                take_out_memories(self._design, self._memories)
            self._commands(f"{synth} -run fine:", "splitnets -ports" if self._memories else "splitnets")
            self._sources = sources(self._design.top_module())
            self._run("design -pop")
        self._commands("proc", "flatten", "opt")
        self.reset = find_reset(self._design.top_module())
        self._run("design -reset")

    def _read_netlist(self, top: str, netlist: Path, name: str) -> None:
        read_cells(self._run, self._folder / "cells.lib")
        self._commands(f"read_verilog {netlist}", f"hierarchy -check -top {top}", "proc", "simplemap")
        # Names such as _0123_ come from Yosys; hidden, they leave their nets to the names of the Verilog.
        self._commands("splitnets -ports", f"select -module {top}", "rename -hide w:_*_", "flatten t:*df*", "simplemap")
        take_out_clock_gates(self._module(top))
        self._commands(
            *SYNCHRONOUS,
            "async2sync",
            "dffunmap",
            "simplemap",
            "rename -hide w:_*_.* w:*___*_.*",
            "opt_clean",
            *self._cut,
        )
        self._commands("select -clear", "flatten", "opt_clean -purge")
        self._commands(f"rename {top} {name}", f"design -stash {name}")

    def _selected(self, selection: str) -> set[str]:
        """Names of the selected wires, without their module."""
        self._run(f"select -list {selection}", output="selected")
        lines = (self._folder / "selected").read_text().split()
        return {line.partition("/")[2] for line in lines if "/" in line}

    def match_registers(self) -> bool:
        """Whether every register was cut, and those of both designs have the same names, in the end."""
        if self._selected("gold/t:$*DFF* gate/t:$*DFF*"):
            return False
        gold, gate = (self._registers(module) for module in ("gold", "gate"))
        unmatched = {self._source(name): name for name in gold - gate}
        outputs = self._selected("gate/o:*")
        for name in sorted(gate - gold):
            source = self._source(name)
            left = set(unmatched.values())
            # An output of one design may be a register that in the other has a buffer after it, and another name.
            register = unmatched.get(source) or self._register_behind("gold", name, left)
            at_output = (one for one in sorted(left & outputs) if self._register_behind("gate", one, {name}))
            register = register or next(at_output, None)
            if register:
                del unmatched[self._source(register)]
                self._rename_register(register, name)
        surplus = self._registers("gold") - gate
        unused = self._unused(surplus)
        for name in surplus:
            twin = self._lower_neighbour(name)
            if name in unused:
                self._leave_open(name)
            elif value := self._held_constant(name):
                self._hold(name, value)
            elif twin in gate:
                self._join(name, twin)
            else:
                self._leave_open(name)
        self.one_to_one = not surplus
        return self._selected("gold/x:*") == self._selected("gate/x:*")

    def _register_behind(self, module: str, port: str, registers: set[str]) -> str | None:
        """Which of some registers of a module an output depends on, if it is one."""
        candidates = {net.removesuffix(".q") for net in self._selected(f"{module}/{port} %ci*")} & registers
        return candidates.pop() if len(candidates) == 1 else None

    def _rename_register(self, register: str, name: str) -> None:
        self._in_module("gold", *(f"rename {register}.{part} {name}.{part}" for part in "cdq"))

    def _unused(self, registers: set[str]) -> set[str]:
        """Which of some registers of `gold` nothing depends on but they themselves, as the high bits of a counter."""
        if not registers:
            return set()
        self._run("design -push-copy")
        self._in_module("gold", "techmap", "opt_clean", "splitnets")  # bits of a sum depend on lower bits alone
        unused = set(registers)
        while unused:
            inputs = " ".join(f"gold/w:{name}.{part}" for name in sorted(unused) for part in "cd")
            self._run(f"select -set inputs {inputs}")
            reached = self._selected("gold/o:* @inputs %d %ci*")
            if not (used := {name for name in unused if f"{name}.q" in reached}):
                break
            unused -= used
        self._run("design -pop")
        return unused

    def _held_constant(self, register: str) -> str | None:
        """Value that a register of the Verilog keeps once it has it, whatever else there is."""
        for value in "01":
            kept = f"sat -set {register}.q {value} -prove {register}.d {value} gold"
            self._run(kept, output="proof")
            if EQUAL in (self._folder / "proof").read_text():
                return value
        return None

    def _hold(self, register: str, value: str) -> None:
        """Let a register of the Verilog have the value that it keeps."""
        gold = self._module("gold")
        output = _wire(gold, f"{register}.q")
        output.port_input = False
        gold.connect(yosys.SigSpec(output), yosys.SigSpec(yosys.Const(int(value), 1)))
        gold.fixup_ports()
        self._in_module("gold", f"delete -port w:{register}.c w:{register}.d")

    def _leave_open(self, register: str) -> None:
        """Let a register that the netlist has not got be anything: what depends on it will not be proven."""
        self._in_module("gold", f"delete -port w:{register}.c w:{register}.d")
        self._in_module("gate", f"add -input {register}.q 1")

    def _lower_neighbour(self, register: str) -> str:
        """Name of the next lower bit of a word, which a register holds a copy of where it is the sign of a sum."""
        word, _, number = register.removesuffix("]").rpartition("[")
        return f"{word}[{int(number) - 1}]" if number.isdigit() else ""

    def _join(self, register: str, twin: str) -> None:
        """Let one register of the netlist stand for two of the Verilog: both have to get what that one gets."""
        gold, gate = self._module("gold"), self._module("gate")
        output = _wire(gold, f"{register}.q")
        output.port_input = False
        gold.connect(yosys.SigSpec(output), yosys.SigSpec(_wire(gold, f"{twin}.q")))
        for part in "cd":
            copy = gate.addWire(yosys.IdString(f"\\{register}.{part}"), 1)
            copy.port_output = True
            gate.connect(yosys.SigSpec(copy), yosys.SigSpec(_wire(gate, f"{twin}.{part}")))
        gold.fixup_ports()
        gate.fixup_ports()

    def _in_module(self, module: str, *commands: str) -> None:
        self._commands(f"select -module {module}", *commands, "select -clear")

    def _module(self, name: str) -> yosys.Module:
        return self._design.module(yosys.IdString(f"\\{name}"))

    def _registers(self, module: str) -> set[str]:
        """Names of the registers that were cut."""
        return {name.removesuffix(".q") for name in self._selected(f"{module}/i:*.q")}

    def _source(self, net: str) -> str:
        """Name of the net of the Verilog that a net is another name for."""
        while net in self._sources:
            net = self._sources[net]
        return net

    def unequal_outputs(self, sweep: str = SWEEP) -> set[str]:
        """Return the outputs that ABC does not find equal, with zeros for what the Verilog leaves undefined."""
        self._run("miter -equiv -flatten -make_outcmp gold gate miter")
        self._in_module("miter", "setundef -zero", "techmap", "opt", f"abc -g AND -script {sweep}", "opt_clean")
        compared = {name for name in self._selected("miter/o:*") if name.startswith(COMPARED)}
        equal = {name for name, source in sources(self._module("miter")).items() if source == ONE}
        self._run("delete miter")
        return {name.removeprefix(COMPARED) for name in compared - equal}

    def keep_outputs(self, kept: set[str]) -> None:
        """Take all other outputs, and what only they depend on, out of both designs."""
        others = [f"{module}/{name}" for module in ("gold", "gate") for name in self._selected(f"{module}/o:*") - kept]
        (self._folder / "others").write_text("".join(f"{name}\n" for name in others))
        self._commands(f"select -read {self._folder / 'others'}", "delete -port", "select -clear", "opt_clean -purge")

    def prove(self, options: str = "") -> bool | None:
        """Whether no input makes an output of the two designs differ, unless the Verilog leaves it undefined.

        None if that takes too long to find out.
        """
        # With undefined values the solver takes twice as much. Without them they have to be zeros, which some netlists
        # equal: to the solver every zero of the Verilog would be an undefined value that the comparison leaves out.
        self._run("miter -equiv -flatten -make_outputs gold gate miter")
        self._in_module("miter", "setundef -zero")
        proven = self._no_difference(options)
        self._run("delete miter")
        if proven is False:
            self._run("miter -equiv -flatten -ignore_gold_x -make_outputs gold gate miter")
            proven = self._no_difference(f"-enable_undef -set-def-inputs {options}")
            self._run("delete miter")
        return proven

    def _no_difference(self, options: str) -> bool | None:
        self._run(f"sat -timeout {SECONDS} -prove trigger 0 {options} miter", output="proof")
        said = (self._folder / "proof").read_text()
        if "SAT proof finished" not in said:
            return None
        return EQUAL in said


def _wire(module: yosys.Module, name: str) -> yosys.Wire:
    return module.wire(yosys.IdString(f"\\{name}"))


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
        `booth`, `full_adders` and `gates`, as of `Check`.

    Returns
    -------
    dict
        `proven`: whether no difference was found; None if that was not decided. `cycles`: for how many clock cycles;
        None stands for any number, from any state. `reset`: what was held for a cycle before; None if nothing was.
    """
    by_state = Check(source, folder, cut=True, **options)
    if by_state.match_registers():
        unequal = by_state.unequal_outputs(sweep)
        by_state.keep_outputs(unequal)
        if not unequal or by_state.prove():
            return {"proven": True, "cycles": None, "reset": None}
    bounded = Check(source, folder, cut=False, **options)
    reset = reset or bounded.reset
    held = f"-set-at 1 in_{reset.removeprefix('!')} {int(reset[0] != '!')} -prove-skip 1" if reset else ""
    for cycles in CYCLES:
        proven = bounded.prove(f"-seq {cycles + bool(reset)} -set-init-zero {held}")
        if proven is False and reset is None and not by_state.one_to_one:
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
