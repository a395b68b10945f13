"""The compiled search for the layout of the dictionary format that takes the fewest bits.

The format is described in `docs/formats/dictionary.md`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.dictionary.code import CLASSES, MAX_LITERAL_WIDTH, Kind

SPARE_SLOTS = 2
"""Slots that entries without a code of their own are stored in, in turn: a decoder in hardware loses a cycle where one
slot is stored twice in succession."""

_ZEROS, _SLOT, _LITERAL = int(Kind.ZEROS), int(Kind.SLOT), int(Kind.LITERAL)


class Sums(NamedTuple):
    """Bits of the entries that are no run, in sums over the most and the least frequent ones.

    Attributes
    ----------
    occurrences : numpy.ndarray
        int64, (entries + 1,): occurrences of the entries before each one.
    literals : numpy.ndarray
        int64, (widths, entries + 1): bits of each entry and all after it as literals, by the width of their field;
        prefix and run are not counted.
    """

    occurrences: np.ndarray
    literals: np.ndarray


class Limits(NamedTuple):
    """What a layout may be, and what it is for.

    Attributes
    ----------
    slot_bits, code_bits : int
        As of the codec.
    literal_bits : int
        Bits of a literal that leaves out no plane.
    distinct : int
        Distinct entries of the packet.
    trailing_zeros : int
        Length of the run that the packet ends with.
    """

    slot_bits: int
    code_bits: int
    literal_bits: int
    distinct: int
    trailing_zeros: int


@njit(cache=True)
def run_bits_of(lengths: np.ndarray, counts: np.ndarray, wide: tuple[int, int], narrow: tuple[int, int]) -> int:
    """Count the bits of runs, by codes of a wider and of a narrower field; each is the field's bits and the code's."""
    total = 0
    for index in range(lengths.size):
        rest = lengths[index] & ((1 << wide[0]) - 1)
        rest_bits = ((rest + (1 << narrow[0]) - 1) >> narrow[0]) * narrow[1]
        total += counts[index] * ((lengths[index] >> wide[0]) * wide[1] + min(rest_bits, wide[1]))
    return total


@njit(cache=True)
def choose_runs(
    lengths: np.ndarray, counts: np.ndarray, run_bits: int, code_bits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the codes for what runs before an entry leave of the zeros.

    Parameters
    ----------
    lengths, counts : numpy.ndarray
        Runs in units of 2**`run_bits` entries, and how often each length occurs.
    run_bits, code_bits : int
        As of the format.

    Returns
    -------
    totals : numpy.ndarray
        (8,): the fewest bits, by a mask of the classes that are zeros (bit 0 for the first); -1 for what cannot be.
    widths : numpy.ndarray
        (8, 2): the widths of these classes for it.
    """
    totals, widths = np.full(1 << CLASSES, -1), np.zeros((1 << CLASSES, 2), np.int64)
    if run_bits == 0 or not lengths.any():
        totals[0] = 0
    for first in range(1, CLASSES + 1):
        for width in range(code_bits - first - run_bits + 1):
            code = (width, first + width)
            total = run_bits_of(lengths, counts, code, code)
            mask = 1 << (first - 1)
            if totals[mask] < 0 or total < totals[mask]:
                totals[mask], widths[mask, 0] = total, width
            for second in range(first + 1, CLASSES + 1):
                both = mask | 1 << (second - 1)
                for other in range(code_bits - second - run_bits + 1):
                    other_code = (other, second + other)
                    if other < width:
                        total = run_bits_of(lengths, counts, code, other_code)
                    else:
                        total = run_bits_of(lengths, counts, other_code, code)
                    if totals[both] < 0 or total < totals[both]:
                        totals[both], widths[both, 0], widths[both, 1] = total, width, other
    return totals, widths


@njit(cache=True)
def best_layout(
    kinds: np.ndarray,
    run_bits: int,
    runs: tuple[np.ndarray, np.ndarray],
    sums: tuple[Sums, Sums],
    limits: Limits,
) -> tuple[int, int, int, int]:
    """Find the layout of the fewest bits with runs of `run_bits` bits.

    Parameters
    ----------
    kinds : numpy.ndarray
        (choices, 3): the kinds of the three classes to choose from, in the order of preference.
    run_bits : int
        Bits of the run before an entry.
    runs : tuple of numpy.ndarray
        What `choose_runs` returns.
    sums : tuple of Sums
        Of all entries, and of those that are not zeros.
    limits : Limits
        What a layout may be.

    Returns
    -------
    total, slot_bits, choice, widths : int
        Its bits; bits of a slot's number; index among `kinds`; and the three widths, 4 bits each, the first on top.
    """
    best = (1 << 62, 0, 0, 0)
    spare = 0
    while limits.distinct + SPARE_SLOTS >> spare:
        spare += 1
    for slot_bits in range(min(limits.slot_bits, limits.code_bits - CLASSES - run_bits, spare) + 1):
        for choice in range(kinds.shape[0]):
            row = kinds[choice]
            mask = slots = 0
            for index in range(CLASSES):
                mask |= (row[index] == _ZEROS) << index
                slots += row[index] == _SLOT
            total = runs[0][mask]
            if total < 0 or slots > slot_bits + 1:
                continue
            of_entries = sums[1] if run_bits > 0 or mask else sums[0]
            store_length = CLASSES + slot_bits + run_bits
            trailing = limits.trailing_zeros & ((1 << run_bits) - 1)
            if trailing == 1 and slot_bits == 0:
                continue
            if trailing:
                total += store_length + (limits.literal_bits if trailing == 1 else 0)
            widths = np.arange(slots)
            while True:
                # Of several classes of slots none has all of them, since these would be those of the other classes too.
                if slots < 2 or widths[slots - 1] < slot_bits:
                    bits, literal = _entry_bits(row, widths, slot_bits, run_bits, of_entries, limits)
                    if bits >= 0:
                        found = (total + bits, slot_bits, choice, _pack_widths(row, runs[1][mask], widths, literal))
                        if found < best:
                            best = found
                place = slots - 1
                while place >= 0 and widths[place] == slot_bits + 1 - slots + place:
                    place -= 1
                if place < 0:
                    break
                widths[place] += 1
                for after in range(place + 1, slots):
                    widths[after] = widths[after - 1] + 1
    return best


@njit(cache=True)
def _entry_bits(
    row: np.ndarray, widths: np.ndarray, slot_bits: int, run_bits: int, sums: Sums, limits: Limits
) -> tuple[int, int]:
    """Count the bits of entries that are no run, and choose the width of literals; -1 where some have no code."""
    occurrences = sums.occurrences
    entries = occurrences.size - 1
    store_bits = CLASSES + slot_bits + run_bits + limits.literal_bits
    total = start = slot_class = literal_prefix = 0
    for index in range(CLASSES):
        if row[index] == _SLOT:
            width = widths[slot_class]
            slot_class += 1
            stop = min(start + (1 << width) - (width == slot_bits), entries)
            repeated = occurrences[stop] - occurrences[start] - (stop - start)
            total += (index + 1 + width + run_bits) * repeated
            start = stop
        elif row[index] == _LITERAL:
            literal_prefix = index + 1
    total += start * store_bits
    left = occurrences[entries] - occurrences[start]
    literal = 0
    if literal_prefix:
        for width in range(min(MAX_LITERAL_WIDTH, limits.code_bits - literal_prefix - run_bits) + 1):
            if sums.literals[width, start] < sums.literals[literal, start]:
                literal = width
        total += sums.literals[literal, start] + (literal_prefix + run_bits) * left
    elif start < entries:
        if start + SPARE_SLOTS >= 1 << slot_bits:
            return -1, 0
        total += left * store_bits
    return total, literal


@njit(cache=True)
def _pack_widths(row: np.ndarray, run_widths: np.ndarray, slot_widths: np.ndarray, literal: int) -> int:
    packed = runs = slots = 0
    for kind in row:
        width = 0
        if kind == _ZEROS:
            width = run_widths[runs]
            runs += 1
        elif kind == _SLOT:
            width = slot_widths[slots]
            slots += 1
        elif kind == _LITERAL:
            width = literal
        packed = packed << 4 | width
    return packed
