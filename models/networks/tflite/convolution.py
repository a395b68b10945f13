"""Sums of products: convolutions, and layers that connect everything.

PyTorch forms the sums in floating point, of a width that holds each of them exactly.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, linear, pad

from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.tflite.arithmetic import Multiplier
from silicodec.models.networks.tflite.quantity import Quantity

SELECTED = 64
"""Weight, of a scale of 1 / 64, with which a convolution picks a channel as it is."""
EXACT_IN_FLOAT32 = 1 << 24
"""Magnitude up to which float32 holds every integer."""
SUM_BITS = 32
"""Width of TensorFlow Lite's sums."""

Padding = tuple[int, int, int, int]
"""Zeros before and after: left, right, top, bottom."""


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution, grouped or depthwise or neither, with the activation function at its end.

    Attributes
    ----------
    inputs, output : tuple of Quantity, Quantity
        What it takes and gives; the output has the activation function's bounds.
    weights, bias : Tensor
        float32 integers (out, in / groups, height, width), less their zero point, and float64 integers (out,).
    weight_zero_point : int
        That zero point. It is 0 in networks with int8 weights.
    strides : tuple of int
        Down and to the right.
    padding : tuple of int
        Zeros at the left, right, top and bottom.
    units : Tensor
        What a sum of 1 stands for, by output channel or for all: float32, (out,) or (1,).
    multiplier : Multiplier
        Takes sums to the output's scale.
    """

    inputs: tuple[Quantity, ...]
    output: Quantity
    weights: Tensor
    bias: Tensor
    weight_zero_point: int
    strides: tuple[int, int]
    padding: Padding
    units: Tensor
    multiplier: Multiplier

    def __post_init__(self) -> None:
        """Check that no sum can be too large."""
        _largest_sum(self)

    @property
    def groups(self) -> int:
        """Number of groups of channels."""
        return self.inputs[0].shape[0] // self.weights.shape[1]

    def sums(self, values: Tensor) -> Tensor:
        """Sum up: integers in floating point, (N, C, H, W)."""
        dtype = _exact_type(self)
        padded = pad(values.to(dtype), self.padding) if any(self.padding) else values.to(dtype)
        return conv2d(padded, self.weights.to(dtype), self.bias.to(dtype), self.strides, groups=self.groups)

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""
        return requantise(self.sums(values), self.multiplier, self.output)


@dataclass(frozen=True, eq=False)
class FullyConnected:
    """A layer that connects all inputs with all outputs, with the activation function at its end.

    Attributes
    ----------
    inputs, output, bias, weight_zero_point, units, multiplier
        As of `Convolution`.
    weights : Tensor
        float32 integers (out, in), less their zero point; inputs with height and width count channel-minor.
    """

    inputs: tuple[Quantity, ...]
    output: Quantity
    weights: Tensor
    bias: Tensor
    weight_zero_point: int
    units: Tensor
    multiplier: Multiplier

    def __post_init__(self) -> None:
        """Check that no sum can be too large."""
        _largest_sum(self)

    def sums(self, values: Tensor) -> Tensor:
        """Sum up: integers in floating point, (N, out)."""
        dtype = _exact_type(self)
        rows = channel_minor(values).reshape(-1, self.weights.shape[1])
        return linear(rows.to(dtype), self.weights.to(dtype), self.bias.to(dtype))

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""
        return requantise(self.sums(values), self.multiplier, self.output)


def selection(
    source: Quantity,
    output: Quantity,
    *,
    strides: tuple[int, int] = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    channels_before: int = 0,
) -> Convolution:
    """Make a convolution that takes channels as they are, and puts zeros for new ones around them."""
    weights = torch.zeros(output.shape[0], source.shape[0], 1, 1)
    for channel in range(source.shape[0]):
        weights[channels_before + channel, channel] = SELECTED
    unit = source.scale / SELECTED
    return Convolution(
        inputs=(source,),
        output=output,
        weights=weights,
        bias=torch.zeros(len(weights), dtype=torch.float64),
        weight_zero_point=0,
        strides=strides,
        padding=padding,
        units=as_float32([unit] * len(weights)),
        multiplier=Multiplier.of([unit / output.scale] * len(weights)),
    )


def _largest_sum(operator: Convolution | FullyConnected) -> float:
    """Return the largest magnitude that a sum can have; NetworkError where that takes more than `SUM_BITS`."""
    largest = max(-operator.inputs[0].low, operator.inputs[0].high)
    sums = operator.weights.double().abs().flatten(1).sum(1) * largest + operator.bias.double().abs()
    if (most := float(sums.max())) >= 1 << (SUM_BITS - 1):
        raise NetworkError(f"{operator.output.name} with sums that may need more than {SUM_BITS} bits")
    return most


def _exact_type(operator: Convolution | FullyConnected) -> torch.dtype:
    return torch.float32 if _largest_sum(operator) <= EXACT_IN_FLOAT32 else torch.float64


def requantise(sums: Tensor, multiplier: Multiplier, output: Quantity) -> Tensor:
    """Take integers to the scale and the bounds of the output: float32."""
    return multiplier.apply_in_float(sums, output.low, output.high)


def channel_minor(values: Tensor) -> Tensor:
    """Put the channels last, as TensorFlow Lite has them, where there are height and width."""
    return values.permute(0, 2, 3, 1) if values.ndim == 4 else values


def same_padding(size: tuple[int, int], kernel: tuple[int, int], strides: tuple[int, int]) -> Padding:
    """Find the zeros with which only the strides make maps smaller; where they are odd, one more follows."""
    zeros = [
        max((-(-length // stride) - 1) * stride + width - length, 0)
        for length, width, stride in zip(size, kernel, strides, strict=True)
    ]
    (above, below), (left, right) = ((count // 2, count - count // 2) for count in zeros)
    return left, right, above, below


def as_float32(numbers: list[float]) -> Tensor:
    """Make a tensor of what sums stand for."""
    return torch.from_numpy(np.array(numbers, np.float32))
