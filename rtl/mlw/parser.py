"""Parser of a stream: headers, palettes and chunks, each chunk in a cycle, or two where remainders of runs follow."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.baselines.mlw_stream import LEAD, MOST_DIVISOR, MOST_RUN_DIVISOR
from silicodec.rtl.mlw.chunk import (
    COUNT_BITS,
    FIELDS_BITS,
    GROUP,
    MARK_BITS,
    PLACE_BITS,
    PLACES,
    RUN_FIELDS_BITS,
    Chunk,
    Slice,
    count_places,
    gather,
    spread,
)
from silicodec.rtl.mlw.header import HEADER_BITS, NUMBER_BITS, WITH_PALETTE_BITS, Header, header_reader
from silicodec.rtl.mlw.supply import Supply

HEADER, PALETTE, CHUNK, RUNS, END = range(5)
"""What is at the next bit; after END nothing is read any more."""
EVERY_PLACE = 2**PLACES - 1
NARROW = 8
"""Places of a chunk of runs with remainders of three bits, and of plain indices of more than five bits."""


@block
def parser(clk: Any, rst: Any, supply: Supply, part: Slice, chunk: Chunk, loading: Any, group: Any, drained: Any,
           flawed: Any, finished: Any, wrong: Any) -> Any:  # fmt: skip
    """Parse a packet.

    Parameters
    ----------
    supply : Supply
        Its bits.
    part : Slice
        What is told of the slice.
    chunk : Chunk
        What is told of a chunk.
    loading : Signal of bool
        `chunk.fields` are entries of the palette.
    group : Signal of 2 bits
        Which eight.
    drained : Signal of bool
        All that was told has left.
    flawed : Signal of bool
        Something is wrong with what was told.
    finished, wrong : Signal of bool
        The packet has ended; it was malformed.
    """
    state = Signal(intbv(HEADER)[3:])
    after_end = Signal(bool(0))
    entries_left = Signal(modbv(0)[6:])
    next_group = Signal(modbv(0)[2:])
    left, runs_left = Signal(modbv(0)[NUMBER_BITS:]), Signal(modbv(0)[NUMBER_BITS:])
    lead = Signal(modbv(0)[6:])  # of indices before runs; from 32 on it is less than zero, by 64 less
    parsed, parsed_runs = Signal(bool(0)), Signal(bool(0))  # the chunk before had indices; it had runs
    ends, singles, doubles = (Signal(intbv(0)[PLACES:]) for _ in range(3))  # and those of 1 and of 2
    halts = Signal(intbv(0)[PLACES:])  # ends of runs

    # Of the chunk before.
    end_count, halt_count = Signal(intbv(0)[COUNT_BITS:]), Signal(intbv(0)[COUNT_BITS:])
    count, run_count = Signal(intbv(0)[COUNT_BITS:]), Signal(intbv(0)[COUNT_BITS:])
    new_left, new_runs_left = Signal(modbv(0)[NUMBER_BITS:]), Signal(modbv(0)[NUMBER_BITS:])
    new_lead = Signal(modbv(0)[6:])
    few, few_runs = Signal(bool(0)), Signal(bool(0))  # no more are left than ended
    all_marks, marks = (Signal(intbv(0)[MARK_BITS * PLACES :]) for _ in range(2))
    run_ends = Signal(intbv(0)[PLACE_BITS * PLACES :])
    tail, run_tail = Signal(intbv(0)[COUNT_BITS:]), Signal(intbv(0)[COUNT_BITS:])

    # Of this chunk.
    more, more_runs, coded = Signal(bool(0)), Signal(bool(0)), Signal(bool(0))
    runs_here, narrow_runs = Signal(bool(0)), Signal(bool(0))
    run_ones = Signal(intbv(0)[PLACES:])
    first_bits = Signal(intbv(0)[PLACES:])
    bit_count, one_count = Signal(intbv(0)[COUNT_BITS:]), Signal(intbv(0)[COUNT_BITS:])
    after_ones = Signal(intbv(0)[FIELDS_BITS + PLACES :])
    second_ones = Signal(intbv(0)[PLACES:])
    fields = Signal(intbv(0)[FIELDS_BITS:])
    width = Signal(intbv(0)[4:])
    field_count = Signal(intbv(0)[COUNT_BITS:])
    section_bits = Signal(intbv(0)[6:])
    run_fields_bits = Signal(intbv(0)[6:])
    step, fault = Signal(bool(0)), Signal(bool(0))
    last_step, runs_follow = Signal(bool(0)), Signal(bool(0))

    header = Header()
    reader = header_reader(clk, supply, part, header)
    counters = [
        count_places(ends, end_count),
        count_places(halts, halt_count),
        count_places(first_bits, bit_count),
    ]
    gatherer = gather(ends, all_marks, marks, bits=MARK_BITS)
    places = Signal(intbv(0)[PLACE_BITS * PLACES :])
    run_gatherer = gather(halts, places, run_ends, bits=PLACE_BITS)
    spreader = spread(first_bits, after_ones, second_ones)

    @always_comb
    def limit() -> None:
        few.next = left[:COUNT_BITS] == 0 and end_count >= left[COUNT_BITS:]
        few_runs.next = runs_left[:COUNT_BITS] == 0 and halt_count >= runs_left[COUNT_BITS:]
        new_lead.next = lead + end_count - halt_count

    @always_comb
    def choose_counts() -> None:
        count.next = end_count
        if few:
            count.next = left[COUNT_BITS:]
        run_count.next = halt_count
        if few_runs:
            run_count.next = runs_left[COUNT_BITS:]

    @always_comb
    def subtract() -> None:
        new_left.next = left - count
        new_runs_left.next = runs_left - run_count

    @always_comb
    def decide() -> None:
        # Bits of `lead`: the sign, 16, 8 and so on.
        more.next = not few and (part.dense or new_lead[5] or (not new_lead[4] and new_lead[5:] < LEAD))
        more_runs.next = not few_runs and not new_lead[5]

    @always_comb
    def mark() -> None:
        for i in range(PLACES):
            for j in range(PLACE_BITS):
                places.next[PLACE_BITS * i + j] = (i >> j) & 1 == 1
            for j in range(PLACE_BITS):
                all_marks.next[MARK_BITS * i + 2 + j] = (i >> j) & 1 == 1
            all_marks.next[MARK_BITS * i + 1] = doubles[i]
            all_marks.next[MARK_BITS * i] = singles[i]

    @always_comb
    def measure_tails() -> None:
        tail.next = PLACES
        run_tail.next = PLACES
        for i in range(PLACES):
            if ends[i]:
                tail.next = PLACES - 1 - i
            if halts[i]:
                run_tail.next = PLACES - 1 - i

    @always_comb
    def select() -> None:
        narrow_runs.next = part.run_divisor == MOST_RUN_DIVISOR
        first_bits.next = supply.bits[PLACES:]
        coded.next = state == CHUNK and more and not part.plain
        runs_here.next = state == CHUNK and more_runs
        width.next = part.divisor
        if part.plain:
            width.next = header.index_bits
        if state == PALETTE:
            width.next = header.entry_bits

    @always_comb
    def take_ones() -> None:
        one_count.next = 0
        if coded:
            one_count.next = bit_count

    @always_comb
    def skip_sections() -> None:
        rest = intbv(0)[len(supply.bits) :]
        rest[:] = supply.bits
        if coded:
            rest[:] = rest >> PLACES
        run_ones.next = rest[PLACES:]
        if runs_here:
            if narrow_runs:
                rest[:] = rest >> NARROW
            else:
                rest[:] = rest >> PLACES
        after_ones.next = rest[FIELDS_BITS + PLACES :]

    @always_comb
    def measure_sections() -> None:
        section_bits.next = 0
        if state == HEADER:
            section_bits.next = HEADER_BITS
            if header.is_end:
                section_bits.next = header.align
            elif header.renews:
                section_bits.next = WITH_PALETTE_BITS
        elif state == RUNS:
            section_bits.next = run_fields_bits
        elif coded and runs_here:
            section_bits.next = 2 * PLACES
            if narrow_runs:
                section_bits.next = PLACES + NARROW
        elif coded:
            section_bits.next = PLACES
        elif runs_here:
            section_bits.next = PLACES
            if narrow_runs:
                section_bits.next = NARROW

    @always_comb
    def skip_seconds() -> None:
        rest = intbv(0)[FIELDS_BITS + PLACES :]
        rest[:] = after_ones
        for stage in range(COUNT_BITS):
            if one_count[stage]:
                rest[:] = rest >> (1 << stage)
        fields.next = rest[FIELDS_BITS:]

    @always_comb
    def count_fields() -> None:
        field_count.next = count
        if state == PALETTE:
            field_count.next = GROUP
            if entries_left < GROUP:
                field_count.next = entries_left[COUNT_BITS:]

    @always_comb
    def measure() -> None:
        supply.further.next = 0
        if state != HEADER and state != RUNS:
            supply.further.next = field_count * width
        run_fields_bits.next = chunk.run_count * part.run_divisor

    @always_comb
    def add() -> None:
        supply.length.next = section_bits + one_count

    @always_comb
    def go() -> None:
        step.next = False
        if supply.ready and not supply.over:
            if state == HEADER:
                step.next = drained
            elif state == CHUNK:
                step.next = not chunk.valid or chunk.take
            else:
                step.next = state != END

    @always_comb
    def check() -> None:
        fault.next = flawed
        if supply.ready and supply.over and state != END:
            fault.next = flawed or state != HEADER or not after_end or not supply.exact
        elif step and state == HEADER and not header.is_end and not header.known:
            fault.next = True

    @always_comb
    def steer() -> None:
        supply.take.next = step
        supply.drop.next = wrong
        runs_follow.next = parsed_runs and run_count != 0 and part.run_divisor != 0
        last_step.next = not more and not more_runs
        part.start.next = step and state == HEADER and not header.is_end

    @always_comb
    def finish() -> None:
        finished.next = state == END and supply.ended and (drained or wrong)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if supply.restart:
            state.next = HEADER
            wrong.next = False
            after_end.next = False
            header.has_palette.next = False
        elif fault:
            state.next = END
            wrong.next = True
        elif state == HEADER:
            if supply.ready and supply.over:
                if drained:
                    state.next = END
            elif step:
                after_end.next = header.is_end
                header.has_palette.next = not header.is_end
                if not header.is_end:
                    state.next = CHUNK
                    if header.renews and header.size != 0:
                        state.next = PALETTE
        elif state == PALETTE:
            if step and entries_left <= GROUP:
                state.next = CHUNK
        elif state == CHUNK:
            if step:
                if runs_follow:
                    state.next = RUNS
                elif last_step:
                    state.next = HEADER
        elif state == RUNS and step:
            state.next = CHUNK
            if not parsed and not parsed_runs:
                state.next = HEADER

    @always_seq(clk.posedge, reset=rst)
    def offer() -> None:
        loading.next = step and state == PALETTE
        if supply.restart or wrong:
            chunk.valid.next = False
        elif step and state == CHUNK:
            chunk.valid.next = (parsed or parsed_runs) and not runs_follow
        elif step and state == RUNS:
            chunk.valid.next = True
        elif chunk.take:
            chunk.valid.next = False

    @always(clk.posedge)
    def count_on() -> None:
        if part.start:
            left.next = header.count
            runs_left.next = header.run_count
            entries_left.next = header.size
            next_group.next = 0
            lead.next = 0
            ends.next = 0
            halts.next = 0
            parsed.next = False
            parsed_runs.next = False
        elif step and state == PALETTE:
            entries_left.next = entries_left - field_count
            next_group.next = next_group + 1
        elif step and state == CHUNK:
            left.next = new_left
            runs_left.next = new_runs_left
            lead.next = new_lead
            parsed.next = more
            parsed_runs.next = more_runs
            ends.next = 0
            singles.next = 0
            doubles.next = 0
            if more:
                if part.plain:
                    ends.next = EVERY_PLACE
                    if header.index_bits > MOST_DIVISOR:
                        ends.next = 2**NARROW - 1
                else:
                    singles.next = first_bits & ~second_ones
                    doubles.next = second_ones
                    ends.next = ~second_ones
                    if header.truncated:
                        ends.next = EVERY_PLACE
            halts.next = 0
            if more_runs:
                halts.next = ~run_ones
                if narrow_runs:
                    halts.next[PLACES:NARROW] = 0

    @always(clk.posedge)
    def tell() -> None:
        if step and state != RUNS:
            chunk.fields.next = fields
            chunk.width.next = width
        if step and state == PALETTE:
            group.next = next_group
        if step and state == CHUNK:
            chunk.has.next = parsed
            chunk.count.next = count
            chunk.none.next = ends == 0
            chunk.marks.next = marks
            chunk.tail.next = tail
            chunk.has_runs.next = parsed_runs
            chunk.run_count.next = run_count
            chunk.no_run.next = halts == 0
            chunk.run_ends.next = run_ends
            chunk.run_tail.next = run_tail
        if step and state == RUNS:
            chunk.run_fields.next = supply.bits[RUN_FIELDS_BITS:]

    return instances()
