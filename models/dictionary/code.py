"""Codes of the dictionary format, and what a layout makes of them.

The format is described in `docs/formats/dictionary.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Self

import numpy as np
from numba import njit

from silicodec.models.errors import CorruptDataError

CLASSES = 3
"""Classes of codes that a layout defines."""
LAYOUT_BITS = 32
MAX_LITERAL_WIDTH = 2
"""Widest field of a literal: it leaves out at most three planes."""


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
        How many entries it stands for: all but the last are zeros.
    slot : numpy.ndarray
        The slot that it reads or stores; for nothing but zeros the one after the last, which nothing is stored in.
    planes : numpy.ndarray
        The planes of its literal.
    """

    kind: np.ndarray
    length: np.ndarray
    entries: np.ndarray
    slot: np.ndarray
    planes: np.ndarray


_SMALLEST = {"kind": np.uint8, "length": np.uint8, "entries": np.uint32, "slot": np.uint16, "planes": np.uint8}
"""Types of a table's columns: the less memory they take, the faster are codes of 16 bits decoded."""


class RunCodes(NamedTuple):
    """How zeros are coded: by codes of a wide field, and what is left by the cheaper of these and narrow ones.

    All count units of 2**`run_bits` entries, which is what a run before an entry leaves to them.

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
        """Count the bits of runs, by their lengths in units."""
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
        Codes for zeros only.
    run_bits : int
        Bits of the run that every other code ends with; `value` is without it, the lengths are with it.
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
    run_bits: int
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
    slot_bits : int
        Bits of a slot's number.
    run_bits : int
        Bits of the run before an entry.
    has_literals : bool
        Whether the literal stream has any bits.
    """

    classes: tuple[CodeClass, ...]
    dropped_planes: int
    slot_bits: int
    run_bits: int
    has_literals: bool

    @property
    def word(self) -> int:
        """The layout's word of `LAYOUT_BITS` bits."""
        word = 0
        for kind, width in self.classes:
            word = word << 6 | kind << 4 | width
        for field in (self.dropped_planes, self.slot_bits, self.run_bits):
            word = word << 4 | field
        return word << 2 | self.has_literals << 1

    @classmethod
    def from_word(cls, word: int, *, word_bits: int, slot_bits: int, code_bits: int) -> Self:
        """Read a layout's word.

        Raises
        ------
        CorruptDataError
            If no layout has this word.
        """
        fields = [word >> shift & 63 for shift in (26, 20, 14)]
        classes = tuple(CodeClass(Kind(field >> 4), field & 15) for field in fields)
        layout = cls(classes, word >> 10 & 15, word >> 6 & 15, word >> 2 & 15, bool(word & 2))
        if layout.dropped_planes >= word_bits:
            raise CorruptDataError(f"layout drops {layout.dropped_planes} planes of {word_bits}")
        if layout.slot_bits > slot_bits:
            raise CorruptDataError(f"layout has slots of {layout.slot_bits} bits, for a decoder of {slot_bits}")
        if store_length(layout.slot_bits, layout.run_bits) > code_bits:
            raise CorruptDataError(f"layout has slots and runs of {layout.slot_bits} and {layout.run_bits} bits")
        for prefix, (kind, width) in enumerate(classes, start=1):
            if width > max_width(kind, prefix, layout.slot_bits, layout.run_bits, code_bits):
                raise CorruptDataError(f"layout has a class of {kind.name.lower()} codes with fields of {width} bits")
        if word & 1:
            raise CorruptDataError("layout's last bit is one")
        return layout

    @property
    def longest_code(self) -> int:
        """Bits of the longest code but the end of a packet."""
        lengths = [
            prefix + width + (0 if kind == Kind.ZEROS else self.run_bits)
            for prefix, (kind, width) in enumerate(self.classes, start=1)
        ]
        return max(store_length(self.slot_bits, self.run_bits), *lengths)

    def table(self, code_bits: int, word_bits: int, ahead_bits: int | None = None) -> CodeTable:
        """Tabulate the codes.

        Parameters
        ----------
        code_bits, word_bits : int
            As of the codec.
        ahead_bits : int, optional
            Bits that the reader looks ahead, at least `longest_code`; by default `code_bits`. With fewer, the table
            does not have the end of a packet.
        """
        ahead_bits = code_bits if ahead_bits is None else ahead_bits
        columns = {name: np.empty(1 << ahead_bits, dtype) for name, dtype in _SMALLEST.items()}
        classes = np.array(self.classes, np.int64)
        all_planes = word_bits - self.dropped_planes
        _fill_table(ahead_bits, classes, self.slot_bits, self.run_bits, all_planes, *columns.values())
        if ahead_bits == code_bits:
            columns["kind"][0] = Kind.END
        return CodeTable(**columns)


_ZEROS, _SLOT, _LITERAL = int(Kind.ZEROS), int(Kind.SLOT), int(Kind.LITERAL)
_STORE, _UNUSED = int(Kind.STORE), int(Kind.UNUSED)


@njit(cache=True)
def _fill_table(
    ahead_bits: int,
    classes: np.ndarray,
    slot_bits: int,
    run_bits: int,
    all_planes: int,
    kinds: np.ndarray,
    lengths: np.ndarray,
    entries: np.ndarray,
    slots: np.ndarray,
    planes: np.ndarray,
) -> None:
    """Fill the columns of a table."""
    no_slot = 1 << slot_bits
    for ahead in range(1 << ahead_bits):
        prefix = 1
        while prefix <= CLASSES and not ahead >> (ahead_bits - prefix):
            prefix += 1
        kind, width = (classes[prefix - 1, 0], classes[prefix - 1, 1]) if prefix <= CLASSES else (_STORE, slot_bits)
        code_run_bits = 0 if kind == _ZEROS else run_bits
        length = min(prefix, CLASSES) + width + code_run_bits
        number = ahead >> (ahead_bits - length)
        run, number = number & ((1 << code_run_bits) - 1), number >> code_run_bits
        field = number - (1 << width) if prefix <= CLASSES else number
        slot = number & (no_slot - 1)
        count, literal_planes = 1 + run, 0
        if kind == _ZEROS:
            count, slot = (field + 1) << run_bits, no_slot
        elif kind == _LITERAL:
            literal_planes = all_planes - field
            if literal_planes <= 0:
                kind, literal_planes = _UNUSED, 0
        elif kind == _STORE:
            if slot:
                literal_planes = all_planes
            else:
                kind, slot = _ZEROS, no_slot
        kinds[ahead], lengths[ahead], entries[ahead] = kind, length, count
        slots[ahead], planes[ahead] = slot, literal_planes


def store_length(slot_bits: int, run_bits: int) -> int:
    """Return the bits of the code of a stored literal."""
    return CLASSES + slot_bits + run_bits


def max_width(kind: Kind, prefix: int, slot_bits: int, run_bits: int, code_bits: int) -> int:
    """Return the widest field that a class may have, whose codes begin with `prefix` bits."""
    room = code_bits - prefix - run_bits
    limits = {Kind.UNUSED: 0, Kind.ZEROS: room, Kind.SLOT: slot_bits, Kind.LITERAL: MAX_LITERAL_WIDTH}
    return min(limits[kind], room)
