"""Supply of bits: the next ones of a packet, of which any number up to a chunk's is taken a cycle."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, downrange, instances, intbv

from silicodec.rtl.blocks.stream import Stream

WORD_BITS = 64
WORDS = 3
SHOWN_BITS = 96
"""Most bits of a step: twelve for quotients, twelve for runs, twelve that tell more of quotients, 60 of remainders."""
PLACE_BITS = 7


class Supply:
    """The next bits of a packet, the first the least significant, and how many of them their user takes.

    They may be taken while it is `ready`; `over` says that there is none any more, and `exact` that none too many was
    taken then. `phase` is the next bit's number in its byte. With `take` the supply moves on by `length` and `further`
    bits. It drops the rest of the packet while `drop` is high, has `ended` when the last word was taken, and begins
    anew with `restart`.
    """

    def __init__(self) -> None:
        self.bits: Any = Signal(intbv(0)[SHOWN_BITS:])
        self.ready: Any = Signal(bool(0))
        self.over: Any = Signal(bool(0))
        self.exact: Any = Signal(bool(0))
        self.phase: Any = Signal(intbv(0)[3:])
        self.take: Any = Signal(bool(0))
        self.length: Any = Signal(intbv(0)[PLACE_BITS:])
        self.further: Any = Signal(intbv(0)[PLACE_BITS:])
        self.drop: Any = Signal(bool(0))
        self.ended: Any = Signal(bool(0))
        self.restart: Any = Signal(bool(0))


@block
def bit_supply(clk: Any, rst: Any, words: Stream, supply: Supply) -> Any:
    """Show the next bits of a packet: those of three words, from a place in the first one.

    Parameters
    ----------
    words : Stream
        Words of 64 bits.
    supply : Supply
        What is shown, and how much of it is taken.
    """
    first, second, third = (Signal(intbv(0)[WORD_BITS:]) for _ in range(WORDS))
    held = ConcatSignal(third, second, first)
    count = Signal(intbv(0)[2:])  # of words
    place = Signal(intbv(0)[PLACE_BITS:])  # of the next bit; 64 and more if a word is to be left behind first
    total = Signal(intbv(0)[PLACE_BITS + 1 :])
    advance = Signal(bool(0))
    accept = Signal(bool(0))
    left = Signal(intbv(0)[2:])

    @always_comb
    def show() -> None:
        shifted = intbv(0)[SHOWN_BITS + WORD_BITS :]
        shifted[:] = held[SHOWN_BITS + WORD_BITS :]
        for stage in downrange(PLACE_BITS - 1):
            if place[stage]:
                shifted[:] = shifted >> (1 << stage)
        supply.bits.next = shifted[SHOWN_BITS:]

    @always_comb
    def tell() -> None:
        supply.ready.next = (count == WORDS or supply.ended) and not place[PLACE_BITS - 1]
        supply.over.next = supply.ended and count == 0
        supply.exact.next = place == 0
        supply.phase.next = place[3:]
        total.next = place + supply.length + supply.further

    @always_comb
    def move() -> None:
        advance.next = place[PLACE_BITS - 1] or (supply.take and total >= WORD_BITS)

    @always_comb
    def handshake() -> None:
        words.ready.next = not supply.ended and (count != WORDS or advance or supply.drop)
        accept.next = words.valid and not supply.ended and (count != WORDS or advance or supply.drop)

    @always_comb
    def leave() -> None:
        left.next = count
        if advance and count != 0:
            left.next = count - 1

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if supply.restart:
            supply.ended.next = False
            count.next = 0
            place.next = 0
        else:
            if accept and words.last:
                supply.ended.next = True
            if accept:
                count.next = left + 1
            else:
                count.next = left
            if supply.drop:
                count.next = 0
            if place[PLACE_BITS - 1]:
                place.next = place - WORD_BITS
            elif advance:
                place.next = total - WORD_BITS
            elif supply.take:
                place.next = total[PLACE_BITS:]

    @always(clk.posedge)
    def store() -> None:
        # Zeros follow the packet's end.
        if accept and left == 0:
            first.next = words.data
        elif advance:
            first.next = second
        if accept and left == 1:
            second.next = words.data
        elif left == 0:
            second.next = 0
        elif advance:
            second.next = third
        if accept and left == 2:
            third.next = words.data
        elif advance or left == 0:
            third.next = 0

    return instances()
