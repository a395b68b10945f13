"""Packets of maps: one channel of one strip, raw or compressed."""

from __future__ import annotations

import numpy as np

from silicodec.models.accelerator.program import PIXELS
from silicodec.models.dct.modes import decode_samples, encode_samples, restore_samples
from silicodec.models.dct.modes import packet_words as dct_words
from silicodec.models.dct.tiles import MOST_TILE_BITS
from silicodec.models.ebpc.row_packets import MOST_ROW_BITS, count_bits, decode_packet, encode_packet

RAW = 0
DCT_CODECS = tuple(1 + 2 * mode for mode in (0, 1, 2, 3, 12, 13, 14, 15))
"""Codec words of DCT: signed samples, and unsigned ones less 128, in four steps each."""
EBPC_CODECS = (0b00010, 0b11010)
"""Codec words of EBPC: of maps whose zero is 0, and whose zero is -128."""

FALLBACK = 1 << 3
"""The bit of a codec word that, inverted, lets packets be raw that the codec makes no shorter."""
MOST_TILE_WORDS = 16
"""Words that a tile of a compressed packet takes at most: DCT's longest, of 13, rounded up to a power of two."""


def with_fallback(codec: int) -> int:
    """Return the codec word with which packets that the codec makes no shorter are raw.

    Examples
    --------
    >>> with_fallback(EBPC_CODECS[0]), plain_codec(10), with_fallback(RAW)
    (10, 2, 0)
    """
    return codec ^ FALLBACK if codec in (*DCT_CODECS, *EBPC_CODECS) else codec


def plain_codec(codec: int) -> int:
    """Return a codec word without the fallback to raw: bits 3 and 4 are alike."""
    return codec ^ FALLBACK if falls_back(codec) else codec


def falls_back(codec: int) -> bool:
    """Tell whether packets that the codec makes no shorter are raw; what has their length in the table is."""
    return bool((codec >> 3 ^ codec >> 4) & 1)


def is_known(codec: int, *, dct: bool, ebpc: bool, raw_fallback: bool) -> bool:
    """Tell whether a codec word stands for raw packets, or for a codec that an accelerator has."""
    if falls_back(codec) and not raw_fallback:
        return False
    plain = plain_codec(codec)
    return codec == RAW or (dct and plain in DCT_CODECS) or (ebpc and plain in EBPC_CODECS)


def most_words(codec: int, rows: int, tiles: int) -> int:
    """Return the words that a packet of some rows and tiles takes at most."""
    if codec == RAW or falls_back(codec):
        return rows * tiles
    return -(-tiles * (rows * MOST_ROW_BITS if codec in EBPC_CODECS else MOST_TILE_BITS) // 64)


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
    if falls_back(codec):
        return min(encode(rows, RAW), encode(rows, plain_codec(codec)), key=len)
    if codec in DCT_CODECS:
        return encode_samples(rows, codec >> 1)
    width = rows.shape[1]
    filled = np.pad(rows, ((0, 0), (0, -width % PIXELS)), mode="edge") if width % PIXELS else rows
    tiles = np.ascontiguousarray(filled.reshape(len(rows), -1, PIXELS).transpose(1, 0, 2))
    if codec in EBPC_CODECS:
        return encode_packet(tiles.reshape(-1, PIXELS).view(np.uint8) ^ _zero(codec))
    return tiles.view(">u8").astype(np.uint64).ravel()


def decode(words: np.ndarray, codec: int, shape: tuple[int, int]) -> np.ndarray:
    """Decode a packet of (rows, width) samples, int8: the inverse of `encode`, but for what a codec loses."""
    codec = codec_of_packet(codec, len(words), shape)
    return decode_checked(words, codec, shape)[0]


def decode_checked(words: np.ndarray, codec: int, shape: tuple[int, int]) -> tuple[np.ndarray, bool]:
    """Decode a packet as of `decode`, and tell whether it is well-formed, as far as hardware sees that."""
    if codec in DCT_CODECS:
        return decode_samples(words, shape, codec >> 1), True
    rows, width = shape
    if codec in EBPC_CODECS:
        coded, sound = decode_packet(words, rows * -(-width // PIXELS))
        samples = (coded ^ _zero(codec)).view(np.int8)
    else:
        samples, sound = words.astype(">u8").view(np.int8), True
    tiles = samples.reshape(-1, rows, PIXELS)
    return np.ascontiguousarray(tiles.transpose(1, 0, 2).reshape(rows, -1)[:, :width]), sound


def restored(samples: np.ndarray, codec: int) -> np.ndarray:
    """Return what a map, int8 (channels, height, width), is read as once its packets were encoded."""
    plain = plain_codec(codec)
    if plain not in DCT_CODECS:
        return samples
    result = restore_samples(samples, plain >> 1)
    if not falls_back(codec):
        return result
    shorter = packet_words(samples, plain) < packet_words(samples, RAW)
    by_row = np.repeat(shorter, PIXELS, axis=1)[:, : samples.shape[1], np.newaxis]
    return np.where(by_row, result, samples)


def packet_words(samples: np.ndarray, codec: int) -> np.ndarray:
    """Count the words of a map's packets, without encoding them.

    Parameters
    ----------
    samples : ndarray of int8
        The map: (channels, height, width).
    codec : int
        Codec word.

    Returns
    -------
    ndarray of int64
        (channels, strips).
    """
    channels, height, width = samples.shape
    if falls_back(codec):
        return np.minimum(packet_words(samples, plain_codec(codec)), packet_words(samples, RAW))
    if codec in DCT_CODECS:
        return dct_words(samples, codec >> 1).reshape(channels, -1)
    if codec in EBPC_CODECS:
        filled = np.pad(samples, ((0, 0), (0, 0), (0, -width % PIXELS)), mode="edge").view(np.uint8) ^ _zero(codec)
        # Rows are coded each by itself.
        bits = count_bits(filled.reshape(channels * height, -1, PIXELS)).reshape(channels, height)
        return -(-np.add.reduceat(bits, range(0, height, PIXELS), axis=1) // 64)
    rows = [rows_of(height, strip) for strip in range(-(-height // PIXELS))]
    return np.outer(np.ones(channels, int), rows) * -(-width // PIXELS)


def codec_of_packet(codec: int, words: int, shape: tuple[int, int]) -> int:
    """Return how a packet of (rows, width) samples is coded, by its map's codec and its length in words.

    A coded packet of a map that falls back to raw is shorter than a raw one.
    """
    rows, width = shape
    if falls_back(codec) and words == rows * -(-width // PIXELS):
        return RAW
    return plain_codec(codec)


def _zero(codec: int) -> np.uint8:
    """Return the bits of the sample that EBPC takes as zero."""
    return np.uint8(128 if codec == EBPC_CODECS[1] else 0)
