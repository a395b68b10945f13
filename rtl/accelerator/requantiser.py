"""Requantiser of the accelerator: from sums to samples, and the addition of a second map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.accelerator.arithmetic import ADD_SHIFT
from silicodec.models.accelerator.program import PIXELS
from silicodec.rtl.accelerator.rescaler import SCALED_BITS, VALUE_BITS, rescaler, signed
from silicodec.rtl.blocks.delay_line import delay_line

LATENCY = 4
"""Cycles from a value's slot until it is multiplied and rounded."""


class RescaleConstants:
    """A layer's constants, as in its descriptor; they may change while no row is under way."""

    def __init__(self) -> None:
        self.depthwise: Any = Signal(bool(0))
        self.add: Any = Signal(bool(0))
        self.swap: Any = Signal(bool(0))
        self.away: Any = Signal(bool(0))
        self.conv_zero, self.conv_low, self.conv_high = (signed(8) for _ in range(3))
        self.residual_zero: Any = signed(8)
        self.out_zero, self.out_low, self.out_high = (signed(8) for _ in range(3))
        self.residual_factor: Any = Signal(intbv(0)[32:])
        self.residual_shift: Any = Signal(intbv(0)[6:])
        self.out_factor: Any = Signal(intbv(0)[32:])
        self.out_shift: Any = Signal(intbv(0)[6:])


class ChannelEntry:
    """Bias, factor and shift of the channel `entry`, in the same cycle."""

    def __init__(self, groups: int) -> None:
        self.entry: Any = Signal(intbv(0, min=0, max=max(2, groups)))
        self.bias: Any = signed(32)
        self.factor: Any = Signal(intbv(0)[32:])
        self.shift: Any = Signal(intbv(0)[6:])


class RowWords:
    """Words of finished rows: eight samples of channel `index` of a group; `tag` is the row's."""

    def __init__(self, groups: int, tag_bits: int) -> None:
        self.valid: Any = Signal(bool(0))
        self.index: Any = Signal(intbv(0, min=0, max=max(2, groups)))
        self.tag: Any = Signal(intbv(0)[tag_bits:])
        self.data: Any = Signal(intbv(0)[64:])


@block
def requantiser(
    clk: Any,
    rst: Any,
    start: Any,
    tag: Any,
    layer: RescaleConstants,
    sums: Sequence[Any],
    channel: ChannelEntry,
    residual_index: Any,
    residual: Any,
    words: RowWords,
    *,
    groups: int,
) -> Any:
    """Take a row's sums to samples, a channel a cycle, eight pixels at once.

    A row of `groups` channels (depthwise: of one) takes as many cycles. With `add` it goes through the multipliers
    three times, in three times max(`groups`, 4) cycles: for its own result, for the operand that `residual_factor`
    scales, and for the sum. One such round is the multipliers' latency: each number comes out when it is needed.

    Parameters
    ----------
    start : Signal of bool
        A row begins in this cycle; not before the one before it has taken its cycles.
    tag : Signal
        Goes with the row.
    layer : RescaleConstants
        What the layer does.
    sums : 8 * groups signed Signals of 28 bits
        Sum of channel g and pixel p is number 8 * g + p. Those of channel g are read g cycles after `start`.
    channel : ChannelEntry
        Constants of the channel whose sums are read.
    residual_index : Signal
        Channel whose word of the second map is needed in the next cycle.
    residual : Signal of 64 bits
        Eight samples of the second map.
    words : RowWords
        Samples of a channel, the leftmost in the most significant byte: max(`groups`, 4) + 1 cycles after its last
        slot.
    groups : int
        Channels of a row.
    """
    if len(sums) != PIXELS * groups:
        raise ValueError(f"groups must be {len(sums) // PIXELS}, not {groups}")
    slots = max(groups, LATENCY)

    phase = Signal(intbv(0, min=0, max=3))
    slot = Signal(intbv(0)[max(1, (slots - 1).bit_length()) :])
    is_word, is_sum = Signal(bool(0)), Signal(bool(0))
    control = slot_control(clk, rst, start, layer, phase, slot, is_word, groups=groups, slots=slots)

    values = [signed(VALUE_BITS) for _ in range(PIXELS)]
    scaled = [signed(SCALED_BITS) for _ in range(PIXELS)]
    samples = [signed(8) for _ in range(PIXELS)]
    factor, shift = Signal(intbv(0)[32:]), Signal(intbv(0)[6:])
    away = Signal(bool(0))
    lanes = rescaler(clk, values, factor, shift, away, scaled, cycles=slots - 1)

    # Of an addition's operands, the one that is scaled first, and the other one, which waits for a round.
    own, fine, coarse, waiting = (Signal(intbv(0)[64:]) for _ in range(4))
    fine_zero, coarse_zero = signed(8), signed(8)
    wait = delay_line(clk, None, coarse, waiting, cycles=slots)

    # What follows a number to the end of its round.
    late_word, late_sum = Signal(bool(0)), Signal(bool(0))
    late_index, late_tag = Signal(intbv(0)[len(words.index) :]), Signal(intbv(0)[len(tag) :])
    row_tag, current_tag = (Signal(intbv(0)[len(tag) :]) for _ in range(2))
    follow_word = delay_line(clk, rst, is_word, late_word, cycles=slots)
    follow_sum = delay_line(clk, None, is_sum, late_sum, cycles=slots)
    follow_index = delay_line(clk, None, channel.entry, late_index, cycles=slots)
    follow_tag = delay_line(clk, None, current_tag, late_tag, cycles=slots)

    @always_comb
    def ask() -> None:
        channel.entry.next = 0
        if slot < groups:
            channel.entry.next = slot
        residual_index.next = 0
        if slot + 1 < groups:
            residual_index.next = slot + 1
        is_sum.next = phase == 2
        current_tag.next = row_tag
        if start:
            current_tag.next = tag

    @always_comb
    def clamp() -> None:
        sample_value = intbv(0, min=-(1 << SCALED_BITS), max=1 << SCALED_BITS)
        for p in range(PIXELS):
            if late_sum:
                sample_value[:] = scaled[p] + layer.out_zero
                if sample_value < layer.out_low:
                    sample_value[:] = layer.out_low
                elif sample_value > layer.out_high:
                    sample_value[:] = layer.out_high
            else:
                sample_value[:] = scaled[p] + layer.conv_zero
                if sample_value < layer.conv_low:
                    sample_value[:] = layer.conv_low
                elif sample_value > layer.conv_high:
                    sample_value[:] = layer.conv_high
            samples[p].next = sample_value[8:].signed()

    @always_comb
    def pack() -> None:
        sample_bytes = modbv(0)[64:]
        for p in range(PIXELS):
            sample_bytes[:] = (sample_bytes << 8) | (samples[p] & 0xFF)
        own.next = sample_bytes

    @always_comb
    def order() -> None:
        fine.next = residual
        coarse.next = own
        fine_zero.next = layer.residual_zero
        coarse_zero.next = layer.conv_zero
        if layer.swap:
            fine.next = own
            coarse.next = residual
            fine_zero.next = layer.conv_zero
            coarse_zero.next = layer.residual_zero

    @always(clk.posedge)
    def enter() -> None:
        operand = intbv(0)[8:]
        entering = modbv(0, min=-(1 << (VALUE_BITS - 1)), max=1 << (VALUE_BITS - 1))
        for p in range(PIXELS):
            entering[:] = 0
            if phase == 0:
                for g in range(groups):
                    if slot == g:
                        entering[:] = sums[PIXELS * g + p] + channel.bias
            elif phase == 1:
                operand[:] = (fine >> (8 * (PIXELS - 1 - p))) & 0xFF
                entering[:] = (operand.signed() - fine_zero) << ADD_SHIFT
            else:
                operand[:] = (waiting >> (8 * (PIXELS - 1 - p))) & 0xFF
                entering[:] = ((operand.signed() - coarse_zero) << (ADD_SHIFT - 1)) + scaled[p]
            values[p].next = entering

    @always(clk.posedge)
    def scale() -> None:
        away.next = layer.away and phase == 0
        if phase == 0:
            factor.next = channel.factor
            shift.next = channel.shift
        elif phase == 1:
            factor.next = layer.residual_factor
            shift.next = layer.residual_shift
        else:
            factor.next = layer.out_factor
            shift.next = layer.out_shift

    @always(clk.posedge)
    def emit() -> None:
        if start:
            row_tag.next = tag
        words.tag.next = late_tag
        words.index.next = late_index
        words.data.next = own

    @always_seq(clk.posedge, reset=rst)
    def finish() -> None:
        words.valid.next = late_word

    return instances()


@block
def slot_control(
    clk: Any, rst: Any, start: Any, layer: RescaleConstants, phase: Any, slot: Any, is_word: Any, *, groups: int,
    slots: int,
) -> Any:  # fmt: skip
    """Count the slots of a row, a channel each, and the rounds of an addition.

    Parameters
    ----------
    start : Signal of bool
        The first slot is in this cycle.
    phase, slot : Signal
        Round and channel of this cycle; both 0 while there is no row.
    is_word : Signal of bool
        The row's word of this channel enters its last round.
    slots : int
        Slots of a round of an addition.
    """
    busy = Signal(bool(0))
    ends_round = Signal(bool(0))

    @always_comb
    def decide() -> None:
        if layer.add:
            ends_round.next = slot == slots - 1
        else:
            ends_round.next = layer.depthwise or slot == groups - 1
        is_word.next = False
        if start or busy:
            is_word.next = (phase == 2 or not layer.add) and (slot == 0 or (slot < groups and not layer.depthwise))

    @always_seq(clk.posedge, reset=rst)
    def count() -> None:
        if start or busy:
            if ends_round:
                slot.next = 0
                if layer.add and phase < 2:
                    phase.next = phase + 1
                    busy.next = True
                else:
                    phase.next = 0
                    busy.next = False
            else:
                slot.next = slot + 1
                busy.next = True

    return instances()
