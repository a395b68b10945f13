"""Lanes decoder: several weights a cycle, each from a lane with a Huffman code word of its own."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv

from silicodec.models.lanes.code import MOST_SYMBOLS, UNIT, bus_units
from silicodec.rtl.blocks.stream import Stream, reset_gate
from silicodec.rtl.lanes.grants import unit_grants
from silicodec.rtl.lanes.lane import WEIGHT_BITS, lane
from silicodec.rtl.lanes.supply import BUS_BITS, Supply, unit_supply
from silicodec.rtl.lanes.table import CodeTable, table_loader
from silicodec.rtl.lanes.units import LanePort, Steps, step_count


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
    last_row = Signal(bool(0))

    take_entry, table_done = Signal(bool(0)), Signal(bool(0))
    supplied = Signal(bool(0))
    granted = Signal(bool(0))
    push = Signal(bool(0))
    decoded, decoded_last = Signal(bool(0)), Signal(bool(0))
    offered = Signal(bool(0))
    row = Signal(intbv(0)[WEIGHT_BITS * lanes :])
    clean = Signal(bool(0))

    supply = Supply(bus_units(lanes))
    words = Stream(UNIT * supply.bus_units)
    table = CodeTable(symbols)
    steps = Steps()
    ports = [LanePort() for _ in range(lanes)]
    lane_weights = [Signal(intbv(0)[WEIGHT_BITS:]) for _ in range(lanes)]
    all_clean = ConcatSignal(*(port.clean for port in ports)) if lanes > 1 else ports[0].clean
    all_weights = ConcatSignal(*reversed(lane_weights)) if lanes > 1 else lane_weights[0]

    all_lanes = 2**lanes - 1

    gate = reset_gate(rst, packet, words)
    source = unit_supply(clk, rst, words, steps.start, over, supplied, supply)
    loader = table_loader(clk, steps.start, first_units(words.data), supply, loading, take_entry, table_done, table)
    sharer = unit_grants(supply, feeding, loading, take_entry, granted, ports)
    decoders = [lane(clk, steps, port, table, weight) for port, weight in zip(ports, lane_weights, strict=True)]
    counter = step_count(clk, steps, length.data, last_row)

    @always_comb
    def begin() -> None:
        steps.start.next = length.valid and words.valid and not active and not rst
        length.ready.next = words.valid and not active and not rst
        supplied.next = loading or feeding

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
