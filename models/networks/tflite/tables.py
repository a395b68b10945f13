"""Functions of single 8-bit values, as tables of all their results."""

import numpy as np
import torch

from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.tflite.arithmetic import Multiplier
from silicodec.models.networks.tflite.quantity import Quantity

HIGH_RESOLUTION_BITS = 7
"""Places by which the hard swish shifts its input to the left, in 16 bits."""
FRACTION_BITS = 15
LIMIT = (1 << FRACTION_BITS) - 1


def rescaling(source: Quantity, output: Quantity, ratio: float) -> np.ndarray:
    """Make the table of a change of scale by `ratio`, within the output's bounds; int16."""
    multiplier = Multiplier.of([ratio], halves_away=True)
    values = multiplier.apply(torch.arange(source.low, source.high + 1), output.low, output.high)
    return values.numpy().astype(np.int16)


def hard_swish(source: Quantity, output: Quantity) -> np.ndarray:
    """Make the table of x * min(max(x + 3, 0), 6) / 6, in the 16-bit fixed point of TensorFlow Lite; int16.

    Raises
    ------
    NetworkError
        Where the output's scale is too fine for it.
    """
    fine_scale = np.float32(1 / 128) * np.float32(source.scale)
    factor, shift = _narrow(float(fine_scale / np.float32(output.scale)))
    gate_factor, gate_shift = _narrow(float(fine_scale / np.float32(3 / 32768)))
    if shift < 0:
        raise NetworkError(f"{output.name} with a scale too fine for a hard swish")
    values = np.arange(source.low, source.high + 1, dtype=np.int64) << HIGH_RESOLUTION_BITS
    gate = values
    if gate_shift < 0:
        gate = (gate << (-gate_shift - 1)).clip(-LIMIT - 1, LIMIT)
    gate = _high_product(gate, gate_factor)
    if gate_shift < 0:
        gate = (gate << 1).clip(-LIMIT - 1, LIMIT)
    elif gate_shift > 0:
        gate = _halves_away(gate, gate_shift)
    gate = (gate + (1 << FRACTION_BITS)) >> 1
    products = gate * _high_product(values, factor)
    truncated = np.sign(products) * (np.abs(products) >> FRACTION_BITS)
    return _halves_away(truncated, shift).clip(output.low, output.high).astype(np.int16)


def _narrow(number: float) -> tuple[int, int]:
    """Write a number as ``factor * 2 ** -15 * 2 ** -shift``."""
    multiplier = Multiplier.of([number])
    return min((int(multiplier.factors[0]) + (1 << 15)) >> 16, LIMIT), int(multiplier.shifts[0])


def _high_product(values: np.ndarray, factor: int) -> np.ndarray:
    return (values * factor + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS


def _halves_away(values: np.ndarray, shift: int) -> np.ndarray:
    return np.sign(values) * ((np.abs(values) + ((1 << shift) >> 1)) >> shift)
