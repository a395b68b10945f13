"""Codec slots with EBPC: its engines beside a slot of the other codecs."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.rtl.accelerator.codec_slot import (
    CODEC_BITS,
    IN_FLIGHT,
    CodedPackets,
    DecodedRows,
    decode_slot,
    encode_slot,
    packet_buffer,
)
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.ebpc.row_decoder import row_decoder
from silicodec.rtl.ebpc.row_encoder import row_encoder

FLIP = CODEC_BITS - 1
"""The bit of EBPC's codec words that says that zero is -128."""


@block
def ebpc_decode_slot(clk: Any, rst: Any, coded: CodedPackets, rows: DecodedRows, empty: Any, *, dct: bool) -> Any:
    """Unpack packets, each by its own codec; packets of one codec follow each other without a pause.

    Parameters
    ----------
    coded : CodedPackets
        What is stored.
    rows : DecodedRows
        What it stands for; its `fault` comes with `last` of a malformed packet of EBPC.
    empty : Signal of bool
        No packet is in the slot.
    dct : bool
        Whether there is a DCT decoder, too.
    """
    packets, others, other_rows = CodedPackets(), CodedPackets(), DecodedRows()
    buffer = packet_buffer(clk, rst, coded, packets, counted=True)
    others_empty = Signal(bool(0))
    slot = decode_slot(clk, rst, others, other_rows, others_empty, dct=dct, held=True)
    count_bits = len(packets.count)
    words, length, decoded = Stream(64), Stream(count_bits + 1), Stream(64, error=True)
    decoder = row_decoder(clk, rst, words, length, decoded)
    # A packet's words enter the decoder from when its length is handed over, and its mark kept.
    own, begun, begins, ends = (Signal(bool(0)) for _ in range(4))
    marks, in_flight = Signal(modbv(0)[IN_FLIGHT:]), Signal(intbv(0, min=0, max=IN_FLIGHT + 1))

    @always_comb
    def look() -> None:
        own.next = packets.codec[1] and not packets.codec[0]
        empty.next = in_flight == 0 and not packets.valid and others_empty

    @always_comb
    def begin() -> None:
        begins.next = (
            packets.valid and own and not begun and not length.valid and in_flight != IN_FLIGHT and others_empty
        )
        ends.next = decoded.valid and decoded.ready and decoded.last

    @always_comb
    def enter() -> None:
        words.data.next = packets.data
        words.last.next = packets.last
        words.valid.next = packets.valid and own and (begun or begins)
        others.data.next = packets.data
        others.last.next = packets.last
        others.residual.next = packets.residual
        others.valid.next = packets.valid and not own and in_flight == 0

    if dct:

        @always_comb
        def name_codec() -> None:
            others.codec.next = packets.codec
            others.tiles.next = packets.tiles

    else:
        packets.tiles.read = True  # of no use

    @always_comb
    def accept() -> None:
        packets.ready.next = others.ready and in_flight == 0
        if own:
            packets.ready.next = words.ready and (begun or begins)

    @always_comb
    def leave() -> None:
        rows.data.next = other_rows.data
        rows.last.next = other_rows.last
        rows.valid.next = other_rows.valid
        rows.raw.next = other_rows.raw
        rows.residual.next = other_rows.residual
        rows.fault.next = False
        if in_flight != 0:
            rows.data.next = decoded.data
            rows.last.next = decoded.last
            rows.valid.next = decoded.valid
            rows.raw.next = True
            rows.residual.next = marks[in_flight - 1]
            rows.fault.next = decoded.error

    @always_comb
    def drain() -> None:
        decoded.ready.next = rows.ready and in_flight != 0
        other_rows.ready.next = rows.ready and in_flight == 0

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if begins:
            length.valid.next = True
        elif length.ready:
            length.valid.next = False
        if words.valid and words.ready:
            begun.next = not words.last
        elif begins:
            begun.next = True
        if begins and not ends:
            in_flight.next = in_flight + 1
        elif ends and not begins:
            in_flight.next = in_flight - 1

    @always(clk.posedge)
    def mark() -> None:
        if begins:
            length.data.next = (packets.codec[FLIP] << count_bits) | packets.count
            marks.next = (marks << 1) | packets.residual

    return instances()


@block
def ebpc_encode_slot(clk: Any, rst: Any, rows: Any, codec: Any, packed: Any, *, dct: bool) -> Any:
    """Pack packets of rows, all by the same codec.

    Parameters
    ----------
    rows : Stream
        Rows of eight samples, tile by tile: those that the strip has, or with DCT 8 for each tile.
    codec : Signal of 5 bits
        Codec word; it may change after the last word of a packet has left and before the next one's first row.
    packed : Stream
        Words of packets.
    dct : bool
        Whether there is a DCT encoder, too.
    """
    other_rows, other_words = Stream(64), Stream(64)
    slot = encode_slot(clk, rst, other_rows, codec, other_words, dct=dct)
    own_rows, words = Stream(64), Stream(64)
    own, flip = Signal(bool(0)), Signal(bool(0))
    encoder = row_encoder(clk, rst, own_rows, flip, words)

    @always_comb
    def look() -> None:
        own.next = codec[1] and not codec[0]
        flip.next = codec[FLIP]

    @always_comb
    def enter() -> None:
        own_rows.data.next = rows.data
        own_rows.last.next = rows.last
        own_rows.valid.next = rows.valid and own
        other_rows.data.next = rows.data
        other_rows.last.next = rows.last
        other_rows.valid.next = rows.valid and not own

    @always_comb
    def accept() -> None:
        rows.ready.next = other_rows.ready
        if own:
            rows.ready.next = own_rows.ready

    @always_comb
    def leave() -> None:
        packed.data.next = other_words.data
        packed.last.next = other_words.last
        packed.valid.next = other_words.valid
        if own:
            packed.data.next = words.data
            packed.last.next = words.last
            packed.valid.next = words.valid

    @always_comb
    def drain() -> None:
        words.ready.next = packed.ready and own
        other_words.ready.next = packed.ready and not own

    return instances()


@block
def packet_faults(clk: Any, fresh: Any, absent: Any, rows: DecodedRows, lost: Any) -> Any:
    """Follow whether a packet of the program was not there or malformed.

    Parameters
    ----------
    fresh : Signal of bool
        A program begins.
    absent : Signal of bool
        A packet was not there.
    rows : DecodedRows
        What packets are unpacked to.
    lost : Signal of bool
        Either.
    """
    malformed = Signal(bool(0))

    @always(clk.posedge)
    def follow() -> None:
        if fresh:
            malformed.next = False
        elif rows.valid and rows.last and rows.fault:
            malformed.next = True

    @always_comb
    def tell() -> None:
        lost.next = absent or malformed

    return instances()


@block
def tile_codec(codec: Any, short: Any) -> Any:
    """Take EBPC for raw: tiles of both have the rows that the strip has."""

    @always_comb
    def choose() -> None:
        short.next = 0
        if codec & 1 != 0:
            short.next = codec

    return instances()
