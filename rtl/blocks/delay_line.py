"""Delay by a fixed number of cycles."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, modbv


@block
def delay_line(clk: Any, rst: Any, source: Any, late: Any, *, cycles: int) -> Any:
    """Drive a signal with what another one was some cycles ago.

    Parameters
    ----------
    rst : Signal or None
        With it, `late` is 0 after a reset until `source` has come through.
    source, late : Signal
        Unsigned, of one width.
    cycles : int
        At least 1.
    """
    if cycles < 1:
        raise ValueError(f"cycles must be at least 1, not {cycles}")
    bits = len(source)
    past = Signal(modbv(0)[bits * cycles :])

    @always_seq(clk.posedge, reset=rst)
    def move() -> None:
        past.next = (past << bits) | source

    @always_comb
    def show() -> None:
        late.next = past[bits * cycles : bits * (cycles - 1)]

    return instances()
