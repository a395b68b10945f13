"""Width converters: streams of narrow words to wide ones and back, for memories and DMAs wider than an engine."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv

from silicodec.rtl.blocks.stream import Stream


@block
def stream_widener(clk: Any, rst: Any, source: Stream, sink: Stream) -> Any:
    """Gather words, the first one in the least significant bits, one per cycle.

    Where a packet ends within a wide word, zeros fill it up, and `sink.keep` says which of its bytes are the packet's.

    Parameters
    ----------
    source : Stream
        Words of whole bytes.
    sink : Stream
        Words of several times the width, with `keep`.
    """
    bits, ratio = len(source.data), _ratio(source.data, sink.data)
    word_bytes = bits // 8
    new_bytes = (1 << word_bytes) - 1
    place = Signal(intbv(0, min=0, max=ratio))
    take = Signal(bool(0))

    @always_comb
    def accept() -> None:
        source.ready.next = (not sink.valid or sink.ready) and not rst

    # Apart from `accept`: together they would look like a loop to a simulator.
    @always_comb
    def transfer() -> None:
        take.next = source.valid and (not sink.valid or sink.ready)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if take:
            sink.valid.next = source.last or place == ratio - 1
            if source.last or place == ratio - 1:
                place.next = 0
            else:
                place.next = place + 1
        elif sink.ready:
            sink.valid.next = False

    @always_seq(clk.posedge, reset=None)
    def gather() -> None:
        if take:
            sink.last.next = source.last
            if place == 0:
                sink.data.next = source.data
                sink.keep.next = new_bytes
            else:
                sink.keep.next = (sink.keep << word_bytes) | new_bytes
                for i in range(1, ratio):
                    for k in range(bits):
                        if place == i:
                            sink.data.next[i * bits + k] = source.data[k]

    return instances()


@block
def stream_narrower(clk: Any, rst: Any, source: Stream, sink: Stream) -> Any:
    """Hand out the words of wide ones, from the least significant bits up, one per cycle.

    Parameters
    ----------
    source : Stream
        Words with `keep`, which holds for the first one and as many after it as the packet has.
    sink : Stream
        Words of a part of the width.
    """
    bits, ratio = len(sink.data), _ratio(sink.data, source.data)
    word_bytes, wide_bits = bits // 8, bits * ratio
    word = Signal(intbv(0)[wide_bits:])
    more = Signal(intbv(0)[ratio - 1 :])
    last = Signal(bool(0))
    take = Signal(bool(0))

    @always_comb
    def accept() -> None:
        source.ready.next = (not sink.valid or (sink.ready and more == 0)) and not rst

    # Apart from `accept`: together they would look like a loop to a simulator.
    @always_comb
    def transfer() -> None:
        take.next = source.valid and (not sink.valid or (sink.ready and more == 0))

    @always_comb
    def offer() -> None:
        sink.data.next = word[bits:]
        sink.last.next = last and more == 0

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if take:
            sink.valid.next = True
        elif sink.ready and more == 0:
            sink.valid.next = False

    @always_seq(clk.posedge, reset=None)
    def move() -> None:
        if take:
            word.next = source.data
            last.next = source.last
            for i in range(1, ratio):
                more.next[i - 1] = source.keep[i * word_bytes]
        elif sink.ready:
            word.next = word >> bits
            more.next = more >> 1

    return instances()


def _ratio(narrow: Any, wide: Any) -> int:
    """Return how many words a wide one has; raise ValueError where that is no whole number from 2 on."""
    ratio, rest = divmod(len(wide), len(narrow))
    if rest or ratio < 2 or len(narrow) % 8:
        raise ValueError(f"words of {len(narrow)} bits do not make words of {len(wide)} bits")
    return ratio
