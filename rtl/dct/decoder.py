"""DCT decoder: from one packed stream to rows of 8 x 8 tiles (after Shao et al., arXiv 2110.06155)."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.dct.modes import MODE_BITS, STEP_BITS
from silicodec.models.dct.tiles import EMPTY, FIRST_REFERENCE, FULL, LOW_PLANES, MEAN_BITS, SHORT, VALUE_BITS
from silicodec.rtl.blocks.adder_network import drive, register, signed, take
from silicodec.rtl.blocks.stream import Stream, gated, reset_gates
from silicodec.rtl.blocks.transposer import transposer, transposer_control
from silicodec.rtl.dct.columns import HEAD_BITS, HIGH_BITS, LEVEL_BITS, LOW_BITS, WORD_BITS
from silicodec.rtl.dct.lookahead import lookahead_parser
from silicodec.rtl.dct.parser import PLACE_BITS, column_decoder, head_parser
from silicodec.rtl.dct.quantiser import dequantiser
from silicodec.rtl.dct.transform import INVERSE_STAGES, inverse_pass
from silicodec.rtl.dct.window import BitWindow, word_unpacker

COLUMN_CUT, ROW_CUT = 13, 14
"""Where the adders of the inverse passes are cut."""
COLUMN_CUTS, ROW_CUTS = (11, 20), (7, 16, 25)
"""The same with lookahead: the transposer comes after the last slice of columns, and before the first of rows."""


class ColumnStream:
    """Columns that a parser has cut out of a packet, on their way to the inverse transform.

    `window` begins with the column, of which `head_length` bits come before its low planes; its quotients end at
    `places`, and `high` holds its high planes. `mode` is the packet's, `first` marks a tile's first column, `last` a
    packet's last one. A column moves where `valid` and `ready` are high. `fault` tells in the first cycle after a
    packet's last column in which `ready` is high whether the packet was malformed.

    A parser with lookahead gives no `window`: `low` begins with a column's low planes from the cycle after it has moved
    until `ready` is high again.
    """

    def __init__(self) -> None:
        self.window: Any = Signal(intbv(0)[WORD_BITS:])
        self.head_length: Any = Signal(modbv(0)[HEAD_BITS.bit_length() :])
        self.places = [Signal(intbv(0)[PLACE_BITS:]) for _ in range(8)]
        self.high: Any = Signal(intbv(0)[HIGH_BITS:])
        self.low: Any = Signal(intbv(0)[LOW_BITS:])
        self.level: Any = Signal(intbv(0)[LEVEL_BITS:])
        self.mode: Any = Signal(intbv(0)[MODE_BITS:])
        self.first: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.fault: Any = Signal(bool(0))


@block
def dct_decoder(
    clk: Any,
    rst: Any,
    tiles: Stream,
    length: Stream,
    rows: Stream,
    *,
    length_bits: int = 8,
    checked: bool = False,
    lookahead: bool = False,
) -> Any:
    """Restore packets of 8 x 8 tiles, one row per cycle where the packed stream arrives fast enough.

    Whatever the stream holds, a packet ends after its number of tiles: what is missing is zeros, words that are left
    over are dropped.

    Parameters
    ----------
    tiles : Stream
        The packed stream, in words of 64 bits.
    length : Stream
        The packet's number of tiles, in parts that add up, so that a packet may have any length: each part in the low
        `length_bits` bits, zero standing for 2**`length_bits`. Above, in every part, the encoder's mode.
    rows : Stream
        Rows of 8 signed samples of 8 bits, the first one in the most significant bits. If `checked`, `error` is high
        with `last` where the packed stream was malformed.
    length_bits : int
        Width of a part of the packet's number of tiles.
    checked : bool
        Whether to detect malformed streams.
    lookahead : bool
        Whether registers hold the next column's head, for a shorter critical path.
    """
    if length_bits < 1:
        raise ValueError(f"length_bits must be at least 1, not {length_bits}")
    columns = ColumnStream()
    words, parts = gated(tiles, length)
    gates = reset_gates(rst, [tiles, length], [words, parts])
    parse = lookahead_parser if lookahead else tile_parser
    parser = parse(clk, rst, words, parts, columns, length_bits=length_bits, checked=checked)
    transform = tile_restorer(clk, rst, columns, rows, checked=checked, lookahead=lookahead)
    return instances()


@block
def tile_parser(
    clk: Any, rst: Any, tiles: Stream, length: Stream, columns: ColumnStream, *, length_bits: int, checked: bool
) -> Any:
    """Cut a packet into columns, one per cycle; one with high planes takes two, a packet's first level one more."""
    most_low, first_reference, empty, short_level, full = FULL + LOW_PLANES, FIRST_REFERENCE, EMPTY, SHORT, FULL
    window = BitWindow()
    unpacker = word_unpacker(clk, rst, tiles, window, checked=checked)

    level, first_level, next_level, reference = (Signal(intbv(0)[LEVEL_BITS:]) for _ in range(4))
    begins, high_done = Signal(bool(1)), Signal(bool(0))
    number, count, next_count = Signal(modbv(0)[3:]), Signal(modbv(0)[length_bits:]), Signal(modbv(0)[length_bits:])
    bare, short, wide, whole, same, fault = (Signal(bool(0)) for _ in range(6))
    head, head_length = Signal(intbv(0)[HEAD_BITS:]), Signal(modbv(0)[HEAD_BITS.bit_length() :])
    planes_length = Signal(intbv(0)[LOW_BITS.bit_length() :])
    high = Signal(intbv(0)[HIGH_BITS:])
    go, ends_tile, ends_part, ends = (Signal(bool(0)) for _ in range(4))

    parse = head_parser(
        head, bare, short, reference, columns.places, head_length, next_level, same, fault, checked=checked
    )
    view = take(window.data, WORD_BITS - HEAD_BITS, head)
    view_high = take(window.data, WORD_BITS - HIGH_BITS, high)

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

    @always_comb
    def measure() -> None:
        planes_length.next = 0
        if not begins:
            if level > most_low:
                planes_length.next = 8 * LOW_PLANES
            elif level > full:
                planes_length.next = (level - full) << 3
            if number == 0 and level != empty:
                planes_length.next[MEAN_BITS:] = MEAN_BITS

    @always_comb
    def offer() -> None:
        columns.window.next = window.data
        columns.head_length.next = head_length
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
        window.length.next = planes_length
        window.more.next = head_length
        if wide:
            window.length.next = (level - most_low) << 3
            window.more.next = 0
        length.ready.next = window.valid and length.valid and columns.ready and ends_part

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if go:
            begins.next = ends
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
            columns.fault.next = bad or not window.clean

        @always_seq(clk.posedge, reset=None)
        def judge() -> None:
            if go and not wide:
                bad.next = fault or (ends and not same) or (bad and not begins)

    return instances()


@block
def tile_restorer(clk: Any, rst: Any, columns: ColumnStream, rows: Stream, *, checked: bool, lookahead: bool) -> Any:
    """Restore rows from columns, of a parser with lookahead or without."""
    # Columns: as parsed, as coefficients, and in the stages of their pass.
    top, row_top = INVERSE_STAGES + 1, len(ROW_CUTS) if lookahead else INVERSE_STAGES - 1
    window, aligned = (Signal(intbv(0)[WORD_BITS:]) for _ in range(2))
    head_length = Signal(modbv(0)[HEAD_BITS.bit_length() :])
    places = [Signal(intbv(0)[PLACE_BITS:]) for _ in range(8)]
    low = columns.low if lookahead else Signal(intbv(0)[LOW_BITS:])
    level = Signal(intbv(0)[LEVEL_BITS:])
    mode, first = Signal(intbv(0)[MODE_BITS:]), Signal(bool(0))
    values = [Signal(intbv(0)[VALUE_BITS:]) for _ in range(8)]
    restored, coefficients = ([signed(11) for _ in range(8)] for _ in range(2))
    column, row = ([signed(14) for _ in range(8)] for _ in range(2))
    sums = [signed(12) for _ in range(8)]
    samples = [Signal(intbv(0)[8:]) for _ in range(8)]

    load, advance, shift = (Signal(bool(0)) for _ in range(3))
    count = Signal(modbv(0)[3:])
    odd = [Signal(modbv(0)[1:]) for _ in range(4)] if lookahead else []
    column_ready, coming, leaving, leaving_last = (Signal(bool(0)) for _ in range(4))
    valid, last = (Signal(modbv(0)[top + 1 :]) for _ in range(2))
    row_valid, row_last = (Signal(modbv(0)[row_top + 1 :]) for _ in range(2))
    # No sample of the packet is negative.
    no_sign = Signal(modbv(0)[top:])
    tile_no_sign, row_no_sign = Signal(bool(0)), Signal(modbv(0)[row_top + 1 :])

    if not lookahead:
        view_low = take(aligned, WORD_BITS - LOW_BITS, low)
    decode = column_decoder(places, low, columns.high, level, first, values)
    dequantise = dequantiser(values, first, mode, restored)
    stages = (
        *(() if lookahead else ((columns.window, window), (columns.head_length, head_length))),
        *zip(columns.places, places, strict=True),
        (columns.level, level),
        (columns.mode, mode),
        (columns.first, first),
        *zip(restored, coefficients, strict=True),
    )
    registers = [register(clk, load, *stage) for stage in stages]
    column_cut, row_cut = (COLUMN_CUTS, ROW_CUTS) if lookahead else (COLUMN_CUT, ROW_CUT)
    column_pass = inverse_pass(clk, load, coefficients, column, cut=column_cut, shift=9)
    turn_corner = transposer(clk, shift, count, column, row, odd)
    control = transposer_control(
        clk, rst, advance, coming, valid(top), last(top), column_ready, shift, count, leaving, leaving_last, odd
    )
    added = [signed(12) for _ in range(8)] if lookahead else sums
    row_pass = inverse_pass(clk, advance, row, added, cut=row_cut, shift=16)
    holds = [register(clk, advance, added[n], sums[n]) for n in range(8)] if lookahead else []
    saturators = [saturate(sums[n], row_no_sign(row_top), samples[n]) for n in range(8)]
    output = drive(ConcatSignal(*samples), rows.data)

    if not lookahead:

        @always_comb
        def align() -> None:
            moved = modbv(0)[WORD_BITS:]
            moved[:] = window
            for stage in range(5):
                if head_length[stage]:
                    moved[:] = moved << (1 << stage)
            aligned.next = moved

    @always_comb
    def move() -> None:
        advance.next = rows.ready or not row_valid[row_top]
        load.next = column_ready or not valid[top]
        columns.ready.next = column_ready or not valid[top]
        coming.next = valid[top:] != 0

    @always_comb
    def offer() -> None:
        rows.valid.next = row_valid[row_top]
        rows.last.next = row_last[row_top]

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if load:
            valid.next = (valid << 1) | columns.valid
        if advance:
            row_valid.next = (row_valid << 1) | leaving

    @always_seq(clk.posedge, reset=None)
    def mark() -> None:
        if load:
            last.next = (last << 1) | columns.last
            no_sign.next = (no_sign << 1) | (mode[STEP_BITS] and not mode[STEP_BITS + 1])
        if shift and count == 7:
            tile_no_sign.next = no_sign[top - 1]
        if advance:
            row_no_sign.next = (row_no_sign << 1) | ((count == 7 and no_sign[top - 1]) or (count != 7 and tile_no_sign))
            row_last.next = (row_last << 1) | leaving_last

    if checked:
        fault = Signal(modbv(0)[top:])
        tile_fault, row_fault = Signal(bool(0)), Signal(modbv(0)[row_top + 1 :])

        @always_seq(clk.posedge, reset=None)
        def report() -> None:
            if load:
                fault.next = (fault << 1) | columns.fault
            if shift and count == 7:
                tile_fault.next = fault[top - 1]
            if advance:
                row_fault.next = (row_fault << 1) | tile_fault

        @always_comb
        def flag() -> None:
            rows.error.next = row_fault[row_top]

    return instances()


@block
def saturate(total: Any, no_sign: Any, sample: Any) -> Any:
    """Saturate a sum to a sample of 8 bits, which is not negative where it has no sign."""

    @always_comb
    def choose() -> None:
        sample.next = total[8:]
        if total > 127:
            sample.next = 127
        elif no_sign and total < 0:
            sample.next = 0
        elif total < -128:
            sample.next = 128

    return instances()
