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
multiples in odd part     4 x 6: 3, 17, 17 * 4 + 3, 17 * 16 -    4 x 9: 9, 5, 9 * 5, 9 * 65, 1024 + 585, 585 - 5 * 4,
                          71, 71 * 4 + 17, 71 * 4 + 71           256 + 45, 565 * 5, 2825 + 16
sums in odd part          12                                     12
all                       60                                     72
========================  =====================================  =====================================================

Rounding is not counted: it takes 8 more in the first forward pass and 2 in an inverse one, or carry inputs.

11 is the smallest n whose constants, rounded to nearest, meet IEEE Std 1180-1990.

The algorithm of C. Loeffler, A. Ligtenberg, G. S. Moschytz ("Practical Fast 1-D DCT Algorithms with 11
Multiplications", ICASSP 1989) takes 29 adders and 11 multiplications, each of 2 to 4 adders at these lengths.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def quantise_tiles(tiles: np.ndarray, steps: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Transform and quantise tiles.

    Parameters
    ----------
    tiles : numpy.ndarray
        (tiles, 64), int8: samples row by row.
    steps : numpy.ndarray
        (64,), int64: base 2 logarithm of each quantisation step, column by column.
    low, high : numpy.ndarray
        (64,), int64: bounds that each quantised coefficient is saturated to.

    Returns
    -------
    numpy.ndarray
        (tiles, 64), uint8: quantised coefficients in two's complement, column by column.
    """
    quantised = np.empty(tiles.shape, np.uint8)
    a, b = np.empty((8, 8), np.int64), np.empty((8, 8), np.int64)
    for tile in range(len(tiles)):
        for row in range(8):
            for column in range(8):
                a[column, row] = tiles[tile, 8 * row + column]
        _forward_pass(a, b, 128, 8)
        for row in range(8):
            for column in range(8):
                a[row, column] = b[column, row]
        _forward_pass(a, b, 0, 10)
        for row in range(8):
            for column in range(8):
                i = 8 * column + row
                # Bits below the half are gone already, without an effect: a floor of a floor is a floor.
                rounded = (b[row, column] + (1 << steps[i])) >> (steps[i] + 1)
                quantised[tile, i] = min(max(rounded, low[i]), high[i])
    return quantised


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
    a, b = np.empty((8, 8), np.int64), np.empty((8, 8), np.int64)
    limit = 1 << (sample_bits - 1)
    unused = 64 - (sample_bits + 6)
    for tile in range(len(coefficients)):
        for column in range(8):
            for row in range(8):
                a[row, column] = coefficients[tile, 8 * column + row]
        _inverse_pass(a, b, 9)
        for row in range(8):
            for column in range(8):
                a[column, row] = (b[row, column] << unused) >> unused
        _inverse_pass(a, b, 16)
        for row in range(8):
            for column in range(8):
                samples[tile, 8 * row + column] = min(max(b[column, row], -limit), limit - 1)
    return samples


@njit(cache=True)
def dequantise_tiles(quantised: np.ndarray, steps: np.ndarray, signed: bool) -> np.ndarray:
    """Multiply quantised coefficients by their steps, saturated to 11 bits: (tiles, 64), int16."""
    coefficients = np.empty(quantised.shape, np.int16)
    for tile in range(len(quantised)):
        for i in range(64):
            value = np.int64(np.int8(quantised[tile, i])) << steps[i]
            coefficients[tile, i] = min(max(value, -1024), 1023)
        if not signed:
            coefficients[tile, 0] = min(np.int64(quantised[tile, 0]) << steps[0], 1023)
    return coefficients


@njit(cache=True)
def _forward_pass(x: np.ndarray, y: np.ndarray, half: int, shift: int) -> None:
    """Transform the columns of `x`; `half` is what rounding adds."""
    for j in range(8):
        s0, s1, s2, s3 = x[0, j] + x[7, j], x[1, j] + x[6, j], x[2, j] + x[5, j], x[3, j] + x[4, j]
        d0, d1, d2, d3 = x[0, j] - x[7, j], x[1, j] - x[6, j], x[2, j] - x[5, j], x[3, j] - x[4, j]
        e0, e1, e2, e3 = s0 + s3, s1 + s2, s1 - s2, s0 - s3
        y[0, j] = (256 * (e0 + e1) + half) >> shift
        y[1, j] = (355 * d0 + 301 * d1 + 201 * d2 + 71 * d3 + half) >> shift
        y[2, j] = (334 * e3 + 139 * e2 + half) >> shift
        y[3, j] = (301 * d0 - 71 * d1 - 355 * d2 - 201 * d3 + half) >> shift
        y[4, j] = (256 * (e0 - e1) + half) >> shift
        y[5, j] = (201 * d0 - 355 * d1 + 71 * d2 + 301 * d3 + half) >> shift
        y[6, j] = (139 * e3 - 334 * e2 + half) >> shift
        y[7, j] = (71 * d0 - 201 * d1 + 301 * d2 - 355 * d3 + half) >> shift


@njit(cache=True)
def _inverse_pass(x: np.ndarray, y: np.ndarray, shift: int) -> None:
    """Transform the columns of `x` back."""
    half = 1 << (shift - 1)
    for j in range(8):
        e0, e1 = 2048 * (x[0, j] + x[4, j]) + half, 2048 * (x[0, j] - x[4, j]) + half
        e2, e3 = 1108 * x[2, j] - 2676 * x[6, j], 2676 * x[2, j] + 1108 * x[6, j]
        s0, s1, s2, s3 = e0 + e3, e1 + e2, e1 - e2, e0 - e3
        d0 = 2841 * x[1, j] + 2408 * x[3, j] + 1609 * x[5, j] + 565 * x[7, j]
        d1 = 2408 * x[1, j] - 565 * x[3, j] - 2841 * x[5, j] - 1609 * x[7, j]
        d2 = 1609 * x[1, j] - 2841 * x[3, j] + 565 * x[5, j] + 2408 * x[7, j]
        d3 = 565 * x[1, j] - 1609 * x[3, j] + 2408 * x[5, j] - 2841 * x[7, j]
        y[0, j], y[7, j] = (s0 + d0) >> shift, (s0 - d0) >> shift
        y[1, j], y[6, j] = (s1 + d1) >> shift, (s1 - d1) >> shift
        y[2, j], y[5, j] = (s2 + d2) >> shift, (s2 - d2) >> shift
        y[3, j], y[4, j] = (s3 + d3) >> shift, (s3 - d3) >> shift
