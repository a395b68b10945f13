"""Bit-plane coding of the BPC stream: blocks of nonzero words as a base and the planes of their differences."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from .corner_turn import corner_turn
from .stream import Stream, SymbolStream

# Kinds of symbol, which determine the length: a whole word (a base or a raw plane), a plane's position, a plane named by
# its code alone, a run of zero planes.
WHOLE, POSITION, NAMED, RUN = range(4)


@block
def plane_coder(plane: Any, difference: Any, code: Any, kind: Any, zero: Any, *, word_bits: int) -> Any:
    """Code one delta bit plane by the table of the format; combinational.

    Parameters
    ----------
    plane, difference : Signal of `word_bits` - 1 bits
        DBX and DBP of the plane, the block's first difference in bit 0.
    code : Signal of `word_bits` bits
        The code, left-aligned; meaningless for a zero plane.
    kind : Signal of 2 bits
        The code's kind.
    zero : Signal of bool
        Whether DBX is all zeros, so that the plane belongs to a run.
    """
    size = word_bits - 1
    position_bits = (word_bits - 1).bit_length()
    starts = Signal(intbv(0)[size:])
    pairs = Signal(intbv(0)[size:])
    one_start = Signal(bool(0))
    no_pair = Signal(bool(0))
    no_triple = Signal(bool(0))
    position = Signal(intbv(0)[position_bits:])

    @always_comb
    def find_edges() -> None:
        starts.next[0] = plane[0]
        pairs.next[0] = False
        for i in range(1, size):
            starts.next[i] = plane[i] and not plane[i - 1]
            pairs.next[i] = plane[i] and plane[i - 1]

    @always_comb
    def count_edges() -> None:
        seen = False
        second_start = False
        triple = False
        for i in range(2, size):
            seen = seen or plane[i - 2]
            second_start = second_start or (seen and starts[i])
            triple = triple or (pairs[i] and pairs[i - 1])
        one_start.next = not second_start
        no_pair.next = pairs == 0
        no_triple.next = not triple

    @always_comb
    def locate() -> None:
        found = intbv(0)[position_bits:]
        for i in range(size):
            if starts[i]:
                found[:] = found | i
        position.next = found

    @always_comb
    def choose() -> None:
        zero.next = plane == 0
        code.next = 0
        if plane == 2**size - 1:
            kind.next = NAMED
        elif difference == 0:
            kind.next = NAMED
            code.next[word_bits - 5] = True
        elif one_start and no_triple:
            kind.next = POSITION
            code.next[word_bits - 4] = True
            code.next[word_bits - 5] = no_pair
            for i in range(position_bits):
                code.next[word_bits - 5 - position_bits + i] = position[i]
        else:
            kind.next = WHOLE
            code.next[word_bits - 1] = True
            for i in range(size):
                code.next[size - 1 - i] = plane[i]
        if plane == 0:
            kind.next = RUN

    return instances()


@block
def symbol_queue(
    clk: Any,
    rst: Any,
    push: Any,
    first: Any,
    both: Any,
    ends_block: Any,
    base: Any,
    code: Any,
    kind: Any,
    zero: Any,
    room: Any,
    symbols: SymbolStream,
    close: Any,
    closed: Any,
    *,
    word_bits: int,
) -> Any:
    """Two symbols between the planes and the packer, with runs of zero planes merged in its tail.

    Two places let the base, which costs no plane, leave while later planes of the block save symbols.

    Parameters
    ----------
    push : Signal of bool
        Take the plane in this cycle; only with `room`.
    first, ends_block : Signal of bool
        The plane is the block's first, so that the base goes before it; its last.
    both : Signal of bool
        The plane and the next one are zero: count two.
    base, code, kind, zero
        The block's base; the plane's code as `plane_coder` gives it.
    room : Signal of bool
        Whether the plane can be taken.
    symbols : SymbolStream
        The coded symbols.
    close, closed : Signal of bool
        End the packet once the queue is empty; it was ended in this cycle.
    """
    position_bits = (word_bits - 1).bit_length()
    run_bits = (word_bits - 1).bit_length()

    head = Signal(intbv(0)[word_bits:])
    head_kind = Signal(intbv(0)[2:])
    head_valid = Signal(bool(0))
    tail = Signal(intbv(0)[word_bits:])
    tail_kind = Signal(intbv(0)[2:])
    tail_valid = Signal(bool(0))

    # The queue never holds two runs, so that the length is kept once: `single`, or `extra` planes more than two.
    growing = Signal(bool(0))
    single = Signal(bool(0))
    extra = Signal(modbv(0)[run_bits:])

    complete = Signal(bool(0))
    pop = Signal(bool(0))
    merge = Signal(bool(0))
    keep = Signal(bool(0))
    advance = Signal(bool(0))
    start = Signal(bool(0))
    insert = Signal(bool(0))

    @always_comb
    def offer() -> None:
        complete.next = head_valid and (tail_valid or not growing)
        symbols.last.next = not head_valid
        symbols.data.next = head
        if head_kind == RUN:
            symbols.data.next[word_bits - 1] = False
            symbols.data.next[word_bits - 2] = single
            symbols.data.next[word_bits - 3] = True
            for i in range(run_bits):
                symbols.data.next[word_bits - 3 - run_bits + i] = extra[i]
        if head_kind == WHOLE:
            symbols.length.next = word_bits
        elif head_kind == POSITION:
            symbols.length.next = 5 + position_bits
        elif head_kind == NAMED:
            symbols.length.next = 5
        elif single:
            symbols.length.next = 2
        else:
            symbols.length.next = 3 + run_bits

    @always_comb
    def handshake() -> None:
        symbols.valid.next = complete or (close and not head_valid)
        closed.next = close and not head_valid and symbols.ready
        pop.next = complete and symbols.ready

    @always_comb
    def make_room() -> None:
        if first:
            room.next = not head_valid or (pop and not tail_valid)
        else:
            room.next = not tail_valid or pop
        merge.next = zero and growing

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if push:
            growing.next = zero and not ends_block
            if first:
                head_valid.next = True
                tail_valid.next = True
            elif merge:
                head_valid.next = True
                tail_valid.next = False
            else:
                head_valid.next = True
                tail_valid.next = head_valid and (tail_valid or not pop)
        elif pop:
            head_valid.next = tail_valid
            tail_valid.next = False

    @always_comb
    def steer() -> None:
        keep.next = head_valid and not pop
        advance.next = pop and tail_valid
        start.next = (pop or not head_valid) and not tail_valid and first
        insert.next = (pop or not head_valid) and not tail_valid and not first

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        for i in range(word_bits):
            head.next[i] = (keep and head[i]) or (advance and tail[i]) or (start and base[i]) or (insert and code[i])
        for i in range(2):
            # The base is WHOLE, which is zero.
            head_kind.next[i] = (keep and head_kind[i]) or (advance and tail_kind[i]) or (insert and kind[i])
        # Whatever is not valid may be overwritten.
        if pop or not tail_valid:
            tail.next = code
            tail_kind.next = kind

    @always_seq(clk.posedge, reset=None)
    def count() -> None:
        if push and zero:
            if not growing:
                single.next = not both
                extra.next = 0
            elif single:
                single.next = False
                extra.next = both
            else:
                extra.next = extra + 1 + both

    return instances()


@block
def bit_plane_encoder(clk: Any, rst: Any, words: Stream, symbols: SymbolStream, *, word_bits: int) -> Any:
    """Code the nonzero words of a packet in blocks of `word_bits` words; zero words are passed over.

    Words enter one array along one side while the planes of the block before leave it across, least significant
    plane first; bit-serial subtractors turn them into planes of differences. A block of `word_bits` words takes
    `word_bits` cycles, one more where its two highest planes are not both zero, and one for each symbol that finds the
    packer busy.

    Parameters
    ----------
    words : Stream
        Words of `word_bits` bits; `ready` depends on `data`.
    symbols : SymbolStream
        The symbols of the BPC stream; `last` comes in a transfer without a symbol.
    """
    size = word_bits
    planes = word_bits - 1

    spare = Signal(intbv(0)[word_bits:])
    spare_valid = Signal(bool(0))
    entering = Signal(intbv(0)[size:])
    leaving = Signal(intbv(0)[size:])
    crossing = Signal(intbv(0)[size:])
    base = Signal(intbv(0)[size:])
    shift = Signal(bool(0))
    upwards = Signal(bool(0))

    index = Signal(modbv(0, min=0, max=size))
    occupied = Signal(bool(0))
    sign = Signal(bool(0))
    closing = Signal(bool(0))
    draining = Signal(bool(0))

    borrow = Signal(intbv(0)[planes:])
    next_borrow = Signal(intbv(0)[planes:])
    overflow = Signal(intbv(0)[planes:])
    previous = Signal(intbv(0)[planes:])
    difference = Signal(intbv(0)[planes:])
    changed = Signal(intbv(0)[planes:])
    code = Signal(intbv(0)[word_bits:])
    kind = Signal(intbv(0)[2:])
    zero = Signal(bool(0))

    word_zero = Signal(bool(0))
    offered = Signal(bool(0))
    feed = Signal(bool(0))
    first = Signal(bool(1))
    top = Signal(bool(0))
    both = Signal(bool(0))
    ends_block = Signal(bool(0))
    room = Signal(bool(0))
    steady = Signal(bool(0))
    step = Signal(bool(0))
    idle = Signal(bool(0))
    close = Signal(bool(0))
    closed = Signal(bool(0))

    turn = corner_turn(clk, shift, upwards, entering, leaving, size=size, crossing=crossing)
    coder = plane_coder(changed, difference, code, kind, zero, word_bits=word_bits)
    queue = symbol_queue(
        clk,
        rst,
        step,
        first,
        both,
        ends_block,
        base,
        code,
        kind,
        zero,
        room,
        symbols,
        close,
        closed,
        word_bits=word_bits,
    )

    @always_comb
    def accept() -> None:
        word_zero.next = words.data == 0
        words.ready.next = not closing and (not spare_valid or words.data == 0 or steady)

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
        base.next = crossing ^ 2 ** (word_bits - 1)

    @always_comb
    def subtract() -> None:
        # Nothing leaves while the sign plane is coded.
        for i in range(planes):
            unequal = not sign and leaving[i + 1] != leaving[i]
            carried = borrow[i] and not first
            difference.next[i] = unequal != carried
            changed.next[i] = (unequal != carried) != (previous[i] and not first)
            overflow.next[i] = unequal and leaving[i] == carried
            if unequal:
                next_borrow.next[i] = leaving[i]
            else:
                next_borrow.next[i] = carried

    @always_comb
    def place() -> None:
        top.next = index == size - 1
        idle.next = index == 0 and not spare_valid
        feed.next = offered or (closing and (index != 0 or occupied))
        close.next = closing and index == 0 and not spare_valid and not occupied and not sign

    @always_comb
    def look_up() -> None:
        both.next = top and zero and overflow == 0
        ends_block.next = sign or (top and zero and overflow == 0)

    @always_comb
    def advance() -> None:
        steady.next = not sign and (not occupied or room)
        shift.next = feed and not sign and (not occupied or room)
        step.next = room and (sign or (occupied and feed))

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if step:
            first.next = ends_block
            sign.next = top and not ends_block
        if shift:
            index.next = index + 1
            if top:
                upwards.next = not upwards
                occupied.next = not draining
        if words.valid and words.ready:
            closing.next = words.last
        elif closed:
            closing.next = False
        draining.next = closing and not closed and (draining or idle or (shift and top))

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

    @always_seq(clk.posedge, reset=None)
    def carry_over() -> None:
        if step:
            borrow.next = next_borrow
            previous.next = difference

    return instances()
