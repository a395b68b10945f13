"""EBPC of rows of 8 words, each coded by itself, in one stream: how the accelerator stores maps.

No row depends on another one, so that an engine takes or gives a row a cycle. The format is described in
`docs/formats/accelerator.md`; its codes of blocks are those of `docs/formats/ebpc-parallel.md`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from silicodec.models.bitstream import peek, peek_all, put_next
from silicodec.models.ebpc.byte_blocks import transpose
from silicodec.models.ebpc.parallel_loops import (
    BLOCK,
    EXTRA_BITS,
    FIELD_BITS,
    HEIGHTS,
    MIRRORED,
    PLANE_BITS,
    RAW_PLANE,
    code_planes,
    plane_entries,
    plane_meanings,
)

WORD_BITS, COUNT_BITS, KIND_BITS = 8, 4, 2
BLOCK_ROW, MIXED_ROW = 0b10, 0b11
"""Kinds of rows that are not all zeros: a block of 8 words, or only those that are not zero."""
WHOLE_MARK = (1 << COUNT_BITS) - 1
WHOLE_BITS = PLANE_BITS * WORD_BITS
MOST_ROW_BITS = KIND_BITS + COUNT_BITS + WORD_BITS + WHOLE_BITS
"""Bits that an encoder takes for a row at most."""
PORT_BITS = 64


def encode_packet(rows: np.ndarray) -> np.ndarray:
    """Encode a packet.

    Parameters
    ----------
    rows : ndarray of uint8
        (rows, 8), at least one row.

    Returns
    -------
    ndarray of uint64
        Its words, the first bit in the most significant one of the first; the last one is filled up with zeros.

    Examples
    --------
    >>> rows = np.array([[0] * 8, [0, 0, 5, 0, 0, 0, 255, 0], [9, 9, 9, 9, 9, 9, 9, 8]], np.uint8)
    >>> [f"{word:016x}" for word in encode_packet(rows)]
    ['6440bff084980000']
    """
    bits = np.zeros(len(rows) * MOST_ROW_BITS // PORT_BITS + 2, np.uint64)
    end = _encode(np.ascontiguousarray(rows), plane_entries(), HEIGHTS, MIRRORED, bits)
    return bits[: -(-end // PORT_BITS)]


def count_bits(packets: np.ndarray) -> np.ndarray:
    """Count the bits of packets of as many rows each, uint8, (packets, rows, 8): int64, 1-D.

    Examples
    --------
    >>> rows = np.array([[0] * 8, [0, 0, 5, 0, 0, 0, 255, 0], [9, 9, 9, 9, 9, 9, 9, 8]], np.uint8)
    >>> count_bits(rows[np.newaxis]), count_bits(rows[:, np.newaxis])
    (array([46]), array([ 1, 26, 19]))
    """
    room = np.zeros(packets.shape[1] * MOST_ROW_BITS // PORT_BITS + 2, np.uint64)
    return _count(np.ascontiguousarray(packets), plane_entries(), HEIGHTS, MIRRORED, room)


@njit(cache=True)
def _count(
    packets: np.ndarray, entries: np.ndarray, heights: np.ndarray, mirrored: np.ndarray, room: np.ndarray
) -> np.ndarray:
    """Count the bits of packets; `room` takes one."""
    ends = np.empty(len(packets), np.int64)
    for i in range(len(packets)):
        ends[i] = _encode(packets[i], entries, heights, mirrored, room)
    return ends


@njit(cache=True)
def _encode(rows: np.ndarray, entries: np.ndarray, heights: np.ndarray, mirrored: np.ndarray, bits: np.ndarray) -> int:
    """Encode rows; returns the number of bits."""
    last, filled, index, none, one = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(1)
    byte = np.uint64(0xFF)
    for row in rows:
        flags, packed, nonzero_words = none, none, 0
        changes, changed, nonzero = none, np.int64(0), np.int64(0)
        for i in range(BLOCK):
            flags <<= one
            if row[i]:
                flags |= one
                packed = packed << np.uint64(WORD_BITS) | np.uint64(row[i])
                nonzero_words += 1
            if i > 0:
                difference = (np.int64(row[i]) - np.int64(row[i - 1])) & 0xFF
                column = (difference ^ (difference << 1)) & 0xFF
                changed |= column
                nonzero |= difference
                changes |= np.uint64(column) << np.uint64(WORD_BITS * (i - 1))
        if nonzero_words == 0:
            index, filled, last = put_next(bits, index, filled, last, none, one)
            continue
        planes, count = transpose(changes), int(np.int64(heights[changed]))
        fields, extras, stored = code_planes(planes, count, np.uint64(~nonzero), entries, none, none)
        extra_bits = np.uint64(EXTRA_BITS) * stored
        size = FIELD_BITS * count + np.int64(extra_bits)
        whole = size >= WHOLE_BITS
        if nonzero_words < BLOCK and (whole or COUNT_BITS + size > WORD_BITS * nonzero_words):
            head = np.uint64(MIXED_ROW << BLOCK) | flags
            index, filled, last = put_next(bits, index, filled, last, head, np.uint64(KIND_BITS + BLOCK))
            index, filled, last = put_next(bits, index, filled, last, packed, np.uint64(WORD_BITS * nonzero_words))
            continue
        mark = WHOLE_MARK if whole else count
        head = np.uint64((BLOCK_ROW << COUNT_BITS | mark) << WORD_BITS | np.int64(row[0]))
        index, filled, last = put_next(bits, index, filled, last, head, np.uint64(KIND_BITS + COUNT_BITS + WORD_BITS))
        if whole:
            for _ in range(WORD_BITS):
                plane = np.uint64(mirrored[planes & byte])
                index, filled, last = put_next(bits, index, filled, last, plane, np.uint64(PLANE_BITS))
                planes >>= np.uint64(8)
            continue
        if count:
            index, filled, last = put_next(bits, index, filled, last, fields, np.uint64(FIELD_BITS * count))
        if stored:
            index, filled, last = put_next(bits, index, filled, last, extras, extra_bits)
    bits[index] = last
    return PORT_BITS * np.int64(index) + np.int64(filled)  # type: ignore[return-value]  # an int to Numba


def decode_packet(words: np.ndarray, count: int) -> tuple[np.ndarray, bool]:
    """Decode a packet as hardware does, whatever its words are.

    Parameters
    ----------
    words : ndarray of uint64
        The packet.
    count : int
        Number of its rows.

    Returns
    -------
    ndarray of uint8
        (rows, 8); from the first malformed row on all are zero.
    bool
        Whether the packet is well-formed; `docs/formats/accelerator.md` tells what is not.
    """
    rows = np.zeros((count, BLOCK), np.uint8)
    bits = np.concatenate([words.astype(np.uint64), np.zeros(4, np.uint64)])
    end = _decode(bits, PORT_BITS * len(words), plane_meanings(), MIRRORED, rows)
    return rows, end >= 0 and -(-end // PORT_BITS) == len(words)


@njit(cache=True)
def _decode(bits: np.ndarray, nbits: int, meanings: np.ndarray, mirrored: np.ndarray, rows: np.ndarray) -> int:
    """Decode rows up to the first malformed one; returns the number of bits read, or -1."""
    position = 0
    for row in rows:
        if position >= nbits:
            return -1
        kind = peek(bits, position, KIND_BITS)
        if kind < BLOCK_ROW:
            position += 1
            continue
        position += KIND_BITS
        if kind == MIXED_ROW:
            flags = peek(bits, position, BLOCK)
            start = position + BLOCK
            end = start
            for i in range(BLOCK):
                end += WORD_BITS * (flags >> i & 1)
            if end > nbits:
                return -1
            position = start
            for i in range(BLOCK):
                if flags >> (BLOCK - 1 - i) & 1:
                    row[i] = peek(bits, position, WORD_BITS)
                    position += WORD_BITS
            continue
        count, base = peek(bits, position, COUNT_BITS), peek(bits, position + COUNT_BITS, WORD_BITS)
        position += COUNT_BITS + WORD_BITS
        planes, size = _read_planes(bits, position, count, meanings, mirrored)
        position += size
        if size < 0 or position > nbits:
            return -1
        row[0] = base
        steps = transpose(planes)
        for i in range(1, BLOCK):
            row[i] = row[i - 1] + (steps & np.uint64(0xFF))
            steps >>= np.uint64(8)
    return position


@njit(cache=True)
def _read_planes(
    bits: np.ndarray, position: int, count: int, meanings: np.ndarray, mirrored: np.ndarray
) -> tuple[np.uint64, int]:
    """Read the planes DBP of a block, a byte each; returns them and the bits that they take, -1 if malformed."""
    planes, plane, stored = np.uint64(0), np.uint64(0), 0
    ahead = peek_all(bits, position)
    if count == WHOLE_MARK:
        for k in range(WORD_BITS):
            plane ^= np.uint64(mirrored[ahead >> np.uint64(PORT_BITS - PLANE_BITS)])
            ahead <<= np.uint64(PLANE_BITS)
            planes |= plane << np.uint64(8 * k)
        return planes, WHOLE_BITS
    if count > WORD_BITS:
        return planes, -1
    rest = peek_all(bits, position + FIELD_BITS * count)
    for k in range(WORD_BITS):
        if k < count:
            field = ahead >> np.uint64(PORT_BITS - FIELD_BITS)
            raw = 1 if field >= RAW_PLANE else 0
            meaning = meanings[field << np.uint64(EXTRA_BITS) | rest >> np.uint64(PORT_BITS - EXTRA_BITS)]
            ahead <<= np.uint64(FIELD_BITS)
            rest <<= np.uint64(EXTRA_BITS * raw)
            stored += raw
            plane = (plane ^ np.uint64(meaning)) if meaning < 128 else np.uint64(0)
        planes |= plane << np.uint64(8 * k)
    size = FIELD_BITS * count + EXTRA_BITS * stored
    return planes, size if size < WHOLE_BITS else -1
