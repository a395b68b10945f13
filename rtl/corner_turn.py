"""Corner-turn buffer: a square of bits, written along one side while it is read along the other."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv


@block
def corner_turn(clk: Any, shift: Any, upwards: Any, entering: Any, leaving: Any, crossing: Any = None, *, size: int) -> Any:
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

    @always_comb
    def read() -> None:
        for i in range(size):
            if upwards:
                leaving.next[i] = cells[i]
            else:
                leaving.next[i] = cells[i * size]

    if crossing is not None:

        @always_comb
        def read_across() -> None:
            for i in range(size):
                if upwards:
                    crossing.next[i] = cells[i * size]
                else:
                    crossing.next[i] = cells[i]

    @always(clk.posedge)
    def move() -> None:
        if shift:
            for row in range(size):
                for column in range(size):
                    if upwards:
                        if row == size - 1:
                            cells.next[row * size + column] = entering[column]
                        else:
                            cells.next[row * size + column] = cells[(row + 1) * size + column]
                    else:
                        if column == size - 1:
                            cells.next[row * size + column] = entering[row]
                        else:
                            cells.next[row * size + column] = cells[row * size + column + 1]

    return instances()
