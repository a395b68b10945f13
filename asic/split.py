"""A design cut into its blocks, as a program of its own, so that each is synthesised by itself.

MyHDL gives one flat module, but names each process after the block it is in: `requantiser0_lane3_multiply`. All that
comes from processes whose names begin alike is one block, and becomes a module. Memories are left outside. A register
of an array that takes products is a piece of its own, with the logic that it alone takes: such pieces are alike.

    python -m silicodec.asic.split

in the folder of a staged source leaves there `blocks.json`, the bits of the memories and the modules of each block, and
`MODULE.v` of each of them.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.memories import take_out_memories
from silicodec.asic.yosys_log import pass_runner
from silicodec.rtl.source import read_staged

OTHER = "other"
_PROCESS = re.compile(r"^always\b.* begin: (\w+)|^assign (\w+)")
_BLOCK = re.compile(r"([a-z_]+?)\d+_")
_LINE = re.compile(r":(\d+)\.")
_NUMBER = re.compile(r"\[(\d+)\]$")
_SUBMODULE = yosys.IdString("\\submod")


def block_of_lines(text: str) -> list[str]:
    """Return the block that each line of a converted engine belongs to.

    Examples
    --------
    >>> block_of_lines("wire a;" + chr(10) + "always @(posedge clk) begin: adder0_add")
    ['other', 'adder']
    """
    result, block = [], OTHER
    for line in text.split("\n"):
        if found := _PROCESS.match(line):
            name = _BLOCK.match(found[1] or found[2])
            block = name[1] if name else OTHER
        result.append(block)
    return result


def assign_blocks(top: yosys.Module, lines: list[str]) -> dict[str, str]:
    """Return the block of each cell by its name; cells that Yosys added go with those that read them."""
    blocks, rest = {}, []
    for cell in top.selected_cells():
        found = _LINE.search(cell.get_src_attribute())
        if found:
            blocks[cell.name.str()] = lines[int(found[1]) - 1]
        else:
            rest.append(cell)
    readers = _readers(top)
    for cell in rest:
        reading = [blocks[name] for bit in _bits(cell, output=True) for name in readers[bit] if name in blocks]
        blocks[cell.name.str()] = reading[0] if reading else OTHER
    return blocks


def divide(top: yosys.Module, blocks: dict[str, str]) -> dict[str, str]:
    """Return the piece of each cell: of its block, or of one register of an array in it."""
    cells = {cell.name.str(): cell for cell in top.selected_cells()}
    drivers = {bit: name for name, cell in cells.items() for bit in _bits(cell, output=True)}
    numbers: dict[str, set[int]] = defaultdict(set)
    for name, cell in cells.items():
        if "ff" not in cell.type.str() or (number := _array_number(cell)) is None:
            continue
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if blocks[one] != blocks[name] or number in numbers[one] or (one != name and "ff" in cells[one].type.str()):
                continue
            numbers[one].add(number)
            waiting += [drivers[bit] for bit in _bits(cells[one], output=False) if bit in drivers]
    alone = {name: f"{blocks[name]}_{min(few)}" for name, few in numbers.items() if len(few) == 1}
    multiplying = {piece for name, piece in alone.items() if cells[name].type.str() == "$mul"}
    return {name: alone[name] if alone.get(name) in multiplying else block for name, block in blocks.items()}


def _array_number(cell: yosys.Cell) -> int | None:
    """Return which one of an array a register is."""
    signal = cell.getPort(yosys.IdString("\\Q"))
    found = _NUMBER.search(signal.as_wire().name.str()) if signal.is_wire() else None
    return int(found[1]) if found else None


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
    for command in source.yosys_commands():
        run(command)
    for command in ("proc", "flatten", "opt_expr", "opt_clean", "opt_dff", "memory -nomap", "opt_clean"):
        run(command)
    memories = take_out_memories(design)
    top = design.top_module()
    lines = block_of_lines("".join(file.read_text() for file in source.files))
    blocks = assign_blocks(top, lines)
    pieces = divide(top, blocks)
    for cell in top.selected_cells():
        cell.set_string_attribute(_SUBMODULE, pieces[cell.name.str()])
    run("submod")
    modules: dict[str, list[str]] = defaultdict(list)
    for name, piece in sorted(set(zip(blocks.values(), pieces.values(), strict=True))):
        module = f"{source.top}_{piece}"
        modules[name].append(module)
    for module in (module for group in modules.values() for module in group):
        run(f"select {module}")
        run(f"write_verilog -noattr -selected {module}.v")
        run("select -clear")
    (folder / "blocks.json").write_text(json.dumps({"memory_bits": memories, "modules": modules}))


if __name__ == "__main__":
    main()
