"""DCT compression of feature maps: lossy, by 8 x 8 tiles.

Z. Shao and others, "Memory-Efficient CNN Accelerator Based on Interlayer Feature Map Compression", arXiv 2110.06155.
The format is described in `docs/formats/dct.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from silicodec.models.codec import Codec, EncodedStream
from silicodec.models.dct.columns import packet_bits
from silicodec.models.dct.first import FirstDCT
from silicodec.models.dct.maps import count_tiles, parts, to_rows
from silicodec.models.dct.quantiser import Quantiser, quantise_tiles
from silicodec.models.dct.stream import decode_maps, encode_maps, restore_maps
from silicodec.models.errors import CodecError, CorruptDataError, check_integer, check_power_of_two
from silicodec.models.samples import SAMPLE_DTYPES

MOST_STEP = 64
UNSIGNED_OFFSET = 1024
"""A tile's mean, times eight, of unsigned samples over that of the same samples less 128."""


@dataclass(frozen=True)
class DCT(Codec):
    """Discrete cosine transform, quantisation and Rice codes of 8 x 8 tiles (lossy).

    It takes int8 maps, (..., height, width), and uint8 ones.

    Parameters
    ----------
    word_bits : int
        Bits of a sample: 8.
    step : int
        Quantisation step, a power of two from 1 (finest) to 64; hardware takes up to 8.
    signed : int
        0 for int8 maps without negative values, such as those after a ReLU: the mean of a tile needs no sign, and
        what comes back is not negative either. 1 for any map.

    Examples
    --------
    >>> maps = np.full((1, 8, 8), 40, np.int8)
    >>> encoded = DCT(step=4).encode(maps)
    >>> encoded.nbits, int(abs(DCT(step=4).decode(encoded) - maps).max())
    (52, 0)
    """

    step: int = 2
    signed: int = 1

    codec_id: ClassVar[str] = "dct"
    stream_names: ClassVar[tuple[str, ...]] = ("tiles",)
    lossless: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.word_bits != 8:
            raise CodecError(f"codec 'dct' takes samples of 8 bits, so word_bits must be 8, not {self.word_bits}")
        check_power_of_two("step", self.step, 1, MOST_STEP)
        check_integer("signed", self.signed, 0, 1)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> DCT | FirstDCT:  # type: ignore[override]
        """Make the codec that has this configuration, or of a container of version 1 the one that reads it.

        Raises
        ------
        CodecError
            If it is the configuration of another codec, or has a bad parameter.
        """
        return FirstDCT.from_config(config) if "two_level" in config else super().from_config(config)

    def restore(self, array: np.ndarray) -> np.ndarray:
        """Return what decoding gives for the encoded `array`, without encoding."""
        self._check(array)
        return restore_maps(array, self._quantiser(array.dtype))

    def encode_words(self, array: np.ndarray) -> np.ndarray:
        """Encode maps to the 64-bit words that hardware emits, the last one filled up with zeros: 1-D, uint64."""
        self._check(array)
        data = bytes(encode_maps(array, self._quantiser(array.dtype)).data)
        return np.frombuffer(data + bytes(-len(data) % 8), ">u8").astype(np.uint64)

    def decode_words(self, words: np.ndarray, shape: Sequence[int], dtype: str = "int8") -> np.ndarray:
        """Decode maps of a shape and dtype from the 64-bit words that hardware takes.

        Raises
        ------
        CorruptDataError
            If the words are malformed; `docs/formats/dct.md` lists what is.
        """
        if len(shape) < 2:
            raise CodecError(f"shape must be (..., height, width), not {tuple(shape)}")
        data = words.astype(">u8").tobytes()
        stream = EncodedStream(data, 8 * len(data))
        maps, end = self._decoded(stream, tuple(shape), np.dtype(dtype))
        if stream.nbits - end >= 64:
            raise CorruptDataError("stream of tiles has words after its end")
        if int.from_bytes(data[end // 8 :]) & ((1 << (stream.nbits - end)) - 1):
            raise CorruptDataError("stream of tiles is padded with bits that are not zero")
        return maps

    def packet_words(self, array: np.ndarray) -> np.ndarray:
        """Count the 64-bit words that each row of tiles takes if it is encoded by itself: int64, 1-D.

        Examples
        --------
        >>> DCT(step=4).packet_words(np.full((2, 12, 64), 40, np.int8))
        array([7, 7, 7, 7])
        """
        self._check(array)
        quantiser = self._quantiser(array.dtype)
        bits = [packet_bits(to_rows(part), quantiser) for part in parts(array)]
        return -(-np.concatenate([np.empty(0, np.int64), *bits]) // 64)

    def quantised(self, array: np.ndarray) -> np.ndarray:
        """Return the quantised coefficients, int16, (tiles, 64), in the order of the stream."""
        self._check(array)
        quantiser = self._quantiser(array.dtype)
        tiles = [quantise_tiles(to_rows(part), quantiser) for part in parts(array)]
        return np.concatenate([np.empty((0, 64), np.int16), *tiles])

    def _encode_array(self, array: np.ndarray) -> dict[str, EncodedStream]:
        self._check(array)
        return {"tiles": encode_maps(array, self._quantiser(array.dtype))}

    def _decode_array(
        self, streams: Mapping[str, EncodedStream], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> np.ndarray:
        if len(shape) < 2 or dtype.name not in SAMPLE_DTYPES:
            raise CorruptDataError(
                f"codec 'dct' encodes maps (..., height, width) of int8 or uint8, not {dtype} {shape}"
            )
        maps, end = self._decoded(streams["tiles"], shape, dtype)
        if streams["tiles"].nbits > end:
            raise CorruptDataError("stream of tiles has bits after its end")
        return maps

    def _decoded(self, stream: EncodedStream, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[np.ndarray, int]:
        """Decode maps, and say how many bits of the stream they take."""
        # A tile takes at least 8 bits, and the last column ends with one.
        if 8 * count_tiles(shape) >= stream.nbits + (count_tiles(shape) == 0):
            raise CorruptDataError("stream of tiles is too short")
        maps = np.empty(shape, dtype)
        return maps, decode_maps(stream, maps, self._quantiser(dtype))

    def _check(self, array: np.ndarray) -> None:
        if array.dtype not in _DTYPES or array.ndim < 2:
            raise CodecError(
                f"codec 'dct' takes maps (..., height, width) of int8 or uint8, not {array.dtype} {array.shape}"
            )
        if not self.signed and array.dtype == np.int8 and array.size and array.min() < 0:
            raise CodecError("signed=0 takes maps without negative values; use signed=1")

    def _quantiser(self, dtype: np.dtype[Any]) -> Quantiser:
        return _quantiser(self.step, self.signed, dtype == np.uint8)


_DTYPES = tuple(map(np.dtype, SAMPLE_DTYPES))  # compared sooner than their names, which counts for small maps


@lru_cache
def _quantiser(step: int, signed: int, uint8: bool) -> Quantiser:
    return Quantiser(
        step_bits=step.bit_length() - 1,
        unsigned=not signed or uint8,
        offset=UNSIGNED_OFFSET if uint8 else 0,
        flip=np.uint64(0x8080808080808080 if uint8 else 0),
        positive=not signed and not uint8,
    )
