"""The control: descriptors in, layers begun, reports out."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, enum, instances, modbv

from silicodec.models.accelerator.program import MAGIC, VERSION, Status
from silicodec.rtl.accelerator.layer import DESCRIPTOR_WORDS, LayerSignals, descriptor_registers
from silicodec.rtl.accelerator.map_writer import WriterResult
from silicodec.rtl.accelerator.sequencer import Progress
from silicodec.rtl.accelerator.weight_buffer import InputState
from silicodec.rtl.blocks.stream import Stream

TIMING_WORDS = 4
CYCLE_BITS = 32
STATUS_BITS = 8


class ProgramControl:
    """`fresh`: a program begins; `drain`: drop what is left of its packets."""

    def __init__(self) -> None:
        self.fresh: Any = Signal(bool(0))
        self.drain: Any = Signal(bool(0))


@block
def program_control(
    clk: Any, rst: Any, program: Stream, report: Stream, timing: Stream, layer: LayerSignals, fault: Any, restart: Any,
    progress: Progress, outcome: WriterResult, weights: InputState, pixels: InputState, control: ProgramControl,
) -> Any:  # fmt: skip
    """Run the layers of a program one after the other, and report each.

    Parameters
    ----------
    program, report, timing : Stream
        Streams of the accelerator.
    layer : LayerSignals
        The descriptor, loaded here.
    fault : Signal of 8 bits
        What is wrong with the descriptor, two cycles after it was loaded.
    restart : Signal of bool
        The layer begins.
    progress, outcome, weights, pixels
        How far it is, what it wrote, and the state of the inputs.
    control : ProgramControl
        Driven here.
    """
    state_type = enum("HEADER", "LOAD", "CHECK", "BEGIN", "RUN", "JUDGE", "DRAIN", "REPORT", "TIMING")
    state = Signal(state_type.HEADER)
    load, taken, checked = (Signal(bool(0)) for _ in range(3))
    index = Signal(modbv(0)[4:])
    ended, final, bad_header = (Signal(bool(0)) for _ in range(3))
    count, number = (Signal(modbv(0)[8:]) for _ in range(2))
    status = Signal(modbv(0)[STATUS_BITS:])
    cycles, steps, weight_waits, map_waits = (Signal(modbv(0)[CYCLE_BITS:]) for _ in range(4))
    timing_index = Signal(modbv(0)[2:])
    reported = Signal(bool(0))
    registers = descriptor_registers(clk, load, index, program.data, layer)

    @always_comb
    def take() -> None:
        taken.next = program.valid and program.ready
        load.next = state == state_type.LOAD and not ended and program.valid
        final.next = number + 1 == count
        bad_header.next = program.data[24:] != (MAGIC | VERSION << 16) or program.data[32:24] == 0

    @always_comb
    def accept() -> None:
        program.ready.next = not rst and (
            state == state_type.HEADER
            or (state == state_type.LOAD and not ended)
            or (state == state_type.DRAIN and not ended)
        )
        control.fresh.next = state == state_type.HEADER
        control.drain.next = state == state_type.DRAIN
        restart.next = state == state_type.BEGIN

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
        if state == state_type.HEADER:
            ended.next = False
            status.next = 0
            number.next = 0
            index.next = 0
            reported.next = True
            checked.next = False
            timing_index.next = 0
            cycles.next = 0
            steps.next = 0
            weight_waits.next = 0
            map_waits.next = 0
            if program.valid:
                ended.next = program.last
                count.next = program.data[32:24]
                state.next = state_type.LOAD
                if bad_header:
                    count.next = 0
                    status.next = int(Status.BAD_HEADER)
                    state.next = state_type.DRAIN
        elif state == state_type.LOAD:
            if ended:
                status.next = int(Status.BAD_HEADER)
                state.next = state_type.DRAIN
            elif program.valid:
                index.next = index + 1
                if index == DESCRIPTOR_WORDS - 1:
                    index.next = 0
                    state.next = state_type.CHECK
        elif state == state_type.CHECK:
            checked.next = True
            if checked:
                checked.next = False
                status.next = fault
                state.next = state_type.BEGIN
                if fault != 0:
                    state.next = state_type.DRAIN
        elif state == state_type.BEGIN:
            reported.next = False
            state.next = state_type.RUN
        elif state == state_type.RUN:
            if progress.finished and outcome.complete and outcome.read_all:
                state.next = state_type.JUDGE
        elif state == state_type.JUDGE:
            state.next = state_type.REPORT
            if weights.short or (final and not weights.ended):
                status.next = int(Status.BAD_WEIGHTS)
                state.next = state_type.DRAIN
            elif pixels.short or (final and not pixels.ended):
                status.next = int(Status.BAD_PIXELS)
                state.next = state_type.DRAIN
            elif outcome.overflow:
                status.next = int(Status.OVERFLOW)
                state.next = state_type.DRAIN
            elif final:
                state.next = state_type.DRAIN
        elif state == state_type.DRAIN:
            if ended and weights.ended and pixels.ended:
                state.next = state_type.REPORT
        elif state == state_type.REPORT:
            if report.ready:
                state.next = state_type.TIMING
        else:
            if timing.ready:
                timing_index.next = timing_index + 1
                if timing_index == TIMING_WORDS - 1:
                    timing_index.next = 0
                    cycles.next = 0
                    steps.next = 0
                    weight_waits.next = 0
                    map_waits.next = 0
                    number.next = number + 1
                    reported.next = True
                    state.next = state_type.LOAD
                    if status != 0 or final:
                        state.next = state_type.HEADER
        if (
            state == state_type.LOAD
            or state == state_type.CHECK
            or state == state_type.BEGIN
            or state == state_type.RUN
        ):
            cycles.next = cycles + 1
        if state == state_type.RUN:
            if progress.steps:
                steps.next = steps + 1
            if progress.waits_for_weights:
                weight_waits.next = weight_waits + 1
            if progress.waits_for_maps:
                map_waits.next = map_waits + 1

    return instances()
