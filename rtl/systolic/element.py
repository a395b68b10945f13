"""Processing element of a systolic array: a multiplier, and the weights, activation and sum that pass through it."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv, modbv

from silicodec.rtl.blocks.carry_select import carry_select_adder

# Baugh and Wooley (1973): a signed product is a sum of rows of bits without their sign extension, less a constant.
CORRECTION = 2**15 - 2**8


@block
def processing_element(
    clk: Any, advance: Any, switches: Any, loads: Any, activation_left: Any, activation_right: Any,
    weight_above: Any, weight_below: Any, sum_above: Any, sum_below: Any, *, diagonal: int, load_bit: int,
) -> Any:  # fmt: skip
    """Add the product of a weight and an activation to a sum that passes, modulo the width of sums.

    Parameters
    ----------
    advance : Signal of bool
        Nothing changes without it.
    switches : Signal
        Bit `diagonal`: from the activation that enters now, use the weight that was loaded.
    loads : Signal
        Bit `load_bit`: take the weight from above.
    activation_left, activation_right : Signal of 8 bits
        Activation, from the element on the left, and this element's.
    weight_above, weight_below : Signal of 8 bits
        Weight of the next tile, from the element above, and this element's.
    sum_above, sum_below : Signal or int, Signal
        Sum from the element above, or a constant, and this element's. Each element adds `CORRECTION` as well.
    """
    bits = len(sum_below)
    half = bits // 2
    weight = Signal(intbv(0)[8:])
    one, other = (Signal(modbv(0)[bits:]) for _ in range(2))
    total = Signal(modbv(0)[bits:])

    @always_comb
    def reduce() -> None:
        # Nine numbers stand in a queue. Three from its front come back as two at its end, the sums and the carries of
        # their bits, until two are left: a carry passes through a tree of four such steps and one adder.
        queue = modbv(0)[(9 + 2 * 7) * bits :]
        a = modbv(0)[bits:]
        b = modbv(0)[bits:]
        c = modbv(0)[bits:]
        queue[:] = sum_above
        for i in range(8):
            a[:] = 0
            if weight[i]:
                a[:] = activation_right
            if i < 7:
                a[:] = a ^ 0x80
            else:
                a[:] = a ^ 0x7F
            queue[:] = queue | (a << (bits * (i + 1) + i))
        for step in range(7):
            a[:] = queue >> (bits * 3 * step)
            b[:] = queue >> (bits * (3 * step + 1))
            c[:] = queue >> (bits * (3 * step + 2))
            queue[:] = queue | ((a ^ b ^ c) << (bits * (9 + 2 * step)))
            a[:] = ((a & b) | (a & c) | (b & c)) << 1
            queue[:] = queue | (a << (bits * (10 + 2 * step)))
        one.next = queue >> (bits * 21)
        other.next = queue >> (bits * 22)

    addition = carry_select_adder(one, other, total, half=half)

    @always(clk.posedge)
    def step() -> None:
        if advance:
            sum_below.next = total
            activation_right.next = activation_left
        if advance and switches[diagonal]:
            weight.next = weight_below
        if advance and loads[load_bit]:
            weight_below.next = weight_above

    return instances()
