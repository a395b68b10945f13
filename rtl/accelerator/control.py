"""The control: layers begun, one after the other, and reported."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, enum, instances, modbv

from silicodec.models.accelerator.program import MAGIC, VERSION, Status
from silicodec.rtl.accelerator.layer import LayerSignals, descriptor_copy
from silicodec.rtl.accelerator.loader import STATUS_BITS, LoaderPort, ReadState, WantedLayers, layer_loader
from silicodec.rtl.accelerator.pipeline import Pipeline
from silicodec.rtl.blocks.stream import Stream

TIMING_WORDS = 4
CYCLE_BITS = 32


class ControlStreams:
    """Streams of the accelerator that its control takes and gives."""

    def __init__(self, program: Stream, report: Stream, timing: Stream) -> None:
        self.program = program
        self.report = report
        self.timing = timing


@block
def program_control(
    clk: Any, rst: Any, streams: ControlStreams, front: LayerSignals, layer: LayerSignals, pipeline: Pipeline,
    reads: ReadState, loader: LoaderPort,
) -> Any:  # fmt: skip
    """Run the layers of a program one after the other, and report each.

    Parameters
    ----------
    streams : ControlStreams
        Programs, and what becomes of them.
    front, layer : LayerSignals
        The descriptors of the layer that is read, loaded here, and of the one that is computed, taken from it.
    pipeline : Pipeline
        How far the layer is, and what it wrote; `pipeline.control` is driven here.
    reads : ReadState
        How far the layer of `front` is read, and the state of the inputs.
    loader : LoaderPort
        Its `fault` says what is wrong with `front`, two cycles after it was loaded; the rest is driven here.
    """
    program, report, timing = streams.program, streams.report, streams.timing
    control, progress, outcome = pipeline.control, pipeline.progress, pipeline.outcome
    weights, pixels = reads.weight_stream, reads.pixel_stream
    state_type = enum("HEADER", "WAIT", "BEGIN", "RUN", "JUDGE", "DRAIN", "REPORT", "TIMING")
    state = Signal(state_type.HEADER)
    wanted = WantedLayers()
    ended, stopped, count, read_all = wanted.ended, wanted.stopped, wanted.count, wanted.read_all
    taken, take_layer, short, final, bad_header = (Signal(bool(0)) for _ in range(5))
    number = Signal(modbv(0)[8:])
    status = Signal(modbv(0)[STATUS_BITS:])
    cycles, steps, weight_waits, map_waits = (Signal(modbv(0)[CYCLE_BITS:]) for _ in range(4))
    timing_index = Signal(modbv(0)[2:])
    reported = Signal(bool(0))
    load = layer_loader(clk, rst, program, wanted, control, front, loader)
    copy = descriptor_copy(clk, take_layer, front, layer)

    @always_comb
    def look() -> None:
        taken.next = program.valid and program.ready
        final.next = number + 1 == count
        bad_header.next = program.data[24:] != (MAGIC | VERSION << 16) or program.data[32:24] == 0
        stopped.next = status != 0
        # What is missing of a layer that is read ahead is told when its own turn has come.
        short.next = control.begun and (weights.short or pixels.short)
        read_all.next = reads.maps and reads.weights and not weights.short and not pixels.short and not reads.lost

    @always_comb
    def accept() -> None:
        program.ready.next = not rst and (
            state == state_type.HEADER or loader.takes or (state == state_type.DRAIN and not ended)
        )
        control.fresh.next = state == state_type.HEADER
        control.drain.next = state == state_type.DRAIN
        control.running.next = state == state_type.RUN or state == state_type.JUDGE
        take_layer.next = state == state_type.WAIT and loader.ready and not control.begun
        control.begins.next = state == state_type.BEGIN

    @always_comb
    def offer() -> None:
        report.valid.next = not rst and state == state_type.REPORT
        report.last.next = status != 0 or final
        report.data.next = (outcome.words << 32) | (outcome.spilled << 16) | (status << 8) | number
        if reported:
            report.data.next = (status << 8) | number
        timing.valid.next = not rst and state == state_type.TIMING
        timing.last.next = (status != 0 or final) and timing_index == TIMING_WORDS - 1
        if timing_index == 0:
            timing.data.next = cycles
        elif timing_index == 1:
            timing.data.next = steps
        elif timing_index == 2:
            timing.data.next = weight_waits
        else:
            timing.data.next = map_waits

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if taken and program.last:
            ended.next = True
        if loader.leaves:
            control.begun.next = False
        if state == state_type.HEADER:
            ended.next = False
            status.next = 0
            number.next = 0
            reported.next = True
            control.begun.next = False
            timing_index.next = 0
            if program.valid:
                ended.next = program.last
                count.next = program.data[32:24]
                state.next = state_type.WAIT
                if bad_header:
                    count.next = 0
                    status.next = int(Status.BAD_HEADER)
                    state.next = state_type.DRAIN
        elif state == state_type.WAIT:
            if loader.failed:
                status.next = loader.status
                state.next = state_type.DRAIN
            elif loader.ready and not control.begun:
                state.next = state_type.BEGIN
        elif state == state_type.BEGIN:
            reported.next = False
            control.begun.next = True
            state.next = state_type.RUN
        elif state == state_type.RUN:
            read = not control.begun or (reads.maps and reads.weights)
            if progress.finished and outcome.complete and read:
                state.next = state_type.JUDGE
        elif state == state_type.JUDGE:
            state.next = state_type.REPORT
            if (short and weights.short) or (final and not weights.ended):
                status.next = int(Status.BAD_WEIGHTS)
                state.next = state_type.DRAIN
            elif short or (final and not pixels.ended):
                status.next = int(Status.BAD_PIXELS)
                state.next = state_type.DRAIN
            elif control.begun and reads.lost:
                status.next = int(Status.BAD_PACKET)
                state.next = state_type.DRAIN
            elif outcome.overflow:
                status.next = int(Status.OVERFLOW)
                state.next = state_type.DRAIN
            elif final:
                state.next = state_type.DRAIN
        elif state == state_type.DRAIN:
            if ended and weights.ended and pixels.ended and reads.quiet:
                state.next = state_type.REPORT
        elif state == state_type.REPORT:
            if report.ready:
                state.next = state_type.TIMING
        else:
            if timing.ready:
                timing_index.next = timing_index + 1
                if timing_index == TIMING_WORDS - 1:
                    timing_index.next = 0
                    number.next = number + 1
                    reported.next = True
                    state.next = state_type.WAIT
                    if status != 0 or final:
                        state.next = state_type.HEADER

    @always_seq(clk.posedge, reset=rst)
    def measure() -> None:
        if state == state_type.HEADER or (
            state == state_type.TIMING and timing.ready and timing_index == TIMING_WORDS - 1
        ):
            cycles.next = 0
            steps.next = 0
            weight_waits.next = 0
            map_waits.next = 0
        elif state == state_type.WAIT or state == state_type.BEGIN:
            cycles.next = cycles + 1
        elif state == state_type.RUN:
            cycles.next = cycles + 1
            if progress.steps:
                steps.next = steps + 1
            if progress.waits_for_weights:
                weight_waits.next = weight_waits + 1
            if progress.waits_for_maps:
                map_waits.next = map_waits + 1

    return instances()
