"""Which lane gets which of the next units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always_comb, block, concat, instances, intbv

from silicodec.models.lanes.code import UNIT
from silicodec.rtl.lanes.supply import Supply
from silicodec.rtl.lanes.units import LanePort


@block
def unit_grants(
    supply: Supply, feeding: Any, loading: Any, take_entry: Any, granted: Any, ports: Sequence[LanePort]
) -> Any:
    """Hand units to the lanes that need one, in the order of the lanes.

    Parameters
    ----------
    supply : Supply
        Where they come from.
    feeding : Signal of bool
        Lanes take units.
    loading, take_entry : Signal of bool
        The table does; and it takes one.
    granted : Signal of bool
        Every lane has what it needs.
    ports : sequence of LanePort
        The lanes.
    """
    shown = supply.shown
    counts = [Signal(intbv(0)[shown:]) for _ in ports]
    before = [None, *counts[:-1]]
    counters = [count_need(before[i], port.need, counts[i]) for i, port in enumerate(ports)]
    choosers = [unit_grant(supply, feeding, before[i], port, most=i) for i, port in enumerate(ports)]
    total = counts[-1]
    taken = Signal(intbv(0)[shown:])
    count_bits = len(supply.count)

    @always_comb
    def share() -> None:
        granted.next = total & ~supply.available == 0
        taken.next = 0
        if feeding:
            taken.next = total & supply.available
        elif loading:
            taken.next[0] = take_entry

    @always_comb
    def count() -> None:
        for i in range(count_bits):
            supply.count.next[i] = False
            for j in range(shown):
                # Bit i of the number j + 1, where there are so many and no more.
                if ((j + 1) >> i) & 1 == 1 and taken[j] and (j == shown - 1 or not taken[(j + 1) % shown]):
                    supply.count.next[i] = True

    return instances()


@block
def count_need(before: Any, need: Any, after: Any) -> Any:
    """Count one lane, after others if there are any: bit i of a count is set where there are more."""
    shown = len(after)

    if before is None:

        @always_comb
        def begin() -> None:
            after.next = need

    else:

        @always_comb
        def count() -> None:
            after.next = before
            if need:
                after.next = concat(before[shown - 1 :], True)

    return instances()


@block
def unit_grant(supply: Supply, feeding: Any, before: Any, port: LanePort, *, most: int) -> Any:
    """Give one lane a unit, if it needs one, after those of the lanes `before`, up to `most`."""
    shown, bus_bits = supply.shown, UNIT * supply.bus_units

    if before is None:

        @always_comb
        def choose_first() -> None:
            port.grant.next = feeding and port.need and supply.available[0]
            port.unit.next = supply.units[2 * bus_bits : 2 * bus_bits - UNIT]
            port.absent.next = supply.absent[shown - 1]

    else:

        @always_comb
        def choose() -> None:
            unit = intbv(0)[UNIT:]
            chosen = intbv(0)[shown:]
            missing = False
            chosen[:] = ~before & ((before << 1) | 1) & (2**shown - 1)
            for i in range(most + 1):
                if chosen[i]:
                    unit[:] = unit | ((supply.units >> (2 * bus_bits - UNIT * (i + 1))) & (2**UNIT - 1))
                    missing = missing or supply.absent[shown - 1 - i]
            port.unit.next = unit
            port.absent.next = missing
            port.grant.next = feeding and port.need and (chosen & supply.available) != 0

    return instances()
