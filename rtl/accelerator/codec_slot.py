"""Codec slots of the accelerator: between packets as they are stored and rows of eight samples."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.accelerator.packets import RAW
from silicodec.models.dct.modes import MODE_BITS
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.dct.decoder import dct_decoder
from silicodec.rtl.dct.encoder import dct_encoder

CODEC_BITS = 5
TILE_BITS = 6
PACKET_ROW_BITS = TILE_BITS + 4
"""Bits of the number of rows of a packet: 8 in each tile at most."""
MODE_LOW = CODEC_BITS - MODE_BITS
"""Lowest bit of the DCT engines' mode in a codec word."""
IN_FLIGHT = 8
"""Packets in an engine at most: as many as have one tile and fit in its registers."""


class CodedPackets:
    """Words of packets as they are stored, with the handshake of `Stream`, and what each of them is.

    `codec` is the packet's codec word, `tiles` its number of tiles, `count` that of its rows (driven with EBPC), and
    `residual` a mark that comes back with its rows; all keep from before the packet's first word until its last one is
    taken.
    """

    def __init__(self) -> None:
        self.data: Any = Signal(intbv(0)[64:])
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))
        self.codec: Any = Signal(intbv(0)[CODEC_BITS:])
        self.tiles: Any = Signal(intbv(0)[TILE_BITS:])
        self.count: Any = Signal(intbv(0)[PACKET_ROW_BITS:])
        self.residual: Any = Signal(bool(0))


class DecodedRows:
    """Rows of eight samples, with the handshake of `Stream`, tile by tile.

    A tile has 8 rows, or with `raw` those that the strip has. `residual` is the packet's mark; `last` ends the packet,
    and `fault` (driven with EBPC) says that it was malformed.
    """

    def __init__(self) -> None:
        self.data: Any = Signal(intbv(0)[64:])
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))
        self.raw: Any = Signal(bool(0))
        self.fault: Any = Signal(bool(0))
        self.residual: Any = Signal(bool(0))


@block
def decode_slot(
    clk: Any, rst: Any, coded: CodedPackets, rows: DecodedRows, empty: Any, *, dct: bool, held: bool = False
) -> Any:
    """Unpack packets, each by its own codec; packets of DCT follow each other through the decoder without a pause.

    Parameters
    ----------
    coded : CodedPackets
        What is stored.
    rows : DecodedRows
        What it stands for.
    empty : Signal of bool
        No packet is in the slot.
    dct : bool
        Whether there is a DCT decoder; otherwise every packet is taken as raw.
    held : bool
        Whether a `packet_buffer` is before the slot; otherwise the slot has one.
    """
    if not dct:
        return raw_rows(coded, rows, empty)

    packets = coded
    if not held:
        packets = CodedPackets()
        buffer = packet_buffer(clk, rst, coded, packets)
    words, length, decoded = Stream(64), Stream(TILE_BITS + MODE_BITS), Stream(64)
    decoder = dct_decoder(clk, rst, words, length, decoded, length_bits=TILE_BITS)
    # A packet's words may enter the decoder once its length is there, and its mark.
    begun, begins, ends = (Signal(bool(0)) for _ in range(3))
    raw, marks, in_flight = Signal(bool(0)), Signal(modbv(0)[IN_FLIGHT:]), Signal(intbv(0, min=0, max=IN_FLIGHT + 1))

    @always_comb
    def look() -> None:
        raw.next = packets.codec == RAW
        empty.next = in_flight == 0 and not begun and not packets.valid

    @always_comb
    def begin() -> None:
        begins.next = packets.valid and not raw and not begun and not length.valid and in_flight != IN_FLIGHT
        ends.next = decoded.valid and decoded.ready and decoded.last

    @always_comb
    def enter() -> None:
        words.data.next = packets.data
        words.last.next = packets.last
        words.valid.next = packets.valid and not raw and begun
        packets.ready.next = words.ready and begun
        if raw:
            packets.ready.next = rows.ready and in_flight == 0

    @always_comb
    def leave() -> None:
        decoded.ready.next = rows.ready and in_flight != 0
        if in_flight == 0:
            rows.data.next = packets.data
            rows.last.next = packets.last
            rows.valid.next = packets.valid and raw
            rows.raw.next = True
            rows.residual.next = packets.residual
        else:
            rows.data.next = decoded.data
            rows.last.next = decoded.last
            rows.valid.next = decoded.valid
            rows.raw.next = False
            rows.residual.next = marks[in_flight - 1]

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if begins:
            begun.next = True
            length.valid.next = True
        else:
            if length.ready:
                length.valid.next = False
            if words.valid and words.ready and words.last:
                begun.next = False
        if begins and not ends:
            in_flight.next = in_flight + 1
        elif ends and not begins:
            in_flight.next = in_flight - 1

    @always_seq(clk.posedge, reset=None)
    def mark() -> None:
        length.last.next = True
        if begins:
            length.data.next = (packets.codec[CODEC_BITS:MODE_LOW] << TILE_BITS) | packets.tiles
            marks.next = (marks << 1) | packets.residual

    return instances()


@block
def packet_buffer(clk: Any, rst: Any, packets: CodedPackets, buffered: CodedPackets, *, counted: bool = False) -> Any:
    """Hold up to two words, so that neither words nor `ready` pass in the cycle in which they come.

    With `counted` the packets' numbers of rows go along.
    """
    word = ConcatSignal(packets.residual, packets.last, packets.tiles, packets.codec, packets.data)
    counts_low = len(word)
    if counted:
        word = ConcatSignal(packets.count, packets.residual, packets.last, packets.tiles, packets.codec, packets.data)
    first, second = (Signal(intbv(0)[len(word) :]) for _ in range(2))
    moves, full = Signal(bool(0)), Signal(bool(0))
    tiles_low, tiles_top = 64 + CODEC_BITS, 64 + CODEC_BITS + TILE_BITS

    @always_comb
    def look() -> None:
        moves.next = buffered.ready or not buffered.valid
        packets.ready.next = not rst and not full

    @always_comb
    def give() -> None:
        buffered.data.next = first[64:]
        buffered.codec.next = first[tiles_low:64]
        buffered.tiles.next = first[tiles_top:tiles_low]
        buffered.last.next = first[tiles_top]
        buffered.residual.next = first[tiles_top + 1]

    if counted:

        @always_comb
        def give_count() -> None:
            buffered.count.next = first[:counts_low]

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if moves:
            buffered.valid.next = packets.valid or full
            full.next = False
        elif packets.valid:
            full.next = True

    @always(clk.posedge)
    def keep() -> None:
        if moves:
            first.next = word
            if full:
                first.next = second
        if not full:
            second.next = word

    return instances()


@block
def raw_rows(packets: CodedPackets, rows: DecodedRows, empty: Any) -> Any:
    """Take rows as they are stored."""

    @always_comb
    def forward() -> None:
        rows.data.next = packets.data
        rows.valid.next = packets.valid
        rows.last.next = packets.last
        rows.raw.next = True
        rows.residual.next = packets.residual
        empty.next = True

    @always_comb
    def backward() -> None:
        packets.ready.next = rows.ready

    return instances()


@block
def encode_slot(clk: Any, rst: Any, rows: Any, codec: Any, packed: Any, *, dct: bool) -> Any:
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
        Whether there is a DCT encoder; otherwise every packet is left raw.
    """
    if not dct:
        return raw_words(rows, packed)

    tile_rows, mode, words = Stream(64), Stream(MODE_BITS), Stream(64)
    encoder = dct_encoder(clk, rst, tile_rows, mode, words)
    raw, first, begins = Signal(bool(0)), Signal(bool(1)), Signal(bool(0))
    in_flight = Signal(intbv(0, min=0, max=IN_FLIGHT + 1))

    @always_comb
    def look() -> None:
        raw.next = codec == RAW
        mode.data.next = codec[CODEC_BITS:MODE_LOW]
        mode.valid.next = in_flight != 0

    @always_comb
    def enter() -> None:
        tile_rows.data.next = rows.data
        tile_rows.last.next = rows.last
        tile_rows.valid.next = rows.valid and not raw and in_flight != IN_FLIGHT
        rows.ready.next = tile_rows.ready and in_flight != IN_FLIGHT
        if raw:
            rows.ready.next = packed.ready

    @always_comb
    def begin() -> None:
        begins.next = tile_rows.valid and tile_rows.ready and first

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if tile_rows.valid and tile_rows.ready:
            first.next = tile_rows.last
        if begins and not mode.ready:
            in_flight.next = in_flight + 1
        elif mode.ready and not begins:
            in_flight.next = in_flight - 1

    @always_comb
    def leave() -> None:
        words.ready.next = packed.ready and not raw
        packed.data.next = words.data
        packed.last.next = words.last
        packed.valid.next = words.valid
        if raw:
            packed.data.next = rows.data
            packed.last.next = rows.last
            packed.valid.next = rows.valid

    return instances()


@block
def raw_words(rows: Any, packed: Any) -> Any:
    """Leave rows as they are."""

    @always_comb
    def forward() -> None:
        packed.data.next = rows.data
        packed.valid.next = rows.valid
        packed.last.next = rows.last

    @always_comb
    def backward() -> None:
        rows.ready.next = packed.ready

    return instances()
