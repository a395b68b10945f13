"""Tensors of a network in integers."""

import math
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Quantity:
    """A tensor: an integer q in the file stands for ``scale * (q - zero_point)``; computations hold q - zero_point.

    Attributes
    ----------
    number : int
        Number of the tensor.
    name : str
        The first of the operators that the tensor's name lists, without the network's name.
    shape : tuple of int
        Of one image: (C, H, W), or (C,) without height and width.
    dtype : str
        Type of q: ``uint8``, ``int8`` or ``int32``.
    scale, zero_point : float, int
        As above.
    low, high : int
        Bounds of q - zero_point.
    """

    number: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    low: int
    high: int

    def bounded(self, low: float, high: float) -> "Quantity":
        """Narrow the bounds to real numbers, as an activation function does."""
        lowest = self.low if math.isinf(low) else max(self.low, self._rounded(low))
        highest = self.high if math.isinf(high) else min(self.high, self._rounded(high))
        return replace(self, low=lowest, high=highest)

    def scale_over(self, other: "Quantity") -> float:
        """Divide the scales in float32, as TensorFlow Lite does in places."""
        return float(np.float32(self.scale) / np.float32(other.scale))

    def _rounded(self, number: float) -> int:
        quotient = float(np.float32(number) / np.float32(self.scale))
        return int(math.copysign(math.floor(abs(quotient) + 0.5), quotient))


def short_name(name: str) -> str:
    """Take the first of the operators that a tensor's name lists, without the network's name."""
    first = name.partition(";")[0]
    return first.partition("/")[2] or first
