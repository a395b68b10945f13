"""The ZNZ stream of parallel EBPC and blocks of nonzero words to rows of words, a row a cycle."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.ebpc.parallel_loops import BLOCK
from silicodec.rtl.blocks.stream import BitWindow, Stream
from silicodec.rtl.ebpc.lanes_planes import CheckedBlocks
from silicodec.rtl.ebpc.lanes_rows import (
    PLACE_BITS,
    ROW_CODE_BITS,
    compare_places,
    exchange,
    rank_words,
)


class FlagStream:
    """Which words of rows are not zero, with the handshake of `Stream`.

    `parts` says how many transfers a row has after the first, and `last` comes with the packet's last one. In the
    cycle after that was handed over, `fault` says whether the packet's stream was malformed.
    """

    def __init__(self) -> None:
        self.nonzero: Any = Signal(intbv(0)[BLOCK:])
        self.last: Any = Signal(bool(0))
        self.parts: Any = Signal(intbv(0)[PLACE_BITS:])
        self.fault: Any = Signal(bool(0))
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))


@block
def flag_reader(
    clk: Any, rst: Any, length: Stream, window: BitWindow, start: Any, finish: Any, flags: FlagStream, *, lanes: int
) -> Any:
    """Read which words of each row are not zero.

    Parameters
    ----------
    length : Stream
        A packet's number of transfers of `lanes` words.
    window : BitWindow
        The ZNZ stream.
    start, finish : Signal of bool
        As of `bit_unpacker`.
    flags : FlagStream
        The flags of rows.
    """
    parts = BLOCK // lanes
    top = len(window.data)
    remaining = Signal(modbv(0)[len(length.data) :])
    active, closing, judging = (Signal(bool(0)) for _ in range(3))
    last_row = Signal(bool(0))
    take, renew = Signal(bool(0)), Signal(bool(0))

    @always_comb
    def look() -> None:
        last_row.next = remaining != 0 and remaining <= parts

    @always_comb
    def advance() -> None:
        take.next = active and not closing and window.valid and (flags.ready or not flags.valid)
        window.take.next = active and not closing and window.valid and (flags.ready or not flags.valid)
        window.length.next = ROW_CODE_BITS
        if not window.data[top - 1]:
            window.length.next = 1
        elif not window.data[top - 2]:
            window.length.next = 2

    @always_comb
    def turn() -> None:
        finish.next = closing and window.loaded
        start.next = not closing or not window.loaded
        renew.next = not active or (closing and not window.loaded)
        length.ready.next = not active or (closing and not window.loaded)

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if renew:
            active.next = length.valid
            closing.next = False
        elif take:
            closing.next = last_row
        judging.next = take and last_row
        if take:
            flags.valid.next = True
        elif flags.ready:
            flags.valid.next = False

    @always(clk.posedge)
    def store() -> None:
        if renew:
            remaining.next = length.data
        elif take:
            remaining.next = remaining - parts
        if judging:
            flags.fault.next = not window.clean
        if take:
            flags.last.next = last_row
            flags.parts.next = parts - 1
            if last_row:
                flags.parts.next = (remaining - 1) & (parts - 1)
            for i in range(BLOCK):
                if window.data[top - 1] and window.data[top - 2]:
                    flags.nonzero.next[i] = window.data[top - 3 - i]
                else:
                    flags.nonzero.next[i] = window.data[top - 1]

    return instances()


@block
def row_restorer(clk: Any, rst: Any, flags: FlagStream, blocks: CheckedBlocks, rows: Stream, parts: Any) -> Any:
    """Put nonzero words between zeros.

    The last row waits for the end of the packet's blocks, which tells whether these were malformed. Words that are
    missing mean nothing.

    Parameters
    ----------
    flags : FlagStream
        Where words are not zero.
    blocks : CheckedBlocks
        These words.
    rows : Stream
        Rows; `error` comes with `last` of a malformed packet.
    parts : Signal
        How many transfers the row has after the first.
    """
    word_bits = len(rows.data) // BLOCK
    places = [Signal(intbv(0)[PLACE_BITS:]) for _ in range(BLOCK)]
    filled = Signal(modbv(0)[PLACE_BITS:])
    total = Signal(intbv(0, min=0, max=2 * BLOCK))
    held, chosen, restored = (Signal(intbv(0)[BLOCK * word_bits :]) for _ in range(3))
    holding, waiting, fresh, fault = (Signal(bool(0)) for _ in range(4))
    needed, go, found_end, bad = (Signal(bool(0)) for _ in range(4))
    counter = rank_words(flags.nonzero, filled, places, total)
    router = word_returner(flags.nonzero, places, chosen, restored)

    @always_comb
    def choose() -> None:
        for i in range(BLOCK):
            for j in range(word_bits):
                if filled != 0 and filled <= i:
                    chosen.next[word_bits * i + j] = held[word_bits * i + j]
                else:
                    chosen.next[word_bits * i + j] = blocks.words[word_bits * i + j]

    @always_comb
    def look() -> None:
        needed.next = total > BLOCK or (filled == 0 and flags.nonzero != 0)
        bad.next = fault or (fresh and flags.fault)
        found_end.next = waiting and blocks.valid and blocks.end

    @always_comb
    def advance() -> None:
        go.next = flags.valid and (not holding or (rows.ready and not waiting)) and (not needed or blocks.valid)

    @always_comb
    def accept() -> None:
        flags.ready.next = go
        blocks.ready.next = waiting or (go and needed and not blocks.end)
        rows.valid.next = holding and not waiting

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if go:
            holding.next = True
            waiting.next = flags.last
            filled.next = total[PLACE_BITS:]
            fault.next = fault or (needed and blocks.end)
        elif waiting:
            waiting.next = not found_end
            fault.next = not found_end and (bad or blocks.valid)
            if found_end:
                filled.next = 0
        elif rows.ready:
            holding.next = False
        fresh.next = go

    @always(clk.posedge)
    def store() -> None:
        if go:
            rows.data.next = restored
            rows.last.next = flags.last
            parts.next = flags.parts
            if needed:
                held.next = blocks.words
        if waiting:
            rows.error.next = bad or blocks.fault

    return instances()


@block
def word_returner(nonzero: Any, places: Any, words: Any, row: Any) -> Any:
    """Send words from their places in a block back to where the nonzero words of a row are: `word_router` backwards."""
    word_bits = len(words) // BLOCK
    columns = [Signal(intbv(0)[1 + PLACE_BITS :]) for _ in range(BLOCK)]
    inputs = [join_place(nonzero, places[i], columns[i], i) for i in range(BLOCK)]
    exchanges: list[Any] = []
    crossings = []
    for step in range(PLACE_BITS):
        after = [Signal(intbv(0)[PLACE_BITS - step :]) for _ in range(BLOCK)]
        for low in range(BLOCK):
            high = low | 1 << step
            if high != low:
                pair, cross = (columns[low], columns[high]), Signal(bool(0))
                exchanges.append(compare_places(*pair, cross, word_bits=0))
                if step < PLACE_BITS - 1:
                    exchanges.append(exchange(*pair, after[low], after[high], cross, word_bits=0))
                crossings.append((step, low, high, cross))
        columns = after

    slots = [Signal(intbv(0)[word_bits:]) for _ in range(BLOCK)]
    cuts = [cut_word(words, slots[i], i) for i in range(BLOCK)]
    for step in reversed(range(PLACE_BITS)):
        before = [Signal(intbv(0)[word_bits:]) for _ in range(BLOCK)]
        for _, low, high, cross in (crossing for crossing in crossings if crossing[0] == step):
            exchanges.append(swap(slots[low], slots[high], before[low], before[high], cross))
        slots = before
    all_words = ConcatSignal(*reversed(slots))

    @always_comb
    def blank() -> None:
        for i in range(BLOCK):
            for j in range(word_bits):
                row.next[word_bits * i + j] = all_words[word_bits * i + j] and nonzero[i]

    return instances()


@block
def join_place(nonzero: Any, place: Any, column: Any, index: int) -> Any:
    """Put whether a word is not zero, and its place, side by side; None is the place 0."""
    if place is None:

        @always_comb
        def collect_first() -> None:
            column.next = nonzero[index]

        return instances()

    @always_comb
    def collect() -> None:
        column.next[0] = nonzero[index]
        for j in range(PLACE_BITS):
            column.next[1 + j] = place[j]

    return instances()


@block
def cut_word(words: Any, word: Any, index: int) -> Any:
    """Take a word out of a row."""
    bits = len(word)

    @always_comb
    def drive() -> None:
        word.next = words[bits * (index + 1) : bits * index]

    return instances()


@block
def swap(first: Any, second: Any, low: Any, high: Any, cross: Any) -> Any:
    """Exchange two words if `cross` says so."""

    @always_comb
    def send() -> None:
        low.next = first
        high.next = second
        if cross:
            low.next = second
            high.next = first

    return instances()


@block
def row_scatterer(clk: Any, rst: Any, rows: Stream, parts: Any, words: Stream) -> Any:
    """Hand out rows in transfers of 1, 2 or 4 words.

    Parameters
    ----------
    rows : Stream
        Rows.
    parts : Signal
        How many transfers the row has after the first.
    words : Stream
        Words, the first one of a transfer in the least significant bits.
    """
    part_bits = len(words.data)
    count = len(rows.data) // part_bits
    index = Signal(intbv(0, min=0, max=count))
    final = Signal(bool(0))

    @always_comb
    def offer() -> None:
        final.next = index == parts
        words.valid.next = rows.valid
        words.last.next = rows.last and index == parts
        words.error.next = rows.error
        for j in range(part_bits):
            value = False
            for part in range(count):
                value = value or (index == part and rows.data[part_bits * part + j])
            words.data.next[j] = value

    @always_comb
    def accept() -> None:
        rows.ready.next = words.ready and final

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if rows.valid and words.ready:
            if final:
                index.next = 0
            else:
                index.next = index + 1

    return instances()
