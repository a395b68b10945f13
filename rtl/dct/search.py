"""Search for the end of a column's quotients, and counts of ones for it.

The last quotient ends with the eighth one, or with the fourth where there are four. `end_finder` counts in nibbles, all
at once: which nibble holds the end is known before the place in it is, so that a shift by their number can begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import ConcatSignal, Signal, always_comb, block, concat, instances, intbv

from silicodec.rtl.blocks.adder_network import drive
from silicodec.rtl.dct.columns import CODE_BITS, HEAD_BITS, UNARY_BITS

NIBBLES = -(-UNARY_BITS // 4)
REST_BITS = (4 + CODE_BITS).bit_length()
"""Bits of the number of bits from a nibble's begin to the end of a code behind it."""


@block
def count_ones(bits: Any, counts: Sequence[Any]) -> Any:
    """Count ones from the first of three bytes to each bit: bit i of a count, up to 8, is set where there are more.

    The third byte goes on from a sum of the counts of the first two, which are counted at once.
    """
    width = len(bits)
    second = [Signal(intbv(0)[8:]) for _ in range(8)]
    two_bytes = Signal(intbv(0)[8:])
    before = [None, *counts[:15], two_bytes, *counts[16:]]
    counters = [
        [count_one(before[p], bits(width - 1 - p), counts[p]) for p in range(width)],
        [count_one(second[p - 1] if p else None, bits(width - 9 - p), second[p]) for p in range(8)],
    ]
    sum_of_two = add_counts(counts[7], second[7], two_bytes)
    return instances()


@block
def count_one(before: Any, bit: Any, after: Any) -> Any:
    """Count one bit, after others if there are any."""
    if before is None:

        @always_comb
        def start() -> None:
            after.next = bit

    else:

        @always_comb
        def count() -> None:
            after.next = before
            if bit:
                after.next = concat(before[7:], True)

    return instances()


@block
def add_counts(a: Any, b: Any, total: Any) -> Any:
    """Add two counts, up to 8."""

    @always_comb
    def add() -> None:
        total.next = a | b
        for i in range(1, 8):
            for j in range(i):
                if a[j] and b[i - 1 - j]:
                    total.next[i] = True

    return instances()


@block
def end_finder(data: Any, bare: Any, short: Any, reached: Any, nibble: Any, rest: Any, code: Any) -> Any:
    """Find the end of the quotients, and the code of a level after it.

    Parameters
    ----------
    data : Signal of `HEAD_BITS` bits
        Quotients in unary, and the code.
    bare, short : Signal of bool
        There are no quotients, or four instead of eight.
    reached : Signal of `UNARY_BITS` bits, or None
        For each bit of the quotients, whether the last one has ended there.
    nibble : Signal of `NIBBLES` bits
        Bit k is set where the last one has ended before nibble k.
    rest : Signal of `REST_BITS` bits
        Bits to the end of the code, from the begin of the nibble where the last quotient ends.
    code : Signal of `CODE_BITS` bits
        The code.
    """
    sizes = [min(4, UNARY_BITS - 4 * k) for k in range(NIBBLES)]
    counts = [[Signal(intbv(0)[8:]) for _ in range(size)] for size in sizes]
    counters = [
        count_one(counts[k][j - 1] if j else None, data(HEAD_BITS - 1 - 4 * k - j), counts[k][j])
        for k in range(NIBBLES)
        for j in range(sizes[k])
    ]
    first_two, next_two = (Signal(intbv(0)[8:]) for _ in range(2))
    before = [Signal(intbv(0)[8:]) for _ in range(NIBBLES)]
    sums = [
        add_counts(counts[0][3], counts[1][3], first_two),
        add_counts(counts[2][3], counts[3][3], next_two),
        bias(None, bare, short, before[0]),
        bias(counts[0][3], bare, short, before[1]),
        bias(first_two, bare, short, before[2]),
        add_counts(before[2], counts[2][3], before[3]),
        add_counts(before[2], next_two, before[4]),
        add_counts(before[4], counts[4][3], before[5]),
    ]
    reaches = [[Signal(bool(0)) for _ in range(size)] for size in sizes]
    comparers = [
        reach_eight(before[k], counts[k][j], j + 1, reaches[k][j]) for k in range(NIBBLES) for j in range(sizes[k])
    ]
    codes = [Signal(intbv(0)[CODE_BITS:]) for _ in range(NIBBLES + 1)]
    rests = [Signal(intbv(0)[REST_BITS:]) for _ in range(NIBBLES + 1)]
    readers = [
        read_after(data, ConcatSignal(before[k](7), *reaches[k]), 4 * k, codes[k], rests[k]) for k in range(NIBBLES)
    ]
    first = read_first(data, bare, codes[NIBBLES], rests[NIBBLES])
    told = drive(ConcatSignal(*(before[k](7) for k in reversed(range(NIBBLES)))), nibble)
    if reached is not None:
        joined = drive(ConcatSignal(*(bit for bits in reaches for bit in bits)), reached)
    r0, r1, r2, r3, r4, r5, r6 = rests
    c0, c1, c2, c3, c4, c5, c6 = codes

    @always_comb
    def join() -> None:
        rest.next = r0 | r1 | r2 | r3 | r4 | r5 | r6
        code.next = c0 | c1 | c2 | c3 | c4 | c5 | c6

    return instances()


@block
def bias(count: Any, bare: Any, short: Any, biased: Any) -> Any:
    """Add the quotients that are missing to a count, if there is one, so that eight are always looked for."""
    if count is None:

        @always_comb
        def begin() -> None:
            biased.next = 0
            if bare:
                biased.next = 255
            elif short:
                biased.next = 15

    else:

        @always_comb
        def add() -> None:
            biased.next = count
            if bare:
                biased.next = 255
            elif short:
                biased.next = concat(count[4:], intbv(15)[4:])

    return instances()


@block
def reach_eight(before: Any, count: Any, most: int, reached: Any) -> Any:
    """Tell whether two counts, the second one at most `most`, add up to eight."""

    @always_comb
    def compare() -> None:
        reached.next = before[7]
        for m in range(1, most + 1):
            if before[7 - m] and count[m - 1]:
                reached.next = True

    return instances()


@block
def read_after(data: Any, reached: Any, begin: int, code: Any, rest: Any) -> Any:
    """Read the code after the end of the quotients if it is in a nibble, else zeros."""
    size, top = len(reached) - 1, HEAD_BITS - 1 - begin

    @always_comb
    def read() -> None:
        chosen = intbv(0)[CODE_BITS:]
        total = intbv(0)[REST_BITS:]
        for n in range(1, size + 1):
            if reached[size - n] and not reached[size - n + 1]:
                chosen[:] = chosen | ((data >> (top + 1 - n - CODE_BITS)) & (2**CODE_BITS - 1))
                if not data[top - n]:
                    total[:] = total | (n + 1)
                elif not data[top - n - 1]:
                    total[:] = total | (n + 2)
                elif not data[top - n - 2]:
                    total[:] = total | (n + 3)
                else:
                    total[:] = total | (n + CODE_BITS)
        code.next = chosen
        rest.next = total

    return instances()


@block
def read_first(data: Any, bare: Any, code: Any, rest: Any) -> Any:
    """Read the code where there are no quotients, else zeros."""

    @always_comb
    def read() -> None:
        code.next = 0
        rest.next = 0
        if bare:
            code.next = data[HEAD_BITS : HEAD_BITS - CODE_BITS]
            rest.next = CODE_BITS
            if not data[HEAD_BITS - 1]:
                rest.next = 1
            elif not data[HEAD_BITS - 2]:
                rest.next = 2
            elif not data[HEAD_BITS - 3]:
                rest.next = 3

    return instances()
