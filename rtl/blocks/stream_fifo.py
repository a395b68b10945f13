"""The FIFO: a memory between the one who sends a stream and the one who takes it."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import Stream


@block
def stream_fifo(clk: Any, rst: Any, source: Stream, sink: Stream, *, depth: int) -> Any:
    """Keep the words of a stream until they are taken, one word in and one out per cycle, two cycles later.

    Whether it takes a word depends on registers alone, and so does what it offers.

    Parameters
    ----------
    source : Stream
        Any words.
    sink : Stream
        The same words.
    depth : int
        Words in its memory, a power of two; one more is on offer.
    """
    if depth < 2 or depth & (depth - 1):
        raise ValueError(f"depth must be a power of two from 2 on, not {depth}")
    address_bits = (depth - 1).bit_length()
    ports = MemoryPorts(depth, len(source.data) + 1)
    cells = memory(clk, ports)
    word = ConcatSignal(source.last, source.data)

    head, tail = (Signal(modbv(0)[address_bits:]) for _ in range(2))
    stored = Signal(intbv(0, min=0, max=depth + 1))
    write, read = (Signal(bool(0)) for _ in range(2))
    data_bits = len(source.data)

    @always_comb
    def accept() -> None:
        source.ready.next = stored != depth and not rst

    @always_comb
    def move() -> None:
        write.next = source.valid and stored != depth and not rst
        read.next = stored != 0 and (sink.ready or not sink.valid)

    @always_comb
    def address() -> None:
        ports.write.next = write
        ports.write_address.next = tail
        ports.write_data.next = word
        ports.read.next = read
        ports.read_address.next = head

    @always_comb
    def offer() -> None:
        sink.data.next = ports.read_data[data_bits:]
        sink.last.next = ports.read_data[data_bits]

    @always_seq(clk.posedge, reset=rst)
    def count() -> None:
        if write:
            tail.next = tail + 1
        if read:
            head.next = head + 1
        if write and not read:
            stored.next = stored + 1
        elif read and not write:
            stored.next = stored - 1

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if read:
            sink.valid.next = True
        elif sink.ready:
            sink.valid.next = False

    return instances()
