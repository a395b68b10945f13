"""Packets of weights in the dictionary code, from one stream to the decoder's four and on to words."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, enum, instances, modbv

from silicodec.models.accelerator.weight_packets import CODEC, COUNT_BITS, LAYOUT_BITS, MOST_WORDS
from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.dictionary.decoder import HAS_LITERALS, dictionary_decoder

CODE_WORDS = MOST_WORDS // 8
CODES_LOW, LITERALS_LOW, SPARE_LOW = (LAYOUT_BITS + number * COUNT_BITS for number in (1, 2, 3))
LITERALS_BIT = HAS_LITERALS.bit_length() - 1


@block
def dictionary_packets(clk: Any, rst: Any, packets: Stream, words: Stream) -> Any:
    """Decode packets of weights: a header, codes and literals, as `docs/formats/accelerator.md` describes them.

    The codes of a packet are kept in a memory, since the decoder takes them along with the literals that follow them.

    Parameters
    ----------
    packets : Stream
        Packets of 64-bit words, one after the other; `last` is ignored.
    words : Stream
        Words of eight weights; `last` ends a packet, with `error` where it was malformed.
    """
    state_type = enum("HEADER", "CODES", "LITERALS", "DECODE", "REFUSED")
    state = Signal(state_type.HEADER)
    layout, length, entries = Stream(LAYOUT_BITS), Stream(COUNT_BITS), Stream(64, error=True)
    codes, literals = Stream(8), Stream(64)
    shape = {"code_bits": CODEC.code_bits, "slot_bits": CODEC.slot_bits, "entry_size": CODEC.entry_size}
    decoder = dictionary_decoder(clk, rst, layout, length, codes, literals, entries, checked=True, **shape)
    stored = MemoryPorts(CODE_WORDS, 64)
    cells = memory(clk, stored)

    # Of a header that is offered, and of the packet.
    count, code_count, literal_count = (Signal(modbv(0)[COUNT_BITS:]) for _ in range(3))
    code_bytes, literal_words = (Signal(modbv(0)[COUNT_BITS:]) for _ in range(2))
    refused, taken, given, freed = (Signal(bool(0)) for _ in range(4))
    written, readable = (Signal(modbv(0)[COUNT_BITS - 3 :]) for _ in range(2))
    shift = Signal(modbv(0)[6:])
    place, next_place = (Signal(modbv(0)[COUNT_BITS:]) for _ in range(2))

    @always_comb
    def read_header() -> None:
        count.next = packets.data[CODES_LOW:LAYOUT_BITS]
        code_count.next = packets.data[LITERALS_LOW:CODES_LOW]
        literal_count.next = packets.data[SPARE_LOW:LITERALS_LOW]

    @always_comb
    def check() -> None:
        refused.next = (
            count == 0
            or count > MOST_WORDS
            or code_count == 0
            or code_count > MOST_WORDS
            or literal_count > MOST_WORDS
            or (literal_count != 0) != packets.data[LITERALS_BIT]
            or packets.data[64:SPARE_LOW] != 0
        )

    @always_comb
    def accept() -> None:
        packets.ready.next = not rst and (
            state == state_type.HEADER or state == state_type.CODES or (state == state_type.LITERALS and literals.ready)
        )

    @always_comb
    def move() -> None:
        taken.next = packets.valid and packets.ready

    @always_comb
    def store() -> None:
        stored.write.next = taken and state == state_type.CODES
        stored.write_address.next = written[COUNT_BITS - 4 :]
        stored.write_data.next = packets.data
        stored.read.next = True
        stored.read_address.next = next_place[COUNT_BITS - 1 : 3]

    @always_comb
    def choose_byte() -> None:
        shift.next = place[3:] << 3

    @always_comb
    def feed() -> None:
        layout.valid.next = state != state_type.HEADER and state != state_type.REFUSED and not freed
        codes.data.next = (stored.read_data >> shift) & 0xFF
        codes.valid.next = place[COUNT_BITS:3] < readable and place != code_bytes
        codes.last.next = place + 1 == code_bytes
        literals.data.next = packets.data
        literals.valid.next = state == state_type.LITERALS and packets.valid
        literals.last.next = literal_words == 1

    @always_comb
    def turn() -> None:
        next_place.next = place
        if codes.valid and codes.ready:
            next_place.next = place + 1

    @always_comb
    def give() -> None:
        words.data.next = entries.data
        words.valid.next = entries.valid
        words.last.next = entries.last
        words.error.next = entries.error
        if state == state_type.REFUSED:
            words.valid.next = True
            words.last.next = True
            words.error.next = True

    @always_comb
    def take() -> None:
        entries.ready.next = words.ready

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        readable.next = written
        place.next = next_place
        if length.ready:
            length.valid.next = False
        if words.valid and words.ready and words.last:
            given.next = True
        if layout.ready:
            freed.next = True
        if state == state_type.HEADER:
            if taken:
                length.valid.next = not refused
                written.next = 0
                readable.next = 0
                place.next = 0
                state.next = state_type.CODES
                if refused:
                    state.next = state_type.REFUSED
        elif state == state_type.CODES:
            if taken:
                written.next = written + 1
                if written == (code_bytes - 1) >> 3:
                    state.next = state_type.LITERALS
                    if literal_words == 0:
                        state.next = state_type.DECODE
        elif state == state_type.LITERALS:
            if taken and literals.last:
                state.next = state_type.DECODE
        elif state == state_type.REFUSED:
            if words.ready:
                given.next = False
                state.next = state_type.HEADER
        elif given and freed:
            given.next = False
            freed.next = False
            state.next = state_type.HEADER

    @always(clk.posedge)
    def keep() -> None:
        if taken:
            if state == state_type.HEADER:
                layout.data.next = packets.data[LAYOUT_BITS:]
                length.data.next = count
                code_bytes.next = code_count
                literal_words.next = literal_count
            elif state == state_type.LITERALS:
                literal_words.next = literal_words - 1

    return instances()
