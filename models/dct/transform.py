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

import numpy as np
from numba import njit


@njit(cache=True)
def quantise_tiles(tiles: np.ndarray, step_bits: int, unsigned: bool, offset: int) -> np.ndarray:
    """Transform tiles, quantise and fold the coefficients.

    Parameters
    ----------
    tiles : numpy.ndarray
        (tiles, 64), int8: samples row by row.
    step_bits : int
        Base 2 logarithm of the quantisation step.
    unsigned : bool
        Whether no mean is negative.
    offset : int
        What is added to the mean.

    Returns
    -------
    numpy.ndarray
        (tiles, 64), int16: quantised coefficients column by column, as numbers that are not negative: 2 q, or -2 q - 1
        where q is negative; the mean without sign as it is.
    """
    folded = np.empty(tiles.shape, np.int16)
    block, transposed = np.empty(64, np.int32), np.empty(64, np.int32)
    for tile in range(len(tiles)):
        _transpose(tiles[tile], block)
        _forward_pass(block, 128, 8)
        _transpose(block, transposed)
        _forward_pass(transposed, 0, 10)
        _transpose(transposed, block)
        for i in range(64):
            # Bits below the half are gone already, without an effect: a floor of a floor is a floor.
            rounded = (block[i] + (1 << step_bits)) >> (step_bits + 1)
            folded[tile, i] = rounded << 1 ^ rounded >> 31
        if unsigned:
            folded[tile, 0] = (block[0] + 2 * offset + (1 << step_bits)) >> (step_bits + 1)
    return folded


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
    block, transposed = np.empty(64, np.int32), np.empty(64, np.int32)
    limit = 1 << (sample_bits - 1)
    unused = 64 - (sample_bits + 6)
    for tile in range(len(coefficients)):
        _transpose(coefficients[tile], block)
        _inverse_pass(block, 9)
        for i in range(64):
            block[i] = (np.int64(block[i]) << unused) >> unused
        _transpose(block, transposed)
        _inverse_pass(transposed, 16)
        _transpose(transposed, block)
        for i in range(64):
            samples[tile, i] = min(max(block[i], -limit), limit - 1)
    return samples


@njit(cache=True)
def dequantise_tiles(folded: np.ndarray, step_bits: int, unsigned: bool, offset: int) -> np.ndarray:
    """Restore coefficients from what `quantise_tiles` gives, saturated to 11 bits: (tiles, 64), int16."""
    coefficients = np.empty(folded.shape, np.int16)
    for tile in range(len(folded)):
        for i in range(64):
            value = int(folded[tile, i]) & 2047
            if i or not unsigned:
                value = value >> 1 ^ -(value & 1)
            coefficients[tile, i] = _saturated(value << step_bits)
        if unsigned:
            value = int(folded[tile, 0]) & 2047
            coefficients[tile, 0] = _saturated((value << step_bits) - offset)
    return coefficients


@njit(cache=True)
def _saturated(value: int) -> int:
    """Saturate the low 12 bits of a number, as a signed one, to 11 bits."""
    return min(max((value + 2048 & 4095) - 2048, -1024), 1023)


@njit(cache=True)
def _transpose(x: np.ndarray, y: np.ndarray) -> None:
    """Write the transpose of an 8 x 8 block, (64,), to `y`."""
    for i in range(8):
        for j in range(8):
            y[8 * i + j] = x[8 * j + i]


@njit(cache=True)
def _forward_pass(x: np.ndarray, half: int, shift: int) -> None:
    """Transform the columns of an 8 x 8 block in place, x[8 * row + column]; `half` is what rounding adds.

    The compiler takes eight columns at once, as numbers of 32 bits where it is told that these are enough.
    """
    for j in range(8):
        s0, s1, s2, s3 = x[j] + x[56 + j], x[8 + j] + x[48 + j], x[16 + j] + x[40 + j], x[24 + j] + x[32 + j]
        d0, d1 = np.int32(x[j] - x[56 + j]), np.int32(x[8 + j] - x[48 + j])
        d2, d3 = np.int32(x[16 + j] - x[40 + j]), np.int32(x[24 + j] - x[32 + j])
        e0, e1, e2, e3 = s0 + s3, s1 + s2, np.int32(s1 - s2), np.int32(s0 - s3)
        x[j] = (256 * (e0 + e1) + half) >> shift
        x[8 + j] = (355 * d0 + 301 * d1 + 201 * d2 + 71 * d3 + half) >> shift
        x[16 + j] = (334 * e3 + 139 * e2 + half) >> shift
        x[24 + j] = (301 * d0 - 71 * d1 - 355 * d2 - 201 * d3 + half) >> shift
        x[32 + j] = (256 * (e0 - e1) + half) >> shift
        x[40 + j] = (201 * d0 - 355 * d1 + 71 * d2 + 301 * d3 + half) >> shift
        x[48 + j] = (139 * e3 - 334 * e2 + half) >> shift
        x[56 + j] = (71 * d0 - 201 * d1 + 301 * d2 - 355 * d3 + half) >> shift


@njit(cache=True)
def _inverse_pass(x: np.ndarray, shift: int) -> None:
    """Transform the columns of an 8 x 8 block back in place."""
    half = 1 << (shift - 1)
    for j in range(8):
        e0, e1 = 2048 * (x[j] + x[32 + j]) + half, 2048 * (x[j] - x[32 + j]) + half
        e2, e3 = 1108 * x[16 + j] - 2676 * x[48 + j], 2676 * x[16 + j] + 1108 * x[48 + j]
        s0, s1, s2, s3 = e0 + e3, e1 + e2, e1 - e2, e0 - e3
        d0 = 2841 * x[8 + j] + 2408 * x[24 + j] + 1609 * x[40 + j] + 565 * x[56 + j]
        d1 = 2408 * x[8 + j] - 565 * x[24 + j] - 2841 * x[40 + j] - 1609 * x[56 + j]
        d2 = 1609 * x[8 + j] - 2841 * x[24 + j] + 565 * x[40 + j] + 2408 * x[56 + j]
        d3 = 565 * x[8 + j] - 1609 * x[24 + j] + 2408 * x[40 + j] - 2841 * x[56 + j]
        x[j], x[56 + j] = (s0 + d0) >> shift, (s0 - d0) >> shift
        x[8 + j], x[48 + j] = (s1 + d1) >> shift, (s1 - d1) >> shift
        x[16 + j], x[40 + j] = (s2 + d2) >> shift, (s2 - d2) >> shift
        x[24 + j], x[32 + j] = (s3 + d3) >> shift, (s3 - d3) >> shift
