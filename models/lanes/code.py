"""Code of a packet: what its code words stand for, and how that is written.

The format is described in `docs/formats/lanes.md`.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numba import njit

from silicodec.models.errors import CorruptDataError

UNIT = 16
"""Bits that a lane takes at a time; tables and codes are whole units."""
BUS_UNITS = 4
"""Units of a word of the bus, which a packet is made of."""
HELD = 3
"""Units that a lane holds."""
MAX_LENGTH = 8
"""Bits of the longest code word."""
MOST_SYMBOLS = 32
LEAST_RUN_BITS, MOST_RUN_BITS = 2, 7
FROM_POWER, SPLIT_CLASS, FROM_ONE = 4, 9, 10
"""Classes of runs: up to 3, each run by itself; then those from 2**k on, k = 2 .. 6; one to split longer runs by; and
those from 1 on, up to 2**k, k = 2 .. 7."""
SPLIT_RUN = 127
RUN_EXTRA_BITS = np.array([0, 0, 0, 0, *range(LEAST_RUN_BITS, MOST_RUN_BITS), 0, *range(LEAST_RUN_BITS, 8)])
"""Bits that tell a run of each class from the shortest one."""
RUN_BASES = np.array([0, 1, 2, 3, *(1 << np.arange(LEAST_RUN_BITS, MOST_RUN_BITS)), SPLIT_RUN, *[1] * 6])
"""The shortest run of zeros of each class."""
RUN_CLASSES = RUN_BASES.size
LONGEST_RUN = 128
COUNT_BITS = 6
"""Bits of the number of code words of a length."""


def bus_units(lanes: int) -> int:
    """Return the units of a word that the hardware takes: 16 lanes need more than the 4 of the format."""
    return max(BUS_UNITS, lanes // 2)


def bus_words(data: bytes, lanes: int) -> np.ndarray:
    """Return a packet's bytes as the words that the hardware takes, the last one filled up with zeros.

    Returns
    -------
    numpy.ndarray
        uint64; with 16 lanes integers of 128 bits as objects.
    """
    if bus_units(lanes) == BUS_UNITS:
        return np.frombuffer(data, ">u8").astype(np.uint64)
    high, low = np.frombuffer(data + bytes(-len(data) % 16), ">u8").astype(object).reshape(-1, 2).T
    return high << 64 | low


def words_units(words: np.ndarray, lanes: int) -> np.ndarray:
    """Return the units of words of `bus_words`, uint16."""
    if bus_units(lanes) > BUS_UNITS:
        words = np.stack([words >> 64, words & (1 << 64) - 1], axis=1).reshape(-1)
    return words.astype(">u8").view(">u2").astype(np.uint16)


def most_extra_bits(word_bits: int) -> int:
    """Return how many bits may follow a code word."""
    return max(word_bits, 8)


def entry_units(word_bits: int) -> int:
    """Return the units of an entry of the table."""
    return 1 if word_bits <= 8 else 2


class Symbols(NamedTuple):
    """What code words stand for: arrays of (symbols,), in the order of the code words.

    Attributes
    ----------
    lengths : numpy.ndarray
        Bits of each code word.
    run_classes : numpy.ndarray
        Class of the run of zeros that comes first.
    widths : numpy.ndarray
        How many low-order bits of the value after it follow the code word, after those of the run.
    bases : numpy.ndarray
        The bits of that value above them.
    """

    lengths: np.ndarray
    run_classes: np.ndarray
    widths: np.ndarray
    bases: np.ndarray


class PacketCode(NamedTuple):
    """Canonical Huffman code of a packet.

    Attributes
    ----------
    dropped : int
        Low-order bits that are zero in every word; values are without them.
    symbols : Symbols
        What the code words stand for.
    """

    dropped: int
    symbols: Symbols

    @property
    def codes(self) -> np.ndarray:
        """Code words, in their lowest bits."""
        lengths = self.symbols.lengths
        ends = np.cumsum(1 << (MAX_LENGTH - lengths))
        # Left-aligned, each code word starts where the one before ends.
        return np.concatenate([[0], ends[:-1]]) >> (MAX_LENGTH - lengths)

    def write(self, word_bits: int) -> np.ndarray:
        """Write the header and the table of a packet: units, uint16."""
        lengths, run_classes, widths, bases = self.symbols
        counts = 0
        for length in range(1, MAX_LENGTH + 1):
            counts = counts << COUNT_BITS | int(np.count_nonzero(lengths == length))
        header = [self.dropped, counts >> 32, counts >> 16 & 0xFFFF, counts & 0xFFFF]
        if entry_units(word_bits) == 1:
            entries = run_classes << 12 | widths << 8 | bases
        else:
            entries = np.stack([run_classes << 12 | widths, bases], axis=1).reshape(-1)
        return np.concatenate([header, entries]).astype(np.uint16)

    @classmethod
    def read(cls, units: np.ndarray, word_bits: int, most: int) -> Self:
        """Read the header and the table at the beginning of a packet, of up to `most` symbols.

        Raises
        ------
        CorruptDataError
            If it is malformed.
        """
        if units.size < BUS_UNITS:
            raise CorruptDataError("packet has no header")
        dropped, *high = units[:BUS_UNITS].tolist()
        packed = high[0] << 32 | high[1] << 16 | high[2]
        ones = (1 << COUNT_BITS) - 1
        counts = [packed >> COUNT_BITS * (MAX_LENGTH - length) & ones for length in range(1, MAX_LENGTH + 1)]
        size, per_entry = sum(counts), entry_units(word_bits)
        if dropped >= word_bits:
            raise CorruptDataError(f"packet drops {dropped} bits of {word_bits}")
        if size > most:
            raise CorruptDataError(f"table has {size} code words, more than {most}")
        lengths = np.repeat(np.arange(1, MAX_LENGTH + 1), counts)
        if (1 << (MAX_LENGTH - lengths)).sum() != 1 << MAX_LENGTH:
            raise CorruptDataError("table's lengths are not those of a complete prefix code")
        entries = units[BUS_UNITS : BUS_UNITS + per_entry * size].astype(np.int64).reshape(-1, per_entry)
        if entries.shape[0] < size:
            raise CorruptDataError("table is too short")
        first = entries[:, 0]
        widths = first >> 8 & 15 if per_entry == 1 else first & 0xFFF
        bases = first & 0xFF if per_entry == 1 else entries[:, 1]
        symbols = Symbols(lengths, first >> 12, widths, bases)
        if (RUN_EXTRA_BITS[symbols.run_classes] + symbols.widths > most_extra_bits(word_bits)).any():
            raise CorruptDataError(f"table has a symbol of more than {most_extra_bits(word_bits)} extra bits")
        return cls(dropped, symbols)


LENGTH, EXTRA, WIDTH, BASE, RUN = 0, 8, 16, 24, 40
"""Where the fields of an entry of the decoder's table begin: bits of a code word with all that follows it; those that
follow; those of the value; the value; the shortest run."""


@njit(cache=True)
def fill_entries(symbols: Symbols, run_bases: np.ndarray, run_extra_bits: np.ndarray, entries: np.ndarray) -> None:
    """Say what each string of `MAX_LENGTH` bits starts with, uint64, (256,)."""
    start = 0
    for index in range(symbols.lengths.size):
        length, run_class, width = symbols.lengths[index], symbols.run_classes[index], symbols.widths[index]
        extra = run_extra_bits[run_class] + width
        entry = (length + extra) << LENGTH | extra << EXTRA | width << WIDTH
        entry |= symbols.bases[index] << BASE | run_bases[run_class] << RUN
        stop = start + (1 << (MAX_LENGTH - length))
        entries[start:stop] = entry
        start = stop
