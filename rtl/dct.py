"""DCT engines: feature maps by 8 x 8 tiles (Shao et al., arXiv 2110.06155), rows in, one packed stream out."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from .adder_network import register, signed
from .dct_columns import ColumnStream, column_coder, column_packer
from .dct_quantiser import quantiser
from .dct_transform import forward_pass
from .stream import Stream
from .transposer import transposer


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
    samples = [signed(8) for _ in range(8)]
    row, column = ([signed(11) for _ in range(8)] for _ in range(2))
    transformed, coefficients = ([signed(12) for _ in range(8)] for _ in range(2))
    quantised, kept = ([Signal(intbv(0)[8:]) for _ in range(8)] for _ in range(2))
    code, columns = ColumnStream(), ColumnStream()

    load, shift, advance = (Signal(bool(0)) for _ in range(3))
    upwards = Signal(bool(0))
    number = Signal(modbv(0)[3:])

    splits = [sample(rows.data, n, samples[n]) for n in range(8)]
    row_pass = forward_pass(clk, load, samples, row, half=128, shift=8)
    turn = transposer(clk, shift, upwards, row, column)
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

    # A row between the halves of its pass; the tile in the array; columns in the three stages before `columns`.
    row_valid, row_last = (Signal(bool(0)) for _ in range(2))
    full, full_last, draining, drain = (Signal(bool(0)) for _ in range(4))
    count = Signal(modbv(0)[3:])
    valid, last = (Signal(intbv(0)[3:]) for _ in range(2))
    ends = Signal(bool(0))

    @always_comb
    def move() -> None:
        advance.next = (columns.ready or not columns.valid) and (mode.valid or not valid[1])

    @always_comb
    def enter() -> None:
        # The last tile of a packet leaves without another one behind it if no row is there when it could begin to.
        drain.next = draining or (count == 0 and full and full_last and not row_valid)
        load.next = not row_valid or (advance and not draining)
        rows.ready.next = not row_valid or (advance and not draining)

    @always_comb
    def turn_corner() -> None:
        shift.next = advance and (row_valid or drain)

    @always_comb
    def take_mode() -> None:
        mode.ready.next = advance and valid[1] and last[1]

    @always_seq(clk.posedge, reset=rst)
    def hold_row() -> None:
        if load:
            row_valid.next = rows.valid

    @always_seq(clk.posedge, reset=rst)
    def hold_tile() -> None:
        if shift:
            count.next = count + 1
            draining.next = drain and count != 7
            if count == 7:
                full.next = not drain
                upwards.next = not upwards

    @always_seq(clk.posedge, reset=rst)
    def hold_columns() -> None:
        if advance:
            valid.next[0] = shift and full
            valid.next[1] = valid[0]
            valid.next[2] = valid[1]
            columns.valid.next = valid[2]
        elif columns.ready:
            columns.valid.next = False
        if advance and valid[1]:
            number.next = number + 1

    @always_seq(clk.posedge, reset=None)
    def mark() -> None:
        if load:
            row_last.next = rows.last
        if shift and count == 7:
            full_last.next = row_last
        if advance:
            last.next[0] = count == 7 and full_last
            last.next[1] = last[0]
            last.next[2] = last[1]
            columns.last.next = last[2]
            ends.next = number == 7
            columns.ends_tile.next = ends

    return instances()


@block
def sample(row: Any, n: int, number: Any) -> Any:
    """Take sample `n` of a row."""
    top = 64 - 8 * n

    @always_comb
    def take() -> None:
        number.next = row[top : top - 8].signed()

    return instances()
