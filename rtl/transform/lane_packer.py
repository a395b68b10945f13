"""One lane of a Huffman encoder: code words to units, and the units that wait for their place in the packet."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv

from silicodec.models.lanes.code import HELD, UNIT
from silicodec.models.transform.huffman import MAX_LENGTH
from silicodec.rtl.blocks.memory import MemoryPorts, memory

LENGTH_BITS = MAX_LENGTH.bit_length()
DEPTH = HELD * UNIT
"""Rows that it takes at most until a unit is full whose place is known: a code word has a bit at the least."""


class LaneUnits:
    """Units of a lane, in order.

    With `push` one comes, `unit`. `head` is the first one, if it is `there`; with `take` it leaves. `waiting` says that
    there are others, of which the first becomes the head in the next cycle if there is none or it leaves.
    """

    def __init__(self) -> None:
        self.push: Any = Signal(bool(0))
        self.unit: Any = Signal(intbv(0)[UNIT:])
        self.head: Any = Signal(intbv(0)[UNIT:])
        self.there: Any = Signal(bool(0))
        self.waiting: Any = Signal(bool(0))
        self.take: Any = Signal(bool(0))


@block
def lane_packer(clk: Any, rst: Any, step: Any, flush: Any, entry: Any, units: LaneUnits, full: Any) -> Any:
    """Concatenate the code words of a lane to units, most significant bit first.

    Parameters
    ----------
    step : Signal of bool
        Take a code word.
    flush : Signal of bool
        Give what there is of a unit, with zeros after it.
    entry : Signal
        The code word's length in 4 bits, and below them its low bits; those above are ones.
    units : LaneUnits
        Its `push` and `unit` are driven here.
    full : Signal of bool
        The code word of a `step` makes a unit full.
    """
    stored_bits = len(entry) - LENGTH_BITS

    held = Signal(intbv(0)[UNIT:])
    length = Signal(intbv(0)[LENGTH_BITS:])
    place = Signal(intbv(0)[LENGTH_BITS:])
    new_place = Signal(intbv(0)[LENGTH_BITS + 1 :])
    rotated = Signal(intbv(0)[UNIT:])

    @always_comb
    def count() -> None:
        length.next = entry[:stored_bits]
        new_place.next = place + entry[:stored_bits]

    @always_comb
    def rotate() -> None:
        # Its last bit comes before the new place.
        word = intbv(0)[UNIT:]
        for i in range(MAX_LENGTH):
            if i < stored_bits:
                word[i] = entry[i % stored_bits]
            else:
                word[i] = length > i
        for stage in range(LENGTH_BITS):
            if new_place[stage]:
                word[:] = (word >> (1 << stage)) | ((word << (UNIT - (1 << stage))) & (2**UNIT - 1))
        rotated.next = word

    @always_comb
    def join() -> None:
        for i in range(UNIT):
            if i < place:
                units.unit.next[UNIT - 1 - i] = held[UNIT - 1 - i]
            else:
                units.unit.next[UNIT - 1 - i] = rotated[UNIT - 1 - i] and not flush

    @always_comb
    def act() -> None:
        full.next = new_place[LENGTH_BITS]
        units.push.next = (step and new_place[LENGTH_BITS]) or (flush and place != 0)

    @always_seq(clk.posedge, reset=rst)
    def move() -> None:
        if flush:
            place.next = 0
        elif step:
            place.next = new_place[LENGTH_BITS:]

    @always(clk.posedge)
    def store() -> None:
        # What lies beyond the place does not matter.
        for i in range(UNIT):
            if step and (new_place[LENGTH_BITS] or i >= place):
                held.next[UNIT - 1 - i] = rotated[UNIT - 1 - i]

    return instances()


@block
def unit_queue(clk: Any, rst: Any, units: LaneUnits) -> Any:
    """Keep the units of a lane until they are taken."""
    ports = MemoryPorts(DEPTH, UNIT)
    ports.write_data, ports.read_data = units.unit, units.head
    storage = ring_memory(clk, rst, ports, units.push, units.there, units.waiting, units.take)
    return instances()


@block
def ring_memory(
    clk: Any, rst: Any, ports: MemoryPorts, push: Any, there: Any, waiting: Any, take: Any, room: Any = None
) -> Any:
    """Queue in a memory, whose first word is the memory's `read_data` where it is `there`.

    Parameters
    ----------
    ports : MemoryPorts
        The memory; its addresses are driven here.
    push : Signal of bool
        A word comes, `write_data`.
    there, waiting : Signal of bool
        As of `LaneUnits`.
    take : Signal of bool
        The first word leaves, if it is there.
    room : Signal of bool, optional
        A word may come.
    """
    storage = memory(clk, ports)
    last = ports.words - 1

    @always_comb
    def look() -> None:
        waiting.next = ports.write_address != ports.read_address
        ports.write.next = push
        ports.read.next = ports.write_address != ports.read_address and (take or not there)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if push:
            ports.write_address.next = ports.write_address + 1
            if ports.write_address == last:
                ports.write_address.next = 0
        if ports.read:
            ports.read_address.next = ports.read_address + 1
            if ports.read_address == last:
                ports.read_address.next = 0
        there.next = ports.read or (there and not take)

    if room is not None:

        @always_comb
        def limit() -> None:
            room.next = (
                ports.read_address != 0 or ports.write_address != last
            ) and ports.read_address != ports.write_address + 1

    return instances()
