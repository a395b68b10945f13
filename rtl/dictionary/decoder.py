"""Dictionary decoder: entries of weights from codes, literals and a dictionary that the literals fill."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.dictionary.code import CLASSES
from silicodec.rtl.blocks.bit_unpacker import bit_unpacker
from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import BitWindow, Stream, gated, reset_gates
from silicodec.rtl.dictionary.check import code_check, layout_check
from silicodec.rtl.dictionary.code_parser import Decision, code_parser
from silicodec.rtl.dictionary.literals import PLANES, LiteralPort, PacketPhase, literal_reader

HAS_LITERALS = 2
"""Bit of a layout."""


@block
def dictionary_decoder(
    clk: Any,
    rst: Any,
    layout: Stream,
    length: Stream,
    codes: Stream,
    literals: Stream,
    entries: Stream,
    *,
    code_bits: int = 8,
    slot_bits: int = 5,
    entry_size: int = 8,
    checked: bool = False,
) -> Any:
    """Restore packets of entries of 8-bit weights, one entry per cycle.

    Whatever the streams hold, a packet ends after its number of entries: what its codes do not give are zeros, what is
    missing of its literals is arbitrary, what is left over is dropped.

    Parameters
    ----------
    layout : Stream
        One word of 32 bits per packet, taken when the packet ends.
    length : Stream
        The packet's number of entries: one word, in which zero stands for 2**(its width); `last` is ignored.
    codes : Stream
        Codes in words of `code_bits` bits.
    literals : Stream
        Planes of literals, eight a word; none for a packet whose layout says so.
    entries : Stream
        Entries, the first weight in the least significant bits. If `checked`, `error` is high with `last` where the
        packet was malformed.
    code_bits : int
        Most bits in a code, 8 or 16.
    slot_bits : int
        Most bits in the number of a slot, 2 to `code_bits` - 3; the dictionary has 2**slot_bits slots.
    entry_size : int
        Weights in an entry: 1, 2, 4 or 8.
    checked : bool
        Whether to detect malformed streams.
    """
    if code_bits not in (8, 16):
        raise ValueError(f"code_bits must be 8 or 16, not {code_bits}")
    if entry_size not in (1, 2, 4, 8):
        raise ValueError(f"entry_size must be 1, 2, 4 or 8, not {entry_size}")
    if not 2 <= slot_bits <= code_bits - CLASSES:
        raise ValueError(f"slot_bits must be 2 to {code_bits - CLASSES}, not {slot_bits}")
    # Slot 0 holds zeros. Literals that are not stored pass through two more slots in turn, since a word must not be
    # written while the word before is read there.
    passing = 1 << slot_bits
    slots = MemoryPorts(passing + 2, entry_size * PLANES)
    storage = memory(clk, slots)

    active = Signal(bool(0))
    decoding = Signal(bool(0))
    remaining = Signal(modbv(0)[len(length.data) :])
    last_entry = Signal(bool(0))
    target = Signal(intbv(0)[slot_bits + 1 :])
    turn = Signal(bool(0))
    parse = Signal(bool(0))

    # A code is parsed; the zeros of its run are read, and offered. Then its literal, if any, is written; the entry is
    # read, and offered.
    parsed = Signal(bool(0))
    run = Signal(modbv(0)[code_bits - 1 :])
    in_run = Signal(bool(0))
    parsed_literal = Signal(bool(0))
    parsed_slot = Signal(intbv(0)[slot_bits + 1 :])
    blocked = Signal(bool(0))
    write = Signal(bool(0))
    written = Signal(bool(0))
    written_slot = Signal(intbv(0)[slot_bits + 1 :])
    read = Signal(bool(0))
    offered = Signal(bool(0))
    offered_last = Signal(bool(0))

    code_words, literal_words = gated(codes, literals)
    whole_codes = Stream(code_bits)
    window = BitWindow(code_bits)
    decision = Decision(code_bits, slot_bits, checked=checked)
    phase = PacketPhase()
    literal = LiteralPort(entry_size, checked=checked)

    gates = reset_gates(rst, [codes, literals], [code_words, literal_words])
    unpacker = bit_unpacker(clk, rst, whole_codes, window, decoding, phase.over, word_bits=code_bits, checked=checked)
    reader = literal_reader(clk, rst, literal_words, phase, literal, entry_size=entry_size)
    parser = code_parser(layout.data, window.data, decision, code_bits=code_bits, slot_bits=slot_bits, checked=checked)

    @always_comb
    def end_codes() -> None:
        # Beyond the end of the codes there are zeros.
        whole_codes.data.next = 0
        if not window.ended:
            whole_codes.data.next = code_words.data
        whole_codes.valid.next = code_words.valid
        whole_codes.last.next = code_words.last
        code_words.ready.next = whole_codes.ready

    @always_comb
    def fields() -> None:
        # Only what `valid` gates may decide on a handshake.
        phase.dropped.next = 0
        if layout.valid:
            phase.dropped.next = layout.data[13:10]
        phase.has_literals.next = layout.data[1]

    @always_comb
    def handshake() -> None:
        phase.start.next = layout.valid and length.valid and not active and not rst
        decoding.next = active and layout.valid and not phase.over
        length.ready.next = layout.valid and not active and not rst
        layout.ready.next = phase.over and not window.loaded and not literal.open and not rst

    @always_comb
    def look() -> None:
        in_run.next = run != 0
        last_entry.next = remaining == 1

    @always_comb
    def choose_slot() -> None:
        target.next = 0
        if not decision.zeros and not decision.end:
            target.next = decision.slot
            if decision.literal and not decision.store:
                target.next = passing + turn

    @always_comb
    def advance() -> None:
        # The memory's output register is the output stage: it may be read only when its entry leaves.
        read.next = written and (entries.ready or not offered)
        blocked.next = (
            # A slot that is still to be read may not be written; and a literal waits for the whole of its planes.
            parsed_literal and not in_run and (not literal.ready or (written and parsed_slot == written_slot))
        )

    @always_comb
    def advance_parsed() -> None:
        write.next = parsed and not blocked and (not written or read)
        # Where the codes have ended, entries of zeros follow until there are enough.
        parse.next = (
            decoding and window.valid and (not parsed or (not in_run and not blocked and (not written or read)))
        )

    @always_comb
    def act() -> None:
        window.length.next = decision.length
        window.take.next = parse and not decision.end
        literal.take.next = write and parsed_literal and not in_run
        # A packet starts by writing zeros to slot 0, since a memory has no reset.
        slots.write.next = phase.start or (write and parsed_literal and not in_run)
        slots.write_address.next = 0
        if not phase.start:
            slots.write_address.next = parsed_slot
        slots.write_data.next = literal.entry
        slots.read.next = read
        slots.read_address.next = written_slot

    @always_comb
    def offer() -> None:
        entries.data.next = slots.read_data
        entries.valid.next = offered
        entries.last.next = offered_last

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if phase.over:
            active.next = window.loaded or literal.open
            phase.over.next = window.loaded or literal.open
        elif active:
            phase.over.next = read and last_entry
        else:
            active.next = phase.start
        # What was parsed beyond the last entry is dropped.
        parsed.next = (parse or (parsed and (in_run or not write))) and not (read and last_entry)
        written.next = (write or (written and not read)) and not (read and last_entry)
        offered.next = read or (offered and not entries.ready)
        if parse:
            turn.next = not turn
            run.next = decision.run
        elif write and in_run:
            run.next = run - 1

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        if phase.start:
            remaining.next = length.data
        elif read:
            remaining.next = remaining - 1
        if parse:
            parsed_literal.next = decision.literal
            literal.left_out.next = decision.left_out
            parsed_slot.next = target
        if write:
            written_slot.next = 0
            if not in_run:
                written_slot.next = parsed_slot
        if read:
            offered_last.next = last_entry

    if checked:
        code = Signal(bool(0))
        flaw = Signal(bool(0))
        wrong_layout = Signal(bool(0))
        parsed_end = Signal(bool(0))
        written_end = Signal(bool(0))
        layout_checker = layout_check(layout.data, wrong_layout, slot_bits=slot_bits, code_bits=code_bits)
        code_checker = code_check(clk, rst, phase.start, code, decision, literal, flaw, slot_bits=slot_bits)

        @always_comb
        def watch() -> None:
            code.next = parse and not decision.end

        @always_seq(clk.posedge, reset=None)
        def follow_end() -> None:
            if parse:
                parsed_end.next = decision.end
            if write:
                written_end.next = parsed_end

        @always_seq(clk.posedge, reset=None)
        def report() -> None:
            if read:
                # By the last entry all codes have been parsed, and no more than the end may have been.
                entries.error.next = (
                    flaw
                    or wrong_layout
                    or written_end
                    or (parsed and not parsed_end)
                    or not window.clean
                    or literal.open
                    or not literal.padded
                )

    return instances()
