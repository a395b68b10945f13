"""Codes of the columns of tiles, and writing them.

The format is described in `docs/formats/dct.md`; `silicodec.models.dct.parser` reads it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from silicodec.models.bitstream import put_next
from silicodec.models.dct.quantiser import Quantiser, quantise
from silicodec.models.dct.rows import gather
from silicodec.models.dct.tiles import (
    EMPTY,
    FIRST_REFERENCE,
    FULL,
    LOW_PLANES,
    MEAN_BITS,
    MOST_TILE_BITS,
    QUOTIENTS,
    SHORT,
)
from silicodec.models.dct.transform import LANES
from silicodec.models.instructions import leading_zeros

COLUMNS = 8 * LANES
"""Columns of a group: the first one of each tile, then the second one of each."""
_SPAN = COLUMNS + LANES
LEVELS, CODES, LENGTHS, TAILS, TAIL_LENGTHS = range(LANES, LANES + 5 * _SPAN, _SPAN)
"""Where what is known of columns is: their levels; the codes of their quotients, and these codes' lengths; and what
follows the next level, the low planes and the low bits of the mean, and its length.

`LANES` places before each, there is what precedes the group's tiles: of their first columns, the levels of the first
columns of the tiles before; and else what is known of the last columns of these.
"""


@njit(cache=True)
def new_columns() -> np.ndarray:
    """Make room for what is known of columns, int64, as before the first tile of a stream."""
    columns = np.zeros(5 * _SPAN, np.int64)
    columns[LEVELS - LANES] = FIRST_REFERENCE
    return columns


@njit(cache=True)
def encode(
    samples: np.ndarray,
    quantiser: Quantiser,
    columns: np.ndarray,
    last: np.uint64,
    filled: np.uint64,
    bits: np.ndarray,
    ends: bool,
) -> int:
    """Encode tiles.

    Parameters
    ----------
    samples : numpy.ndarray
        uint64, (rows, columns of tiles): eight samples each.
    quantiser : Quantiser
        How to quantise.
    columns : numpy.ndarray
        As of `new_columns`: what precedes, and what will precede the tiles after these.
    last, filled : numpy.uint64
        An element of bits before the code, and how many it has.
    bits : numpy.ndarray
        uint64, with room for `MOST_TILE_BITS` of each tile and 4 elements more: takes the code.
    ends : bool
        Whether these are the last tiles.

    Returns
    -------
    int
        Number of bits, those before the code included. The last column is written with the first one after it.
    """
    rows, group = np.zeros(COLUMNS, np.uint64), np.empty(64 * LANES, np.int16)
    codes, lengths = np.empty(COLUMNS, np.uint64), np.empty(COLUMNS, np.uint64)
    means = np.empty(LANES, np.int16)
    index = np.uint64(0)
    tiles = samples.size // 8
    for start in range(0, tiles, LANES):
        count = min(LANES, tiles - start)
        gather(samples, start, count, quantiser.flip, rows)
        quantise(rows, quantiser, group)
        _describe(group, means, columns)
        _join(columns, codes, lengths)
        for lane in range(count):
            for i in range(lane, COLUMNS, LANES):
                index, filled, last = put_next(bits, index, filled, last, codes[i], lengths[i])
                planes = columns[LEVELS + i] - (FULL + LOW_PLANES)
                if planes > 0:
                    high = np.uint64(_high_planes(group, i, planes))
                    index, filled, last = put_next(bits, index, filled, last, high, np.uint64(8 * planes))
        columns[LEVELS - LANES] = columns[LEVELS + count - 1]
        for part in (CODES, LENGTHS, TAILS, TAIL_LENGTHS):
            columns[part - LANES] = columns[part + 7 * LANES + count - 1]
    if ends:
        code, length = _join_column(columns, -LANES, 0, 1)
        index, filled, last = put_next(bits, index, filled, last, np.uint64(code), np.uint64(length))
    bits[index] = last
    return 64 * np.int64(index) + np.int64(filled)  # type: ignore[return-value]


@njit(cache=True)
def packet_bits(samples: np.ndarray, quantiser: Quantiser) -> np.ndarray:
    """Count the bits of each row of tiles as a stream of its own; `samples` are as of `encode`."""
    bits = np.empty(samples.shape[1] * MOST_TILE_BITS // 64 + 4, np.uint64)
    none, sizes = np.uint64(0), np.empty(len(samples) // 8, np.int64)
    for row in range(len(sizes)):
        tiles = samples[8 * row : 8 * row + 8]
        sizes[row] = encode(tiles, quantiser, new_columns(), none, none, bits, True)
    return sizes


@njit(cache=True)
def _describe(group: np.ndarray, means: np.ndarray, columns: np.ndarray) -> None:
    """Find the levels of columns, and codes of what else they hold; puts the low bits of the means into `means`."""
    for lane in range(LANES):
        means[lane] = group[lane] & ((1 << MEAN_BITS) - 1)
        group[lane] >>= MEAN_BITS
    for u in range(8):
        for lane in range(LANES):
            i, place = u * LANES + lane, u * COLUMNS + lane
            z0, z1, z2, z3 = group[place], group[place + LANES], group[place + 2 * LANES], group[place + 3 * LANES]
            z4, z5 = group[place + 4 * LANES], group[place + 5 * LANES]
            z6, z7 = group[place + 6 * LANES], group[place + 7 * LANES]
            total = z0 + z1 + z2 + z3 + z4 + z5 + z6 + z7
            rice = 60 - leading_zeros(np.uint64(total | QUOTIENTS))
            code, length, low = _append(0, 0, 0, z0, rice)
            code, length, low = _append(code, length, low, z1, rice)
            code, length, low = _append(code, length, low, z2, rice)
            code, length, low = _append(code, length, low, z3, rice)
            short_code, short_length = code, length
            code, length, low = _append(code, length, low, z4, rice)
            code, length, low = _append(code, length, low, z5, rice)
            code, length, low = _append(code, length, low, z6, rice)
            code, length, low = _append(code, length, low, z7, rice)
            is_short = (rice | z4 | z5 | z6 | z7) == 0
            level = SHORT if is_short else FULL + rice
            code = short_code if is_short else code
            length = short_length if is_short else length
            columns[LEVELS + i] = level if total else EMPTY
            columns[CODES + i] = code if total else 0
            columns[LENGTHS + i] = length if total else 0
            planes = 8 * min(rice, LOW_PLANES)
            columns[TAILS + i] = np.int64(transpose(np.uint64(low)) >> np.uint64(32)) >> (8 * LOW_PLANES - planes)
            columns[TAIL_LENGTHS + i] = planes
    for lane in range(LANES):
        mean = means[lane]
        if (columns[LEVELS + lane] == EMPTY) & (mean > 0):
            columns[LEVELS + lane], columns[CODES + lane], columns[LENGTHS + lane] = SHORT, 0b1111, 4
        if columns[LEVELS + lane] != EMPTY:
            columns[TAILS + lane] = columns[TAILS + lane] << MEAN_BITS | mean
            columns[TAIL_LENGTHS + lane] += MEAN_BITS


@njit(cache=True, inline="always")
def _append(code: int, length: int, low: int, value: int, rice: int) -> tuple[int, int, int]:
    """Append a coefficient's quotient to a code, and put its four lowest bits into the highest byte of those of all."""
    quotient = value >> rice
    return code << (quotient + 1) | 1, length + quotient + 1, low >> 8 | (value & 15) << 56


@njit(cache=True, inline="always")
def transpose(matrix: np.uint64) -> np.uint64:
    """Exchange bit i of byte j with bit 7 - j of byte 7 - i: planes, plane 0 in the highest byte, for coefficients."""
    # Bits of 2 x 2, pairs of them, and so on are exchanged: after H. S. Warren, Hacker's Delight, section 7-3.
    swap = (matrix ^ (matrix >> np.uint64(9))) & np.uint64(0x0055005500550055)
    matrix ^= swap ^ (swap << np.uint64(9))
    swap = (matrix ^ (matrix >> np.uint64(18))) & np.uint64(0x0000333300003333)
    matrix ^= swap ^ (swap << np.uint64(18))
    swap = (matrix ^ (matrix >> np.uint64(36))) & np.uint64(0x000000000F0F0F0F)
    return matrix ^ swap ^ (swap << np.uint64(36))


@njit(cache=True)
def _high_planes(group: np.ndarray, i: int, planes: int) -> int:
    """Return so many bits of a column's coefficients above the low planes, eight of each, the lowest plane first."""
    code = 0
    for plane in range(LOW_PLANES, LOW_PLANES + planes):
        start = i // LANES * COLUMNS + i % LANES
        for place in range(start, start + COLUMNS, LANES):
            code = code << 1 | ((group[place] >> plane) & 1)
    return code


@njit(cache=True)
def _join(columns: np.ndarray, codes: np.ndarray, lengths: np.ndarray) -> None:
    """Join all that stands between the high planes of one column and those of the next one, whose level is in there."""
    for lane in range(1, LANES):
        columns[LEVELS - LANES + lane] = columns[LEVELS + lane - 1]
    for part in (CODES, LENGTHS, TAILS, TAIL_LENGTHS):
        for lane in range(1, LANES):
            columns[part - LANES + lane] = columns[part + 7 * LANES + lane - 1]
    for i in range(-LANES, COLUMNS - LANES):
        level = columns[LEVELS + LANES + i]
        above = level - columns[LEVELS + i]
        code, length = 0b1110000 | level, 7
        code, length = (0b110, 3) if above == 1 else (code, length)
        code, length = (0b10, 2) if above == -1 else (code, length)
        code, length = (0, 1) if above == 0 else (code, length)
        codes[LANES + i], lengths[LANES + i] = _join_column(columns, i, code, length)


@njit(cache=True, inline="always")
def _join_column(columns: np.ndarray, i: int, level_code: int, length: int) -> tuple[int, int]:
    """Put the code of the next level between what precedes and what follows it."""
    code = columns[CODES + i] << length | level_code
    tail_length = columns[TAIL_LENGTHS + i]
    return code << tail_length | columns[TAILS + i], columns[LENGTHS + i] + length + tail_length
