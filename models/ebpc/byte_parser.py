"""Decoding of the blocks of `silicodec.models.ebpc.byte_blocks`.

Most planes of real blocks have codes of 8 bits, and a run of zero planes ends most blocks. So the codes are looked at
eight at a time, as bytes of a 64-bit word: how many of them are codes of 8 bits tells where the next block is, unless
the code after them says otherwise. Their meaning is found in another loop, without a table, all planes of a block at
once and several blocks in a vector instruction. The most significant byte is plane 0 until its bytes are swapped; then
bit 6 of a byte is d[0].
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from silicodec.models.bitstream import look_ahead, look_ahead_all
from silicodec.models.ebpc.byte_blocks import (
    BLOCK_SIZE,
    CHUNK,
    GATHER,
    HIGH_BITS,
    LOW_BITS,
    MOST_BITS,
    WORD_BITS,
    transpose,
)
from silicodec.models.ebpc.tables import NO_CODE, ZERO_PLANES, code_meanings, field_bits
from silicodec.models.instructions import leading_zeros, swap_bytes

SPARE_BYTES = CHUNK * MOST_BITS // 8 + 16
"""How far malformed blocks may be read beyond the end before that is noticed."""
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)
LOWEST_BITS = np.uint64(0x0101010101010101)
ALL_ONES, DBP_IS_ZERO = 0xFF, 0x08
"""What stands for a plane with a code of 5 bits, where others have their own codes of 8 bits, and zero planes 0."""
SIGN_IS_ZERO = 0x80
PLANES = 8 * (WORD_BITS + 1)
"""Planes of a block, eight times: counted like the bits of a 64-bit word with a byte for each."""
RUN_BITS = ZERO_PLANES.length + field_bits(WORD_BITS)


@lru_cache
def plane_meanings() -> np.ndarray:
    """Tabulate what eight bits start with.

    Returns
    -------
    numpy.ndarray
        uint32, (256,): in bits 0 to 7 the byte that stands for the plane; in bits 8 to 15 the plane, bit 6 being d[0],
        or `SIGN_IS_ZERO`; in bits 16 to 23 the code's length; from bit 24 on eight times the number of planes, which is
        more than a block has where there is no such code.
    """
    meanings = code_meanings(WORD_BITS, BLOCK_SIZE)
    codes = np.arange(256, dtype=np.uint32)
    mirrored = np.array([int(f"{plane:07b}"[::-1], 2) for plane in range(128)], np.uint32)
    planes = np.where(meanings.keep == 0, SIGN_IS_ZERO, mirrored[meanings.flip])
    byte = np.where(meanings.length == 8, codes, 0)
    byte[(meanings.length == 5) & (meanings.keep != 0)] = ALL_ONES
    byte[meanings.keep == 0] = DBP_IS_ZERO
    count = np.where(meanings.repeat == NO_CODE, PLANES + 8, 8 * meanings.repeat.astype(np.uint32))
    return (byte | planes << 8 | meanings.length.astype(np.uint32) << 16 | count << 24).astype(np.uint32)


@njit(cache=True, inline="always")
def _bits_of_bytes(ahead: np.uint64) -> np.uint64:
    """Count the bits of the codes of 8 bits that `ahead` starts with: they begin with 1 or 0001."""
    other = ((ahead ^ np.uint64(0x1010101010101010)) & np.uint64(0x7070707070707070)) + np.uint64(0x7070707070707070)
    return np.uint64(leading_zeros(other & ~ahead & HIGH_BITS))


@njit(cache=True)
def _parse_block(
    data: np.ndarray, position: np.uint64, meanings: np.ndarray
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Find the codes of any block's planes.

    Returns the position after them, the bytes that stand for planes, the change of the sign plane or `SIGN_IS_ZERO`,
    and eight times the number of planes, which is more than a block has if it is malformed.
    """
    codes, sign, planes = np.uint64(0), np.uint64(0), np.uint64(0)
    while planes < np.uint64(PLANES):
        ahead = look_ahead_all(data, position)
        # Bytes up to the sign plane, and so few that there are eight bits more.
        count = min(_bits_of_bytes(ahead), np.uint64(64) - planes, np.uint64(56))
        if count > np.uint64(0):
            codes |= (ahead & ~(ALL_BITS >> count)) >> planes
            planes += count
        entry = np.uint64(meanings[(ahead << count) >> np.uint64(56)])
        position += count + ((entry >> np.uint64(16)) & np.uint64(0xFF))
        if planes < np.uint64(64):
            codes |= (entry & np.uint64(0xFF)) << (np.uint64(56) - planes)
        else:
            sign = (entry >> np.uint64(8)) & np.uint64(0xFF)
        planes += entry >> np.uint64(24)
    return position, codes, sign, planes


@njit(cache=True)
def _parse(
    data: np.ndarray,
    position: np.uint64,
    meanings: np.ndarray,
    bases: np.ndarray,
    codes: np.ndarray,
    signs: np.ndarray,
) -> np.uint64:
    """Find the bases and codes of blocks; returns the position after them, or 0 if they are malformed."""
    for i in range(codes.size):
        bases[i] = look_ahead(data, position) >> np.uint64(56)
        start = position + np.uint64(8)
        ahead = look_ahead_all(data, start)
        count = _bits_of_bytes(ahead)
        run = (ahead << (count & np.uint64(63))) >> np.uint64(64 - RUN_BITS)
        position = start + count + np.uint64(RUN_BITS)
        codes[i] = ahead & ~(ALL_BITS >> (count & np.uint64(63)))
        signs[i] = 0
        # The run is that of all planes that are left, at least two.
        if run != np.uint64(15) - (count >> np.uint64(3)) or count > np.uint64(56):
            position, codes[i], signs[i], planes = _parse_block(data, start, meanings)
            if planes > np.uint64(PLANES):
                return np.uint64(0)
    return position


@njit(cache=True, inline="always")
def _bytes_of(lowest: np.uint64) -> np.uint64:
    """Set all bits of the bytes whose lowest bit is set, where no other one is."""
    return (lowest << np.uint64(8)) - lowest


@njit(cache=True, inline="always")
def _changes(codes: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return DBX of planes by their codes, and what is not 0 if there is a position beyond its plane."""
    is_raw = codes & HIGH_BITS
    positioned = codes & ~(is_raw >> np.uint64(3)) & np.uint64(0x1010101010101010)
    # Bit 3 tells that there is a single one. Such may be moved from bit 6 down by 6, two of them by 5.
    single = codes << np.uint64(1)
    beyond = positioned & codes << np.uint64(2) & codes << np.uint64(3) & (~single | codes << np.uint64(4))
    ones = positioned << np.uint64(2) | (positioned & ~single) << np.uint64(1)
    ones ^= (ones ^ ones >> np.uint64(4)) & _bytes_of((codes >> np.uint64(2)) & LOWEST_BITS)
    moved = (ones >> np.uint64(2)) & np.uint64(0x3F3F3F3F3F3F3F3F)
    ones ^= (ones ^ moved) & _bytes_of((codes >> np.uint64(1)) & LOWEST_BITS)
    moved = (ones >> np.uint64(1)) & LOW_BITS
    ones ^= (ones ^ moved) & _bytes_of(codes & LOWEST_BITS)
    return (codes & (is_raw - (is_raw >> np.uint64(7)))) | ones, beyond


@njit(cache=True, inline="always")
def _planes(changes: np.uint64, codes: np.uint64) -> np.uint64:
    """Return DBP by DBX and the codes, which tell where DBP is zero."""
    planes = changes
    planes ^= planes << np.uint64(8)
    planes ^= planes << np.uint64(16)
    planes ^= planes << np.uint64(32)
    # What this makes of a zero plane is too much there and in all planes up to the next such one.
    others = codes >> np.uint64(1) | codes >> np.uint64(4)
    zero_planes = _bytes_of(((codes & ~others) >> np.uint64(3)) & LOWEST_BITS)
    surplus = planes & zero_planes
    surplus |= (surplus << np.uint64(8)) & ~zero_planes
    zero_planes |= zero_planes << np.uint64(8)
    surplus |= (surplus << np.uint64(16)) & ~zero_planes
    zero_planes |= zero_planes << np.uint64(16)
    surplus |= (surplus << np.uint64(32)) & ~zero_planes
    return planes ^ surplus


@njit(cache=True, inline="always")
def _add(a: np.uint64, b: np.uint64) -> np.uint64:
    """Add bytes, each modulo 256."""
    return ((a & LOW_BITS) + (b & LOW_BITS)) ^ ((a ^ b) & HIGH_BITS)


@njit(cache=True)
def _restore(bases: np.ndarray, codes: np.ndarray, signs: np.ndarray, blocks: np.ndarray) -> np.uint64:
    """Turn what `_parse` finds into blocks; returns what is not 0 if they are malformed."""
    malformed = np.uint64(0)
    for i in range(blocks.size):
        planes = swap_bytes(codes[i])
        changes, beyond = _changes(planes)
        planes = _planes(changes, planes)
        difference = transpose(planes)
        # The base is in the most significant byte, and each difference in that below the word that it is added to.
        block = np.uint64(bases[i]) << np.uint64(56) | difference
        block = _add(block, block >> np.uint64(8))
        block = _add(block, block >> np.uint64(16))
        block = _add(block, block >> np.uint64(32))
        blocks[i] = swap_bytes(block)
        # With the sign bits inverted the words are ordered like unsigned numbers; what is borrowed then is the sign.
        after = block ^ HIGH_BITS
        before = after >> np.uint64(8)
        borrowed = (~after & before) | ((~after | before) & difference)
        sign = (((borrowed & HIGH_BITS) * GATHER) >> np.uint64(56)) & np.uint64(0x7F)
        change = np.uint64(signs[i])
        found = (planes >> np.uint64(56)) ^ change if change < np.uint64(SIGN_IS_ZERO) else np.uint64(0)
        malformed |= beyond | (sign ^ found)
    return malformed


@njit(cache=True)
def decode_blocks(data: np.ndarray, start: int, nbits: int, meanings: np.ndarray, blocks: np.ndarray) -> int:
    """Decode as many blocks as `blocks` has room for.

    Parameters
    ----------
    data : numpy.ndarray
        A part of the stream, as of `silicodec.models.bitstream.padded`, with `SPARE_BYTES`.
    start, nbits : int
        Where the blocks begin, and how many bits there are from there on.
    meanings : numpy.ndarray
        What `plane_meanings` returns.
    blocks : numpy.ndarray
        uint64, (N,).

    Returns
    -------
    int
        Number of bits read, or -1 if they are malformed.
    """
    bases, codes, signs = np.empty(CHUNK, np.uint8), np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint8)
    position, end = np.uint64(start), np.uint64(start + nbits)
    for first in range(0, blocks.size, CHUNK):
        part = blocks[first : first + CHUNK]
        position = _parse(data, position, meanings, bases, codes[: part.size], signs)
        if position == np.uint64(0) or position > end or _restore(bases, codes, signs, part):
            return -1
    return np.int64(position) - start  # type: ignore[return-value]
