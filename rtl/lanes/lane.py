"""One lane: a code word a cycle from the units that it holds, and the zeros and the weight that it stands for."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, block, instances, intbv, modbv

from silicodec.models.lanes.code import FROM_ONE, FROM_POWER, MAX_LENGTH, SPLIT_CLASS, SPLIT_RUN, UNIT
from silicodec.rtl.lanes.table import COST_BITS, CodeTable, run_extra_bits
from silicodec.rtl.lanes.units import HeldUnits, LanePort, Steps, held_units

WEIGHT_BITS = 8
RUN_BITS = 8


class Found:
    """What a lane found in a step: which symbol, and the bits that it was read from, if it is `fresh`.

    With `ends` its weight leaves, and the lane may go on to the next symbol, which is `plain` if it has no zeros.
    """

    def __init__(self, symbols: int) -> None:
        self.chosen: Any = Signal(intbv(0)[symbols:])
        self.bits: Any = Signal(intbv(0)[UNIT:])
        self.cost: Any = Signal(intbv(0)[COST_BITS:])
        self.fresh: Any = Signal(bool(0))
        self.ends: Any = Signal(bool(0))
        self.plain: Any = Signal(bool(0))


@block
def lane(clk: Any, steps: Steps, port: LanePort, table: CodeTable, weight: Any) -> Any:
    """Decode one lane; `weight` is that of the row before the one that is decoded."""
    found = Found(table.symbols)
    read_clean, row_clean = Signal(bool(0)), Signal(bool(0))
    reader = lane_reader(clk, steps, port, table, found, read_clean)
    weigher = lane_weights(clk, steps, table, found, weight, row_clean)

    @always_comb
    def check() -> None:
        port.clean.next = read_clean and row_clean

    return instances()


@block
def lane_reader(clk: Any, steps: Steps, port: LanePort, table: CodeTable, found: Found, clean: Any) -> Any:
    """Find the code word at the next bit of the units that the lane holds."""
    symbols = table.symbols
    held = HeldUnits()
    beginning = Signal(intbv(0)[MAX_LENGTH:])
    windows = ConcatSignal(*[beginning] * symbols)
    longer = Signal(intbv(0)[symbols:])
    chosen = Signal(intbv(0)[symbols:])
    crosses = Signal(intbv(0)[symbols:])
    units = held_units(clk, steps, port, held, clean, found.ends)

    @always_comb
    def show() -> None:
        beginning.next = held.window[UNIT : UNIT - MAX_LENGTH]

    @always_comb
    def compare() -> None:
        # All bytes at once. Bit by bit: the window's is greater; it is not less. Then for 2, 4 and 8 bits together,
        # which count where the lowest of them are.
        greater = intbv(0)[MAX_LENGTH * symbols :]
        not_less = intbv(0)[MAX_LENGTH * symbols :]
        greater[:] = windows & ~table.lasts
        not_less[:] = windows | ~table.lasts
        for stage in range(3):
            greater[:] = (greater >> (1 << stage)) | ((not_less >> (1 << stage)) & greater)
            not_less[:] = (not_less >> (1 << stage)) & not_less
        for i in range(symbols):
            longer.next[i] = greater[MAX_LENGTH * i]

    @always_comb
    def choose() -> None:
        # The first symbol whose last string is not before the window.
        chosen.next = ~longer & ((longer << 1) | 1) & (2**symbols - 1)

    @always_comb
    def price() -> None:
        total = intbv(0)[COST_BITS:]
        for i in range(symbols):
            if chosen[i]:
                total[:] = total | ((table.costs >> (COST_BITS * i)) & (2**COST_BITS - 1))
        held.extra.next = total
        found.plain.next = (chosen & table.plain) != 0

    @always_comb
    def foresee() -> None:
        # Whether each symbol would use up the first unit is known before it is known which one it is.
        for i in range(symbols):
            crosses.next[i] = ((table.costs >> (COST_BITS * i)) & (2**COST_BITS - 1)) + held.place >= UNIT - 1

    @always_comb
    def use_up() -> None:
        held.used_up.next = (chosen & crosses) != 0

    @always(clk.posedge)
    def pass_on() -> None:
        if held.decode:
            found.chosen.next = chosen
            found.bits.next = held.window
            found.cost.next = held.extra

    @always(clk.posedge)
    def tell() -> None:
        if steps.start:
            found.fresh.next = False
        elif steps.step:
            found.fresh.next = held.decode

    return instances()


@block
def lane_weights(clk: Any, steps: Steps, table: CodeTable, found: Found, weight: Any, clean: Any) -> Any:
    """Give the zeros and the weight of a symbol, one a step."""
    entry = Signal(intbv(0)[UNIT:])
    run_class = Signal(intbv(0)[4:])
    width = Signal(intbv(0)[4:])
    tail = Signal(intbv(0)[WEIGHT_BITS:])
    run_bits = Signal(intbv(0)[3:])
    run_tail = Signal(intbv(0)[RUN_BITS:])
    run = Signal(intbv(0)[RUN_BITS:])
    value = Signal(intbv(0)[WEIGHT_BITS:])
    rest, left = Signal(modbv(0)[RUN_BITS:]), Signal(modbv(0)[RUN_BITS:])
    held, next_weight = Signal(intbv(0)[WEIGHT_BITS:]), Signal(intbv(0)[WEIGHT_BITS:])
    classifier = run_extra_bits(run_class, run_bits)

    @always_comb
    def look_up() -> None:
        all_bits = intbv(0)[UNIT:]
        for i in range(table.symbols):
            if found.chosen[i]:
                all_bits[:] = all_bits | ((table.units >> (UNIT * i)) & (2**UNIT - 1))
        entry.next = all_bits

    @always_comb
    def divide() -> None:
        run_class.next = entry[16:12]
        width.next = entry[12:8]

    @always_comb
    def align() -> None:
        # What follows the code word ends with bit `cost` of the window; of the number of bits to cut, all are inverted.
        shifted = intbv(0)[UNIT:]
        shifted[:] = found.bits
        for stage in range(COST_BITS):
            if not found.cost[stage]:
                shifted[:] = shifted >> (1 << stage)
        tail.next = shifted[WEIGHT_BITS:]

    @always_comb
    def add_value() -> None:
        for i in range(WEIGHT_BITS):
            value.next[i] = entry[i] or (i < width and tail[i])

    @always_comb
    def cut_run() -> None:
        shifted = intbv(0)[RUN_BITS:]
        shifted[:] = tail
        for stage in range(4):
            if width[stage]:
                shifted[:] = shifted >> (1 << stage)
        run_tail.next = shifted

    @always_comb
    def add_run() -> None:
        extra = intbv(0)[RUN_BITS:]
        power = intbv(0)[RUN_BITS:]
        for i in range(RUN_BITS - 1):
            extra[i] = i < run_bits and run_tail[i]
            power[i] = i == run_bits
        run.next = run_class
        if run_class >= FROM_ONE:
            run.next = extra + 1
        elif run_class == SPLIT_CLASS:
            run.next = SPLIT_RUN
        elif run_class >= FROM_POWER:
            run.next = power | extra

    @always_comb
    def go_on() -> None:
        left.next = rest
        next_weight.next = held
        if found.fresh:
            left.next = run
            next_weight.next = value

    @always_comb
    def show() -> None:
        weight.next = 0
        if found.ends:
            weight.next = next_weight
        clean.next = found.ends or next_weight == 0

    @always(clk.posedge)
    def track() -> None:
        if steps.start:
            found.ends.next = True
        elif steps.step and not steps.filling:
            if found.ends:
                found.ends.next = found.plain
            else:
                found.ends.next = left == 1

    @always(clk.posedge)
    def keep() -> None:
        if steps.step and not found.ends:
            rest.next = left - 1
            held.next = next_weight

    return instances()
