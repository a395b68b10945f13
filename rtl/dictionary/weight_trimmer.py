"""Weight trimmer: low-order bits removed with rounding, and small magnitudes made zero."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, concat, instances, intbv

from silicodec.rtl.blocks.stream import Stream

WEIGHT_BITS = 8
SETTINGS_BITS = 11


@block
def weight_trimmer(
    clk: Any, rst: Any, settings: Stream, weights: Stream, trimmed: Stream, *, entry_size: int = 8
) -> Any:
    """Trim packets of signed 8-bit weights, one entry per cycle.

    Parameters
    ----------
    settings : Stream
        One word per packet, taken when the packet ends: the threshold in bits 7 .. 0, and the number of low-order bits
        to remove in bits 10 .. 8.
    weights, trimmed : Stream
        Entries, the first weight in the least significant bits.
    entry_size : int
        Weights in an entry, 1 .. 8.
    """
    if not 1 <= entry_size <= 8:
        raise ValueError(f"entry_size must be 1 .. 8, not {entry_size}")
    bits = WEIGHT_BITS * entry_size

    # Halves are rounded away from zero, so that the mean stays: a negative weight gets one less than the half, and a
    # positive one the carry besides.
    below_half = Signal(intbv(0)[WEIGHT_BITS:])
    rounds = Signal(bool(0))
    mask = Signal(intbv(0)[WEIGHT_BITS:])
    result = Signal(intbv(0)[bits:])
    offered = Signal(bool(0))
    take = Signal(bool(0))

    @always_comb
    def decode() -> None:
        for i in range(WEIGHT_BITS):
            below_half.next[i] = settings.data[11:8] > i + 1
            mask.next[i] = settings.data[11:8] <= i
        rounds.next = settings.data[11:8] != 0

    @always_comb
    def trim() -> None:
        weight = intbv(0)[WEIGHT_BITS:]
        magnitude = intbv(0)[WEIGHT_BITS + 1 :]
        rounded = intbv(0)[WEIGHT_BITS:]
        carry = intbv(0)[1:]
        word = intbv(0)[bits:]
        for i in range(entry_size):
            weight[:] = (weights.data >> (WEIGHT_BITS * i)) & 0xFF
            magnitude[:] = weight
            carry[:] = rounds and not weight[WEIGHT_BITS - 1]
            # One adder: the carry into it comes from a bit more at its end.
            rounded[:] = ((concat(weight, True) + concat(below_half, carry)) >> 1) & 0xFF
            if weight[WEIGHT_BITS - 1]:
                magnitude[:] = (weight ^ 0xFF) + 1
            elif rounded[WEIGHT_BITS - 1]:
                rounded[:] = 0x7F
            rounded[:] = rounded & mask
            if magnitude < settings.data[8:]:
                rounded[:] = 0
            word[:] = word | (rounded << (WEIGHT_BITS * i))
        result.next = word

    @always_comb
    def handshake() -> None:
        take.next = settings.valid and weights.valid and (trimmed.ready or not offered)
        weights.ready.next = settings.valid and (trimmed.ready or not offered) and not rst
        settings.ready.next = weights.valid and weights.last and (trimmed.ready or not offered) and not rst
        trimmed.valid.next = offered

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        offered.next = take or (offered and not trimmed.ready)

    @always_seq(clk.posedge, reset=None)
    def store() -> None:
        if take:
            trimmed.data.next = result
            trimmed.last.next = weights.last

    return instances()
