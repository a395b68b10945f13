"""What moves a systolic array: words that are taken together, tiles and vectors that enter, sums that leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import ConcatSignal, Signal, always_comb, always_seq, block, instances, intbv

from silicodec.rtl.blocks.stream import Stream, StreamGroup

SUM_BITS = 32


class Joined:
    """Words of a group of streams that are taken together: `taken` may only be high with `valid`."""

    def __init__(self) -> None:
        self.valid: Any = Signal(bool(0))
        self.taken: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))


class TileOrders:
    """What the array is told in each cycle in which it advances.

    `entering` says that a vector enters, `switch` that it is the first one for a tile, and `padding` that zeros go in
    the place of a row that the last tile of a packet lacks. `load` has a bit for each row of the array that takes the
    weights above it. Row i of a tile comes down by i rows fewer than row 0, so that each row of the array keeps its
    weights until the first vector for them has passed.
    """

    def __init__(self, rows: int) -> None:
        self.entering: Any = Signal(bool(0))
        self.switch: Any = Signal(bool(0))
        self.padding: Any = Signal(bool(0))
        self.load: Any = Signal(intbv(0)[rows:])


@block
def tile_control(
    clk: Any, rst: Any, advance: Any, rows_in: Joined, vectors_in: Joined, orders: TileOrders, *, rows: int
) -> Any:
    """Let a tile in, and then the packet of vectors for it together with the rows of the next tile.

    Parameters
    ----------
    advance : Signal of bool
        Nothing changes without it.
    rows_in, vectors_in : Joined
        The words of weights and of activations.
    orders : TileOrders
        What the array does.
    """
    row = Signal(intbv(0, min=0, max=max(2, rows)))
    loading = Signal(bool(0))
    full = Signal(bool(0))
    first = Signal(bool(1))

    @always_comb
    def decide() -> None:
        orders.entering.next = vectors_in.valid and (full or not first)
        orders.switch.next = vectors_in.valid and full and first
        # The next tile's first row may enter on the very cycle in which the tile before it comes into use.
        loading.next = (rows_in.valid or orders.padding) and (not full or (vectors_in.valid and first))

    @always_comb
    def handshake() -> None:
        vectors_in.taken.next = advance and vectors_in.valid and (full or not first)
        rows_in.taken.next = (
            advance and not orders.padding and rows_in.valid and (not full or (vectors_in.valid and first))
        )

    @always_comb
    def select() -> None:
        for i in range(rows):
            orders.load.next[i] = loading and i <= row

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if advance:
            if orders.entering:
                first.next = vectors_in.last
            if loading and row == rows - 1:
                row.next = 0
                orders.padding.next = False
                full.next = True
            else:
                if loading:
                    row.next = row + 1
                    orders.padding.next = orders.padding or rows_in.last
                if orders.switch:
                    full.next = False

    return instances()


@block
def packet_fault(
    clk: Any, rst: Any, advance: Any, error: Any, rows_in: Joined, orders: TileOrders, malformed: Any
) -> Any:
    """Tell whether the packet of weights that ended with the tile in use was malformed.

    Parameters
    ----------
    error : Signal of bool
        The flag of the row that comes in, with the last one of its packet.
    malformed : Signal of bool
        It was, as far as the vector that enters is concerned.
    """
    loaded, used = (Signal(bool(0)) for _ in range(2))

    @always_comb
    def tell() -> None:
        malformed.next = used
        if orders.switch:
            malformed.next = loaded

    @always_seq(clk.posedge, reset=rst)
    def remember() -> None:
        if advance:
            used.next = malformed
        if rows_in.taken and rows_in.last:
            loaded.next = error
        elif advance and orders.switch:
            loaded.next = False

    return instances()


@block
def sum_exit(
    clk: Any, rst: Any, advance: Any, total: Any, valids: Any, lasts: Any, errors: Any, free: Any, sums: Stream,
    *, place: int,
) -> Any:  # fmt: skip
    """Offer the sum at the foot of a column until it is taken, while others may hold the array up.

    Parameters
    ----------
    total : Signal
        The sum.
    valids, lasts, errors : Signal
        Bit `place`: whether it is the sum of a vector, and of its packet's last, and whether `sums` flag an error;
        `errors` is None if they have no flag.
    free : Signal of bool
        The array may advance as far as this column is concerned.
    sums : Stream
        Sums with their sign extended to `SUM_BITS` bits.
    """
    sign = len(total) - 1
    taken = Signal(bool(0))

    @always_comb
    def extend() -> None:
        for i in range(SUM_BITS):
            sums.data.next[i] = total[sign]
            if i < sign:
                sums.data.next[i] = total[i]

    @always_comb
    def offer() -> None:
        sums.valid.next = valids[place] and not taken
        sums.last.next = lasts[place]
        free.next = not valids[place] or taken or sums.ready

    @always_seq(clk.posedge, reset=rst)
    def remember() -> None:
        taken.next = not advance and (taken or (valids[place] and sums.ready))

    if errors is not None:

        @always_comb
        def flag() -> None:
            sums.error.next = errors[place]

    return instances()


@block
def join(rst: Any, group: StreamGroup, words: Joined) -> Any:
    """Offer words from all streams of a group together, but none in reset; `last` is that of the first stream."""
    first = group.streams[0]
    running = Signal(bool(0))
    all_valid = conjunction([running, *(stream.valid for stream in group.streams)], words.valid)
    replies = [copy(words.taken, stream.ready) for stream in group.streams]
    end = copy(first.last, words.last)

    @always_comb
    def run() -> None:
        running.next = not rst

    return instances()


@block
def conjunction(signals: Sequence[Any], result: Any) -> Any:
    """Tell whether all signals are high."""
    together = ConcatSignal(True, *signals)
    high = 2 ** len(together) - 1

    @always_comb
    def compare() -> None:
        result.next = together == high

    return instances()


@block
def copy(source: Any, target: Any) -> Any:
    """Drive a signal with another."""

    @always_comb
    def forward() -> None:
        target.next = source

    return instances()
