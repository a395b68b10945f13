"""Canonical Huffman code of the codec `transform`, with code words of up to 15 bits.

The format is described in `docs/formats/transform.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numba import njit

from silicodec.models.bitstream import from_bytes, new_bits, peek, peek_all, put, window
from silicodec.models.errors import CodecError, CorruptDataError, check_integer

MAX_LENGTH = 15
"""Bits of the longest code word."""
WORD_BITS = 16
"""Bits of the words that packets are made of."""

_LENGTH_BITS = 4
"""Bits of a code word's length in an entry of the decoder's table; the symbol is above them."""
_NO_END, _WRONG_SIZE, _BAD_PADDING, _WORDS_LEFT = range(-4, 0)
_COMPLAINTS = {
    _NO_END: "packet of symbols has no end",
    _WRONG_SIZE: "packet does not hold the number of symbols that it should",
    _BAD_PADDING: "packet of symbols is padded with bits that are not zero",
    _WORDS_LEFT: "packet of symbols has words after its end",
}


@dataclass(frozen=True, eq=False)
class HuffmanCode:
    """A prefix code for the symbols 0 .. 2**symbol_bits - 1 and the end of a packet.

    Parameters
    ----------
    lengths : numpy.ndarray
        uint8, (2**symbol_bits + 1,): bits of each symbol's code word, 1 to 15; that of the end of a packet is last.

    Raises
    ------
    CodecError
        If there is no complete prefix code of these lengths, for symbols of 2 to 8 bits.
    """

    lengths: np.ndarray

    def __post_init__(self) -> None:
        """Check the lengths."""
        lengths = np.asarray(self.lengths, np.uint8)
        if lengths.ndim != 1 or lengths.size not in [(1 << bits) + 1 for bits in range(2, 9)]:
            raise CodecError(
                f"a code must have 2**symbol_bits + 1 lengths, symbol_bits from 2 to 8, not {lengths.size}"
            )
        if lengths.min() < 1 or lengths.max() > MAX_LENGTH:
            raise CodecError(f"length of a code word must be from 1 to {MAX_LENGTH}")
        if (1 << (MAX_LENGTH - lengths.astype(np.int64))).sum() != 1 << MAX_LENGTH:
            raise CodecError("lengths of code words must be those of a complete prefix code")
        object.__setattr__(self, "lengths", lengths)

    @classmethod
    def from_histogram(cls, counts: np.ndarray, symbol_bits: int) -> Self:
        """Make the code that writes symbols of these counts in the fewest bits.

        Package-merge: L. L. Larmore and D. S. Hirschberg, "A fast algorithm for optimal length-limited Huffman codes",
        Journal of the ACM 37(3), 1990.

        Parameters
        ----------
        counts : numpy.ndarray
            Integers, (2**symbol_bits + 1,): how often each symbol and the end of a packet occur. A symbol that never
            does counts as if it had occurred once.
        symbol_bits : int
            Bits of a symbol, 2 to 8.

        Raises
        ------
        CodecError
            If `symbol_bits` or the number of counts is another.
        """
        check_integer("symbol_bits", symbol_bits, 2, 8)
        counts = np.asarray(counts)
        if counts.shape != ((1 << symbol_bits) + 1,):
            raise CodecError(f"counts must be {(1 << symbol_bits) + 1} numbers, not {counts.shape}")
        # A package is a multiset of symbols: its weight, and how often it holds each of them.
        single_weights, single_contents = np.maximum(counts.astype(np.int64), 1), np.eye(counts.size, dtype=np.uint8)
        weights, contents = single_weights, single_contents
        for _ in range(MAX_LENGTH - 1):
            order = np.argsort(weights, kind="stable")
            pairs = order[: order.size & ~1].reshape(-1, 2)
            weights = np.concatenate([single_weights, weights[pairs].sum(axis=1)])
            contents = np.concatenate([single_contents, contents[pairs].sum(axis=1, dtype=np.uint8)])
        return cls(contents[np.argsort(weights, kind="stable")[: 2 * counts.size - 2]].sum(axis=0))

    @property
    def symbol_bits(self) -> int:
        """Bits of a symbol."""
        return (self.lengths.size - 1).bit_length() - 1

    @property
    def word_bits(self) -> int:
        """Bits of the words that packets are made of."""
        return WORD_BITS

    @property
    def end(self) -> int:
        """Number of the symbol that ends a packet."""
        return self.lengths.size - 1

    @property
    def table_bits(self) -> int:
        """Bits of the table that a decoder needs: four for each length."""
        return _LENGTH_BITS * self.lengths.size

    @cached_property
    def codes(self) -> np.ndarray:
        """Code word of each symbol, uint16, in its lowest bits."""
        order = np.argsort(self.lengths, kind="stable")
        lengths = self.lengths[order].astype(np.int64)
        # Left-aligned, each code word starts where the one before ends.
        starts = np.cumsum(1 << (MAX_LENGTH - lengths)) - (1 << (MAX_LENGTH - lengths))
        codes = np.empty(lengths.size, np.uint16)
        codes[order] = starts >> (MAX_LENGTH - lengths)
        return codes

    @cached_property
    def decoding(self) -> tuple[np.ndarray, int]:
        """Symbol and length of the first code word in the next bits, uint16; and how many bits the longest one has."""
        order = np.argsort(self.lengths, kind="stable")
        lengths = self.lengths[order].astype(np.int64)
        entries = (order << _LENGTH_BITS) | lengths
        return np.repeat(entries, 1 << (lengths[-1] - lengths)).astype(np.uint16), int(lengths[-1])

    def nbits(self, packets: np.ndarray) -> int:
        """Count the bits of the words that `encode_packets` would give."""
        return int(_count_bits(self.checked(packets), self.lengths))

    def encode_packets(self, packets: np.ndarray) -> np.ndarray:
        """Encode packets of equally many symbols.

        Parameters
        ----------
        packets : numpy.ndarray
            Integers below `2**symbol_bits`, (packets, symbols).

        Returns
        -------
        numpy.ndarray
            uint16: the words of all packets, one after the other.

        Raises
        ------
        CodecError
            If a symbol is out of range.
        """
        packets = self.checked(packets)
        bits = new_bits(len(packets) * (MAX_LENGTH * (packets.shape[1] + 1) + WORD_BITS))
        end = _encode(packets, self.codes, self.lengths, bits)
        return bits.astype(">u8").view(">u2")[: end // WORD_BITS].astype(np.uint16)

    def decode_packets(self, words: np.ndarray, count: int, size: int) -> np.ndarray:
        """Decode `count` packets of `size` symbols each: (count, size), uint8.

        Raises
        ------
        CorruptDataError
            If a packet is malformed or holds another number of symbols, or if words are left over.
        """
        data = words.astype(">u2").tobytes()
        self.check_length(len(data), count, size)
        return np.concatenate([np.empty((0, size), np.uint8), *self.decode_parts(data, [count], size)])

    def decode_parts(self, data: bytes | memoryview, counts: Sequence[int], size: int) -> Iterator[np.ndarray]:
        """Decode bytes to parts of so many packets of `size` symbols each: (packets, size), uint8.

        Raises
        ------
        CorruptDataError
            As of `decode_packets`.
        """
        limit, position = 8 * len(data), 0
        for count in counts:
            packets, taken = np.empty((count, size), np.uint8), 0
            bits = window(data, position, count * (MAX_LENGTH * (size + 1) + WORD_BITS))
            for packet in packets:
                decoded, taken = _decode(bits, taken, limit - position, *self.decoding, self.end, packet)
                _check(decoded if decoded in (_NO_END, _BAD_PADDING, size) else _WRONG_SIZE)
            position += taken
            yield packets
        _check(position - limit and _WORDS_LEFT)

    def encode_words(self, symbols: np.ndarray) -> np.ndarray:
        """Encode one packet to the words that hardware emits.

        Parameters
        ----------
        symbols : numpy.ndarray
            Integers below `2**symbol_bits`, 1-D, without the end of the packet.

        Returns
        -------
        numpy.ndarray
            uint16.

        Raises
        ------
        CodecError
            If a symbol is out of range.
        """
        return self.encode_packets(np.asarray(symbols).reshape(1, -1))

    def decode_words(self, words: np.ndarray) -> np.ndarray:
        """Decode one packet from the words that hardware takes: uint8, 1-D, without the end of the packet.

        Raises
        ------
        CorruptDataError
            If the packet is malformed; `docs/formats/transform.md` says when it is.
        """
        symbols = np.empty(words.size * WORD_BITS, np.uint8)
        bits = from_bytes(words.astype(">u2").tobytes())
        decoded, position = _decode(bits, 0, words.size * WORD_BITS, *self.decoding, self.end, symbols)
        _check(decoded)
        _check(position - words.size * WORD_BITS and _WORDS_LEFT)
        return symbols[:decoded].copy()

    def check_length(self, nbytes: int, count: int, size: int) -> None:
        """Raise CorruptDataError where so many bytes cannot hold `count` packets of `size` symbols."""
        if count * (size + 1) > 8 * nbytes:
            raise CorruptDataError(f"{8 * nbytes // WORD_BITS} words cannot hold {count} packets of {size} symbols")

    def checked(self, packets: np.ndarray) -> np.ndarray:
        """Return symbols as uint8, or raise CodecError where one is out of range."""
        if packets.size and not 0 <= packets.min() <= packets.max() < self.end:
            raise CodecError(f"symbol must be from 0 to {self.end - 1}, not {packets.min()} to {packets.max()}")
        return packets.astype(np.uint8, copy=False)


def _check(result: int) -> None:
    if result < 0:
        raise CorruptDataError(_COMPLAINTS[result])


@njit(cache=True)
def _count_bits(packets: np.ndarray, lengths: np.ndarray) -> int:
    total = 0
    for packet in packets:
        nbits = lengths[-1]
        for symbol in packet:
            nbits += lengths[symbol]
        total += (nbits + WORD_BITS - 1) & -WORD_BITS
    return total


@njit(cache=True)
def _encode(packets: np.ndarray, codes: np.ndarray, lengths: np.ndarray, bits: np.ndarray) -> int:
    position = 0
    for packet in packets:
        for symbol in packet:
            position = put(bits, position, codes[symbol], lengths[symbol])
        position = put(bits, position, codes[-1], lengths[-1])
        position = (position + WORD_BITS - 1) & -WORD_BITS
    return position


@njit(cache=True)
def _decode(
    bits: np.ndarray, position: int, limit: int, table: np.ndarray, width: int, end: int, symbols: np.ndarray
) -> tuple[int, int]:
    """Decode a packet; returns how many symbols it has, or what is wrong, and the position of the next packet."""
    unused = np.uint64(64 - width)
    count = 0
    symbol = 0
    while symbol != end:
        ahead = peek_all(bits, position)
        for _ in range(64 // MAX_LENGTH):
            entry = table[ahead >> unused]
            length = entry & 15
            ahead <<= np.uint64(length)
            position += length
            symbol = entry >> 4
            if symbol == end:
                break
            if count == symbols.size or position > limit:
                return _WRONG_SIZE if position <= limit else _NO_END, position
            symbols[count] = symbol
            count += 1
    if position > limit:
        return _NO_END, position
    padding = -position & (WORD_BITS - 1)
    if padding and peek(bits, position, padding):
        return _BAD_PADDING, position
    return count, position + padding
