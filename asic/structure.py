"""What stands between a design and right figures: latches, loops, tri-state, black boxes, registers without a clock."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.yosys_log import pass_runner
from silicodec.rtl.source import Source

_LOOP = re.compile(r"found logic loop in module \S+\n(?:.*\n)*?\s+wire \\(\S+)", re.MULTILINE)
_UNDECLARED = re.compile(r"Identifier `\\(\S+)' is implicitly declared")
_UNDRIVEN = re.compile(r"Wire \S+?\.(\S+).* is used but has no driver")
MOST_NAMES = 4


class Structure:
    """A design in Yosys as it was written, flat; `check` ends the process with one line where it finds a fault.

    The design is read once more for this, because passes that run before synthesis change ABC's result.

    Parameters
    ----------
    source : Source
        The design, staged in `folder`, which is the working folder.
    folder : Path
        Takes the logs.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self._top, self._folder = source.top, folder
        self._design = yosys.Design()
        self._run = pass_runner(self._design, folder)
        read, *others = source.yosys_commands()
        self._run(read, output="reading")
        for command in (*others, "proc", "flatten", "opt_clean"):
            self._run(command)

    def check(self, clock_ports: Sequence[str], *, black_boxes: bool) -> None:
        """Exit with one line on standard error if the design cannot be measured.

        Parameters
        ----------
        clock_ports : sequence of str
            The clock inputs of the top module.
        black_boxes : bool
            Whether modules without content are left out; otherwise they are refused.
        """
        self._check_names()
        if latches := self._selected("t:$*latch* %co1:+[Q] t:* %d"):
            _fail(f"{latches[-1]} is a latch: give it a value in every branch, or clock it")
        self._run("check", output="loops")
        if loop := _LOOP.search((self._folder / "loops").read_text()):
            _fail(f"{self._top} has a combinational loop through {loop[1]}")
        boxes = self.black_boxes()
        if boxes and not black_boxes:
            _fail(f"{self._top} holds modules without content ({', '.join(boxes)}): `asic measure` leaves them out")
        self._check_clocks(clock_ports)
        self._check_tristate()

    def _check_names(self) -> None:
        """Refuse names that are not declared: to Yosys they are nets, and without a driver these may be anything."""
        undeclared = set(_UNDECLARED.findall((self._folder / "reading").read_text()))
        self._run("check", output="drivers")
        for wire in _UNDRIVEN.findall((self._folder / "drivers").read_text()):
            name = wire.rpartition(".")[2].removeprefix("\\")
            if name in undeclared:
                _fail(f"{name} is not declared")

    def black_boxes(self) -> dict[str, int]:
        """Return how often each module without content is instantiated."""
        counts: dict[str, int] = {}
        for cell in self._design.top_module().selected_cells():
            name = cell.type.str()
            if name.startswith("\\"):
                counts[name[1:]] = counts.get(name[1:], 0) + 1
        return dict(sorted(counts.items()))

    def _check_tristate(self) -> None:
        self._run("tribuf")
        if pads := self._selected("t:$tribuf %co1:+[Y] t:* %d"):
            _fail(f"{pads[-1]} is a tri-state signal: split it into an input, an output and its enable")

    def _check_clocks(self, clock_ports: Sequence[str]) -> None:
        """Make sure that a clock port clocks every register and memory."""
        clocked = self._clocked()
        inputs = self._selected("i:*")
        for port in clock_ports if clocked else ():
            if port not in inputs:
                _fail(f"{self._top} has no input {port!r} for a clock; its inputs are {', '.join(sorted(inputs))}")
        for clock, registers in clocked.items():
            behind = sorted(self._logic_behind(clock) & set(inputs))
            if set(behind) & set(clock_ports):
                continue
            named = sorted(name for name in registers if not name.startswith("$"))
            said = f"{self._top}: {_some(named) or 'a register'} is clocked by {clock}"
            if behind:
                _fail(f"{said}, which no clock port drives: give --clock-port {behind[-1]} as well")
            _fail(f"{said}, which a register drives: such a clock is not timed; measure what it clocks by itself")

    def _logic_behind(self, net: str) -> set[str]:
        """Return a net and all that it depends on without a register between."""
        feeds: dict[str, set[str]] = {}
        for cell in self._design.top_module().selected_cells():
            nets = pins(cell)
            if "CLK" not in nets and cell.type.str().startswith("$"):
                outputs = {name for name in nets if cell.output(yosys.IdString(f"\\{name}"))}
                sources = {source for name in nets.keys() - outputs for source in nets[name]}
                for driven in (driven for name in outputs for driven in nets[name]):
                    feeds.setdefault(driven, set()).update(sources)
        found, waiting = {net}, [net]
        while waiting:
            news = feeds.get(waiting.pop(), set()) - found
            found |= news
            waiting += news
        return found

    def _clocked(self) -> dict[str, set[str]]:
        """Return the names of the registers and memories by the net that clocks them."""
        clocked: dict[str, set[str]] = {}
        for cell in self._design.top_module().selected_cells():
            nets = pins(cell)
            for clock in nets.get("CLK", []):
                clocked.setdefault(clock, set()).update(nets.get("Q", [cell.name.str().removeprefix("\\")]))
        return {net: names for net, names in clocked.items() if not net.startswith("'")}

    def _selected(self, selection: str) -> list[str]:
        """Names of the selected objects, without their module, in order."""
        self._run(f"select -list {selection}", output="selected")
        lines = (self._folder / "selected").read_text().split()
        return [line.partition("/")[2] for line in lines if "/" in line]


def bits(signal: yosys.SigSpec) -> list[str]:
    """Names of the nets of a signal, a bit each; that of a constant bit begins with an apostrophe."""
    return [
        bit.wire.name.str().removeprefix("\\") if bit.is_wire() else f"'{bit.data.name}"
        for bit in signal.to_sigbit_vector()
    ]


def pins(cell: yosys.Cell) -> dict[str, list[str]]:
    """Return the nets at each pin of a cell, as `bits` names them."""
    return {name.str().removeprefix("\\"): bits(signal) for name, signal in cell.connections().items()}


def sources(module: yosys.Module) -> dict[str, str]:
    """Return the nets, of one bit each, that are no more than other names for a net or a constant, with that."""
    pairs = (pair for connection in module.connections() for pair in zip(*map(bits, connection), strict=True))
    return dict(pairs)


def _some(names: Sequence[str]) -> str:
    """Name the first few."""
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def _fail(reason: str) -> None:
    sys.exit(f"ERROR: {reason}")
