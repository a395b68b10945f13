"""Bit-plane decoding where the first block of a packet is read while the last words of the one before leave."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, concat, instances, intbv, modbv

from silicodec.models.ebpc.tables import field_bits
from silicodec.rtl.blocks.corner_turn import corner_turn
from silicodec.rtl.blocks.stream import BitWindow
from silicodec.rtl.ebpc.bit_plane_decoder import KeptWords, NonzeroWords, PlaneSum, plane_adder, word_keeper
from silicodec.rtl.ebpc.plane_code import plane_parser


class PendingWords(NonzeroWords):
    """The nonzero words of a packet; `read` says that the window's was read, `dry` that no word of this one is left."""

    def __init__(self, word_bits: int, *, checked: bool) -> None:
        super().__init__(word_bits, checked=checked)
        self.read: Any = Signal(bool(0))
        self.dry: Any = Signal(bool(0))


class PacketLead:
    """How far the window is ahead of the words: `ahead` is on the next packet, `far` with it on the one after that.

    `fresh` says that it has just left a packet. `finish` ends the words of a packet; `drop` forgets what was read of
    the window's.
    """

    def __init__(self) -> None:
        self.ahead: Any = Signal(bool(0))
        self.far: Any = Signal(bool(0))
        self.fresh: Any = Signal(bool(0))
        self.finish: Any = Signal(bool(0))
        self.drop: Any = Signal(bool(0))


@block
def overlapped_plane_decoder(
    clk: Any, rst: Any, window: BitWindow, words: PendingWords, lead: PacketLead, *, word_bits: int, checked: bool
) -> Any:
    """Decode nonzero words as `bit_plane_decoder` does, the first block of a packet with the last one before it.

    The planes of the next packet's first block push out the last words of this one, if its stream is there in time;
    once it is, they wait for all of these planes. Otherwise the words leave by themselves.

    Parameters
    ----------
    window : BitWindow
        The BPC stream.
    words : PendingWords
        The words.
    lead : PacketLead
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
    drain = Signal(bool(0))
    passable = Signal(bool(0))
    shift = Signal(bool(0))
    wrap = Signal(bool(0))
    upwards = Signal(bool(0))

    index = Signal(modbv(0, min=0, max=size))
    filling = Signal(bool(0))
    occupied = Signal(bool(0))
    sign = Signal(bool(0))
    # The block that is filled is the next packet's; the words in the array are the next packet's, or of one that has
    # ended.
    fill_next, words_next, words_old = (Signal(bool(0)) for _ in range(3))
    fills = Signal(bool(0))
    holds = Signal(bool(0))
    abort = Signal(bool(0))

    plane_ahead = Signal(bool(0))
    base_ahead = Signal(bool(0))
    planned = Signal(intbv(0, min=0, max=2 * size + 2**run_bits + 4))
    expect_base = Signal(bool(0))
    parse = Signal(bool(0))
    plane_ready = Signal(bool(0))
    block_end = Signal(bool(0))
    take_plane = Signal(bool(0))

    parser = plane_parser(window, expect_base, symbol, is_run, run, cleared, invalid, block_size=word_bits)
    adder = plane_adder(clk, plane, word_bits=word_bits, block_size=word_bits, checked=checked)
    array = corner_turn(clk, shift, upwards, plane.entering, leaving, size=size)
    keeper = word_keeper(clk, rst, kept, leaving, words.take, lead.finish)

    @always_comb
    def look() -> None:
        plane.repeat.next = zeros_left != 0
        plane_ahead.next = ahead_valid and not ahead_base
        base_ahead.next = ahead_valid and ahead_base
        plane.top.next = index == size - 1 and not sign
        fills.next = filling and not fill_next
        holds.next = occupied and not (words_next or words_old)

    @always_comb
    def plan() -> None:
        plane_ready.next = filling and (plane.repeat or plane_ahead)
        planned.next = concat(sign, index) + zeros_left + plane_ahead

    @always_comb
    def expect() -> None:
        expect_base.next = not base_ahead and (not filling or planned > size)

    @always_comb
    def end_stream() -> None:
        words.read.next = window.ended and expect_base
        words.dry.next = (lead.ahead or (window.ended and expect_base)) and not (fills or holds)

    @always_comb
    def decide() -> None:
        # Last words do not begin to leave by themselves where planes of the next packet are about to come.
        drain.next = (
            lead.ahead
            and holds
            and not filling
            and (index != 0 or lead.far or not (base_ahead or lead.fresh or (window.loaded and not window.ended)))
        )
        passable.next = not occupied or words_old or (not words_next and (not kept.full or words.take))

    @always_comb
    def offer() -> None:
        words.available.next = kept.valid or (holds and ((plane_ready and not sign) or drain))
        words.data.next = leaving
        if kept.valid:
            words.data.next = kept.oldest

    @always_comb
    def advance() -> None:
        plane.step.next = plane_ready and (sign or passable)
        shift.next = ((plane_ready and not sign) or drain) and passable
        kept.put.next = ((plane_ready and not sign) or drain) and passable and holds

    @always_comb
    def finish_block() -> None:
        wrap.next = shift and index == size - 1
        block_end.next = plane.step and (sign or (plane.top and zeros_left > 1))
        take_plane.next = plane.step and not plane.repeat
        abort.next = lead.finish and not (filling and fill_next)
        # A packet's first block begins at the earliest when the words of the one before it are the next ones to leave.
        plane.begin.next = base_ahead and not (lead.far or lead.finish) and (block_end or (not filling and index == 0))

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
        if abort:
            filling.next = False
            sign.next = False
            occupied.next = occupied and words_next
            index.next = 0
        else:
            if plane.begin:
                filling.next = True
            elif block_end:
                filling.next = False
            if plane.step:
                sign.next = plane.top and not block_end
            if shift:
                index.next = index + 1
            if wrap:
                upwards.next = not upwards
                occupied.next = filling

    @always_seq(clk.posedge, reset=rst)
    def mark() -> None:
        if lead.finish:
            fill_next.next = False
            words_next.next = False
            words_old.next = holds and not (abort or wrap)
        else:
            if plane.begin:
                fill_next.next = lead.ahead
            if wrap:
                words_next.next = fill_next
                words_old.next = False

    @always_seq(clk.posedge, reset=rst)
    def track() -> None:
        if lead.drop:
            ahead_valid.next = False
            zeros_left.next = 0
        elif abort:
            # The window is on another packet, of which no more than a base was read.
            ahead_valid.next = parse or base_ahead
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
        fault_next, plane_fault, block_fault = (Signal(bool(0)) for _ in range(3))

        @always_comb
        def compare() -> None:
            words.exhausted.next = (lead.ahead or (window.ended and expect_base)) and not fills
            words.untouched.next = holds and index < kept.valid + kept.full + (not words.wanted)
            plane_fault.next = parse and invalid
            if sign:
                block_fault.next = block_end and (plane.wrong_sign or zeros_left > 1)
            else:
                block_fault.next = block_end and (plane.carried or zeros_left > 2)

        @always_seq(clk.posedge, reset=rst)
        def check() -> None:
            if lead.finish:
                words.fault.next = fault_next or (not abort and (plane_fault or block_fault))
                fault_next.next = False
            elif not lead.drop:
                # A plane that is read when a block begins is that block's.
                if (block_fault and fill_next) or (plane_fault and (fill_next or (plane.begin and lead.ahead))):
                    fault_next.next = True
                if (block_fault and not fill_next) or (plane_fault and not (fill_next or (plane.begin and lead.ahead))):
                    words.fault.next = True

    return instances()
