"""The window that slides over the words of a DCT packet."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, downrange, instances, intbv, modbv

from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.dct.columns import HEAD_BITS, WORD_BITS

DISTANCE_BITS = (WORD_BITS - 1).bit_length()


class BitWindow:
    """The next bits of a packet, and how many of them their user takes.

    `data` is meaningful while `valid` is high; on a rising clock edge where `take` is high the window moves on by
    `length` and `more`, which may come late. With `finish`, what is taken is the packet's last: its rest is dropped in
    cycles in which `proceed` is high, and in the first one of them `clean` says that the packet was padded properly and
    held all that was taken.
    """

    def __init__(self) -> None:
        self.data: Any = Signal(intbv(0)[WORD_BITS:])
        self.valid: Any = Signal(bool(0))
        self.take: Any = Signal(bool(0))
        self.length: Any = Signal(modbv(0)[WORD_BITS.bit_length() :])
        self.more: Any = Signal(modbv(0)[HEAD_BITS.bit_length() :])
        self.finish: Any = Signal(bool(0))
        self.proceed: Any = Signal(bool(0))
        self.clean: Any = Signal(bool(0))


@block
def word_unpacker(clk: Any, rst: Any, words: Stream, window: BitWindow, *, checked: bool, lead: int = 0) -> Any:
    """Show the next 64 bits of a packet; after its end, zeros.

    Parameters
    ----------
    words : Stream
        Words of 64 bits.
    window : BitWindow
        What is shown, and how much of it is taken.
    checked : bool
        Whether `window.clean` is driven.
    lead : int
        Bits that have been taken ahead at the end of a packet; of these `window.clean` tells nothing but their place.
    """
    word_bits = WORD_BITS

    # All of `word` is used before the first word of a packet is there.
    word, following = (Signal(intbv(0)[WORD_BITS:]) for _ in range(2))
    word_last, over = (Signal(bool(0)) for _ in range(2))
    used = Signal(intbv(WORD_BITS, min=0, max=WORD_BITS + 1))
    before = Signal(modbv(0)[DISTANCE_BITS + 1 :])
    after = Signal(modbv(0)[DISTANCE_BITS + 1 :])
    crosses, spent, load = (Signal(bool(0)) for _ in range(3))

    # Neither idle data nor the next packet's come into this one, not even beyond the end of a malformed packet.
    @always_comb
    def look_within() -> None:
        following.next = 0
        if words.valid and not word_last:
            following.next = words.data

    @always_comb
    def show() -> None:
        both = modbv(0)[2 * WORD_BITS :]
        both[2 * WORD_BITS : WORD_BITS] = word
        both[WORD_BITS:] = following
        for stage in downrange(DISTANCE_BITS):
            if used[stage]:
                both[:] = both << (1 << stage)
        window.data.next = both[2 * WORD_BITS : WORD_BITS]
        window.valid.next = not over and (word_last or (words.valid and used != word_bits))

    # What is taken is at most a word, and no word has been used up where it is: the sum is less than two words.
    @always_comb
    def count_early() -> None:
        before.next = used[DISTANCE_BITS:] + window.length

    @always_comb
    def count() -> None:
        after.next = before[DISTANCE_BITS:] + window.more

    @always_comb
    def cross() -> None:
        crosses.next = before[DISTANCE_BITS] or after[DISTANCE_BITS]

    @always_comb
    def steer() -> None:
        spent.next = used == word_bits and not word_last and not over
        load.next = spent or (window.take and crosses)
        words.ready.next = not word_last and ((over and window.proceed) or spent or (window.take and crosses))

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if over:
            if window.proceed and (word_last or (words.valid and words.last)):
                over.next = False
                word_last.next = False
                used.next = word_bits
        elif spent:
            if words.valid:
                used.next = 0
                word_last.next = words.last
        elif window.take:
            over.next = window.finish
            used.next = after[DISTANCE_BITS:]
            if crosses:
                word_last.next = word_last or words.last

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        if load:
            word.next = following

    if checked:
        left, beyond, overrun = (Signal(bool(0)) for _ in range(3))

        @always_comb
        def survey() -> None:
            bits = intbv(0)[WORD_BITS:]
            for i in range(WORD_BITS):
                bits[i] = word[i] and WORD_BITS - 1 - i >= used
            left.next = bits != 0

        # All that was taken, less the lead, ends within the last word; after that word the window shows zeros.
        @always_comb
        def judge() -> None:
            window.clean.next = (
                word_last and not overrun and not left and ((beyond and used <= lead) or (not beyond and used > lead))
            )

        @always_seq(clk.posedge, reset=rst)
        def track() -> None:
            if spent:
                beyond.next = False
                overrun.next = False
            elif window.take:
                beyond.next = beyond or (word_last and crosses)
                overrun.next = overrun or (beyond and crosses)

    return instances()
