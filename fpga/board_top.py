"""The top level of a board: a UART, a server of requests, and an engine between buffers."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

from myhdl import (
    BlockError,
    ResetSignal,
    Signal,
    ToVerilogWarning,
    always,
    always_comb,
    always_seq,
    block,
    enum,
    instances,
    intbv,
)

from silicodec.fpga.framing import Answer, Request, answer_sender, request_receiver
from silicodec.fpga.mailbox import InboxControl, OutboxControl, inbox, outbox
from silicodec.fpga.protocol import ERROR, LAST, MAX_WORDS, RESET, Status, identity, word_bytes
from silicodec.fpga.uart import ByteStrobe, uart_receiver, uart_transmitter
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.convert import ConversionError, normalised
from silicodec.rtl.elaboration import elaboration
from silicodec.rtl.engine import Engine

TOP = "board_top"
RESET_CYCLES = 15

State = enum("WAIT", "RESET", "COUNT", "SEND", "BUSY")


@block
def server(
    clk: Any, rst: Any, engine_rst: Any, request: Request, answer: Answer, inboxes: InboxControl,
    outboxes: OutboxControl, *, engine: Engine,
) -> Any:  # fmt: skip
    """Carry out every request once, and answer it each time it comes.

    Parameters
    ----------
    engine_rst : ResetSignal
        Resets the engine and its buffers.
    """
    accept, drop, overflow = inboxes.accept, inboxes.drop, inboxes.overflows[-1]
    target, advance, free, rewind = outboxes.target, outboxes.advance, outboxes.free, outboxes.rewind
    selected = outboxes.reads[-1]
    inputs, targets = len(engine.inputs), len(engine.inputs) + len(engine.outputs)
    identity_bytes = tuple(identity(engine))
    identity_length = len(identity_bytes)
    output_top_index = tuple(word_bytes(port) - 1 for port in engine.outputs)
    done, corrupt, oversized, full, unknown = (int(status) for status in Status)

    state = Signal(State.WAIT)
    timer = Signal(intbv(0, min=0, max=RESET_CYCLES + 1))
    started = Signal(bool(0))
    previous = Signal(intbv(0)[8:])
    status = Signal(intbv(0, min=0, max=len(Status)))
    refused = Signal(bool(0))
    identifying = Signal(bool(0))
    counted = Signal(intbv(0)[8:])
    ended = Signal(bool(0))
    flawed = Signal(bool(0))
    more = Signal(bool(0))
    fresh = Signal(bool(0))

    @always_comb
    def compare() -> None:
        fresh.next = not started or request.sequence != previous

    @always_comb
    def command_boxes() -> None:
        executing = state == State.WAIT and request.pending
        writes = not request.corrupt and fresh and request.count <= MAX_WORDS and request.target < inputs
        accept.next = executing and writes and not overflow
        drop.next = executing and not (writes and not overflow)
        free.next = executing and not request.corrupt and fresh
        rewind.next = state == State.SEND and not refused
        request.taken.next = executing

    @always_comb
    def count_on() -> None:
        more.next = state == State.COUNT and selected.available and not ended and counted != MAX_WORDS

    @always_comb
    def advance_boxes() -> None:
        advance.next = more or (answer.advance and not identifying)

    @always_comb
    def compose() -> None:
        answer.send.next = state == State.SEND
        answer.sequence.next = previous
        answer.code.next = status
        answer.count.next = counted
        if refused:
            answer.code.next = corrupt
            answer.count.next = 0
        elif ended:
            answer.code.next = status | LAST
            if flawed:
                answer.code.next = status | LAST | ERROR

    @always_comb
    def choose_width() -> None:
        answer.top_index.next = 0
        for number in range(inputs, targets):
            if target == number:
                answer.top_index.next = output_top_index[number - inputs]
        if identifying:
            answer.top_index.next = 0

    identity_byte = Signal(intbv(0)[8:])
    place = Signal(intbv(0, min=0, max=identity_length))

    @always_comb
    def identify() -> None:
        identity_byte.next = identity_bytes[int(place)]

    @always_comb
    def choose_byte() -> None:
        answer.byte.next = (selected.data >> (8 * answer.index)) & 0xFF
        if identifying:
            answer.byte.next = identity_byte

    @always_seq(clk.posedge, reset=rst)
    def serve() -> None:
        if state == State.WAIT:
            if request.pending:
                refused.next = request.corrupt
                state.next = State.SEND
                if not request.corrupt and request.target == RESET:
                    timer.next = RESET_CYCLES
                    state.next = State.RESET
                if not request.corrupt and (fresh or request.target == RESET):
                    started.next = True
                    previous.next = request.sequence
                    target.next = request.target
                    status.next = unknown
                    counted.next = 0
                    ended.next = False
                    flawed.next = False
                    identifying.next = False
                    place.next = 0
                    if request.target == RESET:
                        status.next = done
                        identifying.next = True
                        counted.next = identity_length
                    elif request.count > MAX_WORDS:
                        status.next = oversized
                    elif request.target < inputs:
                        status.next = done
                        if overflow:
                            status.next = full
                    elif request.target < targets:
                        status.next = done
                        state.next = State.COUNT
        elif state == State.RESET:
            timer.next = timer - 1
            if timer == 1:
                state.next = State.SEND
        elif state == State.COUNT:
            if more:
                counted.next = counted + 1
                ended.next = selected.last
                flawed.next = selected.error
            else:
                state.next = State.SEND
        elif state == State.SEND:
            place.next = 0
            state.next = State.BUSY
        else:
            if answer.advance and place != identity_length - 1:
                place.next = place + 1
            if not answer.busy:
                state.next = State.WAIT

    @always(clk.posedge)
    def reset_engine() -> None:
        engine_rst.next = rst or state == State.RESET

    return instances()


@block
def board_top(clk: Any, rx: Any, tx: Any, *, engine: Engine, divider: int) -> Any:
    """Give an engine a UART.

    Parameters
    ----------
    clk : Signal of bool
        The board's clock.
    rx, tx : Signal of bool
        The lines from and to the host.
    engine : Engine
        Any engine of the catalog.
    divider : int
        Clock cycles per bit of the UART.
    """
    ports = (*engine.inputs, *engine.outputs)
    bytes_per_word = tuple(word_bytes(port) for port in ports)

    rst, engine_rst = ResetSignal(1, active=1, isasync=False), ResetSignal(1, active=1, isasync=False)
    power_on = Signal(intbv(0)[4:])
    received, line = ByteStrobe(), Stream(8)
    request, answer = Request(8 * max(bytes_per_word)), Answer(max(bytes_per_word))
    inboxes = InboxControl(len(engine.inputs))
    outboxes = OutboxControl(len(engine.outputs), max(port.bits for port in engine.outputs), len(request.target))
    streams = engine.streams()
    plain = {name: stream.stream() if engine.axi else stream for name, stream in streams.items()}

    receiver = uart_receiver(clk, rst, rx, received, divider=divider)
    requests = request_receiver(clk, rst, received, request, bytes_per_word=bytes_per_word)
    before = [
        inbox(clk, engine_rst, request, inboxes, plain[port.name], number=number)
        for number, port in enumerate(engine.inputs)
    ]
    device = engine.block(clk, engine_rst, **streams, **engine.parameters)
    after = [
        outbox(clk, engine_rst, plain[port.name], outboxes, number=len(engine.inputs) + index, index=index)
        for index, port in enumerate(engine.outputs)
    ]
    control = server(clk, rst, engine_rst, request, answer, inboxes, outboxes, engine=engine)
    answers = answer_sender(clk, rst, answer, line)
    transmitter = uart_transmitter(clk, rst, line, tx, divider=divider)

    @always(clk.posedge)
    def reset_at_power_on() -> None:
        rst.next = power_on != 15
        if power_on != 15:
            power_on.next = power_on + 1

    return instances()


def board_verilog(engine: Engine, divider: int) -> str:
    """Convert the board's top level with an engine to Verilog; the module is `board_top`.

    Parameters
    ----------
    engine : Engine
        The engine.
    divider : int
        Clock cycles per bit of the UART.

    Raises
    ------
    ConversionError
        If MyHDL does not take the engine as a part of another block.
    """
    with elaboration(), tempfile.TemporaryDirectory() as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore", ToVerilogWarning)
        clk, rx, tx = Signal(bool(0)), Signal(bool(1)), Signal(bool(1))
        try:
            instance = board_top(clk, rx, tx, engine=engine, divider=divider)
        except BlockError:
            raise ConversionError(
                f"{engine.name} cannot stand behind a board's link, since its streams are grouped; use --bare"
            ) from None
        instance.convert(hdl="Verilog", path=directory, name=TOP, testbench=False, no_myhdl_header=True)
        text = normalised(Path(directory, f"{TOP}.v").read_text())
    # Every other register waits for the reset. MyHDL's `initial_values` is not for this: it would give combinational
    # signals values as well, which simulators then keep until an input changes.
    counter = "reg [3:0] power_on"
    if text.count(f"{counter};") != 1:
        raise ConversionError(f"{engine.name}: the counter of the reset at power-on is not in the Verilog")
    return text.replace(f"{counter};", f"{counter} = 0;")
