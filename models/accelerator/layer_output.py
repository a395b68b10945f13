"""What a layer computes: its output from its input and its weights, without words, packets and memory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from silicodec.models.accelerator.arithmetic import (
    add_all,
    dense_sums,
    depthwise_peaks,
    depthwise_sums,
    multiply_all,
)
from silicodec.models.accelerator.program import PIXELS, TAPS, Descriptor, Opcode
from silicodec.models.accelerator.weights import read_group

SUMS = {Opcode.DENSE: dense_sums, Opcode.DEPTHWISE: depthwise_sums, Opcode.MAXIMUM: depthwise_peaks}
"""What gives a layer's sums, or what is in their place."""


class Weights(NamedTuple):
    """Weights of a layer, and what takes its sums to samples.

    Attributes
    ----------
    bias, factors, shifts : ndarray of int64
        (out,).
    kernel : ndarray of int64
        Less their zero point: (out, in, height, width).
    """

    bias: np.ndarray
    factors: np.ndarray
    shifts: np.ndarray
    kernel: np.ndarray


def read_weights(words: np.ndarray, descriptor: Descriptor, groups: int) -> Weights:
    """Read the weights of a layer from those of its groups of output channels, or of its channels: (groups, words)."""
    parts = zip(*(read_group(chunk, descriptor, groups) for chunk in words), strict=True)
    bias, factors, shifts, taps = (np.concatenate(part)[: descriptor.out_channels] for part in parts)
    return Weights(bias, factors, shifts, _kernel(descriptor, taps))


def padded(descriptor: Descriptor, source: np.ndarray) -> np.ndarray:
    """Surround a map with padding, as far as windows reach; pointwise layers get channels of zeros."""
    if descriptor.pointwise:
        return np.pad(source, ((0, -len(source) % PIXELS), (0, 0), (0, 0)))
    stride = 1 + descriptor.stride2
    rows = stride * (descriptor.out_height - 1) + 3 * descriptor.kernel_rows
    columns = stride * (descriptor.out_width - 1) + 3 * descriptor.kernel_columns
    after = [
        max(0, size - before - length)
        for size, before, length in zip(
            (rows, columns), (descriptor.pad_top, descriptor.pad_left), source.shape[1:], strict=True
        )
    ]
    sides = ((0, 0), (descriptor.pad_top, after[0]), (descriptor.pad_left, after[1]))
    return np.pad(source, sides, constant_values=descriptor.pad_value)


def convolved(descriptor: Descriptor, source: np.ndarray, weights: Weights, rows: slice) -> np.ndarray:
    """Return rows of a layer's own result, int8; `source` is as of `padded`."""
    stride, size = 1 + descriptor.stride2, (rows.stop - rows.start, descriptor.out_width)
    sums = SUMS[Opcode(descriptor.opcode)](source[:, stride * rows.start :], weights.kernel, stride, size)
    limits = np.array([descriptor.conv_zero, descriptor.conv_low, descriptor.conv_high])
    return multiply_all(sums, weights.bias, weights.factors, weights.shifts, bool(descriptor.away), limits)


def added(descriptor: Descriptor, own: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Add another map to a layer's own result."""
    limits = np.array([descriptor.out_zero, descriptor.out_low, descriptor.out_high])
    parameters = np.array(
        [descriptor.residual_factor, descriptor.residual_shift, descriptor.out_factor, descriptor.out_shift]
    )
    coarse, fine = (own, descriptor.conv_zero), (residual, descriptor.residual_zero)
    if descriptor.swap:
        coarse, fine = fine, coarse
    return add_all(coarse[0], fine[0], np.array([coarse[1], fine[1]]), parameters, limits)


def _kernel(descriptor: Descriptor, taps: np.ndarray) -> np.ndarray:
    """Return weights of steps, (out, steps, 9), as (out, in, height, width)."""
    outputs = len(taps)
    if descriptor.pointwise:
        return taps[:, :, :PIXELS].reshape(outputs, -1, 1, 1)
    rows, columns = descriptor.kernel_rows, descriptor.kernel_columns
    parts = taps.reshape(outputs, -1, rows, columns, 3, TAPS // 3).transpose(0, 1, 2, 4, 3, 5)
    return parts.reshape(outputs, -1, 3 * rows, 3 * columns)
