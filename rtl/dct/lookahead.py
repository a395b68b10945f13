"""Parsing of DCT packets with lookahead: a column's head is in registers before the one before it has been taken."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, concat, downrange, instances, intbv, modbv

from silicodec.models.dct.modes import MODE_BITS
from silicodec.models.dct.tiles import EMPTY, FIRST_REFERENCE, FULL, LOW_PLANES, MEAN_BITS, SHORT
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.dct.columns import HEAD_BITS, HIGH_BITS, LEVEL_BITS, LOW_BITS, WORD_BITS
from silicodec.rtl.dct.parser import head_parser
from silicodec.rtl.dct.search import NIBBLES, REST_BITS
from silicodec.rtl.dct.window import BitWindow, word_unpacker

MOST_MOVED = 4 * (NIBBLES - 1) + 2**REST_BITS - 1
"""How many bits `move` may skip."""


@block
def lookahead_parser(
    clk: Any, rst: Any, tiles: Stream, length: Stream, columns: Any, *, length_bits: int, checked: bool
) -> Any:
    """Cut a packet into columns, one per cycle; one with high planes takes two, a packet's first level two more.

    `head` holds a column's head, and `columns.low` the low planes of the column before. While the end of the head is
    searched for, the window shows what follows it. Shifted by the head's length, both give the column's low planes, and
    without as many bits as these have, which are left out before the head's length is known, the next head.
    """
    most_low, first_reference, empty, short_level, full = FULL + LOW_PLANES, FIRST_REFERENCE, EMPTY, SHORT, FULL
    spare, place_bits = WORD_BITS - HEAD_BITS - MEAN_BITS, HEAD_BITS.bit_length()
    window = BitWindow()
    unpacker = word_unpacker(clk, rst, tiles, window, lead=HEAD_BITS, checked=checked)

    beyond = MOST_MOVED - HEAD_BITS
    level, first_level, next_level, reference = (Signal(intbv(0)[LEVEL_BITS:]) for _ in range(4))
    begins, high_done = Signal(bool(1)), Signal(bool(0))
    number, count, next_count = Signal(modbv(0)[3:]), Signal(modbv(0)[length_bits:]), Signal(modbv(0)[length_bits:])
    bare, short, wide, whole, same, fault = (Signal(bool(0)) for _ in range(6))
    filled = Signal(bool(0))
    planes, mean = Signal(intbv(0)[LOW_PLANES + 1 :]), Signal(bool(0))
    head, next_head = (Signal(intbv(0)[HEAD_BITS:]) for _ in range(2))
    both, behind = Signal(intbv(0)[HEAD_BITS + WORD_BITS :]), Signal(intbv(0)[HEAD_BITS + MOST_MOVED :])
    next_low = Signal(intbv(0)[LOW_BITS:])
    fixed, ended = Signal(bool(0)), Signal(intbv(0)[NIBBLES:])
    nibble, found, rest = Signal(intbv(0)[NIBBLES:]), Signal(intbv(0)[REST_BITS:]), Signal(intbv(0)[REST_BITS:])
    taken = Signal(modbv(0)[HEAD_BITS.bit_length() :])
    high = Signal(intbv(0)[HIGH_BITS:])
    go, ends_tile, ends_part, ends = (Signal(bool(0)) for _ in range(4))

    parse = head_parser(
        head,
        fixed,
        short,
        reference,
        columns.places,
        found,
        next_level,
        same,
        fault,
        checked=checked,
        nibble=ended,
    )
    shift_head = move(behind, nibble, rest, next_head)
    shift_low = move(both, nibble, rest, next_low)

    @always_comb
    def join() -> None:
        both.next = concat(head, window.data)

    @always_comb
    def skip() -> None:
        chosen = intbv(0)[2 * HEAD_BITS + MEAN_BITS :]
        for i in range(LOW_PLANES + 1):
            if planes[i]:
                chosen[:] = chosen | ((both >> (spare - 8 * i)) & (2 ** (2 * HEAD_BITS + MEAN_BITS) - 1))
        behind.next = concat(chosen[:MEAN_BITS], intbv(0)[beyond:])
        if mean:
            behind.next = concat(chosen[2 * HEAD_BITS :], intbv(0)[beyond:])

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

    # Where there is no head yet, all of it is taken; of high planes the first eight bits.
    @always_comb
    def advance() -> None:
        fixed.next = bare or wide
        rest.next = found
        for k in range(1, NIBBLES - 1):
            nibble.next[k] = filled and ended[k + 1] and not ended[k]
        nibble.next[0] = filled and ended[1]
        nibble.next[NIBBLES - 1] = not filled or not ended[NIBBLES - 1]
        if not filled:
            rest.next = HEAD_BITS - 4 * (NIBBLES - 1)
        elif wide:
            rest.next = 8

    @always_comb
    def measure_head() -> None:
        place = intbv(0)[place_bits:]
        for k in range(NIBBLES):
            if nibble[k]:
                place[:] = place | (4 * k)
        taken.next = place + rest

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
            head.next = next_head
            columns.low.next = next_low
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


@block
def move(data: Any, nibble: Any, rest: Any, moved: Any) -> Any:
    """Take what follows the first bits of `data`: 4 * k of them, where bit k of `nibble` is set, and `rest` more."""
    room = (1 << REST_BITS) - 1
    bits = len(moved) + room
    top = len(data) - bits

    @always_comb
    def shift() -> None:
        part = modbv(0)[bits:]
        for k in range(NIBBLES):
            if nibble[k]:
                part[:] = part | ((data >> (top - 4 * k)) & (2**bits - 1))
        for stage in downrange(REST_BITS):
            if rest[stage]:
                part[:] = part << (1 << stage)
        moved.next = part[bits:room]

    return instances()
