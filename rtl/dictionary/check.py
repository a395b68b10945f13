"""What a checked dictionary decoder watches, apart from what its two readers of streams do."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always_comb, always_seq, block, instances, intbv

from silicodec.models.dictionary.code import CLASSES, LAYOUT_BITS, MAX_LITERAL_WIDTH, Kind
from silicodec.rtl.dictionary.code_parser import Decision
from silicodec.rtl.dictionary.literals import PLANES, LiteralPort


@block
def layout_check(layout: Any, wrong: Any, *, slot_bits: int, code_bits: int) -> Any:
    """Tell whether no packet has this layout."""
    faults = [Signal(bool(0)) for _ in range(CLASSES)]
    class_checks = [
        class_check(layout, fault, low=LAYOUT_BITS - 6 * (i + 1), room=code_bits - 1 - i)
        for i, fault in enumerate(faults)
    ]
    any_fault = ConcatSignal(*faults)

    @always_comb
    def check() -> None:
        # Planes, slots and runs; and the last bit, which is zero.
        wrong.next = (
            any_fault != 0
            or layout[14:10] >= PLANES
            or layout[10:6] > slot_bits
            or layout[10:6] + layout[6:2] > code_bits - CLASSES
            or layout[0]
        )

    return instances()


@block
def class_check(layout: Any, fault: Any, *, low: int, room: int) -> Any:
    """Tell whether there is no class of codes as the six bits of a layout from bit `low` on say.

    `room` is what its codes have for field and run.
    """
    unused, slot, literal = int(Kind.UNUSED), int(Kind.SLOT), int(Kind.LITERAL)
    kind = Signal(intbv(0)[2:])
    width = Signal(intbv(0)[4:])

    @always_comb
    def divide() -> None:
        kind.next = layout[low + 6 : low + 4]
        width.next = layout[low + 4 : low]

    @always_comb
    def check() -> None:
        fault.next = (
            width + layout[6:2] > room
            or (kind == slot and width > layout[10:6])
            or (kind == literal and width > MAX_LITERAL_WIDTH)
            or (kind == unused and width != 0)
        )

    return instances()


@block
def code_check(
    clk: Any, rst: Any, start: Any, code: Any, decision: Decision, literal: LiteralPort, flaw: Any, *, slot_bits: int
) -> Any:
    """Remember whether anything was wrong with a code or literal of a packet.

    Parameters
    ----------
    start : Signal of bool
        A packet begins.
    code : Signal of bool
        A code is read: what `decision` says.
    literal : LiteralPort
        The literals, which may be short.
    flaw : Signal of bool
        Anything was wrong.
    """
    slots = 1 << slot_bits
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
            if (literal.take and literal.short) or (code and (decision.unknown or (decision.read and not here))):
                flaw.next = True

    return instances()
