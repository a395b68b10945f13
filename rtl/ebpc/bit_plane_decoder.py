"""Bit-plane decoding of the BPC stream: blocks of a base and planes of differences back into words."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, concat, instances, intbv, modbv

from silicodec.models.ebpc.tables import field_bits
from silicodec.rtl.blocks.corner_turn import corner_turn
from silicodec.rtl.blocks.stream import BitWindow
from silicodec.rtl.ebpc.plane_code import plane_parser


class NonzeroWords:
    """The nonzero words of a packet.

    `data` is the next one while `available` is high; it leaves with `take`. `exhausted` says that the stream has no
    further block, though its words may still be available. If the decoder is checked, `wanted` says that the packet's
    next word is nonzero, `fault` that a symbol of this packet was malformed, and `untouched` that the packet's next
    word leaves the latest complete block as it was.
    """

    def __init__(self, word_bits: int, *, checked: bool) -> None:
        self.data: Any = Signal(intbv(0)[word_bits:])
        self.available: Any = Signal(bool(0))
        self.take: Any = Signal(bool(0))
        self.exhausted: Any = Signal(bool(0))
        if checked:
            self.wanted: Any = Signal(bool(0))
            self.fault: Any = Signal(bool(0))
            self.untouched: Any = Signal(bool(0))


class PacketTurn:
    """From one packet to the next, whose stream may be in the window before this one's words are out.

    `ahead` says that the window is on the next packet, as this one's stream has ended or it has none, and `wait` that
    no block of that may begin yet. `finish` ends the words of this packet; `drop` forgets what was read of the
    window's.
    """

    def __init__(self) -> None:
        self.ahead: Any = Signal(bool(1))
        self.wait: Any = Signal(bool(0))
        self.finish: Any = Signal(bool(0))
        self.drop: Any = Signal(bool(0))


@block
def bit_plane_decoder(
    clk: Any,
    rst: Any,
    window: BitWindow,
    words: NonzeroWords,
    turn: PacketTurn,
    *,
    word_bits: int,
    block_size: int,
    checked: bool,
) -> Any:
    """Decode the nonzero words of a packet.

    The planes of a block enter one array along one side, least significant plane first, while the words of the block
    before leave it across. Symbols are read one ahead, so that the next base is at hand while a run of zero planes
    lasts. A block takes as many cycles as the encoder needs for it.

    What the array turns beside the words of a block that has fewer than `word_bits` is passed over.

    Parameters
    ----------
    window : BitWindow
        The BPC stream.
    words : NonzeroWords
        The words.
    turn : PacketTurn
        Which packet the window and the words are of.
    """
    size = word_bits
    run_bits = field_bits(word_bits)

    symbol = Signal(intbv(0)[word_bits:])
    is_run = Signal(bool(0))
    run = Signal(intbv(0, min=0, max=2**run_bits + 2))
    cleared = Signal(bool(0))
    invalid = Signal(bool(0)) if checked else None

    ahead_valid = Signal(bool(0))
    ahead_base = Signal(bool(0))
    zeros_left = Signal(intbv(0, min=0, max=2**run_bits + 2))

    plane = PlaneSum(word_bits, checked=checked)
    leaving = Signal(intbv(0)[size:])
    kept = KeptWords(word_bits)
    movable = Signal(bool(0))
    shift = Signal(bool(0))
    upwards = Signal(bool(0))

    index = Signal(modbv(0)[run_bits:])
    filling = Signal(bool(0))
    occupied = Signal(bool(0))
    sign = Signal(bool(0))

    beside: Any = False if block_size == word_bits else Signal(bool(0))
    plane_ahead = Signal(bool(0))
    base_ahead = Signal(bool(0))
    planned = Signal(intbv(0, min=0, max=2 * size + 2**run_bits + 4))
    expect_base = Signal(bool(0))
    parse = Signal(bool(0))
    plane_ready = Signal(bool(0))
    block_end = Signal(bool(0))
    take_plane = Signal(bool(0))

    parser = plane_parser(window, expect_base, symbol, is_run, run, cleared, invalid, block_size=block_size)
    adder = plane_adder(clk, plane, word_bits=word_bits, block_size=block_size, checked=checked)
    array = corner_turn(clk, shift, upwards, plane.entering, leaving, size=size)
    keeper = word_keeper(clk, rst, kept, leaving, words.take, turn.finish)

    @always_comb
    def look() -> None:
        plane.repeat.next = zeros_left != 0
        plane_ahead.next = ahead_valid and not ahead_base
        base_ahead.next = ahead_valid and ahead_base
        plane.top.next = index == size - 1 and not sign

    if block_size < word_bits:

        @always_comb
        def pass_over() -> None:
            beside.next = index >= block_size

    if size == 1 << run_bits:

        @always_comb
        def plan() -> None:
            plane_ready.next = filling and (plane.repeat or plane_ahead)
            planned.next = concat(sign, index) + zeros_left + plane_ahead

        @always_seq(clk.posedge, reset=rst)
        def count() -> None:
            if turn.finish:
                index.next = 0
            elif shift:
                index.next = index + 1

    else:

        @always_comb
        def plan_any() -> None:
            plane_ready.next = filling and (plane.repeat or plane_ahead)
            planned.next = index + zeros_left + plane_ahead
            if sign:
                planned.next = size + zeros_left + plane_ahead

        @always_seq(clk.posedge, reset=rst)
        def count_any() -> None:
            if turn.finish:
                index.next = 0
            elif shift:
                index.next = index + 1
                if index == size - 1:
                    index.next = 0

    @always_comb
    def expect() -> None:
        expect_base.next = not base_ahead and (not filling or planned > size)
        words.exhausted.next = turn.wait or (window.ended and not (turn.ahead or filling or ahead_valid))

    @always_comb
    def offer() -> None:
        movable.next = (plane_ready and not sign) or (words.exhausted and occupied)
        words.available.next = kept.valid or (
            occupied and not beside and ((plane_ready and not sign) or words.exhausted)
        )
        words.data.next = leaving
        if kept.valid:
            words.data.next = kept.oldest

    @always_comb
    def advance() -> None:
        plane.step.next = plane_ready and (sign or not occupied or not kept.full or words.take or beside)
        shift.next = movable and (not occupied or not kept.full or words.take or beside)
        kept.put.next = movable and occupied and not beside and (not kept.full or words.take)

    @always_comb
    def finish_block() -> None:
        block_end.next = plane.step and (sign or (plane.top and zeros_left > 1))
        take_plane.next = plane.step and not plane.repeat
        plane.begin.next = base_ahead and (block_end or not (filling or turn.wait))

    @always_comb
    def read() -> None:
        parse.next = (
            window.valid
            and (not ahead_valid or take_plane or plane.begin)
            and not (expect_base and window.ended)
            and not (is_run and plane.repeat and not base_ahead)
        )
        window.take.next = parse

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if turn.finish:
            filling.next = plane.begin and not turn.drop
            sign.next = False
            occupied.next = False
        else:
            if plane.begin:
                filling.next = True
            elif block_end:
                filling.next = False
            if plane.step:
                sign.next = plane.top and not block_end
            if shift and index == size - 1:
                upwards.next = not upwards
                occupied.next = filling

    @always_seq(clk.posedge, reset=rst)
    def track() -> None:
        if turn.drop:
            ahead_valid.next = False
            zeros_left.next = 0
        else:
            if parse:
                ahead_valid.next = not is_run
            elif take_plane or plane.begin:
                ahead_valid.next = False
            if parse and is_run:
                zeros_left.next = run
            elif block_end:
                zeros_left.next = 0
            elif plane.step and plane.repeat:
                zeros_left.next = zeros_left - 1

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        # Whatever is not valid may be overwritten.
        if not ahead_valid or take_plane or plane.begin:
            plane.symbol.next = symbol
            ahead_base.next = expect_base
            plane.cleared.next = cleared

    if checked:

        @always_comb
        def compare() -> None:
            words.untouched.next = occupied and index < kept.valid + kept.full + (not words.wanted)

        @always_seq(clk.posedge, reset=rst)
        def check() -> None:
            if turn.finish or turn.drop:
                words.fault.next = parse and invalid and not turn.drop
            elif parse and invalid:
                words.fault.next = True
            elif block_end and sign:
                if plane.wrong_sign or zeros_left > 1:
                    words.fault.next = True
            elif block_end and (plane.carried or zeros_left > 2):
                words.fault.next = True

    return instances()


class PlaneSum:
    """A plane of differences on its way to a plane of words, least significant plane first.

    With `step` the plane is added up: that of `symbol`, its DBX or, if `cleared`, a plane without differences; with
    `repeat` the one before again. `begin` starts a block instead, whose base is `symbol`. `top` says that the plane is
    the most significant one but for the sign plane. `entering` is the plane of words. If the decoder is checked,
    `wrong_sign` says that the sign plane is not what the others tell, and `carried` that it is not zero.
    """

    def __init__(self, word_bits: int, *, checked: bool) -> None:
        self.symbol: Any = Signal(intbv(0)[word_bits:])
        self.cleared: Any = Signal(bool(0))
        self.repeat: Any = Signal(bool(0))
        self.step: Any = Signal(bool(0))
        self.begin: Any = Signal(bool(0))
        self.top: Any = Signal(bool(0))
        self.entering: Any = Signal(intbv(0)[word_bits:])
        if checked:
            self.wrong_sign: Any = Signal(bool(0))
            self.carried: Any = Signal(bool(0))


@block
def plane_adder(clk: Any, plane: PlaneSum, *, word_bits: int, block_size: int, checked: bool) -> Any:
    """Add up planes of differences, with a carry bit for each difference between the planes."""
    size = word_bits
    differences = block_size - 1
    run_bits = field_bits(word_bits)
    base = Signal(intbv(0)[word_bits:])
    previous = Signal(intbv(0)[differences:])
    carry = Signal(intbv(0)[differences:])
    difference = Signal(intbv(0)[differences:])
    next_carry = Signal(intbv(0)[differences:])

    @always_comb
    def undo() -> None:
        for i in range(differences):
            if plane.repeat:
                difference.next[i] = previous[i]
            else:
                difference.next[i] = previous[i] != plane.symbol[word_bits - 2 - i] and not plane.cleared

    @always_comb
    def add() -> None:
        # Word i + 1 is word i plus its difference, so that one bit of all words is a running sum.
        bits = modbv(0)[size:]
        bits[0] = base[0]
        for i in range(differences):
            bits[i + 1] = difference[i] ^ carry[i]
        for stage in range(run_bits):
            bits[:] = bits ^ (bits << (1 << stage))
        plane.entering.next = bits

    @always_comb
    def propagate() -> None:
        for i in range(differences):
            if plane.entering[i] != difference[i]:
                next_carry.next[i] = carry[i]
            else:
                next_carry.next[i] = difference[i]

    @always_seq(clk.posedge, reset=None)
    def carry_over() -> None:
        if plane.begin:
            base.next = plane.symbol
            carry.next = 0
            previous.next = 0
        elif plane.step:
            base.next = base >> 1
            previous.next = difference
            carry.next = next_carry
            if checked and plane.top:
                # What DBX of the sign plane must be, for the check in the next step.
                carry.next = next_carry ^ carry

    if checked:

        @always_comb
        def compare_sign() -> None:
            plane.wrong_sign.next = difference != (previous ^ carry)
            plane.carried.next = next_carry != carry

    return instances()


class KeptWords:
    """Up to two words after the array, which let it move on while the packet's words are zero.

    With `put` a word comes in, or leaves at once. `valid` says that a word is kept, `oldest`, and `full` that two are.
    """

    def __init__(self, word_bits: int) -> None:
        self.put: Any = Signal(bool(0))
        self.oldest: Any = Signal(intbv(0)[word_bits:])
        self.valid: Any = Signal(bool(0))
        self.full: Any = Signal(bool(0))


@block
def word_keeper(clk: Any, rst: Any, kept: KeptWords, word: Any, take: Any, finish: Any) -> Any:
    """Keep words in order; `take` removes one, `finish` all."""
    second = Signal(intbv(0)[len(word) :])

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if finish:
            kept.valid.next = False
            kept.full.next = False
        elif kept.put:
            kept.valid.next = kept.valid or not take
            kept.full.next = kept.full or (kept.valid and not take)
        elif take:
            kept.valid.next = kept.full
            kept.full.next = False

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        # Whatever is not valid may be overwritten.
        if not kept.full or take:
            second.next = word
        if not kept.valid or take:
            kept.oldest.next = word
            if kept.full:
                kept.oldest.next = second

    return instances()
