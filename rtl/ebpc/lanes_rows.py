"""Rows of words to the codes of the ZNZ stream and to blocks of nonzero words, a row a cycle."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.ebpc.parallel_loops import ALL_ZERO_ROW, BLOCK, MIXED_ROW, NONZERO_ROW
from silicodec.rtl.blocks.stream import Stream, SymbolStream

WORD_BITS = 8
ROW_BITS = BLOCK * WORD_BITS
PLACE_BITS = BLOCK.bit_length() - 1
ROW_CODE_BITS = 2 + BLOCK


@block
def row_gatherer(clk: Any, rst: Any, words: Stream, rows: Stream) -> Any:
    """Gather rows of 8 words from streams of fewer; zeros fill up a packet's last row.

    Parameters
    ----------
    words : Stream
        1, 2 or 4 words a transfer, the first one in the least significant bits.
    rows : Stream
        Rows.
    """
    part_bits = len(words.data)
    parts = len(rows.data) // part_bits
    row = Signal(intbv(0)[len(rows.data) :])
    index = Signal(modbv(0, min=0, max=parts))
    begun = Signal(bool(0))
    full = Signal(bool(0))
    full_last = Signal(bool(0))
    take = Signal(bool(0))

    @always_comb
    def offer() -> None:
        rows.valid.next = full
        rows.data.next = row
        rows.last.next = full_last

    @always_comb
    def accept() -> None:
        words.ready.next = rows.ready or not full
        take.next = words.valid and (rows.ready or not full)

    @always_comb
    def look() -> None:
        begun.next = index != 0

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if take:
            full.next = words.last or index == parts - 1
            full_last.next = words.last
            index.next = index + 1
            if words.last:
                index.next = 0
        elif rows.ready:
            full.next = False

    @always(clk.posedge)
    def store() -> None:
        if take:
            for part in range(parts):
                for j in range(part_bits):
                    if index == part:
                        row.next[part * part_bits + j] = words.data[j]
                    elif not begun:
                        row.next[part * part_bits + j] = False

    return instances()


class BlockStream:
    """Blocks of nonzero words on their way to their coder, with the handshake of `Stream`.

    `words` are 8 words, the first one in the least significant bits. With `end` there is no block: the packet is over.
    """

    def __init__(self, word_bits: int = WORD_BITS) -> None:
        self.words: Any = Signal(intbv(0)[BLOCK * word_bits :])
        self.end: Any = Signal(bool(0))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))


@block
def row_splitter(clk: Any, rst: Any, rows: Stream, flags: SymbolStream, blocks: BlockStream) -> Any:
    """Code where a row has zeros, and pack its nonzero words into blocks.

    Words go straight to their places in the block, so that nothing but the end of a row that fills a block has to
    wait: in the same places, of which the next block's words are fewer.

    Parameters
    ----------
    rows : Stream
        Rows, the first word in the least significant bits.
    flags : SymbolStream
        The code of a row; `last` comes together with the packet's last one.
    blocks : BlockStream
        Blocks; zeros fill up a packet's last one.
    """
    word_bits = len(rows.data) // BLOCK
    nonzero = Signal(intbv(0)[BLOCK:])
    full = Signal(bool(0))
    places = [Signal(intbv(0)[PLACE_BITS:]) for _ in range(BLOCK)]
    filled = Signal(modbv(0)[PLACE_BITS:])
    total = Signal(intbv(0, min=0, max=2 * BLOCK))
    held = Signal(intbv(0)[BLOCK * word_bits :])
    kept = Signal(intbv(0)[BLOCK:])
    merged = Signal(intbv(0)[BLOCK * word_bits :])
    tail, ending = Signal(bool(0)), Signal(bool(0))
    flags_free, blocks_free = Signal(bool(0)), Signal(bool(0))
    take = Signal(bool(0))
    emit = Signal(bool(0))

    slots = [Signal(intbv(0)[word_bits + 1 :]) for _ in range(BLOCK)]
    present = ConcatSignal(*(slot(word_bits) for slot in reversed(slots)))
    arrived = ConcatSignal(*(slot(word_bits, 0) for slot in reversed(slots)))
    counter = rank_words(nonzero, filled, places, total)
    router = word_router(rows, nonzero, places, slots)

    @always_comb
    def find() -> None:
        for i in range(BLOCK):
            some = False
            for j in range(word_bits):
                some = some or rows.data[word_bits * i + j]
            nonzero.next[i] = some

    @always_comb
    def compare() -> None:
        full.next = nonzero == 2**BLOCK - 1

    @always_comb
    def keep() -> None:
        for i in range(BLOCK):
            kept.next[i] = filled > i

    @always_comb
    def merge() -> None:
        for i in range(BLOCK):
            for j in range(word_bits):
                if kept[i]:
                    merged.next[word_bits * i + j] = held[word_bits * i + j]
                else:
                    merged.next[word_bits * i + j] = arrived[word_bits * i + j] and present[i] and not tail

    @always_comb
    def advance() -> None:
        flags_free.next = flags.ready or not flags.valid
        blocks_free.next = blocks.ready or not blocks.valid

    @always_comb
    def accept() -> None:
        rows.ready.next = flags_free and blocks_free and not tail and not ending
        take.next = rows.valid and flags_free and blocks_free and not tail and not ending
        emit.next = tail or (rows.valid and (total >= BLOCK or (rows.last and total != 0)))

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if take:
            filled.next = total[PLACE_BITS:]
            if rows.last and total <= BLOCK:
                filled.next = 0
            tail.next = rows.last and total > BLOCK
            ending.next = rows.last and total <= BLOCK
        elif blocks_free:
            if tail:
                filled.next = 0
            tail.next = False
            ending.next = tail

    @always_seq(clk.posedge, reset=rst)
    def offer() -> None:
        if flags_free:
            flags.valid.next = take
        if blocks_free:
            blocks.valid.next = tail or ending or (take and emit)

    @always(clk.posedge)
    def store() -> None:
        if take:
            for i in range(BLOCK):
                if present[i]:
                    for j in range(word_bits):
                        held.next[word_bits * i + j] = arrived[word_bits * i + j]
        if blocks_free:
            blocks.words.next = merged
            blocks.end.next = ending

    @always(clk.posedge)
    def code() -> None:
        if flags_free:
            flags.last.next = rows.last
            flags.data.next = 0
            if nonzero == 0:
                flags.data.next[ROW_CODE_BITS - 1] = ALL_ZERO_ROW
                flags.length.next = 1
            elif full:
                flags.data.next[ROW_CODE_BITS : ROW_CODE_BITS - 2] = NONZERO_ROW
                flags.length.next = 2
            else:
                flags.data.next[ROW_CODE_BITS : ROW_CODE_BITS - 2] = MIXED_ROW
                for i in range(BLOCK):
                    flags.data.next[BLOCK - 1 - i] = nonzero[i]
                flags.length.next = ROW_CODE_BITS

    return instances()


@block
def rank_words(nonzero: Any, filled: Any, places: list[Any], total: Any) -> Any:
    """Count the nonzero words before each word, from `filled` on, modulo 8, and all of them."""
    counters = [count_words(nonzero, filled, place, i) for i, place in enumerate(places)]
    all_words = count_words(nonzero, filled, total, BLOCK)
    return instances()


@block
def count_words(nonzero: Any, filled: Any, found: Any, count: int) -> Any:
    """Count the nonzero ones of so many words, from `filled` on."""
    bits = len(found)

    @always_comb
    def add_up() -> None:
        rank = modbv(0)[bits:]
        rank[:] = filled
        for i in range(count):
            rank[:] = rank + nonzero[i]
        found.next = rank

    return instances()


@block
def word_router(rows: Stream, nonzero: Any, places: Any, slots: Any) -> Any:
    """Send the nonzero words of a row to their places in three steps of exchanges, lowest bit of the place first.

    Places are those of words one after the other, modulo 8: of two neighbours at most one has the bit, in each step.

    Parameters
    ----------
    places : list of Signal
        The place of each word; None for 0.
    slots : list of Signal
        A word each, and above it whether there is one.
    """
    word_bits = len(rows.data) // BLOCK
    columns = [Signal(intbv(0)[word_bits + 1 + PLACE_BITS :]) for _ in range(BLOCK)]
    inputs = [join_word(rows.data, nonzero, places[i], columns[i], i) for i in range(BLOCK)]
    exchanges = []
    for step in range(PLACE_BITS):
        width = word_bits + PLACE_BITS - step
        after = slots if step == PLACE_BITS - 1 else [Signal(intbv(0)[width:]) for _ in range(BLOCK)]
        for low in range(BLOCK):
            high = low | 1 << step
            if high != low:
                pair, cross = (columns[low], columns[high]), Signal(bool(0))
                exchanges.append(compare_places(*pair, cross, word_bits=word_bits))
                exchanges.append(exchange(*pair, after[low], after[high], cross, word_bits=word_bits))
        columns = after
    return instances()


@block
def join_word(words: Any, nonzero: Any, place: Any, column: Any, index: int) -> Any:
    """Put a word, whether it is not zero, and its place side by side."""
    word_bits = len(words) // BLOCK
    if place is None:

        @always_comb
        def collect_first() -> None:
            column.next = 0
            for j in range(word_bits):
                column.next[j] = words[word_bits * index + j]
            column.next[word_bits] = nonzero[index]

        return instances()

    @always_comb
    def collect() -> None:
        for j in range(word_bits):
            column.next[j] = words[word_bits * index + j]
        column.next[word_bits] = nonzero[index]
        for j in range(PLACE_BITS):
            column.next[word_bits + 1 + j] = place[j]

    return instances()


@block
def compare_places(first: Any, second: Any, cross: Any, *, word_bits: int) -> Any:
    """Tell whether two words must change sides, by the lowest bit of their places.

    Parameters
    ----------
    first, second : Signal
        From the least significant bit on: the word, whether there is one, and its place.
    cross : Signal of bool
        Whether they must.
    word_bits : int
        Bits of the word, which may be none.
    """

    @always_comb
    def decide() -> None:
        cross.next = (first[word_bits] and first[word_bits + 1]) or (second[word_bits] and not second[word_bits + 1])

    return instances()


@block
def exchange(first: Any, second: Any, low: Any, high: Any, cross: Any, *, word_bits: int) -> Any:
    """Let two words change sides if `cross` says so, and drop the lowest bit of their places; see `compare_places`."""
    bits = len(low)

    @always_comb
    def send() -> None:
        for j in range(bits):
            if j > word_bits:
                if cross:
                    low.next[j] = second[j + 1]
                    high.next[j] = first[j + 1]
                else:
                    low.next[j] = first[j + 1]
                    high.next[j] = second[j + 1]
            elif cross:
                low.next[j] = second[j]
                high.next[j] = first[j]
            else:
                low.next[j] = first[j]
                high.next[j] = second[j]

    return instances()
