"""Bit-plane compression (BPC) of blocks of words.

The code of the BPC stream of EBPC (`docs/formats/ebpc.md`), after J. Kim, M. Sullivan, E. Choukse, M. Erez, "Bit-Plane
Compression: Transforming Data for Better Compression in Many-Core Architectures", ISCA 2016, as adapted by
L. Cavigelli, G. Rutishauser, L. Benini, "EBPC: Extended Bit-Plane Compression for Deep Neural Network Inference and
Training Accelerators", arXiv 1908.11645, section III.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from silicodec.models.bitstream import (
    SLAB,
    ElementWriter,
    join,
    new_bits,
    pack_nonzero,
    padded,
    peek,
    peek_all,
    put,
    slabs,
    to_stream,
    window,
)
from silicodec.models.codec import EncodedStream, WordCodec, to_words, word_dtype
from silicodec.models.ebpc import byte_blocks, byte_parser
from silicodec.models.ebpc.tables import (
    ALL_ONES,
    NO_CODE,
    SINGLE_ONE,
    SINGLE_ZERO_PLANE,
    ZERO_DELTA_PLANE,
    ZERO_PLANES,
    Codes,
    Meanings,
    PlaneCosts,
    Transposition,
    code_meanings,
    field_bits,
    plane_codes,
    plane_costs,
    transposition,
)
from silicodec.models.ebpc.znz import nonzero_words
from silicodec.models.errors import CorruptDataError, check_integer


@dataclass(frozen=True)
class BPC(WordCodec):
    """Bit-plane compression of all words, zeros included: EBPC without its zero stream.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    block_size : int, optional
        Words in a block, 2 to `word_bits`; by default 8, or `word_bits` where that is less.

    Examples
    --------
    >>> import numpy as np
    >>> BPC(word_bits=8).nbits(np.arange(64, dtype=np.uint8))
    192
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

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits that `array` encodes to, without encoding."""
        return count_bits(to_words(np.asarray(array), self.word_bits), self.word_bits, self.block_size)

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        return {"bpc": encode_blocks(slabs(words), self.word_bits, self.block_size)}

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        words, end = decode_blocks(streams["bpc"], count, self.word_bits, self.block_size)
        if streams["bpc"].nbits > end:
            raise CorruptDataError("BPC stream has bits after its end")
        return words


def encode_blocks(parts: Iterable[np.ndarray], word_bits: int, block_size: int) -> EncodedStream:
    """Encode the words of all parts in blocks, the last of which is filled up with zero words."""
    if (word_bits, block_size) == (byte_blocks.WORD_BITS, byte_blocks.BLOCK_SIZE):
        writer = ElementWriter()
        for words in whole_blocks(parts, block_size):
            blocks = words.view("<u8")
            bits = np.empty(blocks.size * byte_blocks.MOST_BITS // 64 + 3, np.uint64)
            table = byte_blocks.block_codes()
            writer.add(bits, byte_blocks.encode_blocks(blocks, table, writer.last, writer.filled, bits))
        return writer.stream()
    return join(_encode_slab(words, word_bits, block_size) for words in whole_blocks(parts, block_size))


def encode_nonzero(words: np.ndarray, word_bits: int, block_size: int) -> tuple[np.ndarray, EncodedStream]:
    """Encode the nonzero words in blocks, the last of which is filled up with zero words.

    Returns which ones they are, as `pack_nonzero` with a spare byte does, and the stream.
    """
    if (word_bits, block_size) != (byte_blocks.WORD_BITS, byte_blocks.BLOCK_SIZE):
        stream = encode_blocks(map(nonzero_words, slabs(words)), word_bits, block_size)
        return pack_nonzero(words, spare=1), stream
    writer, table = ElementWriter(), byte_blocks.block_codes()
    flags, rest = np.zeros(-(-words.size // 8) + 1, np.uint8), np.zeros(9, np.uint8)
    part = -(-SLAB // 32) * 8  # whose code a cache holds
    bits = np.empty((min(words.size, part) // 8 + 2) * byte_blocks.MOST_BITS // 64 + 3, np.uint64)
    for start in range(0, words.size, part):
        some, its_flags = words[start : start + part], flags[start // 8 :]
        writer.add(bits, byte_blocks.encode_nonzero(some, its_flags, rest, table, writer.last, writer.filled, bits))
    if rest[8]:
        rest[rest[8] : 8] = 0
        writer.add(bits, byte_blocks.encode_blocks(rest[:8].view("<u8"), table, writer.last, writer.filled, bits))
    return flags, writer.stream()


def whole_blocks(parts: Iterable[np.ndarray], block_size: int) -> Iterator[np.ndarray]:
    """Cut parts, of which there is at least one, anew so that blocks stay whole; the last one is filled up."""
    iterator = iter(parts)
    words = next(iterator)
    for part in iterator:
        whole = words.size // block_size * block_size
        yield words[:whole]
        words = np.concatenate([words[whole:], part])
    yield _fill_last_block(words, block_size)


def _encode_slab(words: np.ndarray, word_bits: int, block_size: int) -> EncodedStream:
    """Encode whole blocks."""
    codes = plane_codes(block_size)
    run_bits = field_bits(word_bits)
    bits = new_bits(words.size // block_size * _longest_block(word_bits, block_size))
    to_planes = transposition(rows=block_size - 1, columns=word_bits + 1)
    return to_stream(bits, _encode_blocks(words, word_bits, block_size, run_bits, codes, to_planes, bits))


def _longest_block(word_bits: int, block_size: int) -> int:
    """Bits of the longest code of a block."""
    longest_plane = max(int(plane_codes(block_size).length.max()), ZERO_PLANES.length + field_bits(word_bits))
    return word_bits + (word_bits + 1) * longest_plane


def decode_blocks(
    stream: EncodedStream, count: int, word_bits: int, block_size: int, room: np.ndarray | None = None
) -> tuple[np.ndarray, int]:
    """Decode `count` words, and say how many bits of the stream they take.

    Parameters
    ----------
    stream : EncodedStream
        The stream.
    count, word_bits, block_size : int
        Words to decode, bits of each, and words in a block.
    room : numpy.ndarray, optional
        Where to put them, with room for whole blocks, at an address that is a multiple of 8.

    Raises
    ------
    CorruptDataError
        If the stream is malformed.
    """
    blocks = -(-count // block_size)
    if blocks * word_bits > stream.nbits:
        raise CorruptDataError("BPC stream is too short")
    words = np.empty(blocks * block_size, word_dtype(word_bits)) if room is None else room[: blocks * block_size]
    end = 0
    for start in range(0, words.size, SLAB // block_size * block_size):
        end += _decode_slab(stream, end, block_size, word_bits, words[start : start + SLAB // block_size * block_size])
    return words[:count], end


def _decode_slab(stream: EncodedStream, position: int, block_size: int, word_bits: int, words: np.ndarray) -> int:
    """Decode whole blocks from a bit position on; returns the number of bits read."""
    nbits = min(stream.nbits - position, words.size // block_size * _longest_block(word_bits, block_size))
    if (word_bits, block_size) == (byte_blocks.WORD_BITS, byte_blocks.BLOCK_SIZE):
        data = padded(stream.data, position // 8, (position + nbits + 7) // 8, byte_parser.SPARE_BYTES)
        blocks, planes = words.view("<u8"), byte_parser.plane_meanings()
        if (end := byte_parser.decode_blocks(data, position % 8, nbits, planes, blocks)) >= 0:
            return end
        # What is malformed is left to the loop for all shapes, which tells what is wrong.
    bits = window(stream.data, position, nbits)
    meanings = code_meanings(word_bits, block_size)
    to_differences = transposition(rows=word_bits + 1, columns=block_size - 1)
    return _decode_blocks(bits, nbits, word_bits, block_size, meanings, to_differences, words)


def count_bits(words: np.ndarray, word_bits: int, block_size: int) -> int:
    """Count the bits that `encode_blocks` would write."""
    words = _fill_last_block(words, block_size)
    return _count_bits(words, word_bits, block_size, field_bits(block_size), plane_costs(word_bits))


def _fill_last_block(words: np.ndarray, block_size: int) -> np.ndarray:
    padding = -words.size % block_size
    return np.concatenate([words, np.zeros(padding, words.dtype)]) if padding else words


@njit(cache=True)
def _difference(words: np.ndarray, index: int, sign: int) -> int:
    """Return what the signed word at `index` is less than the next one."""
    # Words with their sign bit inverted differ by as much as the signed numbers do.
    return (words[index + 1] ^ sign) - (words[index] ^ sign)


@njit(cache=True)
def _encode_blocks(
    words: np.ndarray,
    word_bits: int,
    block_size: int,
    run_bits: int,
    codes: Codes,
    to_planes: Transposition,
    bits: np.ndarray,
) -> int:
    """Encode whole blocks of words; returns the number of bits written."""
    plane_bits = block_size - 1
    all_ones = (1 << plane_bits) - 1
    group_bits = to_planes.group_bits
    group_mask = (1 << group_bits) - 1
    sign = 1 << (word_bits - 1)
    dbx_columns = np.empty(plane_bits, np.int64)
    position = 0
    for start in range(0, words.size, block_size):
        position = put(bits, position, words[start], word_bits)
        nonzero_dbp = 0
        for i in range(plane_bits):
            difference = _difference(words, start + i, sign)
            nonzero_dbp |= difference
            dbx_columns[i] = difference ^ (difference << 1)
        zero_planes = 0
        for first in range(0, word_bits + 1, group_bits):
            planes = 0
            for i in range(plane_bits):
                planes = planes << 1 | to_planes.spread[(dbx_columns[i] >> first) & group_mask]
            for k in range(first, min(first + group_bits, word_bits + 1)):
                plane = planes & all_ones
                planes >>= plane_bits
                if plane == 0:
                    zero_planes += 1
                    continue
                position = _put_zero_planes(bits, position, zero_planes, run_bits)
                zero_planes = 0
                if (nonzero_dbp >> k) & 1 == 0 and plane != all_ones:
                    position = put(bits, position, ZERO_DELTA_PLANE.value, ZERO_DELTA_PLANE.length)
                else:
                    position = put(bits, position, codes.value[plane], codes.length[plane])
        position = _put_zero_planes(bits, position, zero_planes, run_bits)
    return position


@njit(cache=True)
def _put_zero_planes(bits: np.ndarray, position: int, count: int, run_bits: int) -> int:
    """Write the code of `count` planes of zeros; returns the position after it."""
    if count == 0:
        return position
    if count == 1:
        return put(bits, position, SINGLE_ZERO_PLANE.value, SINGLE_ZERO_PLANE.length)
    return put(bits, position, ZERO_PLANES.value << run_bits | (count - 2), ZERO_PLANES.length + run_bits)


@njit(cache=True)
def _decode_blocks(
    bits: np.ndarray,
    nbits: int,
    word_bits: int,
    block_size: int,
    meanings: Meanings,
    to_differences: Transposition,
    words: np.ndarray,
) -> int:
    """Decode whole blocks, as many as `words` has room for; returns the number of bits read."""
    planes = word_bits + 1
    plane_bits = block_size - 1
    group_bits = to_differences.group_bits
    groups = (plane_bits - 1) // group_bits + 1
    group_mask = (1 << group_bits) - 1
    columns = np.empty(groups, np.int64)
    lowest, highest = -(1 << (word_bits - 1)), (1 << (word_bits - 1)) - 1
    position = 0
    for start in range(0, words.size, block_size):
        base = peek(bits, position, word_bits)
        position += word_bits
        columns[:] = 0
        dbp = 0
        k = 0
        while k < planes:
            if position > nbits:
                raise CorruptDataError("BPC stream is too short")
            ahead = peek_all(bits, position)
            usable = 64
            while usable >= meanings.window_bits and k < planes:
                window = ahead >> np.uint64(64 - meanings.window_bits)
                length = meanings.length[window]
                ahead <<= np.uint64(length)
                usable -= length
                position += length
                dbp = (dbp ^ meanings.flip[window]) & meanings.keep[window]
                repeat = meanings.repeat[window]
                if k + repeat > planes:
                    if repeat == NO_CODE:
                        raise CorruptDataError("BPC stream has a position beyond its plane")
                    raise CorruptDataError("BPC stream has a run of zero planes beyond its block")
                repeated = ((1 << repeat) - 1) << k
                k += repeat
                for group in range(groups):
                    row = to_differences.spread[(dbp >> (group * group_bits)) & group_mask]
                    columns[group] |= row * repeated
        if position > nbits:
            raise CorruptDataError("BPC stream is too short")

        words[start] = base
        value = base - ((base & (1 << (word_bits - 1))) << 1)
        in_range = True
        for group in range(groups):
            group_columns = columns[group]
            for i in range(group * group_bits, min((group + 1) * group_bits, plane_bits)):
                value += (group_columns << (64 - planes)) >> (64 - planes)
                group_columns >>= planes
                in_range &= lowest <= value <= highest
                words[start + i + 1] = value & ((1 << word_bits) - 1)
        if not in_range:
            raise CorruptDataError("BPC stream has a sign plane that contradicts its differences")
    return position


@njit(cache=True)
def _count_bits(
    words: np.ndarray,
    word_bits: int,
    block_size: int,
    position_bits: int,
    costs: PlaneCosts,
) -> int:
    """Count the bits of whole blocks, all planes of a block at once: bit k of each mask is about plane k."""
    sign = 1 << (word_bits - 1)
    all_planes = (1 << (word_bits + 1)) - 1
    total = words.size // block_size * word_bits
    for start in range(0, words.size, block_size):
        nonzero_dbp = 0
        one, two, three = 0, 0, 0  # whether DBX has at least so many ones
        adjacent = 0  # whether some two ones are side by side
        all_ones = all_planes
        before = 0
        for i in range(block_size - 1):
            difference = _difference(words, start + i, sign)
            column = difference ^ (difference << 1)
            nonzero_dbp |= difference
            three |= two & column
            two |= one & column
            one |= column
            adjacent |= before & column
            all_ones &= column
            before = column
        nonzero = one & all_planes
        short = all_ones | (nonzero & ~nonzero_dbp)
        positioned = ((nonzero & ~two) | (two & ~three & adjacent & all_planes)) & ~short
        raw = nonzero & ~short & ~positioned
        total += (
            costs.zeros_outside[nonzero]
            + costs.planes_inside[short] * ALL_ONES.length
            + costs.planes_inside[positioned] * (SINGLE_ONE.length + position_bits)
            + costs.planes_inside[raw] * block_size
        )
    return total
