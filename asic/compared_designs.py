"""The Verilog and the netlist that a formal check compares, brought to one form.

Each register of both can be cut in two: its input is one more output of the design then, and its output one more input.
"""

from __future__ import annotations

import json
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.cell_models import read_cells
from silicodec.asic.full_adders import chain_adders
from silicodec.asic.memories import take_out_memories
from silicodec.asic.pdk import BOXES
from silicodec.asic.resets import find_reset
from silicodec.asic.structure import sources
from silicodec.asic.ungating import take_out_clock_gates
from silicodec.asic.yosys_log import PassRunner, pass_runner
from silicodec.rtl.source import Source

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
HIDE_COPIES = "rename -hide w:_*_ t:$*dff* %co1:+[Q] %d"
"""Hides names such as _0123_ but for those of registers, which would else go by the name of a copy."""
SYNCHRONOUS = tuple(
    f"chtype -set $_SDFF{kind}_ t:$_DFF{kind}_"
    for edges in EDGES
    for value in "01"
    for kind in (f"_{edges}{value}", f"E_{edges}{value}N", f"E_{edges}{value}P")
)
"""Makes asynchronous resets synchronous."""
CUT_CELLS = "sky130_fd_sc_hd__dlx* sky130_fd_sc_hd__dlclkp*"
"""Latches, and the clock gates that open them: they are cut like registers."""


class ComparedDesigns:
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
        self.folder = folder
        outside = folder / "memories.json"
        self._memories = [one["name"] for one in json.loads(outside.read_text())] if outside.exists() else []
        self.design = yosys.Design()
        self.run: PassRunner = pass_runner(self.design, folder)
        self._cut = ["expose -evert-dff -dff"] if cut else []
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
        self.commands("design -copy-from gold -as gold gold", "design -copy-from gate -as gate gate")

    def commands(self, *commands: str) -> None:
        """Run Yosys' commands."""
        for command in commands:
            self.run(command)

    def _read_verilog(self, source: Source) -> None:
        # First of all that Yosys does: the order in which it adds up depends on what it has done before in a process,
        # and the netlist's synthesis did nothing before.
        self.commands(*source.yosys_commands(), "proc", "flatten", HIDE_COPIES, *self._arithmetic)
        if self._full_adders:
            chain_adders(self.design, self.run)
        if self._memories:
            self.commands("opt_dff", "opt_clean", "memory -nomap", "opt_clean")
            take_out_memories(self.design, self._memories)
        self.run("memory_map")
        self.commands("splitnets -ports", "simplemap t:$*dff*", *SYNCHRONOUS, "async2sync", "dffunmap")
        self.commands("opt_clean -purge", *self._cut, "opt_clean -purge", "setundef -undriven -undef")
        self.commands(f"rename {source.top} gold", "design -stash gold")

    def _look_at_verilog(self, source: Source) -> None:
        """Find the reset, and the names of each net."""
        top = source.top
        self.commands(*source.yosys_commands())
        if self._cut:
            # What synthesis finds to be one net tells which register of the netlist is which, and no more than that.
            # ABC is part of it: it makes one net, and so one register, of the lowest bits of a sum and of a difference.
            synth = f"synth -top {top} -flatten"
            self.commands("design -push-copy", f"{synth} -run begin:fine")
            if self._memories:
                take_out_memories(self.design, self._memories)
            self.commands(f"{synth} -run fine:", "splitnets -ports")
            self._sources = sources(self.design.top_module())
            self.run("design -pop")
        self.commands("proc", "flatten", "opt")
        self.reset = find_reset(self.design.top_module())
        self.run("design -reset")

    def _read_netlist(self, top: str, netlist: Path, name: str) -> None:
        read_cells(self.run, self.folder / "cells.lib")
        cells = self._modules()
        if (self.folder / BOXES).exists():
            self.run(f"read_verilog {self.folder / BOXES}")
        boxes = self._modules() - cells
        self.commands(f"read_verilog {netlist}", f"hierarchy -check -top {top}", "proc", "simplemap")
        # Names such as _0123_ come from Yosys; hidden, they leave their nets to the names of the Verilog.
        self.commands("splitnets -ports", f"select -module {top}", "rename -hide w:_*_", "flatten t:*df*", "simplemap")
        take_out_clock_gates(self.module(top))
        self.commands(
            *SYNCHRONOUS,
            "async2sync",
            "dffunmap",
            "simplemap",
            "rename -hide w:_*_.* w:*._*_.* w:*___*_.*",
            "opt_clean",
            *self._cut,
            "select -clear",
        )
        if boxes:
            self.run(f"blackbox {CUT_CELLS}")
        self.commands("flatten", "opt_clean -purge")
        if boxes:
            self.commands(f"expose -evert {top}/t:*", "opt_clean -purge")
        self.commands(f"rename {top} {name}", f"design -stash {name}")

    def _modules(self) -> set[str]:
        """Names of all modules."""
        return {name.str().removeprefix("\\") for name in self.design.modules_}

    def selected(self, selection: str) -> set[str]:
        """Names of the selected wires, without their module."""
        self.run(f"select -list {selection}", output="selected")
        lines = (self.folder / "selected").read_text().split()
        return {line.partition("/")[2] for line in lines if "/" in line}

    def in_module(self, module: str, *commands: str) -> None:
        """Run Yosys' commands in one module."""
        self.commands(f"select -module {module}", *commands, "select -clear")

    def module(self, name: str) -> yosys.Module:
        """Return a module."""
        return self.design.module(yosys.IdString(f"\\{name}"))

    def registers(self, module: str) -> set[str]:
        """Names of the registers that were cut."""
        return {name.removesuffix(".q") for name in self.selected(f"{module}/i:*.q")}

    def source(self, net: str) -> str:
        """Name of the net of the Verilog that a net is another name for."""
        while net in self._sources:
            net = self._sources[net]
        return net
