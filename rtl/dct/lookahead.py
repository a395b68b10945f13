"""Parsing of DCT packets with lookahead: a column's head is in registers before the one before it has been taken."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, concat, downrange, instances, intbv, modbv

from silicodec.models.dct.modes import MODE_BITS
from silicodec.models.dct.tiles import EMPTY, FIRST_REFERENCE, FULL, LOW_PLANES, MEAN_BITS, SHORT
from silicodec.rtl.blocks.adder_network import take
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.dct.columns import HEAD_BITS, HIGH_BITS, LEVEL_BITS, LOW_BITS, WORD_BITS
from silicodec.rtl.dct.parser import head_parser
from silicodec.rtl.dct.window import BitWindow, word_unpacker


@block
def lookahead_parser(
    clk: Any, rst: Any, tiles: Stream, length: Stream, columns: Any, *, length_bits: int, checked: bool
) -> Any:
    """Cut a packet into columns, one per cycle; one with high planes takes two, a packet's first level two more.

    `ahead` holds what follows the head of the column before: its low planes, and this column's head after them. While
    the end of the head is searched for, the window shows what follows the head; both are then shifted by its length.
    """
    most_low, first_reference, empty, short_level, full = FULL + LOW_PLANES, FIRST_REFERENCE, EMPTY, SHORT, FULL
    rest = WORD_BITS - HEAD_BITS - MEAN_BITS
    window = BitWindow()
    unpacker = word_unpacker(clk, rst, tiles, window, lead=HEAD_BITS, checked=checked)

    level, first_level, next_level, reference = (Signal(intbv(0)[LEVEL_BITS:]) for _ in range(4))
    begins, high_done = Signal(bool(1)), Signal(bool(0))
    number, count, next_count = Signal(modbv(0)[3:]), Signal(modbv(0)[length_bits:]), Signal(modbv(0)[length_bits:])
    bare, short, wide, whole, same, fault = (Signal(bool(0)) for _ in range(6))
    ahead, later = (Signal(intbv(0)[WORD_BITS:]) for _ in range(2))
    filled = Signal(bool(0))
    planes, skip_planes = (Signal(intbv(0)[LOW_PLANES + 1 :]) for _ in range(2))
    mean, skip_mean = (Signal(bool(0)) for _ in range(2))
    head, head_length = Signal(intbv(0)[HEAD_BITS:]), Signal(modbv(0)[HEAD_BITS.bit_length() :])
    taken = Signal(modbv(0)[HEAD_BITS.bit_length() :])
    high = Signal(intbv(0)[HIGH_BITS:])
    go, ends_tile, ends_part, ends = (Signal(bool(0)) for _ in range(4))

    parse = head_parser(
        head,
        bare,
        short,
        reference,
        columns.places,
        head_length,
        next_level,
        same,
        fault,
        checked=checked,
        bounded=True,
    )
    view_low = take(ahead, WORD_BITS - LOW_BITS, columns.low)

    @always_comb
    def skip() -> None:
        chosen = intbv(0)[HEAD_BITS + MEAN_BITS :]
        for i in range(LOW_PLANES + 1):
            if skip_planes[i]:
                chosen[:] = chosen | ((ahead >> (rest - 8 * i)) & (2 ** (HEAD_BITS + MEAN_BITS) - 1))
        head.next = chosen[:MEAN_BITS]
        if skip_mean:
            head.next = chosen[HEAD_BITS:]

    @always_comb
    def move() -> None:
        moved = modbv(0)[HEAD_BITS + WORD_BITS :]
        moved[:] = concat(head, window.data)
        for stage in downrange(5):
            if taken[stage]:
                moved[:] = moved << (1 << stage)
        later.next = moved[HEAD_BITS + WORD_BITS : HEAD_BITS]

    @always_comb
    def view_high() -> None:
        high.next = concat(head, window.data[WORD_BITS : WORD_BITS + HEAD_BITS - HIGH_BITS])

    @always_comb
    def choose() -> None:
        reference.next = level
        if begins:
            reference.next = first_reference
        elif number == 7:
            reference.next = first_level
        bare.next = begins or level == empty
        short.next = level == short_level and not begins
        wide.next = level > most_low and not begins and not high_done
        whole.next = not begins and (level <= most_low or high_done)

    # Of high planes, 8 bits are taken like a head, the others are skipped like low ones.
    @always_comb
    def measure() -> None:
        planes.next = 0
        if begins or level <= full:
            planes.next[0] = True
        elif level <= most_low:
            for i in range(1, LOW_PLANES + 1):
                planes.next[i] = level == full + i
        elif high_done:
            planes.next[LOW_PLANES] = True
        else:
            for i in range(LOW_PLANES + 1):
                planes.next[i] = level == most_low + 1 + i
        mean.next = whole and number == 0 and level != empty

    @always_comb
    def advance() -> None:
        taken.next = head_length
        if not filled:
            taken.next = HEAD_BITS
        elif wide:
            taken.next = 8

    @always_comb
    def offer() -> None:
        columns.level.next = level
        columns.mode.next = length.data[length_bits + MODE_BITS : length_bits]
        columns.first.next = number == 0
        columns.last.next = ends
        columns.valid.next = window.valid and length.valid and whole
        next_count.next = count + 1

    @always_comb
    def finish() -> None:
        ends_tile.next = whole and number == 7
        ends_part.next = whole and number == 7 and next_count == length.data[length_bits:]
        ends.next = whole and number == 7 and next_count == length.data[length_bits:] and length.last

    @always_comb
    def consume() -> None:
        go.next = window.valid and length.valid and columns.ready
        window.take.next = window.valid and length.valid and columns.ready
        window.proceed.next = columns.ready
        window.finish.next = ends
        window.length.next = 0
        for i in range(1, LOW_PLANES + 1):
            if planes[i]:
                window.length.next[:3] = i
        if mean:
            window.length.next[3:] = MEAN_BITS
        window.more.next = taken
        length.ready.next = window.valid and length.valid and columns.ready and ends_part

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if go:
            filled.next = not ends
            begins.next = ends or not filled
            high_done.next = wide
            if whole:
                number.next = number + 1
            if ends_part:
                count.next = 0
            elif ends_tile:
                count.next = next_count

    @always_seq(clk.posedge, reset=None)
    def remember() -> None:
        if go:
            ahead.next = later
            skip_planes.next = planes
            skip_mean.next = mean
            if wide:
                columns.high.next = high
            else:
                level.next = next_level
                if begins or number == 7:
                    first_level.next = next_level

    if checked:
        bad = Signal(bool(0))

        @always_comb
        def report() -> None:
            columns.fault.next = bad or head != 0 or not window.clean

        @always_seq(clk.posedge, reset=None)
        def judge() -> None:
            if go and not wide:
                bad.next = fault or (ends and not same) or (bad and not begins)

    return instances()
