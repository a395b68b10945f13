"""Sparse coding of quantised 8 x 8 tiles: the stream of the codec `dct`.

The format is described in `docs/formats/dct.md`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from silicodec.models.bitstream import from_bytes, new_bits, peek, peek_all, put, to_stream
from silicodec.models.codec import EncodedStream
from silicodec.models.errors import CorruptDataError

MODE_BITS = 2
EMPTY, NIBBLES, BYTES, DENSE = range(4)
"""What follows a column's mode: nothing; bitmap and nibbles; bitmap and bytes; the eight bytes."""

_MAX_TILE_BITS = 8 * 72


def encode_tiles(tiles: np.ndarray, two_level: bool) -> EncodedStream:
    """Encode tiles of coefficients, (tiles, 64), uint8, column after column."""
    bits = new_bits(len(tiles) * _MAX_TILE_BITS)
    return to_stream(bits, _encode(tiles, two_level, bits))


def decode_tiles(stream: EncodedStream, count: int, two_level: bool) -> tuple[np.ndarray, int]:
    """Decode `count` tiles, (tiles, 64), uint8; and say how many bits of the stream they take.

    Raises
    ------
    CorruptDataError
        If the stream is malformed.
    """
    if count * (8 * MODE_BITS if two_level else 64) > stream.nbits:
        raise CorruptDataError("stream of tiles is too short")
    tiles = np.zeros((count, 64), np.uint8)
    return tiles, _decode(from_bytes(stream.data), stream.nbits, two_level, tiles)


@njit(cache=True)
def count_bits(tiles: np.ndarray, two_level: bool) -> int:
    """Count the bits that `encode_tiles` would write."""
    total = 0
    for tile in tiles:
        bits = 0
        for column in range(0, 64, 8):
            _, nonzero, narrow = _survey(tile, column)
            if not two_level:
                bits += 8 + 8 * nonzero
            elif nonzero == 0:
                bits += MODE_BITS
            elif narrow:
                bits += MODE_BITS + 8 + 4 * nonzero
            else:
                bits += MODE_BITS + min(8 + 8 * nonzero, 64)
        total += (bits + 7) & ~7
    return total


@njit(cache=True)
def _survey(tile: np.ndarray, column: int) -> tuple[int, int, bool]:
    """Return a column's bitmap, its number of nonzero coefficients, and whether nibbles hold them."""
    bitmap, nonzero, beyond = 0, 0, 0
    for i in range(column, column + 8):
        coefficient = int(tile[i])
        flag = int(coefficient != 0)
        bitmap = bitmap << 1 | flag
        nonzero += flag
        beyond |= (coefficient + 8) & 0xF0
    return bitmap, nonzero, beyond == 0


@njit(cache=True)
def _encode(tiles: np.ndarray, two_level: bool, bits: np.ndarray) -> int:
    """Encode tiles; returns the number of bits written."""
    position = 0
    for tile in tiles:
        for column in range(0, 64, 8):
            bitmap, nonzero, narrow = _survey(tile, column)
            if two_level:
                if nonzero == 0:
                    position = put(bits, position, EMPTY, MODE_BITS)
                    continue
                if narrow:
                    code = NIBBLES << 8 | bitmap
                    for i in range(column, column + 8):
                        if tile[i]:
                            code = code << 4 | (tile[i] & 15)
                    position = put(bits, position, code, MODE_BITS + 8 + 4 * nonzero)
                    continue
                if nonzero == 8:
                    position = put(bits, position, DENSE, MODE_BITS)
                else:
                    position = put(bits, position, BYTES << 8 | bitmap, MODE_BITS + 8)
            else:
                position = put(bits, position, bitmap, 8)
            for i in range(column, column + 8):
                if tile[i]:
                    position = put(bits, position, tile[i], 8)
        position = (position + 7) & ~7
    return position


@njit(cache=True)
def _decode(bits: np.ndarray, nbits: int, two_level: bool, tiles: np.ndarray) -> int:
    """Decode tiles into zeros; returns the number of bits read."""
    position = 0
    for tile in tiles:
        for column in range(0, 64, 8):
            if position > nbits:
                raise CorruptDataError("stream of tiles is too short")
            mode = BYTES
            if two_level:
                mode = peek(bits, position, MODE_BITS)
                position += MODE_BITS
            if mode == EMPTY:
                continue
            bitmap = 0xFF
            if mode != DENSE:
                bitmap = peek(bits, position, 8)
                position += 8
            width = 4 if mode == NIBBLES else 8
            unused = 64 - width
            ahead = peek_all(bits, position)
            for i in range(column, column + 8):
                if bitmap & 0x80:
                    tile[i] = np.int64(ahead) >> unused
                    ahead <<= np.uint64(width)
                    position += width
                bitmap <<= 1
        padding = -position & 7
        if position + padding > nbits:
            raise CorruptDataError("stream of tiles is too short")
        if padding and peek(bits, position, padding):
            raise CorruptDataError("stream of tiles has a tile padded with bits that are not zero")
        position += padding
    return position
