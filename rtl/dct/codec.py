"""DCT engines: feature maps by 8 x 8 tiles (Shao et al., arXiv 2110.06155), between rows and one packed stream."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.rtl.blocks.adder_network import drive, register, signed
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.blocks.transposer import transposer, transposer_control
from silicodec.rtl.dct.columns import ColumnStream, column_coder, column_packer
from silicodec.rtl.dct.parser import PairWindow, column_parser, expander, pair_unpacker
from silicodec.rtl.dct.quantiser import MODE_BITS, dequantiser, quantiser
from silicodec.rtl.dct.transform import FORWARD_STAGES, INVERSE_STAGES, forward_pass, inverse_pass

COLUMN_CUT, ROW_CUT = 12, 13
"""Where the adders of the inverse passes are cut."""


@block
def dct_encoder(clk: Any, rst: Any, rows: Stream, mode: Stream, tiles: Stream) -> Any:
    """Compress packets of 8 x 8 tiles, one row per cycle.

    Parameters
    ----------
    rows : Stream
        Rows of 8 signed samples of 8 bits, the first one in the most significant bits; a packet is any number of whole
        tiles: `last` anywhere but in a tile's last row is ignored.
    mode : Stream
        One word for each packet: the level less one in bits 0 and 1, and in bit 2 whether no sample is negative.
    tiles : Stream
        The packed stream, in words of 64 bits.
    """
    row_top, coded = FORWARD_STAGES - 1, FORWARD_STAGES + 1
    samples = [signed(8) for _ in range(8)]
    row, column = ([signed(11) for _ in range(8)] for _ in range(2))
    transformed, coefficients = ([signed(12) for _ in range(8)] for _ in range(2))
    quantised, kept = ([Signal(intbv(0)[8:]) for _ in range(8)] for _ in range(2))
    code, columns = ColumnStream(), ColumnStream()

    load, advance = (Signal(bool(0)) for _ in range(2))
    number = Signal(modbv(0)[3:])

    splits = [sample(rows.data, n, samples[n]) for n in range(8)]
    row_pass = forward_pass(clk, load, samples, row, half=128, shift=8)
    column_pass = forward_pass(clk, advance, column, transformed, half=0, shift=10)
    quantise = quantiser(coefficients, number, mode.data, quantised)
    coder = column_coder(kept, code.data, code.pairs)
    stages = (
        *zip(transformed, coefficients, strict=True),
        *zip(quantised, kept, strict=True),
        (code.data, columns.data),
        (code.pairs, columns.pairs),
    )
    registers = [register(clk, advance, *stage) for stage in stages]
    packer = column_packer(clk, rst, columns, tiles)

    # Rows in the stages of their pass.
    row_valid, row_last = (Signal(modbv(0)[FORWARD_STAGES:]) for _ in range(2))
    row_ready = Signal(bool(0))
    shift, upwards, turn = (Signal(bool(0)) for _ in range(3))
    column_valid, column_last = (Signal(bool(0)) for _ in range(2))
    turn_corner = transposer(clk, shift, upwards, row, column)
    control = transposer_control(
        clk,
        rst,
        advance,
        row_valid(row_top),
        row_last(row_top),
        row_ready,
        shift,
        upwards,
        turn,
        column_valid,
        column_last,
        size=8,
    )

    # Columns in the stages of their pass, as coefficients, and quantised.
    valid, last = (Signal(modbv(0)[FORWARD_STAGES + 2 :]) for _ in range(2))
    ends = Signal(bool(0))

    @always_comb
    def move() -> None:
        advance.next = (columns.ready or not columns.valid) and (mode.valid or not valid[coded - 1])

    @always_comb
    def enter() -> None:
        load.next = row_ready or not row_valid[row_top]
        rows.ready.next = row_ready or not row_valid[row_top]

    @always_comb
    def take_mode() -> None:
        mode.ready.next = advance and valid[coded - 1] and last[coded - 1]

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if load:
            row_valid.next = (row_valid << 1) | rows.valid
        if advance:
            valid.next = (valid << 1) | column_valid
            columns.valid.next = valid[coded]
            if valid[coded - 1]:
                number.next = number + 1
        elif columns.ready:
            columns.valid.next = False

    @always_seq(clk.posedge, reset=None)
    def mark() -> None:
        if load:
            row_last.next = (row_last << 1) | rows.last
        if advance:
            last.next = (last << 1) | column_last
            columns.last.next = last[coded]
            ends.next = number == 7
            columns.ends_tile.next = ends

    return instances()


@block
def dct_decoder(
    clk: Any, rst: Any, tiles: Stream, length: Stream, rows: Stream, *, length_bits: int = 8, checked: bool = False
) -> Any:
    """Restore packets of 8 x 8 tiles, one row per cycle where the packed stream arrives fast enough.

    Whatever the stream holds, a packet ends after its number of tiles: what is missing is undefined, words that are
    left over are dropped.

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
    """
    if length_bits < 1:
        raise ValueError(f"length_bits must be at least 1, not {length_bits}")

    window = PairWindow()
    payload, kept_payload = (Signal(intbv(0)[64:]) for _ in range(2))
    bitmap, kept_bitmap = (Signal(intbv(0)[8:]) for _ in range(2))
    quantised = [Signal(intbv(0)[8:]) for _ in range(8)]
    coefficients, kept = ([signed(11) for _ in range(8)] for _ in range(2))
    column, row = ([signed(14) for _ in range(8)] for _ in range(2))
    sums, kept_sums = ([signed(12) for _ in range(8)] for _ in range(2))
    samples = [Signal(intbv(0)[8:]) for _ in range(8)]

    load, advance = (Signal(bool(0)) for _ in range(2))
    again, whole, take = (Signal(bool(0)) for _ in range(3))
    mode, kept_mode = (Signal(intbv(0)[MODE_BITS:]) for _ in range(2))
    number, kept_number = (Signal(modbv(0)[3:]) for _ in range(2))

    # Columns: parsed, as coefficients, and in the stages of their pass. What is known of a packet follows its columns
    # from their coefficients on, and its rows in the stages of their pass and behind it.
    top, row_top = INVERSE_STAGES + 1, INVERSE_STAGES - 1
    valid, last = (Signal(modbv(0)[INVERSE_STAGES + 2 :]) for _ in range(2))
    no_sign = Signal(modbv(0)[INVERSE_STAGES + 1 :])
    row_valid, row_last = (Signal(modbv(0)[INVERSE_STAGES:]) for _ in range(2))
    tile_no_sign, row_no_sign = Signal(bool(0)), Signal(modbv(0)[INVERSE_STAGES + 1 :])

    unpacker = pair_unpacker(clk, rst, tiles, window, checked=checked)
    parser = column_parser(window.data, again, payload, bitmap, window.header, window.body, whole)
    expand = expander(kept_payload, kept_bitmap, quantised)
    dequantise = dequantiser(quantised, kept_number, kept_mode, coefficients)
    stages = (
        (payload, kept_payload),
        (bitmap, kept_bitmap),
        (mode, kept_mode),
        (number, kept_number),
        *zip(coefficients, kept, strict=True),
    )
    registers = [register(clk, load, *stage) for stage in stages]
    column_pass = inverse_pass(clk, load, kept, column, cut=COLUMN_CUT, early=True, shift=9)
    row_pass = inverse_pass(clk, advance, row, sums, cut=ROW_CUT, early=False, shift=16)
    row_registers = [register(clk, advance, *pair) for pair in zip(sums, kept_sums, strict=True)]
    saturators = [saturate(kept_sums[n], row_no_sign(row_top + 1), samples[n]) for n in range(8)]
    output = drive(ConcatSignal(*samples), rows.data)

    column_ready = Signal(bool(0))
    shift, upwards, turn = (Signal(bool(0)) for _ in range(3))
    leaving, leaving_last = (Signal(bool(0)) for _ in range(2))
    turn_corner = transposer(clk, shift, upwards, column, row)
    control = transposer_control(
        clk, rst, advance, valid(top), last(top), column_ready, shift, upwards, turn, leaving, leaving_last, size=8
    )

    count = Signal(modbv(0)[length_bits:])
    next_count = Signal(modbv(0)[length_bits:])
    ends_part = Signal(bool(0))

    @always_comb
    def move() -> None:
        advance.next = rows.ready or not rows.valid
        load.next = column_ready or not valid[top]
        window.proceed.next = column_ready or not valid[top]

    @always_comb
    def add() -> None:
        next_count.next = count + 1

    @always_comb
    def parse() -> None:
        mode.next = length.data[length_bits + MODE_BITS : length_bits]
        ends_part.next = whole and number == 7 and next_count == length.data[length_bits:]
        take.next = window.valid and length.valid and load

    @always_comb
    def consume() -> None:
        window.take.next = take
        window.align.next = whole and number == 7
        window.finish.next = ends_part and length.last
        length.ready.next = take and ends_part

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if take:
            again.next = not whole
            if whole:
                number.next = number + 1
                if ends_part:
                    count.next = 0
                elif number == 7:
                    count.next = next_count
        if load:
            valid.next = (valid << 1) | (take and whole)
        if advance:
            row_valid.next = (row_valid << 1) | leaving
            rows.valid.next = row_valid[row_top]

    @always_seq(clk.posedge, reset=None)
    def mark() -> None:
        if load:
            last.next = (last << 1) | (ends_part and length.last)
            no_sign.next = (no_sign << 1) | kept_mode[2]
        if turn:
            tile_no_sign.next = no_sign[top - 1]
        if advance:
            row_no_sign.next = (row_no_sign << 1) | tile_no_sign
            row_last.next = (row_last << 1) | leaving_last
            rows.last.next = row_last[row_top]

    if checked:
        fault = Signal(modbv(0)[INVERSE_STAGES + 1 :])
        tile_fault, row_fault = Signal(bool(0)), Signal(modbv(0)[INVERSE_STAGES:])

        @always_seq(clk.posedge, reset=None)
        def report() -> None:
            if load:
                fault.next = (fault << 1) | (not window.clean)
            if turn:
                tile_fault.next = fault[top - 1]
            if advance:
                row_fault.next = (row_fault << 1) | tile_fault
                rows.error.next = row_fault[row_top]

    return instances()


@block
def sample(row: Any, n: int, number: Any) -> Any:
    """Take sample `n` of a row."""
    top = 64 - 8 * n

    @always_comb
    def take() -> None:
        number.next = row[top : top - 8].signed()

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
