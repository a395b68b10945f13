"""The stream of the codec `dct`: maps to bits, and back."""

from __future__ import annotations

import numpy as np

from silicodec.models.bitstream import ElementWriter, from_bytes
from silicodec.models.codec import EncodedStream
from silicodec.models.dct import columns, parser
from silicodec.models.dct.maps import count_tiles, from_rows, parts, room_for_rows, to_rows
from silicodec.models.dct.quantiser import Quantiser, restore_tiles
from silicodec.models.dct.tiles import MOST_TILE_BITS

WINDOW = 1 << 17
"""Bytes of a stream that are made ready for the parser at a time."""


def encode_maps(maps: np.ndarray, quantiser: Quantiser) -> EncodedStream:
    """Encode maps (..., height, width) of int8 or uint8."""
    writer, before, todo = ElementWriter(), columns.new_columns(), count_tiles(maps.shape)
    for part in parts(maps):
        rows = to_rows(part)
        todo -= rows.size // 8
        bits = np.empty(rows.size // 8 * MOST_TILE_BITS // 64 + 4, np.uint64)
        nbits = columns.encode(rows, quantiser, before, writer.last, writer.filled, bits, todo == 0)
        writer.add(bits, nbits)
    return writer.stream()


def decode_maps(stream: EncodedStream, maps: np.ndarray, quantiser: Quantiser) -> int:
    """Decode maps; returns how many bits of the stream they take.

    Raises
    ------
    CorruptDataError
        If the stream is malformed.
    """
    todo = count_tiles(maps.shape)
    if todo == 0:
        return 0
    data, meanings, progress = memoryview(stream.data), parser.meanings(), parser.new_progress()
    for part in parts(maps):
        rows = room_for_rows(part)
        tiles = rows.size // 8
        todo -= tiles
        progress[parser.TILE] = 0
        while progress[parser.TILE] < tiles:
            start = int(progress[parser.POSITION]) // 64 * 8
            window = data[start : start + WINDOW]
            limit = 8 * WINDOW - parser.MOST_GROUP_BITS if start + WINDOW < len(data) else stream.nbits + 1
            progress[parser.POSITION] -= 8 * start
            nbits = stream.nbits - 8 * start
            parser.decode(from_bytes(window), limit, nbits, meanings, quantiser, progress, rows, todo == 0)
            progress[parser.POSITION] += 8 * start
        from_rows(rows, part)
    return int(progress[parser.POSITION])


def restore_maps(maps: np.ndarray, quantiser: Quantiser) -> np.ndarray:
    """Return what maps are decoded to once they are encoded, without encoding."""
    restored = np.empty(maps.shape, maps.dtype)
    for part, room in zip(parts(maps), parts(restored), strict=True):
        rows = room_for_rows(room)
        restore_tiles(to_rows(part), quantiser, rows)
        from_rows(rows, room)
    return restored
