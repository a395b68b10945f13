"""Decoder of Arm's weight code: a chunk a cycle, up to twelve weights, in rows."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv

from silicodec.models.baselines.mlw_stream import MOST_ENTRIES
from silicodec.rtl.blocks.stream import Stream, reset_gate
from silicodec.rtl.mlw.chunk import FIELD_BITS, PLACES, Chunk, Slice
from silicodec.rtl.mlw.pairs import Pairs, pair_queue, split_fields
from silicodec.rtl.mlw.parser import parser
from silicodec.rtl.mlw.rows import palette_store, row_filler
from silicodec.rtl.mlw.supply import WORD_BITS, Supply, bit_supply


@block
def mlw_decoder(clk: Any, rst: Any, packet: Stream, weights: Stream, *, lanes: int = 8) -> Any:
    """Restore 8-bit weights from streams of Arm's weight code.

    Parameters
    ----------
    packet : Stream
        Words of 64 bits, the first byte the least significant: a stream, or several in succession, as of
        `docs/formats/mlw.md`. Bytes of ones fill up the last word.
    weights : Stream
        Rows, the first weight in the least significant bits; zeros fill up the last one. `error` is high with `last`
        where the packet was malformed, a weight does not fit into 8 bits, or there is none.
    lanes : int
        Weights of a row: 2, 4 or 8.
    """
    if lanes not in (2, 4, 8):
        raise ValueError(f"lanes must be 2, 4 or 8, not {lanes}")

    words = Stream(WORD_BITS)
    supply = Supply()
    part = Slice()
    chunk = Chunk()
    pairs = Pairs(lanes)
    parts = Signal(intbv(0)[FIELD_BITS * PLACES :])
    entries = Signal(intbv(0)[FIELD_BITS * MOST_ENTRIES :])
    loading = Signal(bool(0))
    group = Signal(intbv(0)[2:])
    first, drained, finished, wrong = (Signal(bool(0)) for _ in range(4))
    number_flaw, weight_flaw, flawed = (Signal(bool(0)) for _ in range(3))

    gate = reset_gate(rst, packet, words)
    source = bit_supply(clk, rst, words, supply)
    reader = parser(clk, rst, supply, part, chunk, loading, group, drained, flawed, finished, wrong)
    splitter = split_fields(chunk, parts)
    queue = pair_queue(clk, rst, part, chunk, parts, pairs, wrong, number_flaw)
    palette = palette_store(clk, parts, loading, group, entries)
    filler = row_filler(clk, rst, part, pairs, entries, finished, wrong, first, weight_flaw, weights, supply.restart)

    @always_comb
    def look() -> None:
        drained.next = not chunk.valid and pairs.count == 0 and pairs.run_count == 0 and not first and not flawed

    @always_seq(clk.posedge, reset=rst)
    def remember() -> None:
        if supply.restart:
            first.next = False
            flawed.next = False
        else:
            flawed.next = flawed or number_flaw or weight_flaw
            if part.start:
                first.next = part.first
            elif pairs.take_runs[1] and first:
                first.next = False

    return instances()
