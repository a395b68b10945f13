"""Carry-select adder: half the carry chain of a plain one."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, block, concat, instances, intbv, modbv


@block
def carry_select_adder(a: Any, b: Any, total: Any, *, half: int) -> Any:
    """Add two numbers modulo the width of the sum, the upper part for either carry out of the lower `half` bits.

    The carry then only chooses, so that it passes through half as many bits.
    """
    bits = len(total)
    below = Signal(intbv(0)[half + 1 :])
    above, above_carried = (Signal(modbv(0)[bits - half + 1 :]) for _ in range(2))

    @always_comb
    def add() -> None:
        below.next = a[half:] + b[half:]
        # Below each upper part stands a bit that makes the carry in.
        above.next = (a[bits:half] << 1) + (b[bits:half] << 1)
        above_carried.next = ((a[bits:half] << 1) | 1) + ((b[bits:half] << 1) | 1)

    @always_comb
    def select() -> None:
        total.next = concat(above[:1], below[half:])
        if below[half]:
            total.next = concat(above_carried[:1], below[half:])

    return instances()
