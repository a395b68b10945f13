"""Numbers of operators as layers have them: factors and shifts, bounds, zero points of signed samples, shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from silicodec.models.accelerator.layers import Layer, Rescaling, Shape, UnsupportedNetwork


def mean_parts(operator: Any) -> tuple[Any, int, int]:
    """Return a mean as the accelerator computes it: multiplier, zero point of the output and bias of the sums."""
    from silicodec.models.networks.tflite.arithmetic import Multiplier

    source, output = operator.inputs[0], operator.output
    count = source.shape[1] * source.shape[2]
    offset = 128 if source.dtype == "uint8" else 0
    if len(output.shape) == 3:
        zero = np.float32(source.zero_point) * np.float32(source.scale) / np.float32(output.scale)
        number = np.float32(source.scale) / (np.float32(count) * np.float32(output.scale))
        multiplier = Multiplier.of([float(number)], halves_away=True)
        return multiplier, zero_of(output) - int(zero + np.copysign(np.float32(0.5), zero)), offset * count
    multiplier = Multiplier.of([source.scale / output.scale], halves_away=True)
    places = count.bit_length() - 1
    divided = Multiplier((multiplier.factors << places) // count, multiplier.shifts + places, halves_away=True)
    return divided, zero_of(output), -zero_of(source) * count


def rescaling_of(multiplier: Any, output: Any, zero: int, low: int, high: int, *, count: int = 1) -> Rescaling:
    """Write a multiplier as the accelerator has it: numbers from 1 to 2 take a factor of 32 bits."""
    if (multiplier.shifts < -1).any():
        raise UnsupportedNetwork(f"the accelerator has no factors of 2 or more ({output.name})")
    factors = np.where(multiplier.shifts < 0, multiplier.factors << 1, multiplier.factors)
    shifts = np.maximum(multiplier.shifts, 0)
    rescaling = Rescaling(factors, shifts, multiplier.halves_away, zero, low, high)
    return broadcast(rescaling, count)


def broadcast(rescaling: Rescaling, channels: int) -> Rescaling:
    """Give every channel the same factor and shift."""
    return replace(
        rescaling,
        factors=np.broadcast_to(rescaling.factors, channels),
        shifts=np.broadcast_to(rescaling.shifts, channels),
    )


def plain_rescaling(output: Any, factor: int) -> Rescaling:
    """Return what takes sums of samples as they are, zero point included, to samples."""
    _, low, high = bounds_of(output)
    return Rescaling(np.array([factor]), np.array([0]), False, 0, low, high)


def is_within(layer: Layer, low: int, high: int) -> bool:
    """Tell whether a layer's samples are within bounds."""
    rescaling = layer.out_rescaling
    return low <= rescaling.low and rescaling.high <= high


def stride_of(strides: tuple[int, int], output: Any) -> int:
    """Return the stride in both directions; where an output has one row or column it does not matter."""
    needed = {stride for stride, length in zip(strides, map_shape(output)[1:], strict=True) if length > 1}
    if needed - {1, 2} or len(needed) > 1:
        raise UnsupportedNetwork(f"the accelerator has no strides of {strides} ({output.name})")
    return next(iter(needed), 1)


def map_shape(quantity: Any) -> Shape:
    """Return the shape of a tensor as a map."""
    channels, *size = quantity.shape
    height, width = size or (1, 1)
    return channels, height, width


def zero_of(quantity: Any) -> int:
    """Return the zero point of signed samples."""
    return quantity.zero_point - (128 if quantity.dtype == "uint8" else 0)


def bounds_of(quantity: Any) -> tuple[int, int, int]:
    """Return zero point and bounds of signed samples."""
    zero = zero_of(quantity)
    return zero, quantity.low + zero, quantity.high + zero
