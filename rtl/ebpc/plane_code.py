"""The code of one bit plane in the BPC stream, both ways."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, block, instances, intbv

from silicodec.models.ebpc.tables import (
    ALL_ONES,
    RAW_PLANE,
    SINGLE_ONE,
    SINGLE_ZERO_PLANE,
    TWO_ONES,
    ZERO_DELTA_PLANE,
    ZERO_PLANES,
    Code,
    field_bits,
)
from silicodec.rtl.blocks.stream import BitWindow

# Kinds of symbol, which tell the length: a whole word (a base or a raw plane), the position of ones, a plane that its
# code alone tells, a run of zero planes.
WHOLE, POSITION, NAMED, RUN = range(4)


def left_aligned(code: Code, bits: int) -> int:
    """Return the code in the most significant bits of so many."""
    return code.value << (bits - code.length)


class PlaneSymbol:
    """The code of a plane: its bits, left-aligned, and its kind.

    `zero` says that DBX is all zeros, so that the plane belongs to a run and its code means nothing.
    """

    def __init__(self, bits: int) -> None:
        self.code: Any = Signal(intbv(0)[bits:])
        self.kind: Any = Signal(intbv(0)[2:])
        self.zero: Any = Signal(bool(0))


@block
def plane_coder(plane: Any, difference: Any, symbol: PlaneSymbol, *, block_size: int) -> Any:
    """Code one delta bit plane by the table of the format; combinational.

    Parameters
    ----------
    plane, difference : Signal of `block_size` - 1 bits
        DBX and DBP of the plane, the block's first difference in bit 0.
    symbol : PlaneSymbol
        Its code.
    """
    bits, size = len(symbol.code), block_size - 1
    position_bits = field_bits(block_size)
    position_end = bits - SINGLE_ONE.length - position_bits
    all_ones, zero_delta, two_ones, single_one, raw = (
        left_aligned(code, bits) for code in (ALL_ONES, ZERO_DELTA_PLANE, TWO_ONES, SINGLE_ONE, RAW_PLANE)
    )
    starts = Signal(intbv(0)[size:])
    pairs = Signal(intbv(0)[size:])
    one_start = Signal(bool(0))
    no_pair = Signal(bool(0))
    no_triple = Signal(bool(0))
    position = Signal(intbv(0)[position_bits:])
    whole = Signal(intbv(0)[bits:])
    positional = Signal(intbv(0)[bits:])

    @always_comb
    def find_edges() -> None:
        # One run of ones is a single start; a run of at most two has no pair next to a pair.
        starts.next[0] = plane[0]
        pairs.next[0] = False
        for i in range(1, size):
            starts.next[i] = plane[i] and not plane[i - 1]
            pairs.next[i] = plane[i] and plane[i - 1]

    @always_comb
    def count_edges() -> None:
        seen = False
        second_start = False
        triple = False
        for i in range(2, size):
            seen = seen or plane[i - 2]
            second_start = second_start or (seen and starts[i])
            triple = triple or (pairs[i] and pairs[i - 1])
        one_start.next = not second_start
        no_pair.next = pairs == 0
        no_triple.next = not triple

    @always_comb
    def locate() -> None:
        found = intbv(0)[position_bits:]
        for i in range(size):
            # An or of all positions: right where there is one start, and not used where there are more.
            if starts[i]:
                found[:] = found | i
        position.next = found

    @always_comb
    def align() -> None:
        whole.next = raw
        for i in range(size):
            whole.next[bits - 2 - i] = plane[i]

    @always_comb
    def place() -> None:
        positional.next = two_ones
        if no_pair:
            positional.next = single_one
        positional.next[position_end + position_bits : position_end] = position

    @always_comb
    def choose() -> None:
        symbol.zero.next = plane == 0
        if plane == 2**size - 1:
            symbol.kind.next = NAMED
            symbol.code.next = all_ones
        elif difference == 0:
            symbol.kind.next = NAMED
            symbol.code.next = zero_delta
        elif one_start and no_triple:
            symbol.kind.next = POSITION
            symbol.code.next = positional
        else:
            symbol.kind.next = WHOLE
            symbol.code.next = whole
        # Last, because a plane of zeros may also have all differences zero, and a run is shorter.
        if plane == 0:
            symbol.kind.next = RUN

    return instances()


@block
def plane_parser(
    window: BitWindow,
    base: Any,
    symbol: Any,
    is_run: Any,
    run: Any,
    cleared: Any,
    invalid: Any = None,
    *,
    block_size: int,
) -> Any:
    """Read one symbol off the window by the table of the format; combinational.

    Parameters
    ----------
    base : Signal of bool
        The symbol is a base, which is a plain word.
    symbol : Signal of `word_bits` bits
        The base; or the plane's DBX, its first difference in bit `word_bits` - 2.
    is_run, run
        The symbol is a run of so many zero planes.
    cleared : Signal of bool
        The plane's differences are all zero, whatever DBX.
    invalid : Signal of bool, optional
        The symbol names a position beyond the plane.
    """
    bits, word_bits = len(window.data), len(symbol)
    position_bits = field_bits(block_size)
    run_bits = field_bits(word_bits)
    whole_length: Any = word_bits if block_size == word_bits else Signal(intbv(0, min=0, max=word_bits + 1))
    top = bits - 1
    single_zero_length, zeros_length = SINGLE_ZERO_PLANE.length, ZERO_PLANES.length + run_bits
    named_length, positional_length = ALL_ONES.length, SINGLE_ONE.length + position_bits
    position = Signal(intbv(0)[position_bits:])
    located = Signal(intbv(0)[bits:])
    found: Any = symbol if bits == word_bits else Signal(intbv(0)[bits:])

    @always_comb
    def locate() -> None:
        position.next = window.data[top - 4 : top - 4 - position_bits]

    if block_size < word_bits:

        @always_comb
        def measure_whole() -> None:
            whole_length.next = block_size
            if base:
                whole_length.next = word_bits

    @always_comb
    def expand() -> None:
        one = window.data[top - 4]
        located.next = 0
        for i in range(block_size - 1):
            located.next[top - 1 - i] = position == i
            if i > 0 and position == i - 1 and not one:
                located.next[top - 1 - i] = True

    @always_comb
    def parse() -> None:
        is_run.next = False
        cleared.next = False
        run.next = 1
        found.next = window.data
        window.length.next = whole_length
        if not base and not window.data[top]:
            if window.data[top - 1]:
                is_run.next = True
                window.length.next = single_zero_length
            elif window.data[top - 2]:
                is_run.next = True
                run.next = window.data[top - 2 : top - 2 - run_bits] + 2
                window.length.next = zeros_length
            elif window.data[top - 3]:
                found.next = located
                window.length.next = positional_length
            else:
                found.next = 2**bits - 1
                cleared.next = window.data[top - 4]
                window.length.next = named_length

    if bits > word_bits:

        @always_comb
        def cut() -> None:
            symbol.next = found[bits : bits - word_bits]

    if invalid is not None:

        @always_comb
        def validate() -> None:
            positional = not base and window.data[bits : top - 3] == 1
            beyond = position >= block_size - 1 or (position >= block_size - 2 and not window.data[top - 4])
            invalid.next = positional and beyond

    return instances()
