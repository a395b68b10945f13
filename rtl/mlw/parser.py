"""Parser of a stream: headers, palettes and chunks, each chunk in a cycle, or two where remainders of runs follow."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.baselines.mlw_stream import LEAD, MOST_DIVISOR, MOST_RUN_DIVISOR
from silicodec.rtl.mlw.chunk import (
    COUNT_BITS,
    GROUP,
    HALF,
    HALF_BITS,
    MARK_BITS,
    NARROW,
    PLACE_BITS,
    PLACES,
    RUN_FIELDS_BITS,
    Chunk,
    Slice,
    gather,
    number,
)
from silicodec.rtl.mlw.header import HEADER_BITS, NUMBER_BITS, WITH_PALETTE_BITS, Header, header_reader
from silicodec.rtl.mlw.sections import Lengths, Sections, read_sections
from silicodec.rtl.mlw.supply import Supply

HEADER, PALETTE, CHUNK, RUNS, END = range(5)
"""What is at the next bit; after END nothing is read any more."""
EVERY_PLACE = 2**PLACES - 1


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
    more, more_runs = Signal(bool(0)), Signal(bool(0))
    width = Signal(intbv(0)[4:])
    all_left = Signal(intbv(0)[COUNT_BITS:])
    step, fault = Signal(bool(0)), Signal(bool(0))
    last_step, runs_follow = Signal(bool(0)), Signal(bool(0))

    counts = [Signal(intbv(0)[HALF + 1 :]) for _ in range(4)]
    values = [Signal(intbv(0)[HALF_BITS:]) for _ in range(4)]
    header = Header()
    reader = header_reader(clk, supply, part, header)
    end_low, end_high, halt_low, halt_high = values  # in each half of the places
    numbers = [number(count, value) for count, value in zip(counts, values, strict=True)]
    counts_of_ends = ConcatSignal(counts[1], counts[0])
    gatherer = gather(ends, all_marks, marks, *counts[:2], bits=MARK_BITS)
    places = Signal(intbv(0)[PLACE_BITS * PLACES :])
    run_gatherer = gather(halts, places, run_ends, *counts[2:], bits=PLACE_BITS)
    sections, lengths = Sections(), Lengths()
    section_reader = read_sections(supply, part, sections, lengths)

    @always_comb
    def add_counts() -> None:
        end_count.next = end_low + end_high
        halt_count.next = halt_low + halt_high
        new_lead.next = lead + end_low + end_high - halt_low - halt_high

    @always_comb
    def limit() -> None:
        few.next = left[:COUNT_BITS] == 0 and end_count >= left[COUNT_BITS:]
        few_runs.next = runs_left[:COUNT_BITS] == 0 and halt_count >= runs_left[COUNT_BITS:]

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
        sections.coded.next = state == CHUNK and more and not part.plain
        sections.runs_here.next = state == CHUNK and more_runs
        width.next = part.divisor
        if part.plain:
            width.next = header.index_bits
        if state == PALETTE:
            width.next = header.entry_bits

    @always_comb
    def number_fields() -> None:
        # Those of all quotients that ended, or as many as are left.
        all_left.next = left[COUNT_BITS:]
        if state == PALETTE:
            all_left.next = GROUP
            if entries_left < GROUP:
                all_left.next = entries_left[COUNT_BITS:]

    @always_comb
    def measure_fields() -> None:
        lengths.low_bits.next = 0
        lengths.high_bits.next = 0
        for k in range(1, HALF + 1):
            if counts_of_ends[k]:
                lengths.low_bits.next = k * width
            if counts_of_ends[HALF + 1 + k]:
                lengths.high_bits.next = k * width

    @always_comb
    def measure_early() -> None:
        # What no count is needed for.
        lengths.early_bits.next = all_left * width
        if state == RUNS:
            lengths.early_bits.next = chunk.run_count * part.run_divisor
        elif state == HEADER:
            lengths.early_bits.next = HEADER_BITS
            if header.is_end:
                lengths.early_bits.next = header.align
            elif header.renews:
                lengths.early_bits.next = WITH_PALETTE_BITS

    @always_comb
    def judge_length() -> None:
        lengths.is_early.next = few or state != CHUNK

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
            entries_left.next = entries_left - all_left
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
                    singles.next = supply.bits[PLACES:] & ~sections.second_ones
                    doubles.next = sections.second_ones
                    ends.next = ~sections.second_ones
                    if header.truncated:
                        ends.next = EVERY_PLACE
            halts.next = 0
            if more_runs:
                halts.next = ~sections.run_ones
                if part.run_divisor == MOST_RUN_DIVISOR:
                    halts.next[PLACES:NARROW] = 0

    @always(clk.posedge)
    def tell() -> None:
        if step and state != RUNS:
            chunk.fields.next = sections.rest
            chunk.ones.next = sections.one_count
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
