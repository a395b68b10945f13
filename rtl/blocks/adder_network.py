"""Adder networks, written as arithmetic: sums, differences and multiples by shifts and adds.

Synthesis makes ripple adders of long words. A network may therefore be cut at a bit: what lies above is added a clock
edge later than what lies below, and a carry between waits in a flip-flop. Adders in a row then take as long as adders
of half the length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from myhdl import Signal, always, always_comb, block, concat, instances, intbv


@dataclass(frozen=True)
class Network:
    """Adders and registers that arithmetic on its numbers calls for; a block has to build them.

    What is added up twice, or delayed twice, is made once.

    Parameters
    ----------
    clk, advance : Signal of bool
        Clock and enable of the registers.
    parts : list of tuple
        Blocks to build, each with its arguments.
    """

    clk: Any
    advance: Any
    parts: list[tuple[Callable[..., Any], tuple[Any, ...]]] = field(default_factory=list)
    _later: dict[int, Any] = field(default_factory=dict)

    def later(self, source: Any) -> Any:
        """Return a signal that follows another one a clock edge later."""
        if id(source) not in self._later:
            self._later[id(source)] = Signal(intbv(0, min=int(source.min), max=int(source.max)))
            self.parts.append((register, (self.clk, self.advance, source, self._later[id(source)])))
        return self._later[id(source)]

    def total(self, a: Any, b: Any, low: int, high: int) -> Any:
        """Return value * 2**shift of `a`, and of `b` added or subtracted by their signs, from `low` to `high`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Number:
    """A number of an adder network: sign * value * 2**shift. Signs and shifts cost no adders.

    Parameters
    ----------
    network : Network
        Where it belongs.
    low, high : int
        Least and largest value.
    """

    network: Any
    low: int
    high: int
    sign: int = 1
    shift: int = 0

    def __lshift__(self, bits: int) -> Self:
        """Multiply by a power of two."""
        return replace(self, shift=self.shift + bits)

    def __neg__(self) -> Self:
        """Change the sign."""
        return replace(self, sign=-self.sign)

    def __add__(self, other: Self) -> Self:
        """Return the sum, by an adder or a subtractor."""
        a, b = (other, self) if self.sign < other.sign else (self, other)
        shift = min(a.shift, b.shift)
        i, j = a.shift - shift, b.shift - shift
        if a.sign == b.sign:
            low, high = (a.low << i) + (b.low << j), (a.high << i) + (b.high << j)
        else:
            low, high = (a.low << i) - (b.high << j), (a.high << i) - (b.low << j)
        return self.network.total(a, b, low, high)

    def __sub__(self, other: Self) -> Self:
        """Return the difference."""
        return self + -other


@dataclass(frozen=True)
class AdderNetwork(Network):
    """Adders, cut once or not at all, and pipeline registers.

    Parameters
    ----------
    cut : int
        Bits of the low part of every number; 0 leaves numbers whole.
    """

    cut: int = 0
    _sums: dict[tuple[int, ...], tuple[Any, Any]] = field(default_factory=dict)

    def number(self, value: Any) -> CutNumber:
        """Return what a signed signal holds."""
        low, high = int(value.min), int(value.max) - 1
        if not self.cut:
            return CutNumber(self, low, high, above=value)
        if len(value) <= self.cut:
            extended = signed(self.cut + 1)
            self.parts.append((drive, (value, extended)))
            value = extended
        below, above = Signal(intbv(0)[self.cut :]), self.above(low, high)
        self.parts.append((take, (value, 0, below)))
        self.parts.append((take, (self.later(value), self.cut, above)))
        return CutNumber(self, low, high, below=below, above=above)

    def above(self, low: int, high: int) -> Any:
        """Make a signal for the high part of numbers from `low` to `high`."""
        return signed(1 + max((~low >> self.cut).bit_length(), (high >> self.cut).bit_length()))

    def total(self, a: Any, b: Any, low: int, high: int) -> CutNumber:
        """Add, as a network does."""
        shift, sign = min(a.shift, b.shift), a.sign * b.sign
        i, j = a.shift - shift, b.shift - shift
        key = (id(a.above), i, sign, id(b.above), j)
        if key not in self._sums:
            self._sums[key] = a.combined(i, sign, b, j, self.above(low, high))
        below, above = self._sums[key]
        return CutNumber(self, low, high, a.sign, shift, below=below, above=above)

    def delay(self, number: CutNumber) -> CutNumber:
        """Return a number a clock edge later."""
        below = None if number.below is None else self.later(number.below)
        return replace(number, below=below, above=self.later(number.above))

    def adders(self) -> int:
        """Return the number of adders and subtractors."""
        return sum(part in (adder, adder_above) for part, _ in self.parts)


@dataclass(frozen=True)
class CutNumber(Number):
    """A number in two parts, or whole.

    Parameters
    ----------
    below, above : Signal
        Parts of the value, the high one a clock edge later than the low one, which may have a carry or borrow above its
        `cut` bits; None and the whole value.
    """

    below: Any = None
    above: Any = None

    def combined(self, i: int, sign: int, other: CutNumber, j: int, above: Any) -> tuple[Any, Any]:
        """Compute value * 2**i + sign * value * 2**j of two numbers; return the parts of the result."""
        network, cut = self.network, self.network.cut
        if not cut:
            network.parts.append((adder, (self.above, i, sign, other.above, j, above)))
            return None, above
        below = signal(0, (2 << cut) - 1) if sign > 0 else signal(-1 << cut, (1 << cut) - 1)
        x, y, carry = self.aligned(i), other.aligned(j), network.later(below)
        network.parts.append((adder_below, (self.below, i, sign, other.below, j, cut, below)))
        network.parts.append((adder_above, (x, sign, y, carry, cut, above)))
        return below, above

    def from_bit(self, bit: int, bits: int) -> tuple[Any, int]:
        """Return a signal, and its first bit that counts, for the number without what is below a bit.

        It has more than `bits` bits if the number has.
        """
        bottom = bit - self.shift - self.network.cut
        return (self.above, bottom) if bottom >= 0 else (self.aligned(-bottom), 0)

    def aligned(self, shift: int) -> Any:
        """Return the high part of the value times 2**shift."""
        if not shift:
            return self.above
        above = signed(len(self.above) + shift)
        self.network.parts.append((align, (self.above, self.network.later(self.below), self.network.cut, shift, above)))
        return above


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
def adder_below(a: Any, i: int, sign: int, b: Any, j: int, cut: int, total: Any) -> Any:
    """Compute a * 2**i + sign * b * 2**j up to a cut, with the carry or borrow above."""
    a_bits, b_bits = cut - i, cut - j
    if sign > 0:

        @always_comb
        def add() -> None:
            total.next = (a[a_bits:] << i) + (b[b_bits:] << j)

    else:

        @always_comb
        def subtract() -> None:
            total.next = (a[a_bits:] << i) - (b[b_bits:] << j)

    return instances()


@block
def adder_above(a: Any, sign: int, b: Any, below: Any, cut: int, above: Any) -> Any:
    """Compute above = a + sign * (b + carry), with the carry or borrow that `below` has at a cut.

    The carry comes in behind the last bits, where it takes no second adder.
    """
    a_bits, b_bits = len(a), len(b)
    b_carried = Signal(intbv(0)[b_bits + 1 :])
    total = signed(2 + max(a_bits, b_bits))
    top = min(len(above) + 1, len(total))

    @always_comb
    def carry_to_b() -> None:
        b_carried.next = concat(b[b_bits:], below[cut])

    if sign > 0:
        a_carried = Signal(intbv(0)[a_bits + 1 :])

        @always_comb
        def carry_to_a() -> None:
            a_carried.next = concat(a[a_bits:], below[cut])

        @always_comb
        def add() -> None:
            total.next = a_carried.signed() + b_carried.signed()

    else:

        @always_comb
        def subtract() -> None:
            total.next = (a << 1) - b_carried.signed()

    @always_comb
    def drop() -> None:
        above.next = total[top:1].signed()

    return instances()


@block
def align(above: Any, below: Any, cut: int, shift: int, aligned: Any) -> Any:
    """Compute the high part of a number times 2**shift from both of its parts."""
    bits, bottom = len(above), cut - shift
    both = Signal(intbv(0)[bits + shift :])

    @always_comb
    def join() -> None:
        both.next = concat(above[bits:], below[cut:bottom])

    @always_comb
    def read() -> None:
        aligned.next = both.signed()

    return instances()


@block
def offset(x: Any, shift: int, constant: int, y: Any) -> Any:
    """Compute y = x * 2**shift + constant."""

    @always_comb
    def add() -> None:
        y.next = (x << shift) + constant

    return instances()


@block
def drive(source: Any, target: Any) -> Any:
    """Drive a signal with another."""

    @always_comb
    def forward() -> None:
        target.next = source

    return instances()


@block
def take(x: Any, bottom: int, y: Any) -> Any:
    """Take the bits of `x` from `bottom` on, as many as `y` has, or to the end."""
    top = min(bottom + len(y), len(x))

    if y.min < 0:

        @always_comb
        def take_signed() -> None:
            y.next = x[top:bottom].signed()

    else:

        @always_comb
        def take_unsigned() -> None:
            y.next = x[top:bottom]

    return instances()


@block
def register(clk: Any, enable: Any, x: Any, later: Any) -> Any:
    """Take `x` over where `enable` is high."""

    @always(clk.posedge)
    def store() -> None:
        if enable:
            later.next = x

    return instances()
