"""Packets of EBPC in which each row is coded by itself to rows of 8 words: `silicodec.models.ebpc.row_packets`."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.ebpc.parallel_loops import PLANE_BITS
from silicodec.models.ebpc.row_packets import COUNT_BITS, PORT_BITS, WHOLE_MARK
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.ebpc.lanes_coder import BODY_BITS
from silicodec.rtl.ebpc.lanes_parser import CodeStream
from silicodec.rtl.ebpc.lanes_planes import StepStream, add, cut, plane_reader
from silicodec.rtl.ebpc.lanes_restorer import word_returner
from silicodec.rtl.ebpc.lanes_rows import BLOCK, PLACE_BITS, ROW_BITS, WORD_BITS
from silicodec.rtl.ebpc.row_encoder import count_before
from silicodec.rtl.ebpc.row_parser import ROW_CODE_BITS, RowCodes, row_parser


@block
def row_decoder(clk: Any, rst: Any, words: Stream, length: Stream, rows: Stream) -> Any:
    """Restore packets of rows, a row a cycle.

    Whatever a packet holds, it ends after its number of rows; what is left over of it is dropped.

    Parameters
    ----------
    words : Stream
        Packets, in words of 64 bits.
    length : Stream
        Of each packet the number of rows, at least 1, and in the most significant bit whether the words' zero is -128.
    rows : Stream
        Rows of 8 words, the first one in the most significant bits. `error` is high with `last` where the packet was
        malformed.
    """
    parsed, codes, steps = RowCodes(), CodeStream(), StepStream()
    parser = row_parser(clk, rst, words, length, parsed)
    planes = plane_reader(clk, rst, codes, steps)
    sums, restored = (Signal(intbv(0)[ROW_BITS:]) for _ in range(2))
    adder = add_steps(steps, sums)
    kept, nonzero = Signal(intbv(0)[ROW_BITS:]), Signal(intbv(0)[BLOCK:])
    is_block, flip, free = (Signal(bool(0)) for _ in range(3))
    spreader = spread_words(kept, nonzero, restored)
    body_low = ROW_CODE_BITS - COUNT_BITS - WORD_BITS - BODY_BITS

    @always_comb
    def divide() -> None:
        codes.count.next = parsed.data[ROW_CODE_BITS : ROW_CODE_BITS - COUNT_BITS]
        codes.base.next = parsed.data[ROW_CODE_BITS - COUNT_BITS : ROW_CODE_BITS - COUNT_BITS - WORD_BITS]
        codes.body.next = parsed.data[body_low + BODY_BITS : body_low]
        codes.whole.next = parsed.data[ROW_CODE_BITS : ROW_CODE_BITS - COUNT_BITS] == WHOLE_MARK
        codes.end.next = parsed.last
        codes.fault.next = parsed.fault
        codes.valid.next = parsed.valid

    @always_comb
    def accept() -> None:
        parsed.ready.next = codes.ready

    @always(clk.posedge)
    def keep() -> None:
        if codes.ready:
            kept.next = parsed.data[ROW_BITS:]
            is_block.next = parsed.block
            flip.next = parsed.flip
            for i in range(BLOCK):
                nonzero.next[i] = parsed.data[ROW_CODE_BITS - 1 - i] and not parsed.blank

    @always_comb
    def advance() -> None:
        free.next = rows.ready or not rows.valid
        steps.ready.next = rows.ready or not rows.valid

    @always_seq(clk.posedge, reset=rst)
    def offer() -> None:
        if free:
            rows.valid.next = steps.valid

    @always(clk.posedge)
    def store() -> None:
        if free:
            rows.last.next = steps.end
            rows.error.next = steps.fault
            for i in range(BLOCK):
                for j in range(WORD_BITS):
                    inverted = flip and j == WORD_BITS - 1
                    if is_block:
                        rows.data.next[WORD_BITS * (BLOCK - 1 - i) + j] = sums[WORD_BITS * i + j] != inverted
                    else:
                        rows.data.next[WORD_BITS * (BLOCK - 1 - i) + j] = restored[WORD_BITS * i + j] != inverted

    return instances()


@block
def add_steps(steps: StepStream, words: Any) -> Any:
    """Add up the differences of a row's words, the first one in the least significant bits."""
    sums: list[Any] = [Signal(modbv(0)[WORD_BITS:]) for _ in range(PLANE_BITS + 1)]
    cuts = [cut(steps.base, sums[0], 0)]
    cuts += [cut(steps.steps, sums[i + 1], WORD_BITS * i) for i in range(PLANE_BITS)]
    adders = []
    for stage in range(PLANE_BITS.bit_length()):
        # Every number of an upper half of 2, 4, then 8 gets the last one of the lower half.
        after = list(sums)
        for i in range(PLANE_BITS + 1):
            if i >> stage & 1:
                after[i] = Signal(modbv(0)[WORD_BITS:])
                adders.append(add(sums[i], sums[(i >> stage << stage) - 1], after[i]))
        sums = after
    together = ConcatSignal(*reversed(sums))

    @always_comb
    def join() -> None:
        words.next = together

    return instances()


@block
def spread_words(packed: Any, nonzero: Any, row: Any) -> Any:
    """Put words between zeros.

    Parameters
    ----------
    packed : Signal of 64 bits
        The words that are not zero, from the most significant byte on.
    nonzero : Signal of 8 bits
        Where they are, the row's first word in the least significant bit.
    row : Signal of 64 bits
        The row, its first word in the least significant bits.
    """
    turned = ConcatSignal(*(packed(WORD_BITS * (i + 1), WORD_BITS * i) for i in range(BLOCK)))
    words = Signal(intbv(0)[PORT_BITS:])
    places = [None, *(Signal(modbv(0)[PLACE_BITS:]) for _ in range(BLOCK - 1))]
    counters = [count_before(nonzero, places[i], i) for i in range(1, BLOCK)]
    returner = word_returner(nonzero, places, words, row)

    @always_comb
    def turn() -> None:
        words.next = turned

    return instances()
