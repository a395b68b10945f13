"""What packets are unpacked to: rows of the strip buffer, and of the residual's buffer."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, modbv

from silicodec.models.accelerator.program import PIXELS
from silicodec.rtl.accelerator.codec_slot import DecodedRows
from silicodec.rtl.accelerator.layer import COUNT_BITS
from silicodec.rtl.accelerator.packet_order import (
    PacketOrder,
    input_entries,
    packet_order,
    residual_entries,
    rows_of_strip,
)
from silicodec.rtl.accelerator.pipeline import Progress
from silicodec.rtl.accelerator.pool import COLUMN_BITS, ROW_BITS, PoolPorts
from silicodec.rtl.accelerator.row_buffer import LayerRun, row_address
from silicodec.rtl.accelerator.steps import ring_add
from silicodec.rtl.accelerator.thin_rows import thin_rows
from silicodec.rtl.blocks.memory import MemoryPorts
from silicodec.rtl.blocks.register_slice import register_slice
from silicodec.rtl.blocks.stream import Stream


class RowPlace:
    """Where a row of a packet is.

    Attributes
    ----------
    row, tile : Signal
        Number of the row in its tile, and of the tile.
    inside, ends_tile : Signal of bool
        The map has the row; it is its tile's last one.
    """

    def __init__(self) -> None:
        self.row: Any = Signal(modbv(0)[3:])
        self.tile: Any = Signal(modbv(0)[6:])
        self.inside: Any = Signal(bool(0))
        self.ends_tile: Any = Signal(bool(0))


@block
def row_counter(
    clk: Any, rst: Any, restart: Any, rows: DecodedRows, taken: Any, order: PacketOrder, height: Any, place: RowPlace
) -> Any:
    """Count the rows of packets.

    Parameters
    ----------
    taken : Signal of bool
        A row is taken.
    height : Signal
        Height of the map.
    place : RowPlace
        Where the row is.
    """
    row, tile, inside, ends_tile = place.row, place.tile, place.inside, place.ends_tile
    strip_rows = Signal(modbv(0)[4:])
    count = rows_of_strip(order, height, strip_rows)

    @always_comb
    def find_ends() -> None:
        inside.next = row < strip_rows
        ends_tile.next = row == PIXELS - 1 or (rows.raw and row + 1 == strip_rows)

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if restart:
            row.next = 0
            tile.next = 0
        elif taken:
            row.next = row + 1
            if ends_tile:
                row.next = 0
                tile.next = tile + 1
            if rows.last:
                row.next = 0
                tile.next = 0

    return instances()


@block
def strip_writer(
    clk: Any, rst: Any, run: LayerRun, rows: DecodedRows, progress: Progress, pool: PoolPorts, complete: Any, *,
    single_port: bool,
) -> Any:  # fmt: skip
    """Write rows of the input into the strip buffer.

    Parameters
    ----------
    run : LayerRun
        The layer that is read.
    rows : DecodedRows
        Rows of packets, those of the input in their order.
    progress : Progress
        Its `filled` and `first_strip` are driven here, and `rows_waiting`.
    pool : PoolPorts
        Its port `strip_write`, a cycle after the row or, with single-port banks, later.
    complete : Signal of bool
        The whole input is in the strip buffer.
    single_port : bool
        Whether a row may have to wait until its bank is not read.
    """

    def slot_signal() -> Any:
        return Signal(modbv(0)[ROW_BITS + 2 :])

    layer, restart = run.layer, run.restart
    order, place = PacketOrder(), RowPlace()
    row, tile, inside, ends_tile = place.row, place.tile, place.inside, place.ends_tile
    moves, taken = (Signal(bool(0)) for _ in range(2))
    counter = row_counter(clk, rst, restart, rows, taken, order, layer.in_height, place)
    packets = packet_order(clk, rst, run, moves, input_entries(layer), order, set_size=0)
    pass_slot, strip_slot, slot, next_slot, next_pass = (slot_signal() for _ in range(5))
    strip_turn, turn = (Signal(modbv(0)[2:]) for _ in range(2))
    x_part, channel_part = slot_signal(), slot_signal()
    x_turn = Signal(modbv(0)[2:])
    lane = Signal(modbv(0)[3:])
    ends_pass = Signal(bool(0))
    target = slot_signal()
    adders = [
        ring_add(slot, layer.slot_words, layer.ring_words, next_slot),
        ring_add(pass_slot, layer.pass_advance, layer.ring_words, next_pass),
    ]
    after_slot, after_turn = slot_signal(), Signal(modbv(0)[2:])
    thin, stored, ends_word = (Signal(bool(0)) for _ in range(3))
    word = Signal(modbv(0)[64:])
    strips, whole = progress.filled, complete
    if single_port:
        # Of the rows that were taken, those that wait to be written among them.
        strips, whole = Signal(modbv(0)[len(progress.filled) :]), Signal(bool(0))
        column, word_stored = Signal(modbv(0)[COLUMN_BITS:]), Signal(bool(0))
        row_word = ConcatSignal(word_stored, column, target(ROW_BITS, 0), word)
        taking, waiting = Stream(len(row_word)), Stream(len(row_word))
        queue = register_slice(clk, rst, taking, waiting)
        port = strip_port(clk, rst, waiting, progress, pool)
    thinning = thin_rows(clk, rows, taken, thin, row, tile, word)

    @always_comb
    def look() -> None:
        thin.next = layer.pointwise and layer.stride2
        stored.next = inside and not (layer.pointwise and layer.stride2 and row[0])
        ends_word.next = not (layer.pointwise and layer.stride2) or tile[0]

    if single_port:

        @always_comb
        def take_if_ready() -> None:
            rows.ready.next = rows.residual or taking.ready
            taken.next = rows.valid and not rows.residual and taking.ready
            moves.next = rows.valid and not rows.residual and taking.ready and rows.last
            ends_pass.next = order.last_strip

    else:

        @always_comb
        def take() -> None:
            rows.ready.next = True
            taken.next = rows.valid and not rows.residual
            moves.next = rows.valid and not rows.residual and rows.last
            ends_pass.next = order.last_strip

    @always_comb
    def find_next() -> None:
        after_slot.next = next_slot
        after_turn.next = 0
        if not layer.pointwise and turn != 2:
            after_slot.next = slot
            after_turn.next = turn + 1
        elif thin and row[0]:
            after_slot.next = slot

    @always_comb
    def add() -> None:
        target.next = slot + channel_part + x_part

    if single_port:

        @always_comb
        def find_column() -> None:
            column.next = lane
            if not layer.pointwise:
                column.next = turn + turn + turn + x_turn

        @always_comb
        def mark() -> None:
            word_stored.next = stored
            taking.last.next = rows.last and order.last_of_set

        @always_comb
        def give() -> None:
            taking.data.next = row_word
            taking.valid.next = rows.valid and not rows.residual and (stored or (rows.last and order.last_of_set))

        @always_comb
        def end() -> None:
            complete.next = whole and not progress.rows_waiting

    else:

        @always(clk.posedge)
        def write() -> None:
            # A step may be issued in the cycle after `filled` has risen, and reads two cycles later: after this.
            pool.strip_write.next = taken and stored and not rst
            pool.strip_write_data.next = word
            pool.strip_write_row.next = target[ROW_BITS:]
            pool.strip_write_column.next = lane
            if not layer.pointwise:
                pool.strip_write_column.next = turn + turn + turn + x_turn

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if restart:
            pass_slot.next = 0
            strip_slot.next = 0
            slot.next = 0
            strip_turn.next = 0
            turn.next = 0
            x_part.next = 0
            x_turn.next = 0
            channel_part.next = 0
            lane.next = 0
            whole.next = False
            progress.first_strip.next = strips
        elif taken:
            slot.next = after_slot
            turn.next = after_turn
            if ends_tile:
                slot.next = strip_slot
                turn.next = strip_turn
                x_turn.next = x_turn + 1
                if layer.pointwise or x_turn == 2:
                    x_turn.next = 0
                    if ends_word:
                        x_part.next = x_part + 1
                if rows.last:
                    x_turn.next = 0
                    x_part.next = 0
                    lane.next = lane + 1
                    if not layer.pointwise or lane == 7:
                        channel_part.next = channel_part + layer.channel_words
                    if order.last_of_set:
                        lane.next = 0
                        channel_part.next = 0
                        strips.next = strips + 1
                        strip_slot.next = after_slot
                        slot.next = after_slot
                        strip_turn.next = after_turn
                        turn.next = after_turn
                        if ends_pass:
                            whole.next = order.last_channel
                            pass_slot.next = next_pass
                            strip_slot.next = next_pass
                            slot.next = next_pass
                            strip_turn.next = 0
                            turn.next = 0

    return instances()


@block
def strip_port(clk: Any, rst: Any, words: Stream, progress: Progress, pool: PoolPorts) -> Any:
    """Write words into the strip buffer, each once its bank is not read.

    Parameters
    ----------
    words : Stream
        Whether to write it at all, its column, its row, and the word; the last one of a strip.
    progress : Progress
        Its `filled` and `rows_waiting` are driven here.
    pool : PoolPorts
        Its port `strip_write`.
    """
    row_top = 64 + ROW_BITS
    stored = row_top + COLUMN_BITS

    @always_comb
    def write() -> None:
        pool.strip_write.next = words.valid and words.data[stored]
        pool.strip_write_column.next = words.data[stored:row_top]
        pool.strip_write_row.next = words.data[row_top:64]
        pool.strip_write_data.next = words.data[64:]

    @always_comb
    def answer() -> None:
        words.ready.next = pool.strip_write_ready
        progress.rows_waiting.next = words.valid

    @always_seq(clk.posedge, reset=rst)
    def count() -> None:
        # A step may be issued in the next cycle, and reads two cycles later: after this.
        if words.valid and words.ready and words.last:
            progress.filled.next = progress.filled + 1

    return instances()


@block
def residual_writer(
    clk: Any, rst: Any, run: LayerRun, rows: DecodedRows, sets_before: Any, progress: Progress, buffer: MemoryPorts,
    complete: Any, *, groups: int,
) -> Any:  # fmt: skip
    """Write rows of the residual into its buffer.

    Parameters
    ----------
    run : LayerRun
        The layer that is read.
    rows : DecodedRows
        Rows of packets, those of the residual in their order.
    sets_before : Signal
        When the layer begins: sets of all layers before.
    progress : Progress
        Its `residuals` is driven here.
    buffer : MemoryPorts
        The buffer's write port.
    complete : Signal of bool
        The whole residual was read.
    """
    layer, restart = run.layer, run.restart
    order, place = PacketOrder(), RowPlace()
    inside, moves, taken = place.inside, Signal(bool(0)), Signal(bool(0))
    counter = row_counter(clk, rst, restart, rows, taken, order, layer.out_height, place)
    packets = packet_order(clk, rst, run, moves, residual_entries(layer), order, set_size=groups)
    sets = Signal(modbv(0)[COUNT_BITS:])
    word = row_address(run.layout, sets, order.member, place.tile, place.row, buffer.write_address)

    @always_comb
    def write() -> None:
        taken.next = rows.valid and rows.residual
        moves.next = rows.valid and rows.residual and rows.last
        buffer.write.next = rows.valid and rows.residual and inside
        buffer.write_data.next = rows.data

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if restart:
            complete.next = not layer.add
        elif moves and order.last_channel and order.last_strip:
            complete.next = True
        if restart:
            sets.next = sets_before
        elif moves and order.last_of_set:
            sets.next = sets + 1

    @always_comb
    def tell() -> None:
        progress.residuals.next = sets

    return instances()
