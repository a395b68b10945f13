"""The array against matrix products."""

import numpy as np
import pytest
from myhdl import Signal, block, intbv

from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.errors import CodecError
from silicodec.rtl.accelerator.mac_array import mac_array
from silicodec.verif.drivers.block_bench import TRACES, join, packed, split, unpacked


def device_of(groups, products, count):
    @block
    def device(clk, taps, weights, valid, first, last, sums):
        tap_parts = [Signal(intbv(0)[8:]) for _ in range(8 * count)]
        weight_parts = [Signal(intbv(0, min=-256, max=256)) for _ in range(count * groups)]
        sum_parts = [Signal(intbv(0, min=-(1 << 27), max=1 << 27)) for _ in range(8 * groups)]
        splits = split(taps, tap_parts), split(weights, weight_parts)
        array = mac_array(clk, tap_parts, weight_parts, valid, first, last, sum_parts, groups=groups, products=products)
        return splits, array, join(sum_parts, sums)

    return device


def ports_of(groups, count):
    wide = {"taps": 64 * count, "weights": 9 * count * groups, "sums": 224 * groups}
    flags = {name: Signal(bool(0)) for name in ("valid", "first", "last")}
    return {name: Signal(intbv(0)[bits:]) for name, bits in wide.items()} | flags


@pytest.mark.parametrize("simulator", TRACES)
@pytest.mark.parametrize(
    ("groups", "products", "count"), [(1, False, 9), (4, False, 9), (1, True, 9), (1, True, 3), (2, True, 3)]
)
def test_sums_of_rows(simulator, groups, products, count):
    random = np.random.default_rng(groups)
    inputs = {name: [] for name in ("taps", "weights", "valid", "first", "last")}
    expected = {}
    for steps in (1, 1, 2, 5, 1, 9, 3):
        # The extremes of every operand in one row, random ones in the others.
        extreme = steps == 5
        taps = np.full((steps, count, 8), -128) if extreme else random.integers(-128, 128, (steps, count, 8))
        shape = (steps, groups, count)
        weights = np.full(shape, -256) if extreme else random.integers(-256, 256, shape)
        for step in range(steps):
            while random.random() < 0.3:
                for name in inputs:
                    inputs[name].append(None if name in ("taps", "weights") else 0)
            inputs["taps"].append(packed(taps[step].ravel(), 8))
            inputs["weights"].append(packed(weights[step].ravel(), 9))
            inputs["valid"].append(1)
            inputs["first"].append(step == 0)
            inputs["last"].append(step == steps - 1)
        expected[len(inputs["valid"]) + 1] = np.einsum("sgt,stp->gp", weights, taps).ravel().tolist()
    for name in inputs:
        inputs[name] += [0, 0, 0]
    sums = TRACES[simulator](device_of(groups, products, count), ports_of(groups, count), inputs)["sums"]
    held = None
    for cycle, bits in enumerate(sums):
        held = expected.get(cycle, held)
        if held:
            assert unpacked(bits, 28, 8 * groups) == held, cycle


def test_rows_one_after_the_other_need_multipliers():
    with pytest.raises(CodecError, match="serial_rows=true needs products=true"):
        AcceleratorShape(serial_rows=True)


def test_few_lanes_are_of_one_channel():
    with pytest.raises(CodecError, match="lanes=2 needs groups=1; with groups=4 there are 8 lanes"):
        AcceleratorShape(lanes=2)
