"""Quantisation by powers of two, and folding: the hardware of `silicodec.models.dct.quantiser`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always_comb, block, instances, intbv, modbv

from silicodec.models.dct.modes import STEP_BITS
from silicodec.models.dct.tiles import MEAN_BITS, VALUE_BITS


@block
def quantiser(coefficients: Sequence[Any], first: Any, mode: Any, values: Sequence[Any], mean_low: Any) -> Any:
    """Quantise and fold a column of coefficients.

    Parameters
    ----------
    coefficients : 8 signed Signals of 12 bits
        With one fraction bit.
    first : Signal of bool
        It is a tile's first column, which holds its mean.
    mode : Signal of `MODE_BITS` bits
        As of `silicodec.models.dct.modes`.
    values : 8 Signals of `VALUE_BITS` bits
        Folded coefficients; of the mean the bits from `MEAN_BITS` up.
    mean_low : Signal of `MEAN_BITS` bits
        The others, 0 where there is no mean.
    """
    folded, mean = Signal(intbv(0)[VALUE_BITS:]), Signal(intbv(0)[VALUE_BITS:])
    quotient = Signal(intbv(0)[VALUE_BITS:])
    divided = [divider(coefficients[v], mode, folded if v == 0 else values[v]) for v in range(8)]
    dividend = Signal(intbv(0)[VALUE_BITS + 1 :])
    step = Signal(intbv(0)[STEP_BITS:])

    @always_comb
    def add_offset() -> None:
        dividend.next = coefficients[0][VALUE_BITS + 1 :]
        dividend.next[VALUE_BITS] = coefficients[0][VALUE_BITS] ^ mode[STEP_BITS + 1]
        step.next = mode[STEP_BITS:]

    @always_comb
    def divide() -> None:
        quotient.next = (((dividend >> step) + 1) >> 1) & (2**VALUE_BITS - 1)

    @always_comb
    def choose() -> None:
        mean.next = folded
        if mode[STEP_BITS]:
            mean.next = quotient

    @always_comb
    def split() -> None:
        values[0].next = folded
        mean_low.next = 0
        if first:
            values[0].next = mean >> MEAN_BITS
            mean_low.next = mean[MEAN_BITS:]

    return instances()


@block
def divider(coefficient: Any, mode: Any, folded: Any) -> Any:
    """Quantise and fold one coefficient."""
    top = VALUE_BITS - 1
    ones = (1 << top) - 1
    step = Signal(intbv(0)[STEP_BITS:])
    quotient = Signal(modbv(0)[VALUE_BITS:])
    value = Signal(intbv(0, min=-(1 << top), max=1 << top))

    @always_comb
    def read_step() -> None:
        step.next = mode[STEP_BITS:]

    @always_comb
    def divide() -> None:
        value.next = ((coefficient >> step) + 1) >> 1

    @always_comb
    def fold() -> None:
        folded.next = value[top:] << 1
        if value < 0:
            folded.next = ((value[top:] ^ ones) << 1) | 1

    return instances()


@block
def dequantiser(values: Sequence[Any], first: Any, mode: Any, coefficients: Sequence[Any]) -> Any:
    """Restore a column of coefficients.

    Parameters
    ----------
    values : 8 Signals of `VALUE_BITS` bits
        Folded.
    first : Signal of bool
        It is a tile's first column.
    mode : Signal of `MODE_BITS` bits
        As of `silicodec.models.dct.modes`.
    coefficients : 8 signed Signals of `VALUE_BITS` bits
        Restored.
    """
    step = Signal(intbv(0)[STEP_BITS:])
    unsigned, offset = (Signal(bool(0)) for _ in range(2))
    multipliers = [
        multiplier(values[v], unsigned if v == 0 else False, offset if v == 0 else False, step, coefficients[v])
        for v in range(8)
    ]

    @always_comb
    def read_mode() -> None:
        step.next = mode[STEP_BITS:]
        unsigned.next = first and mode[STEP_BITS]
        offset.next = first and mode[STEP_BITS + 1]

    return instances()


@block
def multiplier(folded: Any, unsigned: Any, offset: Any, step: Any, coefficient: Any) -> Any:
    """Unfold a value unless it is `unsigned`, multiply it by 2**step, and saturate the low 12 bits of the product."""
    top = VALUE_BITS
    ones = (2 << top) - 1
    value, product = (Signal(modbv(0)[VALUE_BITS + 1 :]) for _ in range(2))
    low, high = int(coefficient.min), int(coefficient.max) - 1

    @always_comb
    def unfold() -> None:
        value.next = folded[top:1]
        if unsigned:
            value.next = folded
        elif folded[0]:
            value.next = folded[top:1] ^ ones

    @always_comb
    def multiply() -> None:
        product.next = value << step

    if offset is False:

        @always_comb
        def saturate() -> None:
            coefficient.next = product[top:].signed()
            if product[top] and not product[top - 1]:
                coefficient.next = low
            elif product[top - 1] and not product[top]:
                coefficient.next = high

    else:
        shifted = Signal(modbv(0)[VALUE_BITS + 1 :])

        @always_comb
        def subtract() -> None:
            shifted.next = product
            if offset:
                shifted.next[top - 1] = not product[top - 1]
                shifted.next[top] = product[top] == product[top - 1]

        @always_comb
        def saturate() -> None:
            coefficient.next = shifted[top:].signed()
            if shifted[top] and not shifted[top - 1]:
                coefficient.next = low
            elif shifted[top - 1] and not shifted[top]:
                coefficient.next = high

    return instances()
