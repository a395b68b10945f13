"""Bit-plane coding of the BPC stream: blocks of nonzero words to a base and the planes of their differences."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.ebpc.tables import field_bits
from silicodec.rtl.blocks.corner_turn import corner_turn
from silicodec.rtl.blocks.stream import Stream, SymbolStream
from silicodec.rtl.ebpc.block_filler import FilledStream
from silicodec.rtl.ebpc.plane_code import PlaneSymbol, plane_coder
from silicodec.rtl.ebpc.symbol_queue import PlanePort, symbol_queue


@block
def bit_plane_encoder(
    clk: Any,
    rst: Any,
    words: Stream,
    symbols: SymbolStream,
    *,
    word_bits: int,
    block_size: int,
    overlap: bool = False,
) -> Any:
    """Code the nonzero words of a packet in blocks of `block_size` words; zero words are passed over.

    Words enter one array along one side while the planes of the block before leave it across, least significant
    plane first; bit-serial subtractors turn them into planes of differences. A block takes `word_bits` cycles, one more
    where its two highest planes are not both zero, and one for each symbol that finds the packer busy.

    Parameters
    ----------
    words : Stream
        Words of `word_bits` bits; `ready` depends on `data`. A `FilledStream` where a block has fewer than `word_bits`.
    symbols : SymbolStream
        The symbols of the BPC stream; `last` comes in a transfer without a symbol.
    overlap : bool
        Whether words of the next packet push out the last block of this one. The block leaves by itself in a cycle
        without a word; once a nonzero one has entered, it waits for the others.
    """
    size = word_bits
    differences = block_size - 1

    # One word waits here while the sign plane, which shifts nothing in, is coded: the source never sees that cycle.
    spare = Signal(intbv(0)[word_bits:])
    spare_valid = Signal(bool(0))
    entering = Signal(intbv(0)[size:])
    leaving = Signal(intbv(0)[size:])
    crossing = Signal(intbv(0)[size:])
    shift = Signal(bool(0))
    upwards = Signal(bool(0))

    index = Signal(modbv(0)[field_bits(size) :])
    occupied = Signal(bool(0))
    sign = Signal(bool(0))
    closing = Signal(bool(0))
    draining = Signal(bool(0))

    borrow = Signal(intbv(0)[differences:])
    next_borrow = Signal(intbv(0)[differences:])
    overflow = Signal(intbv(0)[differences:])
    previous = Signal(intbv(0)[differences:])
    difference = Signal(intbv(0)[differences:])
    changed = Signal(intbv(0)[differences:])
    symbol = PlaneSymbol(len(symbols.data))
    queued = PlanePort(word_bits)

    word_zero = Signal(bool(0))
    offered = Signal(bool(0))
    feed = Signal(bool(0))
    top = Signal(bool(0))
    steady = Signal(bool(0))
    idle = Signal(bool(0))

    turn = corner_turn(clk, shift, upwards, entering, leaving, size=size, crossing=crossing)
    coder = plane_coder(changed, difference, symbol, block_size=block_size)
    queue = symbol_queue(clk, rst, queued, symbol, symbols, word_bits=word_bits, block_size=block_size, overlap=overlap)

    filler: Any = words.filler if isinstance(words, FilledStream) else None

    # Only what `valid` gates may decide on a handshake.
    if block_size == word_bits:

        @always_comb
        def look_at_word() -> None:
            word_zero.next = words.valid and words.data == 0

    else:

        @always_comb
        def look_at_filled() -> None:
            word_zero.next = words.valid and words.data == 0 and not filler

    if not overlap:

        @always_comb
        def accept() -> None:
            words.ready.next = not closing and (not spare_valid or word_zero or steady)

        @always_comb
        def select() -> None:
            offered.next = spare_valid or (words.valid and not closing and not word_zero)
            word = intbv(0)[word_bits:]
            if spare_valid:
                word[:] = spare
            elif not closing:
                word[:] = words.data
            # In offset binary, the borrow out of the top plane is the sign of the difference.
            entering.next = word ^ 2 ** (word_bits - 1)
            queued.base.next = crossing ^ 2 ** (word_bits - 1)

    else:
        final, sign_final = (Signal(bool(0)) for _ in range(2))

        @always_comb
        def accept_any() -> None:
            words.ready.next = not closing and (not spare_valid or word_zero or (steady and not draining))

        @always_comb
        def select_any() -> None:
            offered.next = not draining and (spare_valid or (words.valid and not closing and not word_zero))
            word = intbv(0)[word_bits:]
            if spare_valid:
                word[:] = spare
            elif not closing:
                word[:] = words.data
            entering.next = word ^ 2 ** (word_bits - 1)
            queued.base.next = crossing ^ 2 ** (word_bits - 1)

    @always_comb
    def subtract() -> None:
        # Nothing leaves while the sign plane is coded.
        for i in range(differences):
            unequal = not sign and leaving[i + 1] != leaving[i]
            # The lowest plane starts without a borrow, which is masked rather than cleared a cycle before.
            carried = borrow[i] and not queued.first
            difference.next[i] = unequal != carried
            changed.next[i] = (unequal != carried) != (previous[i] and not queued.first)
            overflow.next[i] = unequal and leaving[i] == carried
            if unequal:
                next_borrow.next[i] = leaving[i]
            else:
                next_borrow.next[i] = carried

    if not overlap:

        @always_comb
        def place() -> None:
            top.next = index == size - 1
            idle.next = index == 0 and not spare_valid
            # An incomplete block is filled up, and the block before it pushed out, by words that do not count.
            feed.next = offered or (closing and (index != 0 or occupied))
            queued.close.next = closing and index == 0 and not spare_valid and not occupied and not sign

    else:

        @always_comb
        def place_any() -> None:
            top.next = index == size - 1
            idle.next = index == 0 and not spare_valid
            feed.next = offered or draining or (closing and index != 0)
            queued.close.next = closing and index == 0 and not spare_valid and not occupied and not sign
            # The sign plane is that of the block that has left already.
            queued.final.next = (sign and sign_final) or (not sign and final)

    @always_comb
    def look_up() -> None:
        queued.both.next = top and symbol.zero and overflow == 0
        queued.ends_block.next = sign or (top and symbol.zero and overflow == 0)

    @always_comb
    def advance() -> None:
        steady.next = not sign and (not occupied or queued.room)
        shift.next = feed and not sign and (not occupied or queued.room)
        queued.push.next = queued.room and (sign or (occupied and feed))

    if size == 1 << field_bits(size):

        @always_seq(clk.posedge, reset=rst)
        def count_words() -> None:
            if shift:
                index.next = index + 1

    else:

        @always_seq(clk.posedge, reset=rst)
        def count_up_to_top() -> None:
            if shift:
                index.next = index + 1
                if top:
                    index.next = 0

    if not overlap:

        @always_seq(clk.posedge, reset=rst)
        def control() -> None:
            if queued.push:
                queued.first.next = queued.ends_block
                sign.next = top and not queued.ends_block
            if shift and top:
                upwards.next = not upwards
                occupied.next = not draining
            if words.valid and words.ready:
                closing.next = words.last
            elif queued.closed:
                closing.next = False
            draining.next = closing and not queued.closed and (draining or idle or (shift and top))

        @always_seq(clk.posedge, reset=rst)
        def spare_control() -> None:
            if spare_valid and not shift:
                spare_valid.next = True
            else:
                spare_valid.next = words.valid and words.ready and not word_zero and (spare_valid or not shift)

        @always_seq(clk.posedge, reset=None)
        def store() -> None:
            if not spare_valid or shift:
                spare.next = words.data

    else:

        @always_seq(clk.posedge, reset=rst)
        def control_overlapped() -> None:
            if queued.push:
                queued.first.next = queued.ends_block
                sign.next = top and not queued.ends_block
            if shift and top:
                upwards.next = not upwards
                occupied.next = not draining
            if words.valid and words.ready:
                closing.next = words.last
            elif queued.closed or (shift and top and not draining) or (idle and occupied and not final):
                closing.next = False
            # Words that do not count push out a packet's last block where no others come.
            if draining:
                draining.next = not (shift and top)
            else:
                draining.next = idle and occupied and final and (closing or not words.valid)

        @always_seq(clk.posedge, reset=rst)
        def mark() -> None:
            # A packet ends with the block that its last word completes, or with the one before it.
            if shift and top:
                sign_final.next = final
                final.next = closing and not draining
            elif closing and idle and occupied:
                final.next = True

        @always_seq(clk.posedge, reset=rst)
        def spare_control_overlapped() -> None:
            if spare_valid and (draining or not shift):
                spare_valid.next = True
            else:
                spare_valid.next = (
                    words.valid and words.ready and not word_zero and (spare_valid or draining or not shift)
                )

        @always_seq(clk.posedge, reset=None)
        def store_overlapped() -> None:
            if not spare_valid or (shift and not draining):
                spare.next = words.data

    @always_seq(clk.posedge, reset=None)
    def carry_over() -> None:
        if queued.push:
            borrow.next = next_borrow
            previous.next = difference

    return instances()
