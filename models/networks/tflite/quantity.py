"""Tensors of a network in integers."""

import math
from dataclasses import dataclass, replace

import numpy as np

ACTIVATIONS = {
    "NONE": (-math.inf, math.inf),
    "RELU": (0.0, math.inf),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}
"""Bounds that an activation function sets, by TensorFlow Lite's name of it."""


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
    activation : str
        Name of the activation function that ends its operator, or ``NONE``.
    """

    number: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    low: int
    high: int
    activation: str = "NONE"

    def bounded(self, activation: str) -> "Quantity":
        """Narrow the bounds to those of an activation function, a key of `ACTIVATIONS`."""
        low, high = ACTIVATIONS[activation]
        lowest = self.low if math.isinf(low) else max(self.low, self._rounded(low))
        highest = self.high if math.isinf(high) else min(self.high, self._rounded(high))
        return replace(self, low=lowest, high=highest, activation=activation)

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
