"""What is passed on of a slice and its chunks, and how their quotients are told apart."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, block, instances, intbv

PLACES = 12
"""Bits for quotients in a chunk."""
NARROW = 8
"""The same of runs with remainders of three bits, and of plain indices of more than five bits."""
HALF, HALF_BITS = PLACES // 2, 3
PLACE_BITS = 4
MARK_BITS = PLACE_BITS + 2
"""Bits of the place where a quotient of indices ends, and of what is added there: 0, 1 or 2."""
COUNT_BITS = 4
FIELDS_BITS = 72
"""Remainders of a chunk: twelve of up to five bits, or eight of up to nine."""
FIELD_BITS = 9
GROUP = 8
"""Fields that are more than five bits wide, and entries of a palette that are loaded at once."""
RUN_FIELDS_BITS = 24
RUN_FIELD_BITS = 3


class Slice:
    """What the header of a slice says.

    There are no runs if it is `dense`. Indices have `divisor` bits of remainder unless they are `plain`, and runs have
    `run_divisor`. Of indices, `size` have an entry in the palette, and `base` is added to the others. With `start` a
    slice begins, with a run `first` or not.
    """

    def __init__(self) -> None:
        self.dense: Any = Signal(bool(0))
        self.plain: Any = Signal(bool(0))
        self.divisor: Any = Signal(intbv(0)[3:])
        self.run_divisor: Any = Signal(intbv(0)[2:])
        self.size: Any = Signal(intbv(0)[6:])
        self.base: Any = Signal(intbv(0)[10:])
        self.start: Any = Signal(bool(0))
        self.first: Any = Signal(bool(0))


class Chunk:
    """Quotients of a chunk, with the remainders that came in the next one.

    While it is `valid` it waits to be taken with `take`. It has `count` indices: `marks` tell where the quotient of
    each one ended and what was added there, `fields` are the remainders, of `width` bits, after `ones` bits of the next
    chunk, and after the last end come `tail` places. So do `run_count`, `run_ends`, `run_fields` and `run_tail` of
    runs. It `has` indices, or `has_runs`, or both; `none` and `no_run` say that no quotient ended.
    """

    def __init__(self) -> None:
        self.valid: Any = Signal(bool(0))
        self.take: Any = Signal(bool(0))
        self.has: Any = Signal(bool(0))
        self.count: Any = Signal(intbv(0)[COUNT_BITS:])
        self.none: Any = Signal(bool(0))
        self.marks: Any = Signal(intbv(0)[MARK_BITS * PLACES :])
        self.tail: Any = Signal(intbv(0)[COUNT_BITS:])
        self.ones: Any = Signal(intbv(0)[COUNT_BITS:])
        self.fields: Any = Signal(intbv(0)[FIELDS_BITS + PLACES :])
        self.width: Any = Signal(intbv(0)[4:])
        self.has_runs: Any = Signal(bool(0))
        self.run_count: Any = Signal(intbv(0)[COUNT_BITS:])
        self.no_run: Any = Signal(bool(0))
        self.run_ends: Any = Signal(intbv(0)[PLACE_BITS * PLACES :])
        self.run_tail: Any = Signal(intbv(0)[COUNT_BITS:])
        self.run_fields: Any = Signal(intbv(0)[RUN_FIELDS_BITS:])


@block
def number(one_hot: Any, value: Any) -> Any:
    """Give the number of the bit that is set, of seven."""

    @always_comb
    def encode() -> None:
        total = intbv(0)[HALF_BITS:]
        total[:] = 0
        for k in range(HALF + 1):
            if one_hot[k]:
                total[:] = total | k
        value.next = total

    return instances()


@block
def gather(chosen: Any, values: Any, gathered: Any, low_count: Any, high_count: Any, *, bits: int) -> Any:
    """Move the values of the chosen ones of twelve places together, in their order.

    Parameters
    ----------
    chosen : Signal of 12 bits
        Which places.
    values, gathered : Signal of 12 values of `bits` bits
        The first one in the least significant bits; zeros follow the last one that was chosen.
    low_count, high_count : Signal of 7 bits
        Bit k is set if k of the first six were chosen, or of the last six.
    bits : int
        Bits of a value.
    """
    mask = 2**bits - 1
    low, high = Signal(intbv(0)[bits * HALF :]), Signal(intbv(0)[bits * HALF :])

    @always_comb
    def halve() -> None:
        # Each half by itself: bit k of `rank` is set if k were chosen before this place.
        rank = intbv(0)[HALF + 1 :]
        together = intbv(0)[bits * HALF :]
        rank[:] = 1
        together[:] = 0
        for i in range(HALF):
            for k in range(HALF):
                if k <= i and chosen[i] and rank[k]:
                    together[:] = together | (((values >> (bits * i)) & mask) << (bits * k))
            if chosen[i]:
                rank[:] = (rank << 1) & (2 ** (HALF + 1) - 1)
        low.next = together
        low_count.next = rank

    @always_comb
    def halve_rest() -> None:
        rank = intbv(0)[HALF + 1 :]
        together = intbv(0)[bits * HALF :]
        rank[:] = 1
        together[:] = 0
        for i in range(HALF):
            for k in range(HALF):
                if k <= i and chosen[HALF + i] and rank[k]:
                    together[:] = together | (((values >> (bits * (HALF + i))) & mask) << (bits * k))
            if chosen[HALF + i]:
                rank[:] = (rank << 1) & (2 ** (HALF + 1) - 1)
        high.next = together
        high_count.next = rank

    @always_comb
    def join() -> None:
        both = intbv(0)[bits * PLACES :]
        both[:] = low
        for k in range(HALF + 1):
            if low_count[k]:
                both[:] = both | (high << (bits * k))
        gathered.next = both

    return instances()
