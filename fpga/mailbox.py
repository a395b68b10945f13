"""Buffers between the link and an engine's streams, which take back or rewind the words of a frame."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.fpga.framing import Request
from silicodec.rtl.blocks.stream import Stream

DEPTH_BITS = 8
"""A buffer has two to the power of this words, less one."""


class ReadPort:
    """What a group of outboxes shows of the one that is selected; all zero if none of them is.

    `available` says that `data`, `last` and `error` are those of a word.
    """

    def __init__(self, bits: int) -> None:
        self.data: Any = Signal(intbv(0)[bits:])
        self.last: Any = Signal(bool(0))
        self.error: Any = Signal(bool(0))
        self.available: Any = Signal(bool(0))


class InboxControl:
    """What the server tells all inboxes: `accept` or `drop`, high for one cycle at the end of a request.

    `overflows` has a signal more than there are inboxes: whether words of the request found no room in those before.
    """

    def __init__(self, inboxes: int) -> None:
        self.accept: Any = Signal(bool(0))
        self.drop: Any = Signal(bool(0))
        self.overflows: list[Any] = [Signal(bool(0)) for _ in range(inboxes + 1)]


class OutboxControl:
    """What the server tells all outboxes, and the words that it gets from them.

    `target` is that of the request that is answered, while the next one may arrive. `advance` goes on to the next word;
    `free` forgets the words that were read since the last `free`, `rewind` goes back to the first of them. `reads` has
    a port more than there are outboxes: the words of the target if it is one of those before.
    """

    def __init__(self, outboxes: int, word_bits: int, target_bits: int) -> None:
        self.target: Any = Signal(intbv(0)[target_bits:])
        self.advance: Any = Signal(bool(0))
        self.free: Any = Signal(bool(0))
        self.rewind: Any = Signal(bool(0))
        self.reads: list[ReadPort] = [ReadPort(word_bits) for _ in range(outboxes + 1)]


@block
def inbox(clk: Any, rst: Any, request: Request, control: InboxControl, sink: Stream, *, number: int) -> Any:
    """Keep the words of requests until the engine takes them.

    Words are stored as they arrive, but offered to the engine only after `accept`; `drop` discards them.

    Parameters
    ----------
    sink : Stream
        The engine's stream.
    number : int
        The target of requests for this inbox, and its place among all.
    """
    bits = len(sink.data)
    accept, drop = control.accept, control.drop
    overflow_of_others, overflow = control.overflows[number : number + 2]
    memory = [Signal(intbv(0)[bits + 1 :]) for _ in range(1 << DEPTH_BITS)]
    head = Signal(intbv(0)[bits + 1 :])
    arriving = Signal(intbv(0)[bits + 1 :])
    stored = Signal(modbv(0)[DEPTH_BITS:])
    accepted = Signal(modbv(0)[DEPTH_BITS:])
    read = Signal(modbv(0)[DEPTH_BITS:])
    next_read = Signal(modbv(0)[DEPTH_BITS:])
    lost = Signal(bool(0))
    addressed = Signal(bool(0))
    after_stored = Signal(modbv(0)[DEPTH_BITS:])
    room = Signal(bool(0))

    @always_comb
    def address() -> None:
        addressed.next = request.store and request.target == number
        after_stored.next = stored + 1

    @always_comb
    def check() -> None:
        room.next = after_stored != read

    @always_comb
    def merge() -> None:
        arriving.next[bits] = request.word_last
        arriving.next[bits:] = request.word[bits:]
        overflow.next = overflow_of_others or lost

    @always_comb
    def look_ahead() -> None:
        next_read.next = read
        if sink.valid and sink.ready:
            next_read.next = read + 1

    @always(clk.posedge)
    def access() -> None:
        if addressed and room:
            memory[stored].next = arriving
        head.next = memory[next_read]

    @always_comb
    def offer() -> None:
        sink.data.next = head[bits:]
        sink.last.next = head[bits]

    @always_seq(clk.posedge, reset=rst)
    def move() -> None:
        read.next = next_read
        sink.valid.next = next_read != accepted
        if accept:
            accepted.next = stored
        if drop:
            stored.next = accepted
        elif addressed and room:
            stored.next = after_stored
        if accept or drop:
            lost.next = False
        elif addressed and not room:
            lost.next = True

    return instances()


@block
def outbox(clk: Any, rst: Any, source: Stream, control: OutboxControl, *, number: int, index: int) -> Any:
    """Keep the engine's words until the host has them.

    Parameters
    ----------
    source : Stream
        The engine's stream.
    number, index : int
        The target of requests for this outbox, and its place among all.
    """
    target, advance, free, rewind = control.target, control.advance, control.free, control.rewind
    others, selected = control.reads[index : index + 2]
    bits = len(source.data)
    memory = [Signal(intbv(0)[bits + 2 :]) for _ in range(1 << DEPTH_BITS)]
    head = Signal(intbv(0)[bits + 2 :])
    arriving = Signal(intbv(0)[bits + 2 :])
    written = Signal(modbv(0)[DEPTH_BITS:])
    read = Signal(modbv(0)[DEPTH_BITS:])
    next_read = Signal(modbv(0)[DEPTH_BITS:])
    kept = Signal(modbv(0)[DEPTH_BITS:])
    available = Signal(bool(0))
    after_written = Signal(modbv(0)[DEPTH_BITS:])
    transfer = Signal(bool(0))
    error = source.error if hasattr(source, "error") else False

    @always_comb
    def increment() -> None:
        after_written.next = written + 1

    @always_comb
    def take() -> None:
        source.ready.next = after_written != kept
        transfer.next = source.valid and after_written != kept

    @always_comb
    def merge() -> None:
        arriving.next[bits + 1] = error
        arriving.next[bits] = source.last
        arriving.next[bits:] = source.data

    @always_comb
    def look_ahead() -> None:
        next_read.next = read
        if rewind:
            next_read.next = kept
        elif advance and target == number:
            next_read.next = read + 1

    @always(clk.posedge)
    def access() -> None:
        if transfer:
            memory[written].next = arriving
        head.next = memory[next_read]

    @always_comb
    def show() -> None:
        selected.data.next = others.data
        selected.last.next = others.last
        selected.error.next = others.error
        selected.available.next = others.available
        if target == number:
            selected.data.next = head[bits:]
            selected.last.next = head[bits]
            selected.error.next = head[bits + 1] and head[bits]
            selected.available.next = available

    @always_seq(clk.posedge, reset=rst)
    def move() -> None:
        read.next = next_read
        available.next = next_read != written
        if free:
            kept.next = read
        if transfer:
            written.next = after_written

    return instances()
