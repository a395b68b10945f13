"""The register slice: it cuts every combinational path of a stream, forward and back."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances

from silicodec.rtl.blocks.stream import Stream


@block
def register_slice(clk: Any, rst: Any, source: Stream, sink: Stream) -> Any:
    """Pass a stream on by registers in both directions, one word per cycle, a cycle later.

    It holds two words: one more may come after `sink` has stopped taking them, before `source.ready` can tell.

    Parameters
    ----------
    source : Stream
        Any words.
    sink : Stream
        The same words, and the same `error` where both streams have it.
    """
    spare_full = Signal(bool(0))
    move = Signal(bool(0))

    @always_comb
    def advance() -> None:
        move.next = sink.ready or not sink.valid

    # Apart from `advance`: together they would look like a loop to a simulator.
    @always_comb
    def accept() -> None:
        source.ready.next = not spare_full and not rst

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if move:
            sink.valid.next = source.valid or spare_full
            spare_full.next = False
        else:
            spare_full.next = spare_full or source.valid

    data = _field(clk, move, spare_full, source.data, sink.data)
    last = _field(clk, move, spare_full, source.last, sink.last)
    if hasattr(source, "error"):
        error = _field(clk, move, spare_full, source.error, sink.error)
    if hasattr(source, "keep"):
        keep = _field(clk, move, spare_full, source.keep, sink.keep)
    return instances()


@block
def _field(clk: Any, move: Any, spare_full: Any, incoming: Any, outgoing: Any) -> Any:
    """Keep one signal of the word on offer, and of the word after it while there is one."""
    spare = Signal(incoming.val)

    @always_seq(clk.posedge, reset=None)
    def keep() -> None:
        if move:
            if spare_full:
                outgoing.next = spare
            else:
                outgoing.next = incoming
        if not spare_full:
            spare.next = incoming

    return instances()
