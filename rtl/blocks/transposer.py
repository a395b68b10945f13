"""Transposer: a square of numbers, written row by row while the one before is read column by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv, modbv


@block
def transposer(clk: Any, shift: Any, upwards: Any, entering: Sequence[Any], leaving: Sequence[Any]) -> Any:
    """Transpose squares of numbers in one array that is filled and emptied at once.

    A square that was shifted in upwards is shifted out leftwards, while the next one follows it in, and the other way
    round; the caller inverts `upwards` after each square.

    Parameters
    ----------
    shift : Signal of bool
        Take `entering` and drop `leaving` on this clock edge.
    upwards : Signal of bool
        Direction of the shift.
    entering, leaving : signed Signals of the same width, as many as a square has rows
        Next row in; next column out, valid before the edge.
    """
    size = len(entering)
    hold, rise, slide = (Signal(bool(0)) for _ in range(3))
    cells = [[Signal(intbv(0)[len(entering[0]) :]) for _ in range(size)] for _ in range(size)]
    flat = [
        cell(
            clk,
            hold,
            rise,
            slide,
            cells[row + 1][column] if row < size - 1 else entering[column],
            cells[row][column + 1] if column < size - 1 else entering[row],
            cells[row][column],
        )
        for row in range(size)
        for column in range(size)
    ]
    reads = [choose(upwards, cells[0][i], cells[i][0], leaving[i]) for i in range(size)]

    @always_comb
    def steer() -> None:
        hold.next = not shift
        rise.next = shift and upwards
        slide.next = shift and not upwards

    return instances()


@block
def cell(clk: Any, hold: Any, rise: Any, slide: Any, below: Any, beside: Any, number: Any) -> Any:
    """Keep a number, or take the one below or beside; the three conditions exclude each other."""
    bits = len(number)

    @always(clk.posedge)
    def move() -> None:
        for i in range(bits):
            number.next[i] = (hold and number[i]) or (rise and below[i]) or (slide and beside[i])

    return instances()


@block
def choose(first: Any, a: Any, b: Any, chosen: Any) -> Any:
    """Choose between two words, read as signed numbers."""
    bits = len(chosen)

    @always_comb
    def select() -> None:
        chosen.next = b[bits:].signed()
        if first:
            chosen.next = a[bits:].signed()

    return instances()


@block
def transposer_control(
    clk: Any,
    rst: Any,
    advance: Any,
    valid: Any,
    last: Any,
    ready: Any,
    shift: Any,
    upwards: Any,
    turn: Any,
    leaving_valid: Any,
    leaving_last: Any,
    *,
    size: int,
) -> Any:
    """Move packets of squares through a transposer.

    Squares follow each other without a gap where rows do. The last square of a packet does not wait for another one:
    if no row is there when it could begin to leave, it leaves alone.

    Parameters
    ----------
    advance : Signal of bool
        What leaves is taken.
    valid, last, ready : Signal of bool
        Handshake of entering rows; `last` matters on the last row of a square.
    shift, upwards : Signal of bool
        To the transposer.
    turn : Signal of bool
        The last row of a square enters in this cycle, or the last column leaves.
    leaving_valid, leaving_last : Signal of bool
        A column leaves in this cycle, if `advance`; it is the last one of its packet.
    size : int
        Rows of a square, a power of two.
    """
    full, full_last, alone, draining = (Signal(bool(0)) for _ in range(4))
    count = Signal(modbv(0)[(size - 1).bit_length() :])

    @always_comb
    def decide() -> None:
        draining.next = alone or (count == 0 and full and full_last and not valid)
        ready.next = advance and not alone

    @always_comb
    def move() -> None:
        shift.next = advance and (valid or draining)
        turn.next = advance and (valid or draining) and count == size - 1

    @always_comb
    def leave() -> None:
        leaving_valid.next = full and (valid or draining)
        leaving_last.next = full_last and count == size - 1

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if shift:
            count.next = count + 1
            alone.next = draining and not turn
        if turn:
            full.next = not draining
            upwards.next = not upwards

    @always_seq(clk.posedge, reset=None)
    def mark() -> None:
        if turn:
            full_last.next = last

    return instances()
