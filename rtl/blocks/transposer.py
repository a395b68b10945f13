"""Transposer: squares of numbers come row by row and leave column by column, in three stages of delays and swaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv

from silicodec.rtl.blocks.adder_network import drive, register


@block
def transposer(
    clk: Any, shift: Any, count: Any, entering: Sequence[Any], leaving: Sequence[Any], odd: Sequence[Any] = ()
) -> Any:
    """Transpose squares of numbers.

    A stage of distance d exchanges bit log2(d) of a number's row with the same bit of its column: the upper one of two
    lanes d apart is delayed by d rows, then both swap in d of 2 d rows, then the lower one is delayed by d rows. The
    first column leaves while the last row enters, the others while the next square does; a square of 8 x 8 takes
    56 registers.

    Parameters
    ----------
    shift : Signal of bool
        Take `entering` and drop `leaving` on this clock edge.
    count : Signal
        Number of the entering row.
    entering, leaving : signed Signals of the same width, as many as a square has rows, a power of two
        Next row in; next column out, valid before the edge.
    odd : Signals of 1 bit, half as many
        Copies of the lowest bit of `count`, for the pairs of the last stage: one register would drive them late.
    """
    size = len(entering)
    distances = [1 << bit for bit in reversed(range((size - 1).bit_length()))]
    lanes: list[Sequence[Any]] = [entering, *([like(entering[0]) for _ in range(size)] for _ in distances[1:]), leaving]
    stages = [
        exchange(
            clk,
            shift,
            odd[lane // 2] if odd and distance == 1 else count,
            lanes[stage][lane],
            lanes[stage][lane + distance],
            lanes[stage + 1][lane],
            lanes[stage + 1][lane + distance],
            distance=distance,
        )
        for stage, distance in enumerate(distances)
        for lane in range(size)
        if not lane & distance
    ]
    return instances()


@block
def exchange(
    clk: Any, shift: Any, count: Any, lower: Any, upper: Any, lower_out: Any, upper_out: Any, *, distance: int
) -> Any:
    """Exchange rows between two lanes of a stage."""
    bit = distance.bit_length() - 1
    early, late = ([like(lower) for _ in range(distance + 1)] for _ in range(2))
    delays = [register(clk, shift, line[n], line[n + 1]) for line in (early, late) for n in range(distance)]
    enter = drive(upper, early[0])
    leave = drive(late[distance], lower_out)
    delayed, swapped = early[distance], late[0]

    @always_comb
    def swap() -> None:
        swapped.next = lower
        upper_out.next = delayed
        if count[bit]:
            swapped.next = delayed
            upper_out.next = lower

    return instances()


def like(number: Any) -> Any:
    """Make a signal of a number's range."""
    return Signal(intbv(0, min=int(number.min), max=int(number.max)))


@block
def transposer_control(
    clk: Any,
    rst: Any,
    advance: Any,
    coming: Any,
    valid: Any,
    last: Any,
    ready: Any,
    shift: Any,
    count: Any,
    leaving_valid: Any,
    leaving_last: Any,
    odd: Sequence[Any] = (),
) -> Any:
    """Move packets of squares through a transposer.

    Squares follow each other without a gap where rows do. A packet that ends within a square has its last row repeated
    to fill it. The last square of a packet does not wait for another one: if no row is there or coming when it could
    leave, it leaves alone.

    Parameters
    ----------
    advance : Signal of bool
        What leaves is taken.
    coming : Signal of bool
        Rows that are not there yet will be, whatever happens elsewhere.
    valid, last, ready : Signal of bool
        Handshake of entering rows.
    shift, count : Signal
        To the transposer.
    leaving_valid, leaving_last : Signal of bool
        A column leaves in this cycle, if `advance`; it is the last one of its packet.
    odd : Signals of 1 bit
        Copies of the lowest bit of `count`, each with a register of its own.
    """
    final = int(count.max) - 1
    # Columns from the second one on are inside, `full_last` those of a packet's last square; they leave `alone`.
    full, full_last, alone, draining, ends = (Signal(bool(0)) for _ in range(5))

    copies = [toggle(clk, rst, shift, draining, ends, copy) for copy in odd]

    @always_comb
    def decide() -> None:
        # Only where no row can come in time: a last square that leaves beside the next packet's first costs no cycle.
        draining.next = alone or (count == 0 and full and full_last and not valid and not coming)
        # A row marked `last` within a square is taken only once the square is full: until then it repeats.
        ready.next = advance and not alone and (not last or count == final)

    @always_comb
    def move() -> None:
        shift.next = advance and (valid or draining)
        # The first column leaves with its square's own last row, so the last one leaves a row before the next square's.
        ends.next = count == final - 1

    @always_comb
    def leave() -> None:
        leaving_valid.next = (count == final or full) and (valid or draining)
        leaving_last.next = full and full_last and ends

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if shift:
            count.next = count + 1
            alone.next = draining and not ends
            if draining and ends:
                count.next = 0
            if ends:
                full.next = False
            elif count == final:
                full.next = True

    @always_seq(clk.posedge, reset=None)
    def mark() -> None:
        if shift and count == final:
            full_last.next = last

    return instances()


@block
def toggle(clk: Any, rst: Any, shift: Any, draining: Any, ends: Any, odd: Any) -> Any:
    """Tell odd rows from even ones; after a square that leaves alone an even one follows an even one."""

    @always_seq(clk.posedge, reset=rst)
    def count() -> None:
        if shift and not (draining and ends):
            odd.next[0] = not odd[0]

    return instances()
