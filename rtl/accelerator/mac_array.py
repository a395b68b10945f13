"""Multiply-accumulate array of the accelerator: groups x 8 pixels x 9 taps a cycle.

Taps are recoded to four digits of -2 .. 2 (Booth, radix 4) once for all channels, and each cell adds the 36 partial
products of its nine multiplications in one sum, so that there is one carry-propagate adder a cell, not one a product.
An FPGA has multipliers: there the cells have nine products and their sum instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv, modbv

from silicodec.models.accelerator.program import PIXELS, SUM_BITS, TAPS, WEIGHT_BITS

DOT_BITS = 8 + WEIGHT_BITS + (TAPS - 1).bit_length()
DIGITS = 4
ROW_BITS = WEIGHT_BITS + 1
"""Width of a partial product: of a weight or twice that."""
SIGN = 1 << (ROW_BITS - 1)
OFFSET = -TAPS * sum(SIGN << (2 * digit) for digit in range(DIGITS)) % (1 << DOT_BITS)
"""What is to be added for the signs of all partial products, which are inverted and taken as unsigned."""


class DotStep:
    """The array's flags of a step: `valid` with the taps; the others with the sums of products, a cycle later."""

    def __init__(self, valid: Any) -> None:
        self.valid = valid
        self.dot_valid: Any = Signal(bool(0))
        self.dot_first: Any = Signal(bool(0))
        self.dot_last: Any = Signal(bool(0))


class TapDigits:
    """Digits of the taps.

    Attributes
    ----------
    taps, codes : 72 Signals of 8 bits
        Of each tap, digit k is 1 or -1 if bit 2 k of its code is set, 2 or -2 if bit 2 k + 1 is, and negative if bit
        2 k + 1 of the tap itself is set.
    negatives : list of 3 Signals of 8 bits
        Of each pixel, three numbers whose sum is that of 4 ** k over all negative digits k.
    """

    def __init__(self, taps: Sequence[Any]) -> None:
        self.taps = taps
        self.codes = [Signal(intbv(0)[2 * DIGITS :]) for _ in taps]
        self.negatives = [[Signal(intbv(0)[2 * DIGITS :]) for _ in range(TAPS // 3)] for _ in range(PIXELS)]


@block
def mac_array(
    clk: Any,
    taps: Sequence[Any],
    weights: Sequence[Any],
    valid: Any,
    first: Any,
    last: Any,
    sums: Sequence[Any],
    *,
    groups: int,
    products: bool = False,
) -> Any:
    """Multiply the windows of eight pixels by the weights of some output channels, and add up over steps.

    Parameters
    ----------
    taps : 72 Signals of 8 bits
        Tap t of pixel p is number 8 * t + p, in two's complement. With `products` there may be fewer taps than 9.
    weights : 9 * groups signed Signals of 9 bits
        Weight of tap t for channel g is number 9 * g + t.
    valid, first, last : Signal of bool
        Whether `taps` and `weights` are a step; the first or the last one of a sum.
    sums : 8 * groups signed Signals of 28 bits
        Sum of channel g and pixel p is number 8 * g + p: two cycles after its last step, until those of the next one.
    groups : int
        Output channels that are computed at once.
    products : bool
        Whether cells have products, for the multipliers of an FPGA, instead of digits.
    """
    count = len(taps) // PIXELS
    if len(weights) != count * groups or len(sums) != PIXELS * groups:
        raise ValueError(f"groups must be {len(weights) // count} and {len(sums) // PIXELS}, not {groups}")
    if count != TAPS and not products:
        raise ValueError(f"digits are of {TAPS} taps, not of {count}")

    digits, step = TapDigits(taps), DotStep(valid)
    if not products:
        recoders = [recode(taps[n], digits.codes[n]) for n in range(TAPS * PIXELS)]
        counters = [
            count_negative(*taps[PIXELS * 3 * n + p : PIXELS * 3 * (n + 1) : PIXELS], digits.negatives[p][n])
            for p in range(PIXELS)
            for n in range(TAPS // 3)
        ]
    cells = [
        mac_cell(clk, digits, weights, step, sums[PIXELS * g + p], group=g, pixel=p, products=products)
        for g in range(groups)
        for p in range(PIXELS)
    ]

    @always(clk.posedge)
    def delay() -> None:
        step.dot_valid.next = valid
        step.dot_first.next = first
        step.dot_last.next = last

    return instances()


@block
def recode(tap: Any, code: Any) -> Any:
    """Recode a number of 8 bits in two's complement to four digits."""
    change = Signal(intbv(0)[2 * DIGITS :])

    @always_comb
    def compare() -> None:
        change.next = (tap ^ (tap << 1)) & 0xFF

    @always_comb
    def choose() -> None:
        code.next = change & (((change << 1) & 0xAA) ^ 0xFF)

    return instances()


@block
def count_negative(first: Any, second: Any, third: Any, count: Any) -> Any:
    """Count the negative digits of three taps: those of digit k in bits 2 k and 2 k + 1."""

    @always_comb
    def add() -> None:
        count.next = ((first >> 1) & 0x55) + ((second >> 1) & 0x55) + ((third >> 1) & 0x55)

    return instances()


@block
def mac_cell(
    clk: Any, digits: TapDigits, weights: Sequence[Any], step: DotStep, result: Any, *, group: int, pixel: int,
    products: bool,
) -> Any:  # fmt: skip
    """Multiply the taps of one pixel by the weights of one channel, and add up over steps."""
    taps, codes, count = digits.taps, digits.codes, len(digits.taps) // PIXELS
    (negative0, negative1, negative2) = digits.negatives[pixel]
    dot = Signal(intbv(0, min=-(1 << (DOT_BITS - 1)), max=1 << (DOT_BITS - 1)))
    total = Signal(intbv(0, min=-(1 << (SUM_BITS - 1)), max=1 << (SUM_BITS - 1)))
    valid, dot_valid, dot_first, dot_last = step.valid, step.dot_valid, step.dot_first, step.dot_last

    if products:

        @always(clk.posedge)
        def multiply() -> None:
            products_sum = intbv(0, min=-(1 << (DOT_BITS - 1)), max=1 << (DOT_BITS - 1))
            if valid:
                products_sum[:] = 0
                for t in range(count):
                    products_sum[:] = products_sum + taps[PIXELS * t + pixel].signed() * weights[count * group + t]
                dot.next = products_sum
    else:

        @always(clk.posedge)
        def multiply() -> None:
            weight = modbv(0)[ROW_BITS:]
            row = modbv(0)[ROW_BITS:]
            products = modbv(0)[DOT_BITS:]
            if valid:
                products[:] = negative0 + negative1 + negative2 + OFFSET
                for t in range(TAPS):
                    weight[:] = weights[TAPS * group + t]
                    for k in range(DIGITS):
                        row[:] = 0
                        if codes[PIXELS * t + pixel][2 * k]:
                            row[:] = weight
                        if codes[PIXELS * t + pixel][2 * k + 1]:
                            row[:] = row | (weight << 1)
                        if taps[PIXELS * t + pixel][2 * k + 1]:
                            row[:] = ~row
                        products[:] = products + ((row ^ SIGN) << (2 * k))
                dot.next = products.signed()

    @always(clk.posedge)
    def accumulate() -> None:
        if dot_valid:
            if dot_first:
                total.next = dot
            else:
                total.next = total + dot
            if dot_last:
                if dot_first:
                    result.next = dot
                else:
                    result.next = total + dot

    return instances()
