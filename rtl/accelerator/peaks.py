"""Maxima of the accelerator: what a pool has in the place of sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv

from silicodec.models.accelerator.program import LOWEST, PIXELS


@block
def peaks(clk: Any, taps: Sequence[Any], weights: Sequence[Any], step: Any, maxima: Sequence[Any]) -> Any:
    """Find the largest samples of the windows of eight pixels, over some steps, as `mac_array` sums up.

    Parameters
    ----------
    taps : 72 Signals of 8 bits
        Tap t of pixel p is number 8 * t + p, in two's complement; or 24 Signals.
    weights : 9 signed Signals
        Taps whose weight is 0 do not count; 3 Signals for 24 taps.
    step : ArrayStep
        Whether there is a step, and whether it is the first or the last one.
    maxima : 8 signed Signals of 8 bits
        Of each pixel: two cycles after its last step, until those of the next one.
    """
    counts = [Signal(bool(0)) for _ in weights]
    tests = [is_counted(*pair) for pair in zip(weights, counts, strict=True)]
    largest = [Signal(intbv(LOWEST, min=LOWEST, max=-LOWEST)) for _ in range(PIXELS)]
    windows = [largest_tap(clk, taps[p::PIXELS], counts, largest[p]) for p in range(PIXELS)]
    later = [Signal(bool(0)) for _ in range(3)]
    follow, follows_first, follows_last = later
    lanes = [hold_largest(clk, follow, follows_first, follows_last, largest[p], maxima[p]) for p in range(PIXELS)]

    @always(clk.posedge)
    def delay() -> None:
        follow.next = step.valid
        follows_first.next = step.first
        follows_last.next = step.last

    return instances()


@block
def is_counted(weight: Any, counted: Any) -> Any:
    """Tell whether a tap counts."""

    @always_comb
    def test() -> None:
        counted.next = weight != 0

    return instances()


@block
def largest_tap(clk: Any, taps: Sequence[Any], counts: Any, largest: Any) -> Any:
    """Find the largest tap of a window that counts, a cycle later."""
    chosen = [Signal(intbv(LOWEST, min=LOWEST, max=-LOWEST)) for _ in taps]
    choices = [choose_tap(*three) for three in zip(taps, counts, chosen, strict=True)]
    best = [Signal(intbv(LOWEST, min=LOWEST, max=-LOWEST)) for _ in chosen[1:]]
    # A tree: the numbers after those of the taps are the results of pairs.
    every = [*chosen, *best]
    pairs = [larger(every[2 * n], every[2 * n + 1], best[n]) for n in range(len(best))]
    last = best[-1]

    @always(clk.posedge)
    def store() -> None:
        largest.next = last

    return instances()


@block
def choose_tap(tap: Any, counted: Any, chosen: Any) -> Any:
    """Take a tap that counts, or else the lowest sample."""

    @always_comb
    def choose() -> None:
        chosen.next = LOWEST
        if counted:
            chosen.next = tap.signed()

    return instances()


@block
def larger(first: Any, second: Any, result: Any) -> Any:
    """Take the larger one of two."""

    @always_comb
    def compare() -> None:
        result.next = first
        if second > first:
            result.next = second

    return instances()


@block
def hold_largest(clk: Any, valid: Any, first: Any, last: Any, number: Any, maximum: Any) -> Any:
    """Find the largest of the numbers of some steps, and hold it after the last one."""
    kept, so_far = (Signal(intbv(LOWEST, min=LOWEST, max=-LOWEST)) for _ in range(2))

    @always_comb
    def compare() -> None:
        so_far.next = number
        if not first and kept > number:
            so_far.next = kept

    @always(clk.posedge)
    def store() -> None:
        if valid:
            kept.next = so_far
            if last:
                maximum.next = so_far

    return instances()


@block
def choose_result(maximum: Any, total: Any, peak: Any, result: Any) -> Any:
    """Take a pixel's maximum instead of its sum."""

    @always_comb
    def choose() -> None:
        result.next = total
        if maximum:
            result.next = peak

    return instances()
