"""Strings of bits, most significant bit first, for compiled loops.

While a codec works on it, a string of bits is a uint64 array whose elements are filled from their most significant bit
down, with zeros after the end and at least three spare elements, so that a look ahead at the end needs no check.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from silicodec.models.codec import EncodedStream, word_dtype


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


@njit(cache=True)
def peek_all(bits: np.ndarray, position: int) -> np.uint64:
    """Read the next 64 bits at a bit position."""
    index = position >> 6
    offset = np.uint64(position & 63)
    # Two shifts by less than 64 each, since a shift by 64 is undefined.
    return (bits[index] << offset) | ((bits[index + 1] >> np.uint64(1)) >> (np.uint64(63) - offset))


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


def from_bytes(data: bytes) -> np.ndarray:
    """Turn bytes into a string of bits."""
    padded = data + bytes(24 + -len(data) % 8)
    return np.frombuffer(padded, ">u8").astype(np.uint64)


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


def unpack(data: bytes, word_bits: int, count: int) -> np.ndarray:
    """Cut the first `count` words of `word_bits` bits out of bytes that hold at least so many.

    Bits after the end of `data` read as zeros, for up to one word.

    Examples
    --------
    >>> unpack(bytes([0x12, 0x30]), 4, 3)
    array([1, 2, 3], dtype=uint8)
    """
    if word_bits in (8, 16):
        padded = data + bytes(max(0, count * word_bits // 8 - len(data)))
        return np.frombuffer(padded, f">u{word_bits // 8}", count).astype(word_dtype(word_bits))
    words = np.empty(count, word_dtype(word_bits))
    _unpack(from_bytes(data), word_bits, words)
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
