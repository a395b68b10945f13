"""Bit-plane decoding of the BPC stream: blocks of a base and planes of differences back into words."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, concat, instances, intbv, modbv

from silicodec.models.ebpc.tables import field_bits
from silicodec.rtl.blocks.corner_turn import corner_turn
from silicodec.rtl.blocks.stream import BitWindow
from silicodec.rtl.ebpc.plane_code import plane_parser


@block
def bit_plane_decoder(
    clk: Any,
    rst: Any,
    window: BitWindow,
    word: Any,
    available: Any,
    take: Any,
    wanted: Any,
    exhausted: Any,
    finish: Any,
    fault: Any,
    untouched: Any,
    *,
    word_bits: int,
    checked: bool,
) -> Any:
    """Decode the nonzero words of a packet.

    The planes of a block enter one array along one side, least significant plane first, while the words of the block
    before leave it across. Symbols are read one ahead, so that the next base is at hand while a run of zero planes
    lasts. A block takes as many cycles as the encoder needs for it.

    Parameters
    ----------
    window : BitWindow
        The BPC stream.
    word : Signal of `word_bits` bits
        The next word, valid while `available` is high; it leaves with `take`.
    wanted : Signal of bool
        The packet's next word is nonzero.
    exhausted : Signal of bool
        The stream has no further block. Its words may still be available.
    finish : Signal of bool
        Forget the packet.
    fault : Signal of bool
        A symbol of this packet was malformed; driven if `checked`.
    untouched : Signal of bool
        The packet's next word leaves the latest complete block as it was; driven if `checked`.
    """
    size = word_bits
    planes = word_bits - 1
    run_bits = field_bits(word_bits)

    symbol = Signal(intbv(0)[word_bits:])
    is_run = Signal(bool(0))
    run = Signal(intbv(0, min=0, max=2**run_bits + 2))
    cleared = Signal(bool(0))
    invalid = Signal(bool(0)) if checked else None

    ahead = Signal(intbv(0)[word_bits:])
    ahead_cleared = Signal(bool(0))
    ahead_valid = Signal(bool(0))
    ahead_base = Signal(bool(0))
    zeros_left = Signal(intbv(0, min=0, max=2**run_bits + 2))

    base = Signal(intbv(0)[word_bits:])
    previous = Signal(intbv(0)[planes:])
    carry = Signal(intbv(0)[planes:])
    difference = Signal(intbv(0)[planes:])
    next_carry = Signal(intbv(0)[planes:])
    entering = Signal(intbv(0)[size:])
    leaving = Signal(intbv(0)[size:])
    spare = Signal(intbv(0)[word_bits:])
    spare_valid = Signal(bool(0))
    reserve = Signal(intbv(0)[word_bits:])
    reserve_valid = Signal(bool(0))
    movable = Signal(bool(0))
    shift = Signal(bool(0))
    upwards = Signal(bool(0))

    index = Signal(modbv(0, min=0, max=size))
    filling = Signal(bool(0))
    occupied = Signal(bool(0))
    sign = Signal(bool(0))

    in_run = Signal(bool(0))
    plane_ahead = Signal(bool(0))
    base_ahead = Signal(bool(0))
    planned = Signal(intbv(0, min=0, max=2 * size + 2**run_bits + 4))
    expect_base = Signal(bool(0))
    parse = Signal(bool(0))
    plane_ready = Signal(bool(0))
    top = Signal(bool(0))
    step = Signal(bool(0))
    block_end = Signal(bool(0))
    take_plane = Signal(bool(0))
    take_base = Signal(bool(0))

    parser = plane_parser(window, expect_base, symbol, is_run, run, cleared, invalid)
    turn = corner_turn(clk, shift, upwards, entering, leaving, size=size)

    @always_comb
    def look() -> None:
        in_run.next = zeros_left != 0
        plane_ahead.next = ahead_valid and not ahead_base
        base_ahead.next = ahead_valid and ahead_base
        top.next = index == size - 1 and not sign

    @always_comb
    def plan() -> None:
        plane_ready.next = filling and (in_run or plane_ahead)
        planned.next = concat(sign, index) + zeros_left + plane_ahead

    @always_comb
    def expect() -> None:
        expect_base.next = not base_ahead and (not filling or planned > size)
        exhausted.next = window.ended and not filling and not ahead_valid

    @always_comb
    def offer() -> None:
        movable.next = (plane_ready and not sign) or (exhausted and occupied)
        available.next = spare_valid or (occupied and ((plane_ready and not sign) or exhausted))
        word.next = leaving
        if spare_valid:
            word.next = spare

    @always_comb
    def advance() -> None:
        step.next = plane_ready and (sign or not occupied or not reserve_valid or take)
        shift.next = movable and (not occupied or not reserve_valid or take)

    @always_comb
    def finish_block() -> None:
        block_end.next = step and (sign or (top and zeros_left > 1))
        take_plane.next = step and not in_run
        take_base.next = base_ahead and (not filling or block_end)

    @always_comb
    def read() -> None:
        parse.next = (
            window.valid
            and (not ahead_valid or take_plane or take_base)
            and not (expect_base and window.ended)
            and not (is_run and in_run and not base_ahead)
        )
        window.take.next = parse

    @always_comb
    def undo() -> None:
        for i in range(planes):
            if in_run:
                difference.next[i] = previous[i]
            else:
                difference.next[i] = previous[i] != ahead[planes - 1 - i] and not ahead_cleared

    @always_comb
    def add() -> None:
        # Word i + 1 is word i plus its difference, so that one bit of all words is a running sum.
        bits = modbv(0)[size:]
        bits[0] = base[0]
        for i in range(planes):
            bits[i + 1] = difference[i] ^ carry[i]
        for stage in range(run_bits):
            bits[:] = bits ^ (bits << (1 << stage))
        entering.next = bits

    @always_comb
    def propagate() -> None:
        for i in range(planes):
            if entering[i] != difference[i]:
                next_carry.next[i] = carry[i]
            else:
                next_carry.next[i] = difference[i]

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if finish:
            filling.next = False
            sign.next = False
            occupied.next = False
            index.next = 0
        else:
            if take_base:
                filling.next = True
            elif block_end:
                filling.next = False
            if step:
                sign.next = top and not block_end
            if shift:
                index.next = index + 1
                if index == size - 1:
                    upwards.next = not upwards
                    occupied.next = filling

    @always_seq(clk.posedge, reset=rst)
    def track() -> None:
        if finish:
            ahead_valid.next = False
            zeros_left.next = 0
        else:
            if parse:
                ahead_valid.next = not is_run
            elif take_plane or take_base:
                ahead_valid.next = False
            if parse and is_run:
                zeros_left.next = run
            elif block_end:
                zeros_left.next = 0
            elif step and in_run:
                zeros_left.next = zeros_left - 1

    @always_seq(clk.posedge, reset=rst)
    def spare_control() -> None:
        if finish:
            spare_valid.next = False
            reserve_valid.next = False
        elif shift and occupied:
            spare_valid.next = spare_valid or not take
            reserve_valid.next = reserve_valid or (spare_valid and not take)
        elif take:
            spare_valid.next = reserve_valid
            reserve_valid.next = False

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        if not reserve_valid or take:
            reserve.next = leaving
        if not spare_valid or take:
            spare.next = leaving
            if reserve_valid:
                spare.next = reserve
        # Whatever is not valid may be overwritten.
        if not ahead_valid or take_plane or take_base:
            ahead.next = symbol
            ahead_base.next = expect_base
            ahead_cleared.next = cleared

    @always_seq(clk.posedge, reset=None)
    def carry_over() -> None:
        if take_base:
            base.next = ahead
            carry.next = 0
            previous.next = 0
        elif step:
            base.next = base >> 1
            previous.next = difference
            carry.next = next_carry
            if checked and top:
                # What DBX of the sign plane must be, for the check in the next step.
                carry.next = next_carry ^ carry

    if checked:

        @always_comb
        def compare() -> None:
            untouched.next = occupied and index < spare_valid + reserve_valid + (not wanted)

        @always_seq(clk.posedge, reset=rst)
        def check() -> None:
            if finish:
                fault.next = False
            elif parse and invalid:
                fault.next = True
            elif block_end and sign:
                if difference != (previous ^ carry) or zeros_left > 1:
                    fault.next = True
            elif block_end and (next_carry != carry or zeros_left > 2):
                fault.next = True

    return instances()
