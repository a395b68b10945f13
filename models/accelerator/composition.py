"""Operators that the accelerator computes as several layers, or with weights that are filled up with zeros."""

from __future__ import annotations

from itertools import product

import numpy as np

from silicodec.models.accelerator.layers import Layer, Rescaling, Shape
from silicodec.models.accelerator.program import LOWEST, ONE, Opcode

MOST_TAPS = 63
"""Most taps of an average pool with padding: weights of twice as many tell positions apart."""


def block_diagonal(weights: np.ndarray, groups: int) -> np.ndarray:
    """Return the weights of a grouped convolution, (out, in / groups, height, width), as (out, in, height, width)."""
    outputs, channels, *kernel = weights.shape
    result = np.zeros((groups, outputs // groups, groups, channels, *kernel), weights.dtype)
    for group, part in enumerate(weights.reshape(groups, -1, channels, *kernel)):
        result[group, :, group] = part
    return result.reshape(outputs, groups * channels, *kernel)


def average_factor(count: int) -> int:
    """Return the factor that divides sums of so many samples; halves are rounded away from zero."""
    return ONE // count + 1 if count > 1 else ONE


def taps_inside(length: int, outputs: int, kernel: int, stride: int, before: int) -> list[tuple[int, int]]:
    """Return which of a kernel's rows, or columns, are inside of a map for each output: the first one, and the end."""
    starts = [stride * number - before for number in range(outputs)]
    return [(max(0, -start), min(kernel, length - start)) for start in starts]


def border_layer(name: str, source: int, output: int, in_shape: Shape) -> Layer:
    """Return the layer that makes a channel of zeros, whose padding is told from what is inside of the map."""
    return Layer(
        name=name,
        source=source,
        output=output,
        in_shape=in_shape,
        out_shape=(1, *in_shape[1:]),
        opcode=Opcode.DENSE,
        weights=np.zeros((1, in_shape[0], 1, 1), np.int16),
        weight_zero=0,
        bias=np.zeros(1, np.int64),
        stride=1,
        pad_top=0,
        pad_left=0,
        pad_value=0,
        rescaling=Rescaling(np.array([ONE]), np.array([0]), False, 0, 0, 0),
        work=0,
    )


def averages_by_place(
    name: str,
    numbers: tuple[int, int],
    shapes: tuple[Shape, Shape],
    kernel: tuple[int, int],
    place: tuple[int, int, int],
    *,
    unsigned: bool,
) -> Layer:
    """Return the layer that averages windows, without what padding adds, once for each set of taps inside of the map.

    A pixel of its output is the average where just these taps are inside, and -128 elsewhere. The input's last channel
    is that of `border_layer`: its padding, -128, times weights of both signs adds nothing for the right taps, and else
    so little that the sum is below every average.

    Parameters
    ----------
    name : str
        Of the output.
    numbers, shapes : tuple
        Numbers of the maps that it reads and makes; shapes of the input, with the last channel, and of the averages.
    kernel : tuple of int
        Rows and columns, at most `MOST_TAPS` taps.
    place : tuple of int
        Stride and padding at the top and the left.
    unsigned : bool
        Whether samples are unsigned ones less 128, whose halves are rounded up.
    """
    (channels, *size), (own, *pooled) = shapes
    stride, *before = place
    rows, columns = (
        sorted(set(taps_inside(length, count, taps, stride, pad)))
        for length, count, taps, pad in zip(size, pooled, kernel, before, strict=True)
    )
    taps = kernel[0] * kernel[1]
    weights, biases, factors = [], [], []
    zero = LOWEST if unsigned else 0
    for (top, bottom), (left, right) in product(rows, columns):
        inside = np.zeros(kernel, bool)
        inside[top:bottom, left:right] = True
        count = int(inside.sum())
        of_class = np.zeros((own, channels, *kernel), np.int16)
        of_class[range(own), range(own)] = 1
        of_class[:, -1] = np.where(inside, 2 * taps, -2 * taps)
        weights.append(of_class)
        # Less what padding adds to the sums, and the last channel's to theirs, where these taps are inside.
        biases.append(LOWEST * (taps - count) * (2 * taps - 1) - zero * count)
        factors.append(average_factor(count))
    classes = len(weights)
    return Layer(
        name=name,
        source=numbers[0],
        output=numbers[1],
        in_shape=shapes[0],
        out_shape=(classes * own, *shapes[1][1:]),
        opcode=Opcode.DENSE,
        weights=np.concatenate(weights),
        weight_zero=0,
        bias=np.repeat(np.array(biases, np.int64), own),
        stride=stride,
        pad_top=before[0],
        pad_left=before[1],
        pad_value=LOWEST,
        rescaling=Rescaling(
            np.repeat(np.array(factors, np.int64), own), np.zeros(classes * own, np.int64), False, zero, LOWEST, 127
        ),
        work=taps * own * pooled[0] * pooled[1],
    )


def sum_of_places(layer: Layer, name: str, output: int, bounds: tuple[int, int], channels: int) -> Layer:
    """Return the layer that joins what `averages_by_place` gives: of each pixel one is not -128."""
    classes = layer.out_shape[0] // channels
    return Layer(
        name=name,
        source=layer.output,
        output=output,
        in_shape=layer.out_shape,
        out_shape=(channels, *layer.out_shape[1:]),
        opcode=Opcode.DENSE,
        weights=np.tile(np.eye(channels, dtype=np.int16), classes)[:, :, np.newaxis, np.newaxis],
        weight_zero=0,
        bias=np.full(channels, -LOWEST * (classes - 1), np.int64),
        stride=1,
        pad_top=0,
        pad_left=0,
        pad_value=0,
        rescaling=Rescaling(np.full(channels, ONE), np.zeros(channels, np.int64), False, 0, *bounds),
        work=0,
    )
