"""Quantisation by powers of two: the hardware of the tables in `silicodec.models.dct.codec`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from myhdl import Signal, always_comb, block, instances, intbv

from silicodec.models.dct.codec import DCT, LEVELS
from silicodec.rtl.blocks.adder_network import signal

MODE_BITS = 3
"""The level less one in two bits, and above whether no sample is negative."""


def mode_word(codec: DCT) -> int:
    """Return what an engine's `mode` stream says for a packet of this codec."""
    return codec.level - 1 | (not codec.signed) << 2


def step_table() -> np.ndarray:
    """Return base 2 logarithms of the quantisation steps, (8, 64): rows are vertical frequencies.

    A column is for a mode and a horizontal frequency, 8 * mode + u.
    """
    codecs = (DCT(level=level, signed=signed) for signed in (1, 0) for level in range(1, LEVELS + 1))
    return np.log2(np.concatenate([codec.steps for codec in codecs], axis=1)).astype(int)


@block
def quantiser(coefficients: Sequence[Any], number: Any, mode: Any, quantised: Sequence[Any]) -> Any:
    """Quantise a column of coefficients.

    Parameters
    ----------
    coefficients : 8 signed Signals of 12 bits
        With one fraction bit.
    number : Signal of 3 bits
        Number of the column, u.
    mode : Signal of 3 bits
        As `mode_word` gives it.
    quantised : 8 Signals of 8 bits
        In two's complement.
    """
    table = step_table()
    scalers = [scaler(coefficients[v], number, mode, quantised[v], steps=table[v], mean=v == 0) for v in range(8)]
    return instances()


@block
def scaler(coefficient: Any, number: Any, mode: Any, quantised: Any, *, steps: np.ndarray, mean: bool) -> Any:
    """Quantise one coefficient of a column: (coefficient + 2**step) >> (step + 1), saturated to 8 bits.

    Parameters
    ----------
    steps : ndarray of int
        Step by mode and column, as a row of `step_table`.
    mean : bool
        Whether the first column's coefficient is the tile's mean, which has no sign where no sample is negative.
    """
    bits = len(coefficient)
    least = int(steps.min())
    shifts = tuple(int(step) - least for step in steps)
    step = Signal(intbv(0, min=0, max=max(shifts) + 1))
    no_sign: Any = Signal(bool(0)) if mean else False
    rounded = signal(-1 << (bits - 2), 1 << (bits - 2))

    @always_comb
    def look_up() -> None:
        step.next = shifts[(mode << 3) | number]

    @always_comb
    def divide() -> None:
        rounded.next = (((coefficient >> least) >> step) + 1) >> 1

    if mean:

        @always_comb
        def read_sign() -> None:
            no_sign.next = mode[2] and number == 0

    @always_comb
    def saturate() -> None:
        quantised.next = rounded[8:]
        if no_sign:
            if rounded > 255:
                quantised.next = 255
        elif rounded > 127:
            quantised.next = 127
        elif rounded < -128:
            quantised.next = 128

    return instances()


@block
def dequantiser(quantised: Sequence[Any], number: Any, mode: Any, coefficients: Sequence[Any]) -> Any:
    """Restore a column of coefficients.

    Parameters
    ----------
    quantised : 8 Signals of 8 bits
        In two's complement.
    number : Signal of 3 bits
        Number of the column, u.
    mode : Signal of 3 bits
        As `mode_word` gives it.
    coefficients : 8 signed Signals of 11 bits
        Restored.
    """
    table = step_table()
    scalers = [multiplier(quantised[v], number, mode, coefficients[v], steps=table[v], mean=v == 0) for v in range(8)]
    return instances()


@block
def multiplier(quantised: Any, number: Any, mode: Any, coefficient: Any, *, steps: np.ndarray, mean: bool) -> Any:
    """Restore one coefficient of a column: quantised * 2**step, saturated.

    Parameters
    ----------
    steps : ndarray of int
        Step by mode and column, as a row of `step_table`.
    mean : bool
        Whether the first column's coefficient is the tile's mean, which has no sign where no sample is negative.
    """
    least = int(steps.min())
    shifts = tuple(int(step) - least for step in steps)
    step = Signal(intbv(0, min=0, max=max(shifts) + 1))
    value = signal(-256, 255)
    product = signal(-256 << int(steps.max()), 256 << int(steps.max()))
    low, high = int(coefficient.min), int(coefficient.max) - 1

    @always_comb
    def look_up() -> None:
        step.next = shifts[(mode << 3) | number]

    if mean:

        @always_comb
        def extend() -> None:
            value.next = quantised.signed()
            if mode[2] and number == 0:
                value.next = quantised

    else:

        @always_comb
        def extend() -> None:
            value.next = quantised.signed()

    @always_comb
    def multiply() -> None:
        product.next = (value << least) << step

    @always_comb
    def saturate() -> None:
        if product > high:
            coefficient.next = high
        elif product < low:
            coefficient.next = low
        else:
            coefficient.next = product

    return instances()
