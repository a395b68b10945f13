"""Adders of the library's full adder cells: they take less area than the gates that ABC makes of adders, and more time.

The lowest bits of adders become chains of `fa_1`, and sums of three words and more rows of them. Above, carries go on
through ABC's gates, which take half the time. Short adders, as control has them, and comparisons keep Yosys' trees of
carries. Bits that need no whole full adder, for an operand is constant or an output unused, are left to ABC, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pyosys import libyosys as yosys

from silicodec.asic.yosys_log import PassRunner

TEMPLATE = Path(__file__).parent / "full_adders.v"
CELL = "sky130_fd_sc_hd__fa_1"
PINS = {"A": "A", "B": "B", "C": "CIN", "X": "COUT", "Y": "SUM"}
"""Ports of Yosys' `$fa` -> pins of the cell."""
LEAST_BITS = 8
"""Adders of fewer bits stay as they are, but for those whose operands or sums are those of longer ones."""
CHOSEN = "full_adders"
"""Attribute of the adders that are to become chains."""


class Adder(NamedTuple):
    """An adder, and the nets of its operands and of its sum."""

    cell: yosys.Cell
    operands: set[tuple[str, int]]
    sums: set[tuple[str, int]]

    def follows(self, other: Adder) -> bool:
        """Whether it adds a bit of the other one's sum."""
        return not self.operands.isdisjoint(other.sums)


def chain_adders(design: yosys.Design, run: PassRunner) -> None:
    """Turn the adders of a flat design into rows of full adders (`$fa`), in which each carry goes to the next bit.

    Parameters
    ----------
    design : Design
        What Yosys holds, after the coarse part of `synth`.
    run : PassRunner
        Runs passes on it.
    """
    module = design.top_module()
    for command in ("maccmap", "opt_clean"):
        run(command)
    for cell in _choose(module):
        cell.set_bool_attribute(yosys.IdString(f"\\{CHOSEN}"), True)
    for command in (f'techmap -map "{TEMPLATE}" a:{CHOSEN}', "opt_expr", "opt_clean"):
        run(command)


def place_full_adders(design: yosys.Design, run: PassRunner, liberty: Path, most: int) -> None:
    """Turn the adders of a flat design into full adder cells.

    Parameters
    ----------
    design, run : Design, PassRunner
        As of `chain_adders`.
    liberty : Path
        The cells' liberty file, not compressed.
    most : int
        How many cells an adder gets at most.
    """
    chain_adders(design, run)
    module = design.top_module()
    run(f"read_liberty -lib -ignore_miss_func {liberty}")
    read = _read_nets(module)
    for cell in module.selected_cells():
        if cell.type.str() == "$fa":
            _split(module, cell, read, most)


def _choose(module: yosys.Module) -> list[yosys.Cell]:
    """Return the adders that are to become chains: long ones, and short ones that add their sums, or the other way."""
    read = _read_nets(module)
    adders = [
        Adder(cell, {net for port in "AB" for net in _nets(_port(cell, port)) if net[0]}, {*_nets(_port(cell, "Y"))})
        for cell in module.selected_cells()
        if cell.type.str() == "$alu" and not read & {*_nets(_port(cell, "X")), *_nets(_port(cell, "CO"))}
    ]
    chosen = [adder for adder in adders if len(adder.sums) >= LEAST_BITS]
    short = [adder for adder in adders if len(adder.sums) < LEAST_BITS]
    while linked := [one for one in short if any(one.follows(other) or other.follows(one) for other in chosen)]:
        chosen += linked
        short = [one for one in short if one not in linked]
    return [adder.cell for adder in chosen]


def _nets(signal: yosys.SigSpec) -> list[tuple[str, int]]:
    """Return a wire's name and a place in it for each bit of a signal; no name and the value for constants."""
    return [
        (bit.wire.name.str(), bit.offset) if bit.is_wire() else ("", bit.data.value)
        for bit in signal.to_sigbit_vector()
    ]


def _port(cell: yosys.Cell, name: str) -> yosys.SigSpec:
    return cell.getPort(yosys.IdString(f"\\{name}"))


def _read_nets(module: yosys.Module) -> set[tuple[str, int]]:
    """Return the nets that a cell or an output reads."""
    pairs = (pair for connection in module.connections() for pair in zip(*map(_nets, connection), strict=True))
    behind = dict(pairs)
    outputs = {net for wire in module.selected_wires() if wire.port_output for net in _nets(yosys.SigSpec(wire))}
    read = outputs | {behind[net] for net in outputs & behind.keys()}
    for cell in module.selected_cells():
        for name, signal in dict(cell.connections()).items():
            if not cell.output(name):
                read.update(_nets(signal))
    return read


def _split(module: yosys.Module, cell: yosys.Cell, read: set[tuple[str, int]], most: int) -> None:
    """Replace a row of full adders by a cell for each bit, Yosys' own where the library's would be wasted."""
    row = {port: _port(cell, port) for port in PINS}
    placed = 0
    majority: dict[tuple[str, int], yosys.SigSpec] = {}
    for number in range(row["Y"].size()):
        ports = {port: signal.extract(number, 1) for port, signal in row.items()}
        ports["C"] = majority.get(_nets(ports["C"])[0], ports["C"])
        nets = {port: _nets(signal)[0] for port, signal in ports.items()}
        inputs = [nets[port] for port in "ABC"]
        # Two operands that are equal are the carry, as where both are extended by the same sign.
        for port in "ABC":
            if inputs.count(nets[port]) > 1:
                majority[nets["X"]] = ports[port]
        varied = len(set(inputs)) == 3 and all(name for name, _ in inputs)
        whole = varied and {nets["X"], nets["Y"]} <= read and placed < most
        placed += whole
        name, kind = f"{cell.name.str()}_{number}", f"\\{CELL}" if whole else "$fa"
        one = module.addCell(yosys.IdString(name), yosys.IdString(kind))
        if not whole:
            one.setParam(yosys.IdString("\\WIDTH"), yosys.Const(1))
        for port, pin in PINS.items():
            one.setPort(yosys.IdString(f"\\{pin if whole else port}"), ports[port])
    module.remove(cell)
