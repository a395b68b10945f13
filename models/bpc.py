"""Bit-plane compression (BPC) of blocks of words.

The code of the BPC stream of EBPC (`docs/formats/ebpc.md`), after J. Kim, M. Sullivan, E. Choukse, M. Erez, "Bit-Plane
Compression: Transforming Data for Better Compression in Many-Core Architectures", ISCA 2016, as adapted by
L. Cavigelli, G. Rutishauser, L. Benini, "EBPC: Extended Bit-Plane Compression for Deep Neural Network Inference and
Training Accelerators", arXiv 1908.11645, section III.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
from numba import njit

from .bitstream import from_bytes, new_bits, peek, put, to_stream
from .codec import Codec, EncodedStream, word_dtype
from .errors import CorruptDataError, check_integer


class Code(NamedTuple):
    """A code: its value and its number of bits."""

    value: int
    length: int


SINGLE_ZERO_PLANE = Code(0b01, 2)
ZERO_PLANES = Code(0b001, 3)
ALL_ONES = Code(0b00000, 5)
ZERO_DELTA_PLANE = Code(0b00001, 5)
TWO_ONES = Code(0b00010, 5)
SINGLE_ONE = Code(0b00011, 5)
RAW_PLANE = Code(0b1, 1)


def field_bits(values: int) -> int:
    """Return the bits of a field that holds 0 to `values - 1`."""
    return (values - 1).bit_length()


@lru_cache
def plane_codes(block_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Tabulate the code of every DBX plane that depends on that plane alone.

    Returns
    -------
    values, lengths : numpy.ndarray
        Value (uint32) and number of bits (uint8) of the code, by plane; entry 0 is unused.
    """
    bits = block_size - 1
    position_bits = field_bits(block_size)
    planes = np.arange(1 << bits, dtype=np.uint32)
    values = planes | (RAW_PLANE.value << bits)
    lengths = np.full(planes.size, RAW_PLANE.length + bits, np.uint8)
    for pattern, code in ((0b1, SINGLE_ONE), (0b11, TWO_ONES)):
        width = pattern.bit_length()
        for position in range(bits - width + 1):
            plane = pattern << (bits - width - position)
            values[plane] = code.value << position_bits | position
            lengths[plane] = code.length + position_bits
    values[-1], lengths[-1] = ALL_ONES
    return values, lengths


# What a code means to the decoder: the kinds of entries of `code_meanings`.
MALFORMED, PLANE, DELTA_PLANE_IS_ZERO, ZERO_RUN = range(4)


class Meanings(NamedTuple):
    """What the decoder does for every string of `bits` bits that it may find ahead.

    `kind`, `length` (of the code, in bits) and `value` (the DBX plane, or the number of zero planes) are arrays with an
    entry for each string.
    """

    bits: int
    kind: np.ndarray
    length: np.ndarray
    value: np.ndarray


@lru_cache
def code_meanings(word_bits: int, block_size: int) -> Meanings:
    """Tabulate the code that starts each possible string of bits."""
    plane_bits = block_size - 1
    position_bits = field_bits(block_size)
    run_bits = field_bits(word_bits)
    bits = max(RAW_PLANE.length + plane_bits, SINGLE_ONE.length + position_bits, ZERO_PLANES.length + run_bits)
    kinds = np.full(1 << bits, MALFORMED, np.uint8)
    lengths = np.zeros(1 << bits, np.uint8)
    values = np.zeros(1 << bits, np.uint16)

    def enter(code: Code, field: int, field_width: int, kind: int, value: int) -> None:
        length = code.length + field_width
        first = (code.value << field_width | field) << (bits - length)
        strings = slice(first, first + (1 << (bits - length)))
        kinds[strings], lengths[strings], values[strings] = kind, length, value

    enter(SINGLE_ZERO_PLANE, 0, 0, ZERO_RUN, 1)
    for field in range(1 << run_bits):
        enter(ZERO_PLANES, field, run_bits, ZERO_RUN, field + 2)
    enter(ALL_ONES, 0, 0, PLANE, (1 << plane_bits) - 1)
    enter(ZERO_DELTA_PLANE, 0, 0, DELTA_PLANE_IS_ZERO, 0)
    for pattern, code in ((0b1, SINGLE_ONE), (0b11, TWO_ONES)):
        width = pattern.bit_length()
        for position in range(plane_bits - width + 1):
            enter(code, position, position_bits, PLANE, pattern << (plane_bits - width - position))
    for plane in range(1 << plane_bits):
        enter(RAW_PLANE, plane, plane_bits, PLANE, plane)
    return Meanings(bits, kinds, lengths, values)


@dataclass(frozen=True)
class BPC(Codec):
    """Bit-plane compression of all words, zeros included: EBPC without its zero stream.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    block_size : int, optional
        Words in a block, 2 to `word_bits`; by default 8, or `word_bits` where that is less.
    """

    block_size: int = None  # type: ignore[assignment]  # an int once the object is made

    codec_id: ClassVar[str] = "bpc"
    stream_names: ClassVar[tuple[str, ...]] = ("bpc",)

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.block_size is None:
            object.__setattr__(self, "block_size", min(8, self.word_bits))
        check_integer("block_size", self.block_size, 2, self.word_bits)

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        return {"bpc": encode_blocks(words, self.word_bits, self.block_size)}

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        words, end = decode_blocks(streams["bpc"], count, self.word_bits, self.block_size)
        if streams["bpc"].nbits > end:
            raise CorruptDataError("BPC stream has bits after its end")
        return words


def encode_blocks(words: np.ndarray, word_bits: int, block_size: int) -> EncodedStream:
    """Encode words in blocks, the last of which is filled up with zero words."""
    code_values, code_lengths = plane_codes(block_size)
    blocks = -(-words.size // block_size)
    padded = np.concatenate([words, np.zeros(blocks * block_size - words.size, words.dtype)])
    longest_plane = max(int(code_lengths.max()), ZERO_PLANES.length + field_bits(word_bits))
    bits = new_bits(blocks * (word_bits + (word_bits + 1) * longest_plane))
    return to_stream(bits, _encode_blocks(padded, word_bits, block_size, code_values, code_lengths, bits))


def decode_blocks(stream: EncodedStream, count: int, word_bits: int, block_size: int) -> tuple[np.ndarray, int]:
    """Decode `count` words, and say how many bits of the stream they take.

    Raises
    ------
    CorruptDataError
        If the stream is malformed.
    """
    blocks = -(-count // block_size)
    if blocks * word_bits > stream.nbits:
        raise CorruptDataError("BPC stream is too short")
    words = np.empty(blocks * block_size, word_dtype(word_bits))
    meanings = code_meanings(word_bits, block_size)
    end = _decode_blocks(from_bytes(stream.data), stream.nbits, word_bits, block_size, *meanings, words)
    return words[:count], end


@njit(cache=True)
def _encode_blocks(
    words: np.ndarray,
    word_bits: int,
    block_size: int,
    code_values: np.ndarray,
    code_lengths: np.ndarray,
    bits: np.ndarray,
) -> int:
    """Encode whole blocks of words into a string of bits; returns its length."""
    run_bits = 0
    while 1 << run_bits < word_bits:
        run_bits += 1
    all_ones = (1 << (block_size - 1)) - 1
    sign = 1 << (word_bits - 1)
    dbx_columns = np.empty(block_size - 1, np.int32)
    position = 0
    for start in range(0, words.size, block_size):
        position = put(bits, position, words[start], word_bits)
        nonzero_dbp = 0
        for i in range(block_size - 1):
            # Words with their sign bit inverted differ by as much as the signed numbers do.
            difference = np.int32(words[start + i + 1] ^ sign) - np.int32(words[start + i] ^ sign)
            nonzero_dbp |= difference
            dbx_columns[i] = difference ^ (difference << 1)
        zero_planes = 0
        for k in range(word_bits + 1):
            dbx = 0
            for i in range(block_size - 1):
                dbx = dbx << 1 | ((dbx_columns[i] >> k) & 1)
            if dbx == 0:
                zero_planes += 1
                continue
            position = _put_zero_planes(bits, position, zero_planes, run_bits)
            zero_planes = 0
            if (nonzero_dbp >> k) & 1 == 0 and dbx != all_ones:
                position = put(bits, position, 0b00001, 5)
            else:
                position = put(bits, position, code_values[dbx], code_lengths[dbx])
        position = _put_zero_planes(bits, position, zero_planes, run_bits)
    return position


@njit(cache=True)
def _put_zero_planes(bits: np.ndarray, position: int, count: int, run_bits: int) -> int:
    """Write the code of `count` planes of zeros; returns the position after it."""
    if count == 0:
        return position
    if count == 1:
        return put(bits, position, 0b01, 2)
    return put(bits, position, 0b001 << run_bits | (count - 2), 3 + run_bits)


@njit(cache=True)
def _decode_blocks(
    bits: np.ndarray,
    nbits: int,
    word_bits: int,
    block_size: int,
    window_bits: int,
    kinds: np.ndarray,
    lengths: np.ndarray,
    values: np.ndarray,
    words: np.ndarray,
) -> int:
    """Decode whole blocks, as many as `words` has room for; returns the number of bits read."""
    lowest, highest = -(1 << (word_bits - 1)), (1 << (word_bits - 1)) - 1
    mask = (1 << word_bits) - 1
    planes = np.empty(word_bits + 1, np.int32)
    position = 0
    for start in range(0, words.size, block_size):
        base = peek(bits, position, word_bits)
        position += word_bits
        dbp = 0
        k = 0
        while k <= word_bits:
            if position > nbits:
                raise CorruptDataError("BPC stream is too short")
            window = peek(bits, position, window_bits)
            kind = kinds[window]
            position += lengths[window]
            value = np.int32(values[window])
            if kind == PLANE:
                dbp ^= value
                planes[k] = dbp
                k += 1
            elif kind == ZERO_RUN:
                if k + value > word_bits + 1:
                    raise CorruptDataError("BPC stream has a run of zero planes beyond its block")
                for _ in range(value):
                    planes[k] = dbp
                    k += 1
            elif kind == DELTA_PLANE_IS_ZERO:
                dbp = 0
                planes[k] = 0
                k += 1
            else:
                raise CorruptDataError("BPC stream has a position beyond its plane")
        if position > nbits:
            raise CorruptDataError("BPC stream is too short")
        value = (base ^ (1 << (word_bits - 1))) + lowest
        words[start] = base
        for i in range(block_size - 1):
            difference = -((planes[word_bits] >> (block_size - 2 - i)) & 1)
            for k in range(word_bits - 1, -1, -1):
                difference = difference << 1 | ((planes[k] >> (block_size - 2 - i)) & 1)
            value += difference
            if value < lowest or value > highest:
                raise CorruptDataError("BPC stream has a sign plane that contradicts its differences")
            words[start + i + 1] = value & mask
    return position
