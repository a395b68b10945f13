"""Bit packer: variable-length symbols into full words."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.rtl.blocks.stream import Stream, SymbolStream


@block
def bit_packer(
    clk: Any, rst: Any, symbols: SymbolStream, words: Stream, *, word_bits: int, framed: bool = False
) -> Any:
    """Concatenate variable-length symbols into words, most significant bit first.

    Takes one symbol and delivers at most one word per cycle. A word leaves only once a bit beyond it is known or the
    packet ends, so that the last word can carry `last` whatever it ends on; it is padded with zeros. A packet
    without symbols gives no word, or a word of zeros if `framed`.

    Parameters
    ----------
    symbols : SymbolStream
        Symbols of 1 .. `word_bits` bits.
    words : Stream
        Words of `word_bits` bits.
    word_bits : int
        At least 2.
    framed : bool
        Whether every packet has a word.
    """
    if word_bits < 2:
        raise ValueError(f"word_bits must be at least 2, not {word_bits}")
    shift_bits = (word_bits - 1).bit_length()
    whole = word_bits == 1 << shift_bits

    # Holds `filled + 1` bits from the left. An empty accumulator counts as a full one whose word is `spent`: the next
    # symbol starts a word in either case.
    accumulator = Signal(intbv(0)[word_bits:])
    filled = Signal(modbv(word_bits - 1)[shift_bits:])
    spent = Signal(bool(1))

    rotated = Signal(intbv(0)[word_bits:])
    wrapped = Signal(intbv(0)[shift_bits + 1 :])
    new_filled = wrapped if whole else Signal(intbv(0)[shift_bits + 1 :])
    full = Signal(bool(0))
    take = Signal(bool(0))
    skip = Signal(bool(0))
    shown = Signal(intbv(0)[word_bits:]) if framed else accumulator

    @always_comb
    def rotate() -> None:
        step = intbv(0)[word_bits:]
        step[:] = symbols.data
        for stage in range(shift_bits):
            if filled[stage]:
                step[:] = (step >> (1 << stage)) | ((step << (word_bits - (1 << stage))) & (2**word_bits - 1))
        rotated.next = (step >> 1) | ((step & 1) << (word_bits - 1))

    @always_comb
    def count() -> None:
        # Carry out of the count is the sign of a full word; the rest is where the next symbol goes.
        new_filled.next = filled + symbols.length

    if not whole:

        @always_comb
        def wrap() -> None:
            wrapped.next = new_filled
            if new_filled >= word_bits:
                wrapped.next = new_filled - word_bits

    @always_comb
    def offer() -> None:
        full.next = symbols.last or new_filled >= word_bits
        words.last.next = symbols.last
        for position in range(word_bits):
            if position <= filled:
                words.data.next[word_bits - 1 - position] = shown[word_bits - 1 - position]
            else:
                words.data.next[word_bits - 1 - position] = rotated[word_bits - 1 - position] and not symbols.last

    if framed:

        @always_comb
        def blank() -> None:
            shown.next = 0
            if not spent:
                shown.next = accumulator

        @always_comb
        def pass_over() -> None:
            # A packet that ends while nothing is held has had no symbol.
            skip.next = spent and not symbols.last

    else:

        @always_comb
        def pass_over_spent() -> None:
            skip.next = spent

    @always_comb
    def handshake() -> None:
        words.valid.next = symbols.valid and full and not skip
        # A symbol that completes no word is taken whatever the sink does: the accumulator holds it.
        symbols.ready.next = words.ready or skip or not full
        take.next = symbols.valid and (words.ready or skip or not full)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if take:
            spent.next = symbols.last
            if symbols.last:
                filled.next = word_bits - 1
            else:
                filled.next = wrapped[shift_bits:]

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        # What lies beyond the filled part does not matter.
        for position in range(word_bits):
            if (take and full) or position > filled:
                accumulator.next[word_bits - 1 - position] = rotated[word_bits - 1 - position]

    return instances()
