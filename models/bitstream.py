"""Strings of bits, most significant bit first, for compiled loops.

While a codec works on it, a string of bits is a uint64 array whose elements are filled from their most significant bit
down, with zeros after the end and at least three spare elements, so that a look ahead at the end needs no check.

The decoders that count on speed read the bytes themselves, of which `padded` makes a copy with spare zeros.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator

import numpy as np
from numba import njit

from silicodec.models.codec import EncodedStream, word_dtype
from silicodec.models.instructions import load_bytes


@njit(cache=True)
def put(bits: np.ndarray, position: int, code: int, length: int) -> int:
    """Write a code of 1 to 63 bits at a bit position where only zeros follow; returns the position after it."""
    index = position >> 6
    free = 64 - (position & 63)
    if length <= free:
        bits[index] |= np.uint64(code) << np.uint64(free - length)
    else:
        bits[index] |= np.uint64(code) >> np.uint64(length - free)
        bits[index + 1] = np.uint64(code) << np.uint64(64 + free - length)
    return position + length


@njit(cache=True, inline="always")
def put_next(
    bits: np.ndarray, index: np.uint64, filled: np.uint64, last: np.uint64, code: np.uint64, length: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Write a code of 1 to 64 bits after the `filled` ones of `last`, which is element `index`; returns the three.

    For codes one after the other, without a branch to mispredict. What `bits` held before does not matter.
    """
    code <<= np.uint64(64) - length
    last |= code >> filled
    bits[index] = last
    # Shifted twice, since a shift by 64 is undefined.
    rest = (code << np.uint64(1)) << (np.uint64(63) - filled)
    filled += length
    full = filled >> np.uint64(6)
    return index + full, filled & np.uint64(63), rest if full else last


@njit(cache=True)
def peek_all(bits: np.ndarray, position: int | np.uint64) -> np.uint64:
    """Read the next 64 bits at a bit position."""
    # As an unsigned number the position cannot count from the end, which would have to be looked out for.
    index = np.uint64(position) >> np.uint64(6)
    offset = np.uint64(position) & np.uint64(63)
    # Two shifts by less than 64 each, since a shift by 64 is undefined.
    return (bits[index] << offset) | ((bits[index + np.uint64(1)] >> np.uint64(1)) >> (np.uint64(63) - offset))


@njit(cache=True)
def peek(bits: np.ndarray, position: int, length: int) -> int:
    """Read 1 to 63 bits at a bit position."""
    return np.int64(peek_all(bits, position) >> np.uint64(64 - length))  # type: ignore[return-value]  # Numba's int


def new_bits(capacity: int) -> np.ndarray:
    """Make a string of bits to write up to `capacity` bits into."""
    return np.zeros(capacity // 64 + 4, np.uint64)


def to_stream(bits: np.ndarray, nbits: int) -> EncodedStream:
    """Turn the first `nbits` bits into bytes."""
    used = bits[: (nbits + 63) // 64].astype(">u8")
    return EncodedStream(used.view(np.uint8)[: (nbits + 7) // 8].tobytes(), nbits)


def from_bytes(data: bytes | memoryview) -> np.ndarray:
    """Turn bytes into a string of bits."""
    bits = np.zeros(-(-len(data) // 8) + 3, np.uint64)
    bits.view(np.uint8)[: len(data)] = np.frombuffer(data, np.uint8)
    return bits.byteswap(inplace=True) if sys.byteorder == "little" else bits


def window(data: bytes | memoryview, position: int, nbits: int) -> np.ndarray:
    """Turn up to `nbits` bits of bytes, from a bit position on, into a string of bits."""
    start = position // 64 * 8
    bits = from_bytes(data[start : (position + nbits + 7) // 8])
    if offset := np.uint64(position % 64):
        bits[:-1] = bits[:-1] << offset | bits[1:] >> (np.uint64(64) - offset)
    return bits


def padded(data: bytes | memoryview, start: int, stop: int, spare: int) -> np.ndarray:
    """Copy bytes, from the `start`-th to before the `stop`-th one where there are as many, and `spare` zeros."""
    part = memoryview(data)[start:stop]
    room = np.empty(len(part) + spare, np.uint8)
    room[: len(part)], room[len(part) :] = part, 0
    return room


@njit(cache=True, inline="always")
def look_ahead(data: np.ndarray, position: np.uint64) -> np.uint64:
    """Read the next 57 bits of bytes at a bit position; less significant ones may be missing."""
    return load_bytes(data, position >> np.uint64(3)) << (position & np.uint64(7))


@njit(cache=True, inline="always")
def look_ahead_all(data: np.ndarray, position: np.uint64) -> np.uint64:
    """Read the next 64 bits of bytes at a bit position."""
    index, offset = position >> np.uint64(3), position & np.uint64(7)
    return load_bytes(data, index) << offset | np.uint64(data[index + np.uint64(8)]) >> (np.uint64(8) - offset)


@njit(cache=True, inline="always")
def refill(
    data: np.ndarray, ahead: np.uint64, unread: np.uint64, index: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Append the bytes from `index` on to the `unread` bits of `ahead`, until these are 56 to 63; returns the three.

    What the bits are loaded from does not depend on those read since the last time, for which it does not wait.
    """
    ahead |= load_bytes(data, index) >> unread
    return ahead, unread | np.uint64(56), index + ((np.uint64(63) - unread) >> np.uint64(3))


SLAB = 1 << 20
"""Words of a large array that are coded at a time, so that memory for what is neither array nor stream is bounded."""


def slabs(words: np.ndarray) -> Iterator[np.ndarray]:
    """Cut words into slabs; an array without words is one slab."""
    for start in range(0, max(words.size, 1), SLAB):
        yield words[start : start + SLAB]


def join(parts: Iterable[EncodedStream]) -> EncodedStream:
    """Concatenate streams, bit after bit; of an iterator each is kept only until the next.

    Examples
    --------
    >>> join([EncodedStream(bytes([0b10100000]), 3), EncodedStream(bytes([0b11000000]), 2)])
    <EncodedStream, 5 bits: b8>
    """
    joined = Joined()
    for part in parts:
        joined.add(part)
    return joined.stream()


class Joined:
    """Streams that are concatenated, bit after bit, as they come."""

    def __init__(self) -> None:
        self._file = io.BytesIO()  # gives its bytes away without a copy
        self._rest = b""  # the last byte, where it has room left
        self.nbits = 0

    def add(self, part: EncodedStream) -> None:
        """Append a stream."""
        used = self.nbits % 8
        data: bytes | memoryview = part.data
        self.nbits += part.nbits
        if used:
            shifted = np.zeros(len(data) + 1, np.uint8)
            shifted[:-1] = np.frombuffer(data, np.uint8) >> used
            shifted[1:] |= np.frombuffer(data, np.uint8) << (8 - used)
            shifted[0] |= self._rest[0]
            data = shifted[: (used + part.nbits + 7) // 8].tobytes()
        self._rest = bytes(data[-1:]) if self.nbits % 8 else b""
        self._file.write(data[: len(data) - len(self._rest)])

    def stream(self) -> EncodedStream:
        """Return the whole, after which nothing may be added."""
        self._file.write(self._rest)
        return EncodedStream(self._file.getvalue(), self.nbits)


class ElementWriter:
    """Elements of 64 bits that one slab after the other fills: what is left of the last one goes on in the next slab.

    Attributes
    ----------
    last, filled : numpy.uint64
        The element that is not full, and how many of its bits are.
    """

    def __init__(self) -> None:
        self.last = self.filled = np.uint64(0)
        self._file = io.BytesIO()
        self._count = 0

    def add(self, bits: np.ndarray, nbits: int) -> None:
        """Take `nbits` bits, those of the last element again among them."""
        full = nbits // 64
        self.last, self.filled = bits[full], np.uint64(nbits % 64)
        self._file.write((bits[:full].byteswap(inplace=True) if sys.byteorder == "little" else bits[:full]).data)
        self._count += full

    def stream(self) -> EncodedStream:
        """Return all bits."""
        filled = int(self.filled)
        self._file.write(int(self.last).to_bytes(8)[: (filled + 7) // 8])
        return EncodedStream(self._file.getvalue(), 64 * self._count + filled)


def pack_nonzero(words: np.ndarray, spare: int = 0) -> np.ndarray:
    """Tell which words are nonzero, eight to a byte, the first in the most significant bit; then `spare` bytes of 0."""
    flags = np.zeros(-(-words.size // 8) + spare, np.uint8)
    for start in range(0, words.size, SLAB):
        slab = np.packbits(words[start : start + SLAB] != 0)
        flags[start // 8 : start // 8 + slab.size] = slab
    return flags


def pack(words: np.ndarray, word_bits: int) -> EncodedStream:
    """Concatenate words of `word_bits` bits each.

    Examples
    --------
    >>> import numpy as np
    >>> pack(np.array([1, 2, 3], np.uint8), 4).data.hex()
    '1230'
    """
    nbits = word_bits * words.size
    if word_bits in (8, 16):
        return EncodedStream(words.astype(f">u{word_bits // 8}").tobytes(), nbits)
    bits = new_bits(nbits)
    _pack(words, word_bits, bits)
    return to_stream(bits, nbits)


def unpack(data: bytes | memoryview, word_bits: int, count: int, start: int = 0) -> np.ndarray:
    """Cut `count` words of `word_bits` bits, from the `start`-th on, out of bytes that hold at least so many.

    Bits after the end of `data` read as zeros, for up to one word.

    Examples
    --------
    >>> unpack(bytes([0x12, 0x30]), 4, 3)
    array([1, 2, 3], dtype=uint8)
    """
    if word_bits in (8, 16):
        size = word_bits // 8
        missing = (start + count) * size - len(data)
        padded = bytes(data) + bytes(missing) if missing > 0 else data
        return np.frombuffer(padded, f">u{size}", count, start * size).astype(word_dtype(word_bits))
    words = np.empty(count, word_dtype(word_bits))
    _unpack(window(data, start * word_bits, count * word_bits), word_bits, words)
    return words


@njit(cache=True)
def _pack(words: np.ndarray, word_bits: int, bits: np.ndarray) -> None:
    position = 0
    for word in words:
        position = put(bits, position, word, word_bits)


@njit(cache=True)
def _unpack(bits: np.ndarray, word_bits: int, words: np.ndarray) -> None:
    for index in range(words.size):
        words[index] = peek(bits, index * word_bits, word_bits)
