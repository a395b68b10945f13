"""Systolic array: weights stay, activations flow right and sums flow down, one element a cycle."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.rtl.blocks.stream import StreamGroup
from silicodec.rtl.systolic.control import (
    Joined,
    TileOrders,
    conjunction,
    join,
    packet_fault,
    sum_exit,
    tile_control,
)
from silicodec.rtl.systolic.element import CORRECTION, processing_element

PORT_VALUES = 8
"""Most 8-bit values in a word of one stream."""


@block
def systolic_array(
    clk: Any,
    rst: Any,
    weights: StreamGroup,
    activations: StreamGroup,
    sums: StreamGroup,
    *,
    rows: int = 8,
    columns: int = 8,
) -> Any:
    """Multiply vectors of signed 8-bit activations by tiles of signed 8-bit weights, one vector per cycle.

    The weights of a tile enter while the tile before is in use, so that a tile takes as many cycles as it has vectors,
    or as it has rows if these are more.

    Parameters
    ----------
    weights : StreamGroup
        Rows of tiles, `columns` weights each. A packet holds any number of tiles; rows that the last one lacks are
        zeros. If they come with an error flag, `sums` have one as well: it is high with `last` of the packet for the
        last tile of a packet of weights that was malformed.
    activations : StreamGroup
        Vectors of `rows` activations; a packet is for one tile.
    sums : StreamGroup
        A stream for each column: the products of that column and the vectors, signed, in 32 bits. A packet of
        activations gives one on every stream, each a cycle later than the stream before.
    rows, columns : int
        Size of the array. The first value of a vector or row has the lowest bits of a word; with more than
        `PORT_VALUES`, those that follow have words on further streams of the group.
    """
    for name, size in (("rows", rows), ("columns", columns)):
        if not 1 <= size <= 1 << 16:
            raise ValueError(f"{name} must be 1 .. 65536, not {size}")
    # A product is at most 2**14, of -128 times -128; one more bit for the sign.
    sum_bits = (rows << 14).bit_length() + 1

    advance = Signal(bool(0))
    rows_in, vectors_in = Joined(), Joined()
    row_join = join(rst, weights, rows_in)
    vector_join = join(rst, activations, vectors_in)
    orders = TileOrders(rows)
    control = tile_control(clk, rst, advance, rows_in, vectors_in, orders, rows=rows)

    # Column c does everything c cycles later than the first one; d cycles after a vector has entered, it is on diagonal
    # d of the array.
    loads = Signal(modbv(0)[rows * columns :])
    switches = Signal(modbv(0)[rows + columns - 1 :])
    valids = Signal(modbv(0)[rows + columns + 1 :])
    lasts = Signal(modbv(0)[rows + columns + 1 :])
    load_history = history(clk, None, advance, orders.load, loads)
    switch_history = history(clk, None, advance, orders.switch, switches)
    valid_history = history(clk, rst, advance, orders.entering, valids)
    last_history = history(clk, None, advance, vectors_in.last, lasts)
    errors = Signal(modbv(0)[rows + columns + 1 :]) if hasattr(weights.streams[0], "error") else None
    if errors is not None:
        malformed = Signal(bool(0))
        watch = packet_fault(clk, rst, advance, weights.streams[0].error, rows_in, orders, malformed)
        error_history = history(clk, None, advance, malformed, errors)

    weights_above, row_skews = [], []
    for column in range(columns):
        value, late = Signal(intbv(0)[8:]), Signal(intbv(0)[8:])
        row_skews.append(
            (pad(*place(weights, column), orders.padding, value), skew(clk, advance, value, late, cycles=column))
        )
        weights_above.append(late)
    # The first row of a tile goes down to the bottom of the array.
    activations_left, vector_skews = [], []
    for row in range(rows):
        value, late = Signal(intbv(0)[8:]), Signal(intbv(0)[8:])
        vector_skews.append(
            (unpack(*place(activations, rows - 1 - row), value), skew(clk, advance, value, late, cycles=row))
        )
        activations_left.append(late)

    elements = []
    # Every element adds `CORRECTION` besides its product; the top of a column takes all of them off at once.
    sums_above: list[Any] = [-rows * CORRECTION % (1 << sum_bits)] * columns
    for row in range(rows):
        activation = activations_left[row]
        for column in range(columns):
            right, below, total = Signal(intbv(0)[8:]), Signal(intbv(0)[8:]), Signal(modbv(0)[sum_bits:])
            horizontal = (activation, right)
            vertical = (weights_above[column], below, sums_above[column], total)
            places = {"diagonal": row + column, "load_bit": column * rows + row}
            elements.append(processing_element(clk, advance, switches, loads, *horizontal, *vertical, **places))
            activation, weights_above[column], sums_above[column] = right, below, total

    free = [Signal(bool(0)) for _ in range(columns)]
    exits = [
        sum_exit(
            clk, rst, advance, sums_above[column], valids, lasts, errors, free[column], stream, place=rows + 1 + column
        )
        for column, stream in enumerate(sums.streams)
    ]
    go = conjunction(free, advance)
    return instances()


@block
def unpack(word: Any, low: int, value: Any) -> Any:
    """Take the value from bit `low` of a word on."""

    @always_comb
    def choose() -> None:
        value.next = word[low + 8 : low]

    return instances()


@block
def pad(word: Any, low: int, padding: Any, value: Any) -> Any:
    """Take the value from bit `low` of a word on, or zero while `padding`."""

    @always_comb
    def choose() -> None:
        value.next = 0
        if not padding:
            value.next = word[low + 8 : low]

    return instances()


@block
def skew(clk: Any, advance: Any, value: Any, late: Any, *, cycles: int) -> Any:
    """Delay a value by so many cycles in which the array advances."""
    bits = len(value)
    values = Signal(modbv(0)[bits * (cycles + 1) :])
    past = history(clk, None, advance, value, values)
    oldest = unpack(values, bits * cycles, late)
    return instances()


@block
def history(clk: Any, rst: Any, advance: Any, now: Any, values: Any) -> Any:
    """Keep what a signal was in earlier cycles in which the array advanced; without a reset if `rst` is None.

    Parameters
    ----------
    now : Signal
        The signal.
    values : Signal
        The signal in its lowest bits, above it what it was a cycle before, and so on.
    """
    bits = len(now)
    if len(values) == bits:

        @always_comb
        def show_now() -> None:
            values.next = now

        return show_now

    past = Signal(modbv(0)[len(values) - bits :])

    @always_comb
    def show() -> None:
        values.next = (past << bits) | now

    @always_seq(clk.posedge, reset=rst)
    def store() -> None:
        if advance:
            past.next = (past << bits) | now

    return instances()


def place(group: StreamGroup, number: int) -> tuple[Any, int]:
    """Return the word of a group of streams that holds the value of this number, and the value's lowest bit there."""
    return group.streams[number // PORT_VALUES].data, 8 * (number % PORT_VALUES)
