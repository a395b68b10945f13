"""One lane of a Huffman decoder: a code word a cycle from the units that it holds, and its symbol."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, block, concat, instances, intbv, modbv

from silicodec.models.lanes.code import UNIT
from silicodec.models.transform.huffman import MAX_LENGTH
from silicodec.rtl.blocks.memory import MemoryPorts
from silicodec.rtl.lanes.units import HeldUnits, LanePort, Steps, held_units

LENGTH_BITS = MAX_LENGTH.bit_length()


class LengthLimits:
    """Limits of the lengths of code words, of 1 bit first, which all lanes look at.

    The limit of n bits is the n-bit code word that would come next: one bit longer where there may be none. There are
    fewer symbols than 2**index_bits, so that longer code words begin with ones: of the limits that have more bits only
    the low ones are kept, and above them whether there is none.
    """

    def __init__(self, index_bits: int) -> None:
        self.index_bits = index_bits
        self.each: list[Any] = [
            Signal(intbv(0)[min(number, index_bits) + (number >= index_bits) :]) for number in range(1, MAX_LENGTH)
        ]


class SymbolOffsets:
    """For each length, of 2 bits first: place of its first symbol in the order of all, less its first code word.

    That of 1 bit is 0.
    """

    def __init__(self, index_bits: int) -> None:
        self.each: list[Any] = [Signal(intbv(0)[index_bits:]) for _ in range(2, MAX_LENGTH + 1)]
        self.all: Any = ConcatSignal(*reversed(self.each))


@block
def length_registers(
    clk: Any, load_limit: Any, load_offset: Any, table: Any, limits: LengthLimits, offsets: SymbolOffsets
) -> Any:
    """Keep limits and offsets.

    Parameters
    ----------
    load_limit, load_offset : Signal of bool
        Take a limit, or an offset, from `table`.
    table : Signal
        A word of the table stream: above the value's 15 bits its length, less one, in 4 bits.
    limits : LengthLimits
        The limits.
    offsets : SymbolOffsets
        The offsets.
    """
    limit_store = [
        length_register(clk, load_limit, table, limit, number=i + 1, flag=i + 1 > limits.index_bits)
        for i, limit in enumerate(limits.each)
    ]
    offset_store = [
        length_register(clk, load_offset, table, offset, number=i + 2) for i, offset in enumerate(offsets.each)
    ]
    return instances()


@block
def length_register(clk: Any, load: Any, table: Any, value: Any, *, number: int, flag: bool = False) -> Any:
    """Keep the value of a length of `number` bits: its low bits, and with `flag` above them bit `number`."""
    bits = len(value)
    address = number - 1

    if flag:

        @always(clk.posedge)
        def store() -> None:
            if load and table[MAX_LENGTH + LENGTH_BITS : MAX_LENGTH] == address:
                value.next = concat(table[number], table[bits - 1 :])

    else:

        @always(clk.posedge)
        def store() -> None:
            if load and table[MAX_LENGTH + LENGTH_BITS : MAX_LENGTH] == address:
                value.next = table[bits:]

    return instances()


class FoundCode:
    """A code word that a lane found: `code` begins with it, and it has `extra` bits and one."""

    def __init__(self) -> None:
        self.code: Any = Signal(intbv(0)[MAX_LENGTH:])
        self.extra: Any = Signal(intbv(0)[LENGTH_BITS:])


@block
def lane_reader(clk: Any, steps: Steps, port: LanePort, limits: LengthLimits, found: FoundCode) -> Any:
    """Read the code word at the next bit of the units that the lane holds."""
    held = HeldUnits()
    longer = [Signal(bool(0)) for _ in limits.each]
    all_longer = ConcatSignal(*reversed(longer))
    units = held_units(clk, steps, port, held, port.clean)
    comparators = [
        limit_comparator(held.window, limit, longer[i], number=i + 1, ones=max(i + 1 - limits.index_bits, 0))
        for i, limit in enumerate(limits.each)
    ]

    @always_comb
    def measure() -> None:
        # What is longer than so many bits is longer than any fewer: each bit of the length is set between two limits.
        reached = intbv(0)[1 << LENGTH_BITS :]
        reached[MAX_LENGTH - 1 :] = all_longer
        length = intbv(0)[LENGTH_BITS:]
        for stage in range(LENGTH_BITS):
            for number in range(1, MAX_LENGTH):
                if number % (2 << stage) == 1 << stage and reached[number - 1]:
                    length[stage] = length[stage] or not reached[number - 1 + (1 << stage)]
        held.extra.next = length

    @always_comb
    def foresee() -> None:
        # With n bits of the first unit left, a code word that is longer than n - 1 uses it up.
        ends = held.place == UNIT - 1
        for i in range(MAX_LENGTH - 1):
            ends = ends or (held.place == UNIT - 2 - i and all_longer[i])
        held.used_up.next = ends

    @always(clk.posedge)
    def pass_on() -> None:
        if held.decode:
            found.code.next = held.window[UNIT:1]
            found.extra.next = held.extra

    return instances()


@block
def limit_comparator(window: Any, limit: Any, longer: Any, *, number: int, ones: int) -> Any:
    """Tell whether the code word at the start of the window is longer than `number` bits.

    It is not unless it begins with so many `ones`.
    """
    low, high = UNIT - number, UNIT - ones
    prefix = (1 << ones) - 1

    if ones:

        @always_comb
        def compare() -> None:
            longer.next = window[:high] == prefix and window[high:low] >= limit

    else:

        @always_comb
        def compare() -> None:
            longer.next = window[:low] >= limit

    return instances()


@block
def lane_symbol(push: Any, found: FoundCode, offsets: SymbolOffsets, order: MemoryPorts) -> Any:
    """Look up the symbol of a code word, with `push`."""
    index_bits = order.bits

    @always_comb
    def place() -> None:
        # Of the code, as many bits from the left count as it is long.
        shifted = modbv(0)[UNIT:]
        shifted[UNIT:1] = found.code
        offset = intbv(0)[index_bits:]
        for stage in range(LENGTH_BITS):
            if not found.extra[stage]:
                shifted[:] = shifted >> (1 << stage)
        for i in range(MAX_LENGTH - 1):
            if found.extra == i + 1:
                offset[:] = offset | ((offsets.all >> (index_bits * i)) & (2**index_bits - 1))
        order.read.next = push
        order.read_address.next = (shifted + offset) % (1 << index_bits)

    return instances()
