"""Code table of a packet: loaded from the packet, in registers that all lanes look at."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, block, instances, intbv

from silicodec.models.lanes.code import COUNT_BITS, FROM_ONE, FROM_POWER, LEAST_RUN_BITS, MAX_LENGTH, SPLIT_CLASS, UNIT
from silicodec.rtl.lanes.supply import BUS_BITS, Supply

COUNTS_BITS = COUNT_BITS * MAX_LENGTH
COST_BITS = 4
INDEX_BITS = 6
MOST_EXTRA_BITS = 8


class CodeTable:
    """The symbols of a packet, the first in the least significant bits of each vector.

    `lasts` are the last strings of eight bits that begin with their code words, `costs` the bits of these with all that
    follows, less one, `plain` says that no zeros come first, and `units` are the entries as they were in the packet.
    `dropped` is the number of low-order bits that are zero in every weight, and `wrong` says that it is no table.
    """

    def __init__(self, symbols: int) -> None:
        self.symbols = symbols
        self.entries = [TableEntry() for _ in range(symbols)]
        backwards = self.entries[::-1]
        self.lasts: Any = ConcatSignal(*(entry.last for entry in backwards))
        self.costs: Any = ConcatSignal(*(entry.cost for entry in backwards))
        self.plain: Any = ConcatSignal(*(entry.plain for entry in backwards))
        self.units: Any = ConcatSignal(*(entry.unit for entry in backwards))
        self.dropped: Any = Signal(intbv(0)[3:])
        self.wrong: Any = Signal(bool(0))


class TableEntry:
    """What is known of one symbol."""

    def __init__(self) -> None:
        self.last: Any = Signal(intbv(0)[MAX_LENGTH:])
        self.cost: Any = Signal(intbv(0)[COST_BITS:])
        self.plain: Any = Signal(bool(0))
        self.unit: Any = Signal(intbv(0)[UNIT:])


@block
def table_loader(
    clk: Any, start: Any, header: Any, supply: Supply, loading: Any, take: Any, done: Any, table: CodeTable
) -> Any:
    """Load a table, a symbol a cycle.

    Parameters
    ----------
    start : Signal of bool
        A packet begins with `header`.
    header : Signal of 64 bits
        Its first four units.
    supply : Supply
        Gives the entries.
    loading : Signal of bool
        They may be taken.
    take : Signal of bool
        One is.
    done : Signal of bool
        There is none left, or something is wrong already.
    table : CodeTable
        What is loaded.
    """
    counts = Signal(intbv(0)[COUNTS_BITS:])  # of symbols to come, for this length and longer ones
    length = Signal(intbv(0)[4:])
    strings = Signal(intbv(0)[MAX_LENGTH:])  # of eight bits that begin with a code word of this length; then 0
    none_left = Signal(bool(0))
    first = Signal(intbv(0)[MAX_LENGTH + 1 :])  # the string that the next code word begins
    after = Signal(intbv(0)[MAX_LENGTH + 2 :])
    last = Signal(intbv(0)[MAX_LENGTH:])
    index = Signal(intbv(0)[INDEX_BITS:])
    full = Signal(bool(0))
    unit = Signal(intbv(0)[UNIT:])
    run_class, run_bits = Signal(intbv(0)[4:]), Signal(intbv(0)[3:])
    extra = Signal(intbv(0)[5:])
    cost = Signal(intbv(0)[COST_BITS:])
    loaders = [
        entry_loader(clk, start, take, index, number, last, cost, unit, entry)
        for number, entry in enumerate(table.entries)
    ]
    classifier = run_extra_bits(run_class, run_bits)
    symbols = table.symbols
    shown, bus_bits = supply.shown, UNIT * supply.bus_units

    @always_comb
    def look() -> None:
        unit.next = supply.units[2 * bus_bits : 2 * bus_bits - UNIT]
        run_class.next = supply.units[2 * bus_bits : 2 * bus_bits - 4]
        none_left.next = counts[: COUNTS_BITS - COUNT_BITS] == 0
        done.next = strings == 0 or table.wrong
        full.next = index == symbols

    @always_comb
    def act() -> None:
        take.next = loading and not none_left and strings != 0 and supply.available[0]

    @always_comb
    def measure() -> None:
        extra.next = unit[12:8] + run_bits
        after.next = first + strings
        last.next = (first + strings - 1) & 0xFF

    @always_comb
    def price() -> None:
        cost.next = (length + extra - 1) & 0xF

    @always(clk.posedge)
    def load() -> None:
        if start:
            counts.next = header[COUNTS_BITS:]
            strings.next = 1 << (MAX_LENGTH - 1)
            length.next = 1
            first.next = 0
            index.next = 0
            table.dropped.next = header[COUNTS_BITS + 3 : COUNTS_BITS]
            table.wrong.next = header[BUS_BITS : COUNTS_BITS + 3] != 0
        elif take:
            counts.next[: COUNTS_BITS - COUNT_BITS] = counts[: COUNTS_BITS - COUNT_BITS] - 1
            first.next = after[MAX_LENGTH + 1 :]
            if not full:
                index.next = index + 1
            if full or after > 1 << MAX_LENGTH or extra > MOST_EXTRA_BITS or supply.absent[shown - 1]:
                table.wrong.next = True
        elif loading and none_left and strings != 0:
            counts.next = (counts << COUNT_BITS) & (2**COUNTS_BITS - 1)
            strings.next = strings >> 1
            length.next = length + 1
            if strings == 1 and first != 1 << MAX_LENGTH:
                table.wrong.next = True

    return instances()


@block
def entry_loader(
    clk: Any, start: Any, take: Any, index: Any, number: int, last: Any, cost: Any, unit: Any, entry: TableEntry
) -> Any:
    """Hold the symbol of one number; before it is loaded, nothing comes after its code word."""

    @always(clk.posedge)
    def load() -> None:
        if start:
            entry.last.next = 2**MAX_LENGTH - 1
        elif take and index == number:
            entry.last.next = last
        if take and index == number:
            entry.cost.next = cost
            entry.plain.next = unit[16:12] == 0
            entry.unit.next = unit

    return instances()


@block
def run_extra_bits(run_class: Any, bits: Any) -> Any:
    """Tell how many bits follow for a run of a class."""

    @always_comb
    def tell() -> None:
        bits.next = 0
        if run_class >= FROM_ONE:
            bits.next = run_class[3:]
        elif run_class >= FROM_POWER and run_class != SPLIT_CLASS:
            bits.next = run_class - (FROM_POWER - LEAST_RUN_BITS)

    return instances()
