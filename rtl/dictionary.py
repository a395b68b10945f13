"""Dictionary decoder: entries of weights from codes, literals and a dictionary that the literals fill."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.dictionary_code import CLASSES, Kind

from .bit_unpacker import bit_unpacker
from .dictionary_check import code_check, layout_check
from .dictionary_literals import PLANES, literal_reader
from .memory import MemoryPorts, memory
from .stream import BitWindow, Stream

HAS_LITERALS = 2
"""Bit of a layout."""


class Decision:
    """What the next code says.

    `length` is its bits; `end` that the packet ends instead. An entry is one of the zeros that `count` more follow, or
    in the slot `slot`, or the next literal, without its `left_out` highest planes, which goes to that slot if `store`.
    If the decoder is checked, `read` says that the slot is read, and `unknown` that there is no such code.
    """

    def __init__(self, code_bits: int, *, checked: bool) -> None:
        self.length: Any = Signal(intbv(0, min=0, max=code_bits + 1))
        self.end: Any = Signal(bool(0))
        self.zeros: Any = Signal(bool(0))
        self.literal: Any = Signal(bool(0))
        self.store: Any = Signal(bool(0))
        if checked:
            self.read: Any = Signal(bool(0))
            self.unknown: Any = Signal(bool(0))
        self.count: Any = Signal(intbv(0)[code_bits:])
        self.slot: Any = Signal(intbv(0)[code_bits - CLASSES :])
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
    entry_size: int = 8,
    checked: bool = False,
) -> Any:
    """Restore packets of entries of 8-bit weights, one entry per cycle.

    Whatever the streams hold, a packet ends with the end of its codes and has one entry at least; what is missing of
    its literals is arbitrary, what is left over is dropped.

    Parameters
    ----------
    layout : Stream
        One word of 24 bits per packet, taken when the packet ends.
    codes : Stream
        Codes in words of `code_bits` bits.
    literals : Stream
        Planes of literals, eight a word; none for a packet whose layout says so.
    entries : Stream
        Entries, the first weight in the least significant bits. If `checked`, `error` is high with `last` where the
        packet was malformed.
    code_bits : int
        Most bits in a code, 8 or 16; the dictionary has 2**(code_bits - 3) slots.
    entry_size : int
        Weights in an entry: 1, 2, 4 or 8.
    checked : bool
        Whether to detect malformed streams.
    """
    if code_bits not in (8, 16):
        raise ValueError(f"code_bits must be 8 or 16, not {code_bits}")
    if entry_size not in (1, 2, 4, 8):
        raise ValueError(f"entry_size must be 1, 2, 4 or 8, not {entry_size}")
    slot_bits = code_bits - CLASSES
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
    run = Signal(modbv(0)[code_bits - 1 :])
    in_run = Signal(bool(0))
    known = Signal(bool(0))
    ended = Signal(bool(0))
    entry_known = Signal(bool(0))
    target = Signal(intbv(0)[slot_bits + 1 :])
    turn = Signal(bool(0))
    parse = Signal(bool(0))

    # An entry is parsed; its literal, if any, is written; it is read; it is offered.
    parsed = Signal(bool(0))
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
    decision = Decision(code_bits, checked=checked)
    dropped = Signal(intbv(0)[3:])
    has_literals = Signal(bool(0))
    literal_take, literal_ready, literals_open = (Signal(bool(0)) for _ in range(3))
    short, padded = (Signal(bool(0)), Signal(bool(0))) if checked else (None, None)

    unpacker = bit_unpacker(clk, rst, whole_codes, window, decoding, over, word_bits=code_bits, checked=checked)
    reader = literal_reader(
        clk, rst, literals, start, has_literals, over, dropped, parsed_left_out, literal_take, literal_ready,
        literals_open, short, padded, slots.write_data, entry_size=entry_size,
    )  # fmt: skip
    parser = code_parser(layout.data, window.data, decision, code_bits=code_bits, checked=checked)

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
        dropped.next = layout.data[5:2]
        has_literals.next = layout.data[1]

    @always_comb
    def phase() -> None:
        start.next = layout.valid and not active
        decoding.next = active and not over
        layout.ready.next = over and not window.loaded and not literals_open
        in_run.next = run != 0

    @always_comb
    def look() -> None:
        known.next = decoding and (in_run or window.valid)
        ended.next = decision.end and not in_run
        entry_known.next = decoding and (in_run or (window.valid and (not decision.end or not begun)))

    @always_comb
    def choose_slot() -> None:
        target.next = 0
        if not in_run and not decision.zeros and not decision.end:
            target.next = decision.slot
            if decision.literal and not decision.store:
                target.next = passing + turn

    @always_comb
    def advance() -> None:
        read.next = written and (parsed or known) and (entries.ready or not offered)
        blocked.next = parsed_literal and (not literal_ready or (written and parsed_slot == written_slot))

    @always_comb
    def advance_parsed() -> None:
        write.next = parsed and not blocked and (not written or read)
        parse.next = entry_known and (not parsed or (not blocked and (not written or read)))

    @always_comb
    def act() -> None:
        window.length.next = decision.length
        window.take.next = parse and not in_run and not decision.end
        literal_take.next = write and parsed_literal
        slots.write.next = start or (write and parsed_literal)
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
            over.next = read and not parsed and ended
        else:
            active.next = layout.valid
        begun.next = active and (begun or parse)
        parsed.next = parse or (parsed and not write)
        written.next = write or (written and not read)
        offered.next = read or (offered and not entries.ready)
        if parse:
            turn.next = not turn
            if in_run:
                run.next = run - 1
            elif decision.zeros:
                run.next = decision.count[code_bits - 1 :]

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        if parse:
            parsed_literal.next = decision.literal and not in_run
            parsed_left_out.next = decision.left_out
            parsed_slot.next = target
        if write:
            written_slot.next = parsed_slot
        if read:
            offered_last.next = ended and not parsed

    if checked:
        code = Signal(bool(0))
        empty = Signal(bool(0))
        flaw = Signal(bool(0))
        wrong_layout = Signal(bool(0))
        layout_checker = layout_check(layout.data, wrong_layout, code_bits=code_bits)
        code_checker = code_check(
            clk, rst, start, code, decision, empty, literal_take, short, flaw, code_bits=code_bits
        )

        @always_comb
        def watch() -> None:
            code.next = parse and not in_run and not decision.end
            empty.next = parse and ended

        @always_seq(clk.posedge, reset=None)
        def report() -> None:
            if read:
                entries.error.next = flaw or wrong_layout or not window.clean or literals_open or not padded

    return instances()


@block
def code_parser(layout: Any, window: Any, decision: Decision, *, code_bits: int, checked: bool) -> Any:
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
    slot_bits = code_bits - CLASSES
    shift_bits = code_bits.bit_length() - 1
    zeros_kind, slot_kind, literal_kind = int(Kind.ZEROS), int(Kind.SLOT), int(Kind.LITERAL)

    chosen = Signal(intbv(0)[CLASSES:])
    kind = Signal(intbv(0)[2:])
    width = Signal(intbv(0)[4:])
    unused = Signal(modbv(0)[shift_bits:])
    field = Signal(intbv(0)[code_bits:])

    @always_comb
    def choose() -> None:
        chosen.next[0] = window[code_bits - 1]
        chosen.next[1] = window[code_bits - 2] and not window[code_bits - 1]
        chosen.next[2] = window[code_bits - 3] and not window[code_bits - 1] and not window[code_bits - 2]

    @always_comb
    def look_up() -> None:
        kind.next = 0
        width.next = 0
        unused.next = 0
        if chosen[0]:
            kind.next = layout[24:22]
            width.next = layout[22:18]
            unused.next = code_bits - 1 - layout[22:18]
        if chosen[1]:
            kind.next = layout[18:16]
            width.next = layout[16:12]
            unused.next = code_bits - 2 - layout[16:12]
        if chosen[2]:
            kind.next = layout[12:10]
            width.next = layout[10:6]
            unused.next = code_bits - 3 - layout[10:6]

    @always_comb
    def shift() -> None:
        rest = intbv(0)[code_bits:]
        rest[:] = window
        # Without the one in front of the field.
        rest[code_bits - 1] = False
        rest[code_bits - 2] = window[code_bits - 2] and window[code_bits - 1]
        rest[code_bits - 3] = window[code_bits - 3] and (window[code_bits - 1] or window[code_bits - 2])
        for stage in range(shift_bits):
            if unused[stage]:
                rest[:] = rest >> (1 << stage)
        field.next = rest

    @always_comb
    def decide() -> None:
        decision.length.next = code_bits - unused
        decision.end.next = window == 0
        decision.zeros.next = kind == zeros_kind
        decision.store.next = chosen == 0
        decision.literal.next = (chosen == 0 and window != 0) or kind == literal_kind
        decision.count.next = field
        decision.left_out.next = 0
        if chosen != 0:
            decision.left_out.next = field[2:]
        for i in range(slot_bits):
            decision.slot.next[i] = field[i] or (chosen != 0 and width == i)

    if checked:

        @always_comb
        def classify() -> None:
            decision.read.next = kind == slot_kind
            decision.unknown.next = chosen != 0 and kind == 0

    return instances()
