"""Words of the table streams that load a Huffman code into the engines; `docs/engines/transform.md` describes them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from silicodec.models.transform.huffman import MAX_LENGTH, HuffmanCode

LENGTH_BITS = MAX_LENGTH.bit_length()
ENTRY_BITS = LENGTH_BITS + MAX_LENGTH
"""Bits of an entry of the encoder's table, below the symbol: length and code word."""


def encoder_table_bits(symbol_bits: int) -> int:
    """Return the width of a word of the encoder's table."""
    return symbol_bits + 1 + ENTRY_BITS


def decoder_table_bits(symbol_bits: int) -> int:
    """Return the width of a word of the decoder's table: address and value."""
    return 1 + max(symbol_bits + 1, LENGTH_BITS + 1) + MAX_LENGTH


def encoder_table(code: HuffmanCode) -> np.ndarray:
    """Return the words, uint32, that load a code into the encoder."""
    lengths = code.lengths.astype(np.uint32)
    symbols = np.arange(lengths.size, dtype=np.uint32)
    return symbols << ENTRY_BITS | lengths << MAX_LENGTH | code.codes.astype(np.uint32) << (MAX_LENGTH - lengths)


def decoder_table(code: HuffmanCode) -> np.ndarray:
    """Return the words, uint32, that load a code into the decoder."""
    counts = np.bincount(code.lengths, minlength=MAX_LENGTH + 1)
    firsts, limits = np.zeros_like(counts), np.zeros_like(counts)
    for length in range(1, MAX_LENGTH + 1):
        firsts[length] = 2 * limits[length - 1]
        limits[length] = firsts[length] + counts[length]
    offsets = (np.cumsum(counts) - counts - firsts) % (1 << (code.symbol_bits + 1))
    lengths = np.arange(1, MAX_LENGTH + 1)
    offset_address, limit_address = _high_addresses(code.symbol_bits)
    addresses = [np.arange(code.lengths.size), offset_address + lengths - 1, limit_address + lengths[:-1] - 1]
    values = [np.argsort(code.lengths, kind="stable"), offsets[lengths], limits[lengths[:-1]]]
    return (np.concatenate(addresses) << MAX_LENGTH | np.concatenate(values)).astype(np.uint32)


def encoder_code(entries: Mapping[int, int], symbol_bits: int) -> HuffmanCode:
    """Return the code that the encoder's table holds, by symbol."""
    return HuffmanCode(np.array([entries[symbol] >> MAX_LENGTH for symbol in range((1 << symbol_bits) + 1)]))


def decoder_code(entries: Mapping[int, int], symbol_bits: int) -> HuffmanCode:
    """Return the code that the decoder's table holds, by address."""
    _, limit_address = _high_addresses(symbol_bits)
    limits = [0, *(entries[limit_address + length - 1] for length in range(1, MAX_LENGTH)), 1 << MAX_LENGTH]
    counts = [0, *(limit - 2 * shorter for shorter, limit in itertools.pairwise(limits))]
    lengths = np.empty((1 << symbol_bits) + 1, np.uint8)
    lengths[[entries[index] for index in range(lengths.size)]] = np.repeat(np.arange(MAX_LENGTH + 1), counts)
    return HuffmanCode(lengths)


def _high_addresses(symbol_bits: int) -> tuple[int, int]:
    """Return where the offsets and the limits of the lengths begin in the decoder's table."""
    offsets = 1 << (decoder_table_bits(symbol_bits) - MAX_LENGTH - 1)
    return offsets, offsets + MAX_LENGTH + 1
