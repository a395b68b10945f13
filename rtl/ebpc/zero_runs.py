"""Zero run-length coding of the ZNZ stream: where the zero words of a packet are."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.rtl.blocks.stream import BitWindow, Stream, SymbolStream


def run_length_bits(max_zero_run: int, stream_bits: int) -> int:
    """Return the bits of a run length; raise ValueError where a run and the word after it fit no word of the stream."""
    run_bits = max_zero_run.bit_length() - 1
    if max_zero_run < 2 or max_zero_run != 1 << run_bits:
        raise ValueError(f"max_zero_run must be a power of two of at least 2, not {max_zero_run}")
    if run_bits + 2 > stream_bits:
        raise ValueError(f"max_zero_run must be at most {1 << (stream_bits - 2)} for streams of {stream_bits} bits")
    return run_bits


@block
def zero_run_encoder(clk: Any, rst: Any, words: Stream, symbols: SymbolStream, *, max_zero_run: int) -> Any:
    """Code each nonzero word as `1` and each run of zero words as `0` and its length less one.

    Takes one word per cycle. A run is coded together with the nonzero word that ends it.

    Parameters
    ----------
    words : Stream
        Words; `ready` depends on `data`.
    symbols : SymbolStream
        Symbols of up to log2(`max_zero_run`) + 2 bits.
    max_zero_run : int
        Longest run of one code, a power of two.
    """
    bits = len(symbols.data)
    run_bits = run_length_bits(max_zero_run, bits)

    run = Signal(modbv(0)[run_bits:])
    pending = Signal(bool(0))
    closing = Signal(bool(0))
    zero = Signal(bool(0))
    needed = Signal(bool(0))
    take = Signal(bool(0))

    @always_comb
    def classify() -> None:
        # Only what `valid` gates may decide on a handshake.
        zero.next = words.valid and words.data == 0

    @always_comb
    def code() -> None:
        symbols.data.next[bits - 1] = not pending
        for i in range(run_bits):
            symbols.data.next[bits - 1 - run_bits + i] = run[i]
        for i in range(bits - 1 - run_bits):
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
        needed.next = closing or (words.valid and (not zero or (pending and run == max_zero_run - 1)))
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
        if take:
            if pending:
                run.next = run + 1
            else:
                run.next = 0

    return instances()


@block
def zero_run_decoder(
    clk: Any,
    rst: Any,
    window: BitWindow,
    nonzero: Stream,
    count: Any,
    last_word: Any,
    starving: Any,
    finish: Any,
    runs_over: Any,
    *,
    max_zero_run: int,
) -> Any:
    """Tell for each word of a packet whether it is nonzero, one word per cycle.

    Parameters
    ----------
    window : BitWindow
        The ZNZ stream.
    nonzero : Stream
        One bit per word; `last` on the packet's last word, after which the decoder waits for `finish`.
    count : Signal of bool
        A word is counted in this cycle.
    last_word : Signal of bool
        The next word to be counted is the packet's last.
    starving : Signal of bool
        The next word can't be counted yet.
    finish : Signal of bool
        Forget the packet.
    runs_over : Signal of bool, or None
        A zero run goes on after the packet's last word.
    """
    bits = len(window.data)
    run_bits = run_length_bits(max_zero_run, bits)

    run = Signal(intbv(0)[run_bits:])
    in_run = Signal(bool(0))
    waiting = Signal(bool(0))
    nonzero_valid = Signal(bool(0))
    nonzero_last = Signal(bool(0))
    go = Signal(bool(0))

    @always_comb
    def decide() -> None:
        in_run.next = run != 0
        waiting.next = (
            window.loaded
            and not finish
            and not starving
            and (not nonzero_valid or (nonzero.ready and not nonzero_last))
        )

    @always_comb
    def advance() -> None:
        go.next = waiting and (in_run or window.valid)
        count.next = waiting and (in_run or window.valid)
        window.take.next = waiting and window.valid and not in_run
        window.length.next = run_bits + 1
        if window.data[bits - 1]:
            window.length.next = 1

    @always_comb
    def offer() -> None:
        nonzero.valid.next = nonzero_valid
        nonzero.last.next = nonzero_last

    if runs_over is not None:

        @always_comb
        def report() -> None:
            runs_over.next = in_run

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if finish:
            nonzero_valid.next = False
            run.next = 0
        elif go:
            nonzero_valid.next = True
            if in_run:
                run.next = run - 1
            elif window.data[bits - 1]:
                run.next = 0
            else:
                run.next = window.data[bits - 1 : bits - 1 - run_bits]
        elif nonzero.ready:
            nonzero_valid.next = False

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        # Whatever is not valid may be overwritten.
        if not nonzero_valid or nonzero.ready:
            nonzero.data.next = window.data[bits - 1] and not in_run
            nonzero_last.next = last_word

    return instances()
