"""Adder networks: sums, differences and multiples by constants, with widths computed from ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv

Step = tuple[int, int, int, int, int]
"""(a, i, sign, b, j): from the multiples a and b to a * 2**i + sign * b * 2**j."""


class AdderNetwork:
    """A list of adders and pipeline registers, for a block to instantiate with `adder` and `register`.

    Attributes
    ----------
    adders : list of tuple
        Arguments of each `adder`.
    registers : list of tuple
        Arguments of each `register` after its clock and enable.
    """

    def __init__(self) -> None:
        self.adders: list[tuple[Any, ...]] = []
        self.registers: list[tuple[Any, Any]] = []

    def add(self, a: Any, b: Any, i: int = 0, j: int = 0) -> Any:
        """Return a * 2**i + b * 2**j."""
        total = signal((a.min << i) + (b.min << j), (highest(a) << i) + (highest(b) << j))
        self.adders.append((a, i, 1, b, j, total))
        return total

    def subtract(self, a: Any, b: Any, i: int = 0, j: int = 0) -> Any:
        """Return a * 2**i - b * 2**j."""
        difference = signal((a.min << i) - (highest(b) << j), (highest(a) << i) - (b.min << j))
        self.adders.append((a, i, -1, b, j, difference))
        return difference

    def multiples(self, known: dict[int, Any], steps: Sequence[Step]) -> dict[int, Any]:
        """Return multiples of a number by their factors: the known ones, and those that the steps lead to."""
        found = dict(known)
        for a, i, sign, b, j in steps:
            combine = self.add if sign > 0 else self.subtract
            found[(a << i) + sign * (b << j)] = combine(found[a], found[b], i, j)
        return found

    def delay(self, x: Any) -> Any:
        """Return `x` a clock edge later."""
        later = signal(x.min, highest(x))
        self.registers.append((x, later))
        return later


def signal(low: int, high: int) -> Any:
    """Make a signal for numbers from `low` to `high`."""
    return Signal(intbv(0, min=low, max=high + 1))


def signed(bits: int) -> Any:
    """Make a signal for signed numbers of so many bits."""
    return signal(-1 << (bits - 1), (1 << (bits - 1)) - 1)


def highest(x: Any) -> int:
    """Return the largest number that a signal holds."""
    return int(x.max) - 1


@block
def adder(a: Any, i: int, sign: int, b: Any, j: int, total: Any) -> Any:
    """Compute total = a * 2**i + sign * b * 2**j; `sign` is 1 or -1."""
    if sign > 0:

        @always_comb
        def add() -> None:
            total.next = (a << i) + (b << j)

    else:

        @always_comb
        def subtract() -> None:
            total.next = (a << i) - (b << j)

    return instances()


@block
def register(clk: Any, enable: Any, x: Any, later: Any) -> Any:
    """Take `x` over where `enable` is high."""
    bits = len(later)
    hold = Signal(bool(0))
    kept = Signal(intbv(0)[bits:])

    @always_comb
    def invert() -> None:
        hold.next = not enable

    # Written as gates: an enable that synthesis recognises takes larger flip-flops, and its net is not buffered.
    @always(clk.posedge)
    def store() -> None:
        for i in range(bits):
            kept.next[i] = (enable and x[i]) or (hold and kept[i])

    if later.min < 0:

        @always_comb
        def read_signed() -> None:
            later.next = kept.signed()

    else:

        @always_comb
        def read() -> None:
            later.next = kept

    return instances()


@block
def round_off(x: Any, up: int, half: int, down: int, y: Any) -> Any:
    """Compute y = (x * 2**up + half) >> down, as many bits of it as `y` has."""
    total = signal((x.min << up) + half, (highest(x) << up) + half)
    top = min(down + len(y), len(total))

    @always_comb
    def add() -> None:
        total.next = (x << up) + half

    @always_comb
    def drop() -> None:
        y.next = total[top:down].signed()

    return instances()
