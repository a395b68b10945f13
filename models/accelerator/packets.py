"""Packets of maps: one channel of one strip, raw or compressed."""

from __future__ import annotations

import numpy as np

from silicodec.models.accelerator.program import PIXELS
from silicodec.models.dct import DCT

RAW = 0
_DCT = 1


def is_known(codec: int) -> bool:
    """Tell whether a codec word stands for a codec."""
    return codec == RAW or codec & 3 == _DCT


def dct_of(codec: int) -> DCT:
    """Return the DCT codec that a codec word stands for."""
    mode = codec >> 2
    return DCT(level=1 + (mode & 3), signed=int(not mode & 4))


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
        return dct_of(codec).encode_words(rows)
    width = rows.shape[1]
    filled = np.pad(rows, ((0, 0), (0, -width % PIXELS)), mode="edge")
    tiles = filled.reshape(len(rows), -1, PIXELS).transpose(1, 0, 2)
    return np.ascontiguousarray(tiles).view(">u8").astype(np.uint64).ravel()


def decode(words: np.ndarray, codec: int, shape: tuple[int, int]) -> np.ndarray:
    """Decode a packet of (rows, width) samples, int8: the inverse of `encode`, but for what a codec loses."""
    if codec != RAW:
        return dct_of(codec).decode_words(words, shape)
    rows, width = shape
    tiles = words.astype(">u8").view(np.int8).reshape(-1, rows, PIXELS)
    return np.ascontiguousarray(tiles.transpose(1, 0, 2).reshape(rows, -1)[:, :width])
