"""Packets of maps: one channel of one strip, raw or compressed."""

from __future__ import annotations

import numpy as np

from silicodec.models.accelerator.program import PIXELS
from silicodec.models.dct.modes import decode_samples, encode_samples

RAW = 0
DCT_CODECS = tuple(1 + 2 * mode for mode in (0, 1, 2, 3, 12, 13, 14, 15))
"""Codec words of DCT: signed samples, and unsigned ones less 128, in four steps each."""


MOST_TILE_WORDS = 16
"""Words that a tile of a compressed packet takes at most: DCT's longest, of 13, rounded up to a power of two."""


def is_known(codec: int, *, dct: bool) -> bool:
    """Tell whether a codec word stands for raw packets, or for DCT where an accelerator has it."""
    return codec == RAW or (dct and codec in DCT_CODECS)


def rows_of(height: int, strip: int) -> int:
    """Return how many rows of a map are in a strip."""
    return min(PIXELS, height - PIXELS * strip)


def encode(rows: np.ndarray, codec: int) -> np.ndarray:
    """Encode a packet.

    Parameters
    ----------
    rows : ndarray of int8
        One channel of one strip: (rows, width).
    codec : int
        Codec word.

    Returns
    -------
    ndarray of uint64
        Its words.
    """
    if codec != RAW:
        return encode_samples(rows, codec >> 1)
    width = rows.shape[1]
    filled = np.pad(rows, ((0, 0), (0, -width % PIXELS)), mode="edge") if width % PIXELS else rows
    tiles = filled.reshape(len(rows), -1, PIXELS).transpose(1, 0, 2)
    return np.ascontiguousarray(tiles).view(">u8").astype(np.uint64).ravel()


def decode(words: np.ndarray, codec: int, shape: tuple[int, int]) -> np.ndarray:
    """Decode a packet of (rows, width) samples, int8: the inverse of `encode`, but for what a codec loses."""
    if codec != RAW:
        return decode_samples(words, shape, codec >> 1)
    rows, width = shape
    tiles = words.astype(">u8").view(np.int8).reshape(-1, rows, PIXELS)
    return np.ascontiguousarray(tiles.transpose(1, 0, 2).reshape(rows, -1)[:, :width])
