"""Every other sample of rows: the input of a pointwise layer of stride 2."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, block, instances, modbv

from silicodec.models.accelerator.program import PIXELS
from silicodec.rtl.accelerator.codec_slot import DecodedRows


@block
def thin_rows(clk: Any, rows: DecodedRows, taken: Any, thin: Any, row: Any, tile: Any, word: Any) -> Any:
    """Take every other sample of two tiles as one word: the input of a pointwise layer of stride 2.

    Parameters
    ----------
    thin : Signal of bool
        Whether to do so; otherwise a row stays as it is.
    row, tile : Signal
        Number of the row in its tile, and of the tile.
    word : Signal of 64 bits
        The row's word; with an even tile, whose half of the word is kept for the next one, its left half counts.
    """
    half = Signal(modbv(0)[32:])
    halves = [Signal(modbv(0)[32:]) for _ in range(PIXELS // 2)]
    kept = [half_register(clk, taken, row, tile, half, halves[n], number=n) for n in range(PIXELS // 2)]
    left0, left1, left2, left3 = halves
    left = Signal(modbv(0)[32:])

    @always_comb
    def take_half() -> None:
        half.next = (((((rows.data[64:56] << 8) | rows.data[48:40]) << 8) | rows.data[32:24]) << 8) | rows.data[16:8]

    @always_comb
    def choose_left() -> None:
        if not tile[0]:
            left.next = half
        elif row[3:1] == 0:
            left.next = left0
        elif row[3:1] == 1:
            left.next = left1
        elif row[3:1] == 2:
            left.next = left2
        else:
            left.next = left3

    @always_comb
    def choose() -> None:
        word.next = rows.data
        if thin:
            word.next = (left << 32) | half

    return instances()


@block
def half_register(clk: Any, taken: Any, row: Any, tile: Any, half: Any, kept: Any, *, number: int) -> Any:
    """Keep the half of row `2 * number` of an even tile."""

    @always(clk.posedge)
    def keep() -> None:
        if taken and not tile[0] and row == 2 * number:
            kept.next = half

    return instances()
