"""The layout of the dictionary format that suits a packet, and the codes of its entries.

The format is described in `docs/formats/dictionary.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations, product, repeat
from typing import NamedTuple

import numpy as np

from silicodec.models.dictionary.code import (
    CLASSES,
    MAX_LITERAL_WIDTH,
    CodeClass,
    EntryCodes,
    Kind,
    RunCodes,
    max_width,
    store_length,
)

SPARE_SLOTS = 2
"""Slots that entries without a code of their own are stored in, in turn: a decoder in hardware loses a cycle where one
slot is stored twice in succession."""

RunChoices = Mapping[tuple[int, ...], tuple[int, tuple[int, ...]]]
"""The fewest bits for units of zeros and the widths for it, by the prefixes of the classes of zeros."""


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
    trailing_zeros : int
        Length of the run that the packet ends with.
    entry_size, slot_bits, code_bits : int
        As in the format.
    all_planes : int
        Planes of a literal that leaves out none.
    """

    counts: np.ndarray
    planes: np.ndarray
    is_zero: np.ndarray
    zero_runs: np.ndarray
    trailing_zeros: int
    entry_size: int
    slot_bits: int
    code_bits: int
    all_planes: int

    @property
    def literal_bits(self) -> int:
        """Bits of a literal that leaves out no plane."""
        return self.entry_size * self.all_planes

    def run_choices(self, run_bits: int) -> RunChoices:
        """Choose the codes for what runs before an entry leave of the zeros."""
        lengths, counts = np.unique(self.zero_runs >> run_bits, return_counts=True)
        best: dict[tuple[int, ...], tuple[int, tuple[int, ...]]] = {}
        if not run_bits or not lengths.any():
            best[()] = 0, ()
        for prefixes in chain.from_iterable(combinations(range(1, CLASSES + 1), count) for count in (1, 2)):
            most = [max_width(Kind.ZEROS, prefix, 0, run_bits, self.code_bits) for prefix in prefixes]
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

    def literals(self, start: int, most: int) -> tuple[int, int]:
        """Return the fewest bits for all entries from `start` on as literals, and the width of the field for it.

        The field has `most` bits at most; prefix and run are not counted.
        """
        return min((int(costs[start]), width) for width, costs in enumerate(self._literals[: most + 1]))


class Plan(NamedTuple):
    """How to code a packet, and the bits of its codes and literals.

    Attributes
    ----------
    classes : tuple of CodeClass
    slot_bits, run_bits : int
        As in a layout.
    codes : EntryCodes
        What they make of the packet's entries.
    nbits : int
        Bits of codes and literals.
    """

    classes: tuple[CodeClass, ...]
    slot_bits: int
    run_bits: int
    codes: EntryCodes
    nbits: int


class _Candidate(NamedTuple):
    """A layout for a packet, in the order of preference."""

    nbits: int
    run_bits: int
    slot_bits: int
    kinds: tuple[Kind, ...]
    widths: tuple[int, ...]


def choose_plan(statistics: Statistics) -> Plan:
    """Find the layout that takes the fewest bits for a packet."""
    best = min(_candidates(statistics))
    classes = tuple(CodeClass(kind, width) for kind, width in zip(best.kinds, best.widths, strict=True))
    codes = _entry_codes(statistics, classes, best.slot_bits, best.run_bits)
    return Plan(classes, best.slot_bits, best.run_bits, codes, best.nbits)


def _entry_codes(statistics: Statistics, classes: tuple[CodeClass, ...], slot_bits: int, run_bits: int) -> EntryCodes:
    count = statistics.counts.size
    slot, value, length = (np.zeros(count, np.int64) for _ in range(3))
    planes = np.full(count, statistics.all_planes)
    zeros = [(prefix, width) for prefix, (kind, width) in enumerate(classes, start=1) if kind == Kind.ZEROS]
    in_runs = run_bits > 0 or len(zeros) > 0
    remaining = statistics.ranked[in_runs].entries
    for prefix, (kind, width) in enumerate(classes, start=1):
        if kind == Kind.SLOT:
            slots = _slots(width, slot_bits)
            chosen, remaining = remaining[: slots.size], remaining[slots.size :]
            slot[chosen] = slots[: chosen.size]
            value[chosen] = slot[chosen] | 1 << width
            length[chosen] = prefix + width + run_bits
    for prefix, (kind, width) in enumerate(classes, start=1):
        if kind == Kind.LITERAL:
            left_out = np.minimum(statistics.all_planes - statistics.planes[remaining], (1 << width) - 1)
            value[remaining] = 1 << width | left_out
            length[remaining] = prefix + width + run_bits
            planes[remaining] -= left_out
    return EntryCodes(
        in_runs=statistics.is_zero & in_runs,
        slot=slot,
        value=value,
        length=length,
        spare_slots=np.setdiff1d(np.arange(1, 1 << slot_bits), slot)[:SPARE_SLOTS],
        planes=planes,
        runs=RunCodes.of([prefix for prefix, _ in zeros], [width for _, width in zeros]),
        run_bits=run_bits,
        store_length=store_length(slot_bits, run_bits),
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


def _candidates(statistics: Statistics) -> Iterator[_Candidate]:
    """Yield the layouts that are worth a try."""
    longest = int(statistics.zero_runs.max(initial=0))
    for run_bits in range(min(statistics.code_bits - CLASSES, longest.bit_length()) + 1):
        run_choices = statistics.run_choices(run_bits)
        most = min(statistics.slot_bits, statistics.code_bits - CLASSES - run_bits)
        for slot_bits in range(min(most, (statistics.counts.size + SPARE_SLOTS).bit_length()) + 1):
            for kinds in _KINDS:
                yield from _candidates_of_kinds(statistics, run_choices, run_bits, slot_bits, kinds)


def _candidates_of_kinds(
    statistics: Statistics, run_choices: RunChoices, run_bits: int, slot_bits: int, kinds: tuple[Kind, ...]
) -> Iterator[_Candidate]:
    """Yield a layout for each choice of widths for slots, with the best other widths."""
    prefixes = {kind: tuple(p for p, of_class in enumerate(kinds, start=1) if of_class == kind) for kind in Kind}
    if prefixes[Kind.ZEROS] not in run_choices:
        return
    store_bits = store_length(slot_bits, run_bits) + statistics.literal_bits
    ranked = statistics.ranked[run_bits > 0 or Kind.ZEROS in kinds]
    run_total, run_widths = run_choices[prefixes[Kind.ZEROS]]
    trailing = statistics.trailing_zeros % (1 << run_bits)
    if trailing:
        if trailing == 1 and not slot_bits:
            return
        run_total += store_bits if trailing == 1 else store_length(slot_bits, run_bits)
    for slot_widths in combinations(range(slot_bits + 1), len(prefixes[Kind.SLOT])):
        if len(slot_widths) > 1 and slot_widths[-1] == slot_bits:
            continue  # its slots are those of the other classes too
        total, start = run_total, 0
        for prefix, width in zip(prefixes[Kind.SLOT], slot_widths, strict=True):
            stop = min(start + _slots(width, slot_bits).size, ranked.entries.size)
            total += (prefix + width + run_bits) * ranked.repeated(start, stop)
            start = stop
        total += start * store_bits
        literal_width = 0
        if Kind.LITERAL in kinds:
            (prefix,) = prefixes[Kind.LITERAL]
            most = max_width(Kind.LITERAL, prefix, slot_bits, run_bits, statistics.code_bits)
            literals, literal_width = ranked.literals(start, most)
            total += literals + (prefix + run_bits) * ranked.occurrences(start)
        elif start < ranked.entries.size:
            if start + SPARE_SLOTS >= 1 << slot_bits:
                continue
            total += ranked.occurrences(start) * store_bits
        widths = {Kind.ZEROS: iter(run_widths), Kind.SLOT: iter(slot_widths)}
        widths |= {Kind.LITERAL: repeat(literal_width), Kind.UNUSED: repeat(0)}
        yield _Candidate(total, run_bits, slot_bits, kinds, tuple(next(widths[kind]) for kind in kinds))
