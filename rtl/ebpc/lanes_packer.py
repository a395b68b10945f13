"""Packer of codes that may be wider than the words that they are packed into."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv

from silicodec.rtl.blocks.stream import Stream, SymbolStream


@block
def wide_packer(clk: Any, rst: Any, symbols: SymbolStream, words: Stream, *, word_bits: int) -> Any:
    """Concatenate codes into words, most significant bit first, a code a cycle as long as their bits fit the words.

    A code that completes two words waits for the second one to leave. The last word is padded with zeros.

    Parameters
    ----------
    symbols : SymbolStream
        Codes of at least one bit, followed by zeros; `last` comes together with the packet's last code.
    words : Stream
        Words of `word_bits` bits, a power of two.
    """
    symbol_bits = len(symbols.data)
    shift_bits = word_bits.bit_length() - 1
    total_bits = word_bits - 1 + symbol_bits
    held_bits = max(word_bits, symbol_bits) - 1

    # Holds `filled` bits from the left, and zeros after them.
    accumulator = Signal(intbv(0)[held_bits:])
    filled = Signal(intbv(0, min=0, max=held_bits + 1))
    closing = Signal(bool(0))

    joined = Signal(intbv(0)[total_bits:])
    total = Signal(intbv(0, min=0, max=held_bits + symbol_bits + 1))
    enough = Signal(bool(0))
    over = Signal(bool(0))
    wait = Signal(bool(0))
    leave = Signal(bool(0))
    take = Signal(bool(0))

    @always_comb
    def look() -> None:
        # A word is held, or the rest of a packet: either leaves before the next code is taken.
        over.next = filled >= word_bits
        wait.next = closing or filled >= word_bits

    @always_comb
    def shift() -> None:
        step = intbv(0)[total_bits:]
        if not wait:
            step[total_bits : word_bits - 1] = symbols.data
        for stage in range(shift_bits):
            if filled[stage]:
                step[:] = step >> (1 << stage)
        joined.next = step | (accumulator << (total_bits - held_bits))

    @always_comb
    def count() -> None:
        total.next = filled + symbols.length
        enough.next = symbols.valid and filled + symbols.length >= word_bits

    @always_comb
    def offer() -> None:
        words.valid.next = wait or enough
        words.data.next = joined[total_bits : total_bits - word_bits]
        if wait:
            words.last.next = closing and filled <= word_bits
        else:
            words.last.next = symbols.last and total == word_bits

    @always_comb
    def handshake() -> None:
        symbols.ready.next = not wait and (words.ready or not enough)
        take.next = symbols.valid and not wait and not enough
        leave.next = words.ready and (wait or enough)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if leave:
            if over:
                filled.next = filled - word_bits
                closing.next = closing and filled != word_bits
            elif closing:
                filled.next = 0
                closing.next = False
            else:
                filled.next = total - word_bits
                closing.next = symbols.last and total != word_bits
        elif take:
            filled.next = total
            closing.next = symbols.last

    @always_seq(clk.posedge, reset=rst)
    def store() -> None:
        if leave:
            accumulator.next = joined[symbol_bits - 1 :] << (held_bits - symbol_bits + 1)
        elif take:
            accumulator.next = joined[total_bits : total_bits - held_bits]

    return instances()
