"""Coding of a tile's columns: the hardware of `silicodec.models.dct.tiles`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import ConcatSignal, Signal, always_comb, always_seq, block, concat, instances, intbv, modbv

from silicodec.models.dct.tiles import (
    EMPTY,
    FULL,
    LAST_LEVEL,
    LOW_PLANES,
    MEAN_BITS,
    MOST_RICE,
    QUOTIENTS,
    SHORT,
    VALUE_BITS,
)
from silicodec.rtl.blocks.stream import Stream

LEVEL_BITS = LAST_LEVEL.bit_length()
TOTAL_BITS = VALUE_BITS + 2
"""Bits of the sum of a column's values. By Parseval's theorem it is less than 2**13 for any samples."""
UNARY_BITS = 8 + QUOTIENTS
CODE_BITS = 3 + LEVEL_BITS
HEAD_BITS = UNARY_BITS + CODE_BITS
LOW_BITS = 8 * LOW_PLANES + MEAN_BITS
HIGH_BITS = 8 * (MOST_RICE - LOW_PLANES)

SAME, BELOW, ABOVE, OTHER = range(4)
"""How a level follows from its reference."""

WORD_BITS = 64


class ChunkStream:
    """Parts of a packet on their way to the packer, with the handshake of `Stream`.

    A chunk is `head` and then `tail`: the first `head_length` and `tail_length` bits of each. What follows in `head` is
    zeros, and in the last chunk of a packet in `tail` too.
    """

    def __init__(self) -> None:
        self.head: Any = Signal(intbv(0)[HEAD_BITS:])
        self.head_length: Any = Signal(intbv(0, min=0, max=HEAD_BITS + 1))
        self.tail: Any = Signal(intbv(0)[HIGH_BITS:])
        self.tail_length: Any = Signal(intbv(0, min=0, max=HIGH_BITS + 1))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))


@block
def column_survey(values: Sequence[Any], mean_low: Any, level: Any) -> Any:
    """Choose the level of a column.

    Parameters
    ----------
    values : 8 Signals of `VALUE_BITS` bits
        Folded coefficients; of the mean the bits from `MEAN_BITS` up.
    mean_low : Signal of `MEAN_BITS` bits
        The others.
    level : Signal of `LEVEL_BITS` bits
        As in `silicodec.models.dct.tiles`.
    """
    v0, v1, v2, v3, v4, v5, v6, v7 = values
    total = Signal(modbv(0)[TOTAL_BITS:])
    empty, short, full, least = EMPTY, SHORT, FULL, QUOTIENTS.bit_length()

    @always_comb
    def add() -> None:
        total.next = v0 + v1 + v2 + v3 + v4 + v5 + v6 + v7

    @always_comb
    def measure() -> None:
        level.next = full
        for i in range(least, TOTAL_BITS):
            if total[i]:
                level.next = full + i - least + 1
        if total[TOTAL_BITS:least] == 0:
            if total == 0 and mean_low == 0:
                level.next = empty
            elif v4 == 0 and v5 == 0 and v6 == 0 and v7 == 0:
                level.next = short

    return instances()


@block
def column_coder(values: Sequence[Any], level: Any, mean_low: Any, unary: Any, taken: Any, low: Any, high: Any) -> Any:
    """Code a column.

    Parameters
    ----------
    values, level, mean_low : Signals
        As `column_survey` has them.
    unary : Signal of `UNARY_BITS` bits
        Quotients in unary, filled up with zeros.
    taken : Signal
        Length of `unary`.
    low : Signal of `LOW_BITS` bits
        Low planes, and the mean's low bits after them, filled up with zeros.
    high : Signal of `HIGH_BITS` bits
        High planes, filled up with the bits above.
    """
    empty, short, full = EMPTY, SHORT, FULL
    rice = Signal(intbv(0)[MOST_RICE + 1 :])
    quotients = [Signal(intbv(0)[4:]) for _ in range(8)]
    sums = [Signal(intbv(0)[4:]) for _ in range(8)]
    ends = [Signal(intbv(0)[UNARY_BITS:]) for _ in range(8)]
    divided = [quotient(values[v], rice, quotients[v]) for v in range(8)]
    added = running_sums(quotients, sums)
    marks = [mark(sums[v], v, ends[v]) for v in range(8)]
    e0, e1, e2, e3, e4, e5, e6, e7 = ends
    sum_of_four, sum_of_all = sums[3], sums[7]
    p0, p1, p2, p3 = (ConcatSignal(*(value(plane) for value in values)) for plane in range(LOW_PLANES))
    high_planes = ConcatSignal(*(value(plane) for plane in range(LOW_PLANES, MOST_RICE) for value in values))

    # One bit for each Rice parameter, so that no shift waits for a subtraction.
    @always_comb
    def decode() -> None:
        rice.next = 0
        rice.next[0] = level <= full
        for i in range(1, MOST_RICE + 1):
            rice.next[i] = level == full + i

    @always_comb
    def join() -> None:
        taken.next = 0
        unary.next = 0
        if level == short:
            taken.next = concat(False, sum_of_four) + 4
            unary.next = e0 | e1 | e2 | e3
        elif level != empty:
            taken.next = concat(False, sum_of_all) + 8
            unary.next = e0 | e1 | e2 | e3 | e4 | e5 | e6 | e7

    @always_comb
    def place() -> None:
        high.next = high_planes
        low.next = concat(p0, p1, p2, p3, mean_low)
        if rice[0]:
            low.next = concat(mean_low, intbv(0)[32:])
        elif rice[1]:
            low.next = concat(p0, mean_low, intbv(0)[24:])
        elif rice[2]:
            low.next = concat(p0, p1, mean_low, intbv(0)[16:])
        elif rice[3]:
            low.next = concat(p0, p1, p2, mean_low, intbv(0)[8:])

    return instances()


@block
def quotient(value: Any, rice: Any, result: Any) -> Any:
    """Divide a value by a power of two, which gives at most `QUOTIENTS`."""

    @always_comb
    def shift() -> None:
        chosen = intbv(0)[4:]
        for i in range(MOST_RICE + 1):
            if rice[i]:
                chosen[:] = chosen | ((value >> i) & 15)
        result.next = chosen

    return instances()


@block
def running_sums(numbers: Sequence[Any], sums: Sequence[Any]) -> Any:
    """Add up the first 1, 2, .. of eight numbers, with three adders in a row at most."""
    stages = [list(numbers), *([Signal(intbv(0)[4:]) for _ in range(8)] for _ in range(2)), sums]
    adders = [
        add(stages[n][i // distance * distance - 1] if i & distance else None, stages[n][i], stages[n + 1][i])
        for n, distance in enumerate((1, 2, 4))
        for i in range(8)
    ]
    return instances()


@block
def add(a: Any, b: Any, total: Any) -> Any:
    """Add two numbers of 4 bits, if there are two, whose sum has as many."""
    if a is None:

        @always_comb
        def copy() -> None:
            total.next = b

    else:

        @always_comb
        def compute() -> None:
            total.next = (a + b) & 15

    return instances()


@block
def mark(total: Any, v: int, ends: Any) -> Any:
    """Mark where the code of quotient v ends, of `total` zeros and v ones before it."""

    @always_comb
    def choose() -> None:
        ends.next = 0
        for n in range(QUOTIENTS + 1):
            if total == n:
                ends.next[UNARY_BITS - 1 - v - n] = True

    return instances()


@block
def level_comparer(level: Any, reference: Any, relation: Any) -> Any:
    """Compare a level with its reference."""
    same, below, above, other = SAME, BELOW, ABOVE, OTHER

    @always_comb
    def compare() -> None:
        relation.next = other
        if level == reference:
            relation.next = same
        elif concat(False, level) + 1 == reference:
            relation.next = below
        elif concat(False, reference) + 1 == level:
            relation.next = above

    return instances()


@block
def head_joiner(unary: Any, taken: Any, level: Any, relation: Any, told: Any, head: Any, head_length: Any) -> Any:
    """Put the code of a level, unless it has been told, after quotients in unary."""
    same, below, above = SAME, BELOW, ABOVE
    code = Signal(intbv(0)[CODE_BITS:])
    length = Signal(intbv(0)[3:])

    @always_comb
    def encode() -> None:
        code.next = 0
        length.next = 0
        if not told:
            if relation == same:
                length.next = 1
            elif relation == below:
                code.next = 0b10 << LEVEL_BITS + 1
                length.next = 2
            elif relation == above:
                code.next = 0b110 << LEVEL_BITS
                length.next = 3
            else:
                code.next = concat(intbv(0b111)[3:], level)
                length.next = CODE_BITS

    @always_comb
    def join() -> None:
        moved = intbv(0)[HEAD_BITS:]
        moved[HEAD_BITS:UNARY_BITS] = code
        for stage in range(5):
            if taken[stage]:
                moved[:] = moved >> (1 << stage)
        head.next = concat(unary, intbv(0)[CODE_BITS:]) | moved

    @always_comb
    def measure() -> None:
        head_length.next = taken + length

    return instances()


@block
def chunk_packer(clk: Any, rst: Any, chunks: ChunkStream, words: Stream) -> Any:
    """Concatenate chunks into words.

    Takes a chunk and delivers a word per cycle; a packet's last chunk that completes two words takes two cycles.

    Parameters
    ----------
    chunks : ChunkStream
        At most 64 bits each.
    words : Stream
        Words of 64 bits, the last one of a packet filled up with zeros.
    """
    word_bits = WORD_BITS

    # Holds `filled` bits from the left. A word that is complete, or `ends` the packet, leaves before a chunk is taken.
    accumulator = Signal(intbv(0)[WORD_BITS:])
    filled = Signal(intbv(0, min=0, max=WORD_BITS + 1))
    ends = Signal(bool(0))

    middle = Signal(intbv(0)[6:])
    first, second, rotated = (Signal(intbv(0)[WORD_BITS:]) for _ in range(3))
    before, joined = (Signal(intbv(0)[WORD_BITS:]) for _ in range(2))
    total = Signal(intbv(0, min=0, max=2 * WORD_BITS + 1))
    held, full, take = (Signal(bool(0)) for _ in range(3))
    place_head = rotate(chunks.head, filled, first)
    place_tail = rotate(chunks.tail, middle, second)

    @always_comb
    def advance() -> None:
        middle.next = (filled + chunks.head_length) & 63

    @always_comb
    def measure() -> None:
        total.next = filled + chunks.head_length + chunks.tail_length

    @always_comb
    def join() -> None:
        rotated.next = first | second
        for i in range(WORD_BITS):
            before.next[i] = WORD_BITS - 1 - i < filled

    @always_comb
    def judge() -> None:
        held.next = ends or filled == word_bits
        full.next = chunks.last or total >= word_bits

    @always_comb
    def fill() -> None:
        for i in range(WORD_BITS):
            if before[i]:
                joined.next[i] = accumulator[i]
            else:
                joined.next[i] = rotated[i] and not held

    @always_comb
    def offer() -> None:
        words.data.next = joined
        words.last.next = ends or (not held and chunks.last and total <= word_bits)

    @always_comb
    def handshake() -> None:
        words.valid.next = held or (chunks.valid and full)
        chunks.ready.next = not held and (words.ready or not full)
        take.next = chunks.valid and not held and (words.ready or not full)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if held:
            if words.ready:
                filled.next = 0
                ends.next = False
        elif take:
            if total >= word_bits:
                filled.next = total - word_bits
                ends.next = chunks.last and total != word_bits
            elif chunks.last:
                filled.next = 0
            else:
                filled.next = total

    # What lies beyond the filled part does not matter.
    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        if take:
            accumulator.next = joined
            if full:
                accumulator.next = rotated

    return instances()


@block
def rotate(data: Any, distance: Any, rotated: Any) -> Any:
    """Rotate data, left-aligned in a word, to the right."""
    unused = WORD_BITS - len(data)

    @always_comb
    def shift() -> None:
        word = intbv(0)[WORD_BITS:]
        word[:] = data
        word[:] = word << unused
        for stage in range(6):
            if distance[stage]:
                word[:] = (word >> (1 << stage)) | ((word << (WORD_BITS - (1 << stage))) & (2**WORD_BITS - 1))
        rotated.next = word

    return instances()
