"""EBPC engines of 16 words a cycle: two of 8, for packets in two parts (`docs/formats/ebpc-parallel.md`)."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances

from silicodec.rtl.blocks.stream import Stream, fork, gated, reset_gate
from silicodec.rtl.ebpc.lanes_codec import ebpc_lanes_decoder, ebpc_lanes_encoder
from silicodec.rtl.ebpc.lanes_rows import BLOCK, WORD_BITS


@block
def ebpc_pair_encoder(
    clk: Any,
    rst: Any,
    words: Stream,
    znz0: Stream,
    bpc0: Stream,
    znz1: Stream,
    bpc1: Stream,
    *,
    word_bits: int = WORD_BITS,
) -> Any:
    """Compress packets of words into two ZNZ and two BPC streams, 16 words a cycle.

    Parameters
    ----------
    words : Stream
        Two rows of 8 words a transfer, the first word in the least significant bits; zeros fill up a packet's last one.
    znz0, bpc0 : Stream
        The first row of each transfer: where the zero words are, in words of 16 bits, and the others, in words of 8
        times `word_bits`.
    znz1, bpc1 : Stream
        The second row.
    word_bits : int
        Bits of a word: 8 or 16.
    """
    halves = [Stream(BLOCK * word_bits) for _ in range(2)]
    (taken,) = gated(words)
    gate = reset_gate(rst, words, taken)
    splitter = split_words(clk, rst, taken, *halves)
    encoders = [
        ebpc_lanes_encoder(clk, rst, half, znz, bpc, word_bits=word_bits)
        for half, znz, bpc in zip(halves, (znz0, znz1), (bpc0, bpc1), strict=True)
    ]
    return instances()


@block
def ebpc_pair_decoder(
    clk: Any,
    rst: Any,
    znz0: Stream,
    bpc0: Stream,
    znz1: Stream,
    bpc1: Stream,
    length: Stream,
    words: Stream,
    *,
    word_bits: int = WORD_BITS,
) -> Any:
    """Restore packets of words from their two ZNZ and two BPC streams, 16 words a cycle.

    Whatever the streams hold, a packet ends after its number of transfers; what is left over of them is dropped.

    Parameters
    ----------
    znz0, bpc0, znz1, bpc1 : Stream
        The streams, as `ebpc_pair_encoder` gives them.
    length : Stream
        The packet's number of transfers: one word, in which zero stands for 2**(its width); `last` is ignored.
    words : Stream
        Two rows of 8 words a transfer. `error` is high with `last` where a stream of the packet was malformed.
    word_bits : int
        Bits of a word: 8 or 16.
    """
    lengths = [Stream(len(length.data)) for _ in range(2)]
    halves = [Stream(BLOCK * word_bits, error=True) for _ in range(2)]
    halves[1].last.read = True  # it comes with the other one's

    (taken,) = gated(length)
    gate = reset_gate(rst, length, taken)
    forker = fork(clk, rst, taken, *lengths)
    decoders = [
        ebpc_lanes_decoder(clk, rst, znz, bpc, count, half, word_bits=word_bits)
        for znz, bpc, count, half in zip((znz0, znz1), (bpc0, bpc1), lengths, halves, strict=True)
    ]
    joiner = join_words(*halves, words)
    return instances()


@block
def split_words(clk: Any, rst: Any, words: Stream, low: Stream, high: Stream) -> Any:
    """Hand the lower half of every word to one stream and the upper half to another, each as soon as it is ready.

    Parameters
    ----------
    words : Stream
        Words.
    low, high : Stream
        Words of half as many bits.
    """
    bits = len(low.data)
    low_done, high_done = Signal(bool(0)), Signal(bool(0))

    @always_comb
    def offer() -> None:
        low.data.next = words.data[bits:]
        low.last.next = words.last
        low.valid.next = words.valid and not low_done
        high.data.next = words.data[2 * bits : bits]
        high.last.next = words.last
        high.valid.next = words.valid and not high_done

    @always_comb
    def accept() -> None:
        words.ready.next = (low.ready or low_done) and (high.ready or high_done)

    @always_seq(clk.posedge, reset=rst)
    def remember() -> None:
        low_done.next = words.valid and (low.ready or low_done) and not (high.ready or high_done)
        high_done.next = words.valid and (high.ready or high_done) and not (low.ready or low_done)

    return instances()


@block
def join_words(low: Stream, high: Stream, words: Stream) -> Any:
    """Put the words of two streams, whose packets are as long as each other, side by side.

    Parameters
    ----------
    low, high : Stream
        The lower and the upper halves.
    words : Stream
        Whole words; `error` is that of either half.
    """
    bits = len(low.data)

    @always_comb
    def offer() -> None:
        words.data.next[bits:] = low.data
        words.data.next[2 * bits : bits] = high.data
        words.valid.next = low.valid and high.valid
        words.last.next = low.last
        words.error.next = low.error or high.error

    @always_comb
    def accept() -> None:
        low.ready.next = words.ready and high.valid
        high.ready.next = words.ready and low.valid

    return instances()
