"""The accelerator's integers: sums of products, maxima, and their way to samples."""

from __future__ import annotations

import numpy as np
from numba import njit

from silicodec.models.accelerator.program import LOWEST

FACTOR_BITS = 31
ADD_SHIFT = 20
"""Bits of fraction with which maps are added."""


@njit(cache=True)
def multiply(x: int, factor: int, shift: int, away: bool) -> int:
    """Multiply by factor / 2**(31 + shift), as `docs/formats/accelerator.md` defines."""
    product = (x * factor + (1 << (FACTOR_BITS - 1))) >> FACTOR_BITS
    less = 1 if away and shift and product < 0 else 0
    return (product + ((1 << shift) >> 1) - less) >> shift


@njit(cache=True)
def clamp(sample: int, low: int, high: int) -> int:
    """Limit a sample to bounds; of bounds that contradict each other the lowest one comes first, as in hardware."""
    return low if sample < low else min(sample, high)


@njit(cache=True)
def multiply_all(
    sums: np.ndarray, bias: np.ndarray, factors: np.ndarray, shifts: np.ndarray, away: bool, limits: np.ndarray
) -> np.ndarray:
    """Take sums (channels, ...) to samples of the same shape, int8; `limits` are zero point, lowest and highest."""
    rows = sums.reshape(len(sums), -1)
    result = np.empty(rows.shape, np.int8)
    zero, low, high = limits
    for channel in range(len(rows)):
        for i in range(rows.shape[1]):
            scaled = multiply(rows[channel, i] + bias[channel], factors[channel], shifts[channel], away)
            result[channel, i] = clamp(scaled + zero, low, high)
    return result.reshape(sums.shape)


@njit(cache=True)
def add_all(
    coarse: np.ndarray, fine: np.ndarray, zeros: np.ndarray, parameters: np.ndarray, limits: np.ndarray
) -> np.ndarray:
    """Add two maps of one shape, int8.

    Parameters
    ----------
    coarse, fine : ndarray of int8
        The one of the larger scale, and the other one.
    zeros : ndarray
        Their zero points.
    parameters : ndarray
        Factor and shift of `fine`, and of the sum.
    limits : ndarray
        Zero point, lowest and highest sample of the result.
    """
    result = np.empty(coarse.shape, np.int8)
    fine_factor, fine_shift, factor, shift = parameters
    zero, low, high = limits
    for index, value in np.ndenumerate(coarse):
        inner = multiply((np.int64(fine[index]) - zeros[1]) << ADD_SHIFT, fine_factor, fine_shift, False)
        total = ((np.int64(value) - zeros[0]) << (ADD_SHIFT - 1)) + inner
        result[index] = clamp(multiply(total, factor, shift, False) + zero, low, high)
    return result


def dense_sums(padded: np.ndarray, weights: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """Sum up products over input channels and taps.

    Parameters
    ----------
    padded : ndarray of int8
        Input with its padding: (in, rows, columns), at least as large as the windows reach.
    weights : ndarray of int64
        (out, in, height, width).
    stride : int
        In both directions.
    size : tuple of int
        Height and width of the output.

    Returns
    -------
    ndarray of int64
        (out, height, width).
    """
    height, width = size
    total = np.zeros((len(weights), height * width))
    # Products of whole matrices in float64, which holds every sum exactly.
    for row in range(weights.shape[2]):
        for column in range(weights.shape[3]):
            taps = weights[:, :, row, column].astype(np.float64)
            if taps.any():
                window = padded[:, row : row + stride * height : stride, column : column + stride * width : stride]
                total += taps @ window[:, :height, :width].reshape(len(padded), -1).astype(np.float64)
    return total.astype(np.int64).reshape(-1, height, width)


def depthwise_sums(padded: np.ndarray, weights: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """Sum up products over taps, channel by channel; like `dense_sums` with weights (out, 1, height, width)."""
    height, width = size
    total = np.zeros((len(weights), height, width), np.int64)
    for row in range(weights.shape[2]):
        for column in range(weights.shape[3]):
            window = padded[:, row : row + stride * height : stride, column : column + stride * width : stride]
            total += weights[:, 0, row, column, np.newaxis, np.newaxis] * window[:, :height, :width].astype(np.int64)
    return total


def depthwise_peaks(padded: np.ndarray, weights: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """Find the largest samples over the taps whose weight is not 0; like `depthwise_sums`."""
    height, width = size
    peaks = np.full((len(weights), height, width), LOWEST, np.int64)
    for row, column in np.ndindex(weights.shape[2:]):
        window = padded[:, row : row + stride * height : stride, column : column + stride * width : stride]
        counts = weights[:, 0, row, column, np.newaxis, np.newaxis] != 0
        peaks = np.maximum(peaks, np.where(counts, window[:, :height, :width], LOWEST))
    return peaks
