"""An EBPC decoder whose packets overlap: the next one's streams are read while the words of this one leave."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, modbv

from silicodec.models.ebpc.codec import port_bits
from silicodec.rtl.blocks.bit_unpacker import bit_unpacker
from silicodec.rtl.blocks.stream import BitWindow, Stream, gated, reset_gates
from silicodec.rtl.ebpc.overlapped_planes import PacketLead, PendingWords, overlapped_plane_decoder
from silicodec.rtl.ebpc.zero_runs import zero_run_decoder


@block
def overlapped_ebpc_decoder(
    clk: Any,
    rst: Any,
    znz: Stream,
    bpc: Stream,
    length: Stream,
    words: Stream,
    *,
    word_bits: int,
    max_zero_run: int,
    length_bits: int,
    framed: bool,
    checked: bool,
) -> Any:
    """Restore packets as `ebpc_decoder` does, with at most 2 idle cycles between them.

    The number of words of the next packet is taken when this one's last word is counted. Its BPC stream is read up to
    the end of its first block, whose planes push out this one's last words.

    Parameters
    ----------
    znz, bpc, length, words : Stream
        As of `ebpc_decoder`, and so are the others.
    """
    bits = port_bits(word_bits)
    znz_window = BitWindow(bits)
    bpc_window = BitWindow(bits)
    nonzero = Stream(1)
    nonzeros = PendingWords(word_bits, checked=checked)
    lead = PacketLead()

    active = Signal(bool(0))
    over = Signal(bool(0))
    remaining = Signal(modbv(0)[length_bits:])
    # Whether a part is counted down, and whether it is its packet's last one.
    have = Signal(bool(0))
    last_part = Signal(bool(1))
    last_word, starving, count, spent, take_part = (Signal(bool(0)) for _ in range(5))
    runs_over = Signal(bool(0)) if checked else None

    znz_start, znz_finish, znz_drop = (Signal(bool(0)) for _ in range(3))
    bpc_start, leave_planes, advance, planes_left = (Signal(bool(0)) for _ in range(4))
    bare: Any = False if framed else Signal(bool(0))
    blank: Any = Signal(bool(0)) if framed and checked else False
    offered = Signal(bool(0))
    taken = Signal(bool(0))

    zeros, planes, parts = gated(znz, bpc, length)
    gates = reset_gates(rst, [znz, bpc, length], [zeros, planes, parts])
    znz_unpacker = bit_unpacker(clk, rst, zeros, znz_window, znz_start, znz_finish, word_bits=bits, checked=checked)
    bpc_unpacker = bit_unpacker(clk, rst, planes, bpc_window, bpc_start, leave_planes, word_bits=bits, checked=checked)
    zero_decoder = zero_run_decoder(
        clk,
        rst,
        znz_window,
        nonzero,
        count,
        last_word,
        starving,
        znz_finish,
        runs_over,
        max_zero_run=max_zero_run,
    )
    plane_decoder = overlapped_plane_decoder(clk, rst, bpc_window, nonzeros, lead, word_bits=word_bits, checked=checked)

    @always_comb
    def measure() -> None:
        last_word.next = remaining == 1 and last_part
        starving.next = over or not have
        spent.next = count and remaining == 1

    @always_comb
    def accept_part() -> None:
        parts.ready.next = not have or spent
        take_part.next = parts.valid and (not have or spent)

    @always_seq(clk.posedge, reset=rst)
    def keep_parts() -> None:
        if take_part:
            have.next = True
            last_part.next = parts.last or framed
        elif spent:
            have.next = False

    @always_seq(clk.posedge, reset=None)
    def count_down() -> None:
        if not have or spent:
            remaining.next = parts.data[length_bits:]
        elif count:
            remaining.next = remaining - 1

    @always_comb
    def offer() -> None:
        offered.next = (
            active
            and nonzero.valid
            and (not nonzero.data or nonzeros.available or nonzeros.dry)
            and (not nonzero.last or lead.ahead or bpc_window.loaded)
        )
        words.last.next = nonzero.last
        words.data.next = 0
        if nonzero.data and nonzeros.available:
            words.data.next = nonzeros.data

    @always_comb
    def handshake() -> None:
        words.valid.next = offered
        taken.next = offered and words.ready
        nonzero.ready.next = offered and words.ready
        nonzeros.take.next = offered and words.ready and nonzero.data and nonzeros.available

    @always_comb
    def end_zeros() -> None:
        znz_start.next = not znz_drop
        znz_finish.next = (taken and nonzero.last) or znz_drop

    @always_comb
    def end_planes() -> None:
        planes_left.next = not lead.ahead and bpc_window.loaded and not bpc_window.ended
        advance.next = nonzeros.read and not lead.far and (lead.ahead or not over)
        leave_planes.next = (nonzeros.read and not lead.far) or (over and not lead.ahead)
        lead.finish.next = active and over
        lead.drop.next = over and not lead.ahead

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        znz_drop.next = znz_finish and znz_window.loaded and not znz_window.ended
        lead.fresh.next = advance
        if over:
            active.next = False
            over.next = planes_left
            lead.ahead.next = lead.far or advance
            lead.far.next = False
        else:
            active.next = active or have
            over.next = taken and nonzero.last
            if advance:
                lead.ahead.next = True
                lead.far.next = lead.ahead
            elif not active and have and bare:
                lead.ahead.next = True

    if framed:

        @always_comb
        def start_any() -> None:
            bpc_start.next = lead.ahead or not over

    else:
        # Whether the next packet's words are counted already, and whether the next part on offer begins a packet with
        # a BPC stream.
        early, following = (Signal(bool(0)) for _ in range(2))

        @always_comb
        def follow() -> None:
            following.next = have and last_part and parts.valid and not parts.data[length_bits]

        @always_comb
        def start() -> None:
            # What is known of the window's packet: its part is counted down or still on offer.
            if lead.far:
                bpc_start.next = early and following
            elif not lead.ahead:
                bpc_start.next = not over and (active or (have and not bare))
            elif early:
                bpc_start.next = not bare
            else:
                bpc_start.next = following

        @always_seq(clk.posedge, reset=rst)
        def read_mark() -> None:
            if over and not planes_left:
                early.next = False
            elif take_part and last_part and (have or active):
                early.next = True
            if take_part and last_part:
                bare.next = parts.data[length_bits]

    if checked:
        starved = Signal(bool(0))
        untidy, was_untidy, next_untidy = (Signal(bool(0)) for _ in range(3))

        @always_comb
        def inspect() -> None:
            nonzeros.wanted.next = nonzero.data
            untidy.next = not (bpc_window.clean or blank)

        @always_comb
        def report() -> None:
            words.error.next = (
                starved
                or nonzeros.fault
                or runs_over
                or not znz_window.clean
                or (nonzero.data and not nonzeros.available)
                or nonzeros.untouched
                or (lead.ahead and was_untidy)
                or (not lead.ahead and untidy)
                or not nonzeros.exhausted
            )

        @always_seq(clk.posedge, reset=rst)
        def remember() -> None:
            starved.next = not over and (starved or (taken and nonzero.data and not nonzeros.available))
            if over and lead.far:
                was_untidy.next = next_untidy
            elif over or not lead.ahead:
                was_untidy.next = advance and untidy
            if advance:
                next_untidy.next = untidy

    if checked and framed:
        moved = Signal(bool(0))

        @always_comb
        def recognise() -> None:
            blank.next = bpc_window.data == 0 and not moved

        @always_seq(clk.posedge, reset=rst)
        def watch() -> None:
            moved.next = not leave_planes and (moved or bpc_window.take)

    return instances()
