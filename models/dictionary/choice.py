"""The layout of the dictionary format that suits a packet, and the codes of its entries.

The format is described in `docs/formats/dictionary.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np

from silicodec.models.dictionary.code import (
    CLASSES,
    MAX_LITERAL_WIDTH,
    CodeClass,
    EntryCodes,
    Kind,
    RunCodes,
    store_length,
)
from silicodec.models.dictionary.search import SPARE_SLOTS, Limits, Sums, best_layout, choose_runs


@dataclass(frozen=True, eq=False)
class Statistics:
    """What the choice of codes rests on.

    Attributes
    ----------
    counts : numpy.ndarray
        How often each distinct entry occurs, most frequent first, (entries,). Of those too rare for any slot, all that
        need the same number of planes may be one entry here.
    planes : numpy.ndarray
        Planes that a literal of it needs, (entries,).
    is_zero : numpy.ndarray
        Whether it is the entry of zeros, (entries,).
    run_lengths, run_counts : numpy.ndarray
        Lengths of the runs of entries of zeros, and how many there are of each.
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
    run_lengths: np.ndarray
    run_counts: np.ndarray
    trailing_zeros: int
    entry_size: int
    slot_bits: int
    code_bits: int
    all_planes: int

    @property
    def literal_bits(self) -> int:
        """Bits of a literal that leaves out no plane."""
        return self.entry_size * self.all_planes

    @cached_property
    def not_in_runs(self) -> dict[bool, np.ndarray]:
        """Indices of the entries that are no runs, most frequent first, by whether zeros are runs."""
        return {False: np.arange(self.counts.size), True: np.flatnonzero(~self.is_zero)}

    def sums(self, zeros_are_runs: bool) -> Sums:
        """Add up the bits of the entries that are no runs."""
        entries = self.not_in_runs[zeros_are_runs]
        counts = self.counts[entries]
        literals = np.zeros((MAX_LITERAL_WIDTH + 1, entries.size + 1), np.int64)
        for width, row in enumerate(literals):
            fewest = max(self.all_planes - (1 << width) + 1, 1)
            costs = counts * (width + self.entry_size * np.maximum(self.planes[entries], fewest))
            row[:-1] = np.cumsum(costs[::-1])[::-1]
        return Sums(np.concatenate([[0], np.cumsum(counts)]), literals)


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


def choose_plan(statistics: Statistics) -> Plan:
    """Find the layout that takes the fewest bits for a packet."""
    sums = statistics.sums(False), statistics.sums(True)
    limits = Limits(
        statistics.slot_bits,
        statistics.code_bits,
        statistics.literal_bits,
        statistics.counts.size,
        statistics.trailing_zeros,
    )
    lengths, counts = statistics.run_lengths, statistics.run_counts
    longest = int(lengths.max(initial=0)).bit_length()
    found = []
    for run_bits in range(min(statistics.code_bits - CLASSES, longest) + 1):
        runs = choose_runs(lengths >> run_bits, counts, run_bits, statistics.code_bits)
        nbits, *layout = best_layout(_KINDS, run_bits, runs, sums, limits)
        found.append((nbits, run_bits, *layout))
    nbits, run_bits, slot_bits, choice, widths = min(found)
    kinds = [Kind(kind) for kind in _KINDS[choice].tolist()]
    classes = tuple(CodeClass(kind, widths >> shift & 15) for kind, shift in zip(kinds, (8, 4, 0), strict=True))
    return Plan(classes, slot_bits, run_bits, _entry_codes(statistics, classes, slot_bits, run_bits), nbits)


def _entry_codes(statistics: Statistics, classes: tuple[CodeClass, ...], slot_bits: int, run_bits: int) -> EntryCodes:
    count = statistics.counts.size
    slot, value, length = (np.zeros(count, np.int64) for _ in range(3))
    planes = np.full(count, statistics.all_planes)
    zeros = [(prefix, width) for prefix, (kind, width) in enumerate(classes, start=1) if kind == Kind.ZEROS]
    in_runs = run_bits > 0 or len(zeros) > 0
    remaining = statistics.not_in_runs[in_runs]
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


_KINDS = np.array(sorted(_all_kinds()))
