"""From samples of a group of tiles to the numbers that its columns are coded with, and back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.dct.rows import gather, scatter, transpose
from silicodec.models.dct.transform import LANES, forward_group, inverse_group


class Quantiser(NamedTuple):
    """How coefficients are quantised.

    Attributes
    ----------
    step_bits : int
        Base 2 logarithm of the step.
    unsigned : bool
        Whether no mean is negative.
    offset : int
        What is added to the mean.
    flip : numpy.uint64
        What turns eight samples into signed ones, and back.
    positive : bool
        Whether samples that come back are not negative.
    """

    step_bits: int
    unsigned: bool
    offset: int
    flip: np.uint64
    positive: bool


@njit(cache=True)
def quantise(rows: np.ndarray, quantiser: Quantiser, group: np.ndarray) -> None:
    """Transform a group of tiles, quantise and fold the coefficients.

    Parameters
    ----------
    rows : numpy.ndarray
        uint64, (8 * LANES,): what `gather` gives. Overwritten.
    quantiser : Quantiser
        How.
    group : numpy.ndarray
        Takes the quantised coefficients as numbers that are not negative: 2 q, or -2 q - 1 where q is negative; the
        mean without sign as it is.
    """
    transpose(rows)
    samples = rows.view(np.int8)
    for i in range(64 * LANES):
        group[i] = samples[i]
    forward_group(group)
    # A shift by step_bits + 1, in a way that compiles to instructions of 16 bits. Bits below the half are gone already,
    # without an effect: a floor of a floor is a floor.
    half, factor = 1 << quantiser.step_bits, np.int16(1 << (14 - quantiser.step_bits))
    start = 0
    if quantiser.unsigned:
        start = LANES
        for lane in range(LANES):
            group[lane] = (group[lane] + 2 * quantiser.offset + half) >> (quantiser.step_bits + 1)
    for i in range(start, 64 * LANES):
        group[i] = (np.int16(2 * (group[i] + half)) * factor) >> 16
    for i in range(start, 64 * LANES):
        group[i] = group[i] << 1 ^ group[i] >> 15


@njit(cache=True)
def restore(group: np.ndarray, quantiser: Quantiser, work: np.ndarray, rows: np.ndarray) -> None:
    """Turn what `quantise` gives, modulo 2^11, back into rows of samples; `work` is room for a group of int32."""
    # Up to the highest bits, of which the lowest 12 are kept; the mask tells that 16 bits are enough.
    shift = (quantiser.step_bits + 4) & 15
    start = 0
    if quantiser.unsigned:
        start = LANES
        for lane in range(LANES):
            group[lane] = (((group[lane] & 2047) << quantiser.step_bits) - quantiser.offset) << 4
    for i in range(start, 64 * LANES):
        value = np.int16(group[i] & 2047)
        group[i] = np.int16(np.int16(value >> 1) ^ np.int16(-np.int16(value & 1))) << shift
    for i in range(64 * LANES):
        work[i] = min(max(group[i] >> 4, -1024), 1023)
    inverse_group(work, 8)
    lowest = np.int32(0 if quantiser.positive else -128)
    samples = rows.view(np.int8)
    for i in range(64 * LANES):
        samples[i] = min(max(work[i], lowest), np.int32(127))
    transpose(rows)


@njit(cache=True)
def restore_tiles(samples: np.ndarray, quantiser: Quantiser, restored: np.ndarray) -> None:
    """Quantise tiles and restore them: maps of eight samples each, uint64, (rows, columns of tiles)."""
    rows, group = np.zeros(8 * LANES, np.uint64), np.empty(64 * LANES, np.int16)
    work = np.empty(64 * LANES, np.int32)
    tiles = samples.size // 8
    for start in range(0, tiles, LANES):
        count = min(LANES, tiles - start)
        gather(samples, start, count, quantiser.flip, rows)
        quantise(rows, quantiser, group)
        restore(group, quantiser, work, rows)
        scatter(rows, start, count, quantiser.flip, restored)


@njit(cache=True)
def quantise_tiles(samples: np.ndarray, quantiser: Quantiser) -> np.ndarray:
    """Quantise tiles; returns the coefficients, (tiles, 64), int16, column by column."""
    rows, group = np.zeros(8 * LANES, np.uint64), np.empty(64 * LANES, np.int16)
    tiles = samples.size // 8
    quantised = np.empty((tiles, 64), np.int16)
    for start in range(0, tiles, LANES):
        count = min(LANES, tiles - start)
        gather(samples, start, count, quantiser.flip, rows)
        quantise(rows, quantiser, group)
        for lane in range(count):
            for i in range(64):
                value = group[i * LANES + lane]
                quantised[start + lane, i] = value if quantiser.unsigned and i == 0 else value >> 1 ^ -(value & 1)
    return quantised
