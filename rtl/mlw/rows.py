"""Rows of weights: indices looked up in the palette, with zeros between them, at their places of rows."""

from __future__ import annotations

from typing import Any

from myhdl import (
    ConcatSignal,
    Signal,
    always,
    always_comb,
    always_seq,
    block,
    concat,
    downrange,
    instances,
    intbv,
    modbv,
)

from silicodec.models.baselines.mlw_stream import MOST_ENTRIES
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.mlw.chunk import FIELD_BITS, GROUP, Slice
from silicodec.rtl.mlw.pairs import INDEX_BITS, RUN_BITS, SHORT_BITS, Pairs

WEIGHT_BITS = 8
GROUPS = MOST_ENTRIES // GROUP
VALUE_BITS = INDEX_BITS + 1


@block
def palette_store(clk: Any, parts: Any, loading: Any, group: Any, entries: Any) -> Any:
    """Keep the entries of a palette, of which a group is loaded at once."""

    @always(clk.posedge)
    def load() -> None:
        if loading:
            for i in range(GROUPS):
                if group == i:
                    for j in range(FIELD_BITS * GROUP):
                        entries.next[FIELD_BITS * GROUP * i + j] = parts[j]

    return instances()


@block
def look_up(part: Slice, entries: Any, indices: Any, number: int, weight: Any, unfit: Any) -> Any:
    """Give the weight of an index, and tell if it does not fit into 8 bits."""
    index = Signal(intbv(0)[INDEX_BITS:])
    value = Signal(intbv(0)[VALUE_BITS:])

    @always_comb
    def pick() -> None:
        index.next = (indices >> (INDEX_BITS * number)) & (2**INDEX_BITS - 1)

    @always_comb
    def choose() -> None:
        entry = intbv(0)[FIELD_BITS:]
        entry[:] = 0
        for i in range(MOST_ENTRIES):
            if index[5:] == i:
                entry[:] = entry | ((entries >> (FIELD_BITS * i)) & (2**FIELD_BITS - 1))
        value.next = (index + part.base) & (2**VALUE_BITS - 1)
        if index < part.size:
            value.next = entry

    @always_comb
    def sign() -> None:
        weight.next = value[WEIGHT_BITS + 1 : 1]
        if value[0]:
            weight.next = (-value[WEIGHT_BITS + 1 : 1]) & (2**WEIGHT_BITS - 1)
        unfit.next = value[VALUE_BITS:1] > 128 or (value[VALUE_BITS:1] == 128 and not value[0])

    return instances()


@block
def row_filler(clk: Any, rst: Any, part: Slice, pairs: Pairs, entries: Any, finished: Any, wrong: Any, first: Any,
               flaw: Any, weights: Stream, done: Any) -> Any:  # fmt: skip
    """Take weights and runs as far as they reach into a row, and deliver rows.

    A full row is kept until it is known whether it is the last one, while the next one begins.

    Parameters
    ----------
    part : Slice
        How indices become weights.
    pairs : Pairs
        Indices and runs.
    entries : Signal
        The palette.
    finished, wrong : Signal of bool
        The packet has no more weights; it was malformed.
    first : Signal of bool
        A run comes first.
    flaw : Signal of bool
        A weight does not fit.
    weights : Stream
        Rows.
    done : Signal of bool
        The last row of the packet leaves.
    """
    lanes = pairs.lanes
    lane_bits = lanes.bit_length() - 1
    sum_bits = lane_bits + 1
    every_bit = 2**sum_bits - 1

    position = Signal(modbv(0)[RUN_BITS + 1 :])  # of the next weight, from the beginning of the row
    base = Signal(modbv(0)[RUN_BITS + 1 :])  # the same after a row has left
    row, placed = Signal(intbv(0)[WEIGHT_BITS * lanes :]), Signal(intbv(0)[WEIGHT_BITS * lanes :])
    offered = Signal(bool(0))
    free, leave, full, room = (Signal(bool(0)) for _ in range(4))
    there = Signal(intbv(0)[lanes:])  # the weights that can be taken
    starts = Signal(intbv(0)[sum_bits * lanes :])  # where they lie: if the highest bit is set, beyond the row
    taken = Signal(intbv(0)[lanes:])
    take_first = Signal(bool(0))
    takes = Signal(intbv(0)[lanes + 1 :])  # bit k is set if k weights are taken
    after_first, next_position = Signal(modbv(0)[RUN_BITS + 1 :]), Signal(modbv(0)[RUN_BITS + 1 :])
    after_last = Signal(modbv(0)[SHORT_BITS + 1 :])
    looked_up = [Signal(intbv(0)[WEIGHT_BITS:]) for _ in range(lanes)]
    unfits = [Signal(bool(0)) for _ in range(lanes)]
    lookups = [look_up(part, entries, pairs.indices, i, looked_up[i], unfits[i]) for i in range(lanes)]
    all_weights, all_unfits = ConcatSignal(*looked_up[::-1]), ConcatSignal(*unfits[::-1])

    @always_comb
    def see() -> None:
        free.next = not offered or weights.ready
        full.next = position >= lanes
        for i in range(lanes):
            there.next[i] = i < pairs.count and (part.dense or i < pairs.run_count) and not first

    @always_comb
    def rule() -> None:
        # A row that is just full waits for the next weight.
        leave.next = free and (finished or position > lanes or (full and there[0]))

    @always_comb
    def leave_behind() -> None:
        base.next = position
        if leave and full:
            base.next = position - lanes

    @always_comb
    def allow() -> None:
        room.next = position < lanes or (position < 2 * lanes and leave)
        take_first.next = first and pairs.run_count != 0 and position < 2 * lanes and not leave

    @always_comb
    def add() -> None:
        # Sums of what comes before, of two, of four and so on.
        sums = intbv(0)[sum_bits * lanes :]
        step = intbv(0)[sum_bits:]
        total = intbv(0)[sum_bits + 1 :]
        sums[:] = position[lane_bits:]
        for i in range(1, lanes):
            step[:] = 1
            if not part.dense:
                if i == 1:
                    step[:] = (pairs.runs[lane_bits:] + 1) & every_bit
                    step[lane_bits] = pairs.runs[RUN_BITS:] >= lanes - 1
                else:
                    step[:] = (((pairs.runs >> (RUN_BITS + SHORT_BITS * (i - 2))) & (lanes - 1)) + 1) & every_bit
                    step[lane_bits] = (
                        (pairs.runs >> (RUN_BITS + SHORT_BITS * (i - 2))) & (2**SHORT_BITS - 1)
                    ) >= lanes - 1
            sums[:] = sums | (step << (sum_bits * i))
        for stage in range(lane_bits):
            for i in downrange(lanes, 1):
                if i >= 1 << stage:
                    step[:] = (sums >> (sum_bits * (i - (1 << stage)))) & every_bit
                    total[:] = ((sums >> (sum_bits * i)) & (lanes - 1)) + step[lane_bits:]
                    for j in range(lane_bits):
                        sums[sum_bits * i + j] = total[j]
                    sums[sum_bits * i + lane_bits] = (
                        sums[sum_bits * i + lane_bits] or step[lane_bits] or total[lane_bits]
                    )
        starts.next = sums

    @always_comb
    def choose() -> None:
        for i in range(lanes):
            taken.next[i] = room and there[i] and not starts[sum_bits * i + lane_bits]

    @always_comb
    def place() -> None:
        weight = intbv(0)[WEIGHT_BITS:]
        for i in range(lanes):
            weight[:] = 0
            for k in range(i + 1):
                if taken[k] and ((starts >> (sum_bits * k)) & (lanes - 1)) == i:
                    weight[:] = weight | ((all_weights >> (WEIGHT_BITS * k)) & (2**WEIGHT_BITS - 1))
            for j in range(WEIGHT_BITS):
                placed.next[WEIGHT_BITS * i + j] = weight[j]

    @always_comb
    def count() -> None:
        takes.next = concat(taken, True) & ~concat(False, taken)

    @always_comb
    def tell() -> None:
        pairs.take.next = takes
        pairs.take_runs.next = takes
        if take_first:
            pairs.take_runs.next = 2
        elif part.dense:
            pairs.take_runs.next = 1

    @always_comb
    def add_first_run() -> None:
        # The only run that may be long is the first one, which is added before it is known whether it is taken.
        if first:
            after_first.next = position + pairs.runs[RUN_BITS:]
        else:
            after_first.next = position[lane_bits:] + pairs.runs[RUN_BITS:] + 1

    @always_comb
    def find_last() -> None:
        start = intbv(0)[lane_bits:]
        run = intbv(0)[SHORT_BITS:]
        start[:] = 0
        run[:] = 0
        for k in range(lanes):
            if takes[k + 1]:
                start[:] = start | ((starts >> (sum_bits * k)) & (lanes - 1))
                if k > 0 and not part.dense:
                    run[:] = run | ((pairs.runs >> (RUN_BITS + SHORT_BITS * (k - 1))) & (2**SHORT_BITS - 1))
        after_last.next = start + run + 1

    @always_comb
    def go_on() -> None:
        next_position.next = after_last
        if takes[0] and not take_first:
            next_position.next = base
        elif takes[0] or (takes[1] and not part.dense):
            next_position.next = after_first

    @always_comb
    def end() -> None:
        done.next = leave and finished and (wrong or position <= lanes)
        flaw.next = (taken & all_unfits) != 0

    @always_comb
    def offer() -> None:
        weights.valid.next = offered

    @always_seq(clk.posedge, reset=rst)
    def move() -> None:
        offered.next = leave or (offered and not weights.ready)
        if done:
            position.next = 0
        else:
            position.next = next_position

    @always(clk.posedge)
    def fill() -> None:
        if done or rst:
            row.next = 0
        elif leave:
            row.next = placed
        elif taken[0]:
            row.next = row | placed

    @always(clk.posedge)
    def store() -> None:
        if leave:
            weights.data.next = row
            weights.last.next = done
            weights.error.next = wrong or position == 0

    return instances()
