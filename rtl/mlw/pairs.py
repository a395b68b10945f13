"""Indices and runs: quotients and remainders put together, and kept until the others are there."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, downrange, instances, intbv, modbv

from silicodec.models.baselines.mlw_stream import LEAD, MOST_RUN_DIVISOR
from silicodec.rtl.mlw.chunk import (
    COUNT_BITS,
    FIELD_BITS,
    FIELDS_BITS,
    GROUP,
    MARK_BITS,
    PLACE_BITS,
    PLACES,
    RUN_FIELD_BITS,
    Chunk,
    Slice,
)

INDEX_BITS = FIELD_BITS
SLOTS = LEAD + PLACES
"""Indices that wait for their runs, those of a chunk included."""
CARRY_BITS = INDEX_BITS + 1
SHORT_BITS = 7
"""Bits of a run whose quotient began in the same chunk."""
RUN_QUOTIENT_BITS = 17
RUN_BITS = RUN_QUOTIENT_BITS + RUN_FIELD_BITS
RUNS_BITS = RUN_BITS + SHORT_BITS * (PLACES - 1)


class Pairs:
    """Indices and runs that wait, the first ones in the least significant bits, how many, and how many are taken.

    The first run has `RUN_BITS`, the others `SHORT_BITS`. Bit k of `take` says that k indices are taken, that of
    `take_runs` that k runs are.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.indices: Any = Signal(intbv(0)[INDEX_BITS * SLOTS :])
        self.count: Any = Signal(intbv(0)[5:])
        self.take: Any = Signal(intbv(0)[lanes + 1 :])
        self.runs: Any = Signal(intbv(0)[RUNS_BITS:])
        self.run_count: Any = Signal(intbv(0)[COUNT_BITS:])
        self.take_runs: Any = Signal(intbv(0)[lanes + 1 :])


@block
def split_fields(chunk: Chunk, parts: Any) -> Any:
    """Divide the remainders of a chunk: eight, or twelve if they are no more than five bits wide."""
    fields = Signal(intbv(0)[FIELDS_BITS:])

    @always_comb
    def skip() -> None:
        rest = intbv(0)[FIELDS_BITS + PLACES :]
        rest[:] = chunk.fields
        for stage in range(COUNT_BITS):
            if chunk.ones[stage]:
                rest[:] = rest >> (1 << stage)
        fields.next = rest[FIELDS_BITS:]

    @always_comb
    def split() -> None:
        part = intbv(0)[FIELD_BITS:]
        for i in range(PLACES):
            part[:] = 0
            for bits in range(1, FIELD_BITS + 1):
                if (bits <= 5 or i < GROUP) and chunk.width == bits:
                    part[:] = part | ((fields >> (bits * i)) & ((1 << bits) - 1))
            for j in range(FIELD_BITS):
                parts.next[FIELD_BITS * i + j] = part[j]

    return instances()


@block
def join_indices(clk: Any, part: Slice, chunk: Chunk, parts: Any, indices: Any, flaw: Any) -> Any:
    """Put the indices of a chunk together; there is a `flaw` if one is too large."""
    carry = Signal(intbv(0)[CARRY_BITS:])  # what a quotient has of the chunks before
    new_carry = Signal(intbv(0)[CARRY_BITS:])

    @always_comb
    def join() -> None:
        quotient = intbv(0)[CARRY_BITS + 5 :]
        mark = intbv(0)[MARK_BITS:]
        index = intbv(0)[INDEX_BITS:]
        after = intbv(0)[PLACE_BITS:]
        too_large = False
        after[:] = 0
        for i in range(PLACES):
            mark[:] = (chunk.marks >> (MARK_BITS * i)) & (2**MARK_BITS - 1)
            quotient[:] = (((mark >> 2) - after) & (2**PLACE_BITS - 1)) * 2 + (mark & 3)
            if i == 0:
                quotient[:] = (quotient + carry) & (2 ** (CARRY_BITS + 5) - 1)
            if not part.plain:
                for stage in downrange(3):
                    if part.divisor[stage]:
                        quotient[:] = (quotient << (1 << stage)) & (2 ** (CARRY_BITS + 5) - 1)
            index[:] = (quotient & (2**INDEX_BITS - 1)) | ((parts >> (FIELD_BITS * i)) & (2**FIELD_BITS - 1))
            if i < chunk.count and quotient >= 1 << INDEX_BITS:
                too_large = True
            after[:] = ((mark >> 2) + 1) & (2**PLACE_BITS - 1)
            for j in range(INDEX_BITS):
                indices.next[INDEX_BITS * i + j] = index[j]
        flaw.next = too_large

    @always_comb
    def add_tail() -> None:
        new_carry.next = (chunk.tail << 1) & (2**CARRY_BITS - 1)
        if chunk.none:
            if carry >= 1 << INDEX_BITS:
                new_carry.next = carry
            else:
                new_carry.next = carry + 2 * PLACES

    @always(clk.posedge)
    def keep() -> None:
        if part.start:
            carry.next = 0
        elif chunk.take and chunk.has and not part.plain:
            carry.next = new_carry

    return instances()


@block
def join_runs(clk: Any, part: Slice, chunk: Chunk, runs: Any, flaw: Any) -> Any:
    """Put the runs of a chunk together; there is a `flaw` if the first one is too large."""
    carry = Signal(intbv(0)[RUN_QUOTIENT_BITS:])
    new_carry = Signal(modbv(0)[RUN_QUOTIENT_BITS:])
    places = Signal(intbv(0)[COUNT_BITS:])
    too_large = Signal(bool(0))

    @always_comb
    def join() -> None:
        quotient = intbv(0)[RUN_BITS:]
        stop = intbv(0)[PLACE_BITS:]
        after = intbv(0)[PLACE_BITS:]
        field = intbv(0)[RUN_FIELD_BITS:]
        after[:] = 0
        for i in range(PLACES):
            stop[:] = (chunk.run_ends >> (PLACE_BITS * i)) & (2**PLACE_BITS - 1)
            quotient[:] = (stop - after) & (2**PLACE_BITS - 1)
            if i == 0:
                quotient[:] = (quotient + carry) & (2**RUN_BITS - 1)
            field[:] = 0
            for bits in range(1, RUN_FIELD_BITS + 1):
                if part.run_divisor == bits:
                    field[:] = field | ((chunk.run_fields >> (bits * i)) & ((1 << bits) - 1))
                    quotient[:] = (quotient << bits) & (2**RUN_BITS - 1)
            quotient[:] = quotient | field
            after[:] = (stop + 1) & (2**PLACE_BITS - 1)
            if i == 0:
                for j in range(RUN_BITS):
                    runs.next[j] = quotient[j]
            else:
                for j in range(SHORT_BITS):
                    runs.next[RUN_BITS + SHORT_BITS * (i - 1) + j] = quotient[j]

    @always_comb
    def choose_places() -> None:
        places.next = PLACES
        if part.run_divisor == MOST_RUN_DIVISOR:
            places.next = PLACES - 4

    @always_comb
    def add_tail() -> None:
        too_large.next = carry >= 2**RUN_QUOTIENT_BITS - PLACES
        new_carry.next = chunk.run_tail - (PLACES - places)
        if chunk.no_run:
            new_carry.next = carry + places

    @always_comb
    def check() -> None:
        flaw.next = too_large

    @always(clk.posedge)
    def keep() -> None:
        if part.start:
            carry.next = 0
        elif chunk.take and chunk.has_runs:
            carry.next = new_carry

    return instances()


@block
def pair_queue(clk: Any, rst: Any, part: Slice, chunk: Chunk, parts: Any, pairs: Pairs, flush: Any, flaw: Any) -> Any:
    """Keep indices and runs until they are taken in pairs.

    Parameters
    ----------
    part : Slice
        How they are coded.
    chunk : Chunk
        What comes next; taken where there is room.
    parts : Signal
        Its remainders.
    pairs : Pairs
        What waits.
    flush : Signal of bool
        Nothing of it counts.
    flaw : Signal of bool
        What is taken of `chunk` holds too large a number.
    """
    lanes = pairs.lanes
    indices = Signal(intbv(0)[INDEX_BITS * PLACES :])
    new_runs = Signal(intbv(0)[RUNS_BITS:])
    index_flaw, run_flaw = Signal(bool(0)), Signal(bool(0))
    joiner = join_indices(clk, part, chunk, parts, indices, index_flaw)
    run_joiner = join_runs(clk, part, chunk, new_runs, run_flaw)
    placed = Signal(intbv(0)[INDEX_BITS * (SLOTS + lanes) :])
    shifted = Signal(intbv(0)[INDEX_BITS * SLOTS :])
    shifted_runs = Signal(intbv(0)[RUNS_BITS:])
    left, runs_left = Signal(intbv(0)[5:]), Signal(intbv(0)[COUNT_BITS:])
    room, no_runs = Signal(bool(0)), Signal(bool(0))

    @always_comb
    def place() -> None:
        # The chunk's after those that are there; if it is not taken, they do not count.
        moved = intbv(0)[INDEX_BITS * (SLOTS + lanes) :]
        moved[:] = indices
        for stage in range(5):
            if pairs.count[stage]:
                moved[:] = (moved << (INDEX_BITS << stage)) & (2 ** (INDEX_BITS * (SLOTS + lanes)) - 1)
        for i in range(SLOTS):
            for j in range(INDEX_BITS):
                if i < pairs.count:
                    moved[INDEX_BITS * i + j] = pairs.indices[INDEX_BITS * i + j]
        placed.next = moved

    @always_comb
    def shift() -> None:
        rest = intbv(0)[INDEX_BITS * SLOTS :]
        rest[:] = 0
        for k in range(lanes + 1):
            if pairs.take[k]:
                rest[:] = rest | ((placed >> (INDEX_BITS * k)) & (2 ** (INDEX_BITS * SLOTS) - 1))
        shifted.next = rest

    @always_comb
    def shift_runs() -> None:
        rest = intbv(0)[RUNS_BITS:]
        rest[:] = 0
        if pairs.take_runs[0]:
            rest[:] = pairs.runs
        for k in range(1, lanes + 1):
            if pairs.take_runs[k]:
                rest[:] = rest | ((pairs.runs >> (RUN_BITS + SHORT_BITS * (k - 1))) & (2**SHORT_BITS - 1))
                rest[:] = rest | ((pairs.runs >> (RUN_BITS + SHORT_BITS * k)) << RUN_BITS)
        shifted_runs.next = rest

    @always_comb
    def subtract() -> None:
        rest = modbv(0)[5:]
        runs = modbv(0)[COUNT_BITS:]
        rest[:] = 0
        runs[:] = 0
        for k in range(lanes + 1):
            if pairs.take[k]:
                rest[:] = rest | ((pairs.count - k) & 31)
            if pairs.take_runs[k]:
                runs[:] = runs | ((pairs.run_count - k) & 15)
        left.next = rest
        runs_left.next = runs

    @always_comb
    def see() -> None:
        # Whether there is room after each number that may be taken.
        room.next = False
        no_runs.next = False
        for k in range(lanes + 1):
            if pairs.take[k] and pairs.count <= LEAD + k:
                room.next = True
            if pairs.take_runs[k] and pairs.run_count == k:
                no_runs.next = True

    @always_comb
    def accept() -> None:
        chunk.take.next = chunk.valid and (not chunk.has or room) and (not chunk.has_runs or no_runs)

    @always_comb
    def check() -> None:
        flaw.next = chunk.take and ((chunk.has and index_flaw) or (chunk.has_runs and run_flaw))

    @always_seq(clk.posedge, reset=rst)
    def count() -> None:
        if flush:
            pairs.count.next = 0
            pairs.run_count.next = 0
        else:
            pairs.count.next = left
            pairs.run_count.next = runs_left
            if chunk.take:
                if chunk.has:
                    pairs.count.next = left + chunk.count
                if chunk.has_runs:
                    pairs.run_count.next = chunk.run_count

    @always(clk.posedge)
    def store() -> None:
        pairs.indices.next = shifted
        if chunk.take and chunk.has_runs:
            pairs.runs.next = new_runs
        else:
            pairs.runs.next = shifted_runs

    return instances()
