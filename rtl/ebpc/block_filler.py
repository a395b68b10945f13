"""Blocks of fewer words than a word has bits, filled up for an array that turns as many words as bits."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv

from silicodec.rtl.blocks.stream import Stream


class FilledStream(Stream):
    """A stream of words of which some only fill up a block: those with `filler`."""

    def __init__(self, bits: int) -> None:
        super().__init__(bits)
        self.filler: Any = Signal(bool(0))


@block
def block_filler(clk: Any, rst: Any, words: Stream, filled: FilledStream, *, word_bits: int, block_size: int) -> Any:
    """Let `word_bits` - `block_size` fillers follow every `block_size` nonzero words of a packet.

    A block that a packet ends within gets none; `last` is with the last filler where a block ends with its packet.

    Parameters
    ----------
    words, filled : Stream
        Words of `word_bits` bits; `ready` depends on `data`.
    """
    count = Signal(intbv(0, min=0, max=word_bits))
    filling = Signal(bool(0))
    closing = Signal(bool(0))
    complete = Signal(bool(0))

    @always_comb
    def look() -> None:
        complete.next = words.valid and words.data != 0 and count == block_size - 1

    @always_comb
    def offer() -> None:
        filled.data.next = 0
        filled.filler.next = filling
        if filling:
            filled.valid.next = True
            filled.last.next = closing and count == word_bits - 1
        else:
            filled.data.next = words.data
            filled.valid.next = words.valid
            filled.last.next = words.last and not complete

    @always_comb
    def accept() -> None:
        words.ready.next = filled.ready and not filling

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if filled.valid and filled.ready:
            if filled.last or (filling and count == word_bits - 1):
                count.next = 0
                filling.next = False
            elif filling or words.data != 0:
                count.next = count + 1
                filling.next = filling or complete
            if not filling:
                closing.next = words.last and complete

    return instances()
