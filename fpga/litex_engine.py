"""Engines in LiteX: a module that puts one between DMA readers and writers, with registers to run it.

Needs the extra `litex`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litex.gen import LiteXModule
from litex.soc.cores.dma import WishboneDMAReader, WishboneDMAWriter
from litex.soc.interconnect import stream
from litex.soc.interconnect.csr import CSRField, CSRStatus, CSRStorage
from migen import ClockSignal, If, Instance, Mux, ResetSignal, Signal, log2_int

from silicodec.rtl.convert import to_verilog
from silicodec.rtl.engine import Engine, Port


def element_bits(port: Port) -> int:
    """Return the bits that a word of a stream takes in memory: 8, 16, 32, 64 or 128."""
    return max(8, 1 << (port.bits - 1).bit_length())


def counted_bits(port: Port) -> int:
    """Return the bits of what the registers of a stream count: a byte where it has `tkeep`, else a word."""
    return 8 if port.keep else element_bits(port)


class PacketReader(LiteXModule):
    """Read a packet from memory, its words one after the other, the least significant byte first.

    Parameters
    ----------
    bus : litex.soc.interconnect.wishbone.Interface
        Where the memory is.
    port : Port
        The stream of the engine.
    enable : Signal
        Whether the engine runs; the packet is read once each time.

    Attributes
    ----------
    source : litex.soc.interconnect.stream.Endpoint
        The packet, with `keep` for each byte of a word.
    """

    def __init__(self, bus: Any, port: Port, enable: Any) -> None:
        bits = element_bits(port)
        self.base = CSRStorage(32, description=f"Address of the packet for `{port.name}`, a multiple of 4.")
        self.count = CSRStorage(
            32,
            name="bytes" if port.keep else "words",
            description=f"{_counted(port)} of the packet for `{port.name}`; 0 for no packet.",
        )
        self.source = stream.Endpoint([("data", bits), ("keep", bits // 8)])

        # A Wishbone bus has the byte of the lowest address in the least significant bits, which the DMA calls "big".
        self.dma = dma = WishboneDMAReader(bus, endianness="big")
        dma.add_ctrl()
        self.converter = converter = stream.Converter(bus.data_width, bits)
        left, step = Signal(32), bits // counted_bits(port)
        self.comb += [
            dma.base.eq(self.base.storage),
            # Whole words, so that the converter gives the last one, too.
            dma.length.eq(_whole(self.count.storage << log2_int(counted_bits(port) // 8), max(4, bits // 8))),
            dma.enable.eq(enable & (self.count.storage != 0)),
            dma.source.connect(converter.sink),
            self.source.data.eq(converter.source.data),
            self.source.keep.eq(Mux(self.source.last, (1 << left[: step.bit_length()]) - 1, (1 << step) - 1)),
            self.source.last.eq(left <= step),
            # What is left of the bus's last word is dropped.
            self.source.valid.eq(converter.source.valid & (left != 0)),
            converter.source.ready.eq(self.source.ready | (left == 0)),
        ]
        self.sync += [
            If(~enable, left.eq(self.count.storage)).Elif(
                self.source.valid & self.source.ready, left.eq(Mux(self.source.last, 0, left - step))
            )
        ]


class PacketWriter(LiteXModule):
    """Write a packet to memory, as `PacketReader` reads it.

    Parameters
    ----------
    bus : litex.soc.interconnect.wishbone.Interface
        Where the memory is.
    port : Port
        The stream of the engine.
    enable : Signal
        Whether the engine runs; one packet is written each time, and more are dropped.

    Attributes
    ----------
    sink : litex.soc.interconnect.stream.Endpoint
        The packet.
    error : Signal
        The error flag, with the last word.
    done : Signal
        The packet is in memory.
    """

    def __init__(self, bus: Any, port: Port, enable: Any) -> None:
        bits = element_bits(port)
        self.base = CSRStorage(32, description=f"Address for the packet of `{port.name}`, a multiple of 4.")
        self.room = CSRStorage(
            32, description="Bytes that there is room for, a multiple of 4; what is more is dropped."
        )
        self.count = CSRStatus(
            32, name="bytes" if port.keep else "words", description=f"{_counted(port)} of the packet so far."
        )
        self.flags = CSRStatus(
            fields=[
                CSRField("done", description="The packet has ended, and is in memory."),
                CSRField("error", description="The engine found a malformed packet."),
                CSRField("cut", description="There was too little room."),
            ]
        )
        self.sink = stream.Endpoint([("data", bits), ("keep", bits // 8)])
        self.error, self.done = Signal(), Signal()

        self.dma = dma = WishboneDMAWriter(bus, endianness="big")
        dma.add_ctrl(ready_on_idle=0)
        self.converter = converter = stream.Converter(bits, bus.data_width)
        ended, full = Signal(), Signal()
        self.comb += [
            dma.base.eq(self.base.storage),
            dma.length.eq(self.room.storage),
            dma.enable.eq(enable & (self.room.storage != 0)),
            converter.sink.data.eq(self.sink.data),
            converter.sink.last.eq(self.sink.last),
            converter.sink.valid.eq(self.sink.valid & enable & ~ended),
            self.sink.ready.eq(enable & (converter.sink.ready | ended)),
            full.eq(dma.done | (self.room.storage == 0)),
            dma.sink.data.eq(converter.source.data),
            dma.sink.last.eq(converter.source.last),
            dma.sink.valid.eq(converter.source.valid & ~full),
            converter.source.ready.eq(dma.sink.ready | full),
            self.flags.fields.done.eq(self.done),
        ]
        self.sync += [
            If(
                ~enable,
                ended.eq(0),
                self.done.eq(0),
                self.count.status.eq(0),
                self.flags.fields.error.eq(0),
                self.flags.fields.cut.eq(0),
            ).Else(
                If(
                    converter.sink.valid & converter.sink.ready,
                    self.count.status.eq(self.count.status + (sum(self.sink.keep) if port.keep else 1)),
                    If(self.sink.last, ended.eq(1), self.flags.fields.error.eq(self.error)),
                ),
                If(
                    converter.source.valid & converter.source.ready,
                    If(full, self.flags.fields.cut.eq(1)),
                    If(converter.source.last, self.done.eq(1)),
                ),
            )
        ]


class EngineDMA(LiteXModule):
    """An engine between memory and memory: a DMA reader for each of its inputs, a writer for each output.

    Software writes the inputs' packets to memory, sets `STREAM_base` and `STREAM_words` (`STREAM_bytes`, if the stream
    has `tkeep`) or `STREAM_room` of each stream, then `control`, and waits until `status` is 1. Before the next run it
    clears `control`.

    Parameters
    ----------
    platform : litex.build.generic_platform.GenericPlatform
        Takes the engine's Verilog.
    engine : Engine
        An engine with `axi`: `find_engine(name, {"axi": True})`.
    bus : callable
        Makes a Wishbone interface for each DMA.
    folder : Path
        Where to write the engine's Verilog.

    Attributes
    ----------
    buses : dict of str to litex.soc.interconnect.wishbone.Interface
        A bus master for each stream, by its name.

    Raises
    ------
    ValueError
        If the engine has no AXI4-Stream names.
    """

    def __init__(self, platform: Any, engine: Engine, bus: Any, folder: Path) -> None:
        if not engine.axi:
            raise ValueError(f"{engine.name} has no AXI4-Stream interface: ask for it with axi=true")
        self.control = CSRStorage(
            fields=[
                CSRField("run", description="Read a packet for each input, and write one of each output."),
                CSRField("reset", description="Reset the engine."),
            ]
        )
        self.status = CSRStatus(fields=[CSRField("done", description="The packets of all outputs are in memory.")])
        enable = self.control.fields.run
        self.buses = {port.name: bus() for port in (*engine.inputs, *engine.outputs)}
        pins = {"i_clk": ClockSignal(), "i_rst": ResetSignal() | self.control.fields.reset}
        for port in engine.inputs:
            reader = PacketReader(self.buses[port.name], port, enable)
            setattr(self, port.name.removeprefix("s_axis_"), reader)
            pins |= _pins("i", "o", port, reader.source)
        done = []
        for port in engine.outputs:
            writer = PacketWriter(self.buses[port.name], port, enable)
            setattr(self, port.name.removeprefix("m_axis_"), writer)
            pins |= _pins("o", "i", port, writer.sink)
            if port.error:
                pins[f"o_{port.name}_tuser"] = writer.error
            done.append(writer.done)
        all_done = done[0]
        for one in done[1:]:
            all_done = all_done & one
        self.comb += self.status.fields.done.eq(all_done)
        self.specials += Instance(engine.top, **pins)
        platform.add_source(str(to_verilog(engine, folder)))


def _counted(port: Port) -> str:
    return "Bytes" if port.keep else f"Words, of {element_bits(port) // 8} bytes each,"


def _whole(count: Any, size: int) -> Any:
    return (count + size - 1) & ~(size - 1)


def _pins(forward: str, backward: str, port: Port, endpoint: Any) -> dict[str, Any]:
    name = port.name
    pins = {
        f"{forward}_{name}_tdata": endpoint.data[: port.bits],
        f"{forward}_{name}_tvalid": endpoint.valid,
        f"{forward}_{name}_tlast": endpoint.last,
        f"{backward}_{name}_tready": endpoint.ready,
    }
    if port.keep:
        pins[f"{forward}_{name}_tkeep"] = endpoint.keep[: port.bits // 8]
    return pins
