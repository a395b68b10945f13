"""The DCT engines: catalog entries, with their references from `silicodec.models.dct`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from silicodec.models.dct import DCT
from silicodec.models.dct.maps import to_tiles
from silicodec.models.dct.modes import MODE_BITS, decode_samples, encode_samples, mode_word
from silicodec.models.parameters import parameter
from silicodec.models.samples import to_samples
from silicodec.rtl.dct.decoder import dct_decoder
from silicodec.rtl.dct.encoder import dct_encoder
from silicodec.rtl.engine import Engine, Packets, Port, PublishedFigure
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters

LENGTH_BITS = 8
FULL_ADDERS = 16
"""With lookahead, bits of an adder that are full adder cells: more than any slice of a sum has."""
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


def encode_rows(rows: np.ndarray, mode: int) -> np.ndarray:
    """Encode a packet of rows in a mode, as `dct-encoder` does."""
    return encode_samples(row_samples(rows), mode)


def decode_rows(words: np.ndarray, count: int, mode: int) -> np.ndarray:
    """Decode `count` tiles in a mode, as `dct-decoder` does."""
    return row_words(decode_samples(words, (8 * count, 8), mode))


@dataclass(frozen=True)
class DecoderShape(EngineParameters):
    """Parameters of a DCT decoder."""

    checked: bool = parameter(False, "whether it tells which packets were malformed")
    lookahead: bool = parameter(False, "whether it keeps the next column's head in registers, for a shorter path")


def dct_encoder_engine(shape: EngineParameters) -> Engine:
    """Describe the DCT encoder, which has no parameters."""

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        pairs = zip(inputs["rows"], inputs["mode"], strict=True)
        return {"tiles": [encode_rows(rows, int(mode[0])) for rows, mode in pairs]}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        modes = [np.array([mode_word(DEFAULT, tensor.dtype.name)], np.uint8) for tensor in tensors]
        return {"rows": [row_words(tensor) for tensor in tensors], "mode": modes}

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
        period_ns=5.0,
        published=(_PUBLISHED,),
        clock_gating=True,
    )


def dct_decoder_engine(shape: DecoderShape) -> Engine:
    """Describe a DCT decoder."""
    checked = shape.checked

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        packets = []
        for words, parts in zip(inputs["tiles"], inputs["length"], strict=True):
            packets.append(decode_rows(words, *read_length(parts)))
        return {"rows": packets}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [(row_words(tensor), mode_word(DEFAULT, tensor.dtype.name)) for tensor in tensors]
        return {
            "tiles": [encode_rows(rows, mode) for rows, mode in packets],
            "length": [length_words(rows.size // 8, mode) for rows, mode in packets],
        }

    return Engine(
        name="dct-decoder",
        summary=f"DCT decompressor of 8 x 8 tiles{', detects malformed streams' if checked else ''}",
        block=dct_decoder,
        parameters={"length_bits": LENGTH_BITS, "checked": checked, "lookahead": shape.lookahead},
        inputs=(Port("tiles", 64), Port("length", LENGTH_BITS + MODE_BITS)),
        outputs=(Port("rows", 64, error=checked),),
        reference=reference,
        stimulus=stimulus,
        tensor="rows",
        period_ns=5.0,
        published=(_PUBLISHED,),
        clock_gating=True,
        full_adders=FULL_ADDERS if shape.lookahead else 0,
    )


def length_words(count: int, mode: int) -> np.ndarray:
    """Return a packet of a DCT decoder's `length` stream, uint16.

    Parameters
    ----------
    count : int
        Number of tiles in the packet, at least 1.
    mode : int
        The encoder's mode word.
    """
    most = 1 << LENGTH_BITS
    parts = np.full(-(-count // most), most, np.uint16)
    parts[-1] = count - most * (parts.size - 1)
    return parts % most | mode << LENGTH_BITS


def read_length(parts: np.ndarray) -> tuple[int, int]:
    """Return the number of tiles and the mode word: the inverse of `length_words`."""
    most = 1 << LENGTH_BITS
    counts = parts.astype(np.int64) % most
    return int(np.where(counts == 0, most, counts).sum()), int(parts[0]) >> LENGTH_BITS


DCT_FAMILIES: tuple[Family, ...] = (
    Family(dct_encoder_engine, {"dct-encoder": EngineParameters()}),
    Family(
        dct_decoder_engine,
        {
            "dct-decoder": DecoderShape(),
            "dct-decoder-checked": DecoderShape(checked=True),
            "dct-decoder-fast": DecoderShape(lookahead=True),
        },
    ),
)
