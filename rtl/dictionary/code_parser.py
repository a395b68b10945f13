"""Codes of the dictionary format: what the next bits of a packet say, by its layout."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, block, instances, intbv, modbv

from silicodec.models.dictionary.code import CLASSES, Kind


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
