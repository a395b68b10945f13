"""One lane: a code word a cycle from the units that it holds, and the zeros and the weight that it stands for."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, block, concat, downrange, instances, intbv, modbv

from silicodec.models.lanes.code import FROM_ONE, FROM_POWER, MAX_LENGTH, SPLIT_CLASS, SPLIT_RUN, UNIT
from silicodec.rtl.lanes.table import COST_BITS, CodeTable, run_extra_bits

WEIGHT_BITS = 8
RUN_BITS = 8


class Steps:
    """What all lanes do at once.

    With `start` a packet begins. With `step` they move on; while they are `filling` themselves, by a unit each, and
    afterwards by a row of weights.
    """

    def __init__(self) -> None:
        self.start: Any = Signal(bool(0))
        self.step: Any = Signal(bool(0))
        self.filling: Any = Signal(bool(0))


class LanePort:
    """A lane's units and weights.

    Where it `need`s a unit it takes one with `grant`: `unit`, of which `absent` says that it lies beyond the packet's
    end. `weight` is that of the row before the one that is decoded. `flaw` says that it has read what lies beyond the
    packet's end, and `clean` that with this row the lane ends as it should.
    """

    def __init__(self) -> None:
        self.need: Any = Signal(bool(0))
        self.grant: Any = Signal(bool(0))
        self.unit: Any = Signal(intbv(0)[UNIT:])
        self.absent: Any = Signal(bool(0))
        self.weight: Any = Signal(intbv(0)[WEIGHT_BITS:])
        self.flaw: Any = Signal(bool(0))
        self.clean: Any = Signal(bool(0))


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
def lane(clk: Any, steps: Steps, port: LanePort, table: CodeTable) -> Any:
    """Decode one lane."""
    found = Found(table.symbols)
    read_clean, row_clean = Signal(bool(0)), Signal(bool(0))
    reader = lane_reader(clk, steps, port, table, found, read_clean)
    weigher = lane_weights(clk, steps, port, table, found, row_clean)

    @always_comb
    def check() -> None:
        port.clean.next = read_clean and row_clean

    return instances()


@block
def lane_reader(clk: Any, steps: Steps, port: LanePort, table: CodeTable, found: Found, clean: Any) -> Any:
    """Hold three units, and find the code word at the next bit.

    The third one is missing for a step after the first was used up, so that where it comes from may be found out
    meanwhile.
    """
    symbols = table.symbols
    first, second, third = (Signal(intbv(0)[UNIT:]) for _ in range(3))
    no_first, no_second, no_third = (Signal(bool(0)) for _ in range(3))
    place = Signal(intbv(0)[4:])
    window = Signal(intbv(0)[UNIT:])
    beginning = Signal(intbv(0)[MAX_LENGTH:])
    windows = ConcatSignal(*[beginning] * symbols)
    longer = Signal(intbv(0)[symbols:])
    chosen = Signal(intbv(0)[symbols:])
    cost = Signal(intbv(0)[COST_BITS:])
    crosses = Signal(intbv(0)[symbols:])
    new_place = Signal(modbv(0)[4:])
    used_up = Signal(bool(0))
    decode = Signal(bool(0))
    shift = Signal(bool(0))

    @always_comb
    def show() -> None:
        both = intbv(0)[2 * UNIT :]
        both[:] = concat(first, second)
        for stage in downrange(4):
            if place[stage]:
                both[:] = (both << (1 << stage)) & (2 ** (2 * UNIT) - 1)
        window.next = both[2 * UNIT : UNIT]
        beginning.next = both[2 * UNIT : 2 * UNIT - MAX_LENGTH]

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
        cost.next = total
        found.plain.next = (chosen & table.plain) != 0

    @always_comb
    def foresee() -> None:
        # Whether each symbol would use up the first unit is known before it is known which one it is.
        for i in range(symbols):
            crosses.next[i] = ((table.costs >> (COST_BITS * i)) & (2**COST_BITS - 1)) + place >= UNIT - 1

    @always_comb
    def move() -> None:
        # With a bit below that makes the carry in.
        sums = intbv(0)[6:]
        sums[:] = ((place << 1) | 1) + ((cost << 1) | 1)
        new_place.next = sums[5:1]
        used_up.next = (chosen & crosses) != 0

    @always_comb
    def act() -> None:
        decode.next = steps.step and not steps.filling and found.ends
        shift.next = steps.step and (steps.filling or (found.ends and used_up))

    @always(clk.posedge)
    def hold() -> None:
        if shift:
            first.next = second
            no_first.next = no_second
            second.next = third
            no_second.next = no_third
            if port.need:
                second.next = port.unit
                no_second.next = port.absent
        if port.grant:
            third.next = port.unit
            no_third.next = port.absent

    @always(clk.posedge)
    def track() -> None:
        if steps.start:
            port.need.next = True
            place.next = 0
            port.flaw.next = False
        else:
            if shift:
                port.need.next = True
            elif port.grant:
                port.need.next = False
            if decode:
                place.next = new_place
                if used_up and no_first:
                    port.flaw.next = True

    @always(clk.posedge)
    def pass_on() -> None:
        if decode:
            found.chosen.next = chosen
            found.bits.next = window
            found.cost.next = cost

    @always(clk.posedge)
    def tell() -> None:
        if steps.start:
            found.fresh.next = False
        elif steps.step:
            found.fresh.next = decode

    @always_comb
    def check() -> None:
        # The window is the rest of the first unit, and the beginning of the second one.
        clean.next = (
            window == 0 and second == 0 and (third == 0 or port.need) and not port.flaw and (place == 0 or not no_first)
        )

    return instances()


@block
def lane_weights(clk: Any, steps: Steps, port: LanePort, table: CodeTable, found: Found, clean: Any) -> Any:
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
        port.weight.next = 0
        if found.ends:
            port.weight.next = next_weight
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
