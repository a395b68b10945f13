"""The requantiser: from sums to samples, and additions of maps, usually eight pixels at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.accelerator.program import PIXELS, SUM_BITS
from silicodec.models.accelerator.timing import MOST_SETS
from silicodec.rtl.accelerator.lane import HALF, Limits, choose_sum, clamp, lane, lane_input, take_byte
from silicodec.rtl.accelerator.layer import LayerSignals

LATENCY = 4
"""Cycles from what a lane takes to what it gives."""
SETS = MOST_SETS
"""Sets of constants: of so many groups of channels at most that are loaded, in use or on their way to samples."""
SET_BITS = (SETS - 1).bit_length()
SHIFT_BITS = 6
BIAS_BITS = 32


class EntryPort:
    """Where the requantiser reads an output channel's constants: they come a cycle after their job's tag and index.

    `set_number` is the part of the tag that says which set of constants they are of.
    """

    def __init__(self, groups: int, tag_bits: int) -> None:
        self.index: Any = Signal(intbv(0, min=0, max=max(2, groups)))
        self.tag: Any = Signal(intbv(0)[tag_bits:])
        self.set_number: Any = Signal(intbv(0)[SET_BITS:])
        self.bias: Any = Signal(intbv(0)[BIAS_BITS:])
        self.factor: Any = Signal(intbv(0)[32:])
        self.shift: Any = Signal(intbv(0)[SHIFT_BITS:])


class ResultPort:
    """A word of eight samples, or of one a lane: of output channel `index` of the job that `tag` came with."""

    def __init__(self, groups: int, tag_bits: int, lanes: int = PIXELS) -> None:
        self.valid: Any = Signal(bool(0))
        self.index: Any = Signal(intbv(0, min=0, max=max(2, groups)))
        self.tag: Any = Signal(intbv(0)[tag_bits:])
        self.data: Any = Signal(intbv(0)[8 * lanes :])


@block
def requantiser(
    clk: Any, rst: Any, start: Any, tag: Any, layer: LayerSignals, depthwise: Any, sums: Sequence[Any],
    entry: EntryPort, residual: Any, result: ResultPort, *, groups: int, lanes: int = PIXELS,
) -> Any:  # fmt: skip
    """Make samples of a row of finished sums.

    A job takes as many cycles as output channels it has, or with an addition three times as many, at least 12; the next
    one may start then. Its first word leaves six cycles after the start, with an addition two phases later.

    Parameters
    ----------
    start, tag : Signal
        A job starts; the sums come a cycle later, and stay until they are used. `tag` comes back with its words, and
        with `entry.index` it says what the constants and the residual of each cycle are.
    layer : LayerSignals
        The layer's constants.
    depthwise : Signal of bool
        Whether a row has one output channel instead of `groups`.
    sums : signed Signals
        Pixel p of output channel g is number `lanes` * g + p.
    entry : EntryPort
        The output channels' constants.
    residual : Signal of 8 bits a lane
        Samples to add: they come a cycle after `entry.index`, too.
    result : ResultPort
        The words.
    groups, lanes : int
        Output channels of a job, and pixels of each.
    """
    phase_cycles = max(groups, LATENCY)
    extra = phase_cycles - LATENCY
    slot, next_slot = (Signal(intbv(0, min=0, max=phase_cycles)) for _ in range(2))
    phase, next_phase = (Signal(intbv(0)[2:]) for _ in range(2))
    busy, active = (Signal(bool(0)) for _ in range(2))
    now_slot, now_phase = Signal(intbv(0, min=0, max=phase_cycles)), Signal(intbv(0)[2:])
    kept_tag, now_tag = (Signal(intbv(0)[len(tag) :]) for _ in range(2))
    emits = Signal(bool(0))
    ends = Signal(bool(0))

    # Flags and tags follow their numbers through the lane: in the cycle of the slot, and 1 to 5 cycles later.
    late_slot, late_phase = Signal(intbv(0, min=0, max=phase_cycles)), Signal(intbv(0)[2:])
    valids = Signal(modbv(0)[LATENCY + 1 :])
    indices = [Signal(intbv(0, min=0, max=max(2, groups))) for _ in range(LATENCY + 3)]
    tags = [Signal(intbv(0)[len(tag) :]) for _ in range(LATENCY + 3)]
    tag_stages = [register(clk, tags[i], tags[i + 1]) for i in range(LATENCY + 2)]
    index_stages = [register(clk, indices[i], indices[i + 1]) for i in range(LATENCY + 2)]
    tag_entry, index_entry = wire(now_tag, tags[0]), wire(entry.index, indices[0])

    factor, kept_factor = (Signal(intbv(0)[32:]) for _ in range(2))
    shift, shift1, shift2, shift3 = (Signal(intbv(0)[SHIFT_BITS:]) for _ in range(4))
    away, away1, away2, away3 = (Signal(bool(0)) for _ in range(4))
    shift_stages = [register(clk, *pair) for pair in ((shift, shift1), (shift1, shift2), (shift2, shift3))]
    away_stages = [register(clk, *pair) for pair in ((away, away1), (away1, away2), (away2, away3))]
    factor_stage = register(clk, factor, kept_factor)
    limits = Limits()
    samples = [Signal(intbv(0)[8:]) for _ in range(lanes)]
    lane_blocks = []
    for p in range(lanes):
        number, scaled, sample = (
            Signal(modbv(0, min=-HALF, max=HALF)),
            Signal(modbv(0, min=-HALF, max=HALF)),
            samples[p],
        )
        own, late_own, late_scaled = Signal(intbv(0)[8:]), Signal(intbv(0)[8:]), Signal(modbv(0, min=-HALF, max=HALF))
        up, late_up = (Signal(intbv(0, min=-1, max=2)) for _ in range(2))
        other, early_own = Signal(intbv(0)[8:]), Signal(intbv(0)[8:])
        total = Signal(modbv(0, min=-(1 << (SUM_BITS - 1)), max=1 << (SUM_BITS - 1)))
        lane_blocks.append(
            (
                choose_sum(late_slot, sums[p::lanes], total),
                take_byte(residual, other, low=8 * (lanes - p - 1)),
                lane_input(
                    layer, late_phase, total, entry.bias, early_own, late_own, other, late_scaled, late_up, number
                ),
                lane(clk, number, kept_factor, shift3, away3, scaled, up),
                clamp(scaled, up, limits, own),
                delay(clk, own, early_own, cycles=extra),
                delay(clk, early_own, late_own, cycles=phase_cycles),
                delay(clk, scaled, late_scaled, cycles=extra),
                delay(clk, up, late_up, cycles=extra),
                register(clk, own, sample),
            )
        )
    word = wire(ConcatSignal(*samples) if lanes > 1 else samples[0], result.data)
    last_tag, last_index = wire(tags[LATENCY + 2], result.tag), wire(indices[LATENCY + 2], result.index)

    @always_comb
    def schedule() -> None:
        active.next = start or busy
        now_slot.next = slot
        now_phase.next = phase
        now_tag.next = kept_tag
        if start:
            now_slot.next = 0
            now_phase.next = 0
            now_tag.next = tag

    @always_comb
    def advance() -> None:
        ends.next = False
        next_slot.next = 0
        next_phase.next = now_phase
        if layer.add:
            if now_slot == phase_cycles - 1:
                next_phase.next = now_phase + 1 if now_phase != 3 else 0
                ends.next = now_phase == 2
            else:
                next_slot.next = now_slot + 1
        elif depthwise or now_slot == groups - 1:
            ends.next = True
        else:
            next_slot.next = now_slot + 1

    @always_comb
    def ask() -> None:
        entry.tag.next = now_tag
        entry.index.next = 0
        if now_slot < groups:
            entry.index.next = now_slot
        emits.next = active and (not layer.add or now_phase == 2) and now_slot < groups
        if depthwise and now_slot != 0:
            emits.next = False

    @always_seq(clk.posedge, reset=rst)
    def count() -> None:
        busy.next = active and not ends
        valids.next = (valids << 1) | emits
        result.valid.next = valids[LATENCY]

    @always(clk.posedge)
    def keep() -> None:
        slot.next = next_slot
        phase.next = next_phase
        kept_tag.next = now_tag
        late_slot.next = now_slot
        late_phase.next = now_phase

    @always_comb
    def choose_constants() -> None:
        away.next = layer.away and late_phase == 0
        if late_phase == 0:
            factor.next = entry.factor
            shift.next = entry.shift
        elif late_phase == 1:
            factor.next = layer.residual_factor
            shift.next = layer.residual_shift
        else:
            factor.next = layer.out_factor
            shift.next = layer.out_shift

    # What leaves the lanes in phase 2 of an addition is the sum; in the phases before, only phase 0 is clamped.
    sums_leave = Signal(modbv(0)[LATENCY:])

    @always(clk.posedge)
    def follow() -> None:
        sums_leave.next = (sums_leave << 1) | (now_phase == 2)

    @always(clk.posedge)
    def choose_limits() -> None:
        if sums_leave[LATENCY - 1]:
            limits.zero.next = layer.out_zero.signed()
            limits.low.next = layer.out_low.signed()
            limits.high.next = layer.out_high.signed()
            limits.zero_less_low.next = layer.out_zero.signed() - layer.out_low.signed()
            limits.zero_less_high.next = layer.out_zero.signed() - layer.out_high.signed()
        else:
            limits.zero.next = layer.conv_zero.signed()
            limits.low.next = layer.conv_low.signed()
            limits.high.next = layer.conv_high.signed()
            limits.zero_less_low.next = layer.conv_zero.signed() - layer.conv_low.signed()
            limits.zero_less_high.next = layer.conv_zero.signed() - layer.conv_high.signed()

    return instances()


@block
def wire(source: Any, target: Any) -> Any:
    """Drive a signal with another."""

    @always_comb
    def forward() -> None:
        target.next = source

    return instances()


@block
def register(clk: Any, source: Any, target: Any) -> Any:
    """Hold a signal for a cycle."""

    @always(clk.posedge)
    def store() -> None:
        target.next = source

    return instances()


@block
def delay(clk: Any, source: Any, target: Any, *, cycles: int) -> Any:
    """Hold a signal for some cycles."""
    stages = [source, *[Signal(source.val) for _ in range(cycles - 1)], target]
    if cycles == 0:
        return wire(source, target)
    registers = [register(clk, stages[i], stages[i + 1]) for i in range(cycles)]
    return registers
