"""The accelerator: a CNN computed from compressed feature maps, after arXiv 2110.06155."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, block, instances, intbv

from silicodec.models.accelerator.program import PIXELS, SUM_BITS, Opcode
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.codec_slot import CODEC_BITS, CodedPackets, DecodedRows, decode_slot, encode_slot
from silicodec.rtl.accelerator.control import ControlStreams, program_control
from silicodec.rtl.accelerator.ebpc_slot import ebpc_decode_slot, ebpc_encode_slot, packet_faults, tile_codec
from silicodec.rtl.accelerator.layer_check import layer_check
from silicodec.rtl.accelerator.loader import LoaderPort, ReadState
from silicodec.rtl.accelerator.mac_array import mac_array
from silicodec.rtl.accelerator.map_reader import PacketSources, map_reader
from silicodec.rtl.accelerator.map_writer import PacketTargets, PackingRows, output_buffer, packet_sink, packet_source
from silicodec.rtl.accelerator.packet_finder import ENTRY_BITS
from silicodec.rtl.accelerator.peaks import choose_result, peaks
from silicodec.rtl.accelerator.pipeline import Pipeline
from silicodec.rtl.accelerator.pool import PoolPorts, StripBanks, memory_pool
from silicodec.rtl.accelerator.raw_fallback import falls_back, plain_codec, raw_fallback
from silicodec.rtl.accelerator.requantiser import SET_BITS, EntryPort, ResultPort, requantiser, wire
from silicodec.rtl.accelerator.row_buffer import LayerRun, row_address, row_buffer
from silicodec.rtl.accelerator.sequencer import ArrayStep, RowStart, sequencer, tag_bits
from silicodec.rtl.accelerator.strip_writer import residual_writer, strip_writer
from silicodec.rtl.accelerator.weight_buffer import ArrayWeights, weight_buffer
from silicodec.rtl.accelerator.weight_slot import WeightWords, weight_slot
from silicodec.rtl.accelerator.window import StepControl, window, window_row
from silicodec.rtl.accelerator.word_parts import PartPorts, word_parts
from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import Stream


@block
def accelerator(
    clk: Any, rst: Any, program: Stream, weights: Stream, pixels: Stream, refill: Stream, scores: Stream, spill: Stream,
    report: Stream, timing: Stream, *, shape: AcceleratorShape,
) -> Any:  # fmt: skip
    """Compute networks of 8-bit integers from programs; `docs/formats/accelerator.md` describes every stream.

    Parameters
    ----------
    program, weights, pixels : Stream
        A packet of each for an image: 64 bits.
    refill : Stream
        Packets of maps that were spilled: 64 bits.
    scores : Stream
        The last layer's output: 64 bits.
    spill : Stream
        Packets of maps that the memory has no room for: 64 bits.
    report, timing : Stream
        What became of each layer, and how long it took: 64 and 32 bits.
    shape : AcceleratorShape
        How large it is built.
    """
    groups = shape.groups
    tile_bits = (shape.tile_columns - 1).bit_length()
    top = 3 + tile_bits + SET_BITS
    # Maps and weights are read for the layer `front`, while `back` is computed: the same layer, or the one before it.
    pipeline, loader, reads = Pipeline(shape), LoaderPort(), ReadState()
    front = LayerRun(groups, shape.tile_columns, loader.restart)
    back = LayerRun(groups, shape.tile_columns, pipeline.control.begins)
    layer, control, progress, weight_port = back.layer, pipeline.control, pipeline.progress, pipeline.weights
    controller = program_control(
        clk, rst, ControlStreams(program, report, timing), front.layer, layer, pipeline, reads, loader
    )
    checker = layer_check(clk, front.layer, loader.fault, shape=shape)

    pool, table = PoolPorts(), MemoryPorts(shape.packets, ENTRY_BITS)
    filled = StripBanks(front.layer.strip_first, front.layer.strip_banks)
    used = StripBanks(layer.strip_first, layer.strip_banks)
    memories = (memory_pool(clk, filled, used, pool, shape=shape), memory(clk, table))
    results, residuals = MemoryPorts(back.layout.words, 64), MemoryPorts(front.layout.words, 64)
    buffers = (memory(clk, results), memory(clk, residuals))
    layouts = [row_buffer(run.layer, run.depthwise, run.layout) for run in (back, front)]

    # From steps to sums.
    place, step, row_start = StepControl(), ArrayStep(), RowStart(shape)
    entry, result = EntryPort(groups, tag_bits(shape)), ResultPort(groups, tag_bits(shape))
    taps = [Signal(intbv(0)[8:]) for _ in range(shape.step_taps * PIXELS)]
    weight_words, channel_weights = WeightWords(), ArrayWeights(layer.weight_zero, place.part, shape)
    sums = [signed(SUM_BITS) for _ in range(groups * PIXELS)]
    maxima, results_of_group = [signed(8) for _ in range(PIXELS)], [signed(SUM_BITS) for _ in range(PIXELS)]
    is_maximum = Signal(bool(0))
    issue = sequencer(clk, rst, back, pipeline, pool, place, step, row_start, shape=shape)
    unpack_weights = weight_slot(
        clk, rst, weights, front.layer.weight_codec, control, reads.weight_stream, weight_words,
        codec=shape.weight_codec,
    )  # fmt: skip
    loads = weight_buffer(clk, rst, front, weight_words, pipeline, reads, entry, channel_weights, shape=shape)
    cut = window_row if shape.serial_rows else window
    windows = cut(clk, pool.strip_data, place, taps)
    products = mac_array(
        clk, taps, channel_weights.taps, step.valid, step.first, step.last, sums,
        groups=groups, products=shape.products,
    )  # fmt: skip
    pools = peaks(clk, taps, channel_weights.taps[: shape.step_taps], step, maxima)
    choices = [choose_result(is_maximum, sums[p], maxima[p], results_of_group[p]) for p in range(PIXELS)]
    finished = [*results_of_group, *sums[PIXELS:]]
    if shape.lanes < PIXELS:
        parts = PartPorts(entry, tag_bits(shape), shape.lanes)
        samples = [
            word_parts(clk, entry, residuals.read_data, parts, result),
            requantiser(
                clk, rst, row_start.valid, row_start.tag, layer, parts.depthwise, finished, parts.entry, parts.residual,
                parts.result, groups=parts.count, lanes=shape.lanes,
            ),
        ]  # fmt: skip
    else:
        samples = requantiser(
            clk, rst, row_start.valid, row_start.tag, layer, back.depthwise, finished, entry, residuals.read_data,
            result, groups=groups,
        )  # fmt: skip

    # From samples to packets.
    rows, packed = PackingRows(), PackingRows()
    out_codec = Signal(intbv(0)[CODEC_BITS:])
    collect = output_buffer(clk, rst, back, result, weight_port.sets_done, results, groups=groups)
    source_codec = layer.out_codec
    if shape.ebpc:
        source_codec = Signal(intbv(0)[CODEC_BITS:])
        choose_tiles = tile_codec(layer.out_codec, source_codec)
    drain = packet_source(
        clk, rst, back, source_codec, weight_port.sets_done, progress.drained, results, rows,
        groups=groups, raw_fallback=shape.raw_fallback,
    )  # fmt: skip
    coding, chosen = rows, packed
    if shape.raw_fallback:
        coding, chosen, falls = PackingRows(), PackingRows(), Signal(bool(0))
        choose_codec = plain_codec(layer.out_codec, out_codec), falls_back(layer.out_codec, falls)
        choice = raw_fallback(clk, rst, back, falls, rows, coding, packed, chosen, shape=shape)
    elif shape.dct or shape.ebpc:
        choose_codec = wire(layer.out_codec, out_codec)
    packing = ebpc_encode_slot if shape.ebpc else encode_slot
    pack = packing(clk, rst, coding, out_codec, packed, dct=shape.dct)
    targets = PacketTargets(table, pool, spill, scores)
    sink = packet_sink(clk, rst, back, chosen, targets, pipeline.outcome, groups=groups)

    # From packets to the strip buffer.
    packets, unpacked = CodedPackets(), DecodedRows()
    reader_quiet, slot_empty, filled_all, added_all = (Signal(bool(0)) for _ in range(4))
    sources = PacketSources(table, pool, pixels, refill)
    reader = map_reader(clk, rst, front, pipeline, sources, reads, packets, reader_quiet, shape=shape)
    unpacking = ebpc_decode_slot if shape.ebpc else decode_slot
    unpacked_all = slot_empty
    if shape.single_port:
        unpacked_all = Signal(bool(0))

        @always_comb
        def settle() -> None:
            slot_empty.next = unpacked_all and not progress.rows_waiting

    unpack = unpacking(clk, rst, packets, unpacked, unpacked_all, dct=shape.dct)
    if shape.ebpc:
        faults = packet_faults(clk, control.fresh, reads.absent, unpacked, reads.lost)
    fills = strip_writer(
        clk, rst, front, unpacked, progress, pool, filled_all, single_port=shape.single_port
    )  # fmt: skip
    residual_fills = residual_writer(
        clk, rst, front, unpacked, weight_port.sets_loaded, progress, residuals, added_all, groups=groups
    )
    number, tile, row = entry.tag(top, 3 + tile_bits), entry.tag(3 + tile_bits, 3), entry.tag(3, 0)
    residual_place = row_address(back.layout, number, entry.index, tile, row, residuals.read_address)
    depthwise, front_depthwise, front_opcode = back.depthwise, front.depthwise, front.layer.opcode

    @always_comb
    def look() -> None:
        depthwise.next = layer.opcode != int(Opcode.DENSE)
        front_depthwise.next = front_opcode != int(Opcode.DENSE)
        is_maximum.next = layer.opcode == int(Opcode.MAXIMUM)
        reads.maps.next = filled_all and added_all
        reads.quiet.next = reader_quiet and slot_empty
        entry.set_number.next = number
        residuals.read.next = True

    return instances()


def signed(bits: int) -> Any:
    """Make a signal in two's complement."""
    return Signal(intbv(0, min=-(1 << (bits - 1)), max=1 << (bits - 1)))
