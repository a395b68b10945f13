"""Dictionary decoder: entries of weights from codes, literals and a dictionary that the literals fill."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.dictionary.code import CLASSES, Kind
from silicodec.rtl.blocks.bit_unpacker import bit_unpacker
from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import BitWindow, Stream
from silicodec.rtl.dictionary.check import code_check, layout_check
from silicodec.rtl.dictionary.literals import PLANES, literal_reader

HAS_LITERALS = 2
"""Bit of a layout."""


class Decision:
    """What the next code says.

    `length` is its bits; `end` that the packet ends instead. After `run` entries of zeros comes one that is `zeros`, or
    in the slot `slot`, or the next literal, without its `left_out` highest planes, which goes to that slot if `store`.
    If the decoder is checked, `read` says that the slot is read, and `unknown` that there is no such code.
    """

    def __init__(self, code_bits: int, slot_bits: int, *, checked: bool) -> None:
        self.length: Any = Signal(intbv(0, min=0, max=code_bits + 1))
        self.end: Any = Signal(bool(0))
        self.zeros: Any = Signal(bool(0))
        self.literal: Any = Signal(bool(0))
        self.store: Any = Signal(bool(0))
        if checked:
            self.read: Any = Signal(bool(0))
            self.unknown: Any = Signal(bool(0))
        self.run: Any = Signal(intbv(0)[code_bits - 1 :])
        self.slot: Any = Signal(intbv(0)[slot_bits:])
        self.left_out: Any = Signal(intbv(0)[2:])


@block
def dictionary_decoder(
    clk: Any,
    rst: Any,
    layout: Stream,
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

    Whatever the streams hold, a packet ends with the end of its codes and has one entry at least; what is missing of
    its literals is arbitrary, what is left over is dropped.

    Parameters
    ----------
    layout : Stream
        One word of 32 bits per packet, taken when the packet ends.
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
    over = Signal(bool(0))
    begun = Signal(bool(0))
    start = Signal(bool(0))
    decoding = Signal(bool(0))
    known = Signal(bool(0))
    entry_known = Signal(bool(0))
    target = Signal(intbv(0)[slot_bits + 1 :])
    turn = Signal(bool(0))
    parse = Signal(bool(0))

    # A code is parsed; the zeros of its run are read, and offered. Then its literal, if any, is written; the entry is
    # read, and offered.
    parsed = Signal(bool(0))
    run = Signal(modbv(0)[code_bits - 1 :])
    in_run = Signal(bool(0))
    parsed_literal = Signal(bool(0))
    parsed_left_out = Signal(intbv(0)[2:])
    parsed_slot = Signal(intbv(0)[slot_bits + 1 :])
    blocked = Signal(bool(0))
    write = Signal(bool(0))
    written = Signal(bool(0))
    written_slot = Signal(intbv(0)[slot_bits + 1 :])
    read = Signal(bool(0))
    offered = Signal(bool(0))
    offered_last = Signal(bool(0))

    whole_codes = Stream(code_bits)
    window = BitWindow(code_bits)
    decision = Decision(code_bits, slot_bits, checked=checked)
    dropped = Signal(intbv(0)[3:])
    has_literals = Signal(bool(0))
    literal_take, literal_ready, literals_open = (Signal(bool(0)) for _ in range(3))
    short, padded = (Signal(bool(0)), Signal(bool(0))) if checked else (None, None)

    unpacker = bit_unpacker(clk, rst, whole_codes, window, decoding, over, word_bits=code_bits, checked=checked)
    reader = literal_reader(
        clk, rst, literals, start, has_literals, over, dropped, parsed_left_out, literal_take, literal_ready,
        literals_open, short, padded, slots.write_data, entry_size=entry_size,
    )  # fmt: skip
    parser = code_parser(layout.data, window.data, decision, code_bits=code_bits, slot_bits=slot_bits, checked=checked)

    @always_comb
    def end_codes() -> None:
        # Beyond the end of the codes there are zeros.
        whole_codes.data.next = 0
        if not window.ended:
            whole_codes.data.next = codes.data
        whole_codes.valid.next = codes.valid
        whole_codes.last.next = codes.last
        codes.ready.next = whole_codes.ready

    @always_comb
    def fields() -> None:
        dropped.next = layout.data[13:10]
        has_literals.next = layout.data[1]

    @always_comb
    def phase() -> None:
        start.next = layout.valid and not active
        decoding.next = active and not over
        layout.ready.next = over and not window.loaded and not literals_open

    @always_comb
    def look() -> None:
        in_run.next = run != 0
        known.next = decoding and window.valid
        entry_known.next = decoding and window.valid and (not decision.end or not begun)

    @always_comb
    def choose_slot() -> None:
        target.next = 0
        if not decision.zeros and not decision.end:
            target.next = decision.slot
            if decision.literal and not decision.store:
                target.next = passing + turn

    @always_comb
    def advance() -> None:
        read.next = written and (parsed or known) and (entries.ready or not offered)
        blocked.next = (
            parsed_literal and not in_run and (not literal_ready or (written and parsed_slot == written_slot))
        )

    @always_comb
    def advance_parsed() -> None:
        write.next = parsed and not blocked and (not written or read)
        parse.next = entry_known and (not parsed or (not in_run and not blocked and (not written or read)))

    @always_comb
    def act() -> None:
        window.length.next = decision.length
        window.take.next = parse and not decision.end
        literal_take.next = write and parsed_literal and not in_run
        slots.write.next = start or (write and parsed_literal and not in_run)
        slots.write_address.next = 0
        if not start:
            slots.write_address.next = parsed_slot
        slots.read.next = read
        slots.read_address.next = written_slot

    @always_comb
    def offer() -> None:
        entries.data.next = slots.read_data
        entries.valid.next = offered
        entries.last.next = offered_last

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if over:
            active.next = window.loaded or literals_open
            over.next = window.loaded or literals_open
        elif active:
            over.next = read and not parsed and decision.end
        else:
            active.next = layout.valid
        begun.next = active and (begun or parse)
        parsed.next = parse or (parsed and (in_run or not write))
        written.next = write or (written and not read)
        offered.next = read or (offered and not entries.ready)
        if parse:
            turn.next = not turn
            run.next = decision.run
        elif write and in_run:
            run.next = run - 1

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        if parse:
            parsed_literal.next = decision.literal
            parsed_left_out.next = decision.left_out
            parsed_slot.next = target
        if write:
            written_slot.next = 0
            if not in_run:
                written_slot.next = parsed_slot
        if read:
            offered_last.next = decision.end and not parsed

    if checked:
        code = Signal(bool(0))
        empty = Signal(bool(0))
        flaw = Signal(bool(0))
        wrong_layout = Signal(bool(0))
        layout_checker = layout_check(layout.data, wrong_layout, slot_bits=slot_bits, code_bits=code_bits)
        code_checker = code_check(
            clk, rst, start, code, decision, empty, literal_take, short, flaw, slot_bits=slot_bits
        )

        @always_comb
        def watch() -> None:
            code.next = parse and not decision.end
            empty.next = parse and decision.end

        @always_seq(clk.posedge, reset=None)
        def report() -> None:
            if read:
                entries.error.next = flaw or wrong_layout or not window.clean or literals_open or not padded

    return instances()


@block
def code_parser(layout: Any, window: Any, decision: Decision, *, code_bits: int, slot_bits: int, checked: bool) -> Any:
    """Tell what the code at the beginning of a window says.

    Parameters
    ----------
    layout : Signal
        The packet's layout.
    window : Signal
        The next `code_bits` bits of its codes.
    decision : Decision
        What they say.
    """
    shift_bits = code_bits.bit_length() - 1
    width_bits = slot_bits.bit_length()
    zeros_kind, slot_kind, literal_kind = int(Kind.ZEROS), int(Kind.SLOT), int(Kind.LITERAL)

    chosen = Signal(intbv(0)[CLASSES:])
    kind = Signal(intbv(0)[2:])
    width = Signal(intbv(0)[width_bits:])
    run_bits = Signal(intbv(0)[shift_bits:])
    # Numbers of the last bits of field and run, the first bit of the window being number 0.
    field_end, run_end = Signal(modbv(0)[shift_bits:]), Signal(modbv(0)[shift_bits:])
    fields = Signal(intbv(0)[code_bits:])
    spare = Signal(modbv(0)[width_bits:])
    field = Signal(intbv(0)[slot_bits:])
    implied = Signal(bool(0))

    @always_comb
    def choose() -> None:
        chosen.next[0] = window[code_bits - 1]
        chosen.next[1] = window[code_bits - 2] and not window[code_bits - 1]
        chosen.next[2] = window[code_bits - 3] and not window[code_bits - 1] and not window[code_bits - 2]

    @always_comb
    def look_up() -> None:
        run_bits.next = layout[2 + shift_bits : 2]
        kind.next = 0
        width.next = layout[6 + width_bits : 6]
        field_end.next = 2 + layout[10:6]
        if chosen[0]:
            kind.next = layout[32:30]
            width.next = layout[26 + width_bits : 26]
            field_end.next = layout[26 + shift_bits : 26]
        if chosen[1]:
            kind.next = layout[26:24]
            width.next = layout[20 + width_bits : 20]
            field_end.next = 1 + layout[24:20]
        if chosen[2]:
            kind.next = layout[20:18]
            width.next = layout[14 + width_bits : 14]
            field_end.next = 2 + layout[18:14]

    @always_comb
    def count() -> None:
        run_end.next = field_end + run_bits
        spare.next = slot_bits - width

    @always_comb
    def shift() -> None:
        rest = intbv(0)[code_bits:]
        rest[:] = window
        # Without the one in front of the field.
        rest[code_bits - 1] = False
        rest[code_bits - 2] = window[code_bits - 2] and window[code_bits - 1]
        rest[code_bits - 3] = window[code_bits - 3] and (window[code_bits - 1] or window[code_bits - 2])
        for stage in range(shift_bits):
            if not run_end[stage]:
                rest[:] = rest >> (1 << stage)
        fields.next = rest

    @always_comb
    def count_zeros() -> None:
        for i in range(code_bits - 1):
            if i < run_bits:
                decision.run.next[i] = fields[i] or kind == zeros_kind
            else:
                decision.run.next[i] = fields[i] and kind == zeros_kind

    @always_comb
    def read_field() -> None:
        # The field comes first behind the prefix.
        first = intbv(0)[slot_bits:]
        first[:] = window[code_bits - 3 : code_bits - 3 - slot_bits]
        if chosen[0]:
            first[:] = window[code_bits - 1 : code_bits - 1 - slot_bits]
        if chosen[1]:
            first[:] = window[code_bits - 2 : code_bits - 2 - slot_bits]
        for stage in range(width_bits):
            if spare[stage]:
                first[:] = first >> (1 << stage)
        field.next = first

    @always_comb
    def decide() -> None:
        decision.length.next = run_end + 1
        if kind == zeros_kind:
            decision.length.next = field_end + 1
        decision.end.next = window == 0
        decision.zeros.next = kind == zeros_kind
        decision.store.next = chosen == 0 and field != 0
        decision.literal.next = (chosen == 0 and field != 0) or kind == literal_kind
        decision.left_out.next = 0
        if chosen != 0:
            decision.left_out.next = field[2:]

    @always_comb
    def imply() -> None:
        implied.next = chosen != 0 and width != layout[6 + width_bits : 6]

    @always_comb
    def name_slot() -> None:
        for i in range(slot_bits):
            decision.slot.next[i] = field[i] or (implied and width == i)

    if checked:

        @always_comb
        def classify() -> None:
            decision.read.next = kind == slot_kind
            decision.unknown.next = chosen != 0 and kind == 0

    return instances()
