"""Bit-plane compression of 8-bit words in blocks of 8, a whole block in one 64-bit word at a time.

The same code as that of `silicodec.models.ebpc.bpc`, for the shape that the public hardware has. Byte i of the 64-bit
word, from the least significant one, is word i of a block, or bit plane i; d[0], the leftmost bit of a plane, is bit 0
there, and bit 7 stays free.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.bitstream import peek_all
from silicodec.models.ebpc.tables import (
    NO_CODE,
    SINGLE_ZERO_PLANE,
    ZERO_DELTA_PLANE,
    ZERO_PLANES,
    code_meanings,
    field_bits,
    plane_codes,
)
from silicodec.models.errors import CorruptDataError

WORD_BITS = BLOCK_SIZE = 8
LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
HIGH_BITS = np.uint64(0x8080808080808080)
SEVEN_BYTES = np.uint64(0x00FFFFFFFFFFFFFF)
GATHER = np.uint64(0x0002040810204081)
"""Times this, the highest bits of eight bytes stand side by side in the most significant byte, byte 0's lowest."""
LENGTH_SHIFT = 16
"""An entry of the encoder's table holds a code in its low bits, and its number of bits from here on."""


class BlockCodes(NamedTuple):
    """What the encoder looks up.

    Attributes
    ----------
    codes : numpy.ndarray
        uint64, (10 * 256,): the codes of `gap` zero planes and of the plane after them by 256 * gap + plane, bit 7 of
        which tells that DBP is zero there; where the plane is zero, too, of `gap` + 1 zero planes. Gap 9 is no code.
    places, rows : numpy.ndarray
        uint8 and uint16, (256 * 10,): by ten times a mask of the first eight planes, the numbers of those in it and of
        the last plane, 8, in order; and 256 times the number of planes between them and the ones before, or 9 after
        the last.
    pairs : numpy.ndarray
        uint8, (256,): how many pairs the base and these planes make, but at least 4.
    """

    codes: np.ndarray
    places: np.ndarray
    rows: np.ndarray
    pairs: np.ndarray


@lru_cache
def block_codes() -> BlockCodes:
    """Tabulate codes and masks."""
    single = plane_codes(BLOCK_SIZE)
    mirrored = [int(f"{plane:07b}"[::-1], 2) for plane in range(128)]
    codes = np.zeros((10, 256), np.uint64)
    for gap in range(9):
        for plane in range(256):
            code, length = _zero_planes(gap if plane & 0x7F else gap + 1)
            if plane & 0x7F:
                value, bits = single.value[mirrored[plane & 0x7F]], single.length[mirrored[plane & 0x7F]]
                if plane & 0x80 and plane != 0xFF:
                    value, bits = ZERO_DELTA_PLANE
                code, length = code << int(bits) | int(value), length + int(bits)
            codes[gap, plane] = code | length << LENGTH_SHIFT
    places, rows = np.zeros((256, 10), np.uint8), np.full((256, 10), 9 * 256, np.uint16)
    pairs = np.full(256, 4, np.uint8)
    for mask in range(256):
        planes = [*(k for k in range(8) if mask >> k & 1), 8]
        places[mask, : len(planes)] = planes
        rows[mask, : len(planes)] = [256 * (plane - before - 1) for before, plane in pairwise([-1, *planes])]
        pairs[mask] = max(4, len(planes) // 2 + 1)
    return BlockCodes(codes.reshape(-1), places.reshape(-1), rows.reshape(-1), pairs)


def _zero_planes(count: int) -> tuple[int, int]:
    if count == 0:
        return 0, 0
    if count == 1:
        return SINGLE_ZERO_PLANE
    run_bits = field_bits(WORD_BITS)
    return ZERO_PLANES.value << run_bits | count - 2, ZERO_PLANES.length + run_bits


@njit(cache=True, inline="always")
def _transpose(matrix: np.uint64) -> np.uint64:
    """Exchange bit i of byte j with bit j of byte i."""
    # Three steps that swap ever larger quarters: H. S. Warren, Hacker's Delight, section 7-3.
    swap = (matrix ^ (matrix >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
    matrix ^= swap ^ (swap << np.uint64(7))
    swap = (matrix ^ (matrix >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
    matrix ^= swap ^ (swap << np.uint64(14))
    swap = (matrix ^ (matrix >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
    return matrix ^ swap ^ (swap << np.uint64(28))


@njit(cache=True, inline="always")
def _differences(block: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Subtract each word from the next one: the low 8 bits of d[i] in byte i, and the plane of signs."""
    before, after = block & SEVEN_BYTES, block >> np.uint64(8)
    difference = ((after | HIGH_BITS) - (before & LOW_BITS)) ^ ((after ^ ~before) & HIGH_BITS)
    # With the sign bits inverted the words are ordered like unsigned numbers; what is borrowed then is the sign.
    after, before = after ^ HIGH_BITS, before ^ HIGH_BITS
    borrowed = (~after & before) | ((~after | before) & difference)
    signs = ((borrowed & HIGH_BITS) * GATHER) >> np.uint64(56)
    return difference & SEVEN_BYTES, signs & np.uint64(0x7F)


@njit(cache=True)
def encode_blocks(blocks: np.ndarray, table: BlockCodes, halves: np.ndarray) -> int:
    """Encode blocks.

    Parameters
    ----------
    blocks : numpy.ndarray
        uint64, (N,).
    table : BlockCodes
        What `block_codes` returns.
    halves : numpy.ndarray
        uint32, at least `3 * N + 1`: takes the code, most significant bit first.

    Returns
    -------
    int
        Number of bits of code.
    """
    planes_by_place = np.empty(16, np.uint8)
    words = planes_by_place.view(np.uint64)
    bits, filled = np.uint64(0), np.uint64(0)
    position = np.uint64(0)
    one = np.uint64(1)
    for block in blocks:
        difference, signs = _differences(block)
        planes = _transpose(difference)
        changes = planes ^ (planes << np.uint64(8))
        nonzero = (((changes + LOW_BITS) & HIGH_BITS) * GATHER) >> np.uint64(56)
        words[0] = changes | (~(planes + LOW_BITS) & HIGH_BITS)
        words[1] = signs ^ (planes >> np.uint64(56)) | np.uint64(signs == np.uint64(0)) << np.uint64(7)

        first = block & np.uint64(255) | np.uint64(8 << LENGTH_SHIFT)
        index = nonzero * np.uint64(10)
        # The base and seven planes go without a branch that could be mispredicted; few blocks have more.
        for _ in range(table.pairs[nonzero]):
            second = table.codes[table.rows[index] | planes_by_place[table.places[index]]]
            length = second >> np.uint64(LENGTH_SHIFT)
            both = (first & np.uint64(0xFFFF)) << length | (second & np.uint64(0xFFFF))
            length += first >> np.uint64(LENGTH_SHIFT)
            bits = bits << length | both
            filled += length
            halves[position] = bits >> (filled & np.uint64(31))  # counts only if it is full
            position += filled >> np.uint64(5)
            filled &= np.uint64(31)
            first = table.codes[table.rows[index + one] | planes_by_place[table.places[index + one]]]
            index += one + one
    halves[position] = bits << (np.uint64(32) - filled)
    return 32 * np.int64(position) + np.int64(filled)  # type: ignore[return-value]


@lru_cache
def block_meanings() -> np.ndarray:
    """Tabulate what every byte starts with, uint64, (256,), as of `Meanings`.

    From the least significant byte: length of the code, planes that it stands for, bits that it inverts, bits that it
    keeps.
    """
    meanings = code_meanings(WORD_BITS, BLOCK_SIZE)
    columns = (meanings.length, meanings.repeat, meanings.flip, meanings.keep)
    fields = np.array([column.astype(np.uint64) << 8 * i for i, column in enumerate(columns)])
    return np.bitwise_or.reduce(fields, axis=0)


@njit(cache=True, inline="always")
def _add(a: np.uint64, b: np.uint64) -> np.uint64:
    """Add bytes, each modulo 256."""
    return ((a & LOW_BITS) + (b & LOW_BITS)) ^ ((a ^ b) & HIGH_BITS)


@njit(cache=True)
def decode_blocks(bits: np.ndarray, nbits: int, meanings: np.ndarray, blocks: np.ndarray) -> int:
    """Decode as many blocks as `blocks` has room for, uint64; returns the number of bits read.

    Raises
    ------
    CorruptDataError
        If the stream is malformed.
    """
    contradictions = np.uint64(0)
    position = 0
    for index in range(blocks.size):
        ahead = peek_all(bits, position)
        base = ahead >> np.uint64(56)
        ahead <<= np.uint64(8)
        usable = np.uint64(56)
        position += 8
        plane, changes = np.uint64(0), np.uint64(0)
        place = np.uint64(0)
        while place < np.uint64(9):
            if usable < np.uint64(8):
                if position > nbits:
                    raise CorruptDataError("BPC stream is too short")
                ahead, usable = peek_all(bits, position), np.uint64(64)
            meaning = meanings[ahead >> np.uint64(56)]
            length, repeat = meaning & np.uint64(63), (meaning >> np.uint64(8)) & np.uint64(255)
            ahead <<= length
            usable -= length
            position += np.int64(length)  # type: ignore[assignment]
            before = plane
            plane = (plane ^ (meaning >> np.uint64(16))) & (meaning >> np.uint64(24))
            if place + repeat > np.uint64(9):
                if repeat == np.uint64(NO_CODE):
                    raise CorruptDataError("BPC stream has a position beyond its plane")
                raise CorruptDataError("BPC stream has a run of zero planes beyond its block")
            # Shifted twice, since a shift by 64 is undefined.
            changes |= ((plane ^ before) << (place << np.uint64(2))) << (place << np.uint64(2))
            place += repeat
        if position > nbits:
            raise CorruptDataError("BPC stream is too short")
        planes = changes ^ (changes << np.uint64(8))
        planes ^= planes << np.uint64(16)
        planes ^= planes << np.uint64(32)
        block = base | _transpose(planes) << np.uint64(8)
        block = _add(block, block << np.uint64(8))
        block = _add(block, block << np.uint64(16))
        block = _add(block, block << np.uint64(32))
        contradictions |= plane ^ _differences(block)[1]
        blocks[index] = block
    if contradictions:
        raise CorruptDataError("BPC stream has a sign plane that contradicts its differences")
    return position
