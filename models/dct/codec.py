"""DCT compression of feature maps: lossy, by 8 x 8 tiles.

Z. Shao and others, "Memory-Efficient CNN Accelerator Based on Interlayer Feature Map Compression", arXiv 2110.06155.
The format is described in `docs/formats/dct.md`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from silicodec.models.codec import Codec, EncodedStream
from silicodec.models.dct.tiles import count_bits, decode_tiles, encode_tiles
from silicodec.models.dct.transform import dequantise_tiles, inverse, quantise_tiles
from silicodec.models.errors import CodecError, CorruptDataError, check_integer, check_power_of_two
from silicodec.models.samples import SAMPLE_DTYPES, from_samples, to_samples

LEVELS = 4
_STEPS = {1: (2, 2), 2: (4, 4), 3: (4, 8), 4: (8, 16)}
"""Step of the lower frequencies and of the higher ones, by level."""
_FIRST_HIGH = 6
"""Sum of the horizontal and the vertical frequency from which a frequency counts as a higher one."""

Table = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class DCT(Codec):
    """Discrete cosine transform, quantisation and sparse coding of 8 x 8 tiles (lossy).

    It takes int8 maps, (..., height, width), and uint8 ones, which lose their offset of 128 on the way.

    Parameters
    ----------
    word_bits : int
        Bits of a sample: 8.
    level : int
        Quantisation table, 1 (finest) to 4; without effect where `table` is given.
    table : sequence of 8 sequences of 8 int, optional
        Quantisation steps, powers of two from 1 to 128; rows are vertical frequencies, columns horizontal ones.
    signed : int
        0 for maps without negative values, such as those after a ReLU: the mean of a tile is coded twice as finely,
        and what comes back is not negative either. 1 for any map.
    two_level : int
        0 for a bitmap of each tile and a byte for each nonzero coefficient, as in the paper; 1 for the shorter code
        that marks the empty columns of a tile, and stores small coefficients in four bits.
    """

    level: int = 2
    table: Table | None = None
    signed: int = 1
    two_level: int = 1

    codec_id: ClassVar[str] = "dct"
    stream_names: ClassVar[tuple[str, ...]] = ("tiles",)
    lossless: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.word_bits != 8:
            raise CodecError(f"codec 'dct' takes samples of 8 bits, so word_bits must be 8, not {self.word_bits}")
        check_integer("level", self.level, 1, LEVELS)
        check_integer("signed", self.signed, 0, 1)
        check_integer("two_level", self.two_level, 0, 1)
        if self.table is not None:
            object.__setattr__(self, "table", _check_table(self.table))

    def get_config(self) -> dict[str, Any]:
        """Return the codec's id and parameters, as plain JSON."""
        table = None if self.table is None else [list(row) for row in self.table]
        return {**super().get_config(), "table": table}

    @property
    def steps(self) -> np.ndarray:
        """Quantisation steps, (8, 8): rows are vertical frequencies, columns horizontal ones."""
        if self.table is not None:
            return np.array(self.table)
        return np.array(two_steps(*_STEPS[self.level], finest_mean(bool(self.signed))))

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits that `array` encodes to, without encoding."""
        return count_bits(self.quantised(np.asarray(array)), bool(self.two_level))

    def restore(self, array: np.ndarray) -> np.ndarray:
        """Return what decoding gives for the encoded `array`, without encoding."""
        return self._restored(self.quantised(array), array.shape, array.dtype)

    def encode_words(self, array: np.ndarray) -> np.ndarray:
        """Encode maps to the 64-bit words that hardware emits, the last one filled up with zeros: 1-D, uint64."""
        data = self.encode(array).streams["tiles"].data
        return np.frombuffer(data + bytes(-len(data) % 8), ">u8").astype(np.uint64)

    def decode_words(self, words: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """Decode int8 maps of a shape from the 64-bit words that hardware takes.

        Raises
        ------
        CorruptDataError
            If the words are malformed; `docs/formats/dct.md` lists what is.
        """
        if len(shape) < 2:
            raise CodecError(f"shape must be (..., height, width), not {tuple(shape)}")
        data = words.astype(">u8").tobytes()
        stream = EncodedStream(data, 8 * len(data))
        quantised, end = decode_tiles(stream, _tile_count(shape), bool(self.two_level))
        if stream.nbits - end >= 64:
            raise CorruptDataError("stream of tiles has words after its end")
        if any(data[end // 8 :]):
            raise CorruptDataError("stream of tiles is padded with bits that are not zero")
        return self._restored(quantised, tuple(shape), np.dtype(np.int8))

    def quantised(self, array: np.ndarray) -> np.ndarray:
        """Return the quantised coefficients, uint8, (tiles, 64): two's complement, in the order of the stream."""
        if array.dtype.name not in SAMPLE_DTYPES or array.ndim < 2:
            raise CodecError(
                f"codec 'dct' takes maps (..., height, width) of int8 or uint8, not {array.dtype} {array.shape}"
            )
        samples = to_samples(array)
        if not self.signed and samples.size and samples.min() < 0:
            raise CodecError("signed=0 takes maps without negative values; use signed=1")
        low, high = np.full(64, -128), np.full(64, 127)
        if not self.signed:
            low[0], high[0] = 0, 255
        return quantise_tiles(to_tiles(samples), self._step_bits, low, high)

    def _encode_array(self, array: np.ndarray) -> dict[str, EncodedStream]:
        return {"tiles": encode_tiles(self.quantised(array), bool(self.two_level))}

    def _decode_array(
        self, streams: Mapping[str, EncodedStream], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> np.ndarray:
        if len(shape) < 2 or dtype.name not in SAMPLE_DTYPES:
            raise CorruptDataError(
                f"codec 'dct' encodes maps (..., height, width) of int8 or uint8, not {dtype} {shape}"
            )
        quantised, end = decode_tiles(streams["tiles"], _tile_count(shape), bool(self.two_level))
        if streams["tiles"].nbits > end:
            raise CorruptDataError("stream of tiles has bits after its end")
        return self._restored(quantised, shape, dtype)

    @property
    def _step_bits(self) -> np.ndarray:
        """Base 2 logarithm of each step, in the order of the stream."""
        return np.log2(self.steps).astype(np.int64).T.reshape(-1)

    def _restored(self, quantised: np.ndarray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        coefficients = dequantise_tiles(quantised, self._step_bits, bool(self.signed))
        samples = inverse(coefficients, 8)
        if not self.signed:
            samples = np.maximum(samples, 0)
        return from_samples(_from_tiles(samples.astype(np.int8), shape), dtype)


def finest_mean(signed: bool) -> int:
    """Return the smallest step of the mean with which eight bits hold the coefficient of any tile's mean."""
    return 8 if signed else 4


def two_steps(low: int, high: int, mean: int) -> Table:
    """Make a quantisation table: steps of the lower frequencies, of the higher ones, and of a tile's mean."""
    steps = [[low if u + v < _FIRST_HIGH else high for u in range(8)] for v in range(8)]
    steps[0][0] = mean
    return tuple(map(tuple, steps))


def _check_table(table: Sequence[Sequence[int]]) -> Table:
    try:
        rows = tuple(tuple(row) for row in table)
    except TypeError:
        rows = ()
    if len(rows) != 8 or any(len(row) != 8 for row in rows):
        raise CodecError("table must be 8 rows of 8 quantisation steps")
    for row in rows:
        for step in row:
            check_power_of_two("step in table", step, 1, 128)
    return rows


def _tile_count(shape: Sequence[int]) -> int:
    return math.prod(shape[:-2]) * -(-shape[-2] // 8) * -(-shape[-1] // 8)


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


def _from_tiles(tiles: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Put maps of a shape together again."""
    if not len(tiles):
        return np.empty(shape, np.int8)
    rows, columns = -(-shape[-2] // 8), -(-shape[-1] // 8)
    eights = tiles.view(np.uint64).reshape(-1, rows, columns, 8).transpose(0, 1, 3, 2)
    maps = np.ascontiguousarray(eights).reshape(-1, 8 * rows, columns).view(np.int8)
    return np.ascontiguousarray(maps[:, : shape[-2], : shape[-1]]).reshape(shape)
