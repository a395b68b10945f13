"""The ZNZ stream by tables, eight flags or up to twelve bits at a time, where runs of zeros are at most 16 long.

The same code as that of `silicodec.models.ebpc.znz`. Flags are bits, 1 for a nonzero word, the first one most
significant.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from silicodec.models.bitstream import refill
from silicodec.models.ebpc.tables import field_bits
from silicodec.models.errors import CorruptDataError
from silicodec.models.instructions import count_ones, load_bytes, store_bytes, swap_bytes

LONGEST_RUN = 16
"""Longest run of zeros that the tables are made for."""
WINDOW_BITS, TURNS = 12, 4
"""Bits that are looked up at once, and how often between looks at the stream, which gives 56."""
LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
HIGH_BITS = np.uint64(0x8080808080808080)
LOWEST_BITS = np.uint64(0x0101010101010101)
FIRST_HIGHEST = np.uint64(0x8040201008040201)
"""Times this, the lowest bits of eight bytes stand side by side in the most significant byte, byte 0's highest."""
MOST_FLAGS = 32
"""Flags that a look at `WINDOW_BITS` bits gives at the most."""


@njit(cache=True, inline="always")
def _move(words: np.uint64, places: np.uint64, bit: np.uint64, distance: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Move bytes down whose places have this bit, and the places with them."""
    lowest = (places >> bit) & LOWEST_BITS
    mask = (lowest << np.uint64(8)) - lowest
    moved, moved_places = words & mask, places & mask
    return (words ^ moved) | moved >> distance, (places ^ moved_places) | moved_places >> distance


@njit(cache=True)
def _flag_and_pack(words: np.ndarray, start: np.uint64, eights: int, flags: np.ndarray, packed: np.ndarray) -> None:
    """Find the flags of eights of words, and move the nonzero ones of each eight together, from the lowest byte on."""
    for i in range(eights):
        eight = swap_bytes(load_bytes(words, start + np.uint64(8) * np.uint64(i)))
        nonzero = (((eight & LOW_BITS) + LOW_BITS) | eight) & HIGH_BITS
        flags[i] = ((nonzero >> np.uint64(7)) * FIRST_HIGHEST) >> np.uint64(56)
        # How many zeros there are before each word tells how many places it moves.
        places = (~nonzero & HIGH_BITS) << np.uint64(1)
        places += places << np.uint64(8)
        places += places << np.uint64(16)
        places += places << np.uint64(32)
        places &= nonzero | (nonzero - (nonzero >> np.uint64(7)))
        eight, places = _move(eight, places, np.uint64(0), np.uint64(8))
        eight, places = _move(eight, places, np.uint64(1), np.uint64(16))
        eight, places = _move(eight, places, np.uint64(2), np.uint64(32))
        packed[i] = eight


@njit(cache=True)
def gather(
    words: np.ndarray, start: int, flags: np.ndarray, packed: np.ndarray, nonzero: np.ndarray, count: np.uint64
) -> np.uint64:
    """Append the nonzero ones of words to those in `nonzero`; returns their new number.

    Parameters
    ----------
    words : numpy.ndarray
        uint8. From the `start`-th one on, up to eight times as many are taken as `packed`, uint64, has elements.
    flags : numpy.ndarray
        uint8: takes the flags of all words.
    nonzero : numpy.ndarray
        uint8, with room for eight words more.
    count : numpy.uint64
        Words there.
    """
    # Without slices of arrays, for which the loop would not be compiled to vector instructions.
    first, eights = np.uint64(start >> 3), min(packed.size, (words.size - start) // 8)
    found = np.empty(packed.size, np.uint8)
    _flag_and_pack(words, np.uint64(start), eights, found, packed)
    for i in range(eights):
        store_bytes(nonzero, count, swap_bytes(packed[i]))
        count += np.uint64(count_ones(np.uint64(found[i])))
        flags[first + np.uint64(i)] = found[i]
    if eights < packed.size:
        for i in range(start + 8 * eights, words.size):
            nonzero[count] = words[i]
            is_nonzero = np.uint64(words[i] != 0)
            flags[i >> 3] |= is_nonzero << np.uint64(7 - i % 8)
            count += is_nonzero
    return count


@lru_cache
def flag_codes(max_zero_run: int) -> np.ndarray:
    """Tabulate what the encoder writes for eight flags.

    Returns
    -------
    numpy.ndarray
        uint64, (max_zero_run * 256,), by the flags plus 256 times the zeros before them that are not coded yet: the
        code in bits 0 to 31, and its length from bit 32 on.
    """
    run_bits = field_bits(max_zero_run)
    table = np.zeros((max_zero_run, 256), np.uint64)
    for before in range(max_zero_run):
        for flags in range(256):
            code, zeros = "", before
            for flag in f"{flags:08b}":
                zeros += flag == "0"
                if zeros == max_zero_run or (zeros and flag == "1"):
                    code += f"{zeros - 1:0{1 + run_bits}b}"
                    zeros = 0
                code += flag.strip("0")
            table[before, flags] = int(code or "0", 2) | len(code) << 32
    return table.reshape(-1)


_TRAILING_ZEROS = np.array([(flags & -flags).bit_length() - 1 for flags in range(256)], np.int64)
"""By eight flags, the zeros that they end with."""


@njit(cache=True)
def encode_flags(flags: np.ndarray, max_zero_run: int, table: np.ndarray, halves: np.ndarray) -> int:
    """Encode bytes of flags, of which the last one is 1, to halves of 64 bits, uint32; returns the number of bits."""
    bits, filled = np.uint64(0), np.uint64(0)
    position = np.uint64(0)
    zeros = 0
    for eight in flags:
        entry = table[np.uint64(zeros << 8) | np.uint64(eight)]
        zeros = (_TRAILING_ZEROS[eight] if eight else zeros + 8) & (max_zero_run - 1)
        length = entry >> np.uint64(32)
        bits = bits << length | (entry & np.uint64(0xFFFFFFFF))
        filled += length
        halves[position] = bits >> (filled & np.uint64(31))  # counts only if it is full
        position += filled >> np.uint64(5)
        filled &= np.uint64(31)
    halves[position] = bits << (np.uint64(32) - filled)
    return 32 * np.int64(position) + np.int64(filled)  # type: ignore[return-value]


@lru_cache
def flag_meanings(max_zero_run: int) -> np.ndarray:
    """Tabulate what every string of `WINDOW_BITS` bits starts with.

    Returns
    -------
    numpy.ndarray
        uint64, (2**WINDOW_BITS,): the length of as many whole codes as the string, and `MOST_FLAGS`, have room for, in
        bits 0 to 7; the number of their flags in bits 8 to 31, and the flags from bit 32 on.
    """
    run_bits = field_bits(max_zero_run)
    table = np.zeros(1 << WINDOW_BITS, np.uint64)
    for window in range(table.size):
        text, flags = f"{window:0{WINDOW_BITS}b}", ""
        while text:
            length = 1 if text[0] == "1" else 1 + run_bits
            more = "1" if text[0] == "1" else "0" * (1 + int(text[:length], 2))
            if length > len(text) or len(flags) + len(more) > MOST_FLAGS:
                break
            text, flags = text[length:], flags + more
        table[window] = WINDOW_BITS - len(text) | len(flags) << 8 | int(flags or "0", 2) << 32
    return table


@njit(cache=True)
def decode_flags(data: np.ndarray, nbits: int, table: np.ndarray, count: int, halves: np.ndarray) -> tuple[int, int]:
    """Decode as many flags as are sure to be among the first `count`.

    Parameters
    ----------
    data : numpy.ndarray
        The stream, as of `silicodec.models.bitstream.padded`, with 24 spare bytes.
    nbits : int
        Its number of bits.
    table : numpy.ndarray
        What `flag_meanings` returns.
    count : int
        Flags that are wanted.
    halves : numpy.ndarray
        uint32, ``count // 32 + 2``: takes the flags, 32 to an element.

    Returns
    -------
    position, found : int
        Bits read, and flags decoded from them: fewer than `MOST_FLAGS` in each of `TURNS` turns less than `count`.

    Raises
    ------
    CorruptDataError
        If the stream is too short.
    """
    flags, filled = np.uint64(0), np.uint64(0)
    ahead, unread, index = np.uint64(0), np.uint64(0), np.uint64(0)
    element, found, end = np.uint64(0), np.uint64(0), np.uint64(nbits)
    while np.int64(found) <= count - TURNS * MOST_FLAGS:
        if np.uint64(8) * index - unread > end:
            raise CorruptDataError("ZNZ stream is too short")
        ahead, unread, index = refill(data, ahead, unread, index)
        for _ in range(TURNS):
            entry = table[ahead >> np.uint64(64 - WINDOW_BITS)]
            length, number = entry & np.uint64(63), (entry >> np.uint64(8)) & np.uint64(63)
            ahead <<= length
            unread -= length
            found += number
            flags = flags << number | entry >> np.uint64(32)
            filled += number
            halves[element] = flags >> (filled & np.uint64(31))  # counts only if it is full
            element += filled >> np.uint64(5)
            filled &= np.uint64(31)
    halves[element] = flags << (np.uint64(32) - filled)
    return np.int64(np.uint64(8) * index - unread), np.int64(found)  # type: ignore[return-value]
