"""A block of nonzero words to its code in the BPC stream of parallel EBPC, all planes at once."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.ebpc.parallel_loops import BLOCK, EXTRA_BITS, FIELD_BITS, PLANE_BITS, count_bits
from silicodec.rtl.blocks.stream import SymbolStream
from silicodec.rtl.ebpc.lanes_plane import PlaneCode, code_plane
from silicodec.rtl.ebpc.lanes_rows import WORD_BITS, BlockStream


def code_bits(word_bits: int) -> int:
    """Return the bits of the longest code of a block."""
    return count_bits(word_bits) + BLOCK * word_bits


HEAD_BITS = count_bits(WORD_BITS) + WORD_BITS
BODY_BITS = PLANE_BITS * WORD_BITS
CODE_BITS = code_bits(WORD_BITS)
"""Bits of the longest code of a block of words of 8 bits."""


class PlaneStream:
    """The planes of blocks, with the handshake of `Stream`.

    `changes` are DBX of the planes, and `level` tells which DBP are zero, plane 0 in the lowest bits of either. With
    `end` there is no block: the packet is over.
    """

    def __init__(self, word_bits: int = WORD_BITS) -> None:
        self.base: Any = Signal(intbv(0)[word_bits:])
        self.changes: Any = Signal(intbv(0)[PLANE_BITS * word_bits :])
        self.level: Any = Signal(intbv(0)[word_bits:])
        self.end: Any = Signal(bool(0))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))


@block
def plane_maker(clk: Any, rst: Any, blocks: BlockStream, planes: PlaneStream) -> Any:
    """Take the differences of a block's words, and turn them into planes.

    Parameters
    ----------
    blocks : BlockStream
        Blocks, and the end of each packet.
    planes : PlaneStream
        Their planes.
    """
    word_bits = len(planes.base)
    steps = [Signal(modbv(0)[word_bits:]) for _ in range(PLANE_BITS)]
    words = [blocks.words(word_bits * (i + 1), word_bits * i) for i in range(BLOCK)]
    subtractors = [subtract(words[i], words[i + 1], steps[i]) for i in range(PLANE_BITS)]
    deltas = ConcatSignal(*reversed(steps))
    free = Signal(bool(0))

    @always_comb
    def advance() -> None:
        free.next = planes.ready or not planes.valid
        blocks.ready.next = planes.ready or not planes.valid

    @always_seq(clk.posedge, reset=rst)
    def offer() -> None:
        if free:
            planes.valid.next = blocks.valid

    @always(clk.posedge)
    def store() -> None:
        if free:
            planes.end.next = blocks.end
            planes.base.next = blocks.words[word_bits:]
            for k in range(word_bits):
                some = False
                for i in range(PLANE_BITS):
                    # The first difference is the plane's most significant bit.
                    some = some or deltas[word_bits * i + k]
                    if k > 0:
                        planes.changes.next[PLANE_BITS * k + PLANE_BITS - 1 - i] = (
                            deltas[word_bits * i + k] ^ deltas[word_bits * i + k - 1]
                        )
                    else:
                        planes.changes.next[PLANE_BITS - 1 - i] = deltas[word_bits * i]
                planes.level.next[k] = not some

    return instances()


@block
def subtract(word: Any, following: Any, step: Any) -> Any:
    """Take a word from the next one."""

    @always_comb
    def drive() -> None:
        step.next = following - word

    return instances()


@block
def block_coder(clk: Any, rst: Any, planes: PlaneStream, symbols: SymbolStream) -> Any:
    """Code a block a cycle.

    Parameters
    ----------
    planes : PlaneStream
        The planes of blocks, and the end of each packet.
    symbols : SymbolStream
        Their codes, of `code_bits` bits at most; `last` comes together with the mark of the end.
    """
    word_bits = len(planes.base)
    number_bits, body_bits = count_bits(word_bits), PLANE_BITS * word_bits
    head_bits, all_bits = number_bits + word_bits, code_bits(word_bits)
    fields_bits, extras_bits = FIELD_BITS * word_bits, EXTRA_BITS * word_bits
    whole_mark, end_mark = 2**number_bits - 1, 2**number_bits - 2
    changes = [planes.changes(PLANE_BITS * (k + 1), PLANE_BITS * k) for k in range(word_bits)]
    codes = [PlaneCode() for _ in range(word_bits)]
    coders = [code_plane(changes[k], planes.level(k), codes[k]) for k in range(word_bits)]

    changed = ConcatSignal(*(code.changed for code in reversed(codes)))
    fields = ConcatSignal(*(code.field for code in codes))
    whole = ConcatSignal(*changes)
    extras, stored = Signal(intbv(0)[extras_bits:]), Signal(intbv(0, min=0, max=word_bits + 1))
    joiner = join_extras(codes, extras, stored)

    reached = Signal(intbv(0)[word_bits:])
    count = Signal(intbv(0)[number_bits:])
    as_it_is = Signal(bool(0))
    body = Signal(intbv(0)[body_bits:])
    free = Signal(bool(0))

    @always_comb
    def reach() -> None:
        # Planes up to the highest one that is not zero.
        some = False
        number = intbv(0)[number_bits:]
        for k in range(word_bits):
            some = some or changed[word_bits - 1 - k]
            reached.next[word_bits - 1 - k] = some
            if changed[k]:
                number[:] = k + 1
        count.next = number

    # Where 5 bits a plane and 3 for each that is stored are not below 7 bits for each plane of a word.
    if word_bits == WORD_BITS:

        @always_comb
        def weigh() -> None:
            as_it_is.next = (reached[word_bits - 1] and stored >= 6) or (reached[word_bits - 2] and stored >= 7)

    else:

        @always_comb
        def weigh_long() -> None:
            as_it_is.next = (
                (reached[word_bits - 1] and stored >= 11)
                or (reached[word_bits - 2] and stored >= 13)
                or (reached[word_bits - 3] and stored >= 14)
            )

    @always_comb
    def place() -> None:
        for j in range(body_bits):
            value = False
            if j < fields_bits:
                value = fields[fields_bits - 1 - j] and reached[j // FIELD_BITS]
            for k in range(1, word_bits + 1):
                position = j - FIELD_BITS * k
                if position >= 0 and position < extras_bits:
                    value = value or (count == k and extras[extras_bits - 1 - position])
            if as_it_is:
                value = whole[body_bits - 1 - j]
            body.next[body_bits - 1 - j] = value

    @always_comb
    def advance() -> None:
        free.next = symbols.ready or not symbols.valid
        planes.ready.next = symbols.ready or not symbols.valid

    @always_seq(clk.posedge, reset=rst)
    def offer() -> None:
        if free:
            symbols.valid.next = planes.valid

    @always(clk.posedge)
    def store() -> None:
        if free:
            symbols.last.next = planes.end
            symbols.data.next[body_bits:] = body
            symbols.data.next[all_bits - number_bits : body_bits] = planes.base
            symbols.data.next[all_bits : all_bits - number_bits] = count
            if planes.end:
                symbols.data.next = end_mark << (all_bits - number_bits)
                symbols.length.next = number_bits
            elif as_it_is:
                symbols.data.next[all_bits : all_bits - number_bits] = whole_mark
                symbols.length.next = all_bits
            else:
                symbols.length.next = head_bits + FIELD_BITS * count + EXTRA_BITS * stored

    return instances()


@block
def join_extras(codes: list[PlaneCode], extras: Any, stored: Any) -> Any:
    """Move the three bits of stored planes together, and count these planes."""
    parts = [(code.extra, code.stored) for code in codes]
    joiners = []
    while len(parts) > 1:
        after = []
        for i in range(0, len(parts), 2):
            bits = 2 * len(parts[i][0])
            many = bits // EXTRA_BITS + 1
            joined = extras if len(parts) == 2 else Signal(intbv(0)[bits:])
            number = stored if len(parts) == 2 else Signal(intbv(0, min=0, max=many))
            joiners.append(join_pair(*parts[i], *parts[i + 1], joined, number))
            after.append((joined, number))
        parts = after
    return instances()


@block
def join_pair(first: Any, first_count: Any, second: Any, second_count: Any, joined: Any, count: Any) -> Any:
    """Put the second one's bits after those that the first one has."""
    bits = len(first)

    @always_comb
    def put_together() -> None:
        count.next = first_count + second_count
        step = intbv(0)[2 * bits :]
        for number in range(bits // EXTRA_BITS + 1):
            if first_count == number:
                step[:] = (first << bits) | (second << (bits - EXTRA_BITS * number))
        joined.next = step

    return instances()
