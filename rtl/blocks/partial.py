"""Packets that end within a word: bytes that are not the packet's become zeros, or are told by `keep`."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv

from silicodec.rtl.blocks.stream import Stream

DEPTH = 4
"""Packets that may be under way between the streams of `tail_keeper`."""


@block
def byte_mask(data: Any, keep: Any, kept: Any) -> Any:
    """Give a word with zeros for the bytes that `keep` has no bit for."""

    @always_comb
    def drive() -> None:
        for i in range(len(keep)):
            for j in range(8):
                kept.next[8 * i + j] = data[8 * i + j] and keep[i]

    return instances()


@block
def tail_keeper(clk: Any, rst: Any, sizes: Stream, length: Stream, whole: Stream, words: Stream) -> Any:
    """Tell an engine how many words its packets have, from their bytes, and mark the bytes of their last words.

    Parameters
    ----------
    sizes : Stream
        Bytes of a packet; zero stands for 2**(its width).
    length : Stream
        Words of a packet, to the engine; zero stands for 2**(its width).
    whole : Stream
        The packets that the engine gives for them, in the same order.
    words : Stream
        The same words, with `keep`.
    """
    count = len(words.keep)
    tail_bits = count.bit_length() - 1
    bits = len(length.data)
    # How many bytes the last words of the packets have that are under way; 0 for all.
    tails = Signal(intbv(0)[DEPTH * tail_bits :])
    held = Signal(intbv(0, min=0, max=DEPTH + 1))
    room, push, pop = (Signal(bool(0)) for _ in range(3))
    tail = Signal(intbv(0)[tail_bits:])
    length.last.read = True  # an engine may ignore it

    @always_comb
    def look() -> None:
        room.next = held != DEPTH

    @always_comb
    def divide() -> None:
        length.last.next = sizes.last
        length.valid.next = sizes.valid and room
        length.data.next = sizes.data[bits + tail_bits : tail_bits]
        if tail != 0:
            length.data.next = (sizes.data[bits + tail_bits : tail_bits] + 1) & ((1 << bits) - 1)

    @always_comb
    def measure() -> None:
        tail.next = sizes.data[tail_bits:]

    @always_comb
    def accept() -> None:
        sizes.ready.next = length.ready and room
        push.next = sizes.valid and length.ready and room

    @always_comb
    def offer() -> None:
        words.data.next = whole.data
        words.valid.next = whole.valid
        words.last.next = whole.last
        for i in range(count):
            words.keep.next[i] = not whole.last or tails[tail_bits:] == 0 or tails[tail_bits:] > i

    if hasattr(whole, "error"):

        @always_comb
        def blame() -> None:
            # Before the last word an engine's error may be unknown.
            words.error.next = whole.last and whole.error

    @always_comb
    def finish() -> None:
        whole.ready.next = words.ready
        pop.next = whole.valid and words.ready and whole.last

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if push and not pop:
            held.next = held + 1
        elif pop and not push:
            held.next = held - 1

    @always(clk.posedge)
    def store() -> None:
        for k in range(DEPTH):
            for i in range(tail_bits):
                if push and ((not pop and held == k) or (pop and held == k + 1)):
                    tails.next[k * tail_bits + i] = tail[i]
                elif pop and k < DEPTH - 1:
                    tails.next[k * tail_bits + i] = tails[((k + 1) * tail_bits + i) % (DEPTH * tail_bits)]

    return instances()
