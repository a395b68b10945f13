"""Reading of the columns of tiles: the inverse of `silicodec.models.dct.columns`."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.bitstream import peek_all
from silicodec.models.dct.columns import COLUMNS, transpose
from silicodec.models.dct.quantiser import Quantiser, restore
from silicodec.models.dct.rows import scatter
from silicodec.models.dct.tiles import (
    EMPTY,
    FIRST_REFERENCE,
    FULL,
    LAST_LEVEL,
    LOW_PLANES,
    MEAN_BITS,
    MOST_TILE_BITS,
    QUOTIENTS,
)
from silicodec.models.dct.transform import LANES
from silicodec.models.errors import CorruptDataError
from silicodec.models.instructions import count_ones, leading_zeros

MOST_GROUP_BITS = LANES * MOST_TILE_BITS + 64
"""Bits of a group, and of what is looked at after it."""
UNKNOWN = 15
"""What stands for a level that there is not."""


class Meanings(NamedTuple):
    """What the parser looks up.

    Attributes
    ----------
    ends : numpy.ndarray
        uint8, (16 * 256,): by eight bits plus 256 times k, the number of bits up to the k-th one; 64 where there are
        fewer ones. From k = 9 on what a negative k, modulo 16, would look up.
    quotients : numpy.ndarray
        uint64, (256,): by eight bits, in its bytes, the least significant one first, the number of zeros before each
        one, and those after the last one.
    levels : numpy.ndarray
        uint8, ((LAST_LEVEL + 1) * 128,): by seven bits plus 128 times the reference, the level whose code they start
        with, and from bit 4 on the code's length.
    """

    ends: np.ndarray
    quotients: np.ndarray
    levels: np.ndarray


@lru_cache
def meanings() -> Meanings:
    """Tabulate what the parser looks up."""
    ends = np.full((16, 256), 64, np.uint8)
    quotients = np.zeros(256, np.uint64)
    for window in range(256):
        text = f"{window:08b}"
        places = [place for place in range(8) if text[place] == "1"]
        ends[0, window] = 0
        for k, place in enumerate(places, 1):
            ends[k, window] = place + 1
        runs = [len(zeros) for zeros in text.split("1")]
        quotients[window] = sum(zeros << 8 * i for i, zeros in enumerate(runs[:8]))

    levels = np.zeros((LAST_LEVEL + 1, 128), np.uint8)
    for reference in range(LAST_LEVEL + 1):
        for window in range(128):
            if window < 0b1000000:
                level, length = reference, 1
            elif window < 0b1100000:
                level, length = reference - 1, 2
            elif window < 0b1110000:
                level, length = reference + 1, 3
            else:
                level, length = window & 15, 7
            known = 0 <= level <= LAST_LEVEL
            levels[reference, window] = (level if known else UNKNOWN) | length << 4
    return Meanings(ends.reshape(-1), quotients, levels.reshape(-1))


@njit(cache=True, inline="always")
def _end(meanings: Meanings, k: int, byte: np.uint64) -> int:
    """Return how many bits of a byte there are up to the k-th one."""
    return np.int64(meanings.ends[(k & 15) << 8 | np.int64(byte)])  # type: ignore[return-value]  # Numba's int


@njit(cache=True, inline="always")
def _level(ahead: np.uint64, reference: int, meanings: Meanings) -> tuple[int, int]:
    """Read the code of a level; returns it, and the code's length."""
    entry = np.int64(meanings.levels[reference << 7 | np.int64(ahead >> np.uint64(57))])
    if entry & 15 == UNKNOWN:
        raise CorruptDataError("stream of tiles has a column of an unknown level")
    return entry & 15, entry >> 4  # type: ignore[return-value]  # Numba's int


POSITION, TILE, LEVEL, FIRST = range(4)
"""How far a parser has come: bits read, tiles decoded, the level of the next column, and that of the first column of
the tile before."""


def new_progress() -> np.ndarray:
    """Return how far a parser has come before the first tile of a stream: int64, (4,), without levels yet."""
    return np.array([0, 0, -1, -1])


@njit(cache=True)
def decode(
    bits: np.ndarray,
    limit: int,
    nbits: int,
    meanings: Meanings,
    quantiser: Quantiser,
    progress: np.ndarray,
    samples: np.ndarray,
    ends: bool,
) -> None:
    """Decode tiles.

    Parameters
    ----------
    bits : numpy.ndarray
        A part of the stream, as of `silicodec.models.bitstream`.
    limit : int
        Bits after which no group of tiles may begin, for it might end after the part.
    nbits : int
        Bits from the beginning of the part to the end of the stream.
    meanings : Meanings
        What `meanings` returns.
    quantiser : Quantiser
        How coefficients are quantised.
    progress : numpy.ndarray
        int64, (4,): as of `new_progress`: from where to go on, and where to go on next time.
    samples : numpy.ndarray
        uint64, (rows, columns of tiles): takes eight samples each.
    ends : bool
        Whether the last tile of `samples` is that of the stream.

    Raises
    ------
    CorruptDataError
        If the stream is malformed.
    """
    tiles = samples.size // 8
    position, start, level, first = progress[POSITION], progress[TILE], progress[LEVEL], progress[FIRST]
    if level < 0:
        level, position = _level(bits[0], FIRST_REFERENCE, meanings)
        first = level
    levels, highs = np.zeros(COLUMNS, np.int64), np.zeros(COLUMNS, np.uint64)
    quotients, tails = np.zeros(COLUMNS, np.uint64), np.zeros(COLUMNS, np.uint64)
    group, rows = np.empty(64 * LANES, np.int16), np.empty(COLUMNS, np.uint64)
    work = np.empty(64 * LANES, np.int32)
    ahead, further = peek_all(bits, position), peek_all(bits, position + 64)
    while start < tiles and position < limit:
        count = min(LANES, tiles - start)
        highest = 0
        levels[:] = EMPTY
        for lane in range(count):
            i = lane
            while i < COLUMNS:
                levels[i] = level
                highest = max(highest, level)
                if level > FULL + LOW_PLANES:
                    highs[i] = peek_all(bits, position)
                    position += 8 * (level - FULL - LOW_PLANES)
                    ahead, further = peek_all(bits, position), peek_all(bits, position + 64)
                # All that follows fits into 64 bits. All three bytes are looked up, so that there is no branch.
                wanted = 4 * min(level, FULL)
                first_byte, second_byte, third_byte = ahead >> np.uint64(56), _byte(ahead, 6), _byte(ahead, 5)
                eight, sixteen = count_ones(first_byte), count_ones(ahead >> np.uint64(48))
                in_first, in_second = _end(meanings, wanted, first_byte), _end(meanings, wanted - eight, second_byte)
                in_third = _end(meanings, wanted - sixteen, third_byte)
                taken = in_first if wanted <= eight else 8 + in_second
                taken = taken if wanted <= sixteen else 16 + in_third
                if taken > wanted + QUOTIENTS:
                    if position + wanted + QUOTIENTS >= nbits:
                        raise CorruptDataError("stream of tiles is too short")
                    raise CorruptDataError("stream of tiles has coefficients out of range")
                # Shifted twice, since a shift by 64 is undefined.
                second, third = np.uint64(4 * eight), np.uint64(4 * min(sixteen, 8))
                quotients[i] = (
                    meanings.quotients[first_byte]
                    + (meanings.quotients[second_byte] << second << second)
                    + (meanings.quotients[third_byte] << third << third)
                )
                if level == EMPTY:
                    # Empty columns that follow, up to the last one of the tile, are skipped together.
                    taken = min(leading_zeros(ahead), (COLUMNS - 1 - i) // LANES)
                    i += taken * LANES
                after = ahead << np.uint64(taken)
                taken += 8 * _low_planes(level)
                taken += MEAN_BITS if i < LANES and level != EMPTY else 0
                if i < COLUMNS - LANES:
                    level, length = _level(after, level, meanings)
                elif ends and start + lane + 1 == tiles:
                    if after >> np.uint64(63):
                        _refuse_more(position + taken, levels[i], nbits)
                    length = 1
                else:
                    level, length = _level(after, first, meanings)
                    first = level
                tails[i] = after << np.uint64(length)
                taken += length
                position += taken
                # Sooner than by looking them up, since the position is found out late. A shift by 64 is undefined.
                ahead = ahead << np.uint64(taken - 1) << np.uint64(1) | further >> np.uint64(64 - taken)
                further = peek_all(bits, position + 64)
                if position > nbits:
                    raise CorruptDataError("stream of tiles is too short")
                i += LANES
        _join(levels, quotients, tails, group)
        if highest > FULL + LOW_PLANES:
            _add_high_planes(levels, quotients, highs, group)
        _add_means(levels, tails, group)
        restore(group, quantiser, work, rows)
        scatter(rows, start, count, quantiser.flip, samples)
        start += count
    progress[POSITION], progress[TILE], progress[LEVEL], progress[FIRST] = position, start, level, first


@njit(cache=True)
def _refuse_more(position: int, level: int, nbits: int) -> None:
    """Raise for a next level of the last column that is not 0, or was not there."""
    if position - 8 * min(max(level - FULL, 0), LOW_PLANES) >= nbits:
        raise CorruptDataError("stream of tiles is too short")
    raise CorruptDataError("stream of tiles goes on after its last column")


@njit(cache=True, inline="always")
def _low_planes(level: int) -> int:
    return min(max(level - FULL, 0), LOW_PLANES)


@njit(cache=True)
def _join(levels: np.ndarray, quotients: np.ndarray, tails: np.ndarray, group: np.ndarray) -> None:
    """Put quotients and low planes of columns together."""
    for u in range(8):
        for i in range(u * LANES, u * LANES + LANES):
            level = levels[i]
            rice = np.uint64(_low_planes(level))
            low = transpose(tails[i] & ~(np.uint64(0xFFFFFFFFFFFFFFFF) >> (np.uint64(8) * rice)))
            found = quotients[i]
            found = found & np.uint64(0xFFFFFFFF) if level < FULL else found
            found = np.uint64(0) if (level == EMPTY) | (level > FULL + LOW_PLANES) else found
            values = found << rice | low
            place = 7 * u * LANES + i
            group[place] = _byte(values, 0)
            group[place + LANES] = _byte(values, 1)
            group[place + 2 * LANES] = _byte(values, 2)
            group[place + 3 * LANES] = _byte(values, 3)
            group[place + 4 * LANES] = _byte(values, 4)
            group[place + 5 * LANES] = _byte(values, 5)
            group[place + 6 * LANES] = _byte(values, 6)
            group[place + 7 * LANES] = _byte(values, 7)


@njit(cache=True, inline="always")
def _byte(number: np.uint64, place: int) -> np.uint64:
    return (number >> np.uint64(8 * place)) & np.uint64(0xFF)


@njit(cache=True)
def _add_high_planes(levels: np.ndarray, quotients: np.ndarray, highs: np.ndarray, group: np.ndarray) -> None:
    """Put quotients and planes above the low ones to columns that have such."""
    for i in range(COLUMNS):
        planes = levels[i] - FULL - LOW_PLANES
        for v in range(8 if planes > 0 else 0):
            value = np.int64((quotients[i] >> np.uint64(8 * v)) & np.uint64(0xFF)) << planes
            for plane in range(planes):
                value |= np.int64((highs[i] >> np.uint64(63 - 8 * plane - v)) & np.uint64(1)) << plane
            group[(8 * (i // LANES) + v) * LANES + i % LANES] |= value << LOW_PLANES


@njit(cache=True)
def _add_means(levels: np.ndarray, tails: np.ndarray, group: np.ndarray) -> None:
    """Put the low bits of the means to the others."""
    for lane in range(LANES):
        low = (tails[lane] << np.uint64(8 * _low_planes(levels[lane]))) >> np.uint64(64 - MEAN_BITS)
        group[lane] = group[lane] << MEAN_BITS | (np.int64(low) if levels[lane] != EMPTY else 0)
