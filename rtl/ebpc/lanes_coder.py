"""A block of nonzero words to its code in the BPC stream of parallel EBPC, all planes at once."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.ebpc.parallel_loops import EXTRA_BITS, FIELD_BITS, PLANE_BITS, count_bits
from silicodec.rtl.blocks.stream import SymbolStream
from silicodec.rtl.ebpc.lanes_plane import PlaneCode, code_plane
from silicodec.rtl.ebpc.lanes_rows import ROW_BITS, WORD_BITS, BlockStream

COUNT_BITS = count_bits(WORD_BITS)
HEAD_BITS = COUNT_BITS + WORD_BITS
BODY_BITS = PLANE_BITS * WORD_BITS
CODE_BITS = HEAD_BITS + BODY_BITS
"""Bits of the longest code of a block."""
FIELDS_BITS = FIELD_BITS * WORD_BITS
EXTRAS_BITS = EXTRA_BITS * WORD_BITS
WHOLE_MARK, END_MARK = 2**COUNT_BITS - 1, 2**COUNT_BITS - 2


class PlaneStream:
    """The planes of blocks, with the handshake of `Stream`.

    `changes` are DBX of the planes, and `level` tells which DBP are zero, plane 0 in the lowest bits of either. With
    `end` there is no block: the packet is over.
    """

    def __init__(self) -> None:
        self.base: Any = Signal(intbv(0)[WORD_BITS:])
        self.changes: Any = Signal(intbv(0)[BODY_BITS:])
        self.level: Any = Signal(intbv(0)[WORD_BITS:])
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
    steps = [Signal(modbv(0)[WORD_BITS:]) for _ in range(PLANE_BITS)]
    words = [blocks.words(WORD_BITS * (i + 1), WORD_BITS * i) for i in range(ROW_BITS // WORD_BITS)]
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
            planes.base.next = blocks.words[WORD_BITS:]
            for k in range(WORD_BITS):
                some = False
                for i in range(PLANE_BITS):
                    # The first difference is the plane's most significant bit.
                    some = some or deltas[WORD_BITS * i + k]
                    if k > 0:
                        planes.changes.next[PLANE_BITS * k + PLANE_BITS - 1 - i] = (
                            deltas[WORD_BITS * i + k] ^ deltas[WORD_BITS * i + k - 1]
                        )
                    else:
                        planes.changes.next[PLANE_BITS - 1 - i] = deltas[WORD_BITS * i]
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
        Their codes, of `CODE_BITS` bits at most; `last` comes together with the mark of the end.
    """
    changes = [planes.changes(PLANE_BITS * (k + 1), PLANE_BITS * k) for k in range(WORD_BITS)]
    codes = [PlaneCode() for _ in range(WORD_BITS)]
    coders = [code_plane(changes[k], planes.level(k), codes[k]) for k in range(WORD_BITS)]

    changed = ConcatSignal(*(code.changed for code in reversed(codes)))
    fields = ConcatSignal(*(code.field for code in codes))
    whole = ConcatSignal(*changes)
    extras, stored = Signal(intbv(0)[EXTRAS_BITS:]), Signal(intbv(0, min=0, max=WORD_BITS + 1))
    joiner = join_extras(codes, extras, stored)

    reached = Signal(intbv(0)[WORD_BITS:])
    count = Signal(intbv(0)[COUNT_BITS:])
    as_it_is = Signal(bool(0))
    body = Signal(intbv(0)[BODY_BITS:])
    free = Signal(bool(0))

    @always_comb
    def reach() -> None:
        # Planes up to the highest one that is not zero.
        some = False
        number = intbv(0)[COUNT_BITS:]
        for k in range(WORD_BITS):
            some = some or changed[WORD_BITS - 1 - k]
            reached.next[WORD_BITS - 1 - k] = some
            if changed[k]:
                number[:] = k + 1
        count.next = number

    @always_comb
    def weigh() -> None:
        # Where 5 bits a plane and 3 for each that is stored are not below 7 * 8.
        as_it_is.next = (reached[WORD_BITS - 1] and stored >= 6) or (reached[WORD_BITS - 2] and stored >= 7)

    @always_comb
    def place() -> None:
        for j in range(BODY_BITS):
            value = False
            if j < FIELDS_BITS:
                value = fields[FIELDS_BITS - 1 - j] and reached[j // FIELD_BITS]
            for k in range(1, WORD_BITS + 1):
                position = j - FIELD_BITS * k
                if position >= 0 and position < EXTRAS_BITS:
                    value = value or (count == k and extras[EXTRAS_BITS - 1 - position])
            if as_it_is:
                value = whole[BODY_BITS - 1 - j]
            body.next[BODY_BITS - 1 - j] = value

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
            symbols.data.next[BODY_BITS:] = body
            symbols.data.next[CODE_BITS - COUNT_BITS : BODY_BITS] = planes.base
            symbols.data.next[CODE_BITS : CODE_BITS - COUNT_BITS] = count
            if planes.end:
                symbols.data.next = END_MARK << (CODE_BITS - COUNT_BITS)
                symbols.length.next = COUNT_BITS
            elif as_it_is:
                symbols.data.next[CODE_BITS : CODE_BITS - COUNT_BITS] = WHOLE_MARK
                symbols.length.next = CODE_BITS
            else:
                symbols.length.next = HEAD_BITS + FIELD_BITS * count + EXTRA_BITS * stored

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
