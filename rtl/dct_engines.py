"""The DCT engines: catalog entries, with their references from `silicodec.models.dct`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from silicodec.models.dct import DCT, to_samples, to_tiles

from .dct import dct_encoder
from .dct_quantiser import MODE_BITS, mode_word
from .engine import Engine, Packets, Port

DEFAULT = DCT()


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
    )


DCT_ENGINES: tuple[Engine, ...] = (_encoder(),)
