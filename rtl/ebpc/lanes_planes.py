"""Codes of blocks in parallel EBPC to words, a block a cycle: planes, differences, sums."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.ebpc.parallel_loops import EXTRA_BITS, FIELD_BITS, PLANE_BITS
from silicodec.rtl.ebpc.lanes_parser import CodeStream
from silicodec.rtl.ebpc.lanes_plane import read_plane
from silicodec.rtl.ebpc.lanes_rows import WORD_BITS, BlockStream


class CheckedBlocks(BlockStream):
    """Blocks of nonzero words; with `end`, `fault` says that the packet's stream was malformed."""

    def __init__(self, word_bits: int = WORD_BITS) -> None:
        super().__init__(word_bits)
        self.fault: Any = Signal(bool(0))


class StepStream:
    """The first word of blocks, and what each other one is more than the one before, with the handshake of `Stream`.

    With `end` there is no block: the packet is over, and `fault` says that its stream was malformed.
    """

    def __init__(self, word_bits: int = WORD_BITS) -> None:
        self.base: Any = Signal(intbv(0)[word_bits:])
        self.steps: Any = Signal(intbv(0)[PLANE_BITS * word_bits :])
        self.end: Any = Signal(bool(0))
        self.fault: Any = Signal(bool(0))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))


@block
def plane_reader(clk: Any, rst: Any, codes: CodeStream, steps: StepStream) -> Any:
    """Read all planes of a block, and turn them into differences.

    Parameters
    ----------
    codes : CodeStream
        The codes of blocks.
    steps : StepStream
        Their differences.
    """
    word_bits, body_bits = len(codes.base), len(codes.body)
    extras_bits = EXTRA_BITS * word_bits
    reached, stored = Signal(intbv(0)[word_bits:]), Signal(intbv(0)[word_bits:])
    extras = Signal(intbv(0)[extras_bits:])
    changes = [Signal(intbv(0)[PLANE_BITS:]) for _ in range(word_bits)]
    clears = [Signal(bool(0)) for _ in range(word_bits)]
    spread = [Signal(intbv(0)[EXTRA_BITS:]) for _ in range(word_bits)]
    spreader = spread_extras(extras, stored, spread)
    readers = [read_plane(codes, reached, spread[k], changes[k], clears[k], k) for k in range(word_bits)]
    all_changes, all_clears = ConcatSignal(*reversed(changes)), ConcatSignal(*reversed(clears))
    summed = Signal(intbv(0)[body_bits:])
    free = Signal(bool(0))

    @always_comb
    def reach() -> None:
        for k in range(word_bits):
            reached.next[k] = codes.count > k
            stored.next[k] = codes.count > k and codes.body[body_bits - 1 - FIELD_BITS * k]

    @always_comb
    def fetch() -> None:
        # What stands after the fields.
        for j in range(extras_bits):
            value = False
            for k in range(1, word_bits + 1):
                if FIELD_BITS * k + j < body_bits:
                    value = value or (codes.count == k and codes.body[body_bits - 1 - FIELD_BITS * k - j])
            extras.next[extras_bits - 1 - j] = value

    @always_comb
    def undo() -> None:
        plane = intbv(0)[PLANE_BITS:]
        for k in range(word_bits):
            for i in range(PLANE_BITS):
                # The first difference is the plane's most significant bit.
                plane[i] = plane[i] != all_changes[PLANE_BITS * k + i] and not all_clears[k]
                summed.next[word_bits * (PLANE_BITS - 1 - i) + k] = plane[i]

    @always_comb
    def advance() -> None:
        free.next = steps.ready or not steps.valid
        codes.ready.next = steps.ready or not steps.valid

    @always_seq(clk.posedge, reset=rst)
    def offer() -> None:
        if free:
            steps.valid.next = codes.valid

    @always(clk.posedge)
    def store() -> None:
        if free:
            steps.steps.next = summed
            steps.base.next = codes.base
            steps.end.next = codes.end
            steps.fault.next = codes.fault

    return instances()


@block
def spread_extras(extras: Any, stored: Any, spread: list[Any]) -> Any:
    """Hand the three bits that stored planes have to these planes, in their order."""
    splitters = []
    parts = [extras]
    while len(parts) < len(stored):
        planes = len(stored) // len(parts)
        bits = EXTRA_BITS * planes // 2
        after = spread if planes == 2 else [Signal(intbv(0)[bits:]) for _ in range(2 * len(parts))]
        for i, part in enumerate(parts):
            splitters.append(split_extras(part, stored, after[2 * i], after[2 * i + 1], planes * i))
        parts = after
    return instances()


@block
def split_extras(part: Any, stored: Any, first: Any, second: Any, start: int) -> Any:
    """Split the bits of some planes, from number `start` on, between the first and the second half of them."""
    bits = len(first)
    planes = bits // EXTRA_BITS
    number = Signal(intbv(0, min=0, max=planes + 1))

    @always_comb
    def count() -> None:
        found = intbv(0, min=0, max=planes + 1)
        for k in range(planes):
            found[:] = found + stored[start + k]
        number.next = found

    @always_comb
    def divide() -> None:
        first.next = part[2 * bits : bits]
        step = intbv(0)[bits:]
        for k in range(planes + 1):
            if number == k:
                step[:] = (part >> (bits - EXTRA_BITS * k)) & (2**bits - 1)
        second.next = step

    return instances()


@block
def word_adder(clk: Any, rst: Any, steps: StepStream, blocks: CheckedBlocks) -> Any:
    """Add up a block's differences.

    Parameters
    ----------
    steps : StepStream
        Differences.
    blocks : CheckedBlocks
        Words.
    """
    word_bits = len(steps.base)
    sums: list[Any] = [Signal(modbv(0)[word_bits:]) for _ in range(PLANE_BITS + 1)]
    cuts = [cut(steps.base, sums[0], 0)]
    cuts += [cut(steps.steps, sums[i + 1], word_bits * i) for i in range(PLANE_BITS)]
    adders = []
    for stage in range(PLANE_BITS.bit_length()):
        # Every number of an upper half of 2, 4, then 8 gets the last one of the lower half.
        after = list(sums)
        for i in range(PLANE_BITS + 1):
            if i >> stage & 1:
                after[i] = Signal(modbv(0)[word_bits:])
                adders.append(add(sums[i], sums[(i >> stage << stage) - 1], after[i]))
        sums = after
    words = ConcatSignal(*reversed(sums))
    free = Signal(bool(0))

    @always_comb
    def advance() -> None:
        free.next = blocks.ready or not blocks.valid
        steps.ready.next = blocks.ready or not blocks.valid

    @always_seq(clk.posedge, reset=rst)
    def offer() -> None:
        if free:
            blocks.valid.next = steps.valid

    @always(clk.posedge)
    def store() -> None:
        if free:
            blocks.words.next = words
            blocks.end.next = steps.end
            blocks.fault.next = steps.fault

    return instances()


@block
def cut(words: Any, word: Any, start: int) -> Any:
    """Take a word out of some."""
    bits = len(word)

    @always_comb
    def drive() -> None:
        word.next = words[start + bits : start]

    return instances()


@block
def add(number: Any, other: Any, total: Any) -> Any:
    """Add two words."""

    @always_comb
    def drive() -> None:
        total.next = number + other

    return instances()
