"""Multiply-accumulate array of the accelerator: groups x 8 pixels x 9 taps a cycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always, block, instances, intbv

from silicodec.models.accelerator.program import PIXELS, SUM_BITS, TAPS, WEIGHT_BITS

DOT_BITS = 8 + WEIGHT_BITS + (TAPS - 1).bit_length()


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
) -> Any:
    """Multiply the windows of eight pixels by the weights of some output channels, and add up over steps.

    Parameters
    ----------
    taps : 72 Signals of 8 bits
        Tap t of pixel p is number 8 * t + p, in two's complement.
    weights : 9 * groups signed Signals of 9 bits
        Weight of tap t for channel g is number 9 * g + t.
    valid, first, last : Signal of bool
        Whether `taps` and `weights` are a step; the first or the last one of a sum.
    sums : 8 * groups signed Signals of 28 bits
        Sum of channel g and pixel p is number 8 * g + p: two cycles after its last step, until those of the next one.
    groups : int
        Output channels that are computed at once.
    """
    if len(weights) != TAPS * groups or len(sums) != PIXELS * groups:
        raise ValueError(f"groups must be {len(weights) // TAPS} and {len(sums) // PIXELS}, not {groups}")

    dots = [Signal(intbv(0, min=-(1 << (DOT_BITS - 1)), max=1 << (DOT_BITS - 1))) for _ in range(PIXELS * groups)]
    totals = [Signal(intbv(0, min=-(1 << (SUM_BITS - 1)), max=1 << (SUM_BITS - 1))) for _ in range(PIXELS * groups)]
    dot_valid, dot_first, dot_last = (Signal(bool(0)) for _ in range(3))

    @always(clk.posedge)
    def multiply() -> None:
        for g in range(groups):
            for p in range(PIXELS):
                dots[PIXELS * g + p].next = (
                    taps[p].signed() * weights[TAPS * g]
                    + taps[PIXELS + p].signed() * weights[TAPS * g + 1]
                    + taps[2 * PIXELS + p].signed() * weights[TAPS * g + 2]
                    + taps[3 * PIXELS + p].signed() * weights[TAPS * g + 3]
                    + taps[4 * PIXELS + p].signed() * weights[TAPS * g + 4]
                    + taps[5 * PIXELS + p].signed() * weights[TAPS * g + 5]
                    + taps[6 * PIXELS + p].signed() * weights[TAPS * g + 6]
                    + taps[7 * PIXELS + p].signed() * weights[TAPS * g + 7]
                    + taps[8 * PIXELS + p].signed() * weights[TAPS * g + 8]
                )
        dot_valid.next = valid
        dot_first.next = first
        dot_last.next = last

    @always(clk.posedge)
    def accumulate() -> None:
        for n in range(PIXELS * groups):
            if dot_valid:
                if dot_first:
                    totals[n].next = dots[n]
                else:
                    totals[n].next = totals[n] + dots[n]
                if dot_last:
                    if dot_first:
                        sums[n].next = dots[n]
                    else:
                        sums[n].next = totals[n] + dots[n]

    return instances()
