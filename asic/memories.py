"""Memories of a design, left outside so that its logic alone is measured."""

from __future__ import annotations

from pyosys import libyosys as yosys

from silicodec.asic.pdk import FROM_MEMORY, TO_MEMORY

_DRIVEN = ("WR_ADDR", "WR_DATA", "WR_EN", "RD_ADDR", "RD_EN")
"""Pins of a memory that the logic drives."""


def has_memories(design: yosys.Design) -> bool:
    """Whether the design, as it was read, has arrays of words."""
    return any(dict(module.memories) for module in design.selected_modules())


def take_out_memories(design: yosys.Design) -> dict[str, int]:
    """Replace every memory that is written to by ports of the top module, and return the bits of each.

    Ports must be collected already (`memory -nomap`). Read-only memories remain: they are logic.
    """
    top = design.top_module()
    bits: dict[str, int] = {}
    for cell in list(top.selected_cells()):
        if cell.type.str() != "$mem_v2" or not _parameter(cell, "WR_PORTS"):
            continue
        number = len(bits)
        bits[cell.name.str().lstrip("\\")] = _parameter(cell, "SIZE") * _parameter(cell, "WIDTH")
        for pin in _DRIVEN:
            # A write enable comes once for each bit of a word.
            signal = cell.getPort(yosys.IdString(f"\\{pin}"))
            signal.sort_and_unify()
            wire = top.addWire(yosys.IdString(f"\\{TO_MEMORY}{number}_{pin.lower()}"), signal.size())
            wire.port_output = True
            top.connect(yosys.SigSpec(wire), signal)
        signal = cell.getPort(yosys.IdString("\\RD_DATA"))
        wire = top.addWire(yosys.IdString(f"\\{FROM_MEMORY}{number}_rd_data"), signal.size())
        wire.port_input = True
        top.connect(signal, yosys.SigSpec(wire))
        top.remove(cell)
    top.fixup_ports()
    return bits


def _parameter(cell: yosys.Cell, name: str) -> int:
    return int(cell.getParam(yosys.IdString(f"\\{name}")).as_int())
