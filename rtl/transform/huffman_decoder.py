"""Huffman decoder: words of code back to packets of symbols, by tables that are loaded at run time."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.transform.huffman import MAX_LENGTH, WORD_BITS
from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import Stream, gated, reset_gates
from silicodec.rtl.transform.huffman_window import PacketOrders, WindowView, code_window

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
    view = WindowView(window, extra, crosses, take, available, exhausted, clean)
    source = code_window(clk, rst, words, view, PacketOrders(loading, over, drained))

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
