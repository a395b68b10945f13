"""Tiles of samples: their rows of eight samples, each one number, in maps and in groups."""

from __future__ import annotations

import numpy as np
from numba import njit

from silicodec.models.dct.transform import LANES

_EIGHTS = LANES // 8


@njit(cache=True)
def gather(samples: np.ndarray, start: int, count: int, flip: np.uint64, rows: np.ndarray) -> None:
    """Copy `count` tiles from the `start`-th on from maps, uint64, (rows, columns of tiles), to lanes of a group.

    Of every eighth lane, then of the lanes that follow these and so on, the first row of each is in `rows`, and the
    next one of each.
    """
    top, column = divmod(start, samples.shape[1])
    for lane in range(count):
        place = lane % 8 * LANES + lane // 8
        for y in range(8):
            rows[place + y * _EIGHTS] = samples[8 * top + y, column] ^ flip
        column += 1
        if column == samples.shape[1]:
            top, column = top + 1, 0


@njit(cache=True)
def scatter(rows: np.ndarray, start: int, count: int, flip: np.uint64, samples: np.ndarray) -> None:
    """Copy tiles to where `gather` takes them from."""
    top, column = divmod(start, samples.shape[1])
    for lane in range(count):
        place = lane % 8 * LANES + lane // 8
        for y in range(8):
            samples[8 * top + y, column] = rows[place + y * _EIGHTS] ^ flip
        column += 1
        if column == samples.shape[1]:
            top, column = top + 1, 0


@njit(cache=True)
def transpose(rows: np.ndarray) -> None:
    """Turn what `gather` gives to bytes, a sample of all lanes, column by column of tiles; and back."""
    # Byte i of number j is exchanged with byte j of number i, of eight numbers: first of 2 x 2 bytes, then pairs of
    # them, and so on, after H. S. Warren, Hacker's Delight, section 7-3.
    for i in range(LANES):
        r0, r1 = _swap(rows[i], rows[i + LANES], _BYTES)
        r2, r3 = _swap(rows[i + 2 * LANES], rows[i + 3 * LANES], _BYTES)
        r4, r5 = _swap(rows[i + 4 * LANES], rows[i + 5 * LANES], _BYTES)
        r6, r7 = _swap(rows[i + 6 * LANES], rows[i + 7 * LANES], _BYTES)
        r0, r2 = _swap(r0, r2, _PAIRS)
        r1, r3 = _swap(r1, r3, _PAIRS)
        r4, r6 = _swap(r4, r6, _PAIRS)
        r5, r7 = _swap(r5, r7, _PAIRS)
        rows[i], rows[i + 4 * LANES] = _swap(r0, r4, _FOURS)
        rows[i + LANES], rows[i + 5 * LANES] = _swap(r1, r5, _FOURS)
        rows[i + 2 * LANES], rows[i + 6 * LANES] = _swap(r2, r6, _FOURS)
        rows[i + 3 * LANES], rows[i + 7 * LANES] = _swap(r3, r7, _FOURS)


_BYTES = (np.uint64(8), np.uint64(0x00FF00FF00FF00FF))
_PAIRS = (np.uint64(16), np.uint64(0x0000FFFF0000FFFF))
_FOURS = (np.uint64(32), np.uint64(0x00000000FFFFFFFF))


@njit(cache=True, inline="always")
def _swap(a: np.uint64, b: np.uint64, parts: tuple[np.uint64, np.uint64]) -> tuple[np.uint64, np.uint64]:
    """Exchange the high parts of one number with the low ones of another."""
    shift, low = parts
    swap = (a >> shift ^ b) & low
    return a ^ swap << shift, b ^ swap
