"""Corner-turn buffer: a square of bits, written along one side while it is read along the other."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv


@block
def corner_turn(
    clk: Any,
    shift: Any,
    upwards: Any,
    entering: Any,
    leaving: Any,
    *,
    size: int,
    crossing: Any = None,
) -> Any:
    """Transpose blocks of `size` vectors of `size` bits in one array that is filled and emptied at once.

    A block that was shifted in upwards is shifted out leftwards, while the next one follows it in; the caller inverts
    `upwards` after each block. Vector `i` of a block then leaves as bit `i` of every leaving vector, bit 0 first.

    Parameters
    ----------
    shift : Signal of bool
        Take `entering` and drop `leaving` on this clock edge.
    upwards : Signal of bool
        Direction of the shift.
    entering, leaving : Signal of `size` bits
        Next vector in; next vector out, valid before the edge.
    crossing : Signal of `size` bits, optional
        The first side across the direction of the shift: before a block's first shift out, its vector 0.
    """
    cells = Signal(intbv(0)[size * size :])

    # One-hot, so that a cell is a flip-flop and one and-or gate.
    hold = Signal(bool(0))
    rise = Signal(bool(0))
    slide = Signal(bool(0))
    leaving_up = Signal(bool(0))
    leaving_left = Signal(bool(0))

    @always_comb
    def select() -> None:
        leaving_up.next = upwards
        leaving_left.next = not upwards

    @always_comb
    def read() -> None:
        for i in range(size):
            leaving.next[i] = (leaving_up and cells[i]) or (leaving_left and cells[i * size])

    if crossing is not None:

        @always_comb
        def read_across() -> None:
            for i in range(size):
                if upwards:
                    crossing.next[i] = cells[i * size]
                else:
                    crossing.next[i] = cells[i]

    @always_comb
    def steer() -> None:
        hold.next = not shift
        rise.next = shift and upwards
        slide.next = shift and not upwards

    @always(clk.posedge)
    def move() -> None:
        for row in range(size):
            for column in range(size):
                below = entering[column]
                if row < size - 1:
                    below = cells[(row + 1) * size + column]
                beside = entering[row]
                if column < size - 1:
                    beside = cells[row * size + column + 1]
                cells.next[row * size + column] = (
                    (hold and cells[row * size + column]) or (rise and below) or (slide and beside)
                )

    return instances()
