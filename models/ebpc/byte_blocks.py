"""Bit-plane compression of 8-bit words in blocks of 8, a whole block in one 64-bit word at a time.

The same code as that of `silicodec.models.ebpc.bpc`, for the shape that the public hardware has. Byte i of the 64-bit
word, from the least significant one, is bit plane i; d[0], the leftmost bit of a plane, is bit 6 there, and bit 7 is
free for a mark. What is alike for all blocks is done in loops of their own over `CHUNK` of them, which compile to
vector instructions. `silicodec.models.ebpc.byte_parser` decodes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.bitstream import put_next
from silicodec.models.ebpc.flag_bytes import HIGH_BITS, LOW_BITS, LOWEST_BITS, gather
from silicodec.models.ebpc.tables import (
    SINGLE_ZERO_PLANE,
    ZERO_DELTA_PLANE,
    ZERO_PLANES,
    field_bits,
    plane_codes,
)
from silicodec.models.instructions import count_ones, swap_bytes

WORD_BITS = BLOCK_SIZE = 8
CHUNK = 512
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
    value, length = single.value[planes & 0x7F], single.length[planes & 0x7F].astype(np.uint32)
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
def _differences(words: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Subtract each word, the first one in the highest byte, from the next one: the low 8 bits, and the sign plane."""
    before, after = words >> np.uint64(8), words & SEVEN_BYTES
    difference = ((after | HIGH_BITS) - (before & LOW_BITS)) ^ ((after ^ ~before) & HIGH_BITS)
    # With the sign bits inverted the words are ordered like unsigned numbers; what is borrowed then is the sign.
    after, before = after ^ HIGH_BITS, before ^ HIGH_BITS
    borrowed = (~after & before) | ((~after | before) & difference)
    signs = ((borrowed & HIGH_BITS) * GATHER) >> np.uint64(56)
    return difference & SEVEN_BYTES, signs & np.uint64(0x7F)


@njit(cache=True, inline="always")
def _nonzero(planes: np.uint64) -> np.uint64:
    """Mark planes that are not zero in bit 7 of their bytes, where it is 0."""
    return (planes + LOW_BITS) & HIGH_BITS


@njit(cache=True, inline="always")
def _codes_of_bytes(changes: np.uint64) -> np.uint64:
    """Return the code of 8 bits of each plane that is not zero, as if there were no shorter ones."""
    # The leftmost of ones side by side, and what is left; if there is but one such, it has no bit in common with the
    # number before it.
    top = changes & ~(changes >> np.uint64(1))
    others = top & ((top | HIGH_BITS) - LOWEST_BITS)
    rest = changes ^ top
    single = ~_nonzero(others | rest) & HIGH_BITS
    pair = ~_nonzero(others | (rest ^ ((top >> np.uint64(1)) & LOW_BITS))) & HIGH_BITS
    position = _nonzero(top & np.uint64(0x2A2A2A2A2A2A2A2A)) >> np.uint64(7)
    position |= _nonzero(top & np.uint64(0x1919191919191919)) >> np.uint64(6)
    position |= _nonzero(top & np.uint64(0x0707070707070707)) >> np.uint64(5)
    positioned = single | pair
    mask = positioned | (positioned - (positioned >> np.uint64(7)))
    code = np.uint64(0x1010101010101010) | single >> np.uint64(4) | position
    return (code & mask) | ((changes | HIGH_BITS) & ~mask)


@njit(cache=True)
def _describe(blocks: np.ndarray, codes: np.ndarray, planes: np.ndarray, masks: np.ndarray) -> None:
    """Find of each block the codes of 8 bits, its planes, and which of these are zero.

    `codes` takes those of planes 0 to 7, the first one in the highest byte; `planes` takes DBX, with bit 7 where DBP is
    zero; `masks` what is told below.
    """
    for i in range(blocks.size):
        difference, signs = _differences(swap_bytes(blocks[i]))
        dbp = transpose(difference)
        dbx = dbp ^ (dbp << np.uint64(8))
        nonzero, nonzero_dbp = _nonzero(dbx), _nonzero(dbp)
        codes[i] = swap_bytes(_codes_of_bytes(dbx))
        planes[i] = dbx | (~nonzero_dbp & HIGH_BITS)
        sign = signs ^ (dbp >> np.uint64(56))
        # From the least significant bit: the sign plane, whether DBP is zero there, three bits of 0, and for each plane
        # whether it is not zero; from bit 20 on the planes that have a code of 5 bits.
        rest = sign | np.uint64(signs == np.uint64(0)) << np.uint64(7)
        rest |= (nonzero * GATHER) >> np.uint64(56) << np.uint64(11)
        rest |= ((sign + np.uint64(0x7F)) & np.uint64(0x80)) << np.uint64(12)
        short = ((dbx + LOWEST_BITS) & HIGH_BITS) | (nonzero & ~nonzero_dbp)
        masks[i] = rest | (short * GATHER) >> np.uint64(56) << np.uint64(20)


@njit(cache=True, inline="always")
def _append(code: np.uint64, length: np.uint64, runs: np.uint16, pair: np.uint32) -> tuple[np.uint64, np.uint64]:
    """Append the codes of zeros before a pair of planes, and those of the pair."""
    run_bits, pair_bits = np.uint64(runs >> np.uint16(8)), np.uint64(pair >> np.uint32(16))
    code = (code << run_bits | np.uint64(runs & np.uint16(0xFF))) << pair_bits | np.uint64(pair & np.uint32(0xFFFF))
    return code, length + run_bits + pair_bits


@njit(cache=True)
def _encode(
    blocks: np.ndarray,
    table: BlockCodes,
    room: tuple[np.ndarray, np.ndarray, np.ndarray],
    bits: np.ndarray,
    index: np.uint64,
    filled: np.uint64,
    last: np.uint64,
) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Encode up to `CHUNK` blocks after the `filled` bits of `last`, which is element `index` of `bits`."""
    codes, planes, masks = room
    _describe(blocks, codes, planes, masks)
    for i in range(blocks.size):
        base, mask = blocks[i] & np.uint64(0xFF), masks[i]
        nonzero = mask >> np.uint64(11)
        if nonzero & (nonzero + np.uint64(1)) == np.uint64(0) and nonzero < np.uint64(0x40):
            # No codes of 5 bits, and no plane after the first one of zeros that is not: most blocks.
            count = np.uint64(8 * count_ones(nonzero))
            code = (base << np.uint64(48) | codes[i] >> np.uint64(16)) >> (np.uint64(48) - count)
            code = code << np.uint64(6) | (np.uint64(15) - (count >> np.uint64(3)))
            index, filled, last = put_next(bits, index, filled, last, code, count + np.uint64(14))
            continue
        row = (mask >> np.uint64(8)) & np.uint64(0xFFF)
        code, length = base, np.uint64(8)
        for k in range(2):
            pair = table.pairs[(planes[i] >> np.uint64(16 * k)) & np.uint64(0xFFFF)]
            code, length = _append(code, length, table.runs[row + np.uint64(k)], pair)
        index, filled, last = put_next(bits, index, filled, last, code, length)
        code, length = np.uint64(0), np.uint64(0)
        for k in range(2, 4):
            pair = table.pairs[(planes[i] >> np.uint64(16 * k)) & np.uint64(0xFFFF)]
            code, length = _append(code, length, table.runs[row + np.uint64(k)], pair)
        code, length = _append(code, length, table.runs[row + np.uint64(4)], table.pairs[mask & np.uint64(0xFF)])
        code, length = _append(code, length, table.runs[row + np.uint64(5)], np.uint32(0))
        index, filled, last = put_next(bits, index, filled, last, code, length)
    return index, filled, last


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
    index = np.uint64(0)
    room = np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64)
    for start in range(0, blocks.size, CHUNK):
        index, filled, last = _encode(blocks[start : start + CHUNK], table, room, bits, index, filled, last)
    bits[index] = last
    return 64 * np.int64(index) + np.int64(filled)  # type: ignore[return-value]


@njit(cache=True)
def encode_nonzero(
    words: np.ndarray,
    flags: np.ndarray,
    rest: np.ndarray,
    table: BlockCodes,
    last: np.uint64,
    filled: np.uint64,
    bits: np.ndarray,
) -> int:
    """Encode the nonzero ones of words, uint8, as `encode_blocks` does whole blocks.

    `flags`, uint8, takes which ones they are, as of `silicodec.models.bitstream.pack_nonzero`. Those that begin no
    whole block are left in `rest`, uint8, (9,), with their number at its end, where it may hold some already that come
    first. `bits` is as if no word was zero.
    """
    nonzero = np.empty(8 * CHUNK + 16, np.uint8)
    blocks = nonzero.view(np.uint64)
    nonzero[:8] = rest[:8]
    count, index = np.uint64(rest[8]), np.uint64(0)
    room = np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64)
    for start in range(0, words.size, 8 * CHUNK):
        count = gather(words, start, flags, room[0], nonzero, count)
        whole = np.int64(count >> np.uint64(3))
        index, filled, last = _encode(blocks[:whole], table, room, bits, index, filled, last)
        blocks[0], count = blocks[whole], count & np.uint64(7)
    rest[:8], rest[8] = nonzero[:8], count
    bits[index] = last
    return 64 * np.int64(index) + np.int64(filled)  # type: ignore[return-value]
