"""The stream: how words travel between blocks and in and out of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv


class Stream:
    """Signals of one stream with valid/ready handshake.

    A transfer happens on a rising clock edge where `valid` and `ready` are both high. Once `valid` is high it stays
    so, with `data`, `last` and `error` unchanged, until the transfer; `valid` never waits for `ready`. `last` marks
    the end of a packet.

    Parameters
    ----------
    bits : int
        Width of `data`.
    error : bool
        Whether the stream has an `error` signal, which is meaningful together with `last`.
    keep : bool
        Whether it has a `keep` signal: which bytes of `data` are the packet's, all but with `last`, where there may be
        fewer; the lowest ones, and at least one.
    """

    def __init__(self, bits: int, *, error: bool = False, keep: bool = False) -> None:
        self.data: Any = Signal(bool(0)) if bits == 1 else Signal(intbv(0)[bits:])
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))
        if error:
            self.error: Any = Signal(bool(0))
        if keep:
            self.keep: Any = every_byte(bits)


def every_byte(bits: int) -> Any:
    """Return a signal of a bit for each byte of a word, all set."""
    return Signal(intbv((1 << (bits // 8)) - 1)[bits // 8 :])


class StreamGroup:
    """Streams that carry parts of one word, or one result each; a top level numbers them if there are several.

    Parameters
    ----------
    streams : sequence of Stream
        At least one.
    """

    def __init__(self, streams: Sequence[Stream]) -> None:
        self.streams = tuple(streams)
        # MyHDL makes ports of an argument's attributes, and of theirs, by their names.
        vars(self).update(vars(streams[0]) if len(streams) == 1 else {str(i): s for i, s in enumerate(streams)})


class AxiStream:
    """The same stream under AXI4-Stream's names; `tuser` is the error flag."""

    def __init__(self, bits: int, *, error: bool = False, keep: bool = False) -> None:
        self.tdata: Any = Signal(intbv(0)[bits:])
        self.tvalid: Any = Signal(bool(0))
        self.tready: Any = Signal(bool(0))
        self.tlast: Any = Signal(bool(0))
        if error:
            self.tuser: Any = Signal(bool(0))
        if keep:
            self.tkeep: Any = every_byte(bits)

    def stream(self) -> Stream:
        """Return the same signals under this library's names."""
        stream = Stream.__new__(Stream)
        stream.data, stream.valid, stream.ready, stream.last = self.tdata, self.tvalid, self.tready, self.tlast
        if hasattr(self, "tuser"):
            stream.error = self.tuser
        if hasattr(self, "tkeep"):
            stream.keep = self.tkeep
        return stream


class SymbolStream:
    """Variable-length codes on their way to a bit packer, with the handshake of `Stream`.

    `data` holds the symbol left-aligned, `length` its number of bits, 1 .. `bits`. A transfer with `last` ends the
    packet and carries no symbol.
    """

    def __init__(self, bits: int) -> None:
        self.data: Any = Signal(intbv(0)[bits:])
        self.length: Any = Signal(intbv(0, min=0, max=bits + 1))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))


class BitWindow:
    """The next bits of a packet, and how many of them their user takes.

    `data` is meaningful while `valid` is high; on a rising clock edge where `take` is high the window moves on by
    `length` bits. `loaded` says that the packet has begun, `ended` that its last word has been read, and `clean` that
    nothing but a proper padding is left.
    """

    def __init__(self, bits: int) -> None:
        self.data: Any = Signal(intbv(0)[bits:])
        self.valid: Any = Signal(bool(0))
        self.take: Any = Signal(bool(0))
        self.length: Any = Signal(intbv(0, min=0, max=bits + 1))
        self.loaded: Any = Signal(bool(0))
        self.ended: Any = Signal(bool(0))
        self.clean: Any = Signal(bool(0))


@block
def reset_gate(rst: Any, source: Stream, sink: Stream) -> Any:
    """Pass a stream on, but nothing while `rst` is high: a word taken then would be lost, or change a memory."""

    @always_comb
    def offer() -> None:
        sink.data.next = source.data
        sink.last.next = source.last
        sink.valid.next = source.valid and not rst

    # Apart from `offer`: together they would look like a loop to a simulator.
    @always_comb
    def accept() -> None:
        source.ready.next = sink.ready and not rst

    return instances()


def gated(*sources: Stream) -> list[Stream]:
    """Return streams of the same widths, for what comes of an engine's inputs after `reset_gates`."""
    return [Stream(len(source.data)) for source in sources]


@block
def reset_gates(rst: Any, sources: Sequence[Stream], sinks: Sequence[Stream]) -> Any:
    """Put a `reset_gate` into each of some streams."""
    gates = [reset_gate(rst, source, sink) for source, sink in zip(sources, sinks, strict=True)]
    return instances()


@block
def fork(clk: Any, rst: Any, source: Stream, first: Stream, second: Stream) -> Any:
    """Hand every word of `source` to `first` and `second`, each as soon as it is ready.

    A sink that has taken the word while the other one has not is remembered: its `valid` may not wait for the other's
    `ready`.
    """
    first_done, second_done = (Signal(bool(0)) for _ in range(2))

    @always_comb
    def offer() -> None:
        first.data.next = source.data
        first.last.next = source.last
        first.valid.next = source.valid and not first_done
        second.data.next = source.data
        second.last.next = source.last
        second.valid.next = source.valid and not second_done

    @always_comb
    def accept() -> None:
        source.ready.next = (first.ready or first_done) and (second.ready or second_done)

    @always_seq(clk.posedge, reset=rst)
    def remember() -> None:
        first_done.next = source.valid and (first.ready or first_done) and not (second.ready or second_done)
        second_done.next = source.valid and (second.ready or second_done) and not (first.ready or first_done)

    return instances()
