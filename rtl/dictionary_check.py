"""What a checked dictionary decoder watches, apart from what its two readers of streams do."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, intbv

from silicodec.models.dictionary_code import CLASSES, MAX_LITERAL_WIDTH, Kind


@block
def layout_check(layout: Any, wrong: Any, *, code_bits: int) -> Any:
    """Tell whether no packet has this layout."""
    zeros, slot, literal = int(Kind.ZEROS), int(Kind.SLOT), int(Kind.LITERAL)
    slot_bits = code_bits - CLASSES
    kinds = [Signal(intbv(0)[2:]) for _ in range(CLASSES)]
    widths = [Signal(intbv(0)[4:]) for _ in range(CLASSES)]

    @always_comb
    def divide() -> None:
        kinds[0].next = layout[24:22]
        widths[0].next = layout[22:18]
        kinds[1].next = layout[18:16]
        widths[1].next = layout[16:12]
        kinds[2].next = layout[12:10]
        widths[2].next = layout[10:6]

    @always_comb
    def check() -> None:
        fault = bool(layout[5] or layout[0])
        for i in range(CLASSES):
            if kinds[i] == zeros:
                fault = fault or widths[i] > code_bits - 1 - i
            elif kinds[i] == slot:
                fault = fault or widths[i] > slot_bits
            elif kinds[i] == literal:
                fault = fault or widths[i] > MAX_LITERAL_WIDTH
            else:
                fault = fault or widths[i] != 0
        wrong.next = fault

    return instances()


@block
def code_check(
    clk: Any, rst: Any, start: Any, code: Any, decision: Any, empty: Any, literal: Any, short: Any, flaw: Any,
    *, code_bits: int,
) -> Any:  # fmt: skip
    """Remember whether anything was wrong with a code or literal of a packet.

    Parameters
    ----------
    start : Signal of bool
        A packet begins.
    code : Signal of bool
        A code is read: what `decision` says.
    empty : Signal of bool
        The packet ends without an entry.
    literal, short : Signal of bool
        A literal is read; it has no planes or lacks some.
    flaw : Signal of bool
        Anything was wrong.
    """
    slots = 1 << (code_bits - CLASSES)
    stored = Signal(intbv(0)[slots:])
    here = Signal(bool(0))

    @always_comb
    def look_up() -> None:
        here.next = stored[decision.slot]

    @always_seq(clk.posedge, reset=rst)
    def track() -> None:
        if start:
            stored.next = 0
            flaw.next = False
        else:
            if code and decision.store:
                stored.next[decision.slot] = True
            if empty or (literal and short) or (code and (decision.unknown or (decision.read and not here))):
                flaw.next = True

    return instances()
