"""Packets of EBPC rows to the codes of their rows, one a cycle."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.ebpc.parallel_loops import FIELD_BITS
from silicodec.models.ebpc.row_packets import BLOCK_ROW, COUNT_BITS, KIND_BITS, MIXED_ROW, MOST_ROW_BITS, WHOLE_MARK
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.ebpc.lanes_coder import HEAD_BITS
from silicodec.rtl.ebpc.lanes_rows import BLOCK, ROW_BITS, WORD_BITS
from silicodec.rtl.ebpc.lanes_window import CodeWindow, code_window

ROW_CODE_BITS = BLOCK + ROW_BITS
"""Bits of the longest code of a row without its kind: all words as they are, which no encoder sends."""
WINDOW_BITS = KIND_BITS + ROW_CODE_BITS
FIRST_FIELD = ROW_CODE_BITS - HEAD_BITS - 1
"""The most significant bit of a block's first plane."""


class RowCodes:
    """Codes of rows without their kind, with the handshake of `Stream`.

    The row is a `block`, or else the words that are not zero, none if it is `blank`. `flip` says that the words' zero
    is -128; with `last`, `fault` says that the packet was malformed.
    """

    def __init__(self) -> None:
        self.data: Any = Signal(intbv(0)[ROW_CODE_BITS:])
        self.block: Any = Signal(bool(0))
        self.blank: Any = Signal(bool(0))
        self.flip: Any = Signal(bool(0))
        self.fault: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))


@block
def row_parser(clk: Any, rst: Any, words: Stream, length: Stream, codes: RowCodes) -> Any:
    """Cut the codes of rows off packets.

    From the first malformed row on, rows are blank; what is left of a packet after its last row is dropped.

    Parameters
    ----------
    words : Stream
        Packets, in words of 64 bits.
    length : Stream
        Of each packet the number of rows, at least 1, and in the most significant bit whether the words' zero is -128.
    codes : RowCodes
        The codes.
    """
    window, ends = CodeWindow(WINDOW_BITS), Signal(bool(0))
    slider = code_window(clk, rst, words, window, ends)
    count_low = ROW_CODE_BITS - COUNT_BITS
    counter_bits = len(length.data) - 1
    left = Signal(modbv(0)[counter_bits:])
    flip, active, closing, bad = (Signal(bool(0)) for _ in range(4))
    is_block, mixed, whole, long, malformed = (Signal(bool(0)) for _ in range(5))
    count = Signal(intbv(0)[COUNT_BITS:])
    free, takes, fills, final, ending, done = (Signal(bool(0)) for _ in range(6))

    @always_comb
    def read() -> None:
        is_block.next = window.data[WINDOW_BITS:ROW_CODE_BITS] == BLOCK_ROW
        mixed.next = window.data[WINDOW_BITS:ROW_CODE_BITS] == MIXED_ROW
        count.next = window.data[ROW_CODE_BITS:count_low]
        whole.next = window.data[ROW_CODE_BITS:count_low] == WHOLE_MARK

    @always_comb
    def find_stored() -> None:
        for k in range(WORD_BITS):
            window.stored.next[k] = (
                is_block and count > k and count <= WORD_BITS and window.data[FIRST_FIELD - FIELD_BITS * k]
            )

    @always_comb
    def weigh() -> None:
        number = intbv(0, min=0, max=WORD_BITS + 1)
        for k in range(WORD_BITS):
            number[:] = number + window.stored[k]
        long.next = (count == WORD_BITS and number >= 6) or (count == WORD_BITS - 1 and number >= 7)

    @always_comb
    def measure() -> None:
        number = intbv(0, min=0, max=BLOCK + 1)
        for i in range(BLOCK):
            number[:] = number + window.data[ROW_BITS + i]
        window.length.next = 1
        if mixed:
            window.length.next = KIND_BITS + BLOCK + (number << 3)
        elif is_block:
            window.length.next = KIND_BITS + HEAD_BITS + FIELD_BITS * count
            if whole:
                window.length.next = MOST_ROW_BITS

    @always_comb
    def judge() -> None:
        malformed.next = window.short or (is_block and not whole and (count > WORD_BITS or long))

    @always_comb
    def advance() -> None:
        free.next = codes.ready or not codes.valid
        takes.next = active and not closing and not bad and window.valid and (codes.ready or not codes.valid)
        window.take.next = active and not closing and not bad and window.valid and (codes.ready or not codes.valid)
        fills.next = active and not closing and (bad or window.over) and (codes.ready or not codes.valid)

    @always_comb
    def look() -> None:
        final.next = left == 1
        ending.next = closing or (left == 1 and (takes or fills))

    @always_comb
    def finish() -> None:
        # The word in which the window begins is the packet's last one, or all of them are used up.
        done.next = ending and (window.over or (window.loaded and window.last))
        window.restart.next = ending and (window.over or (window.loaded and window.last))
        window.skip.next = ending and not window.over and window.loaded and (window.last or not takes)

    @always_comb
    def renew() -> None:
        length.ready.next = done or not active

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if done or not active:
            active.next = length.valid
            closing.next = False
            bad.next = False
        else:
            closing.next = ending
            if (takes and malformed) or fills:
                bad.next = True

    @always_seq(clk.posedge, reset=rst)
    def offer() -> None:
        if free:
            codes.valid.next = takes or fills

    @always(clk.posedge)
    def store() -> None:
        if done or not active:
            left.next = length.data[counter_bits:]
            flip.next = length.data[counter_bits]
        elif takes or fills:
            left.next = left - 1
        if free:
            codes.data.next = window.data[ROW_CODE_BITS:]
            codes.block.next = is_block and takes and not malformed
            codes.blank.next = not takes or malformed or not (is_block or mixed)
            codes.flip.next = flip
            codes.last.next = final
            codes.fault.next = not takes or malformed or not ends

    return instances()
