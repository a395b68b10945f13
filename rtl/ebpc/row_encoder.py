"""Rows of 8 words to packets of EBPC in which each row is coded by itself: `silicodec.models.ebpc.row_packets`."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, block, instances, intbv, modbv

from silicodec.models.ebpc.row_packets import BLOCK_ROW, KIND_BITS, MIXED_ROW, MOST_ROW_BITS, PORT_BITS
from silicodec.rtl.blocks.stream import Stream, SymbolStream
from silicodec.rtl.ebpc.lanes_coder import CODE_BITS, PlaneStream, block_coder, plane_maker
from silicodec.rtl.ebpc.lanes_packer import wide_packer
from silicodec.rtl.ebpc.lanes_rows import BLOCK, PLACE_BITS, ROW_BITS, WORD_BITS, BlockStream, word_router

TOTAL_BITS = PLACE_BITS + 1
"""Bits of a number of words of a row."""


class PackedWords:
    """The words of a row that are not zero, in order.

    Attributes
    ----------
    data : Signal of 64 bits
        These words from the most significant byte on, and zeros after them.
    nonzero : Signal of 8 bits
        Which they are, the row's first word in the least significant bit.
    count : Signal
        How many.
    last : Signal of bool
        The row is its packet's last one.
    """

    def __init__(self) -> None:
        self.data: Any = Signal(intbv(0)[ROW_BITS:])
        self.nonzero: Any = Signal(intbv(0)[BLOCK:])
        self.count: Any = Signal(modbv(0)[TOTAL_BITS:])
        self.last: Any = Signal(bool(0))


@block
def row_encoder(clk: Any, rst: Any, rows: Stream, flip: Any, words: Stream) -> Any:
    """Compress packets of rows, a row a cycle.

    Parameters
    ----------
    rows : Stream
        Rows of 8 words, the first one in the most significant bits.
    flip : Signal of bool
        The words' zero is -128 instead of 0; it may change between packets.
    words : Stream
        Packets, in words of 64 bits.
    """
    turned = Stream(ROW_BITS)
    blocks, planes, codes, symbols = BlockStream(), PlaneStream(), SymbolStream(CODE_BITS), SymbolStream(MOST_ROW_BITS)
    codes.last.read = True  # of no use, as a block's `end`
    found, coming, packed = PackedWords(), PackedWords(), PackedWords()
    packer = pack_words(turned, found)
    # The packed words go along with the planes, since it depends on the planes' code which of the two is shorter.
    maker = plane_maker(clk, rst, blocks, planes)
    coder = block_coder(clk, rst, planes, codes)
    steps = [delay_words(clk, blocks.ready, found, coming), delay_words(clk, planes.ready, coming, packed)]
    choice = choose_code(codes, packed, symbols)
    concatenation = wide_packer(clk, rst, symbols, words, word_bits=PORT_BITS)

    @always_comb
    def turn() -> None:
        for i in range(BLOCK):
            for j in range(WORD_BITS):
                turned.data.next[WORD_BITS * i + j] = rows.data[WORD_BITS * (BLOCK - 1 - i) + j] != (
                    flip and j == WORD_BITS - 1
                )

    @always_comb
    def enter() -> None:
        blocks.words.next = turned.data
        blocks.valid.next = rows.valid
        # A packet ends with its last row, and needs no mark.
        blocks.end.next = rows.valid and not rows.valid
        found.last.next = rows.last

    @always_comb
    def accept() -> None:
        rows.ready.next = blocks.ready

    return instances()


@block
def pack_words(row: Stream, packed: PackedWords) -> Any:
    """Move the words of a row together that are not zero.

    Parameters
    ----------
    row : Stream
        Its `data` is a row, the first word in the least significant bits.
    packed : PackedWords
        These words; `last` is not driven.
    """
    nonzero = packed.nonzero
    places = [None, *(Signal(modbv(0)[PLACE_BITS:]) for _ in range(BLOCK - 1))]
    counters = [count_before(nonzero, places[i], i) for i in range(1, BLOCK)]
    counter = count_before(nonzero, packed.count, BLOCK)
    slots = [Signal(intbv(0)[WORD_BITS + 1 :]) for _ in range(BLOCK)]
    router = word_router(row, nonzero, places, slots)
    together = ConcatSignal(*(slot(WORD_BITS, 0) for slot in slots))

    @always_comb
    def find() -> None:
        for i in range(BLOCK):
            some = False
            for j in range(WORD_BITS):
                some = some or row.data[WORD_BITS * i + j]
            nonzero.next[i] = some

    @always_comb
    def join() -> None:
        # Where no word was sent to, there is a word of zeros: one that was not sent anywhere.
        packed.data.next = together

    return instances()


@block
def count_before(nonzero: Any, count: Any, number: int) -> Any:
    """Count the words that are not zero among the first so many of a row."""
    bits = len(count)

    @always_comb
    def add_up() -> None:
        total = modbv(0)[bits:]
        for i in range(number):
            total[:] = total + nonzero[i]
        count.next = total

    return instances()


@block
def delay_words(clk: Any, move: Any, before: PackedWords, after: PackedWords) -> Any:
    """Hold packed words in registers."""

    @always(clk.posedge)
    def keep() -> None:
        if move:
            after.data.next = before.data
            after.nonzero.next = before.nonzero
            after.count.next = before.count
            after.last.next = before.last

    return instances()


@block
def choose_code(codes: SymbolStream, packed: PackedWords, symbols: SymbolStream) -> Any:
    """Take the shorter one of a row's two codes.

    Parameters
    ----------
    codes : SymbolStream
        The code as a block.
    packed : PackedWords
        The words that are not zero.
    symbols : SymbolStream
        The row's code.
    """
    flags_low = MOST_ROW_BITS - KIND_BITS - BLOCK
    spare = ROW_BITS - flags_low

    @always_comb
    def choose() -> None:
        symbols.data.next = (BLOCK_ROW << CODE_BITS) | codes.data
        symbols.length.next = codes.length + KIND_BITS
        if packed.count == 0:
            symbols.data.next = 0
            symbols.length.next = 1
        elif codes.length > ((packed.count + 1) << 3):
            # Never with 8 words, which a code of 70 bits has no room for.
            symbols.data.next = packed.data[ROW_BITS:spare]
            for i in range(BLOCK):
                symbols.data.next[flags_low + BLOCK - 1 - i] = packed.nonzero[i]
            symbols.data.next[MOST_ROW_BITS : MOST_ROW_BITS - KIND_BITS] = MIXED_ROW
            symbols.length.next = (packed.count << 3) + KIND_BITS + BLOCK

    @always_comb
    def forward() -> None:
        symbols.valid.next = codes.valid
        symbols.last.next = packed.last

    @always_comb
    def backward() -> None:
        codes.ready.next = symbols.ready

    return instances()
