"""What a codec is, and what it returns.

Most codecs encode words: unsigned numbers of `word_bits` bits, which hold the two's complement of signed values and the
bits of float16 ones. The element type of the array only says how words and values map to each other.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from silicodec.models.container import DTYPES, Encoded, EncodedStream
from silicodec.models.errors import CodecError, CorruptDataError, check_integer

__all__ = ["Codec", "CodecError", "CorruptDataError", "Encoded", "EncodedStream", "WordCodec", "from_words", "to_words"]


@dataclass(frozen=True)
class Codec(ABC):
    """A compression scheme with its parameters: immutable, equal to any other of the same configuration.

    A scheme is a frozen dataclass whose fields are its parameters. It sets `codec_id` and `stream_names`, and
    implements `_encode_array` and `_decode_array`, or as a `WordCodec` `_encode` and `_decode`.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16: the number format of the array's values, which may be narrower than its dtype.

    Raises
    ------
    CodecError
        If a parameter is out of range; the message names it.
    """

    word_bits: int = 8

    codec_id: ClassVar[str]
    stream_names: ClassVar[tuple[str, ...]]
    lossless: ClassVar[bool] = True
    """Whether every array comes back as it was."""

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_integer("word_bits", self.word_bits, 4, 16)

    def encode(self, array: np.ndarray) -> Encoded:
        """Encode an array.

        Parameters
        ----------
        array : numpy.ndarray
            Any shape; int8, uint8, int16, uint16, or with 16-bit words float16, in either byte order. Taken in C order.

        Raises
        ------
        CodecError
            If the dtype is another, or a value does not fit in `word_bits` bits.
        """
        array = np.asarray(array)
        return Encoded(self.get_config(), self._encode_array(array), array.shape, np.dtype(array.dtype.str))

    def decode(self, encoded: Encoded) -> np.ndarray:
        """Decode what this codec encoded; returns the array, in C order and the byte order that it had.

        Raises
        ------
        CodecError
            If another codec or other parameters encoded it.
        CorruptDataError
            If the streams are malformed.
        """
        plain = {"id": self.codec_id} | {field.name: getattr(self, field.name) for field in fields(self)}
        if encoded.codec != plain and encoded.codec != self.get_config():  # which takes longer, for it copies
            raise CodecError(f"encoded with {encoded.codec}, cannot be decoded with {self.get_config()}")
        if tuple(encoded.streams) != self.stream_names:
            raise CorruptDataError(f"streams must be {list(self.stream_names)}, not {list(encoded.streams)}")
        return self._decode_array(encoded.streams, encoded.shape, encoded.dtype)

    def restore(self, array: np.ndarray) -> np.ndarray:
        """Return what an array is decoded to once it is encoded: the array itself, if the codec is lossless."""
        return self.decode(self.encode(array))

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits that `array` encodes to, without encoding where there is a faster way."""
        return self.encode(array).nbits

    @property
    def table_bits(self) -> int:
        """Bits of the tables that a decoder needs besides the streams."""
        return 0

    def get_config(self) -> dict[str, Any]:
        """Return the codec's id and parameters, as plain JSON."""
        return {"id": self.codec_id, **asdict(self)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make the codec that has this configuration.

        Raises
        ------
        CodecError
            If it is the configuration of another codec, or has a bad parameter.
        """
        parameters = dict(config)
        if (codec_id := parameters.pop("id", None)) != cls.codec_id:
            raise CodecError(f"configuration is of codec {codec_id!r}, not {cls.codec_id!r}")
        known = [field.name for field in fields(cls)]
        if unknown := sorted(parameters.keys() - set(known)):
            raise CodecError(f"codec {cls.codec_id!r} has no parameter {unknown[0]!r}; it has {', '.join(known)}")
        return cls(**parameters)

    @abstractmethod
    def _encode_array(self, array: np.ndarray) -> dict[str, EncodedStream]:
        """Encode an array to the streams of `stream_names`, in that order."""

    @abstractmethod
    def _decode_array(
        self, streams: Mapping[str, EncodedStream], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> np.ndarray:
        """Decode the streams, or raise CorruptDataError before allocating what they cannot hold."""


class WordCodec(Codec):
    """A lossless codec of words, to which the shape of the array means nothing."""

    def _encode_array(self, array: np.ndarray) -> dict[str, EncodedStream]:
        return self._encode(to_words(array, self.word_bits))

    def _decode_array(
        self, streams: Mapping[str, EncodedStream], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> np.ndarray:
        return from_words(self._decode(streams, math.prod(shape)), self.word_bits, dtype).reshape(shape)

    @abstractmethod
    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        """Encode words (1-D; uint8 up to 8 bits, else uint16) to the streams of `stream_names`, in that order."""

    @abstractmethod
    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        """Decode the streams to `count` words, or raise CorruptDataError before allocating what they cannot hold."""


def word_dtype(word_bits: int) -> type[np.uint8] | type[np.uint16]:
    """Return the dtype that holds words of so many bits."""
    return np.uint8 if word_bits <= 8 else np.uint16


def to_words(array: np.ndarray, word_bits: int) -> np.ndarray:
    """Flatten an array to words.

    Parameters
    ----------
    array : numpy.ndarray
        Any shape; one of `DTYPES`.
    word_bits : int
        Bits of a word.

    Returns
    -------
    numpy.ndarray
        1-D, uint8 for words of up to 8 bits, else uint16. Shares memory with `array` where it can.

    Raises
    ------
    CodecError
        If the dtype is another, or a value does not fit.
    """
    if array.dtype.name not in DTYPES:
        raise CodecError(f"array's dtype must be one of {', '.join(DTYPES)}, not {array.dtype}")
    if array.dtype.kind == "f" and word_bits != 16:
        raise CodecError(f"float16 values need word_bits=16, not {word_bits}")
    values = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(-1)
    container_bits = 8 * values.itemsize
    if container_bits > word_bits:
        _check_range(values, word_bits)
    unsigned = values.view(f"u{values.itemsize}")
    if container_bits == 8 and word_bits > 8:
        unsigned = values.astype(np.int16).view(np.uint16)
    if word_bits not in (8, 16):
        unsigned = unsigned & ((1 << word_bits) - 1)
    return unsigned.astype(word_dtype(word_bits), copy=False)


def from_words(words: np.ndarray, word_bits: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Turn words back into the values that `to_words` took.

    Parameters
    ----------
    words : numpy.ndarray
        1-D, below `2**word_bits`.
    word_bits : int
        Bits of a word.
    dtype : numpy.dtype
        Element type of the result.

    Raises
    ------
    CorruptDataError
        If no array of this dtype has such words.
    """
    if dtype.kind == "f":
        if word_bits != 16:
            raise CorruptDataError(f"float16 values cannot come from words of {word_bits} bits")
        return words.view(dtype.newbyteorder("=")).astype(dtype, copy=False)
    if dtype.kind == "i":
        values = words.view(f"i{words.itemsize}")
        if unused := 8 * words.itemsize - word_bits:
            values = values << unused
            values >>= unused
    else:
        values = words
    if word_bits > 8 * dtype.itemsize:
        limits = np.iinfo(dtype)
        if np.any((values < limits.min) | (values > limits.max)):
            raise CorruptDataError(f"decoded values do not fit in {dtype}")
    return values.astype(dtype, copy=False)


def _check_range(values: np.ndarray, word_bits: int) -> None:
    signed = values.dtype.kind == "i"
    low, high = (-(1 << (word_bits - 1)), (1 << (word_bits - 1)) - 1) if signed else (0, (1 << word_bits) - 1)
    if values.size and (values.min() < low or values.max() > high):
        index = int(((values < low) | (values > high)).argmax())
        kind = "signed" if signed else "unsigned"
        raise CodecError(f"value {values[index]} (element {index}) does not fit in {word_bits} {kind} bits")
