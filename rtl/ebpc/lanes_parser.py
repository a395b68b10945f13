"""A BPC stream of parallel EBPC to blocks of differences, a block a cycle."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv

from silicodec.models.ebpc.parallel_loops import FIELD_BITS, PLANE_BITS, count_bits
from silicodec.rtl.ebpc.lanes_coder import code_bits
from silicodec.rtl.ebpc.lanes_rows import WORD_BITS
from silicodec.rtl.ebpc.lanes_window import CodeWindow


class CodeStream:
    """The codes of blocks, with the handshake of `Stream`.

    `count` tells the planes that have a field, or if the block is `whole` means nothing. With `end` there is no block:
    the packet is over, and `fault` says that its stream was malformed.
    """

    def __init__(self, word_bits: int = WORD_BITS) -> None:
        self.base: Any = Signal(intbv(0)[word_bits:])
        self.body: Any = Signal(intbv(0)[PLANE_BITS * word_bits :])
        self.count: Any = Signal(intbv(0)[count_bits(word_bits) :])
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
    word_bits = len(codes.base)
    number_bits, body_bits = len(codes.count), len(codes.body)
    head_bits, all_bits = number_bits + word_bits, code_bits(word_bits)
    whole_mark, end_mark = 2**number_bits - 1, 2**number_bits - 2
    count = Signal(intbv(0)[number_bits:])
    whole, mark, long = (Signal(bool(0)) for _ in range(3))
    malformed = Signal(bool(0))
    closing, fault = Signal(bool(0)), Signal(bool(0))
    free = Signal(bool(0))
    found, ended, unclean = (Signal(bool(0)) for _ in range(3))

    @always_comb
    def read() -> None:
        count.next = window.data[all_bits : all_bits - number_bits]
        whole.next = window.data[all_bits : all_bits - number_bits] == whole_mark
        mark.next = window.data[all_bits : all_bits - number_bits] == end_mark

    @always_comb
    def find_stored() -> None:
        for k in range(word_bits):
            window.stored.next[k] = count > k and count <= word_bits and window.data[body_bits - 1 - FIELD_BITS * k]

    # As `block_coder` weighs them.
    if word_bits == WORD_BITS:

        @always_comb
        def weigh() -> None:
            number = intbv(0, min=0, max=word_bits + 1)
            for k in range(word_bits):
                number[:] = number + window.stored[k]
            long.next = (count == word_bits and number >= 6) or (count == word_bits - 1 and number >= 7)

    else:

        @always_comb
        def weigh_long() -> None:
            number = intbv(0, min=0, max=word_bits + 1)
            for k in range(word_bits):
                number[:] = number + window.stored[k]
            long.next = (
                (count == word_bits and number >= 11)
                or (count == word_bits - 1 and number >= 13)
                or (count == word_bits - 2 and number >= 14)
            )

    @always_comb
    def measure() -> None:
        if mark:
            window.length.next = number_bits
        elif whole:
            window.length.next = all_bits
        else:
            window.length.next = head_bits + FIELD_BITS * count

    @always_comb
    def judge() -> None:
        malformed.next = window.short or (not whole and not mark and (count > word_bits or long))

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
            codes.base.next = window.data[all_bits - number_bits : body_bits]
            codes.body.next = window.data[body_bits:]
            codes.count.next = count
            codes.whole.next = whole
            codes.end.next = closing
            codes.fault.next = fault or unclean

    return instances()
