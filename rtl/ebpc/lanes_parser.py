"""A BPC stream of parallel EBPC to blocks of differences, a block a cycle."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv

from silicodec.models.ebpc.parallel_loops import FIELD_BITS
from silicodec.rtl.ebpc.lanes_coder import BODY_BITS, CODE_BITS, COUNT_BITS, END_MARK, HEAD_BITS, WHOLE_MARK
from silicodec.rtl.ebpc.lanes_rows import WORD_BITS
from silicodec.rtl.ebpc.lanes_window import CodeWindow


class CodeStream:
    """The codes of blocks, with the handshake of `Stream`.

    `count` tells the planes that have a field, or if the block is `whole` means nothing. With `end` there is no block:
    the packet is over, and `fault` says that its stream was malformed.
    """

    def __init__(self) -> None:
        self.base: Any = Signal(intbv(0)[WORD_BITS:])
        self.body: Any = Signal(intbv(0)[BODY_BITS:])
        self.count: Any = Signal(intbv(0)[COUNT_BITS:])
        self.whole: Any = Signal(bool(0))
        self.end: Any = Signal(bool(0))
        self.fault: Any = Signal(bool(0))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))


@block
def code_parser(clk: Any, rst: Any, window: CodeWindow, codes: CodeStream) -> Any:
    """Cut the codes of blocks off a packet.

    What follows a malformed code is dropped up to the packet's end.

    Parameters
    ----------
    window : CodeWindow
        The BPC stream.
    codes : CodeStream
        The codes, and the end of each packet.
    """
    count = Signal(intbv(0)[COUNT_BITS:])
    whole, mark, long = (Signal(bool(0)) for _ in range(3))
    malformed = Signal(bool(0))
    closing, fault = Signal(bool(0)), Signal(bool(0))
    free = Signal(bool(0))
    found, ended, unclean = (Signal(bool(0)) for _ in range(3))

    @always_comb
    def read() -> None:
        count.next = window.data[CODE_BITS : CODE_BITS - COUNT_BITS]
        whole.next = window.data[CODE_BITS : CODE_BITS - COUNT_BITS] == WHOLE_MARK
        mark.next = window.data[CODE_BITS : CODE_BITS - COUNT_BITS] == END_MARK

    @always_comb
    def find_stored() -> None:
        for k in range(WORD_BITS):
            window.stored.next[k] = count > k and count <= WORD_BITS and window.data[BODY_BITS - 1 - FIELD_BITS * k]

    @always_comb
    def weigh() -> None:
        number = intbv(0, min=0, max=WORD_BITS + 1)
        for k in range(WORD_BITS):
            number[:] = number + window.stored[k]
        long.next = (count == WORD_BITS and number >= 6) or (count == WORD_BITS - 1 and number >= 7)

    @always_comb
    def measure() -> None:
        if mark:
            window.length.next = COUNT_BITS
        elif whole:
            window.length.next = CODE_BITS
        else:
            window.length.next = HEAD_BITS + FIELD_BITS * count

    @always_comb
    def judge() -> None:
        malformed.next = window.short or (not whole and not mark and (count > WORD_BITS or long))

    @always_comb
    def advance() -> None:
        free.next = codes.ready or not codes.valid
        window.take.next = window.valid and not closing and (codes.ready or not codes.valid)
        found.next = window.valid and not closing and not mark and not malformed
        # What is left of the packet is one word at the end, with nothing in it.
        ended.next = closing and (window.over or (window.loaded and window.last))
        unclean.next = not window.over and window.data != 0

    @always_comb
    def drop() -> None:
        window.restart.next = ended and free
        window.skip.next = closing and not window.over and window.loaded and (free or not window.last)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if window.take:
            closing.next = mark or malformed
            fault.next = malformed
        elif not closing:
            closing.next = window.over
            fault.next = window.over
        elif ended:
            closing.next = not free
        elif window.skip:
            fault.next = True

    @always_seq(clk.posedge, reset=rst)
    def offer() -> None:
        if free:
            codes.valid.next = found or ended

    @always(clk.posedge)
    def store() -> None:
        if free:
            codes.base.next = window.data[CODE_BITS - COUNT_BITS : BODY_BITS]
            codes.body.next = window.data[BODY_BITS:]
            codes.count.next = count
            codes.whole.next = whole
            codes.end.next = closing
            codes.fault.next = fault or unclean

    return instances()
