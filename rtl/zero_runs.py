"""Zero run-length coding of the ZNZ stream: where the zero words of a packet are."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, modbv

from .stream import Stream, SymbolStream


@block
def zero_run_encoder(
    clk: Any, rst: Any, words: Stream, symbols: SymbolStream, *, word_bits: int, max_zero_run: int
) -> Any:
    """Code each nonzero word as `1` and each run of zero words as `0` and its length less one.

    Takes one word per cycle. A run is coded together with the nonzero word that ends it.

    Parameters
    ----------
    words : Stream
        Words of `word_bits` bits; `ready` depends on `data`.
    symbols : SymbolStream
        Symbols of up to log2(`max_zero_run`) + 2 bits.
    max_zero_run : int
        Longest run of one code, a power of two.
    """
    run_bits = max_zero_run.bit_length() - 1
    if max_zero_run < 2 or max_zero_run != 1 << run_bits:
        raise ValueError(f"max_zero_run must be a power of two of at least 2, not {max_zero_run}")
    if run_bits + 2 > word_bits:
        raise ValueError(f"max_zero_run must be at most {1 << (word_bits - 2)} for {word_bits}-bit words")

    run = Signal(modbv(0)[run_bits:])
    pending = Signal(bool(0))
    closing = Signal(bool(0))
    zero = Signal(bool(0))
    needed = Signal(bool(0))
    take = Signal(bool(0))

    @always_comb
    def classify() -> None:
        zero.next = words.data == 0

    @always_comb
    def code() -> None:
        symbols.data.next[word_bits - 1] = not pending
        for i in range(run_bits):
            symbols.data.next[word_bits - 1 - run_bits + i] = run[i]
        for i in range(word_bits - 1 - run_bits):
            symbols.data.next[i] = True
        symbols.last.next = closing and not pending
        if not pending:
            symbols.length.next = 1
        elif zero or closing:
            symbols.length.next = run_bits + 1
        else:
            symbols.length.next = run_bits + 2

    @always_comb
    def handshake() -> None:
        needed.next = closing or not zero or (pending and run == max_zero_run - 1)
        symbols.valid.next = closing or (words.valid and (not zero or (pending and run == max_zero_run - 1)))

    @always_comb
    def accept() -> None:
        words.ready.next = not closing and (symbols.ready or not needed)
        take.next = words.valid and not closing and (symbols.ready or not needed)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if take:
            pending.next = zero
            closing.next = words.last
        elif closing and symbols.ready:
            pending.next = False
            closing.next = pending

    @always_seq(clk.posedge, reset=None)
    def count() -> None:
        if take and zero:
            if pending:
                run.next = run + 1
            else:
                run.next = 0

    return instances()
