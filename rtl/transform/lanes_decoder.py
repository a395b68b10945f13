"""Huffman decoder of several symbols a cycle, each from a lane of its own, by tables that are loaded at run time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances

from silicodec.models.lanes.code import bus_units
from silicodec.models.transform.huffman import MAX_LENGTH
from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import Stream, gated, reset_gates
from silicodec.rtl.lanes.grants import unit_grants
from silicodec.rtl.lanes.supply import Supply, unit_supply
from silicodec.rtl.lanes.units import LanePort, Steps, step_count
from silicodec.rtl.transform.huffman_decoder import LENGTH_BITS, table_address_bits
from silicodec.rtl.transform.lane_reader import (
    FoundCode,
    LengthLimits,
    SymbolOffsets,
    lane_reader,
    lane_symbol,
    length_registers,
)

SYMBOL_BITS = 8
"""Bits of a symbol's place in a row."""
LANES = (2, 4, 8, 16)


@block
def huffman_lanes_decoder(
    clk: Any,
    rst: Any,
    table: Stream,
    length: Stream,
    code: Stream,
    symbols: Stream,
    *,
    lanes: int = 8,
    symbol_bits: int = 8,
    checked: bool = False,
) -> Any:
    """Restore packets of symbols, a row of `lanes` symbols a cycle.

    Whatever a packet holds, it ends after its number of rows; what is left of it is dropped.

    Parameters
    ----------
    table : Stream
        One packet before each packet of code, as `huffman_decoder` takes it.
    length : Stream
        The packet's number of rows: one word, in which zero stands for 2**(its width); `last` is ignored.
    code : Stream
        Words of 64 bits, of 128 with 16 lanes: units as of `docs/formats/transform.md`.
    symbols : Stream
        Rows, a byte for each symbol, the first in the least significant one. If `checked`, `error` is high with `last`
        where the packet was malformed.
    lanes : int
        Symbols a cycle: 2, 4, 8 or 16.
    symbol_bits : int
        Bits of a symbol, 2 to 8; those above it are zeros.
    checked : bool
        Whether to detect malformed packets.
    """
    if lanes not in LANES:
        raise ValueError(f"lanes must be 2, 4, 8 or 16, not {lanes}")
    if not 2 <= symbol_bits <= SYMBOL_BITS:
        raise ValueError(f"symbol_bits must be between 2 and {SYMBOL_BITS}, not {symbol_bits}")

    loading = Signal(bool(1))  # tables; then a packet begins
    active = Signal(bool(0))
    feeding = Signal(bool(0))
    over = Signal(bool(0))
    last_row = Signal(bool(0))
    granted = Signal(bool(0))
    # A row takes three steps: code words are found, their places in the order of all computed, the symbols there read.
    found_valid, found_last, read_valid = (Signal(bool(0)) for _ in range(3))
    room, push = Signal(bool(0)), Signal(bool(0))

    loads, words = gated(table, code)
    supply = Supply(bus_units(lanes))
    steps = Steps()
    ports = [LanePort() for _ in range(lanes)]
    limits, offsets = LengthLimits(symbol_bits + 1), SymbolOffsets(symbol_bits + 1)
    codes = [FoundCode() for _ in range(lanes)]
    order = MemoryPorts((1 << symbol_bits) + 1, symbol_bits + 1)
    orders = [order, *(order.copy() for _ in range(lanes - 1))]

    gates = reset_gates(rst, [table, code], [loads, words])
    loader = table_loader(clk, loading, loads, limits, offsets, order)
    source = unit_supply(clk, rst, words, steps.start, over, feeding, supply, header=False)
    # Of a packet nothing is taken but by lanes, and nothing as it starts.
    sharer = unit_grants(supply, feeding, steps.start, steps.start, granted, ports)
    readers = [lane_reader(clk, steps, port, limits, found) for port, found in zip(ports, codes, strict=True)]
    counter = step_count(clk, steps, length.data, last_row)
    lookups = [lane_symbol(push, found, offsets, one) for found, one in zip(codes, orders, strict=True)]
    memories = [memory(clk, one) for one in orders]
    output = symbol_row(orders, symbols)

    @always_comb
    def begin() -> None:
        steps.start.next = length.valid and words.valid and not active and not loading and not rst
        length.ready.next = words.valid and not active and not loading and not rst

    @always_comb
    def advance() -> None:
        room.next = symbols.ready or not read_valid
        push.next = found_valid and (symbols.ready or not read_valid)
        steps.step.next = feeding and granted and (symbols.ready or not read_valid or not found_valid)

    @always_comb
    def offer() -> None:
        symbols.valid.next = read_valid

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if loading:
            loading.next = not (loads.valid and loads.last)
        elif steps.start:
            active.next = True
            feeding.next = True
        elif feeding:
            feeding.next = not (steps.step and not steps.filling and last_row)
        elif over:
            over.next = not supply.ended
            active.next = not supply.ended
            loading.next = supply.ended
        else:
            over.next = active and push

    @always_seq(clk.posedge, reset=rst)
    def pipeline() -> None:
        if steps.step or push:
            found_valid.next = steps.step and not steps.filling
        if room:
            read_valid.next = found_valid

    @always(clk.posedge)
    def store() -> None:
        if steps.step:
            found_last.next = last_row
        if push:
            symbols.last.next = found_last

    if checked:
        checker = row_check(clk, rst, push, room, read_valid, supply, ports, orders, symbols)
    else:
        supply.clean.read = True
        for port in ports:
            port.clean.read = True

    return instances()


@block
def table_loader(
    clk: Any, loading: Any, loads: Stream, limits: LengthLimits, offsets: SymbolOffsets, order: MemoryPorts
) -> Any:
    """Take a packet of the table while `loading`, as `docs/engines/transform.md` describes it."""
    index_bits = order.bits
    high_address = MAX_LENGTH + table_address_bits(index_bits - 1) - 1
    load_limit, load_offset = Signal(bool(0)), Signal(bool(0))
    registers = length_registers(clk, load_limit, load_offset, loads.data, limits, offsets)

    @always_comb
    def load() -> None:
        loads.ready.next = loading
        order.write.next = loading and loads.valid and not loads.data[high_address]
        order.write_address.next = loads.data[MAX_LENGTH + index_bits : MAX_LENGTH]
        order.write_data.next = loads.data[index_bits:]
        load_offset.next = (
            loading and loads.valid and loads.data[high_address] and not loads.data[MAX_LENGTH + LENGTH_BITS]
        )
        load_limit.next = loading and loads.valid and loads.data[high_address] and loads.data[MAX_LENGTH + LENGTH_BITS]

    return instances()


@block
def symbol_row(orders: Sequence[MemoryPorts], symbols: Stream) -> Any:
    """Put the symbols that were read side by side, a byte for each."""
    index_bits = orders[0].bits
    read = ConcatSignal(*(order.read_data for order in reversed(orders)))
    lanes = len(orders)

    @always_comb
    def place() -> None:
        for i in range(lanes):
            for j in range(SYMBOL_BITS):
                symbols.data.next[SYMBOL_BITS * i + j] = (
                    j < index_bits - 1 and read[(index_bits * i + j) % (index_bits * lanes)]
                )

    return instances()


@block
def row_check(
    clk: Any,
    rst: Any,
    push: Any,
    room: Any,
    read_valid: Any,
    supply: Supply,
    ports: Sequence[LanePort],
    orders: Sequence[MemoryPorts],
    symbols: Stream,
) -> Any:
    """Tell with a packet's last row whether the packet was malformed.

    Parameters
    ----------
    push, room : Signal of bool
        Symbols of a row are looked up; the row of `symbols` leaves, if there is one.
    read_valid : Signal of bool
        There is one.
    """
    all_clean = ConcatSignal(*(port.clean for port in ports))
    ends = ConcatSignal(*(order.read_data(order.bits - 1) for order in orders))
    every_lane = 2 ** len(ports) - 1
    clean, had_end = Signal(bool(0)), Signal(bool(0))

    @always(clk.posedge)
    def store() -> None:
        # Of a packet's last row, which is looked up when its code has been read.
        if push:
            clean.next = supply.clean and all_clean == every_lane

    @always_seq(clk.posedge, reset=rst)
    def remember() -> None:
        if room and read_valid:
            had_end.next = not symbols.last and (had_end or ends != 0)

    @always_comb
    def report() -> None:
        symbols.error.next = not clean or had_end or ends != 0

    return instances()
