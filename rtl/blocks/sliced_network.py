"""Adder networks in slices: the upper bits of a sum are added in later cycles than the lower ones.

A chain of full adders takes a full adder's time for each bit, and a sum of a sum takes one more. So each sum is cut
where a cycle ends: what lies above a cut is added a clock edge later than what lies below, and the carry between waits
in a flip-flop. A sum is cut a bit lower than the numbers that it is made of. Then each slice takes the same time,
however many adders follow each other, and no other registers have to stand between adders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from myhdl import ConcatSignal, Signal, always_comb, block, concat, instances, intbv, modbv

from silicodec.rtl.blocks.adder_network import Network, Number, drive


@dataclass(frozen=True)
class Piece:
    """Some bits of a number: `length` ones of `signal` from `first` on are its bits from `bottom` on, in a cycle."""

    signal: Any
    first: int
    length: int
    bottom: int
    cycle: int

    @property
    def top(self) -> int:
        """The first bit above."""
        return self.bottom + self.length


@dataclass(frozen=True)
class SlicedNetwork(Network):
    """Adders in slices that arithmetic on its numbers calls for; a block has to build them.

    Parameters
    ----------
    cuts : sequence of int
        Bits where the numbers that enter are cut, with their shifts; sums are cut lower by a bit for each adder.
    """

    cuts: Sequence[int] = ()
    _sums: dict[tuple[Any, ...], SlicedNumber] = field(default_factory=dict)

    def number(self, value: Any) -> SlicedNumber:
        """Return what a signed signal holds, all of it in the first cycle."""
        pieces = (Piece(value, 0, len(value), 0, 0),)
        return SlicedNumber(self, int(value.min), int(value.max) - 1, pieces=pieces)

    def total(self, a: Any, b: Any, low: int, high: int) -> SlicedNumber:
        """Return value * 2**shift of `a`, and of `b` added or subtracted by their signs, from `low` to `high`."""
        shift, inverted = min(a.shift, b.shift), a.sign != b.sign
        key = (id(a.pieces), a.shift, inverted, id(b.pieces), b.shift)
        if key not in self._sums:
            depth = 1 + max(a.depth, b.depth)
            pieces = self._slices(a, b, inverted, _bits(low, high), [cut - depth - shift for cut in self.cuts])
            self._sums[key] = SlicedNumber(self, low, high, shift=shift, pieces=pieces, depth=depth)
        return replace(self._sums[key], sign=a.sign)

    def _slices(
        self, a: SlicedNumber, b: SlicedNumber, inverted: bool, width: int, cuts: list[int]
    ) -> tuple[Piece, ...]:
        """Add two numbers in slices; return the pieces of the sum."""
        shift = min(a.shift, b.shift)
        i, j = a.shift - shift, b.shift - shift
        whole = a if i == 0 else b
        # What lies below one number's lowest bit is the other's, but for the carry of a complement.
        start = 0 if inverted and i else min(max(i, j), whole.top - 1)
        pieces = whole.below(start)
        carry: Any = True if inverted else None
        for cycle, end in enumerate([*cuts, width]):
            top = min(end, width)
            if top <= start:
                continue
            x, y = (number.bits(start - k, top - k, cycle) for number, k in ((a, i), (b, j)))
            assert y is not None, "a subtrahend may not lie above all bits of its minuend"
            total = Signal(modbv(0)[top - start + (top < width) :])
            self.parts.append((add_slice, (x, y, inverted, carry, total)))
            pieces.append(Piece(total, 0, top - start, start, cycle))
            if top < width:
                carry = self.later(total)(top - start)
            start = top
        return tuple(pieces)

    def adders(self) -> int:
        """Return the number of adders and subtractors."""
        return len(self._sums)


@dataclass(frozen=True)
class SlicedNumber(Number):
    """A number in pieces, in two's complement.

    Parameters
    ----------
    pieces : tuple of Piece
        Its bits, the lowest ones first.
    depth : int
        Adders in a row that made it.
    """

    network: SlicedNetwork
    pieces: tuple[Piece, ...] = ()
    depth: int = 0

    @property
    def top(self) -> int:
        """Number of its bits."""
        return self.pieces[-1].top

    def below(self, top: int) -> list[Piece]:
        """Return its bits below `top`."""
        return [
            replace(piece, length=min(piece.top, top) - piece.bottom) for piece in self.pieces if piece.bottom < top
        ]

    def bits(self, bottom: int, top: int, cycle: int) -> Any:
        """Return a signal of bits `bottom` to `top` - 1 in a cycle, or None if all are below the number's lowest one.

        There are zeros below the number, and its sign above it.
        """
        found: list[Any] = [intbv(0)[min(0, top) - bottom :]] if bottom < 0 else []
        for piece in self.pieces:
            first, end = max(bottom, piece.bottom), min(top, piece.top)
            if first < end:
                signal, moved = self._signal(piece, cycle), piece.first - piece.bottom
                found.append(signal(first + moved) if end == first + 1 else signal(end + moved, first + moved))
        last = self.pieces[-1]
        sign = self._signal(last, cycle)(last.first + last.length - 1)
        found += [sign] * (top - max(last.top, bottom))
        if len(found) > 1:
            return ConcatSignal(*reversed(found))
        if bottom < 0:
            return None
        alone = Signal(intbv(0)[top - bottom :])
        self.network.parts.append((drive, (found[0], alone)))
        return alone

    def _signal(self, piece: Piece, cycle: int) -> Any:
        """Return the signal that holds a piece in a cycle."""
        signal = piece.signal
        for _ in range(cycle - piece.cycle):
            signal = self.network.later(signal)
        return signal

    def from_bit(self, bit: int, bits: int) -> tuple[Any, int]:
        """Return a signal of `bits` bits of the number from a bit on, in the last cycle, and its first bit.

        It is the value without its `sign`.
        """
        bottom = bit - self.shift
        return self.bits(bottom, bottom + bits, len(self.network.cuts)), 0


def _bits(low: int, high: int) -> int:
    """Return the number of bits of numbers from `low` to `high`."""
    return 1 + max((~low).bit_length(), high.bit_length())


@block
def add_slice(a: Any, b: Any, inverted: bool, carry: Any, total: Any) -> Any:
    """Compute total = a + b + carry, with `b` inverted where that is asked for, as far as `total` has bits.

    `a` is None for zeros, where `b` is inverted; `carry` is a signal, or True, or None for none. The carry comes in
    behind the last bits, where it takes no second adder.
    """
    bits = len(total)
    wide = Signal(modbv(0)[bits + 1 :])

    if carry is None:

        @always_comb
        def add() -> None:
            total.next = a + b

    elif a is None and carry is True:

        @always_comb
        def negate() -> None:
            wide.next = concat(~b, True) + 1

    elif a is None:

        @always_comb
        def complement() -> None:
            wide.next = concat(~b, carry) + carry

    elif carry is True:

        @always_comb
        def subtract() -> None:
            wide.next = concat(a, True) + concat(~b, True)

    elif inverted:

        @always_comb
        def add_complement() -> None:
            wide.next = concat(a, carry) + concat(~b, carry)

    else:

        @always_comb
        def add_carried() -> None:
            wide.next = concat(a, carry) + concat(b, carry)

    if carry is not None:

        @always_comb
        def drop() -> None:
            total.next = wide[bits + 1 : 1]

    return instances()
