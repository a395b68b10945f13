"""The next bits of a BPC stream of parallel EBPC: a block's code a cycle off words of 64 bits."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.ebpc.lanes_rows import WORD_BITS

PORT_BITS = 64


class CodeWindow:
    """The next bits of a packet, and how many of them their user takes.

    `data` is meaningful while `valid` is high: zeros follow the packet's end. With `take` the window moves on by
    `length` bits, and three more for each bit of `stored`; `short` says that the packet has not so many. `over` says
    that all words of the packet are used up, and `last` that no word follows the one in which the window begins;
    without `valid` either may still be unknown. With `skip` the word in which it begins is dropped, and with `restart`
    the next packet begins.
    """

    def __init__(self, bits: int, word_bits: int = WORD_BITS) -> None:
        self.data: Any = Signal(intbv(0)[bits:])
        self.valid: Any = Signal(bool(0))
        self.take: Any = Signal(bool(0))
        self.length: Any = Signal(intbv(0)[bits.bit_length() :])
        self.stored: Any = Signal(intbv(0)[word_bits:])
        self.short: Any = Signal(bool(0))
        self.loaded: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))
        self.over: Any = Signal(bool(0))
        self.skip: Any = Signal(bool(0))
        self.restart: Any = Signal(bool(0))


@block
def code_window(clk: Any, rst: Any, words: Stream, window: CodeWindow, ends: Any = None) -> Any:
    """Slide a window over the words of a packet.

    Two words are held, so that what is taken does not depend on the word on the stream but for the few bits that reach
    into a third one.

    Parameters
    ----------
    words : Stream
        Words, of a power of two bits, at most one and a half of which make a code.
    window : CodeWindow
        The window.
    ends : Signal of bool, optional
        The packet has no word after the one in which ends what would be taken.
    """
    bits, port_bits = len(window.data), len(words.data)
    planes, move_bits = len(window.stored), len(window.length)
    shift_bits = port_bits.bit_length() - 1
    beyond = bits - 1 - port_bits
    first, second = Signal(intbv(0)[port_bits:]), Signal(intbv(0)[port_bits:])
    first_valid, second_valid = Signal(bool(0)), Signal(bool(0))
    first_last, second_last = Signal(bool(0)), Signal(bool(0))
    used = Signal(intbv(0)[move_bits:])
    after = Signal(intbv(0)[move_bits + 1 :])
    move, fill_first, fill_second = (Signal(bool(0)) for _ in range(3))
    second_seen, third_seen = Signal(bool(0)), Signal(bool(0))
    over = Signal(bool(0))

    @always_comb
    def look() -> None:
        second_seen.next = second_valid and not first_last
        third_seen.next = words.valid and second_valid and not first_last and not second_last

    @always_comb
    def show() -> None:
        joined = intbv(0)[2 * port_bits + beyond :]
        joined[2 * port_bits + beyond : port_bits + beyond] = first
        if second_seen:
            joined[port_bits + beyond : beyond] = second
        if third_seen:
            joined[beyond:] = words.data[port_bits : port_bits - beyond]
        for stage in range(shift_bits):
            if used[stage]:
                joined[:] = (joined << (1 << stage)) & (2 ** (2 * port_bits + beyond) - 1)
        window.data.next = joined[2 * port_bits + beyond : 2 * port_bits + beyond - bits]

    @always_comb
    def status() -> None:
        window.valid.next = (
            first_valid
            and not over
            and used < port_bits
            and (first_last or (second_valid and (second_last or words.valid or used < port_bits - beyond)))
        )
        window.loaded.next = first_valid and used < port_bits
        window.last.next = first_last
        window.over.next = over

    @always_comb
    def count() -> None:
        total = modbv(0)[move_bits + 1 :]
        total[:] = used + window.length
        for k in range(planes):
            total[:] = total + window.stored[k] + (window.stored[k] << 1)
        after.next = total

    @always_comb
    def measure() -> None:
        window.short.next = (first_last and after > port_bits) or (
            second_last and second_valid and after > 2 * port_bits
        )

    if ends is not None:

        @always_comb
        def find_end() -> None:
            ends.next = first_last or (
                after > port_bits and ((second_valid and second_last) or (after > 2 * port_bits and words.last))
            )

    @always_comb
    def advance() -> None:
        move.next = first_valid and (window.skip or used >= port_bits or (window.take and after >= port_bits))

    @always_comb
    def refill() -> None:
        fill_first.next = move or not first_valid
        fill_second.next = move or not first_valid or not second_valid
        words.ready.next = move or not first_valid or not second_valid

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if fill_first:
            first_valid.next = second_valid
        if fill_second:
            second_valid.next = words.valid
        if window.restart:
            over.next = False
            used.next = 0
        elif move and first_last:
            over.next = True
            used.next = 0
        elif move and not window.take:
            used.next = 0
            if not window.skip:
                used.next = used - port_bits
        elif move:
            used.next = after - port_bits
        elif window.take:
            used.next = after

    @always(clk.posedge)
    def store() -> None:
        if fill_first:
            first.next = second
            first_last.next = second_last
        if fill_second:
            second.next = words.data
            second_last.next = words.last

    return instances()
