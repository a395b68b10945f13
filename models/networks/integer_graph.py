"""Networks in 8-bit integers, computed in PyTorch with the integers of TensorFlow Lite behind every operator.

TensorFlow Lite does not let a tensor be replaced inside a run; here it can be. The arithmetic is that of B. Jacob and
others, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (arXiv
1712.05877): sums of products of integers, times a multiplier in fixed point, rounded. PyTorch forms the sums in
float32; a convolution is refused where a sum might be larger than float32 holds exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.nn.functional import conv2d, pad

from silicodec.models.networks.network import NetworkError

EXACT = 1 << 24
"""Magnitude up to which float32 holds every integer."""
ADD_SHIFT = 20
"""Bits of fraction with which TensorFlow Lite adds."""

Replace = Callable[[str, Tensor], Tensor | None]


@dataclass(frozen=True)
class Quantity:
    """A tensor: an integer q in TensorFlow Lite stands for ``scale * (q - zero_point)``, here q - zero_point does.

    Attributes
    ----------
    number : int
        Number of the tensor.
    name : str
        The first of the operators that the tensor's name lists, without the network's name.
    scale, zero_point : float, int
        As above.
    low, high : int
        Bounds of q - zero_point.
    """

    number: int
    name: str
    scale: float
    zero_point: int
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution with the activation function at its end.

    Attributes
    ----------
    inputs, output : tuple of Quantity, Quantity
        What it takes and gives; the output has the activation function's bounds.
    weights, bias : Tensor
        float32 integers, (out, in / groups, height, width) and (out,).
    stride : int
        In both directions.
    unit : float
        What a sum of 1 stands for: the product of the inputs' scales, in float32 as in TensorFlow Lite.
    """

    inputs: tuple[Quantity, ...]
    output: Quantity
    weights: Tensor
    bias: Tensor
    stride: int
    unit: float

    def __post_init__(self) -> None:
        """Check that no sum can be too large."""
        largest = max(-self.inputs[0].low, self.inputs[0].high)
        if (self.weights.double().abs().sum((1, 2, 3)) * largest + self.bias.double().abs()).max() > EXACT:
            raise NetworkError(f"{self.output.name} with sums that may be too large for float32")

    def sums(self, values: Tensor) -> Tensor:
        """Sum up: float32 integers, (N, C, H, W), padded with zeros so that only the stride makes maps smaller."""
        kernel, size = self.weights.shape[2:], values.shape[2:]
        padding: list[int] = []
        for length, width in zip(reversed(size), reversed(kernel), strict=True):
            zeros = max((-(-length // self.stride) - 1) * self.stride + width - length, 0)
            padding += [zeros // 2, zeros - zeros // 2]
        groups = values.shape[1] // self.weights.shape[1]
        return conv2d(pad(values, padding), self.weights, self.bias, self.stride, groups=groups)

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""
        return requantise(self.sums(values), self.unit / self.output.scale, self.output)


@dataclass(frozen=True, eq=False)
class Addition:
    """A sum of two tensors."""

    inputs: tuple[Quantity, ...]
    output: Quantity

    def compute(self, *values: Tensor) -> Tensor:
        """Compute the output."""
        unit = 2 * max(source.scale for source in self.inputs)
        total = torch.zeros_like(values[0], dtype=torch.int64)
        for part, source in zip(values, self.inputs, strict=True):
            total += multiply(part.to(torch.int64) << ADD_SHIFT, source.scale / unit)
        return requantise(total, unit / (self.output.scale * (1 << ADD_SHIFT)), self.output)


@dataclass(frozen=True, eq=False)
class GlobalAverage:
    """The average of each map, whose scale and zero point it keeps."""

    inputs: tuple[Quantity, ...]
    output: Quantity

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""
        count = values.shape[2] * values.shape[3]
        zero_point = self.output.zero_point
        sums = values.to(torch.int64).sum((2, 3), keepdim=True) + zero_point * count
        return ((sums + count // 2) // count - zero_point).to(torch.float32)


Operator = Convolution | Addition | GlobalAverage


@dataclass(frozen=True, eq=False)
class IntegerGraph:
    """A network.

    Attributes
    ----------
    source : Quantity
        The images.
    operators : tuple of Operator
        In the order of computation; the last one gives class scores.
    """

    source: Quantity
    operators: tuple[Operator, ...]

    def scores(self, images: np.ndarray, replace: Replace | None = None, *, before_activation: bool = False) -> Tensor:
        """Compute class scores: float32, (N, classes); arguments as of `values`."""
        last = self.operators[-1].output
        values = self.values(images, replace, before_activation=before_activation)
        return values[last.number].flatten(1) * last.scale

    def values(
        self, images: np.ndarray, replace: Replace | None = None, *, before_activation: bool = False
    ) -> dict[int, Tensor]:
        """Compute every tensor.

        Parameters
        ----------
        images : np.ndarray
            float32, (N, C, H, W), normalised.
        replace : callable, optional
            Called with a convolution's name and maps (N, C, H, W) as they are computed; returns other maps, or None to
            keep them. It is called for each convolution that a ReLU ends, with its output, uint8; or,
            `before_activation`, for each convolution of maps, with the real numbers of its sums, float32.
        before_activation : bool
            Which of the two.

        Returns
        -------
        dict of int to Tensor
            Integers less their zero point by number of the tensor: float32, (N, C, H, W).
        """
        pixels = torch.from_numpy(images / np.float32(self.source.scale)).round()
        values = {self.source.number: pixels.clamp(self.source.low, self.source.high)}
        for operator in self.operators:
            inputs = [values[source.number] for source in operator.inputs]
            output = operator.output
            result = None
            if replace and isinstance(operator, Convolution):
                if before_activation and inputs[0].shape[2:] != (1, 1):
                    real = replace(output.name, operator.sums(inputs[0]) * operator.unit)
                    result = None if real is None else (real / output.scale).round().clamp(output.low, output.high)
                elif not before_activation and output.low == 0:
                    result = replace(output.name, operator.compute(inputs[0]).to(torch.uint8))
            values[output.number] = operator.compute(*inputs) if result is None else result.to(torch.float32)
        return values


def requantise(sums: Tensor, multiplier: float, output: Quantity) -> Tensor:
    """Multiply integers as `multiply` does; float32, within the bounds of the output."""
    return multiply(sums.to(torch.int64), multiplier).clamp(output.low, output.high).to(torch.float32)


def multiply(integers: Tensor, multiplier: float) -> Tensor:
    """Multiply int64 integers by a number below 1 in fixed point of 31 bits, rounded twice, halves up.

    That is what TensorFlow Lite does on x86 processors.
    """
    fraction, exponent = math.frexp(multiplier)
    products = np.empty(integers.shape, np.int64)
    _multiply(integers.numpy().reshape(-1), round(fraction * (1 << 31)), -exponent, products.reshape(-1))
    return torch.from_numpy(products)


@njit(cache=True)
def _multiply(integers: np.ndarray, factor: int, shift: int, products: np.ndarray) -> None:
    half = (1 << shift) >> 1
    for i in range(integers.size):
        products[i] = (((integers[i] * factor + (1 << 30)) >> 31) + half) >> shift
