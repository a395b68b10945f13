"""Multiplication of integers by real numbers in fixed point, as TensorFlow Lite does it.

A real number is written ``factor * 2 ** -31 * 2 ** -shift`` with a factor of 31 bits. A product is rounded twice: after
the multiplication, halves up, and after the shift. There, TensorFlow Lite's matrix products and additions on x86
processors round halves up, and its other operators round them away from zero.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from torch import Tensor

FACTOR_BITS = 31
INT64_MAX = (1 << 63) - 1


@dataclass(frozen=True, eq=False)
class Multiplier:
    """One real number for all channels, or one for each.

    Attributes
    ----------
    factors : np.ndarray
        int64, (1,) or (channels,): 2 ** 30 .. 2 ** 31 - 1, or 0 for the number 0.
    shifts : np.ndarray
        int64, of the same shape: places to the right; negative ones are places to the left, before the multiplication.
    halves_away : bool
        Whether the second rounding takes halves away from zero, instead of up.
    """

    factors: np.ndarray
    shifts: np.ndarray
    halves_away: bool

    @classmethod
    def of(cls, numbers: Sequence[float], *, halves_away: bool = False) -> "Multiplier":
        """Write real numbers, none of them negative, in fixed point.

        Examples
        --------
        >>> multiplier = Multiplier.of([0.375])
        >>> multiplier.factors / 2**31, multiplier.shifts
        (array([0.75]), array([1]))
        """
        parts = [_fixed_point(number) for number in numbers]
        factors, shifts = (np.array(column, np.int64) for column in zip(*parts, strict=True))
        return cls(factors, shifts, halves_away)

    def apply(self, integers: Tensor, low: int = -INT64_MAX, high: int = INT64_MAX) -> Tensor:
        """Multiply, within bounds: integers of any type to int64 of the same shape.

        Where the number differs by channel, these are the second axis.
        """
        return torch.from_numpy(self._products(integers, low, high, np.int64))

    def apply_in_float(self, integers: Tensor, low: int, high: int) -> Tensor:
        """Multiply, within bounds, to integers in float32."""
        return torch.from_numpy(self._products(integers, low, high, np.float32))

    def _products(self, integers: Tensor, low: int, high: int, dtype: type) -> np.ndarray:
        values = np.ascontiguousarray(integers.numpy())
        products: np.ndarray = np.empty(values.shape, dtype)
        rows = (-1, math.prod(values.shape[2:])) if len(self.factors) > 1 else (1, -1)
        shifts = np.stack([np.maximum(-self.shifts, 0), np.maximum(self.shifts, 0)], axis=1)
        _multiply(values.reshape(rows), self.factors, shifts, self.halves_away, low, high, products.reshape(rows))
        return products


def _fixed_point(number: float) -> tuple[int, int]:
    fraction, exponent = math.frexp(number)
    factor = math.floor(fraction * (1 << FACTOR_BITS) + 0.5)
    if factor == 1 << FACTOR_BITS:
        factor, exponent = factor >> 1, exponent + 1
    return (0, 0) if exponent < -FACTOR_BITS else (factor, -exponent)


@njit(cache=True)
def _multiply(
    values: np.ndarray,
    factors: np.ndarray,
    shifts: np.ndarray,
    halves_away: bool,
    low: int,
    high: int,
    products: np.ndarray,
) -> None:
    for row in range(values.shape[0]):
        factor = factors[row % factors.size]
        left, right = shifts[row % factors.size]
        half = (1 << right) >> 1
        less = 1 if halves_away and right else 0
        for column in range(values.shape[1]):
            product = ((np.int64(values[row, column]) << left) * factor + (1 << (FACTOR_BITS - 1))) >> FACTOR_BITS
            products[row, column] = min(max((product + half - less * (product < 0)) >> right, low), high)
