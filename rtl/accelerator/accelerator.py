"""The accelerator: a CNN computed from compressed feature maps, after arXiv 2110.06155."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, block, instances, intbv

from silicodec.models.accelerator.program import PIXELS, SUM_BITS, TAPS, WEIGHT_BITS, Opcode
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.codec_slot import CODEC_BITS, CodedPackets, DecodedRows, decode_slot, encode_slot
from silicodec.rtl.accelerator.control import program_control
from silicodec.rtl.accelerator.layer import LayerSignals
from silicodec.rtl.accelerator.layer_check import layer_check
from silicodec.rtl.accelerator.loader import STATUS_BITS, InputState, LoaderPort, ProgramControl, ReadState
from silicodec.rtl.accelerator.mac_array import mac_array
from silicodec.rtl.accelerator.map_reader import map_reader
from silicodec.rtl.accelerator.map_writer import PackingRows, WriterResult, output_buffer, packet_sink, packet_source
from silicodec.rtl.accelerator.packet_finder import ENTRY_BITS
from silicodec.rtl.accelerator.peaks import choose_result, peaks
from silicodec.rtl.accelerator.pool import PoolPorts, StripBanks, memory_pool
from silicodec.rtl.accelerator.requantiser import EntryPort, ResultPort, requantiser, wire
from silicodec.rtl.accelerator.row_buffer import RowBuffer, row_address, row_buffer
from silicodec.rtl.accelerator.sequencer import ArrayStep, Progress, sequencer, tag_bits
from silicodec.rtl.accelerator.strip_writer import residual_writer, strip_writer
from silicodec.rtl.accelerator.weight_buffer import SET_BITS, WeightPort, weight_buffer
from silicodec.rtl.accelerator.weight_slot import WeightWords, weight_slot
from silicodec.rtl.accelerator.window import StepControl, window
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
    # Maps and weights are read for the layer `front`, while `layer` is computed: the same one, or the one before it.
    front, layer, control, progress, outcome = (
        LayerSignals(),
        LayerSignals(),
        ProgramControl(),
        Progress(),
        WriterResult(),
    )
    loader, reads, restart = LoaderPort(), ReadState(), control.begins
    front_depthwise, depthwise = Signal(bool(0)), Signal(bool(0))
    fault = Signal(intbv(0)[STATUS_BITS:])
    weight_state, pixel_state = InputState(), InputState()
    controller = program_control(
        clk, rst, program, report, timing, front, layer, fault, progress, outcome, weight_state, pixel_state, reads,
        loader, control,
    )  # fmt: skip
    checker = layer_check(clk, front, fault, shape=shape)

    pool, table = PoolPorts(), MemoryPorts(shape.packets, ENTRY_BITS)
    filled, used = StripBanks(front.strip_first, front.strip_banks), StripBanks(layer.strip_first, layer.strip_banks)
    memories = (memory_pool(clk, filled, used, pool, shape=shape), memory(clk, table))
    layout, front_layout = RowBuffer(groups, shape.tile_columns), RowBuffer(groups, shape.tile_columns)
    results, residuals = MemoryPorts(layout.words, 64), MemoryPorts(layout.words, 64)
    buffers = (memory(clk, results), memory(clk, residuals))
    layouts = (row_buffer(layer, depthwise, layout), row_buffer(front, front_depthwise, front_layout))

    # From steps to sums.
    weight_port, place, step = WeightPort(shape), StepControl(), ArrayStep()
    start, tag = Signal(bool(0)), Signal(intbv(0)[tag_bits(shape) :])
    entry, result = EntryPort(groups, tag_bits(shape)), ResultPort(groups, tag_bits(shape))
    set_number = Signal(intbv(0)[SET_BITS:])
    taps = [Signal(intbv(0)[8:]) for _ in range(TAPS * PIXELS)]
    channel_weights = [signed(WEIGHT_BITS) for _ in range(groups * TAPS)]
    sums = [signed(SUM_BITS) for _ in range(groups * PIXELS)]
    maxima, results_of_group = [signed(8) for _ in range(PIXELS)], [signed(SUM_BITS) for _ in range(PIXELS)]
    is_maximum = Signal(bool(0))
    issue = sequencer(
        clk,
        rst,
        restart,
        layer,
        depthwise,
        progress,
        pool,
        weight_port,
        layout.sets,
        place,
        step,
        start,
        tag,
        shape=shape,
    )
    weight_words = WeightWords()
    unpack_weights = weight_slot(
        clk, rst, weights, front.weight_codec, control, weight_state, weight_words, codec=shape.weight_codec
    )
    loads = weight_buffer(
        clk, rst, loader.restart, front, front_depthwise, weight_words, control, weight_state, reads, layer.weight_zero,
        entry, set_number, weight_port, channel_weights, shape=shape,
    )  # fmt: skip
    windows = window(clk, pool.strip_data, place, taps)
    products = mac_array(clk, taps, channel_weights, step.valid, step.first, step.last, sums, groups=groups)
    pools = peaks(clk, taps, channel_weights[:TAPS], step, maxima)
    choices = [choose_result(is_maximum, sums[p], maxima[p], results_of_group[p]) for p in range(PIXELS)]
    finished = [*results_of_group, *sums[PIXELS:]]
    samples = requantiser(
        clk, rst, start, tag, layer, depthwise, finished, entry, residuals.read_data, result, groups=groups
    )

    # From samples to packets.
    sets_done = weight_port.sets_done
    rows, packed = PackingRows(), PackingRows()
    out_codec = Signal(intbv(0)[CODEC_BITS:])
    collect = output_buffer(clk, rst, layer, depthwise, result, sets_done, layout, results, groups=groups)
    drain = packet_source(
        clk, rst, restart, layer, depthwise, sets_done, progress.drained, layout, results, rows, groups=groups
    )
    if shape.dct:
        choose_codec = wire(layer.out_codec, out_codec)
    pack = encode_slot(clk, rst, rows, out_codec, packed, dct=shape.dct)
    sink = packet_sink(clk, rst, restart, layer, depthwise, packed, table, pool, spill, scores, outcome, groups=groups)

    # From packets to the strip buffer.
    packets, unpacked = CodedPackets(), DecodedRows()
    reader_quiet, slot_empty, filled_all, added_all = (Signal(bool(0)) for _ in range(4))
    reader = map_reader(
        clk, rst, loader.restart, front, front_depthwise, progress, weight_port, front_layout.sets,
        outcome, table, pool, pixels, refill, control, pixel_state, packets, reader_quiet,
        reads.lost, shape=shape,
    )  # fmt: skip
    unpack = decode_slot(clk, rst, packets, unpacked, slot_empty, dct=shape.dct)
    fills = strip_writer(clk, rst, loader.restart, front, front_depthwise, unpacked, progress, pool, filled_all)
    residual_fills = residual_writer(
        clk, rst, loader.restart, front, front_depthwise, unpacked, weight_port.sets_loaded, progress, front_layout,
        residuals, added_all, groups=groups,
    )  # fmt: skip
    number, tile, row = entry.tag(top, 3 + tile_bits), entry.tag(3 + tile_bits, 3), entry.tag(3, 0)
    residual_place = row_address(layout, number, entry.index, tile, row, residuals.read_address)

    @always_comb
    def look() -> None:
        depthwise.next = layer.opcode != int(Opcode.DENSE)
        front_depthwise.next = front.opcode != int(Opcode.DENSE)
        is_maximum.next = layer.opcode == int(Opcode.MAXIMUM)
        reads.maps.next = filled_all and added_all
        reads.quiet.next = reader_quiet and slot_empty
        set_number.next = number
        residuals.read.next = True

    return instances()


def signed(bits: int) -> Any:
    """Make a signal in two's complement."""
    return Signal(intbv(0, min=-(1 << (bits - 1)), max=1 << (bits - 1)))
