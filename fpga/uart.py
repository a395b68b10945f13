"""UART: 8 data bits, no parity, one stop bit."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_seq, block, instances, intbv

from silicodec.rtl.blocks.stream import Stream

FRAME_BITS = 10


class ByteStrobe:
    """A byte that is there for one cycle: `data` is meaningful while `valid` is high."""

    def __init__(self) -> None:
        self.data: Any = Signal(intbv(0)[8:])
        self.valid: Any = Signal(bool(0))


@block
def uart_receiver(clk: Any, rst: Any, rx: Any, received: ByteStrobe, *, divider: int) -> Any:
    """Receive bytes; one with a wrong stop bit is dropped.

    Parameters
    ----------
    rx : Signal of bool
        The line, not synchronised.
    divider : int
        Clock cycles per bit, at least 4.
    """
    if divider < 4:
        raise ValueError(f"divider must be at least 4, not {divider}")

    first_stage = Signal(bool(1))
    line = Signal(bool(1))
    timer = Signal(intbv(0, min=0, max=divider))
    bits_left = Signal(intbv(0, min=0, max=FRAME_BITS + 1))
    shifted = Signal(intbv(0)[8:])

    @always_seq(clk.posedge, reset=rst)
    def receive() -> None:
        first_stage.next = rx
        line.next = first_stage
        received.valid.next = False
        if bits_left == 0:
            timer.next = divider // 2 - 1
            if not line:
                bits_left.next = FRAME_BITS
        elif timer != 0:
            timer.next = timer - 1
        else:
            timer.next = divider - 1
            bits_left.next = bits_left - 1
            if bits_left == FRAME_BITS and line:
                bits_left.next = 0
            if bits_left == 1:
                received.valid.next = line
                received.data.next = shifted
            else:
                shifted.next[7] = line
                shifted.next[7:] = shifted[8:1]

    return instances()


@block
def uart_transmitter(clk: Any, rst: Any, source: Stream, tx: Any, *, divider: int) -> Any:
    """Send the bytes of a stream.

    Parameters
    ----------
    source : Stream
        Bytes; `last` is not read.
    tx : Signal of bool
        The line.
    divider : int
        Clock cycles per bit.
    """
    timer = Signal(intbv(0, min=0, max=divider))
    bits_left = Signal(intbv(0, min=0, max=FRAME_BITS + 1))
    shifted = Signal(intbv(0)[9:])

    @always_seq(clk.posedge, reset=rst)
    def send() -> None:
        source.ready.next = False
        if bits_left == 0:
            timer.next = divider - 1
            tx.next = True
            if source.valid and not source.ready:
                source.ready.next = True
                tx.next = False
                shifted.next[8] = True
                shifted.next[8:] = source.data
                bits_left.next = FRAME_BITS
        elif timer != 0:
            timer.next = timer - 1
        else:
            timer.next = divider - 1
            tx.next = shifted[0]
            shifted.next[8] = True
            shifted.next[8:] = shifted[9:1]
            bits_left.next = bits_left - 1

    return instances()
