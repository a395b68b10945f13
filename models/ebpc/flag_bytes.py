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

LONGEST_RUN = 16
"""Longest run of zeros that the tables are made for."""
WINDOW_BITS, TURNS = 12, 4
"""Bits that are looked up at once, and how often between looks at the stream, which gives 56."""
MOST_FLAGS = 32
"""Flags that a look at `WINDOW_BITS` bits gives at the most."""


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
