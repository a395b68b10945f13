"""A lane of the requantiser: what it multiplies, the product rounded twice, and the sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv, modbv

from silicodec.models.accelerator.arithmetic import ADD_SHIFT, FACTOR_BITS
from silicodec.models.accelerator.program import SUM_BITS
from silicodec.rtl.accelerator.layer import LayerSignals

NUMBER_BITS = SUM_BITS + 1
HALF = 1 << (NUMBER_BITS - 1)
PART_BITS = 16
"""A factor is multiplied in two parts of so many bits."""


@block
def lane_input(
    layer: LayerSignals, phase: Any, total: Any, bias: Any, own: Any, late_own: Any, other: Any, inner: Any,
    inner_up: Any, number: Any,
) -> Any:  # fmt: skip
    """Choose what a lane multiplies.

    Parameters
    ----------
    phase : Signal
        0: the sum and its bias; 1: the operand of the smaller scale; 2: the other one and the product of phase 1.
    total, bias : Signal
        As they say.
    own, late_own : Signal of 8 bits
        The layer's own sample, in phase 1 and in phase 2.
    other : Signal of 8 bits
        The residual's sample.
    inner, inner_up : Signal
        The product of phase 1, in phase 2: rounded down, and what is to be added.
    number : Signal
        What to multiply.
    """
    fine, coarse = (Signal(intbv(0, min=-256, max=256)) for _ in range(2))

    @always_comb
    def subtract() -> None:
        if layer.swap:
            fine.next = own.signed() - layer.conv_zero.signed()
            coarse.next = other.signed() - layer.residual_zero.signed()
        else:
            fine.next = other.signed() - layer.residual_zero.signed()
            coarse.next = late_own.signed() - layer.conv_zero.signed()

    @always_comb
    def choose() -> None:
        if phase == 0:
            number.next = total + bias.signed()
        elif phase == 1:
            number.next = fine << ADD_SHIFT
        else:
            number.next = (coarse << (ADD_SHIFT - 1)) + inner + inner_up

    return instances()


@block
def lane(clk: Any, number: Any, factor: Any, shift: Any, away: Any, scaled: Any, up: Any) -> Any:
    """Multiply, and round twice; the result comes four cycles after the number.

    Parameters
    ----------
    number : signed Signal
        What to multiply.
    factor : Signal of 32 bits
        The factor, a cycle later.
    shift, away : Signal
        Places to the right, and whether halves are rounded away from zero, three cycles later.
    scaled, up : signed Signal
        The result, rounded down, and 1 where that is to be added, otherwise 0.
    """
    kept = Signal(modbv(0, min=-HALF, max=HALF))
    limit = HALF << PART_BITS
    low_product, high_product = (Signal(intbv(0, min=-limit, max=limit)) for _ in range(2))
    product = Signal(intbv(0, min=-(1 << (NUMBER_BITS + 33)), max=1 << (NUMBER_BITS + 33)))
    rounded = Signal(modbv(0, min=-2 * HALF, max=2 * HALF))
    stages = len(shift)

    @always(clk.posedge)
    def multiply() -> None:
        kept.next = number
        low_product.next = kept * factor[PART_BITS:]
        high_product.next = kept * factor[2 * PART_BITS : PART_BITS]

    @always_comb
    def add() -> None:
        product.next = (high_product << PART_BITS) + low_product + (1 << (FACTOR_BITS - 1))

    @always(clk.posedge)
    def round_once() -> None:
        rounded.next = product >> FACTOR_BITS

    @always(clk.posedge)
    def round_twice() -> None:
        # Below what is left stands the bit of a half; halves of negative numbers are rounded down if `away`.
        moved = modbv(0, min=-4 * HALF, max=4 * HALF)
        more = modbv(0)[1:]
        moved[:] = rounded << 1
        more[:] = 0
        for stage in range(stages):
            if shift[stage]:
                if (moved & ((1 << (1 << stage)) - 1)) != 0:
                    more[:] = 1
                moved[:] = moved >> (1 << stage)
        scaled.next = moved >> 1
        up.next = moved[0] and (more != 0 or not away or rounded >= 0)

    return instances()


class Limits:
    """The zero point and the bounds of samples, and how far the zero point is from each bound."""

    def __init__(self) -> None:
        self.zero, self.low, self.high = (Signal(intbv(0, min=-128, max=128)) for _ in range(3))
        self.zero_less_low, self.zero_less_high = (Signal(intbv(0, min=-256, max=256)) for _ in range(2))


@block
def clamp(scaled: Any, up: Any, limits: Limits, sample: Any) -> Any:
    """Add what rounding left and a zero point, and limit to bounds, which are compared at the same time."""
    moved, above_low, above_high = (Signal(intbv(0, min=-2 * HALF, max=2 * HALF)) for _ in range(3))

    @always_comb
    def move() -> None:
        moved.next = scaled + limits.zero + up
        above_low.next = scaled + limits.zero_less_low + up
        above_high.next = scaled + limits.zero_less_high + up

    @always_comb
    def limit() -> None:
        if above_low < 0:
            sample.next = limits.low[8:]
        elif above_high >= 0:
            sample.next = limits.high[8:]
        else:
            sample.next = moved[8:]

    return instances()


@block
def choose_sum(index: Any, sums: Sequence[Any], total: Any) -> Any:
    """Choose one of up to eight sums."""
    (one0, one1, one2, one3, one4, one5, one6, one7) = (*sums, *[sums[-1]] * (8 - len(sums)))

    @always_comb
    def choose() -> None:
        if index == 0:
            total.next = one0
        elif index == 1:
            total.next = one1
        elif index == 2:
            total.next = one2
        elif index == 3:
            total.next = one3
        elif index == 4:
            total.next = one4
        elif index == 5:
            total.next = one5
        elif index == 6:
            total.next = one6
        else:
            total.next = one7

    return instances()


@block
def take_byte(word: Any, byte: Any, *, low: int) -> Any:
    """Take a byte of a word."""

    @always_comb
    def take() -> None:
        byte.next = word[low + 8 : low]

    return instances()
