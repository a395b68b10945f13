"""Bit unpacker: a window that slides over the words of a packet by as many bits as its user takes."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, downrange, instances, intbv, modbv

from silicodec.rtl.blocks.stream import BitWindow, Stream


@block
def bit_unpacker(
    clk: Any, rst: Any, words: Stream, window: BitWindow, start: Any, finish: Any, *, word_bits: int, checked: bool
) -> Any:
    """Show the next `word_bits` bits of a packet, most significant bit first.

    What follows the packet's end, for ever, is zeros if `checked`, and otherwise of no meaning.

    Parameters
    ----------
    words : Stream
        Words of `word_bits` bits.
    window : BitWindow
        What is shown, and how much of it is taken.
    start : Signal of bool
        Take the next packet's first word.
    finish : Signal of bool
        Drop the rest of the packet; `window.loaded` falls when that is done.
    word_bits : int
        At least 2.
    checked : bool
        Whether `window.clean` is driven, which needs the zeros.
    """
    if word_bits < 2:
        raise ValueError(f"word_bits must be at least 2, not {word_bits}")
    shift_bits = (word_bits - 1).bit_length()
    whole = word_bits == 1 << shift_bits

    word = Signal(intbv(0)[word_bits:])
    word_last = Signal(bool(0))
    loaded = Signal(bool(0))
    used = Signal(intbv(0)[shift_bits:])
    wrapped = Signal(intbv(0)[shift_bits + 1 :])
    new_used = wrapped if whole else Signal(intbv(0)[shift_bits + 1 :])
    following = Signal(intbv(0)[word_bits:])
    load = Signal(bool(0))

    @always_comb
    def show() -> None:
        both = modbv(0)[2 * word_bits :]
        both[2 * word_bits : word_bits] = word
        both[word_bits:] = following
        for stage in downrange(shift_bits):
            if used[stage]:
                both[:] = both << (1 << stage)
        window.data.next = both[2 * word_bits : word_bits]

    @always_comb
    def count() -> None:
        new_used.next = used + window.length

    if not whole:

        @always_comb
        def wrap() -> None:
            wrapped.next = new_used
            if new_used >= word_bits:
                wrapped.next = new_used - word_bits

    @always_comb
    def status() -> None:
        window.loaded.next = loaded
        window.ended.next = loaded and word_last
        # The window may reach into the next word, which stays on the stream until the current one is used up.
        window.valid.next = loaded and (word_last or words.valid)

    @always_comb
    def handshake() -> None:
        # Loads beyond the packet's end too, so that the window fills with the zeros of `look_within`.
        load.next = (start and not loaded) or (window.take and new_used >= word_bits)
        words.ready.next = (start and not loaded) or (
            not word_last and ((finish and loaded) or (window.take and new_used >= word_bits))
        )

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if finish:
            loaded.next = loaded and not window.ended and not (words.valid and words.last)
        elif start and words.valid:
            loaded.next = True
        if finish:
            word_last.next = False
        elif load and words.valid and not word_last:
            word_last.next = words.last

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        if load:
            word.next = following
        if not loaded:
            used.next = 0
        elif window.take:
            used.next = wrapped[shift_bits:]

    # What is not valid may not come near a handshake, not even beyond the end of a malformed packet.
    if not checked:

        @always_comb
        def look_ahead() -> None:
            following.next = 0
            if words.valid:
                following.next = words.data

    else:

        @always_comb
        def look_within() -> None:
            following.next = 0
            if words.valid and not word_last:
                following.next = words.data

        beyond = Signal(bool(0))
        overrun = Signal(bool(0))

        @always_comb
        def check() -> None:
            window.clean.next = loaded and word_last and window.data == 0 and (used != 0 or beyond) and not overrun

        @always_seq(clk.posedge, reset=rst)
        def track() -> None:
            if not loaded:
                beyond.next = False
                overrun.next = False
            elif window.take and word_last:
                beyond.next = beyond or load
                overrun.next = overrun or beyond or new_used > word_bits

    return instances()
