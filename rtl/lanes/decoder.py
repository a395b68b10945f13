"""Lanes decoder: several weights a cycle, each from a lane with a Huffman code word of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, concat, instances, intbv, modbv

from silicodec.models.lanes.code import BUS_UNITS, MOST_SYMBOLS, UNIT
from silicodec.rtl.blocks.stream import Stream, reset_gate
from silicodec.rtl.lanes.lane import WEIGHT_BITS, LanePort, Steps, lane
from silicodec.rtl.lanes.supply import BUS_BITS, Supply, unit_supply
from silicodec.rtl.lanes.table import CodeTable, table_loader

FILLING_STEPS = 2
"""Steps in which lanes take units before the first row."""


@block
def lanes_decoder(
    clk: Any,
    rst: Any,
    length: Stream,
    packet: Stream,
    weights: Stream,
    *,
    lanes: int = 8,
    symbols: int = 16,
) -> Any:
    """Restore packets of 8-bit weights, a row of `lanes` weights a cycle.

    Whatever a packet holds, it ends after its number of rows; what is left of it is dropped.

    Parameters
    ----------
    length : Stream
        The packet's number of rows: one word, in which zero stands for 2**(its width); `last` is ignored.
    packet : Stream
        Words of 64 bits, of 128 with 16 lanes: header, table and units, as of `docs/formats/lanes.md`.
    weights : Stream
        Rows, the first weight in the least significant bits. `error` is high with `last` where the packet was
        malformed.
    lanes : int
        Weights a cycle: 1, 2, 4, 8 or 16.
    symbols : int
        Most symbols in a table, 4 to 32.
    """
    if lanes not in (1, 2, 4, 8, 16):
        raise ValueError(f"lanes must be 1, 2, 4, 8 or 16, not {lanes}")
    if not 4 <= symbols <= MOST_SYMBOLS:
        raise ValueError(f"symbols must be 4 to {MOST_SYMBOLS}, not {symbols}")

    active = Signal(bool(0))  # a packet has begun; what comes first is its table
    loading = Signal(bool(0))
    feeding = Signal(bool(0))
    over = Signal(bool(0))
    fillings = Signal(intbv(0)[2:])
    remaining = Signal(modbv(0)[len(length.data) :])
    last_row = Signal(bool(0))

    take_entry, table_done = Signal(bool(0)), Signal(bool(0))
    supplied = Signal(bool(0))
    granted = Signal(bool(0))
    push = Signal(bool(0))
    decoded, decoded_last = Signal(bool(0)), Signal(bool(0))
    offered = Signal(bool(0))
    row = Signal(intbv(0)[WEIGHT_BITS * lanes :])
    clean = Signal(bool(0))

    supply = Supply(max(BUS_UNITS, lanes // 2))
    bus_bits = UNIT * supply.bus_units
    words = Stream(bus_bits)
    table = CodeTable(symbols)
    steps = Steps()
    ports = [LanePort() for _ in range(lanes)]
    all_clean = ConcatSignal(*(port.clean for port in ports)) if lanes > 1 else ports[0].clean
    all_weights = ConcatSignal(*(port.weight for port in reversed(ports))) if lanes > 1 else ports[0].weight

    all_lanes = 2**lanes - 1

    gate = reset_gate(rst, packet, words)
    source = unit_supply(clk, rst, words, steps.start, over, supplied, supply)
    loader = table_loader(clk, steps.start, first_units(words.data), supply, loading, take_entry, table_done, table)
    sharer = unit_grants(supply, feeding, loading, take_entry, granted, ports)
    decoders = [lane(clk, steps, port, table) for port in ports]

    @always_comb
    def begin() -> None:
        steps.start.next = length.valid and words.valid and not active and not rst
        length.ready.next = words.valid and not active and not rst
        supplied.next = loading or feeding
        steps.filling.next = fillings != 0
        last_row.next = remaining == 1

    @always_comb
    def advance() -> None:
        steps.step.next = feeding and granted and (not decoded or weights.ready or not offered)
        push.next = decoded and (weights.ready or not offered) and (granted or not feeding)

    @always_comb
    def offer() -> None:
        weights.valid.next = offered

    @always_comb
    def place() -> None:
        # The low-order bits that no weight has.
        for i in range(lanes):
            for j in range(WEIGHT_BITS):
                row.next[WEIGHT_BITS * i + j] = False
                for k in range(WEIGHT_BITS):
                    if k <= j and table.dropped == k:
                        row.next[WEIGHT_BITS * i + j] = all_weights[WEIGHT_BITS * i + j - k]

    @always_comb
    def check() -> None:
        clean.next = supply.clean and not table.wrong and all_clean == all_lanes

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if steps.start:
            active.next = True
            loading.next = True
        elif loading:
            loading.next = not table_done
            feeding.next = table_done
        elif feeding:
            if steps.step and not steps.filling and last_row:
                feeding.next = False
        elif over:
            over.next = not supply.ended
            active.next = not supply.ended
        elif push:
            over.next = True

    @always_seq(clk.posedge, reset=rst)
    def pipeline() -> None:
        if steps.step or push:
            decoded.next = steps.step and not steps.filling
        offered.next = push or (offered and not weights.ready)

    @always(clk.posedge)
    def count() -> None:
        if steps.start:
            remaining.next = length.data
            fillings.next = FILLING_STEPS
        elif steps.step:
            if steps.filling:
                fillings.next = fillings - 1
            else:
                remaining.next = remaining - 1

    @always(clk.posedge)
    def store() -> None:
        if steps.step:
            decoded_last.next = last_row
        if push:
            weights.data.next = row
            weights.last.next = decoded_last
            weights.error.next = not clean

    return instances()


def first_units(word: Any) -> Any:
    """Return the bits of a word of the bus that are the header of a packet."""
    return word if len(word) == BUS_BITS else word(len(word), len(word) - BUS_BITS)


@block
def unit_grants(
    supply: Supply, feeding: Any, loading: Any, take_entry: Any, granted: Any, ports: Sequence[LanePort]
) -> Any:
    """Hand units to the lanes that need one, in the order of the lanes.

    Parameters
    ----------
    supply : Supply
        Where they come from.
    feeding : Signal of bool
        Lanes take units.
    loading, take_entry : Signal of bool
        The table does; and it takes one.
    granted : Signal of bool
        Every lane has what it needs.
    ports : sequence of LanePort
        The lanes.
    """
    shown = supply.shown
    counts = [Signal(intbv(0)[shown:]) for _ in ports]
    before = [None, *counts[:-1]]
    counters = [count_need(before[i], port.need, counts[i]) for i, port in enumerate(ports)]
    choosers = [unit_grant(supply, feeding, before[i], port, most=i) for i, port in enumerate(ports)]
    total = counts[-1]
    taken = Signal(intbv(0)[shown:])
    count_bits = len(supply.count)

    @always_comb
    def share() -> None:
        granted.next = total & ~supply.available == 0
        taken.next = 0
        if feeding:
            taken.next = total & supply.available
        elif loading:
            taken.next[0] = take_entry

    @always_comb
    def count() -> None:
        for i in range(count_bits):
            supply.count.next[i] = False
            for j in range(shown):
                # Bit i of the number j + 1, where there are so many and no more.
                if ((j + 1) >> i) & 1 == 1 and taken[j] and (j == shown - 1 or not taken[(j + 1) % shown]):
                    supply.count.next[i] = True

    return instances()


@block
def count_need(before: Any, need: Any, after: Any) -> Any:
    """Count one lane, after others if there are any: bit i of a count is set where there are more."""
    shown = len(after)

    if before is None:

        @always_comb
        def begin() -> None:
            after.next = need

    else:

        @always_comb
        def count() -> None:
            after.next = before
            if need:
                after.next = concat(before[shown - 1 :], True)

    return instances()


@block
def unit_grant(supply: Supply, feeding: Any, before: Any, port: LanePort, *, most: int) -> Any:
    """Give one lane a unit, if it needs one, after those of the lanes `before`, up to `most`."""
    shown, bus_bits = supply.shown, UNIT * supply.bus_units

    if before is None:

        @always_comb
        def choose_first() -> None:
            port.grant.next = feeding and port.need and supply.available[0]
            port.unit.next = supply.units[2 * bus_bits : 2 * bus_bits - UNIT]
            port.absent.next = supply.absent[shown - 1]

    else:

        @always_comb
        def choose() -> None:
            unit = intbv(0)[UNIT:]
            chosen = intbv(0)[shown:]
            missing = False
            chosen[:] = ~before & ((before << 1) | 1) & (2**shown - 1)
            for i in range(most + 1):
                if chosen[i]:
                    unit[:] = unit | ((supply.units >> (2 * bus_bits - UNIT * (i + 1))) & (2**UNIT - 1))
                    missing = missing or supply.absent[shown - 1 - i]
            port.unit.next = unit
            port.absent.next = missing
            port.grant.next = feeding and port.need and (chosen & supply.available) != 0

    return instances()
