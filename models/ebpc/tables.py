"""The codes of bit-plane compression, and the tables that its loops look them up in.

The format is described in `docs/formats/ebpc.md`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np


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


class Codes(NamedTuple):
    """The code of every DBX plane but 0: value (uint32) and number of bits (uint8), by plane."""

    value: np.ndarray
    length: np.ndarray


@lru_cache
def plane_codes(block_size: int) -> Codes:
    """Tabulate the codes of DBX planes that depend on nothing but the plane."""
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
    return Codes(values, lengths)


class Meanings(NamedTuple):
    """What the decoder does with the code that starts each string of `window_bits` bits.

    Every code leads to `repeat` DBP planes that are all the same: the one before, with the bits of `flip` inverted and
    then only those of `keep` kept; there the first difference is the least significant bit. `length` is the number of
    bits of the code. A string that starts with no code has `repeat` set to `NO_CODE`.
    """

    window_bits: int
    length: np.ndarray
    flip: np.ndarray
    keep: np.ndarray
    repeat: np.ndarray


NO_CODE = 255


@lru_cache
def code_meanings(word_bits: int, block_size: int) -> Meanings:
    """Tabulate what every string of bits starts with."""
    plane_bits = block_size - 1
    all_ones = (1 << plane_bits) - 1
    position_bits = field_bits(block_size)
    run_bits = field_bits(word_bits)
    window_bits = max(RAW_PLANE.length + plane_bits, SINGLE_ONE.length + position_bits, ZERO_PLANES.length + run_bits)
    strings = 1 << window_bits
    lengths = np.zeros(strings, np.uint8)
    flips = np.zeros(strings, np.uint16)
    keeps = np.full(strings, all_ones, np.uint16)
    repeats = np.full(strings, NO_CODE, np.uint8)

    def enter(
        code: Code, field: int = 0, field_width: int = 0, *, flip: int = 0, keep: int = all_ones, repeat: int = 1
    ) -> None:
        length = code.length + field_width
        first = (code.value << field_width | field) << (window_bits - length)
        entries = slice(first, first + (1 << (window_bits - length)))
        lengths[entries], flips[entries], keeps[entries], repeats[entries] = length, flip, keep, repeat

    enter(SINGLE_ZERO_PLANE)
    for field in range(1 << run_bits):
        enter(ZERO_PLANES, field, run_bits, repeat=field + 2)
    enter(ALL_ONES, flip=all_ones)
    enter(ZERO_DELTA_PLANE, keep=0)
    for pattern, code in ((0b1, SINGLE_ONE), (0b11, TWO_ONES)):
        width = pattern.bit_length()
        for position in range(plane_bits - width + 1):
            enter(code, position, position_bits, flip=pattern << position)
    for plane in range(1 << plane_bits):
        enter(RAW_PLANE, plane, plane_bits, flip=int(f"{plane:0{plane_bits}b}"[::-1], 2))
    return Meanings(window_bits, lengths, flips, keeps, repeats)


class Transposition(NamedTuple):
    """What turns the rows of a bit matrix into its columns, a group of columns at a time.

    `spread[bits]` holds the bits of `group_bits` columns of a row, moved apart by the number of rows. The spread rows,
    each shifted by its index, add up to the group's columns, the first one in the least significant bits.
    """

    group_bits: int
    spread: np.ndarray


@lru_cache
def transposition(rows: int, columns: int) -> Transposition:
    """Tabulate the spread of a row of a bit matrix, of as many columns as 64 bits and a table of 4 KiB hold."""
    group_bits = min(columns, 64 // rows, 9)
    numbers = np.arange(1 << group_bits, dtype=np.int64)
    spread = np.zeros_like(numbers)
    for i in range(group_bits):
        spread |= ((numbers >> i) & 1) << (i * rows)
    return Transposition(group_bits, spread)


class PlaneCosts(NamedTuple):
    """By a mask of planes: the bits that code those outside it as runs of zeros, and the number of those in it."""

    zeros_outside: np.ndarray
    planes_inside: np.ndarray


@lru_cache
def plane_costs(word_bits: int) -> PlaneCosts:
    """Tabulate the masks of the planes of a block."""
    masks = np.arange(1 << (word_bits + 1), dtype=np.uint32)
    zeros = masks ^ masks[-1]
    runs = zeros & ~(zeros << 1)
    single = runs & ~(zeros >> 1)
    run_length = ZERO_PLANES.length + field_bits(word_bits)
    cost = run_length * np.bitwise_count(runs) - (run_length - SINGLE_ZERO_PLANE.length) * np.bitwise_count(single)
    return PlaneCosts(cost, np.bitwise_count(masks))
