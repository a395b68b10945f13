"""The reader: packets of the input and of the residual on their way to be unpacked."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, modbv

from silicodec.models.accelerator.packets import RAW
from silicodec.models.accelerator.program import PIXELS
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.codec_slot import CODEC_BITS, PACKET_ROW_BITS, TILE_BITS, CodedPackets
from silicodec.rtl.accelerator.layer import LayerSignals
from silicodec.rtl.accelerator.loader import ReadState
from silicodec.rtl.accelerator.packet_finder import PacketPlace, packet_finder
from silicodec.rtl.accelerator.pipeline import Pipeline
from silicodec.rtl.accelerator.pool import COLUMN_BITS, LENGTH_BITS, ROW_BITS, PoolPorts
from silicodec.rtl.accelerator.raw_fallback import plain_codec
from silicodec.rtl.accelerator.row_buffer import LayerRun
from silicodec.rtl.blocks.memory import MemoryPorts
from silicodec.rtl.blocks.stream import Stream


class PacketSources:
    """Where packets come from: `pool`, as their entries in `table` say, or the streams `pixels` and `refill`."""

    def __init__(self, table: MemoryPorts, pool: PoolPorts, pixels: Stream, refill: Stream) -> None:
        self.table = table
        self.pool = pool
        self.pixels = pixels
        self.refill = refill


@block
def map_reader(
    clk: Any, rst: Any, run: LayerRun, pipeline: Pipeline, sources: PacketSources, reads: ReadState,
    packed: CodedPackets, quiet: Any, *, shape: AcceleratorShape,
) -> Any:  # fmt: skip
    """Read the packets of a layer: the residual's as soon as its buffer has room, otherwise the input's.

    Parameters
    ----------
    run : LayerRun
        The layer that is read; its `layout.sets` says how many sets the residual's buffer has room for.
    pipeline : Pipeline
        How far the other parts are.
    sources : PacketSources
        Where packets come from: by the table's read port and the memory's port `map_read`, or on a stream.
    reads : ReadState
        Its `lost` (with EBPC: `absent`) and `pixel_stream` are driven here.
    packed : CodedPackets
        What was read.
    quiet : Signal of bool
        No packet is under way, up to `packed`.
    """
    layer, control, state = run.layer, pipeline.control, reads.pixel_stream
    lost = reads.absent if shape.ebpc else reads.lost
    pool, pixels, refill = sources.pool, sources.pixels, sources.refill
    place = PacketPlace()
    taken, found_none = Signal(bool(0)), Signal(bool(0))
    finder = packet_finder(clk, rst, run, pipeline, sources.table, place, taken, found_none, shape=shape)

    pool_ready = pool.map_read_ready if shape.single_port else True

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
        word_there.next = pool_ready
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

    if shape.dct or shape.ebpc:
        marks = packet_marks(clk, layer, place, taken, step, packed, raw_fallback=shape.raw_fallback)
    if shape.ebpc:
        counts = packet_counts(clk, place, taken, step, packed)

    return instances()


@block
def packet_marks(
    clk: Any, layer: LayerSignals, place: PacketPlace, taken: Any, step: Any, packed: CodedPackets, *,
    raw_fallback: bool,
) -> Any:  # fmt: skip
    """Say of every word that is read, at a `step`, how its packet is coded: as the layer said when it was `taken`.

    With the fallback a packet may be raw where the map's others are not.
    """
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

    if raw_fallback:
        plain, raw = Signal(modbv(0)[CODEC_BITS:]), Signal(bool(0))
        choice = plain_codec(codec, plain)

        @always(clk.posedge)
        def keep() -> None:
            if taken:
                raw.next = place.raw

        @always(clk.posedge)
        def mark_found() -> None:
            if step:
                packed.codec.next = plain
                if raw:
                    packed.codec.next = RAW
                packed.tiles.next = tiles

    else:

        @always(clk.posedge)
        def mark() -> None:
            if step:
                packed.codec.next = codec
                packed.tiles.next = tiles

    return instances()


@block
def packet_counts(clk: Any, place: PacketPlace, taken: Any, step: Any, packed: CodedPackets) -> Any:
    """Say of every word how many rows its packet has, as `packet_marks` says how it is coded."""
    count = Signal(modbv(0)[PACKET_ROW_BITS:])

    @always(clk.posedge)
    def choose() -> None:
        if taken:
            count.next = place.count

    @always(clk.posedge)
    def mark() -> None:
        if step:
            packed.count.next = count

    return instances()
