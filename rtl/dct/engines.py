"""The DCT engines: catalog entries, with their references from `silicodec.models.dct.codec`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from silicodec.models.dct.codec import DCT, to_tiles
from silicodec.models.samples import to_samples
from silicodec.rtl.dct.codec import dct_decoder, dct_encoder
from silicodec.rtl.dct.quantiser import MODE_BITS, mode_word
from silicodec.rtl.engine import Engine, Packets, Port, PublishedFigure

LENGTH_BITS = 8
DEFAULT = DCT()
_PUBLISHED = PublishedFigure(
    source="interlayer compression (arXiv 2110.06155), 28 nm",
    conditions="403 GOPS of the accelerator, no figure of its codec alone",
)


def row_words(array: np.ndarray) -> np.ndarray:
    """Return maps, (..., height, width), int8 or uint8, as the rows of their tiles: uint64.

    Raises
    ------
    ValueError
        If it is no array of maps.
    """
    if array.dtype.name not in ("int8", "uint8") or array.ndim < 2 or not array.size:
        raise ValueError(
            f"DCT engines take maps (..., height, width) of int8 or uint8, not {array.dtype} {array.shape}"
        )
    return to_tiles(to_samples(array)).reshape(-1, 8).view(">u8").astype(np.uint64).ravel()


def row_samples(words: np.ndarray) -> np.ndarray:
    """Return the samples of rows, int8, (rows, 8): the inverse of `row_words`."""
    return words.astype(">u8").view(np.int8).reshape(-1, 8)


def codec_of(word: int) -> DCT:
    """Return the codec that a word of a `mode` stream stands for: the inverse of `mode_word`."""
    return DCT(level=1 + (word & 3), signed=int(not word & 4))


def _encoder() -> Engine:
    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        pairs = zip(inputs["rows"], inputs["mode"], strict=True)
        return {"tiles": [codec_of(int(mode[0])).encode_words(row_samples(rows)) for rows, mode in pairs]}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        mode = np.array([mode_word(DEFAULT)], np.uint8)
        return {"rows": [row_words(tensor) for tensor in tensors], "mode": [mode] * len(tensors)}

    return Engine(
        name="dct-encoder",
        summary="DCT compressor of 8 x 8 tiles, lossy",
        block=dct_encoder,
        parameters={},
        inputs=(Port("rows", 64), Port("mode", MODE_BITS)),
        outputs=(Port("tiles", 64),),
        reference=reference,
        stimulus=stimulus,
        tensor="rows",
        clock_ns=5.0,
        published=(_PUBLISHED,),
    )


def _decoder(*, checked: bool = False) -> Engine:
    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        packets = []
        for words, parts in zip(inputs["tiles"], inputs["length"], strict=True):
            count, codec = read_length(parts)
            packets.append(row_words(codec.decode_words(words, (8 * count, 8))))
        return {"rows": packets}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [row_words(tensor) for tensor in tensors]
        return {
            "tiles": [DEFAULT.encode_words(row_samples(rows)) for rows in packets],
            "length": [length_words(rows.size // 8, DEFAULT) for rows in packets],
        }

    return Engine(
        name="dct-decoder-checked" if checked else "dct-decoder",
        summary=f"DCT decompressor of 8 x 8 tiles{', detects malformed streams' if checked else ''}",
        block=dct_decoder,
        parameters={"length_bits": LENGTH_BITS, "checked": checked},
        inputs=(Port("tiles", 64), Port("length", LENGTH_BITS + MODE_BITS)),
        outputs=(Port("rows", 64, error=checked),),
        reference=reference,
        stimulus=stimulus,
        tensor="rows",
        clock_ns=5.0,
        published=(_PUBLISHED,),
    )


def length_words(count: int, codec: DCT) -> np.ndarray:
    """Return a packet of a DCT decoder's `length` stream, uint16.

    Parameters
    ----------
    count : int
        Number of tiles in the packet, at least 1.
    codec : DCT
        What they were encoded by.
    """
    most = 1 << LENGTH_BITS
    parts = np.full(-(-count // most), most, np.uint16)
    parts[-1] = count - most * (parts.size - 1)
    return parts % most | mode_word(codec) << LENGTH_BITS


def read_length(parts: np.ndarray) -> tuple[int, DCT]:
    """Return the number of tiles and the codec: the inverse of `length_words`."""
    most = 1 << LENGTH_BITS
    counts = parts.astype(np.int64) % most
    return int(np.where(counts == 0, most, counts).sum()), codec_of(int(parts[0]) >> LENGTH_BITS)


DCT_ENGINES: tuple[Engine, ...] = (_encoder(), _decoder(), _decoder(checked=True))
