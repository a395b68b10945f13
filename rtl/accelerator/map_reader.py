"""The reader: packets of the input and of the residual on their way to be unpacked."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, modbv

from silicodec.models.accelerator.checks import WHOLE_MAP
from silicodec.models.accelerator.packets import RAW
from silicodec.models.accelerator.program import PIXELS, Early, Source
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.codec_slot import CODEC_BITS, TILE_BITS, CodedPackets
from silicodec.rtl.accelerator.layer import LayerSignals
from silicodec.rtl.accelerator.loader import InputState, ProgramControl
from silicodec.rtl.accelerator.map_writer import WriterResult
from silicodec.rtl.accelerator.packet_order import PacketOrder, packet_order, rows_of_strip
from silicodec.rtl.accelerator.pool import COLUMN_BITS, LENGTH_BITS, ROW_BITS, PoolPorts
from silicodec.rtl.accelerator.sequencer import ABSOLUTE_BITS, Progress
from silicodec.rtl.accelerator.weight_buffer import COUNT_BITS, WeightPort
from silicodec.rtl.blocks.memory import MemoryPorts
from silicodec.rtl.blocks.stream import Stream

ENTRY_BITS = ROW_BITS + COLUMN_BITS + LENGTH_BITS + 1
"""Bits of an entry of the table: row, column and length of a packet, and whether it was spilled."""
SPILLED = ENTRY_BITS - 1


class PacketPlace:
    """Where a packet is: in the memory, or to come from `pixels` or `refill`."""

    def __init__(self) -> None:
        self.valid: Any = Signal(bool(0))
        self.pixels: Any = Signal(bool(0))
        self.refill: Any = Signal(bool(0))
        self.residual: Any = Signal(bool(0))
        self.counted: Any = Signal(bool(0))
        """Whether its words are counted; a compressed packet of `refill` ends with the stream's `last`."""
        self.row: Any = Signal(modbv(0)[ROW_BITS:])
        self.column: Any = Signal(modbv(0)[COLUMN_BITS:])
        self.words: Any = Signal(modbv(0)[LENGTH_BITS:])
        self.lost: Any = Signal(bool(0))
        """Whether no packet of this map can be there."""


@block
def map_reader(
    clk: Any, rst: Any, restart: Any, layer: LayerSignals, depthwise: Any, progress: Progress, weights: WeightPort,
    room: Any, outcome: WriterResult, table: MemoryPorts, pool: PoolPorts, pixels: Stream, refill: Stream,
    control: ProgramControl, state: InputState, packed: CodedPackets, quiet: Any, lost: Any, *, shape: AcceleratorShape,
) -> Any:  # fmt: skip
    """Read the packets of a layer: the residual's as soon as its buffer has room, otherwise the input's.

    Parameters
    ----------
    restart : Signal of bool
        Reading of a layer begins.
    layer, depthwise : LayerSignals, Signal of bool
        The layer that is read.
    progress : Progress
        How far the layer that is computed is.
    weights : WeightPort
        Its `sets_done`, whose part of the residual's buffer is free, and `sets_loaded`: when the layer begins, the sets
        of all layers before.
    room : Signal
        Sets that the residual's buffer has room for.
    outcome : WriterResult
        Entries before `next_entry` are of packets that are written; how many were spilled.
    table, pool : MemoryPorts, PoolPorts
        The read port of the table of packets, and the memory's port `map_read`.
    pixels, refill : Stream
        Other sources of packets.
    control : ProgramControl
        How far the program is.
    state : InputState
        The state of `pixels`.
    packed : CodedPackets
        What was read.
    quiet : Signal of bool
        No packet is under way, up to `packed`.
    lost : Signal of bool
        A packet of the layer was not there.
    """
    place = PacketPlace()
    taken, found_none = Signal(bool(0)), Signal(bool(0))
    finder = packet_finder(
        clk, rst, restart, layer, depthwise, progress, weights, room, outcome, control, table, place, taken,
        found_none, groups=shape.groups,
    )  # fmt: skip

    active, move, step, word_there, ends = (Signal(bool(0)) for _ in range(5))
    from_pixels, from_refill, absent, residual, counted = (Signal(bool(0)) for _ in range(5))
    row, column = Signal(modbv(0)[ROW_BITS:]), Signal(modbv(0)[COLUMN_BITS:])
    left = Signal(modbv(0)[LENGTH_BITS:])
    kept = Signal(modbv(0)[64:])
    kept_here = Signal(bool(0))

    @always_comb
    def look() -> None:
        move.next = packed.ready or not packed.valid
        step.next = active and (packed.ready or not packed.valid)
        word_there.next = True
        if from_pixels:
            word_there.next = pixels.valid or state.ended
        elif from_refill:
            word_there.next = refill.valid
        ends.next = left == 1
        if not counted:
            ends.next = refill.last

    @always_comb
    def read() -> None:
        pool.map_read.next = step and not from_pixels and not from_refill
        pool.map_read_row.next = row
        pool.map_read_column.next = column
        pixels.ready.next = not rst and ((step and from_pixels) or control.drain) and not state.ended
        refill.ready.next = not rst and step and from_refill

    @always_comb
    def take_next() -> None:
        # What was spilled is only asked for once the layer before was without an error.
        taken.next = (
            place.valid and (not active or (move and word_there and ends)) and (control.begun or not place.refill)
        )

    @always_comb
    def tell() -> None:
        quiet.next = found_none and not active and not packed.valid

    @always_comb
    def give() -> None:
        packed.data.next = pool.map_data
        if kept_here:
            packed.data.next = kept

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if move:
            packed.valid.next = active and word_there
        if step and word_there and ends:
            active.next = False
        if taken:
            active.next = True
        if taken and place.lost:
            lost.next = True
        if control.fresh:
            lost.next = False
            state.ended.next = False
            state.short.next = False
        elif pixels.valid and pixels.ready and pixels.last:
            state.ended.next = True
        if step and from_pixels and state.ended:
            state.short.next = True

    @always(clk.posedge)
    def keep() -> None:
        if step:
            packed.last.next = ends
            packed.residual.next = residual
            # A packet that is not there is read as zeros.
            kept_here.next = from_pixels or from_refill or absent
            kept.next = 0
            if from_refill:
                kept.next = refill.data
            elif from_pixels and not state.ended:
                kept.next = pixels.data
            if word_there:
                left.next = left - 1
                column.next = column + 1
                if column == 8:
                    column.next = 0
                    row.next = row + 1
        if taken:
            row.next = place.row
            column.next = place.column
            left.next = place.words
            from_pixels.next = place.pixels
            from_refill.next = place.refill
            absent.next = place.lost
            residual.next = place.residual
            counted.next = place.counted

    if shape.dct:
        marks = packet_marks(clk, layer, place, taken, step, packed)

    return instances()


@block
def packet_marks(clk: Any, layer: LayerSignals, place: PacketPlace, taken: Any, step: Any, packed: CodedPackets) -> Any:
    """Say of every word that is read, at a `step`, how its packet is coded: as the layer said when it was `taken`."""
    codec, tiles = Signal(modbv(0)[CODEC_BITS:]), Signal(modbv(0)[TILE_BITS:])

    @always(clk.posedge)
    def choose() -> None:
        if taken:
            codec.next = layer.in_codec
            tiles.next = (layer.in_width + (PIXELS - 1)) >> 3
            if place.residual:
                codec.next = layer.residual_codec
                tiles.next = (layer.out_width + (PIXELS - 1)) >> 3
            elif place.pixels:
                codec.next = RAW

    @always(clk.posedge)
    def mark() -> None:
        if step:
            packed.codec.next = codec
            packed.tiles.next = tiles

    return instances()


@block
def packet_finder(
    clk: Any, rst: Any, restart: Any, layer: LayerSignals, depthwise: Any, progress: Progress, weights: WeightPort,
    sets: Any, outcome: WriterResult, control: ProgramControl, table: MemoryPorts, place: PacketPlace, taken: Any,
    found_none: Any, *, groups: int,
) -> Any:  # fmt: skip
    """Choose the next packet, and look up where it is while the one before is read.

    Parameters
    ----------
    place : PacketPlace
        The next packet.
    taken : Signal of bool
        It is taken.
    found_none : Signal of bool
        There is no other packet.
    """
    inputs, residuals = PacketOrder(), PacketOrder()
    move_input, move_residual = (Signal(bool(0)) for _ in range(2))
    input_left, residual_left, looking, look_residual = (Signal(bool(0)) for _ in range(4))
    input_ready, residual_ready, choose, choose_residual = (Signal(bool(0)) for _ in range(4))
    orders = [
        packet_order(
            clk, rst, restart, move_input, depthwise, layer.in_channels, layer.in_height, layer.in_table,
            layer.in_step, inputs, set_size=0,
        ),
        packet_order(
            clk, rst, restart, move_residual, depthwise, layer.out_channels, layer.out_height, layer.residual_table,
            layer.residual_step, residuals, set_size=groups,
        ),
    ]  # fmt: skip
    end_row, rows_before, room = (Signal(modbv(0)[ABSOLUTE_BITS:]) for _ in range(3))
    started, under_way = (Signal(modbv(0)[COUNT_BITS:]) for _ in range(2))
    raw_words, wanted_words = Signal(modbv(0)[LENGTH_BITS:]), Signal(modbv(0)[LENGTH_BITS:])
    in_tiles, out_tiles = (Signal(modbv(0)[6:]) for _ in range(2))
    has_spilled = Signal(bool(0))
    raw, stored_words = Signal(bool(0)), table.read_data(SPILLED, ROW_BITS + COLUMN_BITS)
    input_rows, residual_rows = (Signal(modbv(0)[4:]) for _ in range(2))
    heights = [
        rows_of_strip(inputs, layer.in_height, input_rows),
        rows_of_strip(residuals, layer.out_height, residual_rows),
    ]
    ordered, enough, ahead, written = (Signal(bool(0)) for _ in range(4))
    need, strips_read = Signal(modbv(0)[8:]), Signal(modbv(0)[6:])
    top, entry_bits = ABSOLUTE_BITS - 1, len(table.read_address)

    @always_comb
    def look() -> None:
        room.next = layer.capacity - end_row
        if control.begun:
            room.next = progress.first_row + layer.capacity - end_row
        under_way.next = started - weights.sets_done
        in_tiles.next = (layer.in_width + (PIXELS - 1)) >> 3
        out_tiles.next = (layer.out_width + (PIXELS - 1)) >> 3

    @always_comb
    def wait_for_maps() -> None:
        # The layer before may still write the map.
        ahead.next = control.running and not control.begun
        written.next = layer.early == int(Early.ANY) or (
            layer.early == int(Early.AS_WRITTEN) and inputs.index < outcome.next_entry
        )

    @always_comb
    def compare() -> None:
        ordered.next = layer.ordered and residual_left
        enough.next = strips_read >= need or not input_left

    @always_comb
    def check() -> None:
        # A set, once begun, is read to its end.
        input_ready.next = (
            input_left
            and (written or not ahead)
            and (inputs.member != 0 or ((layer.capacity == WHOLE_MAP or not room[top]) and not (ordered and enough)))
        )
        residual_ready.next = (
            residual_left
            and (control.begun or layer.residual_early)
            and (residuals.member != 0 or (under_way < sets and (enough or not ordered)))
        )
        found_none.next = not input_left and not residual_left and not looking and not place.valid

    @always_comb
    def decide() -> None:
        choose.next = (not looking and not place.valid) and (residual_ready or input_ready)
        choose_residual.next = residual_ready
        move_residual.next = not looking and not place.valid and residual_ready
        move_input.next = not looking and not place.valid and input_ready and not residual_ready

    @always_comb
    def read() -> None:
        table.read.next = choose
        table.read_address.next = inputs.index[entry_bits:]
        if choose_residual:
            table.read_address.next = residuals.index[entry_bits:]

    @always_comb
    def count_words() -> None:
        if choose_residual:
            raw_words.next = residual_rows * out_tiles
        else:
            raw_words.next = input_rows * in_tiles

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if control.drain:
            input_left.next = False
            residual_left.next = False
            looking.next = False
            place.valid.next = False
        elif restart:
            input_left.next = True
            residual_left.next = layer.add
            looking.next = False
            place.valid.next = False
            started.next = weights.sets_loaded
            end_row.next = PIXELS
            rows_before.next = 0
            strips_read.next = 0
            need.next = layer.need_first
        else:
            looking.next = choose
            if looking:
                place.valid.next = True
            elif taken:
                place.valid.next = False
            if move_input:
                if inputs.last_channel and inputs.last_strip:
                    input_left.next = False
                if inputs.last_of_set:
                    end_row.next = end_row + PIXELS
                    strips_read.next = strips_read + 1
                    if inputs.last_strip:
                        rows_before.next = rows_before + layer.pass_rows
                        end_row.next = rows_before + layer.pass_rows + PIXELS
            if move_residual:
                if residuals.last_channel and residuals.last_strip:
                    residual_left.next = False
                if residuals.last_channel:
                    need.next = need + 1 + layer.stride2
                if residuals.member == 0:
                    started.next = started + 1

    @always_seq(clk.posedge, reset=rst)
    def remember() -> None:
        # An entry of a program before, or one that was never written, may look like one of a spilled packet.
        has_spilled.next = (has_spilled or (control.running and outcome.spilled != 0)) and not control.fresh

    @always(clk.posedge)
    def keep() -> None:
        if choose:
            look_residual.next = choose_residual
            wanted_words.next = raw_words

    @always_comb
    def choose_codec() -> None:
        raw.next = layer.in_codec == RAW
        if look_residual:
            raw.next = layer.residual_codec == RAW

    @always(clk.posedge)
    def give() -> None:
        if looking:
            place.residual.next = look_residual
            place.row.next = table.read_data[ROW_BITS:]
            place.column.next = table.read_data[ROW_BITS + COLUMN_BITS : ROW_BITS]
            place.pixels.next = False
            place.refill.next = False
            place.counted.next = True
            place.lost.next = False
            place.words.next = wanted_words
            if layer.source == int(Source.PIXELS) and not look_residual:
                place.pixels.next = True
            elif table.read_data[SPILLED] and has_spilled:
                place.refill.next = True
                place.counted.next = raw
            elif raw:
                place.lost.next = table.read_data[SPILLED] or stored_words != wanted_words
            else:
                place.lost.next = table.read_data[SPILLED] or stored_words == 0
                place.words.next = stored_words
                if stored_words == 0:
                    place.words.next = 1

    return instances()
