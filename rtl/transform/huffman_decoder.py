"""Huffman decoder: words of code back to packets of symbols, by tables that are loaded at run time."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, downrange, instances, intbv, modbv

from silicodec.models.transform.huffman import MAX_LENGTH, WORD_BITS
from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import Stream, gated, reset_gates

LENGTH_BITS = MAX_LENGTH.bit_length()


def table_address_bits(symbol_bits: int) -> int:
    """Return the bits of an address in the decoder's table."""
    return max(symbol_bits + 1, LENGTH_BITS + 1) + 1


@block
def huffman_decoder(
    clk: Any,
    rst: Any,
    table: Stream,
    code: Stream,
    symbols: Stream,
    *,
    symbol_bits: int = 8,
    checked: bool = False,
) -> Any:
    """Restore packets of symbols, one symbol per cycle.

    A packet ends with the end-of-packet symbol, or where the words of code end if that comes first; words that are left
    over are dropped. A packet without a symbol is malformed; one symbol of no meaning stands for it.

    Parameters
    ----------
    table : Stream
        One packet before each packet of code. A word sets one entry: from the most significant bit its address
        (`table_address_bits`) and its value (15 bits). Other entries stay as they were.
    code : Stream
        Words of 16 bits.
    symbols : Stream
        Symbols of `symbol_bits` bits. If `checked`, `error` is high with `last` where the packet was malformed.
    symbol_bits : int
        Bits of a symbol, 2 to 8.
    checked : bool
        Whether to detect malformed packets.
    """
    if not 2 <= symbol_bits <= 8:
        raise ValueError(f"symbol_bits must be between 2 and 8, not {symbol_bits}")
    index_bits = symbol_bits + 1
    high_address = MAX_LENGTH + table_address_bits(symbol_bits) - 1

    # A symbol takes four steps: the length of its code word is found, the word's place in the order of all code words
    # is computed, the symbol there is read, and is held until the next one tells whether it is the packet's last.
    offsets = MemoryPorts(MAX_LENGTH + 1, index_bits)
    order = MemoryPorts((1 << symbol_bits) + 1, index_bits)

    loading = Signal(bool(1))
    over = Signal(bool(0))
    load_limit = Signal(bool(0))

    window = Signal(intbv(0)[MAX_LENGTH:])
    extra = Signal(intbv(0)[LENGTH_BITS:])
    crosses = Signal(intbv(0)[WORD_BITS:])
    available = Signal(bool(0))
    exhausted = Signal(bool(0))
    drained = Signal(bool(0))
    clean = Signal(bool(0)) if checked else None
    take = Signal(bool(0))

    found_valid = Signal(bool(0))
    found_exhausted = Signal(bool(0))
    found_code = Signal(intbv(0)[MAX_LENGTH:])
    found_extra = Signal(intbv(0)[LENGTH_BITS:])
    read_valid = Signal(bool(0))
    read_exhausted = Signal(bool(0))
    at_end = Signal(bool(0))
    held_valid = Signal(bool(0))
    held = Signal(intbv(0)[symbol_bits:])
    offered = Signal(bool(0))
    go = Signal(bool(0))
    done = Signal(bool(0))

    loads, words = gated(table, code)
    gates = reset_gates(rst, [table, code], [loads, words])
    offset_memory = memory(clk, offsets)
    order_memory = memory(clk, order)
    search = length_search(clk, load_limit, loads.data, window, extra, crosses, symbol_bits=symbol_bits)
    source = code_window(
        clk, rst, words, window, extra, crosses, available, take, exhausted, loading, over, drained, clean
    )

    @always_comb
    def load() -> None:
        loads.ready.next = loading
        order.write.next = loading and loads.valid and not loads.data[high_address]
        order.write_address.next = loads.data[MAX_LENGTH + index_bits : MAX_LENGTH]
        order.write_data.next = loads.data[index_bits:]
        offsets.write.next = (
            loading and loads.valid and loads.data[high_address] and not loads.data[MAX_LENGTH + LENGTH_BITS]
        )
        offsets.write_address.next = loads.data[MAX_LENGTH + LENGTH_BITS : MAX_LENGTH]
        offsets.write_data.next = loads.data[index_bits:]
        load_limit.next = loading and loads.valid and loads.data[high_address] and loads.data[MAX_LENGTH + LENGTH_BITS]

    @always_comb
    def find() -> None:
        take.next = available and go
        offsets.read.next = go
        offsets.read_address.next = extra

    @always_comb
    def place() -> None:
        # Of the code, as many bits from the left count as it is long.
        shifted = modbv(0)[WORD_BITS:]
        shifted[WORD_BITS:1] = found_code
        for stage in range(LENGTH_BITS):
            if not found_extra[stage]:
                shifted[:] = shifted >> (1 << stage)
        order.read.next = go and found_valid
        order.read_address.next = (shifted + offsets.read_data) % (1 << index_bits)

    @always_comb
    def offer() -> None:
        at_end.next = read_exhausted or order.read_data[symbol_bits]
        offered.next = read_valid and (held_valid or read_exhausted or order.read_data[symbol_bits])
        symbols.data.next = held

    @always_comb
    def handshake() -> None:
        symbols.valid.next = offered
        symbols.last.next = at_end
        go.next = symbols.ready or not offered
        done.next = symbols.ready and read_valid and at_end

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if loading:
            loading.next = not (loads.valid and loads.last)
        elif over:
            over.next = not drained
            loading.next = drained
        else:
            over.next = done

    @always_seq(clk.posedge, reset=rst)
    def advance() -> None:
        if done:
            found_valid.next = False
            read_valid.next = False
            held_valid.next = False
        elif go:
            found_valid.next = available
            read_valid.next = found_valid
            held_valid.next = held_valid or read_valid

    @always(clk.posedge)
    def store() -> None:
        if go:
            found_code.next = window
            found_extra.next = extra
            found_exhausted.next = exhausted
            read_exhausted.next = found_exhausted
        if go and read_valid:
            held.next = order.read_data[symbol_bits:]

    if checked:
        read_clean = Signal(bool(0))

        @always(clk.posedge)
        def check() -> None:
            if go:
                read_clean.next = clean

        @always_comb
        def report() -> None:
            symbols.error.next = read_exhausted or not read_clean or not held_valid

    return instances()


@block
def code_window(
    clk: Any,
    rst: Any,
    code: Stream,
    window: Any,
    extra: Any,
    crosses: Any,
    available: Any,
    take: Any,
    exhausted: Any,
    loading: Any,
    over: Any,
    drained: Any,
    clean: Any,
) -> Any:
    """Show the next bits of a packet, and move on by a code word at a time.

    Parameters
    ----------
    code : Stream
        The words of the packet.
    window : Signal of 15 bits
        The next bits; after the packet's end zeros if `clean` is wanted, and otherwise of no meaning.
    extra : Signal of 4 bits
        By how many bits `take` moves on, less one.
    crosses : Signal of 16 bits
        For each position in a word, whether it then moves on to the next word.
    available, take : Signal of bool
        The window can be used; move on.
    exhausted : Signal of bool
        The window begins after the packet's end.
    loading, over, drained : Signal of bool
        Do not begin; drop the rest of the packet; it is dropped.
    clean : Signal of bool, or None
        A packet that ends here ends as it should: in its last word, with zeros to the end of it.
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
        window.next = both[2 * WORD_BITS : 2 * WORD_BITS - MAX_LENGTH]

    @always_comb
    def count() -> None:
        # The lowest bit of `extra` comes last: both sums of the upper bits wait for it.
        upper = modbv(0)[position_bits:]
        upper[:] = position[:1] + extra[:1]
        if position[0] or extra[0]:
            upper[:] = upper + 1
        new_position.next[0] = position[0] == extra[0]
        new_position.next[position_bits:1] = upper[position_bits - 1 :]
        passes.next = upper[position_bits - 1]
        crossing.next = crosses[position]

    @always_comb
    def handshake() -> None:
        start.next = not loaded and not loading
        advance.next = take and crossing
        available.next = loaded and not over and (word_last or code.valid)
        drained.next = word_last or (code.valid and code.last)
        code.ready.next = (not loaded and not loading) or (not word_last and (over or (take and crossing)))

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if over:
            loaded.next = not drained
            word_last.next = False
            exhausted.next = False
        elif start:
            loaded.next = code.valid
            word_last.next = code.valid and code.last
        elif advance:
            word_last.next = word_last or code.last
            exhausted.next = word_last
        elif take and passes:
            # Only a malformed table lets a code word reach the next word and not cross; it would never come to an end.
            exhausted.next = True

    @always(clk.posedge)
    def store() -> None:
        if start or advance:
            word.next = following
        if start:
            position.next = 0
            inverted.next = WORD_BITS - 1
        elif take:
            position.next = new_position
            inverted.next = ~new_position

    # What is not valid may not come near a handshake, not even beyond the end of a malformed packet.
    if clean is None:

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
            clean.next = word_last and window == 0 and exhausted == (position == 0)

    return instances()


@block
def length_search(clk: Any, load: Any, table: Any, window: Any, extra: Any, crosses: Any, *, symbol_bits: int) -> Any:
    """Find how long the code word at the start of a window is.

    Left-aligned, all code words of up to L bits come before the longer ones: a limit for every L tells them apart.

    Parameters
    ----------
    load : Signal of bool
        Take a limit from `table`.
    table : Signal
        A word of the table stream: above the limit's 15 bits its L in 4 bits.
    window : Signal of 15 bits
        What begins with the code word.
    extra : Signal of 4 bits
        Its length, less one.
    crosses : Signal of 16 bits
        For each position in a word, whether a code word of this length reaches the next word.
    symbol_bits : int
        Bits of a symbol.
    """
    longer = [Signal(bool(0)) for _ in range(MAX_LENGTH - 1)]
    all_longer = ConcatSignal(*reversed(longer))

    comparators = [
        length_limit(clk, load, table, window, longer[number - 1], number=number, symbol_bits=symbol_bits)
        for number in range(1, MAX_LENGTH)
    ]

    @always_comb
    def search() -> None:
        # What is longer than so many bits is longer than any fewer: each bit of the length is set between two limits.
        reached = intbv(0)[1 << LENGTH_BITS :]
        reached[MAX_LENGTH - 1 :] = all_longer
        found = intbv(0)[LENGTH_BITS:]
        for stage in range(LENGTH_BITS):
            for length in range(1, MAX_LENGTH):
                if length % (2 << stage) == 1 << stage and reached[length - 1]:
                    found[stage] = found[stage] or not reached[length - 1 + (1 << stage)]
        extra.next = found

    @always_comb
    def tell() -> None:
        crosses.next[0] = False
        for i in range(MAX_LENGTH - 1):
            crosses.next[MAX_LENGTH - 1 - i] = all_longer[i]
        crosses.next[WORD_BITS - 1] = True

    return instances()


@block
def length_limit(clk: Any, load: Any, table: Any, window: Any, longer: Any, *, number: int, symbol_bits: int) -> Any:
    """Tell whether the code word at the start of the window is longer than `number` bits.

    The limit is the `number`-bit code word that would come next: one bit longer where there may be none.
    """
    limit_bits = number + (number > symbol_bits)
    address = number - 1
    limit = Signal(intbv(0)[limit_bits:])

    @always(clk.posedge)
    def store() -> None:
        if load and table[MAX_LENGTH + LENGTH_BITS : MAX_LENGTH] == address:
            limit.next = table[limit_bits:]

    @always_comb
    def compare() -> None:
        longer.next = window[: MAX_LENGTH - number] >= limit

    return instances()
