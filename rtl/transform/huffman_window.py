"""The next bits of a packet of Huffman code, off words of 16 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, downrange, instances, intbv, modbv

from silicodec.models.transform.huffman import MAX_LENGTH, WORD_BITS
from silicodec.rtl.blocks.stream import Stream


@dataclass(frozen=True)
class WindowView:
    """Signals between a window and who reads code words off it.

    Parameters
    ----------
    window : Signal of 15 bits
        The next bits; after the packet's end zeros if `clean` is wanted, and otherwise of no meaning.
    extra : Signal of 4 bits
        By how many bits `take` moves on, less one.
    crosses : Signal of 16 bits
        For each position in a word, whether it then moves on to the next word.
    take, available : Signal of bool
        Move on; the window can be used.
    exhausted : Signal of bool
        The window begins after the packet's end.
    clean : Signal of bool, or None
        A packet that ends here ends as it should: in its last word, with zeros to the end of it.
    """

    window: Any
    extra: Any
    crosses: Any
    take: Any
    available: Any
    exhausted: Any
    clean: Any


@dataclass(frozen=True)
class PacketOrders:
    """What a window is to do with its packet: not begin; drop the rest, until that is dropped."""

    loading: Any
    over: Any
    drained: Any


@block
def code_window(clk: Any, rst: Any, code: Stream, view: WindowView, orders: PacketOrders) -> Any:
    """Show the next bits of a packet, and move on by a code word at a time.

    Parameters
    ----------
    code : Stream
        The words of the packet.
    view : WindowView
        The window.
    orders : PacketOrders
        When to begin, and when to drop what is left.
    """
    position_bits = WORD_BITS.bit_length() - 1

    word = Signal(intbv(0)[WORD_BITS:])
    word_last = Signal(bool(0))
    loaded = Signal(bool(0))
    position = Signal(intbv(0)[position_bits:])
    new_position = Signal(intbv(0)[position_bits:])
    # Its upper bits drive the wide stages of the shifter, those below `split` by a copy: one register alone takes some
    # 0.3 ns longer. Inverted, the copy is not merged with the first.
    inverted = Signal(modbv(0)[position_bits:])
    split = 2 * WORD_BITS - 9
    crossing = Signal(bool(0))
    passes = Signal(bool(0))
    following = Signal(intbv(0)[WORD_BITS:])
    start = Signal(bool(0))
    advance = Signal(bool(0))

    @always_comb
    def show() -> None:
        both = modbv(0)[2 * WORD_BITS :]
        both[2 * WORD_BITS : WORD_BITS] = word
        both[WORD_BITS:] = following
        shifted = modbv(0)[2 * WORD_BITS :]
        for stage in downrange(position_bits, 2):
            shifted[:] = both << (1 << stage)
            if position[stage]:
                both[2 * WORD_BITS : split] = shifted[2 * WORD_BITS : split]
            if not inverted[stage]:
                both[split:] = shifted[split:]
        for stage in downrange(2):
            if position[stage]:
                both[:] = both << (1 << stage)
        view.window.next = both[2 * WORD_BITS : 2 * WORD_BITS - MAX_LENGTH]

    @always_comb
    def count() -> None:
        # The lowest bit of `extra` comes last: both sums of the upper bits wait for it.
        upper = modbv(0)[position_bits:]
        upper[:] = position[:1] + view.extra[:1]
        if position[0] or view.extra[0]:
            upper[:] = upper + 1
        new_position.next[0] = position[0] == view.extra[0]
        new_position.next[position_bits:1] = upper[position_bits - 1 :]
        passes.next = upper[position_bits - 1]
        crossing.next = view.crosses[position]

    @always_comb
    def handshake() -> None:
        start.next = not loaded and not orders.loading
        advance.next = view.take and crossing
        view.available.next = loaded and not orders.over and (word_last or code.valid)
        orders.drained.next = word_last or (code.valid and code.last)
        code.ready.next = (not loaded and not orders.loading) or (
            not word_last and (orders.over or (view.take and crossing))
        )

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if orders.over:
            loaded.next = not orders.drained
            word_last.next = False
            view.exhausted.next = False
        elif start:
            loaded.next = code.valid
            word_last.next = code.valid and code.last
        elif advance:
            word_last.next = word_last or code.last
            view.exhausted.next = word_last
        elif view.take and passes:
            # Only a malformed table lets a code word reach the next word and not cross; it would never come to an end.
            view.exhausted.next = True

    @always(clk.posedge)
    def store() -> None:
        if start or advance:
            word.next = following
        if start:
            position.next = 0
            inverted.next = WORD_BITS - 1
        elif view.take:
            position.next = new_position
            inverted.next = ~new_position

    # What is not valid may not come near a handshake, not even beyond the end of a malformed packet.
    if view.clean is None:

        @always_comb
        def look_ahead() -> None:
            following.next = 0
            if code.valid:
                following.next = code.data

    else:

        @always_comb
        def look_within() -> None:
            following.next = 0
            if code.valid and not word_last:
                following.next = code.data

        @always_comb
        def check() -> None:
            view.clean.next = word_last and view.window == 0 and view.exhausted == (position == 0)

    return instances()
