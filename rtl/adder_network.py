"""Adder networks, written as arithmetic: sums, differences and multiples by shifts and adds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv


@dataclass(frozen=True)
class AdderNetwork:
    """Adders and pipeline registers that arithmetic on its numbers calls for; a block has to instantiate them.

    Parameters
    ----------
    adders : list of tuple
        Arguments of each `adder`.
    offsets : list of tuple
        Arguments of each `offset`.
    registers : list of tuple
        Arguments of each `register` after its clock and enable.
    """

    adders: list[tuple[Any, ...]] = field(default_factory=list)
    offsets: list[tuple[Any, ...]] = field(default_factory=list)
    registers: list[tuple[Any, Any]] = field(default_factory=list)

    def number(self, signal: Any) -> Number:
        """Return what a signed signal holds."""
        return Number(self, signal)

    def delay(self, number: Number) -> Number:
        """Return a number a clock edge later."""
        later = signal(number.low, number.high)
        self.registers.append((number.signal, later))
        return replace(number, signal=later)


@dataclass(frozen=True)
class Number:
    """A number of an adder network: sign * signal * 2**shift. Signs and shifts cost no hardware."""

    network: AdderNetwork
    signal: Any
    sign: int = 1
    shift: int = 0

    @property
    def low(self) -> int:
        """Least value of the signal."""
        return int(self.signal.min)

    @property
    def high(self) -> int:
        """Largest value of the signal."""
        return int(self.signal.max) - 1

    def __lshift__(self, bits: int) -> Number:
        """Multiply by a power of two."""
        return replace(self, shift=self.shift + bits)

    def __neg__(self) -> Number:
        """Change the sign."""
        return replace(self, sign=-self.sign)

    def __add__(self, other: Number) -> Number:
        """Return the sum, by an adder or a subtractor."""
        a, b = (other, self) if self.sign < other.sign else (self, other)
        common = min(a.shift, b.shift)
        i, j = a.shift - common, b.shift - common
        if a.sign == b.sign:
            total = signal((a.low << i) + (b.low << j), (a.high << i) + (b.high << j))
        else:
            total = signal((a.low << i) - (b.high << j), (a.high << i) - (b.low << j))
        self.network.adders.append((a.signal, i, a.sign * b.sign, b.signal, j, total))
        return Number(self.network, total, a.sign, common)

    def plus(self, constant: int) -> Number:
        """Return the sum with a constant; the number's sign must be positive."""
        total = signal((self.low << self.shift) + constant, (self.high << self.shift) + constant)
        self.network.offsets.append((self.signal, self.shift, constant, total))
        return Number(self.network, total)

    def __sub__(self, other: Number) -> Number:
        """Return the difference."""
        return self + -other


def signal(low: int, high: int) -> Any:
    """Make a signal for numbers from `low` to `high`."""
    return Signal(intbv(0, min=low, max=high + 1))


def signed(bits: int) -> Any:
    """Make a signal for signed numbers of so many bits."""
    return signal(-1 << (bits - 1), (1 << (bits - 1)) - 1)


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
def offset(a: Any, i: int, constant: int, total: Any) -> Any:
    """Compute total = a * 2**i + constant."""

    @always_comb
    def add() -> None:
        total.next = (a << i) + constant

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
    total = signal((int(x.min) << up) + half, (int(x.max) << up) + half)
    top = min(down + len(y), len(total))

    @always_comb
    def add() -> None:
        total.next = (x << up) + half

    @always_comb
    def drop() -> None:
        y.next = total[top:down].signed()

    return instances()
