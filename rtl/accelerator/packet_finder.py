"""The finder of packets: which one a layer reads next, and where it is."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, modbv

from silicodec.models.accelerator.checks import WHOLE_MAP
from silicodec.models.accelerator.packets import MOST_TILE_WORDS, RAW
from silicodec.models.accelerator.program import PIXELS, Early, Source
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.codec_slot import PACKET_ROW_BITS
from silicodec.rtl.accelerator.layer import COUNT_BITS
from silicodec.rtl.accelerator.packet_order import (
    PacketOrder,
    input_entries,
    packet_order,
    residual_entries,
    rows_of_strip,
)
from silicodec.rtl.accelerator.pipeline import ABSOLUTE_BITS, Pipeline
from silicodec.rtl.accelerator.pool import COLUMN_BITS, LENGTH_BITS, ROW_BITS
from silicodec.rtl.accelerator.raw_fallback import falls_back
from silicodec.rtl.accelerator.row_buffer import LayerRun
from silicodec.rtl.blocks.memory import MemoryPorts

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
        self.count: Any = Signal(modbv(0)[PACKET_ROW_BITS:])
        """With EBPC: rows of all tiles."""
        self.raw: Any = Signal(bool(0))
        """With the fallback: whether it is raw, whatever the map's codec is."""
        self.lost: Any = Signal(bool(0))
        """Whether no packet of this map can be there."""


@block
def packet_finder(
    clk: Any, rst: Any, run: LayerRun, pipeline: Pipeline, table: MemoryPorts, place: PacketPlace, taken: Any,
    found_none: Any, *, shape: AcceleratorShape,
) -> Any:  # fmt: skip
    """Choose the next packet, and look up where it is while the one before is read.

    Parameters
    ----------
    run : LayerRun
        The layer that is read; its `layout.sets` says how many sets the residual's buffer has room for.
    pipeline : Pipeline
        How far the computed layer is; sets that are done leave room in the residual's buffer, and entries before the
        output's next one are of packets that are written. `weights.sets_loaded` counts, when the layer begins, the sets
        of all layers before.
    table : MemoryPorts
        The table's read port.
    place : PacketPlace
        The next packet.
    taken : Signal of bool
        It is taken.
    found_none : Signal of bool
        There is no other packet.
    shape : AcceleratorShape
        Whether `place.count` and `place.raw` are driven, and more.
    """
    groups = shape.groups
    layer, restart, sets = run.layer, run.restart, run.layout.sets
    control, progress, weights, outcome = pipeline.control, pipeline.progress, pipeline.weights, pipeline.outcome
    inputs, residuals = PacketOrder(), PacketOrder()
    move_input, move_residual = (Signal(bool(0)) for _ in range(2))
    input_left, residual_left, looking, look_residual = (Signal(bool(0)) for _ in range(4))
    input_ready, residual_ready, choose, choose_residual = (Signal(bool(0)) for _ in range(4))
    orders = [
        packet_order(clk, rst, run, move_input, input_entries(layer), inputs, set_size=0),
        packet_order(clk, rst, run, move_residual, residual_entries(layer), residuals, set_size=groups),
    ]
    end_row, rows_before, room = (Signal(modbv(0)[ABSOLUTE_BITS:]) for _ in range(3))
    started, under_way = (Signal(modbv(0)[COUNT_BITS:]) for _ in range(2))
    # What a packet takes: exactly if it is raw, at most if it is compressed.
    new_words, wanted_words = Signal(modbv(0)[LENGTH_BITS:]), Signal(modbv(0)[LENGTH_BITS:])
    in_tiles, out_tiles = (Signal(modbv(0)[6:]) for _ in range(2))
    has_spilled = Signal(bool(0))
    raw, known, stored_words = Signal(bool(0)), Signal(bool(0)), table.read_data(SPILLED, ROW_BITS + COLUMN_BITS)
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

    if shape.single_port:

        @always_comb
        def decide_if_free() -> None:
            choose.next = (not looking and not place.valid and not table.write) and (residual_ready or input_ready)
            choose_residual.next = residual_ready
            move_residual.next = not looking and not place.valid and not table.write and residual_ready
            move_input.next = not looking and not place.valid and not table.write and input_ready and not residual_ready

    else:

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

    if shape.raw_fallback:
        in_falls, residual_falls = (Signal(bool(0)) for _ in range(2))
        fallbacks = [falls_back(layer.in_codec, in_falls), falls_back(layer.residual_codec, residual_falls)]

        @always_comb
        def count_most_words() -> None:
            # No packet takes more than a raw one where those fall back that would.
            if choose_residual:
                new_words.next = residual_rows * out_tiles
                if layer.residual_codec != RAW and not residual_falls:
                    new_words.next = out_tiles * MOST_TILE_WORDS
            else:
                new_words.next = input_rows * in_tiles
                if layer.in_codec != RAW and not in_falls and layer.source != int(Source.PIXELS):
                    new_words.next = in_tiles * MOST_TILE_WORDS

    else:

        @always_comb
        def count_words() -> None:
            if choose_residual:
                new_words.next = residual_rows * out_tiles
                if layer.residual_codec != RAW:
                    new_words.next = out_tiles * MOST_TILE_WORDS
            else:
                new_words.next = input_rows * in_tiles
                if layer.in_codec != RAW and layer.source != int(Source.PIXELS):
                    new_words.next = in_tiles * MOST_TILE_WORDS

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
            wanted_words.next = new_words

    @always_comb
    def judge() -> None:
        known.next = stored_words != 0 and stored_words <= wanted_words

    if shape.raw_fallback:

        @always_comb
        def find_codec() -> None:
            raw.next = layer.in_codec == RAW or (in_falls and stored_words == wanted_words)
            if look_residual:
                raw.next = layer.residual_codec == RAW or (residual_falls and stored_words == wanted_words)

        @always(clk.posedge)
        def tell_codec() -> None:
            if looking:
                place.raw.next = raw

    else:

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
                # What was never written may have any length.
                place.lost.next = table.read_data[SPILLED] or not known
                place.words.next = stored_words
                if not known:
                    place.words.next = 1

    if shape.ebpc:
        rows_found = Signal(modbv(0)[PACKET_ROW_BITS:])

        @always(clk.posedge)
        def count_rows() -> None:
            if choose:
                rows_found.next = input_rows * in_tiles
                if choose_residual:
                    rows_found.next = residual_rows * out_tiles
            if looking:
                place.count.next = rows_found

    return instances()
