"""Coding of quantised 8 x 8 tiles: the stream of the codec `dct`.

The format is described in `docs/formats/dct.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from llvmlite.ir import Constant, IntType
from numba import njit, types
from numba.extending import intrinsic

from silicodec.models.bitstream import join, new_bits, peek_all, put, to_stream, window
from silicodec.models.codec import EncodedStream
from silicodec.models.errors import CorruptDataError

EMPTY, SHORT, FULL = range(3)
"""Levels of columns: all zero; Rice parameter 0 and the last four coefficients zero; from here on level - FULL is the
Rice parameter."""
MOST_RICE = 9
LAST_LEVEL = FULL + MOST_RICE
FIRST_REFERENCE = FULL + 3
"""What the first level of a stream is coded relative to."""

QUOTIENTS = 15
"""Largest sum of a column's quotients."""
LOW_PLANES = 4
"""Planes of low bits that follow the quotients; higher ones come before them."""
MEAN_BITS = 2
"""Low bits of a tile's mean that its column's Rice parameter does not count."""
VALUE_BITS = 11
"""Bits of a coefficient."""

_ONES, _DIAGONAL, _TO_TOP = (
    np.uint64(constant) for constant in (0x0101010101010101, 0x8040201008040201, 0x7F7F7F7F7F7F7F7F)
)
"""A one in each of eight bytes; a different bit of each; and what carries any bit of a byte to its highest one."""

MOST_TILE_BITS = 8 * (7 + 8 + QUOTIENTS + 8 * MOST_RICE) + MEAN_BITS
"""No tile takes more: levels, quotients, planes, and low bits of the mean."""


def encode_tiles(parts: Iterable[np.ndarray]) -> EncodedStream:
    """Encode tiles of folded coefficients, column after column: any number of parts, (tiles, 64), int16, none empty."""
    return join(_encode_parts(iter(parts)))


def _encode_parts(parts: Iterator[np.ndarray]) -> Iterator[EncodedStream]:
    """Encode each part once the next one is there, whose first level is in its last column."""
    tiles, begins, level, first = next(parts, None), True, FIRST_REFERENCE, FIRST_REFERENCE
    while tiles is not None:
        following = next(parts, None)
        after = tiles[:0] if following is None else following[:1]
        bits = new_bits(len(tiles) * MOST_TILE_BITS + 8)
        position, level, first = _encode(tiles, after, begins, level, first, bits)
        yield to_stream(bits, position)
        tiles, begins = following, False


def check_length(stream: EncodedStream, count: int) -> None:
    """Raise CorruptDataError for a stream that cannot hold so many tiles."""
    if 8 * count >= stream.nbits + (count == 0):
        raise CorruptDataError("stream of tiles is too short")


def decode_tiles(stream: EncodedStream, counts: Iterable[int]) -> Iterator[tuple[np.ndarray, int]]:
    """Decode parts of so many tiles, none of them 0: tiles (tiles, 64), int16; and how many bits are read by then.

    Raises
    ------
    CorruptDataError
        If the stream is malformed.
    """
    counts = list(counts)
    position, level, first = 0, FIRST_REFERENCE, FIRST_REFERENCE
    for number, count in enumerate(counts):
        bits = window(stream.data, position, count * MOST_TILE_BITS + 64)
        tiles = np.zeros((count, 64), np.int16)
        begins, ends = number == 0, number == len(counts) - 1
        taken, level, first = _decode(bits, stream.nbits - position, tiles, begins, ends, level, first)
        position += taken
        yield tiles, position


@njit(cache=True)
def count_bits(tiles: np.ndarray) -> int:
    """Count the bits that `encode_tiles` would write."""
    total, reference, first = min(len(tiles), 1), FIRST_REFERENCE, FIRST_REFERENCE
    for tile in tiles:
        for column in range(0, 64, 8):
            level, quotients = _survey(tile, column)
            reference = first if column == 0 else reference
            total += _level_code(level, reference)[1]
            if column == 0:
                first = level
            reference = level
            if level == SHORT:
                total += 4 + quotients
            elif level != EMPTY:
                total += 8 + quotients + 8 * (level - FULL)
            if column == 0 and level != EMPTY:
                total += MEAN_BITS
    return total


@njit(cache=True)
def _survey(tile: np.ndarray, column: int) -> tuple[int, int]:
    """Return the level of a column, and the sum of its quotients."""
    total, rest = 0, 0
    mean = int(tile[column]) >> MEAN_BITS if column == 0 else int(tile[column])
    for i in range(column + 1, column + 8):
        total += tile[i]
    total += mean
    for i in range(column + 4, column + 8):
        rest |= tile[i]
    if total == 0 and tile[column] == 0:
        return EMPTY, 0
    if total <= QUOTIENTS:
        return (FULL if rest else SHORT), total
    rice = 1
    while total >> rice > QUOTIENTS:
        rice += 1
    quotients = mean >> rice
    for i in range(column + 1, column + 8):
        quotients += tile[i] >> rice
    return FULL + rice, quotients


@njit(cache=True)
def _level_code(level: int, reference: int) -> tuple[int, int]:
    """Return the code of a level, and its length."""
    if level == reference:
        return 0b0, 1
    if level == reference - 1:
        return 0b10, 2
    if level == reference + 1:
        return 0b110, 3
    return 0b111 << 4 | level, 7


@njit(cache=True)
def _encode(
    tiles: np.ndarray, following: np.ndarray, begins: bool, level: int, first: int, bits: np.ndarray
) -> tuple[int, int, int]:
    """Encode tiles, the last column with the level of a tile that follows, if there is one.

    `level` is that of the first column, and `first` that of the last tile's first one. Returns the number of bits
    written, and both for the next part.
    """
    position = 0
    if begins:
        level, _ = _survey(tiles[0], 0)
        code, length = _level_code(level, FIRST_REFERENCE)
        position = put(bits, position, code, length)
        first = level
    for index in range(len(tiles)):
        tile = tiles[index]
        for column in range(0, 64, 8):
            if column < 56:
                after, _ = _survey(tile, column + 8)
                code, length = _level_code(after, level)
            elif index + 1 < len(tiles) or len(following):
                after, _ = _survey(tiles[index + 1] if index + 1 < len(tiles) else following[0], 0)
                code, length = _level_code(after, first)
                first = after
            else:
                after, code, length = EMPTY, 0, 1
            position = _encode_column(tile, column, level, code, length, bits, position)
            level = after
    return position, level, first


@njit(cache=True)
def _encode_column(
    tile: np.ndarray, column: int, level: int, code: int, length: int, bits: np.ndarray, position: int
) -> int:
    """Write a column with the next one's level in it; returns the position after it."""
    if level == EMPTY:
        return put(bits, position, code, length)
    rice = max(level - FULL, 0)
    mean_bits = MEAN_BITS if column == 0 else 0
    if rice > LOW_PLANES:
        position = put(bits, position, _planes(tile, column, LOW_PLANES, rice), 8 * (rice - LOW_PLANES))
    unary, taken = 0, 0
    for i in range(column, column + (4 if level == SHORT else 8)):
        value = int(tile[i]) >> mean_bits if i == 0 else int(tile[i])
        quotient = value >> rice
        unary = unary << (quotient + 1) | 1
        taken += quotient + 1
    position = put(bits, position, unary << length | code, taken + length)
    planes = min(rice, LOW_PLANES)
    if planes:
        position = put(bits, position, _planes(tile, column, 0, planes), 8 * planes)
    if mean_bits:
        position = put(bits, position, tile[0] & ((1 << MEAN_BITS) - 1), MEAN_BITS)
    return position


@njit(cache=True)
def _planes(tile: np.ndarray, column: int, start: int, stop: int) -> int:
    """Return bits `start` to `stop` - 1 of the coefficients of a column, eight of each, the lowest plane first."""
    code = 0
    for plane in range(start, stop):
        for i in range(column, column + 8):
            shift = plane + MEAN_BITS if i == 0 else plane
            code = code << 1 | ((tile[i] >> shift) & 1)
    return code


@intrinsic
def _leading_zeros(context: Any, bits: Any) -> Any:
    """Count the zeros before the first one of 64 bits; 64 if there is none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], Constant(IntType(1), 0))

    return types.uint64(types.uint64), generate


@njit(cache=True)
def _decode_level(ahead: np.uint64, reference: int) -> tuple[int, int]:
    """Read the code of a level; returns it, and the code's length."""
    code: int = np.int64(ahead >> np.uint64(57))  # type: ignore[assignment]  # Numba's int
    if code < 0b1000000:
        return reference, 1
    if code < 0b1100000:
        level, length = reference - 1, 2
    elif code < 0b1110000:
        level, length = reference + 1, 3
    else:
        level, length = code & 15, 7
    if not 0 <= level <= LAST_LEVEL:
        raise CorruptDataError("stream of tiles has a column of an unknown level")
    return level, length


@njit(cache=True)
def _decode(
    bits: np.ndarray, nbits: int, tiles: np.ndarray, begins: bool, ends: bool, level: int, first: int
) -> tuple[int, int, int]:
    """Decode tiles into zeros; `level` and `first` as of `_encode`. Returns the number of bits read, and both."""
    position = 0
    if begins:
        level, position = _decode_level(bits[0], FIRST_REFERENCE)
        first = level
    for index in range(len(tiles)):
        tile = tiles[index]
        for column in range(0, 64, 8):
            rice = max(level - FULL, 0)
            if rice > LOW_PLANES:
                _join_planes(tile, column, peek_all(bits, position), LOW_PLANES, rice)
                position += 8 * (rice - LOW_PLANES)
            # All that follows fits into 64 bits.
            ahead = peek_all(bits, position)
            now = level
            if now != EMPTY:
                taken = _decode_quotients(ahead, tile, column, now)
                if taken > QUOTIENTS + 8:
                    if position + (4 if now == SHORT else 8) + QUOTIENTS >= nbits:
                        raise CorruptDataError("stream of tiles is too short")
                    raise CorruptDataError("stream of tiles has coefficients out of range")
                position += taken
                ahead <<= np.uint64(taken)
            if column == 56 and ends and index + 1 == len(tiles):
                if ahead >> np.uint64(63):
                    if position >= nbits:
                        raise CorruptDataError("stream of tiles is too short")
                    raise CorruptDataError("stream of tiles goes on after its last column")
                length = 1
            elif column == 56:
                level, length = _decode_level(ahead, first)
                first = level
            else:
                level, length = _decode_level(ahead, level)
            position += length
            ahead <<= np.uint64(length)
            if rice:
                planes = min(rice, LOW_PLANES)
                _join_planes(tile, column, ahead, 0, planes)
                position += 8 * planes
                ahead <<= np.uint64(8 * planes)
            if column == 0 and now != EMPTY:
                tile[0] = tile[0] << MEAN_BITS | np.int64(ahead >> np.uint64(64 - MEAN_BITS))
                position += MEAN_BITS
            if position > nbits:
                raise CorruptDataError("stream of tiles is too short")
    return position, level, first


@njit(cache=True)
def _decode_quotients(ahead: np.uint64, tile: np.ndarray, column: int, level: int) -> int:
    """Read the quotients of a column; returns the number of their bits, 64 if they are out of range."""
    rice = max(level - FULL, 0)
    total = np.uint64(0)
    for i in range(column, column + (4 if level == SHORT else 8)):
        quotient: np.uint64 = _leading_zeros(ahead)  # type: ignore[call-arg]  # Numba gives it its context
        total += quotient
        if total > QUOTIENTS:
            return 64
        ahead <<= quotient + np.uint64(1)
        tile[i] |= np.int64(quotient) << rice
    return np.int64(total) + (4 if level == SHORT else 8)  # type: ignore[return-value]  # Numba's int


@njit(cache=True)
def _join_planes(tile: np.ndarray, column: int, ahead: np.uint64, start: int, stop: int) -> None:
    """Read bits `start` to `stop` - 1 of the coefficients of a column."""
    values = np.uint64(0)
    for plane in range(stop - start):
        # A plane's byte, repeated, leaves one of its bits in each byte.
        spread = ((ahead >> np.uint64(56)) * _ONES) & _DIAGONAL
        values |= (((spread + _TO_TOP) >> np.uint64(7)) & _ONES) << np.uint64(plane)
        ahead <<= np.uint64(8)
    for i in range(column, column + 8):
        tile[i] |= np.int64(values >> np.uint64(56)) << start
        values <<= np.uint64(8)
