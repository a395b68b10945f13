"""Codes of the dictionary format: what a layout makes of them, and the layout that suits a packet.

The format is described in `docs/formats/dictionary.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import chain, combinations, product, repeat
from typing import NamedTuple, Self

import numpy as np

from .errors import CorruptDataError

CLASSES = 3
"""Classes of codes that a layout defines."""
LAYOUT_BITS = 24
MAX_LITERAL_WIDTH = 2
"""Widest field of a literal: it leaves out at most three planes."""
SPARE_SLOTS = 2
"""Slots that entries without a code of their own are stored in, in turn: a decoder in hardware loses a cycle where one
slot is stored twice in succession."""


class Kind(IntEnum):
    """What a code stands for; up to LITERAL as numbered in a layout."""

    UNUSED = 0
    ZEROS = 1
    SLOT = 2
    LITERAL = 3
    STORE = 4
    END = 5


class CodeClass(NamedTuple):
    """A class of codes: what they stand for, and the bits of their field."""

    kind: Kind
    width: int


class CodeTable(NamedTuple):
    """What begins with each string of `code_bits` bits: arrays of (2**code_bits,).

    Attributes
    ----------
    kind, length : numpy.ndarray
        `Kind` of the code, and its bits.
    entries : numpy.ndarray
        How many entries it stands for.
    slot : numpy.ndarray
        The slot that it reads or stores; for runs of zeros the one behind the last, which nothing is stored in.
    planes : numpy.ndarray
        The planes of its literal.
    """

    kind: np.ndarray
    length: np.ndarray
    entries: np.ndarray
    slot: np.ndarray
    planes: np.ndarray


class RunCodes(NamedTuple):
    """How runs of zeros are coded: by codes of a wide field, and what is left by the cheaper of these and narrow ones.

    Attributes
    ----------
    wide_field, wide_length : int
        Bits of the wider field, and of the whole code; 0 where zeros are no runs.
    narrow_field, narrow_length : int
        The same of the other class of zeros; if there is one class, that one again.
    """

    wide_field: int
    wide_length: int
    narrow_field: int
    narrow_length: int

    @classmethod
    def of(cls, prefixes: Sequence[int], widths: Sequence[int]) -> Self:
        """Take the classes of zeros, by the bits of their prefixes and of their fields."""
        codes = sorted((width, prefix + width) for prefix, width in zip(prefixes, widths, strict=True)) or [(0, 0)]
        return cls(*codes[-1], *codes[0])

    def nbits(self, lengths: np.ndarray) -> np.ndarray:
        """Count the bits of runs, by their lengths."""
        wide, rest = np.divmod(lengths, 1 << self.wide_field)
        return wide * self.wide_length + np.minimum(
            -(-rest >> self.narrow_field) * self.narrow_length, self.wide_length
        )


class EntryCodes(NamedTuple):
    """How each distinct entry is coded: arrays of (entries,).

    Attributes
    ----------
    in_runs : numpy.ndarray
        Whether it is coded as a run of zeros.
    slot : numpy.ndarray
        Slot in which its first occurrence is stored; 0 for none.
    value, length : numpy.ndarray
        Its code as a number, and the bits of that; where it has a slot, the code from the second occurrence on. 0
        where it is stored each time, in spare slots.
    spare_slots : numpy.ndarray
        Slots that no entry has, (2,) where any is stored each time.
    planes : numpy.ndarray
        Planes of its literal.
    runs : RunCodes
        Codes for runs of zeros.
    store_length : int
        Bits of the code of a stored literal.
    """

    in_runs: np.ndarray
    slot: np.ndarray
    value: np.ndarray
    length: np.ndarray
    spare_slots: np.ndarray
    planes: np.ndarray
    runs: RunCodes
    store_length: int


@dataclass(frozen=True)
class Layout:
    """How the codes of a packet are to be read.

    Attributes
    ----------
    classes : tuple of CodeClass
        The three classes.
    dropped_planes : int
        Low-order bits that are zero in every word.
    has_literals : bool
        Whether the literal stream has any bits.
    """

    classes: tuple[CodeClass, ...]
    dropped_planes: int
    has_literals: bool

    @property
    def word(self) -> int:
        """The layout's word of `LAYOUT_BITS` bits."""
        word = 0
        for kind, width in self.classes:
            word = word << 6 | kind << 4 | width
        return word << 6 | self.dropped_planes << 2 | self.has_literals << 1

    @classmethod
    def from_word(cls, word: int, *, word_bits: int, code_bits: int) -> Self:
        """Read a layout's word.

        Raises
        ------
        CorruptDataError
            If no layout has this word.
        """
        fields = [word >> shift & 63 for shift in (18, 12, 6)]
        classes = tuple(CodeClass(Kind(field >> 4), field & 15) for field in fields)
        for prefix, (kind, width) in enumerate(classes, start=1):
            if width > max_width(kind, prefix, code_bits):
                raise CorruptDataError(f"layout has a class of {kind.name.lower()} codes with fields of {width} bits")
        layout = cls(classes, word >> 2 & 15, bool(word & 2))
        if layout.dropped_planes >= word_bits:
            raise CorruptDataError(f"layout drops {layout.dropped_planes} planes of {word_bits}")
        if word & 1:
            raise CorruptDataError("layout's last bit is one")
        return layout

    def table(self, code_bits: int, word_bits: int) -> CodeTable:
        """Tabulate the codes, for a reader that looks `code_bits` bits ahead."""
        ahead = np.arange(1 << code_bits)
        slots = 1 << (code_bits - CLASSES)
        all_planes = word_bits - self.dropped_planes
        kind = np.full(ahead.size, Kind.STORE)
        length = np.full(ahead.size, code_bits)
        entries = np.ones(ahead.size, np.int64)
        slot = ahead % slots
        planes = np.full(ahead.size, all_planes)
        kind[0] = Kind.END
        for prefix, (kind_of_class, width) in enumerate(self.classes, start=1):
            members = np.flatnonzero(ahead >> (code_bits - prefix) == 1)
            number = members >> (code_bits - prefix - width)
            field = number - (1 << width)
            kind[members] = kind_of_class
            length[members] = prefix + width
            if kind_of_class == Kind.ZEROS:
                entries[members] = field + 1
                slot[members] = slots
            elif kind_of_class == Kind.SLOT:
                slot[members] = number % slots
            elif kind_of_class == Kind.LITERAL:
                kind[members[field >= all_planes]] = Kind.UNUSED
                planes[members] = all_planes - field
        planes[(kind != Kind.LITERAL) & (kind != Kind.STORE)] = 0
        return CodeTable(kind.astype(np.uint8), length.astype(np.uint8), entries, slot, planes)


def max_width(kind: Kind, prefix: int, code_bits: int) -> int:
    """Return the widest field that a class may have, whose codes begin with `prefix` bits."""
    return {
        Kind.UNUSED: 0,
        Kind.ZEROS: code_bits - prefix,
        Kind.SLOT: code_bits - CLASSES,
        Kind.LITERAL: MAX_LITERAL_WIDTH,
    }[kind]


@dataclass(frozen=True, eq=False)
class Statistics:
    """What the choice of codes rests on.

    Attributes
    ----------
    counts : numpy.ndarray
        How often each distinct entry occurs, most frequent first, (entries,).
    planes : numpy.ndarray
        Planes that a literal of it needs, (entries,).
    is_zero : numpy.ndarray
        Whether it is the entry of zeros, (entries,).
    zero_runs : numpy.ndarray
        Lengths of the runs of entries of zeros.
    entry_size, code_bits : int
        As in the format.
    all_planes : int
        Planes of a literal that leaves out none.
    """

    counts: np.ndarray
    planes: np.ndarray
    is_zero: np.ndarray
    zero_runs: np.ndarray
    entry_size: int
    code_bits: int
    all_planes: int

    @property
    def slot_bits(self) -> int:
        """Bits of a slot's number."""
        return self.code_bits - CLASSES

    @property
    def store_bits(self) -> int:
        """Bits of a stored literal and its code."""
        return self.code_bits + self.entry_size * self.all_planes

    @cached_property
    def best_runs(self) -> dict[tuple[int, ...], tuple[int, tuple[int, ...]]]:
        """The fewest bits for the runs of zeros and the widths for it, by the prefixes of the classes of zeros."""
        lengths, counts = np.unique(self.zero_runs, return_counts=True)
        best: dict[tuple[int, ...], tuple[int, tuple[int, ...]]] = {(): (0, ())}
        for prefixes in chain.from_iterable(combinations(range(1, CLASSES + 1), count) for count in (1, 2)):
            most = [max_width(Kind.ZEROS, prefix, self.code_bits) for prefix in prefixes]
            best[prefixes] = min(
                (int(counts @ RunCodes.of(prefixes, widths).nbits(lengths)), widths)
                for widths in product(*(range(width + 1) for width in most))
            )
        return best

    @cached_property
    def ranked(self) -> dict[bool, RankedCosts]:
        """Costs of the entries that are no runs, by whether zeros are runs."""
        everything = np.arange(self.counts.size)
        return {False: RankedCosts(self, everything), True: RankedCosts(self, everything[~self.is_zero])}


class RankedCosts:
    """Bits of the entries that are no run, in sums over the most and the least frequent ones.

    Attributes
    ----------
    entries : numpy.ndarray
        Indices of the entries, most frequent first.
    """

    def __init__(self, statistics: Statistics, entries: np.ndarray) -> None:
        self.entries = entries
        counts = statistics.counts[entries]
        self._occurrences = np.concatenate([[0], np.cumsum(counts)])
        self._literals = []
        for width in range(MAX_LITERAL_WIDTH + 1):
            fewest = max(statistics.all_planes - (1 << width) + 1, 1)
            planes = np.maximum(statistics.planes[entries], fewest)
            costs = counts * (width + statistics.entry_size * planes)
            self._literals.append(np.concatenate([np.cumsum(costs[::-1])[::-1], [0]]))

    def repeated(self, start: int, stop: int) -> int:
        """Count the occurrences after the first one of the entries `start` to `stop` - 1."""
        return int(self._occurrences[stop] - self._occurrences[start]) - (stop - start)

    def occurrences(self, start: int) -> int:
        """Count the occurrences of all entries from `start` on."""
        return int(self._occurrences[-1] - self._occurrences[start])

    def literals(self, start: int, prefix: int) -> tuple[int, int]:
        """Return the fewest bits for all entries from `start` on as literals, and the width of the field for it."""
        bits, width = min((int(costs[start]), width) for width, costs in enumerate(self._literals))
        return bits + prefix * self.occurrences(start), width


class Plan(NamedTuple):
    """The classes for a packet, what they make of its entries, and the bits of codes and literals."""

    classes: tuple[CodeClass, ...]
    codes: EntryCodes
    nbits: int


def choose_plan(statistics: Statistics) -> Plan:
    """Find the classes that take the fewest bits for a packet."""
    nbits, kinds, widths = min(candidate for kinds in _KINDS for candidate in _candidates(statistics, kinds))
    classes = tuple(CodeClass(kind, width) for kind, width in zip(kinds, widths, strict=True))
    return Plan(classes, _entry_codes(statistics, classes), nbits)


def _entry_codes(statistics: Statistics, classes: tuple[CodeClass, ...]) -> EntryCodes:
    count = statistics.counts.size
    slot, value, length = (np.zeros(count, np.int64) for _ in range(3))
    planes = np.full(count, statistics.all_planes)
    has_zeros = any(kind == Kind.ZEROS for kind, _ in classes)
    remaining = statistics.ranked[has_zeros].entries
    for prefix, (kind, width) in enumerate(classes, start=1):
        if kind == Kind.SLOT:
            slots = _slots(width, statistics.slot_bits)
            chosen, remaining = remaining[: slots.size], remaining[slots.size :]
            slot[chosen] = slots[: chosen.size]
            value[chosen] = slot[chosen] | 1 << width
            length[chosen] = prefix + width
    for prefix, (kind, width) in enumerate(classes, start=1):
        if kind == Kind.LITERAL:
            left_out = np.minimum(statistics.all_planes - statistics.planes[remaining], (1 << width) - 1)
            value[remaining] = 1 << width | left_out
            length[remaining] = prefix + width
            planes[remaining] -= left_out
    zeros = [(prefix, width) for prefix, (kind, width) in enumerate(classes, start=1) if kind == Kind.ZEROS]
    return EntryCodes(
        in_runs=statistics.is_zero & has_zeros,
        slot=slot,
        value=value,
        length=length,
        spare_slots=np.setdiff1d(np.arange(1, 1 << statistics.slot_bits), slot)[:SPARE_SLOTS],
        planes=planes,
        runs=RunCodes.of([prefix for prefix, _ in zeros], [width for _, width in zeros]),
        store_length=statistics.code_bits,
    )


def _slots(width: int, slot_bits: int) -> np.ndarray:
    """Return the slots of a class."""
    slots = np.arange(1 << width, 2 << width) % (1 << slot_bits)
    return slots[slots > 0]


def _all_kinds() -> Iterator[tuple[Kind, ...]]:
    for kinds in product((Kind.SLOT, Kind.ZEROS, Kind.LITERAL, Kind.UNUSED), repeat=CLASSES):
        used = [kind for kind in kinds if kind != Kind.UNUSED]
        if kinds[: len(used)] == tuple(used) and used.count(Kind.ZEROS) <= 2 and used.count(Kind.LITERAL) <= 1:
            yield kinds


_KINDS = tuple(_all_kinds())


def _candidates(
    statistics: Statistics, kinds: tuple[Kind, ...]
) -> Iterator[tuple[int, tuple[Kind, ...], tuple[int, ...]]]:
    """Yield the bits for classes of these kinds with each choice of widths for slots, and the best other widths."""
    prefixes = {kind: tuple(p for p, of_class in enumerate(kinds, start=1) if of_class == kind) for kind in Kind}
    ranked = statistics.ranked[Kind.ZEROS in kinds]
    run_bits, run_widths = statistics.best_runs[prefixes[Kind.ZEROS]]
    for slot_widths in combinations(range(statistics.slot_bits + 1), len(prefixes[Kind.SLOT])):
        if len(slot_widths) > 1 and slot_widths[-1] == statistics.slot_bits:
            continue  # its slots are those of the other classes too
        total, start = run_bits, 0
        for prefix, width in zip(prefixes[Kind.SLOT], slot_widths, strict=True):
            stop = min(start + _slots(width, statistics.slot_bits).size, ranked.entries.size)
            total += (prefix + width) * ranked.repeated(start, stop)
            start = stop
        total += start * statistics.store_bits
        literal_width = 0
        if Kind.LITERAL in kinds:
            literals, literal_width = ranked.literals(start, *prefixes[Kind.LITERAL])
            total += literals
        elif start < ranked.entries.size:
            if start + SPARE_SLOTS >= 1 << statistics.slot_bits:
                continue
            total += ranked.occurrences(start) * statistics.store_bits
        widths = {Kind.ZEROS: iter(run_widths), Kind.SLOT: iter(slot_widths)}
        widths |= {Kind.LITERAL: repeat(literal_width), Kind.UNUSED: repeat(0)}
        yield total, kinds, tuple(next(widths[kind]) for kind in kinds)
