"""Supply of bits: the next ones of a packet, of which any number up to a chunk's is taken a cycle."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, concat, downrange, instances, intbv

from silicodec.rtl.blocks.stream import Stream

WORD_BITS = 64
WORDS = 4
SHOWN_BITS = 96
"""Most bits of a step: twelve for quotients, twelve for runs, twelve that tell more of quotients, 60 of remainders."""
PLACE_BITS = 8


class Supply:
    """The next bits of a packet, the first the least significant, and how many of them their user takes.

    They may be taken while it is `ready`; `over` says that there is none any more, and `exact` that none too many was
    taken then. `offset` is the next bit's number in its word. With `take` the supply moves on to bit `place` after that
    word's first one. It drops the rest of the packet while `drop` is high, has `ended` when the last word was taken,
    and begins anew with `restart`.
    """

    def __init__(self) -> None:
        self.bits: Any = Signal(intbv(0)[SHOWN_BITS:])
        self.ready: Any = Signal(bool(0))
        self.over: Any = Signal(bool(0))
        self.exact: Any = Signal(bool(0))
        self.offset: Any = Signal(intbv(0)[6:])
        self.take: Any = Signal(bool(0))
        self.place: Any = Signal(intbv(0)[PLACE_BITS:])
        self.drop: Any = Signal(bool(0))
        self.ended: Any = Signal(bool(0))
        self.restart: Any = Signal(bool(0))


@block
def bit_supply(clk: Any, rst: Any, words: Stream, supply: Supply) -> Any:
    """Show the next bits of a packet: those of four words, from a place in the first two.

    The first word is left behind in the cycle after a step that used it up, so that nothing but the place waits for a
    step's length.

    Parameters
    ----------
    words : Stream
        Words of 64 bits.
    supply : Supply
        What is shown, and how much of it is taken.
    """
    first, second, third, fourth = (Signal(intbv(0)[WORD_BITS:]) for _ in range(WORDS))
    held = ConcatSignal(fourth, third, second, first)
    count = Signal(intbv(0)[3:])  # of words; beyond them are zeros
    place = Signal(intbv(0)[PLACE_BITS:])  # of the next bit
    second_word, third_word = Signal(bool(0)), Signal(bool(0))  # in which the next bit is
    accept = Signal(bool(0))
    left = Signal(intbv(0)[3:])

    @always_comb
    def divide() -> None:
        second_word.next = place[6]
        third_word.next = place[7]

    @always_comb
    def show() -> None:
        shifted = intbv(0)[SHOWN_BITS + 2 * WORD_BITS :]
        shifted[:] = held[SHOWN_BITS + 2 * WORD_BITS :]
        for stage in downrange(PLACE_BITS - 1):
            if place[stage]:
                shifted[:] = shifted >> (1 << stage)
        supply.bits.next = shifted[SHOWN_BITS:]

    @always_comb
    def tell() -> None:
        supply.ready.next = not third_word and (
            count == WORDS
            or (count == WORDS - 1 and not second_word)
            or (supply.ended and (count >= 2 or not second_word))
        )
        supply.over.next = supply.ended and count == 0
        supply.exact.next = place == 0
        supply.offset.next = place[6:]

    @always_comb
    def handshake() -> None:
        words.ready.next = not supply.ended and (count != WORDS or second_word or third_word or supply.drop)
        accept.next = words.valid and not supply.ended and (count != WORDS or second_word or third_word or supply.drop)

    @always_comb
    def leave() -> None:
        left.next = count
        if (second_word or third_word) and count != 0:
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
            if supply.take:
                place.next = supply.place
            else:
                place.next = concat(False, third_word, place[6:])

    @always(clk.posedge)
    def store() -> None:
        if accept and left == 0:
            first.next = words.data
        elif second_word or third_word:
            first.next = second
        if accept and left == 1:
            second.next = words.data
        elif left <= 1:
            second.next = 0
        elif second_word or third_word:
            second.next = third
        if accept and left == 2:
            third.next = words.data
        elif left <= 2:
            third.next = 0
        elif second_word or third_word:
            third.next = fourth
        if accept and left == 3:
            fourth.next = words.data
        elif left <= 3:
            fourth.next = 0

    return instances()
