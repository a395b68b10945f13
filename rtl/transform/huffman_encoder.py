"""Huffman encoder: packets of symbols to words of code, by a table that is loaded at run time."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, concat, instances

from silicodec.models.transform.huffman import MAX_LENGTH, WORD_BITS
from silicodec.rtl.blocks.bit_packer import bit_packer
from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import Stream, SymbolStream, gated, reset_gates


@block
def huffman_encoder(clk: Any, rst: Any, table: Stream, symbols: Stream, code: Stream, *, symbol_bits: int = 8) -> Any:
    """Code packets of symbols, one symbol per cycle, two cycles more per packet.

    Parameters
    ----------
    table : Stream
        One packet before each packet of symbols. A word sets the code of one symbol, the end of the packet counting as
        symbol 2**`symbol_bits`: from the most significant bit the symbol (`symbol_bits` + 1 bits), the code's length
        (4 bits) and the code, left-aligned (15 bits). Other symbols keep their codes.
    symbols : Stream
        Symbols of `symbol_bits` bits, packets of any length.
    code : Stream
        Words of 16 bits.
    symbol_bits : int
        Bits of a symbol, 2 to 8.
    """
    if not 2 <= symbol_bits <= 8:
        raise ValueError(f"symbol_bits must be between 2 and 8, not {symbol_bits}")
    end_of_packet = 1 << symbol_bits
    entry_bits = MAX_LENGTH + MAX_LENGTH.bit_length()

    entries = MemoryPorts(end_of_packet + 1, entry_bits)
    coded = SymbolStream(WORD_BITS)

    loading = Signal(bool(1))
    ending = Signal(bool(0))
    closing = Signal(bool(0))
    accepting = Signal(bool(0))
    move = Signal(bool(0))
    coded_valid = Signal(bool(0))
    coded_last = Signal(bool(0))

    loads, taken = gated(table, symbols)
    gates = reset_gates(rst, [table, symbols], [loads, taken])
    storage = memory(clk, entries)
    packer = bit_packer(clk, rst, coded, code, word_bits=WORD_BITS)

    @always_comb
    def load() -> None:
        loads.ready.next = loading
        entries.write.next = loading and loads.valid
        entries.write_address.next = loads.data[:entry_bits]
        entries.write_data.next = loads.data[entry_bits:]

    @always_comb
    def look_up() -> None:
        entries.read.next = move
        if ending:
            entries.read_address.next = end_of_packet
        else:
            entries.read_address.next = taken.data

    @always_comb
    def handshake() -> None:
        accepting.next = not (loading or ending or closing)
        move.next = coded.ready or not coded_valid

    @always_comb
    def accept() -> None:
        taken.ready.next = accepting and move

    @always_comb
    def offer() -> None:
        coded.valid.next = coded_valid
        coded.last.next = coded_last
        coded.length.next = entries.read_data[:MAX_LENGTH]
        # Codes have at most 15 bits; the packer's symbols are as wide as its words.
        coded.data.next = concat(entries.read_data[MAX_LENGTH:], False)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if loading:
            loading.next = not (loads.valid and loads.last)
        elif move:
            # Two cycles after the last symbol: the code of the end, and the transfer that flushes the packer.
            ending.next = accepting and taken.valid and taken.last
            closing.next = ending
            loading.next = closing

    @always_seq(clk.posedge, reset=rst)
    def advance() -> None:
        if move:
            coded_valid.next = ending or closing or (accepting and taken.valid)
            coded_last.next = closing

    return instances()
