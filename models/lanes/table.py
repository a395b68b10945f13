"""Code of a packet: lengths of its code words, and how they are written.

The format is described in `docs/formats/lanes.md`.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cached_property

import numpy as np
from numba import njit

from silicodec.models.bitstream import from_bytes, new_bits, peek, put, to_stream
from silicodec.models.codec import EncodedStream
from silicodec.models.errors import CorruptDataError
from silicodec.models.lanes.symbols import EXTRA_BITS, MAX_CLASSES, RUN_BASES, Alphabet

MAX_LENGTH = 12
"""Bits of the longest code word."""
MOST_SYMBOLS = 512
"""Symbols that have a code word, at the most: a decoder in hardware has a memory of so many."""
DROPPED_BITS = CLASS_BITS = 4
VALUE_BITS = 8
BLOCK = 8
"""Lengths that are written with one parameter."""
PARAMETER_BITS = 3
REPEAT = 7
"""Parameter of a block whose lengths all equal the one before."""
FIRST_LENGTH = 8
"""What the first length is compared with."""


class Entry(IntEnum):
    """Where the fields of an entry of the decoder's table begin."""

    LENGTH = 0  # bits of the code word
    EXTRA_BITS = 4  # bits after it that a run has above the shortest one
    WORD = 8
    RUN = 24  # the shortest run
    ESCAPE = 32  # whether the word follows as it is
    ZEROS = 33  # whether there is no word
    INVALID = 34  # whether there is no such code word


class PacketCode:
    """Canonical Huffman code of a packet.

    Parameters
    ----------
    alphabet : Alphabet
        What the symbols stand for.
    lengths : numpy.ndarray
        int64, (symbols,): bits of each code word, 0 for none.

    Attributes
    ----------
    order : numpy.ndarray
        The symbols that have code words, in the order of these.
    reach : int
        Most bits of a code word with what follows it, escaped words aside.

    Raises
    ------
    CorruptDataError
        If there is no prefix code of these lengths, or there are too many code words.
    """

    def __init__(self, alphabet: Alphabet, lengths: np.ndarray) -> None:
        self.alphabet = alphabet
        self.lengths = lengths
        self.order, strings, self.reach = _survey(lengths, alphabet.values, EXTRA_BITS)
        if self.order.size > MOST_SYMBOLS:
            raise CorruptDataError(f"table has {self.order.size} code words, more than {MOST_SYMBOLS}")
        if strings > 1 << MAX_LENGTH:
            raise CorruptDataError("table has more code words than a prefix code can have")

    @cached_property
    def codes(self) -> np.ndarray:
        """Code word of each symbol, in its lowest bits."""
        lengths = self.lengths[self.order]
        ends = np.cumsum(1 << (MAX_LENGTH - lengths))
        codes = np.zeros_like(self.lengths)
        # Left-aligned, each code word starts where the one before ends.
        codes[self.order] = np.concatenate([[0], ends[:-1]])[: ends.size] >> (MAX_LENGTH - lengths)
        return codes

    def entries(self, word_bits: int) -> np.ndarray:
        """Say what each string of `MAX_LENGTH` bits starts with, uint64, as of `Entry`."""
        alphabet = self.alphabet
        entries = np.full(1 << MAX_LENGTH, 1 << Entry.INVALID, np.uint64)
        shape = alphabet.dropped, alphabet.first, alphabet.values, word_bits
        _fill_entries(self.order, self.lengths, shape, RUN_BASES, EXTRA_BITS, entries)
        return entries

    def write(self, word_bits: int) -> EncodedStream:
        """Write the table of a packet."""
        alphabet = self.alphabet
        bits = new_bits(64 + (PARAMETER_BITS + 2 * MAX_LENGTH + 2) * self.lengths.size)
        end = put(bits, 0, alphabet.dropped, DROPPED_BITS)
        end = put(bits, end, alphabet.classes, CLASS_BITS)
        end = put(bits, end, alphabet.first & ((1 << word_bits) - 1), word_bits)
        end = put(bits, end, alphabet.values, VALUE_BITS)
        return to_stream(bits, _write_lengths(self.lengths, bits, end))

    @classmethod
    def read(cls, stream: EncodedStream, word_bits: int) -> PacketCode:
        """Read a table.

        Raises
        ------
        CorruptDataError
            If it is malformed.
        """
        bits = from_bytes(stream.data)
        widths = (DROPPED_BITS, CLASS_BITS, word_bits, VALUE_BITS)
        if stream.nbits < sum(widths):
            raise CorruptDataError("table is too short")
        fields, position = [], 0
        for width in widths:
            fields.append(int(peek(bits, position, width)))
            position += width
        dropped, classes, first, values = fields
        if dropped >= word_bits or not 1 <= classes <= MAX_CLASSES:
            raise CorruptDataError(f"table drops {dropped} bits and has {classes} classes of runs")
        alphabet = Alphabet(dropped, classes, first - (first >> (word_bits - 1) << word_bits), values)
        lengths = np.zeros(alphabet.size, np.int64)
        if _read_lengths(bits, position, stream.nbits, lengths) != stream.nbits:
            raise CorruptDataError("table does not end with its last length, or has a length that none may have")
        return cls(alphabet, lengths)


_EXTRA_BITS, _WORD, _RUN, _ESCAPE, _ZEROS = (
    int(field) for field in (Entry.EXTRA_BITS, Entry.WORD, Entry.RUN, Entry.ESCAPE, Entry.ZEROS)
)


@njit(cache=True)
def _survey(lengths: np.ndarray, values: int, extra_bits: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Sort the symbols that have code words; count the strings that begin with one, and the bits it has at the most."""
    starts = np.zeros(MAX_LENGTH + 2, np.int64)
    strings = reach = 0
    for symbol in range(lengths.size):
        length = lengths[symbol]
        if length:
            starts[length + 1] += 1
            strings += 1 << (MAX_LENGTH - length)
            extra = extra_bits[(symbol - 1) // (values + 1)] if symbol else 0
            reach = max(reach, length + extra)
    starts = np.cumsum(starts)
    order = np.empty(starts[-1], np.int64)
    for symbol in range(lengths.size):
        length = lengths[symbol]
        if length:
            order[starts[length]] = symbol
            starts[length] += 1
    return order, strings, reach


@njit(cache=True)
def _fill_entries(
    order: np.ndarray,
    lengths: np.ndarray,
    shape: tuple[int, int, int, int],
    bases: np.ndarray,
    extra_bits: np.ndarray,
    entries: np.ndarray,
) -> None:
    dropped, first, values, word_bits = shape
    start = 0
    for symbol in order:
        length = lengths[symbol]
        entry = length
        if symbol == 0:
            entry |= 1 << _ZEROS
        else:
            run_class, number = divmod(symbol - 1, values + 1)
            entry |= bases[run_class] << _RUN | extra_bits[run_class] << _EXTRA_BITS
            if number == values:
                entry |= 1 << _ESCAPE
            else:
                value = first + number
                value += first <= 0 and value >= 0
                entry |= ((value << dropped) & ((1 << word_bits) - 1)) << _WORD
        stop = start + (1 << (MAX_LENGTH - length))
        entries[start:stop] = entry
        start = stop


@njit(cache=True)
def _write_lengths(lengths: np.ndarray, bits: np.ndarray, position: int) -> int:
    """Write lengths as differences from the ones before, in Rice codes of a parameter for each block."""
    before = FIRST_LENGTH
    numbers = np.empty(BLOCK, np.int64)
    for start in range(0, lengths.size, BLOCK):
        block = lengths[start : start + BLOCK]
        for i in range(block.size):
            difference = block[i] - before
            numbers[i] = 2 * difference - 1 if difference > 0 else -2 * difference
            before = block[i]
        used = numbers[: block.size]
        if not used.any():
            position = put(bits, position, REPEAT, PARAMETER_BITS)
            continue
        best, parameter = 1 << 30, 0
        for k in range(REPEAT):
            total = ((used >> k) + 1 + k).sum()
            if total < best:
                best, parameter = total, k
        position = put(bits, position, parameter, PARAMETER_BITS)
        for number in used:
            quotient = number >> parameter
            rest = 1 << parameter | number & ((1 << parameter) - 1)
            position = put(bits, position, rest, quotient + 1 + parameter)
    return position


@njit(cache=True)
def _read_lengths(bits: np.ndarray, position: int, nbits: int, lengths: np.ndarray) -> int:
    """Read lengths; returns the bits read, or -1 where one is malformed."""
    before = FIRST_LENGTH
    for start in range(0, lengths.size, BLOCK):
        if position + PARAMETER_BITS > nbits:
            return -1
        parameter = peek(bits, position, PARAMETER_BITS)
        position += PARAMETER_BITS
        for index in range(start, min(start + BLOCK, lengths.size)):
            if parameter != REPEAT:
                quotient = 0
                while position < nbits and not peek(bits, position, 1):
                    quotient += 1
                    position += 1
                if position + 1 + parameter > nbits:
                    return -1
                number = quotient << parameter | peek(bits, position, 1 + parameter) & ((1 << parameter) - 1)
                position += 1 + parameter
                before += (number + 1) >> 1 if number & 1 else -(number >> 1)
                if not 0 <= before <= MAX_LENGTH:
                    return -1
            lengths[index] = before
    return position


@njit(cache=True)
def best_lengths(counts: np.ndarray, limit: int) -> np.ndarray:
    """Find the lengths, of up to `limit` bits, of the code that takes the fewest bits; those of counts of 0 are 0.

    Package-merge: L. L. Larmore and D. S. Hirschberg, "A fast algorithm for optimal length-limited Huffman codes",
    Journal of the ACM 37(3), 1990.
    """
    lengths = np.zeros(counts.size, np.int64)
    order = np.argsort(counts)
    order = order[np.count_nonzero(counts == 0) :]
    single = counts[order]
    if single.size < 2:
        lengths[order] = 1
        return lengths
    is_single = np.zeros((limit, 2 * single.size), np.bool_)
    items, count = np.empty(2 * single.size, np.int64), 0
    for level in range(limit):
        # Merge the symbols themselves with packages of two items of the level before.
        pairs = count // 2
        packages = items[: 2 * pairs : 2] + items[1 : 2 * pairs : 2]
        merged = np.empty(2 * single.size, np.int64)
        i = j = 0
        count = single.size + pairs
        for place in range(count):
            take = j == pairs or (i < single.size and single[i] <= packages[j])
            is_single[level, place] = take
            merged[place] = single[i] if take else packages[j]
            i, j = i + take, j + (not take)
        items = merged
    needed = 2 * single.size - 2
    for level in range(limit - 1, -1, -1):
        singles = int(np.count_nonzero(is_single[level, :needed]))
        lengths[order[:singles]] += 1
        needed = 2 * (needed - singles)
    return lengths
