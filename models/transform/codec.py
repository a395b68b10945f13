"""Transform coding of feature maps: lossy, by a linear transform of the channels, quantisation and Huffman code.

B. Chmiel and others, "Feature Map Transform Coding for Energy-Efficient CNN Inference", arXiv 1905.10830. The format is
described in `docs/formats/transform.md`; `silicodec.models.transform.calibration` finds matrices and codes.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numba import njit

from silicodec.models.bitstream import SLAB, join
from silicodec.models.codec import Codec, EncodedStream
from silicodec.models.errors import CodecError, CorruptDataError, check_integer, check_power_of_two
from silicodec.models.samples import SAMPLE_DTYPES, from_samples, to_samples
from silicodec.models.transform.huffman import WORD_BITS, HuffmanCode
from silicodec.models.transform.huffman_lanes import MOST_LANES, HuffmanLanes

MAX_BLOCK = 8

_CHUNK = 1 << 16
"""Samples that are transformed together, so that their sums stay in the cache."""
_EXACT_COLUMNS = 1024
"""Columns up to which float32 holds every sum of products of two signed bytes."""


@dataclass(frozen=True, eq=False)
class LinearTransform:
    """A matrix product of signed bytes with rounding and saturation: y = saturate((matrix x + bias) >> shift).

    Parameters
    ----------
    matrix : numpy.ndarray
        int8, (rows, columns).
    bias : numpy.ndarray
        int32, (rows,).
    shift : int
        0 to 31.
    out_bits : int
        Bits of a component of y, 2 to 8.

    Raises
    ------
    CodecError
        If a parameter is out of range, or the bias does not fit the matrix.
    """

    matrix: np.ndarray
    bias: np.ndarray
    shift: int
    out_bits: int = 8

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_integer("shift", self.shift, 0, 31)
        check_integer("out_bits", self.out_bits, 2, 8)
        if self.matrix.dtype != np.int8 or self.matrix.ndim != 2:
            raise CodecError(f"matrix must be int8 and have rows and columns, not {self.matrix.dtype}")
        if self.bias.dtype != np.int32 or self.bias.shape != self.matrix.shape[:1]:
            raise CodecError(
                f"bias must be int32, one for each of {len(self.matrix)} rows, not {self.bias.dtype} {self.bias.shape}"
            )

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Transform vectors, int8, (n, columns), to int8, (n, rows)."""
        dtype = np.float32 if self.matrix.shape[1] <= _EXACT_COLUMNS else np.float64
        transposed = self.matrix.T.astype(dtype)
        result = np.empty((len(vectors), len(self.matrix)), np.int8)
        step = max(1, _CHUNK // max(self.matrix.shape))
        for start in range(0, len(vectors), step):
            chunk = slice(start, start + step)
            sums = np.matmul(vectors[chunk].astype(dtype), transposed)
            _quantise(sums, self.bias, self.shift, self.out_bits, result[chunk])
        return result


@dataclass(frozen=True)
class TransformCodec(Codec):
    """Linear transform of the channels, quantisation and Huffman code (lossy).

    It takes int8 maps, (..., channels, height, width), and uint8 ones, which lose their offset of 128 on the way.

    Parameters
    ----------
    word_bits : int
        Bits of a sample: 8.
    symbol_bits : int
        Bits of a quantised component, 2 to 8.
    block : int
        Side of the square of pixels that is transformed together, 1 to 8.
    signed : int
        0 for maps without negative values, such as those after a ReLU: what comes back is not negative either. 1 for
        any map.
    matrix, bias, inverse_matrix, inverse_bias, lengths : str
        Tables of the forward and the inverse transform, and lengths of code words, in base64. Empty ones stand for
        quantisation alone, and a code for equal probabilities; `from_tables` makes a codec of arrays instead.
    shift, inverse_shift : int
        Shifts that go with the tables, 0 to 31.
    lanes : int
        Lanes that the symbols are dealt to, for engines of so many symbols a cycle: a power of two up to 16.
    """

    symbol_bits: int = 8
    block: int = 1
    signed: int = 1
    matrix: str = ""
    bias: str = ""
    shift: int = 0
    inverse_matrix: str = ""
    inverse_bias: str = ""
    inverse_shift: int = 0
    lengths: str = ""
    lanes: int = 1

    codec_id: ClassVar[str] = "transform"
    stream_names: ClassVar[tuple[str, ...]] = ("symbols",)
    lossless: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.word_bits != 8:
            raise CodecError(f"codec 'transform' takes samples of 8 bits, so word_bits must be 8, not {self.word_bits}")
        check_integer("symbol_bits", self.symbol_bits, 2, 8)
        check_integer("block", self.block, 1, MAX_BLOCK)
        check_integer("signed", self.signed, 0, 1)
        check_integer("shift", self.shift, 0, 31)
        check_integer("inverse_shift", self.inverse_shift, 0, 31)
        check_power_of_two("lanes", self.lanes, 1, MOST_LANES)
        if self.code.symbol_bits != self.symbol_bits:
            raise CodecError(f"lengths must be {(1 << self.symbol_bits) + 1} numbers, not {self.code.lengths.size}")
        forward, inverse = (transform.matrix.shape for transform in self.transforms)
        if forward[::-1] != inverse or (self._has_tables and forward[1] % self.block**2):
            raise CodecError(
                f"matrices of {forward} and {inverse} elements do not transform blocks of {self.block} x {self.block} "
                "pixels and back"
            )

    @classmethod
    def from_tables(
        cls,
        forward: LinearTransform,
        inverse: LinearTransform,
        code: HuffmanCode,
        *,
        block: int = 1,
        signed: int = 1,
        lanes: int = 1,
    ) -> Self:
        """Make the codec that has these tables."""
        return cls(
            symbol_bits=forward.out_bits,
            block=block,
            signed=signed,
            matrix=_to_text(forward.matrix),
            bias=_to_text(forward.bias),
            shift=forward.shift,
            inverse_matrix=_to_text(inverse.matrix),
            inverse_bias=_to_text(inverse.bias),
            inverse_shift=inverse.shift,
            lengths=_to_text(code.lengths),
            lanes=lanes,
        )

    def get_config(self) -> dict[str, Any]:
        """Return the codec's id and parameters, as plain JSON; one lane is what it was before there were more."""
        config = super().get_config()
        return config if self.lanes > 1 else {name: value for name, value in config.items() if name != "lanes"}

    @cached_property
    def code(self) -> HuffmanCode:
        """The code of the symbols."""
        if self.lengths:
            return HuffmanCode(_from_text("lengths", self.lengths, np.uint8))
        lengths = np.full((1 << self.symbol_bits) + 1, self.symbol_bits, np.uint8)
        lengths[[1 << (self.symbol_bits - 1), -1]] += 1
        return HuffmanCode(lengths)

    @cached_property
    def coder(self) -> HuffmanCode | HuffmanLanes:
        """What writes packets of symbols."""
        return HuffmanLanes(self.code, self.lanes) if self.lanes > 1 else self.code

    @cached_property
    def transforms(self) -> tuple[LinearTransform, LinearTransform]:
        """Forward and inverse transform of a vector; without tables, of every sample alone."""
        if self._has_tables:
            return (
                _to_transform("", self.matrix, self.bias, self.shift, self.symbol_bits),
                _to_transform("inverse_", self.inverse_matrix, self.inverse_bias, self.inverse_shift, 8),
            )
        shift = 8 - self.symbol_bits
        one, half = np.ones((1, 1), np.int8), np.full(1, (1 << shift) >> 1, np.int32)
        return LinearTransform(one, half, shift, self.symbol_bits), LinearTransform(one << shift, 0 * half, 0)

    @property
    def table_bits(self) -> int:
        """Bits of all tables together."""
        matrices = sum(8 * (t.matrix.nbytes + t.bias.nbytes) for t in self.transforms) if self._has_tables else 0
        return self.code.table_bits + matrices

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits that `array` encodes to, without encoding."""
        return self.coder.nbits(self._symbols(self.quantised(np.asarray(array))))

    def restore(self, array: np.ndarray) -> np.ndarray:
        """Return what decoding gives for the encoded `array`, without encoding."""
        return self._restored(self.quantised(array), array.shape, array.dtype)

    def quantised(self, array: np.ndarray) -> np.ndarray:
        """Return the quantised components, int8, (maps, components of a map), in the order of the stream.

        Raises
        ------
        CodecError
            If the codec is for maps of another kind.
        """
        _check(array)
        if not self.signed and array.size and array.min() < 0:
            raise CodecError("signed=0 takes maps without negative values; use signed=1")
        count, size, columns = self._vectors(array.shape)
        vectors = to_vectors(to_samples(array).reshape(_as_maps(array.shape)), self.block)
        components = self.transforms[0].apply(vectors.reshape(count * size, columns))
        return components.reshape(count, size * components.shape[1])

    def _encode_array(self, array: np.ndarray) -> dict[str, EncodedStream]:
        _check(array)
        return {"symbols": join(map(self._encode_maps, _parts(array)))}

    def _encode_maps(self, maps: np.ndarray) -> EncodedStream:
        units = self.coder.encode_packets(self._symbols(self.quantised(maps)))
        return EncodedStream(units.astype(">u2").tobytes(), WORD_BITS * units.size)

    def _decode_array(
        self, streams: Mapping[str, EncodedStream], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> np.ndarray:
        if dtype.name not in SAMPLE_DTYPES:
            raise CorruptDataError(f"codec 'transform' encodes maps of int8 or uint8, not {dtype}")
        stream = streams["symbols"]
        if stream.nbits % self.coder.word_bits:
            raise CorruptDataError(
                f"stream of symbols must be words of {self.coder.word_bits} bits, not {stream.nbits} bits"
            )
        try:
            count, size, _ = self._vectors(shape)
        except CodecError as error:
            raise CorruptDataError(str(error)) from None
        components = size * len(self.transforms[0].matrix)
        self.coder.check_length(len(stream.data), count, components)
        restored, unused = np.empty(shape, dtype), 8 - self.symbol_bits  # takes no memory yet
        parts = list(_parts(restored))
        decoded = self.coder.decode_parts(stream.data, [len(part) for part in parts], components)
        for part, packets in zip(parts, decoded, strict=True):
            part[...] = self._restored((packets << unused).view(np.int8) >> unused, part.shape, dtype)
        return restored

    def _symbols(self, components: np.ndarray) -> np.ndarray:
        return components.view(np.uint8) & np.uint8((1 << self.symbol_bits) - 1)

    def _restored(self, components: np.ndarray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        count, size, _ = self._vectors(shape)
        _, inverse = self.transforms
        vectors = inverse.apply(components.reshape(count * size, inverse.matrix.shape[1]))
        samples = from_vectors(vectors, _as_maps(shape), self.block)
        if not self.signed and dtype == np.int8:
            samples = np.maximum(samples, 0)
        return from_samples(samples.reshape(shape), dtype)

    def _vectors(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Return number of maps, vectors of a map, and samples of a vector."""
        count, channels, height, width = _as_maps(shape)
        blocks = -(-height // self.block) * -(-width // self.block)
        columns = channels * self.block**2
        if not self._has_tables:
            return count, blocks * columns, 1
        if (expected := self.transforms[0].matrix.shape[1]) != columns:
            raise CodecError(f"maps must have {expected // self.block**2} channels, not {channels}")
        return count, blocks, columns

    @property
    def _has_tables(self) -> bool:
        return any((self.matrix, self.bias, self.inverse_matrix, self.inverse_bias))


def _to_transform(prefix: str, matrix: str, bias: str, shift: int, out_bits: int) -> LinearTransform:
    elements = _from_text(f"{prefix}matrix", matrix, np.int8)
    biases = _from_text(f"{prefix}bias", bias, np.int32)
    if not biases.size or not elements.size or elements.size % biases.size:
        raise CodecError(f"{prefix}matrix has {elements.size} elements, which are not {biases.size} rows")
    return LinearTransform(elements.reshape(biases.size, -1), biases, shift, out_bits)


def _to_text(table: np.ndarray) -> str:
    return base64.b64encode(table.astype(table.dtype.newbyteorder(">")).tobytes()).decode()


def _from_text(name: str, text: str, dtype: type[np.generic]) -> np.ndarray:
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), np.dtype(dtype).newbyteorder(">")).astype(dtype)
    except (TypeError, ValueError, binascii.Error):
        raise CodecError(f"{name} must be a table of {np.dtype(dtype)} in base64") from None


def _check(array: np.ndarray) -> None:
    if array.dtype.name not in SAMPLE_DTYPES:
        raise CodecError(f"codec 'transform' takes maps of int8 or uint8, not {array.dtype}")


def _parts(array: np.ndarray) -> Iterator[np.ndarray]:
    """Cut an array into parts of some maps each, which share its memory where it is contiguous."""
    count, *size = _as_maps(array.shape)
    maps = array.reshape(count, *size)
    step = max(SLAB // max(math.prod(size), 1), 1)
    for start in range(0, count, step):
        yield maps[start : start + step]


def _as_maps(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return number, channels, height and width of an array's maps."""
    channels, height, width = (1, 1, 1, *shape)[-3:]
    return math.prod(shape[:-3]), channels, height, width


def to_vectors(maps: np.ndarray, block: int) -> np.ndarray:
    """Cut maps (maps, channels, height, width) into blocks: (maps, blocks, block * block * channels)."""
    count, channels, height, width = maps.shape
    if height % block or width % block:
        maps = np.pad(maps, ((0, 0), (0, 0), (0, -height % block), (0, -width % block)), mode="edge")
    rows, columns = -(-height // block), -(-width // block)
    blocks = maps.reshape(count, channels, rows, block, columns, block).transpose(0, 2, 4, 3, 5, 1)
    return blocks.reshape(count, rows * columns, block * block * channels)


def from_vectors(vectors: np.ndarray, shape: tuple[int, int, int, int], block: int) -> np.ndarray:
    """Put maps of a shape together again."""
    count, channels, height, width = shape
    rows, columns = -(-height // block), -(-width // block)
    blocks = vectors.reshape(count, rows, columns, block, block, channels).transpose(0, 5, 1, 3, 2, 4)
    maps = blocks.reshape(count, channels, rows * block, columns * block)
    return np.ascontiguousarray(maps[:, :, :height, :width])


@njit(cache=True)
def _quantise(sums: np.ndarray, bias: np.ndarray, shift: int, out_bits: int, result: np.ndarray) -> None:
    high = (1 << (out_bits - 1)) - 1
    for n in range(sums.shape[0]):
        for i in range(sums.shape[1]):
            total = np.int32(np.int32(sums[n, i]) + bias[i])  # wraps around
            result[n, i] = min(max(total >> shift, -high - 1), high)
