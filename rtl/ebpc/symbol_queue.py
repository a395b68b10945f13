"""The symbols of the BPC stream between their coder and the packer."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.ebpc.tables import ALL_ONES, SINGLE_ONE, SINGLE_ZERO_PLANE, ZERO_PLANES, field_bits
from silicodec.rtl.blocks.stream import SymbolStream
from silicodec.rtl.ebpc.plane_code import NAMED, POSITION, RUN, WHOLE, PlaneSymbol


class PlanePort:
    """Planes on their way into the queue, and the end of a packet.

    With `push` the plane is taken, only with `room`. It is the block's `first`, so that `base` goes before it, or ends
    the block; with `both` the plane and the next one are zero, and count two. `close` ends the packet once the queue is
    empty; `closed` says that this was done. With `overlap` the packet also ends with a block that is `final`.
    """

    def __init__(self, word_bits: int) -> None:
        self.push: Any = Signal(bool(0))
        self.room: Any = Signal(bool(0))
        self.first: Any = Signal(bool(1))
        self.ends_block: Any = Signal(bool(0))
        self.both: Any = Signal(bool(0))
        self.base: Any = Signal(intbv(0)[word_bits:])
        self.close: Any = Signal(bool(0))
        self.closed: Any = Signal(bool(0))
        self.final: Any = Signal(bool(0))


@block
def symbol_queue(
    clk: Any,
    rst: Any,
    planes: PlanePort,
    plane: PlaneSymbol,
    symbols: SymbolStream,
    *,
    word_bits: int,
    block_size: int,
    overlap: bool = False,
) -> Any:
    """Two symbols between the planes and the packer, with runs of zero planes merged in its tail.

    Two places let the base, which costs no plane, leave while later planes of the block save symbols.

    Parameters
    ----------
    planes : PlanePort
        What comes in.
    plane : PlaneSymbol
        The plane's code.
    symbols : SymbolStream
        The coded symbols.
    overlap : bool
        Whether planes of the next packet may follow before this one's end is told.
    """
    bits, run_bits = len(symbols.data), field_bits(word_bits)
    single_zero_length, zeros_length = SINGLE_ZERO_PLANE.length, ZERO_PLANES.length + run_bits
    named_length, positional_length = ALL_ONES.length, SINGLE_ONE.length + field_bits(block_size)
    whole_length: Any = word_bits if block_size == word_bits else Signal(intbv(0, min=0, max=word_bits + 1))

    base: Any = planes.base if bits == word_bits else Signal(intbv(0)[bits:])
    head = Signal(intbv(0)[bits:])
    head_kind = Signal(intbv(0)[2:])
    head_valid = Signal(bool(0))
    tail = Signal(intbv(0)[bits:])
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
        # A run may only leave once the next plane can't lengthen it.
        complete.next = head_valid and (tail_valid or not growing)
        symbols.last.next = not head_valid
        symbols.data.next = head
        if head_kind == RUN:
            # `01`, or `001` and a number: what stands behind `01` does not matter.
            symbols.data.next[bits - 1] = False
            symbols.data.next[bits - 2] = single
            symbols.data.next[bits - 3] = True
            symbols.data.next[bits - 3 : bits - 3 - run_bits] = extra
        if head_kind == WHOLE:
            symbols.length.next = whole_length
        elif head_kind == POSITION:
            symbols.length.next = positional_length
        elif head_kind == NAMED:
            symbols.length.next = named_length
        elif single:
            symbols.length.next = single_zero_length
        else:
            symbols.length.next = zeros_length

    if not overlap:

        @always_comb
        def handshake() -> None:
            symbols.valid.next = complete or (planes.close and not head_valid)
            planes.closed.next = planes.close and not head_valid and symbols.ready
            pop.next = complete and symbols.ready

        @always_comb
        def make_room() -> None:
            if planes.first:
                # A first plane brings the base along and needs both places.
                planes.room.next = not head_valid or (pop and not tail_valid)
            else:
                planes.room.next = not tail_valid or pop
            merge.next = plane.zero and growing

    else:
        ending = Signal(bool(0))
        ended = Signal(bool(0))

        @always_comb
        def handshake_ending() -> None:
            symbols.valid.next = complete or (ending and not head_valid)
            ended.next = ending and not head_valid and symbols.ready
            pop.next = complete and symbols.ready

        @always_comb
        def make_room_after_end() -> None:
            if planes.first:
                planes.room.next = ended or (not ending and (not head_valid or (pop and not tail_valid)))
            else:
                planes.room.next = not tail_valid or pop
            merge.next = plane.zero and growing
            planes.closed.next = planes.close and (ended or not ending)

        @always_seq(clk.posedge, reset=rst)
        def end_packet() -> None:
            # No plane comes between the last one of a packet and this, for a first plane waits for it.
            if planes.closed or (planes.push and planes.ends_block and planes.final):
                ending.next = True
            elif ended:
                ending.next = False

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if planes.push:
            growing.next = plane.zero and not planes.ends_block
            if planes.first:
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
        start.next = (pop or not head_valid) and not tail_valid and planes.first
        insert.next = (pop or not head_valid) and not tail_valid and not planes.first

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        for i in range(bits):
            head.next[i] = (
                (keep and head[i]) or (advance and tail[i]) or (start and base[i]) or (insert and plane.code[i])
            )
        for i in range(2):
            # The base is WHOLE, which is plane.zero.
            head_kind.next[i] = (keep and head_kind[i]) or (advance and tail_kind[i]) or (insert and plane.kind[i])
        # Whatever is not valid may be overwritten.
        if pop or not tail_valid:
            tail.next = plane.code
            tail_kind.next = plane.kind

    if bits > word_bits:

        @always_comb
        def align() -> None:
            base.next = planes.base << (bits - word_bits)

    if block_size < word_bits:
        # A plane without a code of its own is shorter than a base then.
        head_plane, tail_plane = (Signal(bool(0)) for _ in range(2))

        @always_comb
        def measure_whole() -> None:
            whole_length.next = word_bits
            if head_plane:
                whole_length.next = block_size

        @always_seq(clk.posedge, reset=None)
        def tell_apart() -> None:
            head_plane.next = (keep and head_plane) or (advance and tail_plane) or insert
            if pop or not tail_valid:
                tail_plane.next = True

    @always_seq(clk.posedge, reset=None)
    def count() -> None:
        if planes.push and plane.zero:
            if not growing:
                single.next = not planes.both
                extra.next = 0
            elif single:
                single.next = False
                extra.next = planes.both
            else:
                extra.next = extra + 1 + planes.both

    return instances()
