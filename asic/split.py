"""A design cut into its blocks, as a program of its own, so that each is synthesised by itself.

MyHDL gives one flat module, but names each process after the block it is in: `requantiser0_lane3_multiply`. All that
comes from processes whose names begin alike is one block, and becomes a module. Memories are left outside. Blocks
within a block that are alike and take products or long sums, as cells of an array, are modules of their own.

    python -m silicodec.asic.split

in the folder of a staged source leaves there `blocks.json`, the memories and the modules of each block,
`MODULE.v` of each of them, and that of the top module, which connects them.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from pyosys import libyosys as yosys

from silicodec.asic.memories import TO_MEMORIES, find_shared_ports, take_out_memories
from silicodec.asic.yosys_log import pass_runner
from silicodec.rtl.source import read_staged

OTHER = "other"
LONG_SUM = 16
"""Additions from which on a sum is long."""
_PROCESS = re.compile(r"^always\b.* begin: (\w+)|^assign (\w+)")
_BLOCK = re.compile(r"_*([a-z][a-z_]*?)\d+_(?:_*([a-z][a-z_]*?)(\d+)_)?")
_LINE = re.compile(r":(\d+)\.")
_SUBMODULE = yosys.IdString("\\submod")


class Place(NamedTuple):
    """A block, and the part of it: the name and number of a block in it."""

    block: str
    part: str = ""
    number: str = ""

    @property
    def piece(self) -> str:
        """The name of the part's own module."""
        return f"{self.block}_{self.part}{self.number}"


def place_of_lines(text: str) -> list[Place]:
    """Return the place that each line of a converted engine belongs to.

    Examples
    --------
    >>> place_of_lines("wire a;" + chr(10) + "always @(posedge clk) begin: array0_cell3_add")
    [Place(block='other', part='', number=''), Place(block='array', part='cell', number='3')]
    >>> place_of_lines("always @(posedge clk) begin: _field1_keep")
    [Place(block='field', part='', number='')]
    """
    result, place = [], Place(OTHER)
    for line in text.split("\n"):
        if found := _PROCESS.match(line):
            name = _BLOCK.match(found[1] or found[2])
            place = Place(*name.groups("")) if name else Place(OTHER)
        result.append(place)
    return result


def assign_places(top: yosys.Module, lines: Sequence[Place]) -> dict[str, Place]:
    """Return the place of each cell by its name; cells that Yosys added go with those that read them, or drive them."""
    places, rest = {}, []
    for cell in top.selected_cells():
        found = _LINE.search(cell.get_src_attribute())
        if found:
            places[cell.name.str()] = lines[int(found[1]) - 1]
        else:
            rest.append(cell)
    readers = _readers(top)
    drivers = {bit: cell.name.str() for cell in top.selected_cells() for bit in _bits(cell, output=True)}
    for cell in rest:
        reading = [places[name] for bit in _bits(cell, output=True) for name in readers[bit] if name in places]
        driving = [places[name] for bit in _bits(cell, output=False) if (name := drivers.get(bit)) in places]
        near = reading or driving or [Place(OTHER)]
        places[cell.name.str()] = near[0] if set(near) == {near[0]} else Place(near[0].block)
    return places


def divide(top: yosys.Module, places: dict[str, Place]) -> dict[str, str]:
    """Return the module of each cell: its block's, or that of one of several large parts that are alike."""
    kinds = Counter((places[cell.name.str()], cell.type.str()) for cell in top.selected_cells())
    large = {place for place, _ in kinds if kinds[place, "$mul"] or kinds[place, "$add"] >= LONG_SUM}
    alike = Counter((place.block, place.part) for place in large if place.part)
    own = {place for place in large if alike[place.block, place.part] > 1}
    return {name: place.piece if place in own else place.block for name, place in places.items()}


def _bits(cell: yosys.Cell, *, output: bool) -> list[tuple[str, int]]:
    """Return the bits that a cell drives, or that it reads but for clocks, by the names of their wires."""
    result = []
    for port, signal in dict(cell.connections_).items():
        if cell.output(port) == output and port.str() != "\\CLK":
            result += [(bit.wire.name.str(), bit.offset) for bit in signal.to_sigbit_vector() if bit.is_wire()]
    return result


def _readers(top: yosys.Module) -> dict[tuple[str, int], list[str]]:
    readers: dict[tuple[str, int], list[str]] = defaultdict(list)
    for cell in top.selected_cells():
        for bit in _bits(cell, output=False):
            readers[bit].append(cell.name.str())
    return readers


def main() -> None:
    """Cut up the design in the working folder."""
    folder = Path()
    source = read_staged(folder)
    design = yosys.Design()
    run = pass_runner(design, folder)
    for command in (*source.yosys_commands(), *TO_MEMORIES):
        run(command)
    memories = take_out_memories(design)
    # Of two names of a net, such as an output's, `submod` gives one to the block that drives it and the other to blocks
    # that read it, to which it would then come from nowhere: so each output gets a cell, which is kept until then.
    run("insbuf o:*")
    run("setattr -set keep 1 t:$_BUF_")
    top = design.top_module()
    places = assign_places(top, place_of_lines("".join(file.read_text() for file in source.files)))
    pieces = divide(top, places)
    for cell in top.selected_cells():
        cell.set_string_attribute(_SUBMODULE, pieces[cell.name.str()])
    run("submod")
    modules: dict[str, list[str]] = defaultdict(list)
    for block, piece in sorted({(places[name].block, piece) for name, piece in pieces.items()}):
        modules[block].append(f"{source.top}_{piece}")
    for module in [source.top, *(module for group in modules.values() for module in group)]:
        run(f"select {module}")
        run(f"write_verilog -noattr -selected {module}.v")
        run("select -clear")
    shared = find_shared_ports(source, folder)
    described = [asdict(replace(memory, shared_port=memory.name in shared)) for memory in memories]
    found = {"memories": described, "modules": modules}
    (folder / "blocks.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
