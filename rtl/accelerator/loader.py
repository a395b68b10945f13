"""The loader: descriptors in, each while the layer before is computed, so that maps and weights are read ahead."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, enum, instances, intbv, modbv

from silicodec.models.accelerator.program import Status
from silicodec.rtl.accelerator.layer import DESCRIPTOR_WORDS, LayerSignals, descriptor_registers
from silicodec.rtl.blocks.stream import Stream

STATUS_BITS = 8


class ProgramControl:
    """How far a program is, for the parts that read ahead.

    Attributes
    ----------
    fresh, drain : Signal of bool
        A program begins; what is left of its packets is dropped.
    begins, begun : Signal of bool
        The computation of the layer that is read begins; has begun.
    running : Signal of bool
        A layer is computed.
    """

    def __init__(self) -> None:
        self.fresh: Any = Signal(bool(0))
        self.drain: Any = Signal(bool(0))
        self.begins: Any = Signal(bool(0))
        self.begun: Any = Signal(bool(0))
        self.running: Any = Signal(bool(0))


class InputState:
    """An input: whether its packet has ended, and whether more words were wanted, for which zeros stand."""

    def __init__(self) -> None:
        self.ended: Any = Signal(bool(0))
        self.short: Any = Signal(bool(0))


class ReadState:
    """How far the layer is read: all of its maps are unpacked, all of its weights loaded; no packet is under way.

    `lost` says that a packet was not there, or with EBPC that it was malformed; then `absent` is the former alone.
    `weight_stream` and `pixel_stream` are the states of the inputs.
    """

    def __init__(self) -> None:
        self.weight_stream, self.pixel_stream = InputState(), InputState()
        self.maps: Any = Signal(bool(0))
        self.weights: Any = Signal(bool(0))
        self.quiet: Any = Signal(bool(0))
        self.lost: Any = Signal(bool(0))
        self.absent: Any = Signal(bool(0))


class LoaderPort:
    """What the loader says.

    Attributes
    ----------
    fault : Signal of 8 bits
        What the check says of the descriptor, two cycles after it was loaded.
    takes : Signal of bool
        It takes words of the program.
    restart : Signal of bool
        Reading of a layer begins.
    ready, failed : Signal of bool
        The layer is being read; its descriptor is missing or wrong, as `status` says.
    leaves : Signal of bool
        Everything of the layer was read, and the next descriptor may come.
    """

    def __init__(self) -> None:
        self.fault: Any = Signal(intbv(0)[STATUS_BITS:])
        self.takes: Any = Signal(bool(0))
        self.restart: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.failed: Any = Signal(bool(0))
        self.leaves: Any = Signal(bool(0))
        self.status: Any = Signal(modbv(0)[STATUS_BITS:])


class WantedLayers:
    """What the loader is to load.

    Attributes
    ----------
    count : Signal
        Layers of the program.
    ended, stopped : Signal of bool
        The packet of `program` has ended; the program failed.
    read_all : Signal of bool
        Everything that the layer takes was read, without an error.
    """

    def __init__(self) -> None:
        self.count: Any = Signal(modbv(0)[8:])
        self.ended: Any = Signal(bool(0))
        self.stopped: Any = Signal(bool(0))
        self.read_all: Any = Signal(bool(0))


@block
def layer_loader(
    clk: Any, rst: Any, program: Stream, wanted: WantedLayers, control: ProgramControl, layer: LayerSignals,
    port: LoaderPort,
) -> Any:  # fmt: skip
    """Load the descriptors of a program one after the other.

    Parameters
    ----------
    program : Stream
        Stream of the accelerator; `port.takes` is its `ready`.
    wanted : WantedLayers
        What is to be loaded, and when.
    control : ProgramControl
        How far the program is.
    layer : LayerSignals
        The descriptor.
    port : LoaderPort
        Driven here, but for `fault`.
    """
    ended, stopped, count, read_all = wanted.ended, wanted.stopped, wanted.count, wanted.read_all
    fault = port.fault
    state_type = enum("IDLE", "LOAD", "CHECK", "START", "WORK", "FAILED")
    state = Signal(state_type.IDLE)
    load, checked = Signal(bool(0)), Signal(bool(0))
    index, number = Signal(modbv(0)[4:]), Signal(modbv(0)[8:])
    registers = descriptor_registers(clk, load, index, program.data, layer)

    @always_comb
    def tell() -> None:
        port.takes.next = state == state_type.LOAD and not ended
        load.next = state == state_type.LOAD and not ended and program.valid
        port.restart.next = state == state_type.START
        port.ready.next = state == state_type.WORK
        port.failed.next = state == state_type.FAILED
        port.leaves.next = state == state_type.WORK and control.begun and read_all

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if control.fresh or control.drain:
            state.next = state_type.IDLE
            index.next = 0
            checked.next = False
            if control.fresh:
                number.next = 0
        elif state == state_type.IDLE:
            if number != count and not stopped:
                state.next = state_type.LOAD
        elif state == state_type.LOAD:
            if ended:
                port.status.next = int(Status.BAD_HEADER)
                state.next = state_type.FAILED
            elif program.valid:
                index.next = index + 1
                if index == DESCRIPTOR_WORDS - 1:
                    index.next = 0
                    state.next = state_type.CHECK
        elif state == state_type.CHECK:
            checked.next = True
            if checked:
                checked.next = False
                port.status.next = fault
                state.next = state_type.START
                if fault != 0:
                    state.next = state_type.FAILED
        elif state == state_type.START:
            state.next = state_type.WORK
        elif state == state_type.WORK and control.begun and read_all:
            number.next = number + 1
            state.next = state_type.IDLE

    return instances()
