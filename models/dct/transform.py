"""The 8 x 8 discrete cosine transform in integers, forward and inverse, with quantisation by powers of two.

A pass multiplies eight numbers by an integer matrix and rounds once, at its end: hardware may factor the matrix as it
likes and gets the same bits. The matrix' entries are cos(k pi / 16) sqrt(2) 2^n; the one of k = 4, 2^n, and the gain of
two passes, 2^(2n + 3), are powers of two. The word widths after each pass are in `docs/formats/dct.md`.

Adders for shifts and adds, of one pass:

========================  =====================================  =====================================================
part                      forward, n = 8                         inverse, n = 11
========================  =====================================  =====================================================
butterflies               8 + 4 + 2                              8 + 4 + 2
multiples in even part    2 x 4: 7, 5, 5 * 32 + 7, 167 - 7 * 4   2 x 4: 3, 3 * 8 - 3, 256 + 21, 21 * 32 - 3
sums in even part         2                                      2
multiples in odd part     4 x 6: 3, 17, 17 * 4 + 3, 17 * 16 -    40 with their sums: 11 p + 25 q + 9 r + 8 * 257 b, see
                          71, 71 * 4 + 17, 71 * 4 + 71           `silicodec.rtl.dct.transform`
sums in odd part          12
all                       60                                     64
========================  =====================================  =====================================================

Rounding is not counted: it takes 8 more in the first forward pass and 1 in the second inverse one.

11 is the smallest n whose constants, rounded to nearest, meet IEEE Std 1180-1990.

The algorithm of C. Loeffler, A. Ligtenberg, G. S. Moschytz ("Practical Fast 1-D DCT Algorithms with 11
Multiplications", ICASSP 1989) takes 29 adders and 11 multiplications, each of 2 to 4 adders at these lengths.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# Numba's cache does not see a changed constant of another module: delete models/dct/__pycache__/*.nb* with it.
LANES = 16
"""Tiles of a group. Loops over its lanes compile to vector instructions, with no exchange between lanes; LLVM takes no
shorter ones that go over several arrays.

A group is an array of int16, unless said otherwise, (64 * LANES,), of samples or coefficients column by column: each is
there for all tiles, side by side.
"""
_COLUMN = 8 * LANES
"""From a number of a tile to that beside it, in the next column."""


@njit(cache=True, inline="always")
def forward_group(group: np.ndarray) -> None:
    """Transform samples in place to coefficients with one bit of a fraction."""
    for i in range(_COLUMN):
        _forward_pass(group, i, _COLUMN, 128, 8)
    for start in range(0, 64 * LANES, _COLUMN):
        for i in range(start, start + LANES):
            _forward_pass(group, i, LANES, 0, 10)


@njit(cache=True, inline="always")
def inverse_group(work: np.ndarray, sample_bits: int) -> None:
    """Transform coefficients of `sample_bits` + 3 bits back in place, to samples that are not saturated yet.

    `work` is a group of int32: of sums that came from 16 bits, LLVM would know that 32 hold them, and take 64.
    """
    unused = 32 - 9 - (sample_bits + 6)
    for start in range(0, 64 * LANES, _COLUMN):
        for i in range(start, start + LANES):
            _inverse_pass(work, i, LANES, 9, unused)
    for i in range(_COLUMN):
        _inverse_pass(work, i, _COLUMN, 16, 0)


@njit(cache=True)
def inverse(coefficients: np.ndarray, sample_bits: int) -> np.ndarray:
    """Transform tiles of coefficients back.

    Parameters
    ----------
    coefficients : numpy.ndarray
        (tiles, 64), int16: of `sample_bits` + 3 bits, column by column.
    sample_bits : int
        Bits of a sample, 8 or 9.

    Returns
    -------
    numpy.ndarray
        (tiles, 64), int16: samples row by row, saturated to `sample_bits` bits.
    """
    samples = np.empty(coefficients.shape, np.int16)
    group = np.zeros(64 * LANES, np.int32)
    limit = 1 << (sample_bits - 1)
    for start in range(0, len(coefficients), LANES):
        part = coefficients[start : start + LANES]
        for lane in range(len(part)):
            for i in range(64):
                group[i * LANES + lane] = part[lane, i]
        inverse_group(group, sample_bits)
        for lane in range(len(part)):
            for i in range(64):
                samples[start + lane, i] = min(max(group[(8 * (i % 8) + i // 8) * LANES + lane], -limit), limit - 1)
    return samples


@njit(cache=True, inline="always")
def _forward_pass(x: np.ndarray, i: int, step: int, half: int, shift: int) -> None:
    """Transform eight numbers of `x` in place, from the i-th one in steps; `half` is what rounding adds."""
    x0, x1, x2, x3 = x[i], x[i + step], x[i + 2 * step], x[i + 3 * step]
    x4, x5, x6, x7 = x[i + 4 * step], x[i + 5 * step], x[i + 6 * step], x[i + 7 * step]
    s0, s1, s2, s3 = x0 + x7, x1 + x6, x2 + x5, x3 + x4
    d0, d1, d2, d3 = x0 - x7, x1 - x6, x2 - x5, x3 - x4
    e0, e1, e2, e3 = s0 + s3, s1 + s2, s1 - s2, s0 - s3
    x[i] = (256 * (e0 + e1) + half) >> shift
    x[i + step] = (355 * d0 + 301 * d1 + 201 * d2 + 71 * d3 + half) >> shift
    x[i + 2 * step] = (334 * e3 + 139 * e2 + half) >> shift
    x[i + 3 * step] = (301 * d0 - 71 * d1 - 355 * d2 - 201 * d3 + half) >> shift
    x[i + 4 * step] = (256 * (e0 - e1) + half) >> shift
    x[i + 5 * step] = (201 * d0 - 355 * d1 + 71 * d2 + 301 * d3 + half) >> shift
    x[i + 6 * step] = (139 * e3 - 334 * e2 + half) >> shift
    x[i + 7 * step] = (71 * d0 - 201 * d1 + 301 * d2 - 355 * d3 + half) >> shift


@njit(cache=True, inline="always")
def _inverse_pass(x: np.ndarray, i: int, step: int, shift: int, unused: int) -> None:
    """Transform eight numbers of `x` back in place, from the i-th one in steps; the highest bits may be `unused`."""
    x0, x1, x2, x3 = x[i], x[i + step], x[i + 2 * step], x[i + 3 * step]
    x4, x5, x6, x7 = x[i + 4 * step], x[i + 5 * step], x[i + 6 * step], x[i + 7 * step]
    half = 1 << (shift - 1)
    e0, e1 = np.int32(2048 * (x0 + x4) + half), np.int32(2048 * (x0 - x4) + half)
    e2, e3 = np.int32(1108 * x2 - 2676 * x6), np.int32(2676 * x2 + 1108 * x6)
    s0, s1, s2, s3 = np.int32(e0 + e3), np.int32(e1 + e2), np.int32(e1 - e2), np.int32(e0 - e3)
    d0 = np.int32(2841 * x1 + 2408 * x3 + 1609 * x5 + 565 * x7)
    d1 = np.int32(2408 * x1 - 565 * x3 - 2841 * x5 - 1609 * x7)
    d2 = np.int32(1609 * x1 - 2841 * x3 + 565 * x5 + 2408 * x7)
    d3 = np.int32(565 * x1 - 1609 * x3 + 2408 * x5 - 2841 * x7)
    x[i], x[i + 7 * step] = _cut(s0 + d0, shift, unused), _cut(s0 - d0, shift, unused)
    x[i + step], x[i + 6 * step] = _cut(s1 + d1, shift, unused), _cut(s1 - d1, shift, unused)
    x[i + 2 * step], x[i + 5 * step] = _cut(s2 + d2, shift, unused), _cut(s2 - d2, shift, unused)
    x[i + 3 * step], x[i + 4 * step] = _cut(s3 + d3, shift, unused), _cut(s3 - d3, shift, unused)


@njit(cache=True, inline="always")
def _cut(number: int | np.integer[Any], shift: int, unused: int) -> int | np.integer[Any]:
    """Drop the lowest bits of a number, and the highest ones of 32."""
    return np.int32(number << unused) >> (shift + unused)
