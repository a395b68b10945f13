"""The weight buffer: a ring of the weights of steps, and the constants of output channels."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.accelerator.program import PIXELS, TAPS, WEIGHT_BITS, WINDOW_ROWS
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.layer import COUNT_BITS
from silicodec.rtl.accelerator.loader import ReadState
from silicodec.rtl.accelerator.pipeline import Pipeline
from silicodec.rtl.accelerator.requantiser import BIAS_BITS, SETS, SHIFT_BITS, EntryPort
from silicodec.rtl.accelerator.row_buffer import LayerRun
from silicodec.rtl.accelerator.weight_slot import WeightWords
from silicodec.rtl.blocks.memory import MemoryPorts, memory


class ArrayWeights:
    """Weights for the array, signed signals of 9 bits: tap t of output channel g is number 9 g + t of `taps`.

    `zero` is the weights' zero point, of the layer that is computed; it is subtracted from each. With `serial_rows`
    there are three taps of each channel, those of row `part` of the window.
    """

    def __init__(self, zero: Any, part: Any, shape: AcceleratorShape) -> None:
        half = 1 << (WEIGHT_BITS - 1)
        self.zero, self.part = zero, part
        self.taps = [Signal(intbv(0, min=-half, max=half)) for _ in range(shape.groups * shape.step_taps)]


@block
def weight_buffer(
    clk: Any, rst: Any, run: LayerRun, words: WeightWords, pipeline: Pipeline, reads: ReadState, entry: EntryPort,
    weights: ArrayWeights, *, shape: AcceleratorShape,
) -> Any:  # fmt: skip
    """Load the weights of a layer, as far ahead as there is room.

    Parameters
    ----------
    run : LayerRun
        The layer that is read; those before are loaded when it begins.
    words : WeightWords
        What the `weights` stream holds.
    pipeline : Pipeline
        Its `weights`, the ring, is driven here, but for what the sequencer and the output buffer drive.
    reads : ReadState
        Its `weights` and `weight_stream.short` are driven here.
    entry : EntryPort
        The constants.
    weights : ArrayWeights
        The weights of a step.
    """
    layer, depthwise, restart, state = run.layer, run.depthwise, run.restart, reads.weight_stream
    control, port = pipeline.control, pipeline.weights
    set_number, weight_zero, taps = entry.set_number, weights.zero, weights.taps
    groups, depth = shape.groups, shape.weight_words
    address_bits = len(port.address)
    channel_bits = max(1, (groups - 1).bit_length())
    ring, table = MemoryPorts(depth, groups * TAPS * 8), MemoryPorts(SETS << channel_bits, BIAS_BITS + SHIFT_BITS + 32)
    cells, table_cells = memory(clk, ring), memory(clk, table)

    active, loading, taken = (Signal(bool(0)) for _ in range(3))
    data = Signal(modbv(0)[64:])
    entries, second, full = (Signal(bool(0)) for _ in range(3))
    channel = Signal(intbv(0, min=0, max=groups + 1))
    step, group = Signal(modbv(0)[13:]), Signal(modbv(0)[10:])
    strip, number, strips = Signal(modbv(0)[6:]), Signal(modbv(0)[11:]), Signal(modbv(0)[7:])
    ahead = Signal(modbv(0)[len(port.written) :])
    ahead_by, sets_by = Signal(modbv(0)[len(port.written) :]), Signal(modbv(0)[COUNT_BITS:])
    last_channel, last_word, last_step, last_group, last_strip, finishes = (Signal(bool(0)) for _ in range(6))
    kept_entry = Signal(modbv(0)[BIAS_BITS + SHIFT_BITS :])
    rows = [Signal(modbv(0)[64:]) for _ in range(groups)]
    ninth = Signal(modbv(0)[64:])
    kept = [row_register(clk, taken, entries, channel, data, rows[g], number=g) for g in range(groups)]
    parts: list[Any] = []
    for g in reversed(range(groups)):
        parts += [ninth(8 * g + 8, 8 * g), rows[g]]
    joined = ConcatSignal(*parts)
    step_weights = ring.read_data
    if shape.serial_rows:
        step_weights = Signal(intbv(0)[8 * len(taps) :])
        turn = choose_row(ring.read_data, weights.part, step_weights, groups=groups)
    zeros = [subtract_zero(clk, step_weights, weight_zero, taps[n], low=8 * n) for n in range(len(taps))]

    @always_comb
    def look() -> None:
        strips.next = (layer.out_height + (PIXELS - 1)) >> 3
        ahead_by.next = ahead - port.base
        sets_by.next = port.sets_loaded - port.sets_done
        reads.weights.next = not active

    @always_comb
    def take() -> None:
        loading.next = active and ((entries and sets_by < SETS) or (not entries and ahead_by < depth))

    @always_comb
    def receive() -> None:
        taken.next = loading and (words.valid or words.missing)
        data.next = 0
        if words.valid:
            data.next = words.data

    @always_comb
    def want() -> None:
        words.ready.next = loading

    @always_comb
    def find_ends() -> None:
        last_channel.next = depthwise or channel == groups - 1
        last_word.next = channel == groups
        if layer.pointwise:
            last_word.next = channel == groups - 1
        elif depthwise:
            last_word.next = channel == 1
        last_step.next = step + 1 == layer.steps
        last_group.next = group + 1 == layer.groups
        last_strip.next = strip + 1 == strips

    @always_comb
    def find_last() -> None:
        finishes.next = not entries and last_word and last_step and last_group and last_strip
        if number + 1 != layer.passes:
            finishes.next = False

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        full.next = False
        if full:
            port.written.next = port.written + 1
        if control.fresh:
            state.short.next = False
        elif words.fault or (loading and words.missing) or (taken and finishes and not words.last):
            state.short.next = True
        if control.fresh:
            # Of a program that failed, steps may be left.
            active.next = False
            ahead.next = port.base
            port.written.next = port.base
            port.sets_loaded.next = port.sets_done
        elif control.drain:
            active.next = False
        elif restart:
            active.next = True
            entries.next = True
            second.next = False
            channel.next = 0
            step.next = 0
            group.next = 0
            strip.next = 0
            number.next = 0
        elif taken:
            if entries:
                second.next = not second
                if second:
                    channel.next = channel + 1
                    if last_channel:
                        channel.next = 0
                        entries.next = False
            elif not last_word:
                channel.next = channel + 1
            else:
                full.next = True
                channel.next = 0
                ahead.next = ahead + 1
                step.next = step + 1
                if last_step:
                    step.next = 0
                    entries.next = True
                    port.sets_loaded.next = port.sets_loaded + 1
                    group.next = group + 1
                    if last_group:
                        group.next = 0
                        strip.next = strip + 1
                        if last_strip:
                            strip.next = 0
                            number.next = number + 1
                            if number + 1 == layer.passes:
                                active.next = False

    @always_seq(clk.posedge, reset=rst)
    def keep_ninth() -> None:
        if taken and not entries and (channel == groups or (depthwise and channel == 1)):
            ninth.next = data

    @always(clk.posedge)
    def keep_entry() -> None:
        if taken and entries and not second:
            kept_entry.next = data[BIAS_BITS + SHIFT_BITS :]

    @always_comb
    def write() -> None:
        ring.write.next = full
        ring.write_address.next = port.written[address_bits:]
        ring.write_data.next = joined
        ring.read.next = port.read
        ring.read_address.next = port.address

    @always_comb
    def write_table() -> None:
        table.write.next = taken and entries and second
        table.write_address.next = ((port.sets_loaded & (SETS - 1)) << channel_bits) | channel
        table.write_data.next = (data[32:] << (BIAS_BITS + SHIFT_BITS)) | kept_entry
        table.read.next = True
        table.read_address.next = (set_number << channel_bits) | entry.index

    @always_comb
    def give() -> None:
        entry.bias.next = table.read_data[BIAS_BITS:]
        entry.shift.next = table.read_data[BIAS_BITS + SHIFT_BITS : BIAS_BITS]
        entry.factor.next = table.read_data[BIAS_BITS + SHIFT_BITS + 32 : BIAS_BITS + SHIFT_BITS]

    return instances()


@block
def row_register(clk: Any, taken: Any, entries: Any, channel: Any, data: Any, row: Any, *, number: int) -> Any:
    """Keep the first eight taps of one output channel."""

    @always(clk.posedge)
    def keep() -> None:
        if taken and not entries and channel == number:
            row.next = data

    return instances()


@block
def choose_row(word: Any, part: Any, row: Any, *, groups: int) -> Any:
    """Choose the weights of a row of the window, which are a third of every channel's."""
    bits = 8 * TAPS // WINDOW_ROWS

    @always_comb
    def choose() -> None:
        for g in range(groups):
            for n in range(bits):
                row.next[bits * g + n] = word[3 * bits * g + n]
                if part == 1:
                    row.next[bits * g + n] = word[3 * bits * g + bits + n]
                elif part == 2:
                    row.next[bits * g + n] = word[3 * bits * g + 2 * bits + n]

    return instances()


@block
def subtract_zero(clk: Any, word: Any, zero: Any, weight: Any, *, low: int) -> Any:
    """Take a weight out of a step's, and subtract its zero point."""

    @always(clk.posedge)
    def subtract() -> None:
        weight.next = word[low + 8 : low].signed() - zero.signed()

    return instances()
