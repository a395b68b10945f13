"""Parsing of a tile's columns: the hardware of `silicodec.models.dct.tiles`, backwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always_comb, always_seq, block, downrange, instances, intbv, modbv

from silicodec.models.dct.tiles import BYTES, DENSE, EMPTY, NIBBLES
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.dct.columns import COLUMN_BITS, HEADER_BITS, MODE_BITS, MOST_PAIRS, WORD_BITS, WORD_PAIRS

PAYLOAD_BITS = COLUMN_BITS - MODE_BITS
BITMAP_PAIRS = 4
HEADER_PAIRS = HEADER_BITS // 2
MOST_PADDING = 6


class PairWindow:
    """The next bits of a packet, and how many pairs of them their user takes.

    `data` is meaningful while `valid` is high; on a rising clock edge where `take` is high the window moves on by
    `header` + `body`, and to the next whole byte where `align` is high. With `finish`, what is taken is the packet's
    last: its rest is dropped in cycles in which `proceed` is high, and in the first one of them `clean` says that the
    packet was padded properly and held all that was taken.
    """

    def __init__(self) -> None:
        self.data: Any = Signal(intbv(0)[COLUMN_BITS:])
        self.valid: Any = Signal(bool(0))
        self.take: Any = Signal(bool(0))
        self.header: Any = Signal(intbv(0)[HEADER_PAIRS.bit_length() :])
        self.body: Any = Signal(intbv(0)[WORD_PAIRS.bit_length() :])
        self.align: Any = Signal(bool(0))
        self.finish: Any = Signal(bool(0))
        self.proceed: Any = Signal(bool(0))
        self.clean: Any = Signal(bool(0))


@block
def pair_unpacker(clk: Any, rst: Any, words: Stream, window: PairWindow, *, checked: bool) -> Any:
    """Show the next bits of a packet; behind its end, they have no meaning.

    Parameters
    ----------
    words : Stream
        Words of 64 bits.
    window : PairWindow
        What is shown, and how much of it is taken.
    checked : bool
        Whether `window.clean` is driven.
    """
    word_pairs = WORD_PAIRS

    # All of `word` is used before the first word of a packet is there.
    word = Signal(intbv(0)[WORD_BITS:])
    word_last = Signal(bool(0))
    used = Signal(intbv(WORD_PAIRS, min=0, max=WORD_PAIRS + 1))
    over = Signal(bool(0))

    shown = Signal(intbv(0)[COLUMN_BITS + MOST_PADDING :])
    reached = Signal(intbv(0, min=0, max=2 * WORD_PAIRS + 4))
    total = Signal(intbv(0, min=0, max=2 * WORD_PAIRS + 4))
    spent, load, hold = (Signal(bool(0)) for _ in range(3))

    @always_comb
    def shift() -> None:
        both = modbv(0)[2 * WORD_BITS :]
        both[2 * WORD_BITS : WORD_BITS] = word
        both[WORD_BITS:] = words.data
        for stage in downrange(5):
            if used[stage]:
                both[:] = both << (2 << stage)
        shown.next = both[2 * WORD_BITS : 2 * WORD_BITS - COLUMN_BITS - MOST_PADDING]

    @always_comb
    def show() -> None:
        window.data.next = shown[COLUMN_BITS + MOST_PADDING : MOST_PADDING]
        window.valid.next = not over and (word_last or (words.valid and used != word_pairs))

    @always_comb
    def count() -> None:
        # The length of the body comes last, so that this is the only adder behind it.
        reached.next = (used + window.header) + window.body

    @always_comb
    def align() -> None:
        total.next = reached
        if window.align:
            total.next = ((reached + 3) >> 2) << 2

    @always_comb
    def steer() -> None:
        spent.next = used == word_pairs and not word_last and not over
        load.next = spent or (window.take and total >= word_pairs)
        hold.next = not (spent or (window.take and total >= word_pairs))
        words.ready.next = not word_last and (
            (over and window.proceed) or spent or (window.take and total >= word_pairs)
        )

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if over:
            if window.proceed and (word_last or (words.valid and words.last)):
                over.next = False
                word_last.next = False
                used.next = word_pairs
        elif spent:
            if words.valid:
                used.next = 0
                word_last.next = words.last
        elif window.take:
            over.next = window.finish
            if total >= word_pairs:
                used.next = total - word_pairs
                word_last.next = word_last or words.last
            else:
                used.next = total

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        for i in range(WORD_BITS):
            word.next[i] = (load and words.data[i]) or (hold and word[i])

    if checked:
        pairs = Signal(intbv(0)[MOST_PAIRS.bit_length() :])
        padding = Signal(intbv(0)[MOST_PADDING:])
        soiled, left = (Signal(bool(0)) for _ in range(2))
        dirty, beyond, overrun = (Signal(bool(0)) for _ in range(3))

        @always_comb
        def measure() -> None:
            pairs.next = window.header + window.body

        @always_comb
        def look_behind() -> None:
            shifted = modbv(0)[COLUMN_BITS + MOST_PADDING :]
            shifted[:] = shown
            for stage in downrange(6):
                if pairs[stage]:
                    shifted[:] = shifted << (2 << stage)
            padding.next = shifted[COLUMN_BITS + MOST_PADDING : COLUMN_BITS]

        @always_comb
        def inspect() -> None:
            soiled.next = window.align and (
                (reached[2:] == 3 and padding[6:4] != 0)
                or (reached[2:] == 2 and padding[6:2] != 0)
                or (reached[2:] == 1 and padding != 0)
            )

        @always_comb
        def survey() -> None:
            bits = intbv(0)[WORD_BITS:]
            for i in range(WORD_BITS):
                bits[i] = word[i] and (WORD_BITS - 1 - i) // 2 >= used
            left.next = bits != 0

        @always_comb
        def judge() -> None:
            window.clean.next = word_last and not dirty and not overrun and (beyond or (used != 0 and not left))

        @always_seq(clk.posedge, reset=rst)
        def track() -> None:
            if spent:
                dirty.next = False
                beyond.next = False
                overrun.next = False
            elif window.take:
                dirty.next = dirty or soiled
                beyond.next = beyond or (word_last and total >= word_pairs)
                overrun.next = overrun or (word_last and (beyond or total > word_pairs))

    return instances()


@block
def column_parser(data: Any, again: Any, payload: Any, bitmap: Any, header: Any, body: Any, whole: Any) -> Any:
    """Take the next column apart.

    A bitmap of ones in front of bytes, which no encoder writes, ends as a column without a zero begins: it is passed
    over, and the column comes again.

    Parameters
    ----------
    data : Signal of `COLUMN_BITS` bits
        The column's code, left-aligned.
    again : Signal of bool
        A bitmap of ones was passed over.
    payload : Signal of 64 bits
        Nonzero coefficients, a byte each, left-aligned.
    bitmap : Signal of 8 bits
        Which ones they are.
    header, body : Signal
        Length of mode and bitmap, or of what is passed over, and of the bytes or nibbles behind, in pairs of bits.
    whole : Signal of bool
        There is a column, nothing is passed over.
    """
    bitmap_pairs, header_pairs, mode_pairs, dense_pairs = BITMAP_PAIRS, HEADER_PAIRS, MODE_BITS // 2, WORD_PAIRS
    empty, nibble_mode, byte_mode, dense_mode = EMPTY, NIBBLES, BYTES, DENSE

    mode = Signal(intbv(0)[MODE_BITS:])
    flags = Signal(intbv(0)[8:])
    count = Signal(intbv(0, min=0, max=9))
    widened = Signal(intbv(0)[PAYLOAD_BITS:])

    @always_comb
    def split() -> None:
        flags.next = data[COLUMN_BITS - MODE_BITS : COLUMN_BITS - HEADER_BITS]
        mode.next = data[COLUMN_BITS : COLUMN_BITS - MODE_BITS]
        if again:
            mode.next = dense_mode

    @always_comb
    def widen() -> None:
        for v in range(8):
            for i in range(4):
                widened.next[8 * v + i] = data[COLUMN_BITS - HEADER_BITS - 32 + 4 * v + i]
                widened.next[8 * v + 4 + i] = data[COLUMN_BITS - HEADER_BITS - 32 + 4 * v + 3]

    @always_comb
    def add_up() -> None:
        ones = intbv(0, min=0, max=9)
        for i in range(8):
            ones[:] = ones + flags[i]
        count.next = ones

    @always_comb
    def measure() -> None:
        whole.next = True
        header.next = mode_pairs
        body.next = dense_pairs
        if mode == empty:
            body.next = 0
        elif mode == nibble_mode:
            header.next = header_pairs
            body.next = count << 1
        elif mode == byte_mode:
            header.next = header_pairs
            body.next = count << 2
            if flags == 255:
                header.next = bitmap_pairs
                body.next = 0
                whole.next = False

    @always_comb
    def choose() -> None:
        payload.next = data[PAYLOAD_BITS:]
        bitmap.next = flags
        if mode == empty:
            bitmap.next = 0
        elif mode == nibble_mode:
            payload.next = widened
        elif mode == byte_mode:
            payload.next = 0
            payload.next[PAYLOAD_BITS:8] = data[COLUMN_BITS - HEADER_BITS :]
        else:
            bitmap.next = 255

    return instances()


@block
def expander(payload: Any, bitmap: Any, coefficients: Sequence[Any]) -> Any:
    """Put the bytes of a payload where the bitmap has ones, and zeros elsewhere.

    Parameters
    ----------
    payload : Signal of 64 bits
        Bytes, left-aligned.
    bitmap : Signal of 8 bits
        A bit for each coefficient, the first one leftmost.
    coefficients : 8 Signals of 8 bits
        Where they go.
    """
    fours, twos, ones = ([Signal(intbv(0)[8 * n :]) for _ in range(8 // n)] for n in (4, 2, 1))
    halves = [divide(payload, bitmap, 0, *fours)]
    quarters = [divide(fours[i], bitmap, 4 * i, *twos[2 * i : 2 * i + 2]) for i in range(2)]
    eighths = [divide(twos[i], bitmap, 2 * i, *ones[2 * i : 2 * i + 2]) for i in range(4)]
    gates = [gate(ones[v], bitmap, v, coefficients[v]) for v in range(8)]
    return instances()


@block
def divide(group: Any, bitmap: Any, v: int, first: Any, second: Any) -> Any:
    """Divide a group of bytes between coefficients from v on, as many for each half."""
    bits = len(group)
    half = bits // 2
    top, bottom = 7 - v, 7 - v - half // 8

    @always_comb
    def choose() -> None:
        moved = modbv(0)[bits:]
        moved[:] = group
        for i in downrange(top + 1, bottom + 1):
            if bitmap[i]:
                moved[:] = moved << 8
        first.next = group[bits:half]
        second.next = moved[bits:half]

    return instances()


@block
def gate(source: Any, bitmap: Any, v: int, coefficient: Any) -> Any:
    """Pass a byte on where coefficient v is not zero."""
    position = 7 - v

    @always_comb
    def choose() -> None:
        coefficient.next = 0
        if bitmap[position]:
            coefficient.next = source

    return instances()
