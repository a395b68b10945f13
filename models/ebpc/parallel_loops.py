"""Loops of EBPC in parallel blocks (`docs/formats/ebpc-parallel.md`)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numba import njit

from silicodec.models.bitstream import SLAB, ElementWriter, peek_all, put_next, window
from silicodec.models.codec import EncodedStream
from silicodec.models.ebpc.byte_blocks import transpose
from silicodec.models.ebpc.tables import field_bits
from silicodec.models.errors import CorruptDataError

BLOCK = 8
PLANE_BITS = BLOCK - 1
FIELD_BITS, EXTRA_BITS = 5, 3
"""Bits of a plane that has a code of its own, and how many more those have that are stored as they are."""
ZERO_PLANE, ALL_ONES, ZERO_DELTA_PLANE = 0b0111, 0b1110, 0b1111
TWO_ONES = 0b1000
RAW_PLANE = 1 << (FIELD_BITS - 1)
ALL_ZERO_ROW, NONZERO_ROW, MIXED_ROW = 0b0, 0b10, 0b11

HEIGHTS = np.array([number.bit_length() for number in range(256)], np.uint8)
"""Bits that a number takes."""
MIRRORED = np.array([int(f"{plane:07b}"[::-1], 2) for plane in range(1 << PLANE_BITS)], np.uint8)
"""Planes, the other way round."""


def count_bits(word_bits: int) -> int:
    """Return the bits of a block's number of planes, 0 to `word_bits`, or one of two marks."""
    return field_bits(word_bits + 3)


@lru_cache
def plane_entries() -> np.ndarray:
    """Tabulate the code of every plane: its field and, after it, three more bits, which count where it is stored.

    Returns
    -------
    numpy.ndarray
        uint8, (256,): by DBX with d[0] in the least significant bit; bit 7 says that DBP is zero.
    """
    entries = np.empty(256, np.uint8)
    for plane in range(128):
        entries[[plane, plane | 128]] = 128 | MIRRORED[plane]
        entries[plane | 128] = ZERO_DELTA_PLANE << EXTRA_BITS
    known = {0: ZERO_PLANE, 127: ALL_ONES}
    known |= {1 << i: i for i in range(PLANE_BITS)} | {3 << i: TWO_ONES | i for i in range(PLANE_BITS - 1)}
    for plane, symbol in known.items():
        entries[[plane, plane | 128]] = symbol << EXTRA_BITS
    return entries


@lru_cache
def plane_meanings() -> np.ndarray:
    """Tabulate DBX of every field and the three bits that may follow it, as `plane_entries` has it.

    Returns
    -------
    numpy.ndarray
        uint8, (256,): bit 7 is set where DBP is zero instead.
    """
    meanings = np.empty(256, np.uint8)
    meanings[128:] = MIRRORED
    symbols = [1 << i for i in range(PLANE_BITS)] + [0] + [3 << i for i in range(PLANE_BITS - 1)] + [127, 128]
    meanings[:128] = np.repeat(np.array(symbols, np.uint8), 1 << EXTRA_BITS)
    return meanings


def encode_blocks(parts: Iterable[np.ndarray], word_bits: int) -> EncodedStream:
    """Encode parts of whole blocks, and the mark of the end."""
    writer = ElementWriter()
    for words in parts:
        bits = np.empty(words.size // BLOCK * (5 + 8 * word_bits) // 64 + 8, np.uint64)
        end = _encode_blocks(words, word_bits, plane_entries(), HEIGHTS, MIRRORED, (writer.last, writer.filled), bits)
        writer.add(bits, end)
    bits = np.empty(4, np.uint64)
    width = count_bits(word_bits)
    index, filled, last = put_next(
        bits, np.uint64(0), writer.filled, writer.last, np.uint64((1 << width) - 2), np.uint64(width)
    )
    bits[index] = last
    writer.add(bits, 64 * int(index) + int(filled))
    return writer.stream()


@njit(cache=True)
def _encode_blocks(
    words: np.ndarray,
    word_bits: int,
    entries: np.ndarray,
    heights: np.ndarray,
    mirrored: np.ndarray,
    begun: tuple[np.uint64, np.uint64],
    bits: np.ndarray,
) -> int:
    """Encode whole blocks after the bits of an element that has `begun`; returns the number of bits, those included."""
    count_width = field_width(word_bits + 3)
    mask = (1 << word_bits) - 1
    (last, filled), index = begun, np.uint64(0)
    byte = np.uint64(0xFF)
    for start in range(0, words.size, BLOCK):
        low, high, changed, nonzero = np.uint64(0), np.uint64(0), 0, 0
        for i in range(PLANE_BITS):
            difference = (np.int64(words[start + i + 1]) - np.int64(words[start + i])) & mask
            column = (difference ^ (difference << 1)) & mask
            changed |= int(column)
            nonzero |= int(difference)
            low |= np.uint64(column & 0xFF) << np.uint64(8 * i)
            high |= np.uint64(column >> 8) << np.uint64(8 * i)
        count = int(8 + heights[changed >> 8] if changed >> 8 else heights[changed])
        zeros, none = np.uint64(~nonzero), np.uint64(0)
        fields, extras, stored = code_planes(transpose(low), min(count, 8), zeros, entries, none, none)
        more = none
        if count > 8:
            zeros >>= np.uint64(8)
            more, extras, stored = code_planes(transpose(high), count - 8, zeros, entries, extras, stored)
        extra_bits = np.uint64(EXTRA_BITS) * stored
        as_it_is = FIELD_BITS * count + np.int64(extra_bits) >= PLANE_BITS * word_bits
        head = np.uint64(((1 << count_width) - 1 if as_it_is else count) << word_bits | np.int64(words[start]))
        head_bits = np.uint64(count_width + word_bits)
        if as_it_is:
            index, filled, last = put_next(bits, index, filled, last, head, head_bits)
            planes = transpose(low)
            for k in range(word_bits):
                if k == 8:
                    planes = transpose(high)
                plane = np.uint64(mirrored[planes & byte])
                index, filled, last = put_next(bits, index, filled, last, plane, np.uint64(PLANE_BITS))
                planes >>= np.uint64(8)
            continue
        field_bits = np.uint64(FIELD_BITS * min(count, 8))
        head = head << field_bits | fields
        index, filled, last = put_next(bits, index, filled, last, head, head_bits + field_bits)
        if count > 8:
            index, filled, last = put_next(bits, index, filled, last, more, np.uint64(FIELD_BITS * (count - 8)))
        if stored:
            index, filled, last = put_next(bits, index, filled, last, extras, extra_bits)
    bits[index] = last
    return 64 * np.int64(index) + np.int64(filled)  # type: ignore[return-value]  # an int to Numba


@njit(cache=True)
def code_planes(
    planes: np.uint64, count: int, zeros: np.uint64, entries: np.ndarray, extras: np.uint64, stored: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Code up to eight planes: their fields, and after what there is already, the bits that follow and their number."""
    fields, one = np.uint64(0), np.uint64(1)
    for _ in range(count):
        entry = np.uint64(entries[(planes & np.uint64(0xFF)) | (zeros & one) << np.uint64(7)])
        raw = entry >> np.uint64(7)
        fields = fields << np.uint64(FIELD_BITS) | entry >> np.uint64(EXTRA_BITS)
        extras = extras << (raw * np.uint64(EXTRA_BITS)) | (entry & np.uint64(7)) * raw
        stored += raw
        planes >>= np.uint64(8)
        zeros >>= one
    return fields, extras, stored


@njit(cache=True)
def field_width(values: int) -> int:
    """Return the bits of a field that holds 0 to `values - 1`, in compiled code."""
    width = 0
    while 1 << width < values:
        width += 1
    return width


def decode_blocks(stream: EncodedStream, word_bits: int, words: np.ndarray) -> int:
    """Decode whole blocks, as many as `words` has room for, and the mark of the end; returns the bits that they take.

    Raises
    ------
    CorruptDataError
        If the stream is malformed.
    """
    end, width = 0, count_bits(word_bits)
    for start in range(0, words.size, SLAB):
        part = words[start : start + SLAB]
        nbits = min(stream.nbits - end, part.size // BLOCK * (width + 13 * word_bits))
        bits = window(stream.data, end, nbits)
        end += _decode_blocks(bits, nbits, word_bits, plane_meanings(), MIRRORED, part)
    mark = peek_all(window(stream.data, end, width), 0) >> np.uint64(64 - width)
    if end + width > stream.nbits or mark != (1 << width) - 2:
        raise CorruptDataError("BPC stream has no mark of its end after its last block")
    return end + width


@njit(cache=True)
def _decode_blocks(
    bits: np.ndarray, nbits: int, word_bits: int, meanings: np.ndarray, mirrored: np.ndarray, words: np.ndarray
) -> int:
    """Decode whole blocks; returns the number of bits read."""
    width = field_width(word_bits + 3)
    mask = (1 << word_bits) - 1
    zero = np.uint64(0)
    position = 0
    for start in range(0, words.size, BLOCK):
        if position + width + word_bits > nbits:
            raise CorruptDataError("BPC stream is too short")
        ahead = peek_all(bits, position)
        count = int(ahead >> np.uint64(64 - width))
        ahead <<= np.uint64(width)
        word = int(ahead >> np.uint64(64 - word_bits))
        words[start] = word
        position += width + word_bits
        as_it_is = count == (1 << width) - 1
        if count > word_bits and not as_it_is:
            raise CorruptDataError("BPC stream has a block of too many planes, or ends before its last block")
        extra_position = position + FIELD_BITS * count
        rest = peek_all(bits, extra_position) if extra_position <= nbits else zero
        low, high, plane, stored = zero, zero, zero, 0
        for k in range(word_bits):
            if k & 7 == 0:
                ahead = peek_all(bits, position)
            if as_it_is:
                plane ^= np.uint64(mirrored[ahead >> np.uint64(64 - PLANE_BITS)])
                ahead <<= np.uint64(PLANE_BITS)
                position += PLANE_BITS
            elif k < count:
                field = ahead >> np.uint64(64 - FIELD_BITS)
                raw = int(field >> np.uint64(FIELD_BITS - 1))
                meaning = meanings[field << np.uint64(EXTRA_BITS) | rest >> np.uint64(64 - EXTRA_BITS)]
                ahead <<= np.uint64(FIELD_BITS)
                rest <<= np.uint64(EXTRA_BITS * raw)
                stored += raw
                plane = (plane ^ np.uint64(meaning)) if meaning < 128 else zero
                position += FIELD_BITS
            if k < 8:
                low |= plane << np.uint64(8 * k)
            else:
                high |= plane << np.uint64(8 * (k - 8))
        position += EXTRA_BITS * stored
        if FIELD_BITS * count + EXTRA_BITS * stored >= PLANE_BITS * word_bits and not as_it_is:
            raise CorruptDataError("BPC stream has a block whose planes are longer than whole ones")
        low, high = transpose(low), transpose(high) if word_bits > 8 else zero
        for i in range(1, BLOCK):
            word += int(low & np.uint64(0xFF)) | int(high & np.uint64(0xFF)) << 8
            low >>= np.uint64(8)
            high >>= np.uint64(8)
            words[start + i] = word & mask
    if position > nbits:
        raise CorruptDataError("BPC stream is too short")
    return position


def encode_rows(flags: np.ndarray) -> EncodedStream:
    """Encode which words are zero: eight flags, of a row, in a byte, the first in the most significant bit."""
    writer = ElementWriter()
    for start in range(0, flags.size, SLAB):
        part = flags[start : start + SLAB]
        bits = np.empty(part.size * 10 // 64 + 4, np.uint64)
        writer.add(bits, _encode_rows(part, writer.last, writer.filled, bits))
    return writer.stream()


@njit(cache=True)
def _encode_rows(flags: np.ndarray, last: np.uint64, filled: np.uint64, bits: np.ndarray) -> int:
    """Encode rows after the `filled` bits of an element; returns the number of bits, those included."""
    index = np.uint64(0)
    for row in flags:
        code, length = np.uint64(MIXED_ROW << 8 | np.int64(row)), np.uint64(10)
        if row == 0:
            code, length = np.uint64(ALL_ZERO_ROW), np.uint64(1)
        elif row == 0xFF:
            code, length = np.uint64(NONZERO_ROW), np.uint64(2)
        index, filled, last = put_next(bits, index, filled, last, code, length)
    bits[index] = last
    return 64 * np.int64(index) + np.int64(filled)  # type: ignore[return-value]  # an int to Numba


def decode_rows(stream: EncodedStream, rows: int) -> tuple[np.ndarray, int]:
    """Decode the flags of so many rows, a byte each, and say how many bits of the stream they take.

    Raises
    ------
    CorruptDataError
        If the stream is too short.
    """
    if rows > stream.nbits:
        raise CorruptDataError("ZNZ stream is too short")
    flags = np.empty(4 * (rows // 4 + 2), np.uint8)[:rows]
    end = 0
    for start in range(0, rows, SLAB):
        part = flags[start : start + SLAB]
        end += _decode_rows(window(stream.data, end, min(stream.nbits - end, 10 * part.size)), part)
        if end > stream.nbits:
            raise CorruptDataError("ZNZ stream is too short")
    return flags, end


@njit(cache=True)
def _decode_rows(bits: np.ndarray, flags: np.ndarray) -> int:
    """Decode rows; returns the number of bits read, which is more than there are if the stream is too short."""
    position, end = 0, 64 * bits.size - 128
    for row in range(flags.size):
        if position > end:
            return position
        ahead = peek_all(bits, position)
        if ahead >> np.uint64(63) == 0:
            flags[row] = 0
            position += 1
        elif ahead >> np.uint64(62) == NONZERO_ROW:
            flags[row] = 0xFF
            position += 2
        else:
            flags[row] = (ahead >> np.uint64(54)) & np.uint64(0xFF)
            position += 10
    return position
