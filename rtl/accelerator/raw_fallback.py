"""The fallback to raw packets: what a codec makes no shorter is stored as it is."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, modbv

from silicodec.models.accelerator.program import PIXELS
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.map_writer import PackingRows
from silicodec.rtl.accelerator.packet_order import PacketOrder, output_entries, packet_order, rows_of_strip
from silicodec.rtl.accelerator.row_buffer import LayerRun
from silicodec.rtl.blocks.memory import MemoryPorts, memory

LEAST_ROWS = 64
"""Rows that are kept at least: of a packet that is coded or sent, and of those that follow it through an encoder."""


@block
def plain_codec(codec: Any, plain: Any) -> Any:
    """Take the fallback off a codec word."""

    @always_comb
    def join() -> None:
        plain.next = (codec & 0b10111) | (codec >> 4 & 1) << 3

    return instances()


@block
def falls_back(codec: Any, falls: Any) -> Any:
    """Tell whether packets that a codec makes no shorter are raw."""

    @always_comb
    def compare() -> None:
        falls.next = (codec >> 3 ^ codec >> 4) & 1 != 0

    return instances()


class Ring:
    """A memory that is a ring of words: `start` is the next one to read, `end` the next one to write.

    Parameters
    ----------
    words : int
        Its size, a power of two.
    """

    def __init__(self, words: int) -> None:
        self.ports = MemoryPorts(words, 64)
        self.bits = (words - 1).bit_length()
        # A bit more tells a full ring from an empty one.
        self.start: Any = Signal(modbv(0)[self.bits + 1 :])
        self.end: Any = Signal(modbv(0)[self.bits + 1 :])


class Packet:
    """The packet that is coded: words that it takes so far, words that it takes raw, and whether it is complete.

    `words` stays at the largest packet's size, whatever comes. `taken` says that the packet goes out next, raw where
    `is_raw`.
    """

    def __init__(self, bits: int) -> None:
        self.words: Any = Signal(modbv(0)[bits:])
        self.raw_words: Any = Signal(modbv(0)[bits:])
        self.complete: Any = Signal(bool(0))
        self.is_raw: Any = Signal(bool(0))
        self.taken: Any = Signal(bool(0))


@block
def raw_fallback(
    clk: Any, rst: Any, run: LayerRun, falls: Any, rows: PackingRows, coding: PackingRows, packed: PackingRows,
    chosen: PackingRows, *, shape: AcceleratorShape,
) -> Any:  # fmt: skip
    """Give each packet as the encoder makes it, or raw where that is no longer.

    Rows and words of a packet are kept until its last word has left the encoder. While it is sent, the next one is
    coded.

    Parameters
    ----------
    run : LayerRun
        The layer that is computed.
    falls : Signal of bool
        Whether its output falls back; otherwise words pass as they are.
    rows, coding : PackingRows
        Rows on their way to the encoder, before and after they are kept.
    packed, chosen : PackingRows
        Words of packets, from the encoder and as they are to be stored.
    shape : AcceleratorShape
        How many tiles a packet has, and how many packets a set, at most.
    """
    largest = PIXELS * shape.tile_columns
    raw, coded = Ring(max(2 * largest, LEAST_ROWS)), Ring(largest)
    packet = Packet(coded.bits + 1)
    parts = [
        memory(clk, raw.ports),
        memory(clk, coded.ports),
        keep_rows(clk, rst, falls, rows, coding, raw),
        keep_words(clk, rst, falls, packed, chosen, coded, packet),
        measure_packet(clk, rst, run, packet, groups=shape.groups),
        send_packet(clk, rst, falls, packed, chosen, raw, coded, packet),
    ]
    return parts


@block
def keep_rows(clk: Any, rst: Any, falls: Any, rows: PackingRows, coding: PackingRows, raw: Ring) -> Any:
    """Keep the rows that go to the encoder, but those that only fill up its tiles; they wait where the ring is full."""
    full, bits = Signal(bool(0)), raw.bits
    ports, used = raw.ports, Signal(modbv(0)[raw.bits + 1 :])

    @always_comb
    def measure() -> None:
        used.next = raw.end - raw.start

    @always_comb
    def look() -> None:
        full.next = used[bits]

    @always_comb
    def forward() -> None:
        coding.data.next = rows.data
        coding.last.next = rows.last
        coding.valid.next = rows.valid and not full
        rows.ready.next = coding.ready and not full

    @always_comb
    def write() -> None:
        ports.write.next = falls and rows.inside and rows.valid and coding.ready and not full
        ports.write_address.next = raw.end[bits:]
        ports.write_data.next = rows.data

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if ports.write:
            raw.end.next = raw.end + 1

    return instances()


@block
def keep_words(
    clk: Any, rst: Any, falls: Any, packed: PackingRows, chosen: PackingRows, coded: Ring, packet: Packet
) -> Any:
    """Keep the words of a packet until it is complete; as many as a raw one has at most, which it then is."""
    bits, ports = coded.bits, coded.ports
    place, used = (Signal(modbv(0)[coded.bits + 1 :]) for _ in range(2))
    takes = Signal(bool(0))

    @always_comb
    def find() -> None:
        place.next = coded.end + packet.words

    @always_comb
    def measure() -> None:
        used.next = place - coded.start

    @always_comb
    def accept() -> None:
        packed.ready.next = not packet.complete and (packet.words[bits] or not used[bits])
        if not falls:
            packed.ready.next = chosen.ready

    @always_comb
    def take() -> None:
        takes.next = falls and packed.valid and not packet.complete and (packet.words[bits] or not used[bits])

    @always_comb
    def write() -> None:
        ports.write.next = takes and not packet.words[bits]
        ports.write_address.next = place[bits:]
        ports.write_data.next = packed.data

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if takes:
            packet.complete.next = packed.last
            if not packet.words[bits]:
                packet.words.next = packet.words + 1
        elif packet.taken:
            packet.complete.next = False
            packet.words.next = 0
            if not packet.is_raw:
                coded.end.next = place

    return instances()


@block
def measure_packet(clk: Any, rst: Any, run: LayerRun, packet: Packet, *, groups: int) -> Any:
    """Say how many words the packet that is coded takes raw, and whether it is no shorter."""
    layer, order = run.layer, PacketOrder()
    tiles, strip_rows = Signal(modbv(0)[6:]), Signal(modbv(0)[4:])
    packets = packet_order(clk, rst, run, packet.taken, output_entries(layer), order, set_size=groups)
    height = rows_of_strip(order, layer.out_height, strip_rows)

    @always_comb
    def divide() -> None:
        tiles.next = (layer.out_width + (PIXELS - 1)) >> 3

    @always_comb
    def count() -> None:
        packet.raw_words.next = strip_rows * tiles

    @always_comb
    def compare() -> None:
        packet.is_raw.next = packet.words >= packet.raw_words

    return instances()


@block
def send_packet(
    clk: Any, rst: Any, falls: Any, packed: PackingRows, chosen: PackingRows, raw: Ring, coded: Ring, packet: Packet
) -> Any:
    """Send the packet that is complete, from either ring: a word a cycle, and the next one without a pause."""
    active, from_raw, word_raw, word_there, word_last, moves, step, ends = (Signal(bool(0)) for _ in range(8))
    left, raw_start = Signal(modbv(0)[len(packet.words) :]), Signal(modbv(0)[raw.bits + 1 :])
    raw_bits, coded_bits = raw.bits, coded.bits
    raw_ports, coded_ports = raw.ports, coded.ports

    @always_comb
    def look() -> None:
        moves.next = chosen.ready or not word_there
        step.next = active and (chosen.ready or not word_there)
        ends.next = active and (chosen.ready or not word_there) and left == 1

    @always_comb
    def take() -> None:
        packet.taken.next = packet.complete and (ends or not active)

    @always_comb
    def read() -> None:
        raw_ports.read.next = step and from_raw
        raw_ports.read_address.next = raw.start[raw_bits:]
        coded_ports.read.next = step and not from_raw
        coded_ports.read_address.next = coded.start[coded_bits:]

    @always_comb
    def find_start() -> None:
        raw_start.next = raw.start
        if step and from_raw:
            raw_start.next = raw.start + 1

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if moves:
            word_there.next = step
        if packet.taken:
            active.next = True
        elif ends:
            active.next = False
        raw.start.next = raw_start
        if packet.taken and not packet.is_raw:
            raw.start.next = raw_start + packet.raw_words
        if step and not from_raw:
            coded.start.next = coded.start + 1

    @always(clk.posedge)
    def keep() -> None:
        if step:
            word_raw.next = from_raw
            word_last.next = ends
            left.next = left - 1
        if packet.taken:
            from_raw.next = packet.is_raw
            left.next = packet.words
            if packet.is_raw:
                left.next = packet.raw_words

    @always_comb
    def give() -> None:
        chosen.data.next = packed.data
        chosen.valid.next = packed.valid
        chosen.last.next = packed.last
        if falls:
            chosen.data.next = coded_ports.read_data
            if word_raw:
                chosen.data.next = raw_ports.read_data
            chosen.valid.next = word_there
            chosen.last.next = word_last

    return instances()
