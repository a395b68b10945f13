"""Bit-plane compression of 8-bit words in blocks of 8, a whole block in one 64-bit word at a time.

The same code as that of `silicodec.models.ebpc.bpc`, for the shape that the public hardware has. Byte i of the 64-bit
word, from the least significant one, is word i of a block, or bit plane i; d[0], the leftmost bit of a plane, is bit 0
there, and bit 7 is free for a mark. What is alike for all blocks is done in loops of their own over `CHUNK` of them,
which compile to vector instructions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.bitstream import put_next
from silicodec.models.ebpc.tables import (
    SINGLE_ZERO_PLANE,
    ZERO_DELTA_PLANE,
    ZERO_PLANES,
    field_bits,
    plane_codes,
)

WORD_BITS = BLOCK_SIZE = 8
CHUNK = 128
LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
HIGH_BITS = np.uint64(0x8080808080808080)
SEVEN_BYTES = np.uint64(0x00FFFFFFFFFFFFFF)
GATHER = np.uint64(0x0002040810204081)
"""Times this, the highest bits of eight bytes stand side by side in the most significant byte, byte 0's lowest."""
MOST_BITS = 80
"""Bits of the longest code of a block: a base, and nine planes as they are."""


class BlockCodes(NamedTuple):
    """What the encoder looks up.

    Attributes
    ----------
    pairs : numpy.ndarray
        uint32, (65536,): the codes of two planes, the first one in the low byte of the index, and from bit 16 on their
        number of bits. Bit 7 of a plane tells that DBP is zero there. Planes of zeros have no code in here.
    runs : numpy.ndarray
        uint16, (512 * 8,): by eight times a mask of the planes that are not zero, the codes of the runs of zeros that
        end before the first to fifth pair of planes, or within it, and of that at the end. From bit 8 on their bits.
    """

    pairs: np.ndarray
    runs: np.ndarray


@lru_cache
def block_codes() -> BlockCodes:
    """Tabulate codes and masks."""
    single = plane_codes(BLOCK_SIZE)
    planes = np.arange(256)
    mirrored = np.array([int(f"{plane:07b}"[::-1], 2) for plane in range(128)])[planes & 0x7F]
    value, length = single.value[mirrored], single.length[mirrored].astype(np.uint32)
    delta_is_zero = (planes > 0x80) & (planes < 0xFF)
    value[delta_is_zero], length[delta_is_zero] = ZERO_DELTA_PLANE
    value[planes & 0x7F == 0] = length[planes & 0x7F == 0] = 0
    second, first = value[:, np.newaxis], value << length[:, np.newaxis]
    pairs = first | second | (length[:, np.newaxis] + length) << 16

    runs = np.zeros((512, 8), np.uint16)
    for mask in range(512):
        zeros = 0
        for k in range(WORD_BITS + 1):
            zeros += 1
            if mask >> k & 1:
                runs[mask, k // 2] |= _zero_planes(zeros - 1)
                zeros = 0
        runs[mask, 5] = _zero_planes(zeros)
    return BlockCodes(pairs.astype(np.uint32).reshape(-1), runs.reshape(-1))


def _zero_planes(count: int) -> int:
    """Return the code of so many planes of zeros, and from bit 8 on its number of bits."""
    if count == 0:
        return 0
    if count == 1:
        return SINGLE_ZERO_PLANE.value | SINGLE_ZERO_PLANE.length << 8
    run_bits = field_bits(WORD_BITS)
    return ZERO_PLANES.value << run_bits | count - 2 | (ZERO_PLANES.length + run_bits) << 8


@njit(cache=True, inline="always")
def transpose(matrix: np.uint64) -> np.uint64:
    """Exchange bit i of byte j with bit j of byte i."""
    # Three steps that swap ever larger quarters: H. S. Warren, Hacker's Delight, section 7-3.
    swap = (matrix ^ (matrix >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
    matrix ^= swap ^ (swap << np.uint64(7))
    swap = (matrix ^ (matrix >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
    matrix ^= swap ^ (swap << np.uint64(14))
    swap = (matrix ^ (matrix >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
    return matrix ^ swap ^ (swap << np.uint64(28))


@njit(cache=True, inline="always")
def differences(block: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Subtract each word from the next one: the low 8 bits of d[i] in byte i, and the plane of signs."""
    before, after = block & SEVEN_BYTES, block >> np.uint64(8)
    difference = ((after | HIGH_BITS) - (before & LOW_BITS)) ^ ((after ^ ~before) & HIGH_BITS)
    # With the sign bits inverted the words are ordered like unsigned numbers; what is borrowed then is the sign.
    after, before = after ^ HIGH_BITS, before ^ HIGH_BITS
    borrowed = (~after & before) | ((~after | before) & difference)
    signs = ((borrowed & HIGH_BITS) * GATHER) >> np.uint64(56)
    return difference & SEVEN_BYTES, signs & np.uint64(0x7F)


@njit(cache=True, inline="always")
def _append(code: np.uint64, length: np.uint64, runs: np.uint16, pair: np.uint32) -> tuple[np.uint64, np.uint64]:
    """Append the codes of zeros before a pair of planes, and those of the pair."""
    run_bits, pair_bits = np.uint64(runs >> np.uint16(8)), np.uint64(pair >> np.uint32(16))
    code = (code << run_bits | np.uint64(runs & np.uint16(0xFF))) << pair_bits | np.uint64(pair & np.uint32(0xFFFF))
    return code, length + run_bits + pair_bits


@njit(cache=True)
def encode_blocks(blocks: np.ndarray, table: BlockCodes, last: np.uint64, filled: np.uint64, bits: np.ndarray) -> int:
    """Encode blocks.

    Parameters
    ----------
    blocks : numpy.ndarray
        uint64, (N,).
    table : BlockCodes
        What `block_codes` returns.
    last, filled : numpy.uint64
        An element of bits before the code, and how many it has.
    bits : numpy.ndarray
        uint64, at least ``N * MOST_BITS // 64 + 3``: takes the code, as of `silicodec.models.bitstream`.

    Returns
    -------
    int
        Number of bits, those before the code included.
    """
    planes_of, rest_of = np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64)
    index = np.uint64(0)
    for start in range(0, blocks.size, CHUNK):
        part = blocks[start : start + CHUNK]
        for i in range(part.size):
            difference, signs = differences(part[i])
            planes = transpose(difference)
            changes = planes ^ (planes << np.uint64(8))
            nonzero = (((changes + LOW_BITS) & HIGH_BITS) * GATHER) >> np.uint64(56)
            planes_of[i] = changes | (~(planes + LOW_BITS) & HIGH_BITS)
            sign_changes = signs ^ (planes >> np.uint64(56))
            # The sign plane, whether DBP is zero there, and from bit 8 on eight times the mask of planes.
            sign_changes |= ((sign_changes + np.uint64(0x7F)) & np.uint64(0x80)) << np.uint64(12)
            rest_of[i] = sign_changes | np.uint64(signs == np.uint64(0)) << np.uint64(7) | nonzero << np.uint64(11)
        for i in range(part.size):
            planes, rest = planes_of[i], rest_of[i]
            row = rest >> np.uint64(8)
            code, length = part[i] & np.uint64(0xFF), np.uint64(8)
            for k in range(2):
                pair = table.pairs[(planes >> np.uint64(16 * k)) & np.uint64(0xFFFF)]
                code, length = _append(code, length, table.runs[row + np.uint64(k)], pair)
            index, filled, last = put_next(bits, index, filled, last, code, length)
            code, length = np.uint64(0), np.uint64(0)
            for k in range(2, 4):
                pair = table.pairs[(planes >> np.uint64(16 * k)) & np.uint64(0xFFFF)]
                code, length = _append(code, length, table.runs[row + np.uint64(k)], pair)
            code, length = _append(code, length, table.runs[row + np.uint64(4)], table.pairs[rest & np.uint64(0xFF)])
            code, length = _append(code, length, table.runs[row + np.uint64(5)], np.uint32(0))
            index, filled, last = put_next(bits, index, filled, last, code, length)
    bits[index] = last
    return 64 * np.int64(index) + np.int64(filled)  # type: ignore[return-value]
