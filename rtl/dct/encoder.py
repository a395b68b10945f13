"""DCT encoder: feature maps by 8 x 8 tiles (after Shao et al., arXiv 2110.06155), from rows to one packed stream."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.dct.tiles import EMPTY, FIRST_REFERENCE, FULL, LOW_PLANES, MEAN_BITS, VALUE_BITS
from silicodec.rtl.blocks.adder_network import register, signed
from silicodec.rtl.blocks.stream import Stream, gated, reset_gates
from silicodec.rtl.blocks.transposer import transposer, transposer_control
from silicodec.rtl.dct.columns import (
    HIGH_BITS,
    LEVEL_BITS,
    LOW_BITS,
    SAME,
    UNARY_BITS,
    ChunkStream,
    chunk_packer,
    column_coder,
    column_survey,
    head_joiner,
    level_comparer,
)
from silicodec.rtl.dct.quantiser import quantiser
from silicodec.rtl.dct.transform import FORWARD_STAGES, forward_pass

ROW_CUT, COLUMN_CUT = 7, 10
"""Where the adders of the forward passes are cut."""


class ColumnStream:
    """Quantised columns on their way to the coder, with the handshake of `Stream`.

    `values` and `mean_low` are as `quantiser` gives them, `first` marks a tile's first column.
    """

    def __init__(self) -> None:
        self.values = [Signal(intbv(0)[VALUE_BITS:]) for _ in range(8)]
        self.mean_low: Any = Signal(intbv(0)[MEAN_BITS:])
        self.first: Any = Signal(bool(0))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))


@block
def dct_encoder(clk: Any, rst: Any, rows: Stream, mode: Stream, tiles: Stream) -> Any:
    """Compress packets of 8 x 8 tiles, one row per cycle.

    Parameters
    ----------
    rows : Stream
        Rows of 8 signed samples of 8 bits, the first one in the most significant bits. A packet is any number of rows;
        its last row is repeated to fill its last tile.
    mode : Stream
        One word for each packet, as of `silicodec.models.dct.modes`.
    tiles : Stream
        The packed stream, in words of 64 bits.
    """
    columns, chunks = ColumnStream(), ChunkStream()
    (running_rows,) = gated(rows)
    gates = reset_gates(rst, [rows], [running_rows])
    transform = tile_transform(clk, rst, running_rows, mode, columns)
    coder = tile_coder(clk, rst, columns, chunks)
    packer = chunk_packer(clk, rst, chunks, tiles)
    return instances()


@block
def tile_transform(clk: Any, rst: Any, rows: Stream, mode: Stream, columns: ColumnStream) -> Any:
    """Transform rows to columns of quantised coefficients."""
    row_top, top = FORWARD_STAGES - 1, FORWARD_STAGES
    samples = [signed(8) for _ in range(8)]
    row, column = ([signed(11) for _ in range(8)] for _ in range(2))
    transformed, coefficients = ([signed(12) for _ in range(8)] for _ in range(2))
    values = [Signal(intbv(0)[VALUE_BITS:]) for _ in range(8)]
    mean_low = Signal(intbv(0)[MEAN_BITS:])

    load, advance, shift = (Signal(bool(0)) for _ in range(3))
    row_ready, column_valid, column_last, first = (Signal(bool(0)) for _ in range(4))
    count, number = Signal(modbv(0)[3:]), Signal(modbv(0)[3:])
    # Rows in the stages of their pass; columns in those of theirs, and as coefficients.
    row_valid, row_last = (Signal(modbv(0)[FORWARD_STAGES:]) for _ in range(2))
    valid, last = (Signal(modbv(0)[FORWARD_STAGES + 1 :]) for _ in range(2))

    splits = [sample(rows.data, n, samples[n]) for n in range(8)]
    row_pass = forward_pass(clk, load, samples, row, cut=ROW_CUT, shift=8, nearest=True, late=True)
    turn_corner = transposer(clk, shift, count, row, column)
    control = transposer_control(
        clk,
        rst,
        advance,
        False,
        row_valid(row_top),
        row_last(row_top),
        row_ready,
        shift,
        count,
        column_valid,
        column_last,
    )
    column_pass = forward_pass(clk, advance, column, transformed, cut=COLUMN_CUT, shift=10, nearest=False, late=False)
    quantise = quantiser(coefficients, first, mode.data, values, mean_low)
    stages = (
        *zip(transformed, coefficients, strict=True),
        *zip(values, columns.values, strict=True),
        (mean_low, columns.mean_low),
        (first, columns.first),
    )
    registers = [register(clk, advance, *stage) for stage in stages]

    @always_comb
    def move() -> None:
        advance.next = (columns.ready or not columns.valid) and (mode.valid or not valid[top])
        first.next = number == 0

    @always_comb
    def enter() -> None:
        load.next = row_ready or not row_valid[row_top]
        rows.ready.next = row_ready or not row_valid[row_top]

    @always_comb
    def take_mode() -> None:
        mode.ready.next = advance and valid[top] and last[top] and not rst

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if load:
            row_valid.next = (row_valid << 1) | rows.valid
        if advance:
            valid.next = (valid << 1) | column_valid
            columns.valid.next = valid[top]
            if valid[top]:
                number.next = number + 1
        elif columns.ready:
            columns.valid.next = False

    @always_seq(clk.posedge, reset=None)
    def mark() -> None:
        if load:
            row_last.next = (row_last << 1) | rows.last
        if advance:
            last.next = (last << 1) | column_last
            columns.last.next = last[top]

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
def tile_coder(clk: Any, rst: Any, columns: ColumnStream, chunks: ChunkStream) -> Any:
    """Code columns, one per cycle; with high planes, one in two cycles; and the first level of a packet in one more.

    A column waits in two stages. In `ahead` its level is known, in `behind` its code: what is sent is the code that is
    behind with the level ahead in it. High planes leave from `ahead`, after the column before and the level.
    """
    most_low, first_reference, empty, full, same = FULL + LOW_PLANES, FIRST_REFERENCE, EMPTY, FULL, SAME

    level, reference, first_level = (Signal(intbv(0)[LEVEL_BITS:]) for _ in range(3))
    relation, told_relation = (Signal(intbv(0)[2:]) for _ in range(2))
    begins = Signal(bool(1))
    told, wide, ends = (Signal(bool(0)) for _ in range(3))
    load, move, sent = (Signal(bool(0)) for _ in range(3))

    ahead, ahead_low = [Signal(intbv(0)[VALUE_BITS:]) for _ in range(8)], Signal(intbv(0)[MEAN_BITS:])
    ahead_level, ahead_reference = (Signal(intbv(0)[LEVEL_BITS:]) for _ in range(2))
    ahead_first, ahead_last, ahead_valid = (Signal(bool(0)) for _ in range(3))
    unary, behind_unary, shown_unary = (Signal(intbv(0)[UNARY_BITS:]) for _ in range(3))
    taken, behind_taken, shown_taken = (Signal(intbv(0)[UNARY_BITS.bit_length() :]) for _ in range(3))
    low, behind_low = (Signal(intbv(0)[LOW_BITS:]) for _ in range(2))
    low_length, behind_low_length = (Signal(intbv(0)[LOW_BITS.bit_length() :]) for _ in range(2))
    high = Signal(intbv(0)[HIGH_BITS:])
    behind_last, behind_valid = (Signal(bool(0)) for _ in range(2))

    survey = column_survey(columns.values, columns.mean_low, level)
    compare = level_comparer(ahead_level, ahead_reference, relation)
    coder = column_coder(ahead, ahead_level, ahead_low, unary, taken, low, high)
    to_ahead = (
        *zip(columns.values, ahead, strict=True),
        (columns.mean_low, ahead_low),
        (columns.first, ahead_first),
        (columns.last, ahead_last),
        (level, ahead_level),
        (reference, ahead_reference),
    )
    to_behind = (
        (unary, behind_unary),
        (taken, behind_taken),
        (low, behind_low),
        (low_length, behind_low_length),
        (ahead_last, behind_last),
    )
    registers = [
        [register(clk, load, *stage) for stage in to_ahead],
        [register(clk, move, *stage) for stage in to_behind],
    ]
    join = head_joiner(shown_unary, shown_taken, ahead_level, told_relation, told, chunks.head, chunks.head_length)

    @always_comb
    def choose_reference() -> None:
        reference.next = ahead_level
        if begins:
            reference.next = first_reference
        elif columns.first:
            reference.next = first_level

    @always_comb
    def measure_low() -> None:
        low_length.next = 0
        if ahead_level > most_low:
            low_length.next = 8 * LOW_PLANES
        elif ahead_level > full:
            low_length.next = (ahead_level - full) << 3
        if ahead_first and ahead_level != empty:
            low_length.next[MEAN_BITS:] = MEAN_BITS

    @always_comb
    def decide() -> None:
        wide.next = ahead_level > most_low
        ends.next = behind_valid and behind_last

    @always_comb
    def tell_level() -> None:
        told_relation.next = relation
        if ends:
            told_relation.next = same

    @always_comb
    def offer() -> None:
        chunks.valid.next = ahead_valid or ends
        chunks.last.next = ends
        shown_unary.next = 0
        shown_taken.next = 0
        if behind_valid:
            shown_unary.next = behind_unary
            shown_taken.next = behind_taken
        chunks.tail.next = 0
        chunks.tail_length.next = 0
        if told:
            chunks.tail.next = high
            chunks.tail_length.next = (ahead_level - most_low) << 3
        elif behind_valid:
            chunks.tail.next[HIGH_BITS : HIGH_BITS - LOW_BITS] = behind_low
            chunks.tail_length.next = behind_low_length

    @always_comb
    def handshake() -> None:
        sent.next = chunks.ready and (ahead_valid or ends)
        move.next = chunks.ready and ahead_valid and not ends and (told or not wide)

    @always_comb
    def accept() -> None:
        columns.ready.next = move or not ahead_valid
        load.next = columns.valid and (move or not ahead_valid)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if move or not ahead_valid:
            ahead_valid.next = columns.valid
        if sent:
            behind_valid.next = move
            told.next = wide and not told and not ends
        if load:
            begins.next = columns.last

    @always_seq(clk.posedge, reset=None)
    def remember() -> None:
        if load and columns.first:
            first_level.next = level

    return instances()
