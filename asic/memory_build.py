"""Memories that were left outside a netlist, built: what each is made of, its area, and the energy of an access."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from silicodec.asic.macros import Macro, read_macros
from silicodec.asic.memory_plan import FLIP_FLOPS, KINDS, MACROS, MemoryShape, Plan, Row, plan_memory
from silicodec.asic.memory_verilog import CELLS, macro_boxes, memory_verilog
from silicodec.asic.pdk import FROM_MEMORY, TO_MEMORY
from silicodec.asic.statistics import Statistics
from silicodec.rtl.source import Source

MOST_BITS, MOST_TABLE = 8192, 512
"""Memories of cells of more bits, and macros' tables of more words, are estimated: synthesis would take minutes."""
MACRO_CORNER = "typical corner, 1.8 V, 25 C"
"""Corner of the macros' figures."""
OTHER_CORNERS = "slow: macros at 1.60 V, 100 C, cells at 1.40 V, -40 C; fast: 1.95 V, -40 C and 1.95 V, 100 C"
"""Why there are no figures of memories at other corners."""
Synthesis = Callable[[str, Path], Statistics]
"""Synthesises a module that is staged in a folder."""


@dataclass(frozen=True)
class BuiltMemory:
    """Memories of one shape, as they are built; figures are of one of them, at `MACRO_CORNER`.

    Parameters
    ----------
    names : list of str
        Their names in the Verilog.
    words, bits, mask_bits, shared_port
        As of `MemoryShape`.
    kind : str
        Of `silicodec.asic.memory_plan.KINDS`.
    copies : int
        How often the words are there: twice where macros of one port serve two.
    macros : dict of str to int
        Macros by name, in all copies.
    leftover_bits : int
        Bits of one copy's macros that nothing uses.
    macro_area_um2, cell_area_um2 : float
        Area of the macros, and of the cells around them or in place of them, in square micrometres.
    estimated : bool
        Whether the area of the cells is an estimate, since synthesis would take minutes.
    access_ns, setup_ns, least_period_ns : float or None
        Of the macros: from the clock to data at 33 fF, setup time of inputs, shortest clock period, in nanoseconds.
    idle_pj, accessed_idle_pj, read_pj, write_pj : float or None
        Energy in picojoules of a clock cycle: of all macros without access; of those that an access meets, without it,
        with a read, and with a write. Cells' are not known.
    uncharacterised : list of str
        Macros whose library lacks the energy of a read or a write; that of the other one was taken.
    corners : str
        Corners for which there are no figures, and why.
    """

    names: list[str]
    words: int
    bits: int
    mask_bits: int | None
    shared_port: bool
    kind: str
    copies: int
    macros: dict[str, int]
    leftover_bits: int
    macro_area_um2: float
    cell_area_um2: float
    estimated: bool
    access_ns: float | None
    setup_ns: float | None
    least_period_ns: float | None
    idle_pj: float | None
    accessed_idle_pj: float | None
    read_pj: float | None
    write_pj: float | None
    uncharacterised: list[str]
    corners: str | None

    @property
    def area_um2(self) -> float:
        """Area of one memory, in square micrometres."""
        return self.macro_area_um2 + self.cell_area_um2

    @property
    def total_um2(self) -> float:
        """Area of all memories of the shape, in square micrometres."""
        return self.area_um2 * len(self.names)

    @property
    def total_bits(self) -> int:
        """Bits of all memories of the shape."""
        return self.words * self.bits * len(self.names)


def build_memories(
    memories: Iterable[Mapping[str, Any]], synthesis: Synthesis, macros: Mapping[str, Macro] | None = None
) -> list[BuiltMemory]:
    """Build memories, those of one shape once, the largest first.

    Parameters
    ----------
    memories : iterable of dict
        Fields of `silicodec.asic.memories.OutsideMemory`.
    synthesis : callable
        Synthesises a module that is staged in a folder.
    macros : dict of str to Macro, optional
        By default those in the folder of `SILICODEC_PDK`.
    """
    macros = read_macros() if macros is None else macros
    names: dict[tuple[MemoryShape, bool], list[str]] = {}
    for one in memories:
        shape = MemoryShape(one["words"], one["bits"], one["mask_bits"], one["shared_port"])
        names.setdefault((shape, one["usual"]), []).append(one["name"])
    built = [_build(some, shape, usual, macros, synthesis) for (shape, usual), some in names.items()]
    return sorted(built, key=lambda one: -one.total_um2)


def access_constraints(
    memories: Iterable[Mapping[str, Any]], built: Iterable[BuiltMemory], clock_port: str
) -> list[str]:
    """Return constraints (SDC) that let the access and setup times of macros count at the ports of their memories.

    Parameters
    ----------
    memories : iterable of dict
        Fields of `silicodec.asic.memories.OutsideMemory`, in the order of the ports.
    built : iterable of BuiltMemory
        The same, as they are built.
    clock_port : str
        Their clock.
    """
    of_name = {name: one for one in built for name in one.names}
    lines = []
    for number, memory in enumerate(memories):
        one = of_name[memory["name"]]
        if one.access_ns is not None:
            lines += [
                f"set_input_delay {one.access_ns} -clock {{{clock_port}}} [get_ports -quiet {FROM_MEMORY}{number}_*]",
                f"set_output_delay {one.setup_ns} -clock {{{clock_port}}} [get_ports -quiet {TO_MEMORY}{number}_*]",
            ]
    return lines


def _build(
    names: list[str], shape: MemoryShape, usual: bool, macros: Mapping[str, Macro], synthesis: Synthesis
) -> BuiltMemory:
    plan = plan_memory(shape, macros, kinds=KINDS if usual else (FLIP_FLOPS,))
    most = MOST_BITS if plan.kind != MACROS else MOST_TABLE * shape.bits
    estimated = not usual or (shape.size > most and (plan.kind != MACROS or plan.copies > 1))
    cells = plan.estimate_um2 - plan.macro_area_um2 if estimated else _cell_area(plan, synthesis)
    used = [macro for row in plan.rows for macro in row.macros]
    return BuiltMemory(
        names=names,
        words=shape.words,
        bits=shape.bits,
        mask_bits=shape.mask_bits,
        shared_port=shape.shared_port,
        kind=plan.kind,
        copies=plan.copies,
        macros=plan.macros,
        leftover_bits=plan.leftover_bits,
        macro_area_um2=round(plan.macro_area_um2, 1),
        cell_area_um2=round(cells, 1),
        estimated=estimated,
        access_ns=max((macro.access_ns for macro in used), default=None),
        setup_ns=max((macro.setup_ns for macro in used), default=None),
        least_period_ns=max((macro.period_ns for macro in used), default=None),
        **energies(plan),
        uncharacterised=sorted({macro.name for macro in used if None in (macro.read_pj, macro.write_pj)}),
        corners=OTHER_CORNERS if used else None,
    )


def _cell_area(plan: Plan, synthesis: Synthesis) -> float:
    """Area of the cells of a memory after synthesis."""
    used = {macro.name: macro for row in plan.rows for macro in row.macros}
    with tempfile.TemporaryDirectory(prefix="silicodec-") as folder:
        Source(plan.shape.name, text=memory_verilog(plan) + CELLS + macro_boxes(used.values())).stage(Path(folder))
        return synthesis(plan.shape.name, Path(folder)).area_um2


def energies(plan: Plan) -> dict[str, float | None]:
    """Return the energies in picojoules that `BuiltMemory` has; None where there are no macros.

    A word may be in any row: accesses are taken to meet rows as often as these have words.
    """
    if not plan.rows:
        return dict.fromkeys(("idle_pj", "accessed_idle_pj", "read_pj", "write_pj"))
    words = sum(row.words for row in plan.rows)

    def of_rows(*names: str) -> float:
        """Mean over the words, of the first of some energies that each macro has."""
        return sum(row.words * _of_row(row, names) for row in plan.rows) / words

    found = {
        "idle_pj": plan.copies * sum(_of_row(row, ("idle_pj",)) for row in plan.rows),
        "accessed_idle_pj": of_rows("idle_pj"),
        "read_pj": of_rows("read_pj", "write_pj"),
        "write_pj": of_rows("write_pj", "read_pj"),
    }
    return {name: round(energy, 4) for name, energy in found.items()}


def _of_row(row: Row, names: Sequence[str]) -> float:
    """Sum over the macros of a row the first of some energies that each has."""
    return sum(next((pj for name in names if (pj := getattr(macro, name)) is not None), 0.0) for macro in row.macros)
