"""Supply of units: the next ones of a packet, of which any number is taken a cycle."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, concat, downrange, instances, intbv

from silicodec.models.lanes.code import BUS_UNITS, UNIT
from silicodec.rtl.blocks.stream import Stream

BUS_BITS = UNIT * BUS_UNITS


class Supply:
    """The next units of a packet, and how many of them their user takes.

    `units` are the next ones, the first in the most significant bits, and `absent` says of each, the first in the most
    significant bit, that it lies beyond the packet's end, where all units are zeros. Bit i of `available` says that
    unit i may be taken, with those before it; `count` are. `ended` says that the last word was taken, and `clean` that
    so it was, and that it has nothing but zeros left. A word of the bus has `bus_units`, and two words are `shown`.
    """

    def __init__(self, bus_units: int = BUS_UNITS) -> None:
        self.bus_units, self.shown = bus_units, 2 * bus_units
        self.units: Any = Signal(intbv(0)[UNIT * self.shown :])
        self.absent: Any = Signal(intbv(0)[self.shown :])
        self.available: Any = Signal(intbv(0)[self.shown :])
        self.count: Any = Signal(intbv(0)[self.shown.bit_length() :])
        self.ended: Any = Signal(bool(0))
        self.clean: Any = Signal(bool(0))


@block
def unit_supply(
    clk: Any, rst: Any, words: Stream, start: Any, drop: Any, feeding: Any, supply: Supply, *, header: bool = True
) -> Any:
    """Show the next units of a packet: those left of one word, and the next word.

    Parameters
    ----------
    words : Stream
        Words of as many units as the supply's.
    start : Signal of bool
        A packet begins.
    drop : Signal of bool
        Take what is left of the packet.
    feeding : Signal of bool
        Units may be taken.
    supply : Supply
        What is shown, and how much of it is taken.
    header : bool
        Whether a packet begins with four units for another. They are the first word, which is taken, or the beginning
        of it.
    """
    bus_units, shown = supply.bus_units, supply.shown
    bus_bits = UNIT * bus_units
    first_used = bus_units
    takes_first: Any = start
    ends_first: Any = words.last
    if not header or bus_units > BUS_UNITS:  # the first word has units that are not taken by another
        takes_first, ends_first = False, False
        first_used = bus_units + (BUS_UNITS if header else 0)
    word = Signal(intbv(0)[bus_bits:])
    beyond = Signal(bool(0))  # the word lies beyond the packet's end
    used = Signal(intbv(0, min=0, max=first_used + 1))  # units of it, and of the next word
    stages = len(used)
    then_used = Signal(intbv(0)[len(supply.count) :])
    following = Signal(intbv(0)[bus_bits:])
    there = Signal(bool(0))
    load = Signal(bool(0))

    @always_comb
    def look_ahead() -> None:
        # What is not valid may not come near a handshake.
        following.next = 0
        if words.valid and not supply.ended:
            following.next = words.data
        there.next = words.valid or supply.ended

    @always_comb
    def show() -> None:
        both = intbv(0)[2 * bus_bits :]
        both[:] = concat(word, following)
        missing = intbv(0)[shown:]
        for i in range(bus_units):
            missing[bus_units + i] = beyond
            missing[i] = supply.ended
        for stage in downrange(stages):
            if used[stage]:
                both[:] = (both << (UNIT << stage)) & (2 ** (2 * bus_bits) - 1)
                missing[:] = (missing << (1 << stage)) & (2**shown - 1)
        supply.units.next = both
        supply.absent.next = missing

    @always_comb
    def allow() -> None:
        for i in range(shown):
            supply.available.next[i] = i + used < bus_units or (there and i + used < shown)

    @always_comb
    def count() -> None:
        then_used.next = used + supply.count

    @always_comb
    def advance() -> None:
        load.next = feeding and there and then_used >= bus_units
        words.ready.next = takes_first or (not supply.ended and (drop or (feeding and then_used >= bus_units)))

    @always_comb
    def check() -> None:
        left = False
        for i in range(bus_units):
            for j in range(UNIT):
                left = left or (i >= used and word[bus_bits - 1 - UNIT * i - j])
        # A word that nothing was taken of is one too many.
        supply.clean.next = supply.ended and not left and (used != 0 or beyond)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if start:
            supply.ended.next = ends_first
        elif words.valid and words.last and not supply.ended and (drop or load):
            supply.ended.next = True

    @always(clk.posedge)
    def store() -> None:
        if start:
            used.next = first_used
            beyond.next = False
        elif load:
            word.next = following
            beyond.next = supply.ended
            used.next = then_used - bus_units
        elif feeding:
            used.next = then_used

    return instances()
