"""Sums in slices equal exact arithmetic, whatever the cuts, signs and shifts, with stalls."""

import random

import pytest
from myhdl import Signal, Simulation, StopSimulation, block, delay, instance

from silicodec.rtl.blocks.adder_network import signed, take
from silicodec.rtl.blocks.sliced_network import SlicedNetwork

BITS = 9
RESULTS = {
    "sum": lambda a, b, c: a + b + c,
    "shifted": lambda a, b, c: (a << 5) + (b << 2) + c,
    "difference of a shifted number": lambda a, b, c: a - (b << 4),
    "difference from a shifted number": lambda a, b, c: (a << 6) - b,
    "negative": lambda a, b, c: (c << 3) + (-a - b),
    "above most": lambda a, b, c: a + b - (c << 8),
    "tree": lambda a, b, c: ((a << 8) + (b << 5) - c) + ((c << 6) + a) - ((b << 3) - a),
    "far apart": lambda a, b, c: (a << 12) - (b + c),
}


@block
def network_of(clk, advance, inputs, y, formula, cuts):
    network = SlicedNetwork(clk, advance, cuts=cuts)
    result = formula(*(network.number(number) for number in inputs))
    place = result.from_bit(0, len(y))
    return [part(*arguments) for part, arguments in network.parts], take(*place, y)


@pytest.mark.parametrize("cuts", [(), (6,), (7, 12), (5, 10, 16)])
@pytest.mark.parametrize("name", RESULTS)
def test_results_are_exact(name, cuts):
    formula, drawn = RESULTS[name], random.Random(f"{name} {cuts}")
    clk, advance = Signal(False), Signal(False)
    inputs, y = [signed(BITS) for _ in range(3)], signed(26)
    least, most = -(1 << BITS - 1), (1 << BITS - 1) - 1
    expected, found = [], []

    @instance
    def drive():
        for _ in range(150):
            values = [drawn.choice((least, most, 0, -1, drawn.randint(least, most))) for _ in inputs]
            for signal, value in zip(inputs, values, strict=True):
                signal.next = value
            advance.next = go = drawn.random() < 0.7
            yield delay(1)
            if go:
                expected.append(formula(*values))
                found.append(int(y))
            clk.next = True
            yield delay(1)
            clk.next = False
            yield delay(1)
        raise StopSimulation

    Simulation(network_of(clk, advance, inputs, y, formula, cuts), drive).run(quiet=True)
    late = len(cuts)
    assert len(expected) > 75
    assert found[late:] == expected[: len(expected) - late]
