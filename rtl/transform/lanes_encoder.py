"""Huffman encoder of several symbols a cycle, each to a lane of its own, by a table that is loaded at run time."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, ResetSignal, Signal, always_comb, always_seq, block, concat, instances, intbv

from silicodec.models.transform.huffman import MAX_LENGTH
from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import Stream, gated, reset_gates
from silicodec.rtl.transform.lane_packer import DEPTH, LENGTH_BITS, LaneUnits, lane_packer, ring_memory, unit_queue
from silicodec.rtl.transform.lanes_decoder import LANES, SYMBOL_BITS
from silicodec.rtl.transform.unit_merger import Merging, unit_merger


@block
def huffman_lanes_encoder(
    clk: Any, rst: Any, table: Stream, symbols: Stream, code: Stream, *, lanes: int = 8, symbol_bits: int = 8
) -> Any:
    """Code packets of symbols, a row of `lanes` symbols a cycle.

    Parameters
    ----------
    table : Stream
        One packet before each packet of symbols, as `huffman_encoder` takes it; the entry of the end is ignored.
    symbols : Stream
        Rows, a byte for each symbol, the first in the least significant one.
    code : Stream
        Words of 64 bits, of 128 with 16 lanes: units as of `docs/formats/transform.md`.
    lanes : int
        Symbols a cycle: 2, 4, 8 or 16.
    symbol_bits : int
        Bits of a symbol, 2 to 8; those above it are ignored.
    """
    if lanes not in LANES:
        raise ValueError(f"lanes must be 2, 4, 8 or 16, not {lanes}")
    if not 2 <= symbol_bits <= SYMBOL_BITS:
        raise ValueError(f"symbol_bits must be between 2 and {SYMBOL_BITS}, not {symbol_bits}")
    # Longer code words begin with ones, since there are fewer symbols than 2**(stored bits).
    stored_bits = symbol_bits + 1

    loading = Signal(bool(1))
    ending = Signal(bool(0))  # the last row was taken
    coded_valid, coded_last = Signal(bool(0)), Signal(bool(0))
    take, step = Signal(bool(0)), Signal(bool(0))
    flush = Signal(bool(0))
    room, done = Signal(bool(0)), Signal(bool(0))

    loads, rows = gated(table, symbols)
    entries = MemoryPorts(1 << symbol_bits, LENGTH_BITS + stored_bits)
    copies = [entries, *(entries.copy() for _ in range(lanes - 1))]
    queues = [LaneUnits() for _ in range(lanes)]
    full = [Signal(bool(0)) for _ in range(lanes)]
    merging = Merging(lanes)

    gates = reset_gates(rst, [table, symbols], [loads, rows])
    loader = entry_loader(loading, loads, entries)
    readers = [symbol_reader(take, rows.data, one, lane=i) for i, one in enumerate(copies)]
    memories = [memory(clk, one) for one in copies]
    packers = [
        lane_packer(clk, rst, step, flush, one.read_data, queue, is_full)
        for one, queue, is_full in zip(copies, queues, full, strict=True)
    ]
    waiting_units = [unit_queue(clk, rst, queue) for queue in queues]
    places = place_queue(clk, rst, step, done, full, room, merging)
    merger = unit_merger(clk, rst, merging, queues, coded_valid, done, code)

    @always_comb
    def accept() -> None:
        take.next = rows.valid and not loading and not ending and (not coded_valid or room)
        rows.ready.next = not loading and not ending and (not coded_valid or room)
        step.next = coded_valid and room

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if loading:
            loading.next = not (loads.valid and loads.last)
        elif done:
            loading.next = True
        if done:
            ending.next = False
        elif take:
            ending.next = rows.last
        flush.next = step and coded_last
        if done:
            merging.draining.next = False
        elif flush:
            merging.draining.next = True

    @always_seq(clk.posedge, reset=rst)
    def advance() -> None:
        if take or step:
            coded_valid.next = take
            coded_last.next = rows.last

    return instances()


@block
def entry_loader(loading: Any, loads: Stream, entries: MemoryPorts) -> Any:
    """Take a packet of the table while `loading`: length and low bits of each code word."""
    stored_bits = entries.bits - LENGTH_BITS
    symbol_bits = stored_bits - 1
    entry_bits = LENGTH_BITS + MAX_LENGTH

    @always_comb
    def load() -> None:
        shifted = intbv(0)[MAX_LENGTH:]
        shifted[:] = loads.data[MAX_LENGTH:]
        for stage in range(LENGTH_BITS):
            if not loads.data[MAX_LENGTH + stage]:
                shifted[:] = shifted >> (1 << stage)
        loads.ready.next = loading
        entries.write.next = loading and loads.valid and not loads.data[entry_bits + symbol_bits]
        entries.write_address.next = loads.data[entry_bits + symbol_bits : entry_bits]
        entries.write_data.next = concat(loads.data[entry_bits:MAX_LENGTH], shifted[stored_bits:])

    return instances()


@block
def symbol_reader(take: Any, row: Any, entries: MemoryPorts, *, lane: int) -> Any:
    """Read the entry of a lane's symbol."""
    low = SYMBOL_BITS * lane
    high = low + len(entries.read_address)

    @always_comb
    def read() -> None:
        entries.read.next = take
        entries.read_address.next = row[high:low]

    return instances()


@block
def place_queue(clk: Any, rst: Any, step: Any, done: Any, full: Any, room: Any, merging: Merging) -> Any:
    """Keep which lanes' units come next: of each row those whose unit it made full, where there are any.

    Parameters
    ----------
    step : Signal of bool
        A row is coded.
    done : Signal of bool
        The packet has ended: places that are left are dropped.
    full : list of Signal of bool
        Whose units it makes full.
    room : Signal of bool
        There is room for the places of a row.
    merging : Merging
        Its `places`, `there` are driven here; with `take` they leave.
    """
    lanes = len(full)
    ports = MemoryPorts(DEPTH, lanes)
    ports.read_data = merging.places
    all_full = ConcatSignal(*reversed(full))
    push, waiting = Signal(bool(0)), Signal(bool(0))
    flush = ResetSignal(0, active=1, isasync=False)
    waiting.read = True
    storage = ring_memory(clk, flush, ports, push, merging.there, waiting, merging.take, room)

    @always_comb
    def give() -> None:
        ports.write_data.next = all_full
        push.next = step and all_full != 0
        flush.next = rst or done

    return instances()
