"""The whole netlist of an engine that was synthesised block by block, as a program of its own.

The blocks' netlists are connected. Nets of a large load, which are those between blocks, get buffers, and flip-flops
that drive more than a few gates are taken larger, as a tool does that sees the whole. Clocks are left ideal. Usage:

    python -m silicodec.asic.assembly TOP

in a folder with `cells.lib` and `blocks.v`, the netlists of all modules, leaves there `netlist.v`, in which a cell of
module M is named `M__...`, and `repair.json`: the area that this adds, in square micrometres.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.pdk import OUTPUT_LOAD_FF
from silicodec.asic.statistics import FLIP_FLOP, read_cell_areas
from silicodec.asic.yosys_log import pass_runner

LOAD_PF = 0.12
"""Load of a net from which on it gets buffers."""
BUFFER, SMALL_BUFFER = "sky130_fd_sc_hd__buf_8", "sky130_fd_sc_hd__buf_4"
SIZES_PF = (("_4", 0.05), ("_2", 0.015))
"""Sizes of flip-flops, and the load from which on each is taken."""
_ESCAPED = re.compile(r"\\(\S+)\s")
_CELL = re.compile(r"^  (sky130_fd_sc_hd__\w+) (\S+)\s*\(\n(.*?)\n  \);\n", re.MULTILINE | re.DOTALL)
_PIN = re.compile(r"\.(\w+)\(([^)]*)\)")
_ASSIGN = re.compile(r"^  assign (\S+)\s*= (\S+?)\s*;\n", re.MULTILINE)
_OUTPUT = re.compile(r"^  output (\S+?)\s*;", re.MULTILINE)
_LIBERTY = re.compile(
    r'^\s*(?:cell \("(?P<cell>\w+)"\)|pin \("(?P<pin>\w+)"\)|capacitance : (?P<load>[\d.]+)'
    r'|direction : "(?P<way>\w+)")',
    re.MULTILINE,
)


@dataclass
class Cell:
    """A cell of the netlist: its type, its name, and the net at each of its pins."""

    kind: str
    name: str
    nets: dict[str, str]


class Library:
    """What matters of the cells: areas, loads of inputs in picofarads, and which pins are outputs."""

    def __init__(self, liberty: str) -> None:
        self.areas = read_cell_areas(liberty)
        self.loads: dict[tuple[str, str], float] = {}
        self.outputs: set[tuple[str, str]] = set()
        cell = pin = ""
        for found in _LIBERTY.finditer(liberty):
            cell, pin = found["cell"] or cell, found["pin"] or ("" if found["cell"] else pin)
            if pin and found["load"]:
                self.loads.setdefault((cell, pin), float(found["load"]))
            elif pin and found["way"] == "output":
                self.outputs.add((cell, pin))


class Netlist:
    """A flat netlist of one-bit nets, as Yosys writes it, whose nets can be buffered.

    Parameters
    ----------
    text : str
        Verilog.
    library : Library
        Its cells.
    """

    def __init__(self, text: str, library: Library) -> None:
        text = _ESCAPED.sub(lambda name: re.sub(r"\W", "_", name[1].replace(".", "__")) + " ", text)
        self._library = library
        self._cells = [Cell(kind, name, _nets(pins)) for kind, name, pins in _CELL.findall(text)]
        rest = _CELL.sub("", text)
        # Outputs that share a net are cells without a type.
        self._cells += [Cell("", target, {"A": source}) for target, source in _ASSIGN.findall(rest)]
        self._frame = _ASSIGN.sub("", rest).rstrip().removesuffix("endmodule")
        self._outputs = set(_OUTPUT.findall(rest))
        self.buffers = 0
        self.added_um2 = 0.0

    def repair(self) -> None:
        """Buffer the nets of a large load, and take larger flip-flops."""
        sinks: dict[str, list[tuple[Cell, str]]] = defaultdict(list)
        drivers: dict[str, Cell] = {}
        for cell in self._cells:
            for pin, net in cell.nets.items():
                if (cell.kind, pin) in self._library.outputs:
                    drivers[net] = cell
                elif pin != "CLK" and not net.startswith("1'"):
                    sinks[net].append((cell, pin))
        for net, driven in sinks.items():
            load = self._buffered(net, driven) + (OUTPUT_LOAD_FF / 1000 if net in self._outputs else 0)
            if (driver := drivers.get(net)) and FLIP_FLOP.fullmatch(driver.kind):
                self._enlarge(driver, load)

    def _load(self, sinks: list[tuple[Cell, str]]) -> float:
        return sum(self._library.loads[cell.kind, pin] if cell.kind else OUTPUT_LOAD_FF / 1000 for cell, pin in sinks)

    def _buffered(self, net: str, sinks: list[tuple[Cell, str]]) -> float:
        """Put levels of buffers between a net and its sinks, and return the load that is left."""
        while (load := self._load(sinks)) > LOAD_PF:
            parts: list[list[tuple[Cell, str]]] = [[]]
            for sink in sorted(sinks, key=lambda sink: sink[0].name):
                if parts[-1] and self._load([*parts[-1], sink]) > LOAD_PF:
                    parts.append([])
                parts[-1].append(sink)
            if len(parts) >= len(sinks):
                break
            sinks = [self._buffer(net, part) for part in parts]
        return load

    def _buffer(self, net: str, sinks: list[tuple[Cell, str]]) -> tuple[Cell, str]:
        kind = BUFFER if self._load(sinks) > LOAD_PF / 2 else SMALL_BUFFER
        output = f"buffered_{self.buffers}"
        for cell, pin in sinks:
            cell.nets[pin] = output
        self._cells.append(Cell(kind, f"buffer_{self.buffers}", {"A": net, "X": output}))
        self.buffers += 1
        self.added_um2 += self._library.areas[kind]
        return self._cells[-1], "A"

    def _enlarge(self, cell: Cell, load: float) -> None:
        size = next((size for size, least in SIZES_PF if load > least), "_1")
        larger = cell.kind.removesuffix("_1") + size
        if cell.kind.endswith("_1") and larger in self._library.areas:
            self.added_um2 += self._library.areas[larger] - self._library.areas[cell.kind]
            cell.kind = larger

    def verilog(self) -> str:
        """Return it as Verilog."""
        lines = [self._frame, *(f"  wire buffered_{n};\n" for n in range(self.buffers))]
        for cell in self._cells:
            if cell.kind:
                pins = ", ".join(f".{pin}({net} )" for pin, net in cell.nets.items())
                lines.append(f"  {cell.kind} {cell.name} ({pins});\n")
            else:
                lines.append(f"  assign {cell.name} = {cell.nets['A']};\n")
        return "".join([*lines, "endmodule\n"])


def _nets(pins: str) -> dict[str, str]:
    return {pin: net.strip() for pin, net in _PIN.findall(pins)}


def main() -> None:
    """Connect the blocks in the working folder."""
    folder, top = Path(), sys.argv[1]
    run = pass_runner(yosys.Design(), folder)
    for command in (
        *("read_liberty -lib cells.lib", "read_verilog blocks.v", f"hierarchy -check -top {top}", "flatten"),
        *("splitnets -ports", "opt_clean -purge", "write_verilog -noattr -noexpr -nohex flat.v"),
    ):
        run(command)
    netlist = Netlist((folder / "flat.v").read_text(), Library((folder / "cells.lib").read_text()))
    netlist.repair()
    (folder / "netlist.v").write_text(netlist.verilog())
    (folder / "repair.json").write_text(json.dumps({"area_um2": netlist.added_um2}))


if __name__ == "__main__":
    main()
