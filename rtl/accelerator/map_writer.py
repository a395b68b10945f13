"""The writer: a row's words into the output buffer, and packets from there to memory, `spill` or `scores`."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, modbv

from silicodec.models.accelerator.packets import RAW
from silicodec.models.accelerator.program import PIXELS, Target
from silicodec.rtl.accelerator.packet_order import (
    INDEX_BITS,
    PacketOrder,
    output_entries,
    packet_order,
    rows_of_strip,
)
from silicodec.rtl.accelerator.pool import COLUMN_BITS, LENGTH_BITS, ROW_BITS, PoolPorts
from silicodec.rtl.accelerator.requantiser import ResultPort
from silicodec.rtl.accelerator.row_buffer import LayerRun, row_address
from silicodec.rtl.blocks.memory import MemoryPorts
from silicodec.rtl.blocks.stream import Stream

FREE_BITS = 16
TOTAL_BITS = 32


class WriterResult:
    """What a layer wrote: packets spilled, words written, whether a packet had no room.

    `complete` says that everything is written. `next_entry` is the table's entry of the next packet, or in depthwise
    layers the first one of the map: entries before it can be read.
    """

    def __init__(self) -> None:
        self.spilled: Any = Signal(modbv(0)[16:])
        self.words: Any = Signal(modbv(0)[TOTAL_BITS:])
        self.overflow: Any = Signal(bool(0))
        self.complete: Any = Signal(bool(0))
        self.next_entry: Any = Signal(modbv(0)[INDEX_BITS:])


@block
def output_buffer(
    clk: Any, rst: Any, run: LayerRun, result: ResultPort, sets_done: Any, buffer: MemoryPorts, *, groups: int
) -> Any:
    """Write words from the requantiser into the output buffer, the right edge of the map repeated.

    Parameters
    ----------
    run : LayerRun
        The layer that is computed.
    result : ResultPort
        Words; from bit 0 on, `tag` has row, tile, number of the set and whether this is its last row.
    sets_done : Signal
        Sets that are complete.
    buffer : MemoryPorts
        The buffer's write port.
    """
    layer, depthwise, layout = run.layer, run.depthwise, run.layout
    last_pixel = Signal(modbv(0)[3:])
    last_tile = Signal(bool(0))
    tile_top, top = 3 + layout.tile_bits, len(result.tag) - 1
    number, tile, row = result.tag(top, tile_top), result.tag(tile_top, 3), result.tag(3, 0)
    place = row_address(layout, number, result.index, tile, row, buffer.write_address)
    word = result.data
    pixels = [Signal(modbv(0)[8:]) for _ in range(PIXELS)]
    edge = Signal(modbv(0)[8:])
    chosen = choose_pixel(word, last_pixel, edge)
    repeats = [repeat_edge(word, last_tile, last_pixel, edge, pixels[p], number=p) for p in range(PIXELS)]
    joined = ConcatSignal(*pixels)

    @always_comb
    def look() -> None:
        last_pixel.next = (layer.out_width - 1) & 7
        last_tile.next = tile == (layer.out_width - 1) >> 3

    @always_comb
    def write() -> None:
        buffer.write.next = result.valid
        buffer.write_data.next = joined

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if result.valid and result.tag[top] and (depthwise or result.index == groups - 1):
            sets_done.next = sets_done + 1

    return instances()


@block
def choose_pixel(word: Any, number: Any, pixel: Any) -> Any:
    """Take a pixel of a word."""
    moved = Signal(modbv(0)[64:])

    @always_comb
    def move() -> None:
        moved.next = word >> ((7 - number) << 3)

    @always_comb
    def take() -> None:
        pixel.next = moved[8:]

    return instances()


@block
def repeat_edge(word: Any, last_tile: Any, last_pixel: Any, edge: Any, pixel: Any, *, number: int) -> Any:
    """Take one pixel of a word, or the map's last one beyond its edge."""
    low = 64 - 8 * (number + 1)

    @always_comb
    def take() -> None:
        pixel.next = word[low + 8 : low]
        if last_tile and number > last_pixel:
            pixel.next = edge

    return instances()


class PackingRows:
    """Rows of eight samples of one packet after the other, on their way to be packed; `last` ends a packet.

    `inside` says whether the map has the row (driven with the fallback to raw packets).
    """

    def __init__(self) -> None:
        self.data: Any = Signal(modbv(0)[64:])
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))
        self.inside: Any = Signal(bool(1))


@block
def packet_source(
    clk: Any, rst: Any, run: LayerRun, codec: Any, sets_done: Any, drained: Any, buffer: MemoryPorts,
    rows: PackingRows, *, groups: int, raw_fallback: bool,
) -> Any:  # fmt: skip
    """Read packets out of the output buffer.

    Parameters
    ----------
    run : LayerRun
        The layer that is computed.
    codec : Signal
        The output's codec word.
    sets_done, drained : Signal
        Sets that are in the buffer, and those of them that were read.
    buffer : MemoryPorts
        The buffer's read port.
    rows : PackingRows
        Tile by tile; a strip's rows, or, to be compressed, eight with the last row of the map repeated.
    raw_fallback : bool
        Whether `rows.inside` is driven.
    """
    layer, restart = run.layer, run.restart
    order = PacketOrder()
    row, tile, tiles = Signal(modbv(0)[3:]), Signal(modbv(0)[6:]), Signal(modbv(0)[6:])
    map_row, strip_rows = Signal(modbv(0)[3:]), Signal(modbv(0)[4:])
    height = rows_of_strip(order, layer.out_height, strip_rows)
    place = row_address(run.layout, drained, order.member, tile, map_row, buffer.read_address)
    read, ends_tile, ends, moves = (Signal(bool(0)) for _ in range(4))
    packets = packet_order(clk, rst, run, moves, output_entries(layer), order, set_size=groups)

    @always_comb
    def look() -> None:
        tiles.next = (layer.out_width + (PIXELS - 1)) >> 3
        read.next = sets_done != drained and (rows.ready or not rows.valid)
        ends_tile.next = row == PIXELS - 1 or (codec == RAW and row + 1 == strip_rows)
        map_row.next = row
        if row >= strip_rows:
            map_row.next = strip_rows - 1

    @always_comb
    def find_end() -> None:
        ends.next = ends_tile and tile + 1 == tiles
        moves.next = read and ends_tile and tile + 1 == tiles

    @always_comb
    def ask() -> None:
        buffer.read.next = read

    @always_comb
    def give() -> None:
        rows.data.next = buffer.read_data

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if restart:
            row.next = 0
            tile.next = 0
            rows.valid.next = False
        else:
            if rows.ready or not rows.valid:
                rows.valid.next = read
            if read:
                row.next = row + 1
                if ends_tile:
                    row.next = 0
                    tile.next = tile + 1
                    if ends:
                        tile.next = 0
                        if order.last_of_set:
                            drained.next = drained + 1

    @always(clk.posedge)
    def mark() -> None:
        if read:
            rows.last.next = ends

    if raw_fallback:

        @always(clk.posedge)
        def mark_inside() -> None:
            if read:
                rows.inside.next = row < strip_rows

    return instances()


class PacketTargets:
    """Where packets go: `pool` with its entry in `table`, or the streams `spill` and `scores`."""

    def __init__(self, table: MemoryPorts, pool: PoolPorts, spill: Stream, scores: Stream) -> None:
        self.table = table
        self.pool = pool
        self.spill = spill
        self.scores = scores


@block
def packet_sink(
    clk: Any, rst: Any, run: LayerRun, packed: PackingRows, targets: PacketTargets, outcome: WriterResult, *,
    groups: int,
) -> Any:  # fmt: skip
    """Store packets, or send them away.

    Parameters
    ----------
    run : LayerRun
        The layer that is computed.
    packed : PackingRows
        Words of packets.
    targets : PacketTargets
        Where they go: by the table's write port and the memory's port `map_write`, or on a stream.
    outcome : WriterResult
        What was done.
    """
    layer, depthwise, restart = run.layer, run.depthwise, run.restart
    table, pool, spill, scores = targets.table, targets.pool, targets.spill, targets.scores
    entry_bits = len(table.write_address)
    order = PacketOrder()
    taken, moves, stores, spills, sends = (Signal(bool(0)) for _ in range(5))
    row, first_row = (Signal(modbv(0)[ROW_BITS:]) for _ in range(2))
    column, first_column = (Signal(modbv(0)[COLUMN_BITS:]) for _ in range(2))
    length, new_length = (Signal(modbv(0)[LENGTH_BITS:]) for _ in range(2))
    free = Signal(modbv(0)[FREE_BITS:])
    packets = packet_order(clk, rst, run, moves, output_entries(layer), order, set_size=groups)

    @always_comb
    def choose() -> None:
        outcome.next_entry.next = order.index
        if depthwise:
            outcome.next_entry.next = layer.out_table
        sends.next = layer.target == int(Target.SCORES)
        stores.next = layer.target != int(Target.SCORES) and free >= layer.packet_words
        spills.next = layer.target == int(Target.SPILL) and free < layer.packet_words

    @always_comb
    def offer() -> None:
        spill.data.next = packed.data
        spill.valid.next = not rst and packed.valid and spills
        spill.last.next = packed.last
        scores.data.next = packed.data
        scores.valid.next = not rst and packed.valid and sends
        scores.last.next = packed.last and order.last_channel and order.last_strip

    @always_comb
    def answer() -> None:
        packed.ready.next = True
        if spills:
            packed.ready.next = spill.ready
        elif sends:
            packed.ready.next = scores.ready

    @always_comb
    def take() -> None:
        taken.next = packed.valid and packed.ready
        moves.next = packed.valid and packed.ready and packed.last
        new_length.next = length + 1

    @always_comb
    def store() -> None:
        pool.map_write.next = packed.valid and stores
        pool.map_write_row.next = row
        pool.map_write_column.next = column
        pool.map_write_data.next = packed.data

    @always_comb
    def enter() -> None:
        table.write.next = moves and not sends
        table.write_address.next = order.index[entry_bits:]
        table.write_data.next = (
            ((((spills << LENGTH_BITS) | new_length) << COLUMN_BITS) | first_column) << ROW_BITS
        ) | first_row

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if restart:
            row.next = layer.out_row
            first_row.next = layer.out_row
            column.next = 0
            first_column.next = 0
            length.next = 0
            free.next = layer.out_words
            outcome.spilled.next = 0
            outcome.words.next = 0
            outcome.overflow.next = False
            outcome.complete.next = False
        elif taken:
            if stores or spills or sends:
                outcome.words.next = outcome.words + 1
            else:
                outcome.overflow.next = True
            length.next = new_length
            if stores:
                column.next = column + 1
                if column == 8:
                    column.next = 0
                    row.next = row + 1
            if packed.last:
                length.next = 0
                if stores:
                    free.next = free - new_length
                    first_column.next = column + 1
                    first_row.next = row
                    if column == 8:
                        first_column.next = 0
                        first_row.next = row + 1
                if spills:
                    outcome.spilled.next = outcome.spilled + 1
                if order.last_channel and order.last_strip:
                    outcome.complete.next = True

    return instances()
