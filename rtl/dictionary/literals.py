"""Literals of the dictionary format: bit planes on their way to words."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.rtl.blocks.stream import Stream

PLANES = 8
"""Planes of an entry, and of a word of the literal stream: the bits of a weight."""


@block
def literal_reader(
    clk: Any, rst: Any, literals: Stream, start: Any, has_literals: Any, finish: Any, dropped: Any, left_out: Any,
    take: Any, ready: Any, open_: Any, short: Any, padded: Any, entry: Any, *, entry_size: int,
) -> Any:  # fmt: skip
    """Show the literal that comes next as an entry, whatever its number of planes.

    Planes that were not used of the last word stay in a register, the first one of a word in the place of the first;
    those of the next word fill up the others. All then turn to where the bits of the entry are.

    Parameters
    ----------
    literals : Stream
        Words of eight planes of `entry_size` bits, the first plane in the most significant bits.
    start : Signal of bool
        A packet begins.
    has_literals : Signal of bool
        Whether it has a literal stream.
    finish : Signal of bool
        Drop the rest of the stream; `open_` falls when that is done.
    dropped : Signal of 3 bits
        Planes of an entry below those that are coded: zeros.
    left_out : Signal of 2 bits
        Planes above those that are coded: copies of the highest one.
    take : Signal of bool
        Pass on to the next literal.
    ready : Signal of bool
        The whole literal is there, or the stream has ended.
    open_ : Signal of bool
        There are words to come.
    short : Signal of bool, or None
        The literal has no planes, or is longer than the rest of the stream.
    padded : Signal of bool, or None
        What is left of the last word is zeros.
    entry : Signal
        The literal, the first word of the entry in the least significant bits; zero on `start`.
    """
    bits = PLANES * entry_size

    # The planes of the last word from number `used` + 1 on, of 0 .. 7, are to come; planes 1 to 7 are held.
    used = Signal(modbv(0)[3:])
    held = Signal(intbv(0)[bits - entry_size :])
    taken_planes, kept_planes = Signal(intbv(0)[bits - entry_size :]), Signal(intbv(0)[bits - entry_size :])
    planes = Signal(intbv(0)[bits:])
    absent = Signal(intbv(0)[4:])
    turn = Signal(modbv(0)[3:])
    next_word = Signal(bool(0))
    load = Signal(bool(0))
    ring = Signal(intbv(0)[bits:])

    @always_comb
    def order() -> None:
        for i in range(PLANES):
            for j in range(entry_size):
                planes.next[i * entry_size + j] = literals.data[(PLANES - 1 - i) * entry_size + j]

    @always_comb
    def count() -> None:
        absent.next = dropped + left_out
        turn.next = used + 1 - dropped

    @always_comb
    def decide() -> None:
        next_word.next = used >= absent

    @always_comb
    def handshake() -> None:
        ready.next = not next_word or not open_ or literals.valid
        literals.ready.next = open_ and (finish or (take and next_word))
        load.next = open_ and take and next_word

    @always_comb
    def join() -> None:
        for i in range(PLANES):
            for j in range(entry_size):
                ring.next[i * entry_size + j] = planes[i * entry_size + j]
                if i > used:
                    ring.next[i * entry_size + j] = held[(i - 1) * entry_size + j]

    @always_comb
    def show() -> None:
        turned = intbv(0)[bits:]
        turned[:] = ring
        for stage in range(3):
            if turn[stage]:
                turned[:] = (turned >> (entry_size << stage)) | (
                    (turned << (bits - (entry_size << stage))) & (2**bits - 1)
                )
        if left_out == 3:
            turned[6 * entry_size : 5 * entry_size] = turned[5 * entry_size : 4 * entry_size]
        if left_out >= 2:
            turned[7 * entry_size : 6 * entry_size] = turned[6 * entry_size : 5 * entry_size]
        if left_out >= 1:
            turned[8 * entry_size : 7 * entry_size] = turned[7 * entry_size : 6 * entry_size]
        for plane in range(PLANES):
            for word in range(entry_size):
                entry.next[word * PLANES + plane] = (
                    turned[plane * entry_size + entry_size - 1 - word] and plane >= dropped and not start
                )

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if start:
            open_.next = has_literals
        elif literals.valid and literals.last and open_ and (finish or (take and next_word)):
            open_.next = False

    # Gates hold the planes, as synthesis leaves the wire to the enables of many flip-flops without a buffer.
    @always_comb
    def choose() -> None:
        taken_planes.next = 0
        kept_planes.next = held
        if load:
            taken_planes.next = planes[:entry_size]
            kept_planes.next = 0

    @always(clk.posedge)
    def store() -> None:
        held.next = taken_planes | kept_planes
        if start:
            used.next = PLANES - 1
        elif take:
            used.next = used - absent[3:]

    if short is not None:

        @always_comb
        def check() -> None:
            short.next = absent >= PLANES or (next_word and not open_)

        @always_comb
        def check_rest() -> None:
            rest = False
            for i in range(1, PLANES):
                for j in range(entry_size):
                    rest = rest or (i > used and held[(i - 1) * entry_size + j])
            padded.next = not rest

    return instances()
