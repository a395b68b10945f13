"""Maps of samples, cut into 8 x 8 tiles and put together again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from silicodec.models.bitstream import SLAB
from silicodec.models.samples import from_samples


def parts(maps: np.ndarray) -> Iterator[np.ndarray]:
    """Cut maps (..., height, width) into parts (maps, height, width), whole maps or rows of tiles of one of them.

    The tiles of one part after the other are those of all maps. Parts share the memory of contiguous maps.
    """
    if not maps.size:
        return
    height, width = maps.shape[-2:]
    stack = maps.reshape(-1, height, width)
    if maps.size <= SLAB:
        yield stack
        return
    count, rows = max(SLAB // (height * width), 1), max(SLAB // (8 * width), 1) * 8
    for start in range(0, len(stack), count):
        some = stack[start : start + count]
        for top in range(0, height, rows) if count == 1 else (0,):
            yield some[:, top : top + rows] if count == 1 else some


def count_tiles(shape: Sequence[int]) -> int:
    """Count the tiles of maps of a shape, (..., height, width)."""
    return math.prod(shape[:-2]) * -(-shape[-2] // 8) * -(-shape[-1] // 8)


def to_rows(part: np.ndarray) -> np.ndarray:
    """Take maps, (maps, height, width), as rows of tiles: uint64, (rows, columns of tiles), eight samples each.

    The last row and column are repeated to fill tiles. Rows are read-only, and share the memory of maps where they can.
    """
    count, height, width = part.shape
    if height % 8 or width % 8:
        filled = np.empty((count, height + -height % 8, width + -width % 8), part.dtype)
        filled[:, :height, :width] = part
        filled[:, height:, :width] = part[:, -1:]
        filled[:, :, width:] = filled[:, :, width - 1 : width]
        part = filled
    rows = np.require(np.ascontiguousarray(part).view("<u8").reshape(-1, part.shape[2] // 8), requirements="A")
    rows.flags.writeable = False  # always, so that loops are compiled for one type
    return rows


def room_for_rows(part: np.ndarray) -> np.ndarray:
    """Make room for the rows of maps: the memory of contiguous maps of whole tiles itself, new memory for others."""
    count, height, width = part.shape
    if height % 8 or width % 8:
        return np.empty((count * (height + -height % 8), -(-width // 8)), np.uint64)
    return part.view("<u8").reshape(-1, width // 8)


def from_rows(rows: np.ndarray, part: np.ndarray) -> None:
    """Put rows into the maps that `room_for_rows` made room for."""
    count, height, width = part.shape
    if height % 8 or width % 8:
        part[...] = rows.view(part.dtype).reshape(count, height + -height % 8, -1)[:, :height, :width]


def to_tiles(samples: np.ndarray) -> np.ndarray:
    """Cut maps (..., height, width) into tiles, (tiles, 64); the last row and column are repeated to fill them."""
    if not samples.size:
        return np.empty((0, 64), np.int8)
    height, width = samples.shape[-2:]
    maps = samples.reshape(-1, height, width)
    if height % 8 or width % 8:
        maps = np.pad(maps, ((0, 0), (0, -height % 8), (0, -width % 8)), mode="edge")
    # Eight samples are moved as one number, which is faster.
    eights = np.ascontiguousarray(maps).view(np.uint64)
    count, rows, columns = eights.shape
    tiles = np.ascontiguousarray(eights.reshape(count, rows // 8, 8, columns).transpose(0, 1, 3, 2))
    return tiles.reshape(-1, 8).view(np.int8)


def from_tiles(tiles: np.ndarray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Put maps of a shape and dtype together again."""
    if not len(tiles):
        return np.empty(shape, dtype)
    rows, columns = -(-shape[-2] // 8), -(-shape[-1] // 8)
    eights = tiles.view(np.uint64).reshape(-1, rows, columns, 8).transpose(0, 1, 3, 2)
    maps = np.ascontiguousarray(eights).reshape(-1, 8 * rows, columns).view(np.int8)
    return from_samples(np.ascontiguousarray(maps[:, : shape[-2], : shape[-1]]).reshape(shape), dtype)
