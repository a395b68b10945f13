"""Sections of a chunk: where each one lies, and where the next chunk begins."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, block, instances, intbv

from silicodec.models.baselines.mlw_stream import MOST_RUN_DIVISOR
from silicodec.rtl.mlw.chunk import COUNT_BITS, FIELDS_BITS, HALF, HALF_BITS, NARROW, PLACES, Slice, number
from silicodec.rtl.mlw.supply import PLACE_BITS, SHOWN_BITS, Supply

LENGTH_BITS = 7


class Sections:
    """Bits of a chunk. Indices are `coded`, or not; there are `runs_here`, or not.

    `run_ones` are the bits of runs and `second_ones` those that tell more of the ones of indices, each at the place of
    its one. `rest` begins with these, of which there are `one_count`, and goes on with remainders.
    """

    def __init__(self) -> None:
        self.coded: Any = Signal(bool(0))
        self.runs_here: Any = Signal(bool(0))
        self.run_ones: Any = Signal(intbv(0)[PLACES:])
        self.second_ones: Any = Signal(intbv(0)[PLACES:])
        self.rest: Any = Signal(intbv(0)[FIELDS_BITS + PLACES :])
        self.one_count: Any = Signal(intbv(0)[COUNT_BITS:])


class Lengths:
    """Bits of a step: `early_bits` and a section of runs if it `is_early`, for which no count is needed.

    Otherwise `low_bits` and `high_bits` of remainders, and the sections of a chunk.
    """

    def __init__(self) -> None:
        self.is_early: Any = Signal(bool(0))
        self.early_bits: Any = Signal(intbv(0)[LENGTH_BITS:])
        self.low_bits: Any = Signal(intbv(0)[6:])
        self.high_bits: Any = Signal(intbv(0)[6:])


@block
def read_sections(supply: Supply, part: Slice, sections: Sections, lengths: Lengths) -> Any:
    """Read a chunk's sections, and find the place of the next bit.

    Whether there is a section is known late, so that places, and the bits that come after a section, are found for
    either case.
    """
    narrow_runs = Signal(bool(0))
    first_bits, after_first, after_runs = (Signal(intbv(0)[PLACES:]) for _ in range(3))
    ones_without_runs, ones_after_runs = Signal(intbv(0)[PLACES:]), Signal(intbv(0)[PLACES:])
    low_count, high_count = Signal(intbv(0)[HALF + 1 :]), Signal(intbv(0)[HALF + 1 :])
    low_ones, high_ones = Signal(intbv(0)[HALF_BITS:]), Signal(intbv(0)[HALF_BITS:])
    run_bits = Signal(intbv(0)[4:])
    early, early_runs, plain, plain_runs, coded, coded_runs = (Signal(intbv(0)[PLACE_BITS:]) for _ in range(6))

    counter = count_halves(first_bits, low_count, high_count)
    numbers = [number(low_count, low_ones), number(high_count, high_ones)]
    spreader = spread(first_bits, after_first, ones_without_runs, low_count)
    run_spreader = spread(first_bits, after_runs, ones_after_runs, low_count)

    @always_comb
    def look() -> None:
        narrow_runs.next = part.run_divisor == MOST_RUN_DIVISOR
        first_bits.next = supply.bits[PLACES:]
        after_first.next = supply.bits[2 * PLACES : PLACES]

    @always_comb
    def look_after_runs() -> None:
        run_bits.next = PLACES
        after_runs.next = supply.bits[3 * PLACES : 2 * PLACES]
        if narrow_runs:
            run_bits.next = NARROW
            after_runs.next = supply.bits[2 * PLACES + NARROW : PLACES + NARROW]

    @always_comb
    def skip() -> None:
        rest = intbv(0)[SHOWN_BITS:]
        rest[:] = supply.bits
        if sections.coded:
            rest[:] = rest >> PLACES
        sections.run_ones.next = rest[PLACES:]
        if sections.runs_here:
            if narrow_runs:
                rest[:] = rest >> NARROW
            else:
                rest[:] = rest >> PLACES
        sections.rest.next = rest[FIELDS_BITS + PLACES :]

    @always_comb
    def choose_ones() -> None:
        sections.second_ones.next = ones_without_runs
        if sections.runs_here:
            sections.second_ones.next = ones_after_runs
        sections.one_count.next = 0
        if sections.coded:
            sections.one_count.next = low_ones + high_ones

    @always_comb
    def add() -> None:
        early.next = supply.offset + lengths.early_bits
        early_runs.next = supply.offset + lengths.early_bits + run_bits
        plain.next = supply.offset + lengths.low_bits + lengths.high_bits
        plain_runs.next = supply.offset + lengths.low_bits + lengths.high_bits + run_bits
        coded.next = supply.offset + lengths.low_bits + lengths.high_bits + PLACES + low_ones + high_ones
        coded_runs.next = (
            supply.offset + lengths.low_bits + lengths.high_bits + PLACES + low_ones + high_ones + run_bits
        )

    @always_comb
    def choose_place() -> None:
        if lengths.is_early:
            supply.place.next = early
            if sections.runs_here:
                supply.place.next = early_runs
        elif sections.coded:
            supply.place.next = coded
            if sections.runs_here:
                supply.place.next = coded_runs
        else:
            supply.place.next = plain
            if sections.runs_here:
                supply.place.next = plain_runs

    return instances()


@block
def count_halves(chosen: Any, low_count: Any, high_count: Any) -> Any:
    """Count the chosen ones of twelve places, as `gather` does."""

    @always_comb
    def count() -> None:
        low = intbv(0)[HALF + 1 :]
        high = intbv(0)[HALF + 1 :]
        low[:] = 1
        high[:] = 1
        for i in range(HALF):
            if chosen[i]:
                low[:] = (low << 1) & (2 ** (HALF + 1) - 1)
            if chosen[HALF + i]:
                high[:] = (high << 1) & (2 ** (HALF + 1) - 1)
        low_count.next = low
        high_count.next = high

    return instances()


@block
def spread(chosen: Any, bits: Any, spread_bits: Any, low_count: Any) -> Any:
    """Give each chosen one of twelve places the next bit; those that are not chosen have none.

    `low_count` is as that of `gather`.
    """
    rest = Signal(intbv(0)[HALF:])  # of the bits, after those of the first half

    @always_comb
    def skip() -> None:
        later = intbv(0)[HALF:]
        later[:] = 0
        for k in range(HALF + 1):
            if low_count[k]:
                later[:] = later | ((bits >> k) & (2**HALF - 1))
        rest.next = later

    @always_comb
    def give() -> None:
        low = intbv(0)[HALF + 1 :]
        high = intbv(0)[HALF + 1 :]
        low[:] = 1
        high[:] = 1
        for i in range(HALF):
            spread_bits.next[i] = chosen[i] and (low & bits[HALF + 1 :]) != 0
            spread_bits.next[HALF + i] = chosen[HALF + i] and (high & rest) != 0
            if chosen[i]:
                low[:] = (low << 1) & (2 ** (HALF + 1) - 1)
            if chosen[HALF + i]:
                high[:] = (high << 1) & (2 ** (HALF + 1) - 1)

    return instances()
