"""Sparse coding of a tile's columns: the hardware of `silicodec.models.dct.tiles`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import ConcatSignal, Signal, always_comb, always_seq, block, instances, intbv

from silicodec.models.dct.tiles import BYTES, DENSE, EMPTY, MODE_BITS, NIBBLES
from silicodec.rtl.blocks.stream import Stream

COLUMN_BITS = MODE_BITS + 64
"""Most bits of a column."""
MOST_PAIRS = COLUMN_BITS // 2
HEADER_BITS = MODE_BITS + 8

WORD_BITS = 64
WORD_PAIRS = WORD_BITS // 2


class ColumnStream:
    """Codes of columns on their way to the packer, with the handshake of `Stream`.

    `data` holds the code left-aligned and filled up with zeros, `pairs` half of its number of bits. `ends_tile` marks
    the last column of a tile, `last` the last one of a packet.
    """

    def __init__(self) -> None:
        self.data: Any = Signal(intbv(0)[COLUMN_BITS:])
        self.pairs: Any = Signal(intbv(0, min=0, max=MOST_PAIRS + 1))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.ends_tile: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))


@block
def column_coder(coefficients: Sequence[Any], data: Any, pairs: Any) -> Any:
    """Code a column of quantised coefficients.

    Parameters
    ----------
    coefficients : 8 Signals of 8 bits
        In two's complement.
    data, pairs : Signals
        As in `ColumnStream`.
    """
    nonzero = [Signal(intbv(0)[1:]) for _ in range(8)]
    wide = [Signal(bool(0)) for _ in range(8)]
    surveys = [survey(coefficients[v], nonzero[v], wide[v]) for v in range(8)]
    bitmap = ConcatSignal(*nonzero)
    beyond = ConcatSignal(*wide)

    # Neighbours are merged to twos, fours and eight; what is zero in front of them is squeezed out.
    twos, fours = ([Signal(intbv(0)[bits:]) for _ in range(64 // bits)] for bits in (16, 32))
    two_counts, four_counts = ([Signal(intbv(0, min=0, max=n + 1)) for _ in range(8 // n)] for n in (2, 4))
    squeezed = Signal(intbv(0)[64:])
    nibbles = Signal(intbv(0)[32:])
    count = Signal(intbv(0, min=0, max=9))
    merges = [
        [merge(*pair(coefficients, i), *pair(nonzero, i), twos[i], two_counts[i]) for i in range(4)],
        [merge(*pair(twos, i), *pair(two_counts, i), fours[i], four_counts[i]) for i in range(2)],
        [merge(*pair(fours, 0), *pair(four_counts, 0), squeezed, count)],
    ]

    @always_comb
    def halve() -> None:
        for i in range(32):
            nibbles.next[i] = squeezed[8 * (i // 4) + i % 4]

    @always_comb
    def assemble() -> None:
        data.next = 0
        data.next[COLUMN_BITS - MODE_BITS : COLUMN_BITS - HEADER_BITS] = bitmap
        if beyond == 0:
            data.next[COLUMN_BITS - HEADER_BITS : COLUMN_BITS - HEADER_BITS - 32] = nibbles
            if bitmap == 0:
                data.next[COLUMN_BITS : COLUMN_BITS - MODE_BITS] = EMPTY
                pairs.next = MODE_BITS // 2
            else:
                data.next[COLUMN_BITS : COLUMN_BITS - MODE_BITS] = NIBBLES
                pairs.next = HEADER_BITS // 2 + (count << 1)
        elif count == 8:
            data.next[COLUMN_BITS : COLUMN_BITS - MODE_BITS] = DENSE
            data.next[COLUMN_BITS - MODE_BITS :] = squeezed
            pairs.next = MOST_PAIRS
        else:
            data.next[COLUMN_BITS : COLUMN_BITS - MODE_BITS] = BYTES
            data.next[COLUMN_BITS - HEADER_BITS :] = squeezed[64:8]
            pairs.next = HEADER_BITS // 2 + (count << 2)

    return instances()


def pair(items: Sequence[Any], i: int) -> tuple[Any, Any]:
    """Return items 2 i and 2 i + 1."""
    return items[2 * i], items[2 * i + 1]


@block
def survey(coefficient: Any, nonzero: Any, wide: Any) -> Any:
    """Tell whether a coefficient is not zero, and whether it needs more than four bits."""

    @always_comb
    def compare() -> None:
        nonzero.next = coefficient != 0
        wide.next = coefficient[8:3] != 0 and coefficient[8:3] != 31

    return instances()


@block
def merge(left: Any, right: Any, left_count: Any, right_count: Any, merged: Any, count: Any) -> Any:
    """Put the first `right_count` bytes of `right` behind the first `left_count` bytes of `left`.

    Behind their first bytes, `left`, `right` and `merged` are zeros.
    """
    bits = len(left)
    count_bits = len(left_count)

    @always_comb
    def shift() -> None:
        moved = intbv(0)[2 * bits :]
        moved[2 * bits : bits] = right
        for i in range(count_bits):
            if left_count[i]:
                moved[:] = moved >> (8 << i)
        merged.next = moved
        merged.next[2 * bits : bits] = moved[2 * bits : bits] | left

    @always_comb
    def add() -> None:
        count.next = left_count + right_count

    return instances()


@block
def column_packer(clk: Any, rst: Any, columns: ColumnStream, words: Stream) -> Any:
    """Concatenate the codes of columns into words, each tile filled up to a whole byte.

    Takes a column and delivers a word per cycle; a column that completes two words takes two cycles.

    Parameters
    ----------
    columns : ColumnStream
        Codes of columns.
    words : Stream
        Words of 64 bits.
    """
    word_pairs = WORD_PAIRS

    # Holds `filled` pairs of bits from the left. A word that is complete, or `ends` the packet, leaves before a column
    # is taken.
    accumulator = Signal(intbv(0)[WORD_BITS:])
    filled = Signal(intbv(0, min=0, max=WORD_PAIRS + 1))
    ends = Signal(bool(0))

    rotated = Signal(intbv(0)[WORD_BITS:])
    total = Signal(intbv(0, min=0, max=2 * WORD_PAIRS + 5))
    held = Signal(bool(0))
    full = Signal(bool(0))
    take = Signal(bool(0))
    emit, stay = (Signal(bool(0)) for _ in range(2))

    @always_comb
    def rotate() -> None:
        step = intbv(0)[WORD_BITS:]
        step[:] = columns.data[COLUMN_BITS : COLUMN_BITS - WORD_BITS]
        for stage in range(5):
            if filled[stage]:
                step[:] = (step >> (2 << stage)) | ((step << (WORD_BITS - (2 << stage))) & (2**WORD_BITS - 1))
        rotated.next = step

    @always_comb
    def measure() -> None:
        length = intbv(0, min=0, max=2 * WORD_PAIRS + 5)
        length[:] = filled + columns.pairs
        if columns.ends_tile:
            length[:] = length + 3
            length[2:] = 0
        total.next = length

    @always_comb
    def judge() -> None:
        held.next = ends or filled == word_pairs
        full.next = columns.last or total >= word_pairs

    @always_comb
    def offer() -> None:
        for i in range(WORD_BITS):
            if (WORD_BITS - 1 - i) // 2 < filled:
                words.data.next[i] = accumulator[i]
            else:
                words.data.next[i] = rotated[i] and not held
        words.last.next = ends or (not held and columns.last and total <= word_pairs)

    @always_comb
    def handshake() -> None:
        words.valid.next = held or (columns.valid and full)
        columns.ready.next = not held and (words.ready or not full)
        take.next = columns.valid and not held and (words.ready or not full)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if held:
            if words.ready:
                filled.next = 0
                ends.next = False
        elif take:
            if total >= word_pairs:
                filled.next = total - word_pairs
                ends.next = columns.last and total != word_pairs
            elif columns.last:
                filled.next = 0
            else:
                filled.next = total

    # What lies beyond the filled part does not matter. Behind the part of a code that has gone round come its bits
    # beyond a word's, and zeros, which may fill up a byte.
    @always_comb
    def select() -> None:
        emit.next = take and full
        stay.next = not (take and full)

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        for i in range(WORD_BITS):
            accumulator.next[i] = (
                (stay and accumulator[i] and (WORD_BITS - 1 - i) // 2 < filled)
                or (stay and rotated[i] and (WORD_BITS - 1 - i) // 2 >= filled)
                or (emit and rotated[i] and (WORD_BITS - 1 - i) // 2 < filled)
                or (emit and columns.data[i % 2] and (WORD_BITS - 1 - i) // 2 == filled)
            )

    return instances()
