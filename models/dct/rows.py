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
    for start in range(0, 8 * LANES, 2 * LANES):
        for i in range(start, start + LANES):
            _swap(rows, i, i + LANES, np.uint64(8), np.uint64(0x00FF00FF00FF00FF))
    for start in range(0, 8 * LANES, 4 * LANES):
        for i in range(start, start + 2 * LANES):
            _swap(rows, i, i + 2 * LANES, np.uint64(16), np.uint64(0x0000FFFF0000FFFF))
    for i in range(4 * LANES):
        _swap(rows, i, i + 4 * LANES, np.uint64(32), np.uint64(0x00000000FFFFFFFF))


@njit(cache=True, inline="always")
def _swap(rows: np.ndarray, i: int, j: int, shift: np.uint64, low: np.uint64) -> None:
    """Exchange the high parts of one number with the low ones of another."""
    swap = (rows[i] >> shift ^ rows[j]) & low
    rows[j] ^= swap
    rows[i] ^= swap << shift
