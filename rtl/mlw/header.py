"""Headers of slices: what is at the next bit, if it is a header, and what holds until the next one."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv, modbv

from silicodec.models.baselines.mlw_stream import END, MOST_DIVISOR, MOST_RUN_DIVISOR, NO_RUNS, PLAIN
from silicodec.rtl.mlw.chunk import Slice
from silicodec.rtl.mlw.supply import Supply

HEADER_BITS, WITH_PALETTE_BITS = 23, 36
NUMBER_BITS = 16
"""Bits of a slice's number of indices, and of runs."""


class Header:
    """What the next bits say as a header, and what they said when the slice began.

    It `is_end` of the stream, which takes `align` bits; or there are `count` indices and `run_count` runs, and it
    `renews` the palette, of `size` entries. It is `known` if it may be, after a palette if it `has_palette` before.
    Of the slice, palette entries have `entry_bits`, plain indices `index_bits`, and quotients may be `truncated`.
    """

    def __init__(self) -> None:
        self.is_end: Any = Signal(bool(0))
        self.align: Any = Signal(intbv(0)[4:])
        self.count: Any = Signal(intbv(0)[NUMBER_BITS:])
        self.run_count: Any = Signal(intbv(0)[NUMBER_BITS:])
        self.renews: Any = Signal(bool(0))
        self.size: Any = Signal(intbv(0)[6:])
        self.known: Any = Signal(bool(0))
        self.has_palette: Any = Signal(bool(0))
        self.entry_bits: Any = Signal(intbv(0)[4:])
        self.index_bits: Any = Signal(intbv(0)[4:])
        self.truncated: Any = Signal(bool(0))


@block
def header_reader(clk: Any, supply: Supply, part: Slice, header: Header) -> Any:
    """Read headers, and keep what they say when a slice begins."""
    run_code, code = Signal(intbv(0)[3:]), Signal(intbv(0)[3:])
    offset, most = Signal(intbv(0)[5:]), Signal(intbv(0)[5:])
    entry_bits, index_bits = Signal(intbv(0)[4:]), Signal(intbv(0)[4:])
    kept_offset = Signal(intbv(0)[5:])
    base = Signal(modbv(0)[10:])

    @always_comb
    def divide() -> None:
        run_code.next = supply.bits[3:]
        header.count.next = supply.bits[18:3] + 1
        code.next = supply.bits[21:18]
        header.renews.next = supply.bits[22]
        offset.next = supply.bits[28:23]
        most.next = supply.bits[33:28]
        entry_bits.next = supply.bits[36:33] + 2

    @always_comb
    def look() -> None:
        header.is_end.next = run_code == END
        header.align.next = 8 - supply.offset[3:]
        if supply.offset[3:] > 5:
            header.align.next = 16 - supply.offset[3:]
        header.size.next = 0
        if most != 0:
            header.size.next = most + 1
        index_bits.next = entry_bits
        for i in range(5):
            if most[i]:
                index_bits.next = i + 1

    @always_comb
    def count_runs() -> None:
        header.run_count.next = 0
        part.first.next = header.renews and run_code != NO_RUNS
        if run_code != NO_RUNS:
            header.run_count.next = header.count
            if header.renews:
                header.run_count.next = header.count + 1

    @always_comb
    def judge() -> None:
        header.known.next = (run_code <= MOST_RUN_DIVISOR or run_code == NO_RUNS) and (
            code <= MOST_DIVISOR or code == PLAIN
        )
        if not header.renews and (not header.has_palette or part.dense != (run_code == NO_RUNS)):
            header.known.next = False

    @always_comb
    def subtract() -> None:
        base.next = kept_offset - part.size

    @always(clk.posedge)
    def keep() -> None:
        if part.start:
            part.dense.next = run_code == NO_RUNS
            part.run_divisor.next = run_code[2:]
            part.plain.next = code == PLAIN
            part.divisor.next = code
            header.truncated.next = supply.bits[21]
            if header.renews:
                part.size.next = header.size
                kept_offset.next = offset
                header.entry_bits.next = entry_bits
                header.index_bits.next = index_bits

    @always(clk.posedge)
    def follow() -> None:
        # A cycle later, and before the first index comes.
        part.base.next = base

    return instances()
