"""The sequencer: issues the steps of a layer when everything that they need is there."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.accelerator.program import PIXELS, WINDOW_ROWS
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.pipeline import ABSOLUTE_BITS, Pipeline
from silicodec.rtl.accelerator.pool import PoolPorts
from silicodec.rtl.accelerator.requantiser import LATENCY, SET_BITS, SETS, delay, wire
from silicodec.rtl.accelerator.row_buffer import LayerRun
from silicodec.rtl.accelerator.steps import StepCount, step_counter, step_position
from silicodec.rtl.accelerator.window import StepControl
from silicodec.rtl.accelerator.window_place import WindowPlace, coordinate, window_place

START_DELAY = 4
"""Cycles from the issue of a row's last step to the start of the requantiser's job."""


def tag_bits(shape: AcceleratorShape) -> int:
    """Return the width of a row's tag: row, tile, set of constants, and on top whether it is the set's last row."""
    return 3 + (shape.tile_columns - 1).bit_length() + SET_BITS + 1


class ArrayStep:
    """Whether the array gets a step, and whether it is the first or the last one of its sums."""

    def __init__(self) -> None:
        self.valid: Any = Signal(bool(0))
        self.first: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))


class RowStart:
    """A row's sums will be there in the next cycle, where `valid` is high; `tag` says which row it is."""

    def __init__(self, shape: AcceleratorShape) -> None:
        self.valid: Any = Signal(bool(0))
        self.tag: Any = Signal(intbv(0)[tag_bits(shape) :])


class StepIssue:
    """A step is issued, where `go` is high; it is the last one of its row, and of its group of channels and strip.

    With `serial_rows` a step is issued in three cycles: `part` counts them, and `ends` is high in the last one.
    """

    def __init__(self, shape: AcceleratorShape) -> None:
        self.go: Any = Signal(bool(0))
        self.ends: Any = self.go
        if shape.serial_rows:
            self.ends = Signal(bool(0))
            self.part: Any = Signal(intbv(0, min=0, max=WINDOW_ROWS))
        self.ends_row: Any = Signal(bool(0))
        self.ends_set: Any = Signal(bool(0))


@block
def sequencer(
    clk: Any, rst: Any, run: LayerRun, pipeline: Pipeline, pool: PoolPorts, place: StepControl, step: ArrayStep,
    row: RowStart, *, shape: AcceleratorShape,
) -> Any:  # fmt: skip
    """Issue the steps of a layer, each as soon as its weights, its rows and room for its result are there.

    Parameters
    ----------
    run : LayerRun
        The layer that is computed; its `layout.sets` says how many sets the buffer of results has room for.
    pipeline : Pipeline
        Of `progress`, `issued`, `first_row`, `finished` and what is below them are driven here; of `weights`, `base`,
        `read` and `address`, in the same cycle as the port of `pool`.
    pool : PoolPorts
        Its `strip_read` and `strip_rows`, a cycle after a step is issued.
    place : StepControl
        Where the windows are, two cycles after a step is issued.
    step : ArrayStep
        The step, three cycles after.
    row : RowStart
        A row's sums are about to be there.
    """
    layer, restart, start, tag = run.layer, run.restart, row.valid, row.tag
    progress, weight_port = pipeline.progress, pipeline.weights
    count, issue = StepCount(shape), StepIssue(shape)
    go, ends_row, ends_set = issue.go, issue.ends_row, issue.ends_set
    strip_y, next_place = coordinate(), WindowPlace()
    counter = step_counter(clk, rst, restart, issue.ends, layer, count)
    position = step_position(clk, rst, restart, issue.ends, layer, count, strip_y, next_place)
    windows = window_place(clk, layer, next_place, pool, place)
    if shape.serial_rows:
        whole_steps, count = count, count.by_rows()
        parts = step_parts(clk, rst, restart, whole_steps, count, issue)
        window_part = delay(clk, issue.part, place.part, cycles=2)
    flags = [
        delay(clk, count.first_step, step.first, cycles=3),
        delay(clk, count.last_step, step.last, cycles=3),
    ]
    issued, ended = Signal(modbv(0)[3:]), Signal(modbv(0)[START_DELAY:])

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        issued.next = (issued << 1) | go
        ended.next = (ended << 1) | ends_row

    @always_comb
    def tell() -> None:
        pool.strip_read.next = issued[0]
        weight_port.read.next = issued[0]
        step.valid.next = issued[2]
        start.next = ended[START_DELAY - 1]

    new_tag = ConcatSignal(ends_set, progress.issued(SET_BITS, 0), count.tile, count.row)
    tag_start = Signal(modbv(0)[len(tag) :])
    tags = [wire(new_tag, tag_start), delay(clk, tag_start, tag, cycles=START_DELAY)]

    readiness = step_readiness(clk, rst, run, pipeline, pool, strip_y, count, issue, shape=shape)
    return instances()


@block
def step_parts(
    clk: Any, rst: Any, restart: Any, whole_steps: StepCount, count: StepCount, issue: StepIssue
) -> Any:  # fmt: skip
    """Issue a step in three cycles.

    Parameters
    ----------
    whole_steps : StepCount
        The next step.
    count : StepCount
        Its `first_step` and `last_step` are driven here: the first cycle of such a step, and the last one.
    """
    go, part, ends = issue.go, issue.part, issue.ends

    @always_comb
    def look() -> None:
        count.first_step.next = whole_steps.first_step and part == 0
        count.last_step.next = whole_steps.last_step and part == WINDOW_ROWS - 1
        ends.next = go and part == WINDOW_ROWS - 1

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if restart:
            part.next = 0
        elif go:
            part.next = part + 1
            if part == WINDOW_ROWS - 1:
                part.next = 0

    return instances()


@block
def step_readiness(
    clk: Any, rst: Any, run: LayerRun, pipeline: Pipeline, pool: PoolPorts, strip_y: Any, count: StepCount,
    issue: StepIssue, *, shape: AcceleratorShape,
) -> Any:  # fmt: skip
    """Decide whether the next step is issued.

    Parameters
    ----------
    run, pipeline, pool
        As of `sequencer`.
    strip_y : signed Signal
        First row of the input that the present strip's windows reach.
    count : StepCount
        The next step.
    issue : StepIssue
        Driven here.
    """
    layer, depthwise, restart, room = run.layer, run.depthwise, run.restart, run.layout.sets
    progress, weight_port = pipeline.progress, pipeline.weights
    go, ends_row, ends_set = issue.go, issue.ends_row, issue.ends_set
    phase_cycles = max(shape.row_cycles, LATENCY)
    row_cycles, word_pause = shape.row_cycles, shape.word_cycles - 1
    active, maps_ready, weights_ready, free = (Signal(bool(0)) for _ in range(4))
    wait, pause = (Signal(intbv(0, min=0, max=3 * phase_cycles)) for _ in range(2))
    # Strips that the present windows need, over all layers and passes, and how many of the map are left after them.
    strips_left, first_left, more = (Signal(modbv(0)[6:]) for _ in range(3))
    first_wanted, in_strips = (Signal(modbv(0)[6:]) for _ in range(2))
    strips_before, rows_before, first_strip, wanted, surplus = (Signal(modbv(0)[ABSOLUTE_BITS:]) for _ in range(5))
    position, next_position = (Signal(modbv(0)[len(weight_port.written) :]) for _ in range(2))
    under_way, sets_of_room = (Signal(modbv(0)[SETS.bit_length() :]) for _ in range(2))
    top = ABSOLUTE_BITS - 1
    address_bits, room_bits = len(weight_port.address), len(under_way)

    @always_comb
    def look() -> None:
        in_strips.next = (layer.in_height + (PIXELS - 1)) >> 3
        under_way.next = progress.issued - progress.drained
        next_position.next = position + 1
        surplus.next = progress.filled - wanted

    @always_comb
    def limit() -> None:
        first_wanted.next = layer.need_first
        first_left.next = in_strips - layer.need_first
        if layer.need_first > in_strips:
            first_wanted.next = in_strips
            first_left.next = 0

    @always_comb
    def find_more() -> None:
        more.next = 1 + layer.stride2
        if strips_left == 0:
            more.next = 0
        elif strips_left == 1:
            more.next = 1

    @always_comb
    def want() -> None:
        first_strip.next = progress.first_strip
        if not restart:
            first_strip.next = strips_before + in_strips

    if shape.single_port:
        held = Signal(bool(0))

        @always_seq(clk.posedge, reset=rst)
        def hold() -> None:
            # A step that is not issued now does not read when the waiting row is there two cycles later.
            held.next = not pool.strip_write_ready and not held

        @always_comb
        def check_with_hold() -> None:
            maps_ready.next = not surplus[top] and (not layer.add or progress.residuals != progress.issued)
            weights_ready.next = weight_port.written != position
            free.next = under_way != sets_of_room and (wait == 0 or not count.last_step) and not held

    else:

        @always_comb
        def check() -> None:
            maps_ready.next = not surplus[top] and (not layer.add or progress.residuals != progress.issued)
            weights_ready.next = weight_port.written != position
            free.next = under_way != sets_of_room and (wait == 0 or not count.last_step)

    @always_comb
    def decide() -> None:
        go.next = active and maps_ready and weights_ready and free
        ends_row.next = active and maps_ready and weights_ready and free and count.last_step
        ends_set.next = count.last_step and count.last_row and count.last_tile
        progress.steps.next = active and maps_ready and weights_ready and free
        progress.waits_for_maps.next = active and free and not maps_ready
        progress.waits_for_weights.next = active and free and maps_ready and not weights_ready

    @always_comb
    def choose_pause() -> None:
        if layer.add:
            pause.next = 3 * phase_cycles - 1
        elif depthwise:
            pause.next = word_pause
        else:
            pause.next = row_cycles - 1

    @always_comb
    def first_row() -> None:
        progress.first_row.next = rows_before
        if strip_y > 0:
            progress.first_row.next = rows_before + strip_y

    @always(clk.posedge)
    def keep() -> None:
        weight_port.address.next = position[address_bits:]
        sets_of_room.next = room[room_bits:]

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if wait != 0:
            wait.next = wait - 1
        if restart:
            active.next = True
            progress.finished.next = False
            wanted.next = first_strip + first_wanted
            strips_before.next = first_strip
            strips_left.next = first_left
            rows_before.next = 0
            position.next = weight_port.base
            wait.next = 0
        elif issue.ends:
            position.next = next_position
            if count.last_step:
                wait.next = pause
                position.next = weight_port.base
                if count.last_row and count.last_tile:
                    position.next = next_position
                    progress.issued.next = progress.issued + 1
                    weight_port.base.next = next_position
                    if count.last_group:
                        wanted.next = wanted + more
                        strips_left.next = strips_left - more
                        if count.last_strip:
                            wanted.next = first_strip + first_wanted
                            strips_before.next = first_strip
                            strips_left.next = first_left
                            rows_before.next = rows_before + layer.pass_rows
                            if count.last_pass:
                                active.next = False
                                progress.finished.next = True

    return instances()
