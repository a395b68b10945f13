"""What a memory is made of in silicon: SRAM macros, latches or flip-flops, whichever take the least area.

A macro has one port, a memory of `rtl/blocks` two. Where both may be used in one cycle there are two copies of the
macros, and a bit of each word tells which copy holds it: a write goes to the copy that is not read (a live value table,
as in C. E. LaForest and J. G. Steffan, "Efficient multi-ported memories for FPGAs", FPGA 2010, with two banks).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import inf

from silicodec.asic.macros import Macro

FLIP_FLOPS, LATCHES, MACROS = "flip-flops", "latches", "macros"
KINDS = (FLIP_FLOPS, LATCHES, MACROS)
ESTIMATES = {
    FLIP_FLOPS: (27.8, 27.9, 20.0),
    LATCHES: (22.9, 26.5, 41.0),
}
"""Kind -> square micrometres a bit, a word and a bit of the width, with which the planner estimates areas.

A fit, good to 4 %, to memories of 2 x 8 to 128 x 64 that were synthesised with gated clocks at 3 ns. Latches begin to
pay from 5 words on.
"""
CORE_FILLED = 0.7
"""Share of a core that cells fill, when their area is compared with that of macros: those take their whole outline."""
LIVE_UM2 = 50.0
"""Square micrometres a bit of the table that tells which copy holds a word, with what chooses by it, measured alike."""


@dataclass(frozen=True)
class MemoryShape:
    """What a memory has to do.

    Parameters
    ----------
    words, bits : int
        Words, and bits of each.
    mask_bits : int
        So many bits of a word are written or kept together; the whole word by default.
    shared_port : bool
        Whether it is never written and read in the same cycle, so that one port is enough.
    """

    words: int
    bits: int
    mask_bits: int | None = None
    shared_port: bool = False

    @property
    def size(self) -> int:
        """Its bits."""
        return self.words * self.bits

    @property
    def name(self) -> str:
        """Name of the module that is such a memory."""
        mask = f"m{self.mask_bits}" if self.mask_bits else ""
        return f"memory_{self.words}x{self.bits}{mask}{'s' if self.shared_port else ''}"


@dataclass(frozen=True)
class Row:
    """Macros side by side, of the same number of words, which hold the words from `first` on; the widest are first."""

    first: int
    macros: tuple[Macro, ...]

    @property
    def words(self) -> int:
        """Words of each."""
        return self.macros[0].words


@dataclass(frozen=True)
class Plan:
    """What a memory is made of.

    Parameters
    ----------
    shape : MemoryShape
        The memory.
    kind : str
        One of `KINDS`.
    rows : tuple of Row
        The macros of one copy, if it is made of such.
    estimate_um2 : float
        Estimated area of macros and cells, in square micrometres.
    """

    shape: MemoryShape
    kind: str
    rows: tuple[Row, ...]
    estimate_um2: float

    @property
    def copies(self) -> int:
        """How often the words are there."""
        return 2 if self.kind == MACROS and not self.shape.shared_port else 1

    @property
    def macros(self) -> dict[str, int]:
        """How many there are of each macro, in all copies."""
        names = Counter(macro.name for row in self.rows for macro in row.macros)
        return {name: count * self.copies for name, count in sorted(names.items())}

    @property
    def macro_area_um2(self) -> float:
        """Area of all macros in square micrometres."""
        return self.copies * sum(macro.area_um2 for row in self.rows for macro in row.macros)

    @property
    def place_um2(self) -> float:
        """Area that it takes up in a layout, by which plans are compared."""
        return self.macro_area_um2 + (self.estimate_um2 - self.macro_area_um2) / CORE_FILLED

    @property
    def leftover_bits(self) -> int:
        """Bits of one copy's macros that nothing uses."""
        bits = sum(row.words * macro.bits for row in self.rows for macro in row.macros)
        return bits - self.shape.size if self.rows else 0


def plan_memory(shape: MemoryShape, macros: Mapping[str, Macro], *, kinds: Iterable[str] = KINDS) -> Plan:
    """Find what takes the least area, and of macros that take the same, leaves the fewest bits over.

    Parameters
    ----------
    shape : MemoryShape
        The memory.
    macros : dict of str to Macro
        The macros there are, by name.
    kinds : iterable of str
        What it may be made of.

    Raises
    ------
    ValueError
        If it can be made of none of these.

    Examples
    --------
    >>> big, small = Macro("big", 64, 32, area_um2=60e3), Macro("small", 64, 8, area_um2=20e3)
    >>> plan = plan_memory(MemoryShape(64, 40, shared_port=True), {"big": big, "small": small})
    >>> plan.macros, plan.leftover_bits
    ({'big': 1, 'small': 1}, 0)
    """
    plans = [Plan(shape, kind, (), estimate(shape, kind)) for kind in kinds if kind != MACROS]
    # Copies are whole words: a part written to one would leave the rest in the other.
    whole = shape.shared_port or shape.mask_bits is None
    if MACROS in kinds and whole and (rows := compose(shape, macros)):
        table = 0.0 if shape.shared_port else LIVE_UM2 * shape.words
        plans.append(Plan(shape, MACROS, rows, table + Plan(shape, MACROS, rows, 0.0).macro_area_um2))
    if not plans:
        raise ValueError(f"a memory of {shape.words} words of {shape.bits} bits cannot be made of {', '.join(kinds)}")
    return min(plans, key=lambda plan: plan.place_um2)


def estimate(shape: MemoryShape, kind: str) -> float:
    """Estimate the area in square micrometres of a memory of flip-flops or latches."""
    bit, word, column = ESTIMATES[kind]
    return bit * shape.size + word * shape.words + column * shape.bits


def compose(shape: MemoryShape, macros: Mapping[str, Macro]) -> tuple[Row, ...]:
    """Put a memory together from rows of macros, the deepest first; empty if there are no macros that fit."""
    fitting = [macro for macro in macros.values() if _masks(macro, shape)]
    rows = {words: _row(words, shape.bits, fitting) for words in sorted({macro.words for macro in fitting})}

    @cache
    def best(words: int) -> tuple[tuple[float, int], tuple[int, ...]]:
        """Return area and bits of the best rows for so many words, and their depths."""
        if words <= 0:
            return (0.0, 0), ()
        options = []
        for depth, (cost, _) in rows.items():
            rest, depths = best(words - depth)
            if not depths or depths[0] <= depth:
                options.append(((cost[0] + rest[0], cost[1] + rest[1]), (depth, *depths)))
        return min(options, default=((inf, 0), ()))

    first, result = 0, []
    for depth in best(shape.words)[1]:
        result.append(Row(first, rows[depth][1]))
        first += depth
    return tuple(result)


def _masks(macro: Macro, shape: MemoryShape) -> bool:
    """Whether a macro can write the parts that the memory writes."""
    return shape.mask_bits is None or (macro.masks > 1 and shape.mask_bits % (macro.bits // macro.masks) == 0)


def _row(words: int, bits: int, macros: Iterable[Macro]) -> tuple[tuple[float, int], tuple[Macro, ...]]:
    """Return the best macros of so many words for a width, the widest first, with their area and bits."""
    some = [macro for macro in macros if macro.words == words]

    @cache
    def best(missing: int) -> tuple[tuple[float, int], tuple[str, ...]]:
        if missing <= 0:
            return (0.0, 0), ()
        options = []
        for macro in some:
            (area, size), names = best(missing - macro.bits)
            options.append(((area + macro.area_um2, size + words * macro.bits), (*names, macro.name)))
        return min(options)

    cost, names = best(bits)
    chosen = sorted((macro for name in names for macro in some if macro.name == name), key=lambda macro: -macro.bits)
    return cost, tuple(chosen)
