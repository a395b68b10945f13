"""Systolic array: weights stay, activations flow right and sums flow down, one element a cycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.rtl.blocks.stream import Stream, StreamGroup

SUM_BITS = 32
PORT_VALUES = 8
"""Most 8-bit values in a word of one stream."""

# Baugh and Wooley (1973): a signed product is a sum of rows of bits without their sign extension, less a constant.
CORRECTION = 2**15 - 2**8


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
        zeros.
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
    sum_bits = (rows << 14).bit_length() + 1

    advance = Signal(bool(0))
    row_valid, row_taken, row_last = (Signal(bool(0)) for _ in range(3))
    row_join = join(weights, row_valid, row_taken, row_last)
    vector_valid, vector_taken, vector_last = (Signal(bool(0)) for _ in range(3))
    vector_join = join(activations, vector_valid, vector_taken, vector_last)

    switch = Signal(bool(0))
    entering = Signal(bool(0))
    padding = Signal(bool(0))
    load = Signal(intbv(0)[rows:])
    control = tile_control(
        clk, rst, advance, row_valid, row_last, row_taken, vector_valid, vector_last, vector_taken,
        switch, entering, padding, load, rows=rows,
    )  # fmt: skip

    # Column c does everything c cycles later than the first one; d cycles after a vector has entered, it is on diagonal
    # d of the array.
    loads = Signal(modbv(0)[rows * columns :])
    switches = Signal(modbv(0)[rows + columns - 1 :])
    valids = Signal(modbv(0)[rows + columns + 1 :])
    lasts = Signal(modbv(0)[rows + columns + 1 :])
    load_history = history(clk, None, advance, load, loads)
    switch_history = history(clk, None, advance, switch, switches)
    valid_history = history(clk, rst, advance, entering, valids)
    last_history = history(clk, None, advance, vector_last, lasts)

    weights_above, row_skews = [], []
    for column in range(columns):
        value, late = Signal(intbv(0)[8:]), Signal(intbv(0)[8:])
        row_skews.append((pad(*place(weights, column), padding, value), skew(clk, advance, value, late, cycles=column)))
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
        sum_exit(clk, rst, advance, sums_above[column], valids, lasts, free[column], stream, place=rows + 1 + column)
        for column, stream in enumerate(sums.streams)
    ]
    go = conjunction(free, advance)
    return instances()


@block
def processing_element(
    clk: Any, advance: Any, switches: Any, loads: Any, activation_left: Any, activation_right: Any,
    weight_above: Any, weight_below: Any, sum_above: Any, sum_below: Any, *, diagonal: int, load_bit: int,
) -> Any:  # fmt: skip
    """Add the product of a weight and an activation to a sum that passes, modulo the width of sums.

    Parameters
    ----------
    advance : Signal of bool
        Nothing changes without it.
    switches : Signal
        Bit `diagonal`: from the activation that enters now, use the weight that was loaded.
    loads : Signal
        Bit `load_bit`: take the weight from above.
    activation_left, activation_right : Signal of 8 bits
        Activation, from the element on the left, and this element's.
    weight_above, weight_below : Signal of 8 bits
        Weight of the next tile, from the element above, and this element's.
    sum_above, sum_below : Signal or int, Signal
        Sum from the element above, or a constant, and this element's. Each element adds `CORRECTION` as well.
    """
    weight = Signal(intbv(0)[8:])
    total, new_sum, old_sum = (Signal(modbv(0)[len(sum_below) :]) for _ in range(3))
    new_activation, old_activation = Signal(intbv(0)[8:]), Signal(intbv(0)[8:])

    @always_comb
    def multiply_add() -> None:
        addition = modbv(0)[len(sum_below) :]
        partial = intbv(0)[8:]
        addition[:] = sum_above
        for i in range(8):
            partial[:] = 0
            if weight[i]:
                partial[:] = activation_right
            if i < 7:
                addition[:] = addition + ((partial ^ 0x80) << i)
            else:
                addition[:] = addition + ((partial ^ 0x7F) << i)
        total.next = addition

    # Gates hold the values, rather than flip-flops with an enable: those take more area, and synthesis leaves the wire
    # to all their enables without a buffer.
    @always_comb
    def choose() -> None:
        new_sum.next = 0
        old_sum.next = sum_below
        new_activation.next = 0
        old_activation.next = activation_right
        if advance:
            new_sum.next = total
            old_sum.next = 0
            new_activation.next = activation_left
            old_activation.next = 0

    @always(clk.posedge)
    def step() -> None:
        sum_below.next = new_sum | old_sum
        activation_right.next = new_activation | old_activation
        if advance and switches[diagonal]:
            weight.next = weight_below
        if advance and loads[load_bit]:
            weight_below.next = weight_above

    return instances()


@block
def tile_control(
    clk: Any, rst: Any, advance: Any, row_valid: Any, row_last: Any, row_taken: Any, vector_valid: Any,
    vector_last: Any, vector_taken: Any, switch: Any, entering: Any, padding: Any, load: Any, *, rows: int,
) -> Any:  # fmt: skip
    """Let a tile in, and then the packet of vectors for it together with the rows of the next tile.

    Parameters
    ----------
    advance : Signal of bool
        Nothing changes without it.
    row_valid, row_last, row_taken : Signal of bool
        Handshake of the words of weights.
    vector_valid, vector_last, vector_taken : Signal of bool
        Handshake of the words of activations.
    switch : Signal of bool
        The first vector for a tile enters.
    entering : Signal of bool
        A vector enters.
    padding : Signal of bool
        Put zeros in the place of a row that the last tile of a packet lacks.
    load : Signal of `rows` bits
        Rows of the array that take the weights above them. Row i of a tile comes down by i rows fewer than row 0, so
        that each row of the array keeps its weights until the first vector for them has passed.
    """
    row = Signal(intbv(0, min=0, max=max(2, rows)))
    loading = Signal(bool(0))
    full = Signal(bool(0))
    first = Signal(bool(1))

    @always_comb
    def decide() -> None:
        entering.next = vector_valid and (full or not first)
        switch.next = vector_valid and full and first
        loading.next = (row_valid or padding) and (not full or (vector_valid and first))

    @always_comb
    def handshake() -> None:
        vector_taken.next = advance and vector_valid and (full or not first)
        row_taken.next = advance and not padding and row_valid and (not full or (vector_valid and first))

    @always_comb
    def select() -> None:
        for i in range(rows):
            load.next[i] = loading and i <= row

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if advance:
            if entering:
                first.next = vector_last
            if loading and row == rows - 1:
                row.next = 0
                padding.next = False
                full.next = True
            else:
                if loading:
                    row.next = row + 1
                    padding.next = padding or row_last
                if switch:
                    full.next = False

    return instances()


@block
def sum_exit(
    clk: Any, rst: Any, advance: Any, total: Any, valids: Any, lasts: Any, free: Any, sums: Stream, *, place: int
) -> Any:
    """Offer the sum at the foot of a column until it is taken, while others may hold the array up.

    Parameters
    ----------
    total : Signal
        The sum.
    valids, lasts : Signal
        Bit `place`: whether it is the sum of a vector, and of its packet's last.
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

    return instances()


@block
def join(group: StreamGroup, valid: Any, taken: Any, last: Any) -> Any:
    """Take words from all streams of a group together; `last` is that of the first stream."""
    first = group.streams[0]
    all_valid = conjunction([stream.valid for stream in group.streams], valid)
    replies = [copy(taken, stream.ready) for stream in group.streams]
    end = copy(first.last, last)
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

    past, taken, kept = (Signal(modbv(0)[len(values) - bits :]) for _ in range(3))

    @always_comb
    def show() -> None:
        values.next = (past << bits) | now

    @always_comb
    def choose() -> None:
        taken.next = 0
        kept.next = past
        if advance:
            taken.next = (past << bits) | now
            kept.next = 0

    @always_seq(clk.posedge, reset=rst)
    def store() -> None:
        past.next = taken | kept

    return instances()


def place(group: StreamGroup, number: int) -> tuple[Any, int]:
    """Return the word of a group of streams that holds the value of this number, and the value's lowest bit there."""
    return group.streams[number // PORT_VALUES].data, 8 * (number % PORT_VALUES)
