"""Parsing of a tile's columns: the hardware of `silicodec.models.dct.tiles`, backwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import ConcatSignal, Signal, always_comb, block, concat, instances, intbv, modbv

from silicodec.models.dct.tiles import EMPTY, FULL, LOW_PLANES, MEAN_BITS, MOST_RICE, QUOTIENTS, SHORT, VALUE_BITS
from silicodec.rtl.dct.columns import (
    CODE_BITS,
    HEAD_BITS,
    HIGH_BITS,
    LEVEL_BITS,
    LOW_BITS,
    UNARY_BITS,
)
from silicodec.rtl.dct.search import count_ones, end_finder

PLACE_BITS = (UNARY_BITS - 1).bit_length()


@block
def head_parser(
    data: Any,
    bare: Any,
    short: Any,
    reference: Any,
    places: Sequence[Any],
    length: Any,
    level: Any,
    same: Any,
    fault: Any,
    *,
    checked: bool,
    nibble: Any = None,
) -> Any:
    """Find the ends of a column's quotients, and read the next column's level after them.

    Parameters
    ----------
    data : Signal of `HEAD_BITS` bits
        Quotients in unary, and the code of a level.
    bare, short : Signal of bool
        There are no quotients, or four instead of eight.
    reference : Signal of `LEVEL_BITS` bits
        What the level is relative to.
    places : 8 Signals of `PLACE_BITS` bits
        Number of bits before the last one of each quotient.
    length : Signal
        Bits of quotients and level; with `nibble`, those from a nibble's begin on.
    level : Signal of `LEVEL_BITS` bits
        The next column's level, a valid one in any case.
    same, fault : Signal of bool
        It is the reference; quotients or level are out of range.
    checked : bool
        Whether these are driven.
    nibble : Signal of `NIBBLES` bits, optional
        As `end_finder` tells it, which then searches: sooner, with more gates. Places then count only within the range
        of a sound column.
    """
    top = HEAD_BITS - CODE_BITS
    counts = [Signal(intbv(0)[8:]) for _ in range(UNARY_BITS)]
    unary = data(HEAD_BITS, HEAD_BITS - UNARY_BITS)
    counters = count_ones(unary, counts)
    ranges = [(max(v, 1), v + QUOTIENTS + 1) if nibble is not None else (1, UNARY_BITS) for v in range(8)]
    placers = [find_first(ConcatSignal(*(count(v) for count in counts)), *ranges[v], places[v]) for v in range(8)]
    fourth = ConcatSignal(*(count(3) for count in counts))
    eighth = ConcatSignal(*(count(7) for count in counts))
    reached, ends = Signal(intbv(0)[UNARY_BITS:]), Signal(intbv(0)[UNARY_BITS + 1 :])
    code = Signal(intbv(0)[CODE_BITS:])
    told = Signal(modbv(0)[LEVEL_BITS:])

    if nibble is None:

        @always_comb
        def reach() -> None:
            reached.next = eighth
            if short:
                reached.next = fourth

        @always_comb
        def find() -> None:
            ends.next = 1 << UNARY_BITS
            if not bare:
                ends.next = reached & ~(reached >> 1)

        # At each place where the quotients may end, the length of a code there is known before the place is.
        @always_comb
        def choose() -> None:
            total = intbv(0)[6:]
            chosen = intbv(0)[CODE_BITS:]
            for p in range(UNARY_BITS + 1):
                if ends[UNARY_BITS - p]:
                    chosen[:] = chosen | ((data >> (top - p)) & (2**CODE_BITS - 1))
                    if not data[HEAD_BITS - 1 - p]:
                        total[:] = total | (p + 1)
                    elif not data[HEAD_BITS - 2 - p]:
                        total[:] = total | (p + 2)
                    elif not data[HEAD_BITS - 3 - p]:
                        total[:] = total | (p + 3)
                    else:
                        total[:] = total | (p + CODE_BITS)
            code.next = chosen
            length.next = total[5:]

    else:
        finder = end_finder(data, bare, short, reached if checked else None, nibble, length, code)

    @always_comb
    def follow() -> None:
        told.next = reference
        if code[CODE_BITS - 1]:
            told.next = reference - 1
            if code[CODE_BITS - 2]:
                told.next = reference + 1
                if code[CODE_BITS - 3]:
                    told.next = code[LEVEL_BITS:]

    # Levels from 12 on do not exist.
    @always_comb
    def bound() -> None:
        level.next = told
        level.next[2] = told[2] and not told[3]

    if checked:

        @always_comb
        def judge() -> None:
            same.next = not code[CODE_BITS - 1]
            fault.next = (told[2] and told[3]) or (not bare and not reached[0]) or (short and not reached[4])

    return instances()


@block
def column_decoder(places: Sequence[Any], low: Any, high: Any, level: Any, first: Any, values: Sequence[Any]) -> Any:
    """Put folded coefficients together.

    Parameters
    ----------
    places : 8 Signals of `PLACE_BITS` bits
        As of `head_parser`.
    low : Signal of `LOW_BITS` bits
        Low planes and low bits of the mean.
    high : Signal of `HIGH_BITS` bits
        High planes.
    level : Signal of `LEVEL_BITS` bits
        The column's.
    first : Signal of bool
        It is a tile's first column.
    values : 8 Signals of `VALUE_BITS` bits
        Folded coefficients.
    """
    empty, short, full = EMPTY, SHORT, FULL
    rice = Signal(intbv(0)[MOST_RICE + 1 :])
    codes = [Signal(intbv(0)[VALUE_BITS:]) for _ in range(8)]
    planes = [low(LOW_BITS - 1 - i) for i in range(8 * LOW_PLANES)] + [
        high(HIGH_BITS - 1 - i) for i in range(8 * (MOST_RICE - LOW_PLANES))
    ]
    bits = [ConcatSignal(*reversed(planes[v::8])) for v in range(8)]
    has_quotient = [Signal(bool(0)) for _ in range(2)]
    joiners = [
        value_joiner(places[v], places[v - 1] if v else None, has_quotient[v // 4], rice, bits[v], codes[v])
        for v in range(8)
    ]
    mean_low = Signal(intbv(0)[MEAN_BITS:])
    code = codes[0]
    mean = values[0]
    copies = [copy(codes[v], values[v]) for v in range(1, 8)]

    @always_comb
    def decode() -> None:
        rice.next = 0
        rice.next[0] = level <= full
        for i in range(1, MOST_RICE + 1):
            rice.next[i] = level == full + i
        has_quotient[0].next = level != empty
        has_quotient[1].next = level != empty and level != short

    @always_comb
    def choose() -> None:
        mean_low.next = low[MEAN_BITS:]
        if rice[0]:
            mean_low.next = low[LOW_BITS : LOW_BITS - MEAN_BITS]
        elif rice[1]:
            mean_low.next = low[LOW_BITS - 8 : LOW_BITS - 8 - MEAN_BITS]
        elif rice[2]:
            mean_low.next = low[LOW_BITS - 16 : LOW_BITS - 16 - MEAN_BITS]
        elif rice[3]:
            mean_low.next = low[LOW_BITS - 24 : LOW_BITS - 24 - MEAN_BITS]

    @always_comb
    def extend() -> None:
        mean.next = code
        if first:
            mean.next = 0
            if has_quotient[0]:
                mean.next = concat(code[VALUE_BITS - MEAN_BITS :], mean_low)

    return instances()


@block
def copy(source: Any, target: Any) -> Any:
    """Drive a signal with another."""

    @always_comb
    def forward() -> None:
        target.next = source

    return instances()


@block
def find_first(reached: Any, first: int, end: int, place: Any) -> Any:
    """Tell how many bits, none or `first` to `end` - 1, come before the first that is set; all after it are set."""

    @always_comb
    def find() -> None:
        found = intbv(0)[PLACE_BITS:]
        for p in range(first, end):
            if reached[UNARY_BITS - 1 - p] and not reached[UNARY_BITS - p]:
                found[:] = found | p
        place.next = found

    return instances()


@block
def value_joiner(end: Any, before: Any, valid: Any, rice: Any, planes: Any, value: Any) -> Any:
    """Join a quotient, the distance between two ends of codes, and lower bits."""
    quotient = Signal(intbv(0)[4:])

    if before is None:

        @always_comb
        def read() -> None:
            quotient.next = 0
            if valid:
                quotient.next = end & 15

    else:

        @always_comb
        def subtract() -> None:
            quotient.next = 0
            if valid:
                quotient.next = (end + (before ^ 31)) & 15

    @always_comb
    def join() -> None:
        shifted = intbv(0)[VALUE_BITS + 2 :]
        mask = intbv(0)[MOST_RICE:]
        for i in range(MOST_RICE + 1):
            if rice[i]:
                shifted[:] = shifted | (quotient << i)
                mask[:] = mask | (2**i - 1)
        value.next = shifted[VALUE_BITS:] | (planes & mask)

    return instances()
