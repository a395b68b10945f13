"""Literals of the dictionary format: bit planes on their way to words."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.rtl.blocks.stream import Stream

PLANES = 8
"""Planes of an entry, and of a word of the literal stream: the bits of a weight."""


class PacketPhase:
    """Where a packet is, and what its layout says of its literals.

    `start` is high in the cycle in which a packet begins, with `has_literals`: whether it has a literal stream. `over`
    asks to drop what is left of the streams. `dropped` is the number of planes of an entry below those that are coded:
    zeros.
    """

    def __init__(self) -> None:
        self.start: Any = Signal(bool(0))
        self.over: Any = Signal(bool(0))
        self.has_literals: Any = Signal(bool(0))
        self.dropped: Any = Signal(intbv(0)[3:])


class LiteralPort:
    """The literal that comes next.

    With `take` it is passed on to the next one. `ready` says that the whole literal is there, or that the stream has
    ended, `open` that there are words to come. `entry` is the literal, its first weight in the least significant bits,
    without the `left_out` planes above those that are coded, which are copies of the highest one; it is zero while a
    packet starts. If the decoder is checked, `short` says that it has no planes, or is longer than the rest of the
    stream, and `padded` that what is left of the last word is zeros.
    """

    def __init__(self, entry_size: int, *, checked: bool) -> None:
        self.take: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.open: Any = Signal(bool(0))
        self.left_out: Any = Signal(intbv(0)[2:])
        self.entry: Any = Signal(intbv(0)[PLANES * entry_size :])
        if checked:
            self.short: Any = Signal(bool(0))
            self.padded: Any = Signal(bool(0))


@block
def literal_reader(
    clk: Any, rst: Any, literals: Stream, phase: PacketPhase, literal: LiteralPort, *, entry_size: int
) -> Any:
    """Show the literal that comes next as an entry, whatever its number of planes.

    Planes that were not used of the last word stay in a register, the first one of a word in the place of the first;
    those of the next word fill up the others. All then turn to where the bits of the entry are.

    Parameters
    ----------
    literals : Stream
        Words of eight planes of `entry_size` bits, the first plane in the most significant bits.
    phase : PacketPhase
        Where the packet is.
    literal : LiteralPort
        What is shown.
    """
    bits = PLANES * entry_size

    # The planes of the last word from number `used` + 1 on, of 0 .. 7, are to come; planes 1 to 7 are held.
    used = Signal(modbv(0)[3:])
    held = Signal(intbv(0)[bits - entry_size :])
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
        absent.next = phase.dropped + literal.left_out
        turn.next = used + 1 - phase.dropped

    @always_comb
    def decide() -> None:
        # 8 - `absent` planes are coded, and 7 - `used` are left of the held word.
        next_word.next = used >= absent

    @always_comb
    def handshake() -> None:
        # After the stream's end a literal counts as there, so that a damaged packet still ends.
        literal.ready.next = not next_word or not literal.open or literals.valid
        literals.ready.next = literal.open and (phase.over or (literal.take and next_word))
        load.next = literal.open and literal.take and next_word

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
        if literal.left_out == 3:
            turned[6 * entry_size : 5 * entry_size] = turned[5 * entry_size : 4 * entry_size]
        if literal.left_out >= 2:
            turned[7 * entry_size : 6 * entry_size] = turned[6 * entry_size : 5 * entry_size]
        if literal.left_out >= 1:
            turned[8 * entry_size : 7 * entry_size] = turned[7 * entry_size : 6 * entry_size]
        for plane in range(PLANES):
            for word in range(entry_size):
                literal.entry.next[word * PLANES + plane] = (
                    turned[plane * entry_size + entry_size - 1 - word] and plane >= phase.dropped and not phase.start
                )

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if phase.start:
            literal.open.next = phase.has_literals
        elif literals.valid and literals.last and literal.open and (phase.over or (literal.take and next_word)):
            literal.open.next = False

    @always(clk.posedge)
    def store() -> None:
        if load:
            held.next = planes[:entry_size]
        if phase.start:
            used.next = PLANES - 1
        elif literal.take:
            used.next = used - absent[3:]

    if hasattr(literal, "short"):

        @always_comb
        def check() -> None:
            literal.short.next = absent >= PLANES or (next_word and not literal.open)

        @always_comb
        def check_rest() -> None:
            rest = False
            for i in range(1, PLANES):
                for j in range(entry_size):
                    rest = rest or (i > used and held[(i - 1) * entry_size + j])
            literal.padded.next = not rest

    return instances()
