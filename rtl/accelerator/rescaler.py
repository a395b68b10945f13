"""Multiplication by a fixed-point factor with TensorFlow Lite's two roundings, cut by registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv

from silicodec.models.accelerator.arithmetic import FACTOR_BITS
from silicodec.models.accelerator.program import SUM_BITS

VALUE_BITS = SUM_BITS + 1
"""Bits of what is multiplied, signed."""
SCALED_BITS = VALUE_BITS + 1
"""Bits of a product with a factor below 2**32, signed, after its first rounding."""
SPLIT = 16
"""Low bits of the factor, which have a product of their own."""
LONGEST_SHIFT = 31
"""A shift by more gives 0, too."""


def signed(bits: int) -> Any:
    """Make a signal in two's complement."""
    return Signal(intbv(0, min=-(1 << (bits - 1)), max=1 << (bits - 1)))


@block
def rescaler(
    clk: Any, values: Sequence[Any], factor: Any, shift: Any, away: Any, scaled: Sequence[Any], *, cycles: int
) -> Any:
    """Multiply some values by factor / 2**(31 + shift), as `docs/formats/accelerator.md` defines.

    Parameters
    ----------
    values : signed Signals of 29 bits
        What is multiplied.
    factor, shift : Signal of 32 and 6 bits
        For all of them.
    away : Signal of bool
        The second rounding takes halves of negative numbers down instead of up.
    scaled : signed Signals of 30 bits
        The results, `cycles` later.
    cycles : int
        At least 3.
    """
    if cycles < 3:
        raise ValueError(f"cycles must be at least 3, not {cycles}")
    count = len(values)
    low_products = [signed(VALUE_BITS + SPLIT) for _ in range(count)]
    high_products = [signed(VALUE_BITS + SPLIT) for _ in range(count)]
    rounded = [signed(SCALED_BITS) for _ in range(count)]
    results = [signed(SCALED_BITS) for _ in range(count * (cycles - 2))]

    delayed = len(results)
    first_shift, second_shift = (Signal(intbv(0)[5:]) for _ in range(2))
    first_away = Signal(bool(0))
    half, negative_half = (Signal(intbv(0)[31:]) for _ in range(2))

    @always(clk.posedge)
    def multiply() -> None:
        # A list's items lose their sign where they meet unsigned numbers in Verilog; variables keep it.
        multiplicand = intbv(0, min=-(1 << (VALUE_BITS - 1)), max=1 << (VALUE_BITS - 1))
        for n in range(count):
            multiplicand[:] = values[n]
            low_products[n].next = multiplicand * factor[SPLIT:]
            high_products[n].next = multiplicand * factor[32:SPLIT]
        first_shift.next = shift[5:]
        if shift[5]:
            first_shift.next = LONGEST_SHIFT
        first_away.next = away

    @always(clk.posedge)
    def add() -> None:
        whole_product = intbv(0, min=-(1 << 61), max=1 << 61)
        rounding_bit = intbv(0)[32:]
        for n in range(count):
            whole_product[:] = (high_products[n] << SPLIT) + low_products[n] + (1 << (FACTOR_BITS - 1))
            rounded[n].next = whole_product >> FACTOR_BITS
        rounding_bit[:] = 1 << first_shift
        rounding_bit[:] = rounding_bit >> 1
        half.next = rounding_bit
        negative_half.next = rounding_bit
        if first_away and first_shift != 0:
            negative_half.next = rounding_bit - 1
        second_shift.next = first_shift

    @always(clk.posedge)
    def shift_right() -> None:
        sum_of_half = intbv(0, min=-(1 << (SCALED_BITS + 1)), max=1 << (SCALED_BITS + 1))
        for n in range(count):
            sum_of_half[:] = rounded[n]
            if sum_of_half < 0:
                sum_of_half[:] = sum_of_half + negative_half
            else:
                sum_of_half[:] = sum_of_half + half
            results[n].next = sum_of_half >> second_shift
        for n in range(count, delayed):
            results[n].next = results[n - count]

    oldest = delayed - count

    @always_comb
    def show() -> None:
        for n in range(count):
            scaled[n].next = results[oldest + n]

    return instances()
