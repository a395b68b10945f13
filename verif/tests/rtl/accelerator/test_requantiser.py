"""The requantiser against the arithmetic of the reference."""

from types import SimpleNamespace

import numpy as np
import pytest
from myhdl import ResetSignal, Signal, always, always_comb, block, intbv

from silicodec.models.accelerator.arithmetic import add_all, multiply_all
from silicodec.rtl.accelerator.requantiser import EntryPort, ResultPort, requantiser
from silicodec.rtl.accelerator.word_parts import PartPorts, word_parts
from silicodec.verif.drivers.block_bench import TRACES, packed, split, unpacked

ROWS = 12
TAG_BITS = 6
FLAGS = ("depthwise", "add", "swap", "away")
SAMPLES = ("conv_zero", "conv_low", "conv_high", "residual_zero", "out_zero", "out_low", "out_high")
FACTORS = {"residual_factor": 32, "residual_shift": 6, "out_factor": 32, "out_shift": 6}


def device_of(groups, lanes):
    """Make a block with a port for all entries of the row's group, and one for its words of the second map."""

    @block
    def device(clk, rst, start, tag, flags, bounds, residual_factor, residual_shift, out_factor, out_shift,
               sums, biases, factors, shifts, residuals, valid, index, word_tag, data):  # fmt: skip
        sum_parts = [Signal(intbv(0, min=-(1 << 27), max=1 << 27)) for _ in range(8 * groups)]
        bias_parts = [Signal(intbv(0)[32:]) for _ in range(groups)]
        factor_parts = [Signal(intbv(0)[32:]) for _ in range(groups)]
        shift_parts = [Signal(intbv(0)[6:]) for _ in range(groups)]
        residual_parts = [Signal(intbv(0)[64:]) for _ in range(groups)]
        residual = Signal(intbv(0)[64:])
        layer, channel, words = SimpleNamespace(), EntryPort(groups, TAG_BITS), ResultPort(groups, TAG_BITS)
        layer.residual_factor, layer.residual_shift = residual_factor, residual_shift
        layer.out_factor, layer.out_shift = out_factor, out_shift
        layer.add, layer.swap, layer.away = flags(1), flags(2), flags(3)
        for number, name in enumerate(SAMPLES):
            setattr(layer, name, bounds(8 * number + 8, 8 * number))

        splits = [
            split(sums, sum_parts),
            split(biases, bias_parts),
            split(factors, factor_parts),
            split(shifts, shift_parts),
            split(residuals, residual_parts),
        ]
        if lanes < 8:
            parts = PartPorts(channel, TAG_BITS, lanes)
            requantise = (
                word_parts(clk, channel, residual, parts, words),
                requantiser(
                    clk, rst, start, tag, layer, parts.depthwise, sum_parts, parts.entry, parts.residual, parts.result,
                    groups=parts.count, lanes=lanes,
                ),
            )  # fmt: skip
        else:
            requantise = requantiser(
                clk, rst, start, tag, layer, flags(0), sum_parts, channel, residual, words, groups=groups
            )

        @always(clk.posedge)
        def entries():
            channel.bias.next = bias_parts[channel.index]
            channel.factor.next = factor_parts[channel.index]
            channel.shift.next = shift_parts[channel.index]

        @always_comb
        def outputs():
            valid.next = words.valid
            index.next = words.index
            word_tag.next = words.tag
            data.next = words.data

        @always(clk.posedge)
        def read():
            residual.next = residual_parts[channel.index]

        return splits, requantise, entries, outputs, read

    return device


def ports_of(groups):
    wide = {"tag": TAG_BITS, "flags": 4, "bounds": 56, **FACTORS, "sums": 224 * groups, "biases": 32 * groups}
    wide |= {"factors": 32 * groups, "shifts": 6 * groups, "residuals": 64 * groups}
    wide |= {"index": max(1, (groups - 1).bit_length()), "word_tag": TAG_BITS, "data": 64}
    ports = {name: Signal(intbv(0)[bits:]) for name, bits in wide.items()}
    ports |= {name: Signal(bool(0)) for name in ("start", "valid")}
    return ports | {"rst": ResetSignal(0, active=1, isasync=False)}


def layer_of(random, **flags):
    """Return random constants of a layer, of the kind that compilers make."""
    values = dict.fromkeys(FLAGS, 0) | flags
    for name in ("conv", "out"):
        low, high = sorted(int(value) for value in random.integers(-128, 128, 2))
        values |= {f"{name}_zero": int(random.integers(-128, 128)), f"{name}_low": low, f"{name}_high": high}
    values["residual_zero"] = int(random.integers(-128, 128))
    values["residual_factor"] = int(random.integers(1 << 29, 1 << 30))
    values["residual_shift"] = int(random.integers(0, 4))
    values["out_factor"] = int(random.integers(1 << 30, 1 << 31))
    values["out_shift"] = int(random.integers(16, 21))
    return values


def expected_samples(layer, sums, entries, residual):
    """Return samples of a row, (channels, 8)."""
    limits = {name: np.array([layer[f"{name}_{part}"] for part in ("zero", "low", "high")]) for name in ("conv", "out")}
    own = multiply_all(sums, *entries, bool(layer["away"]), limits["conv"])
    if not layer["add"]:
        return own
    operands = [(own, layer["conv_zero"]), (residual, layer["residual_zero"])]
    (coarse, coarse_zero), (fine, fine_zero) = operands[::-1] if layer["swap"] else operands
    parameters = np.array([layer[name] for name in FACTORS])
    return add_all(coarse, fine, np.array([coarse_zero, fine_zero]), parameters, limits["out"])


def entries_of(random, count):
    """Return biases, factors and shifts of channels, shifts from none to more than there are bits."""
    shifts = random.choice([0, 1, 2, 5, 8, 11, 31, 40], count)
    factors = np.where(random.random(count) < 0.1, 1 << 31, random.integers(1 << 28, 1 << 31, count))
    return random.integers(-(1 << 20), 1 << 20, count), factors, shifts


@pytest.mark.parametrize("simulator", TRACES)
@pytest.mark.parametrize(
    ("groups", "lanes", "flags"),
    [
        (4, 8, {}),
        (4, 8, {"away": 1}),
        (4, 8, {"depthwise": 1, "away": 1}),
        (4, 8, {"add": 1}),
        (4, 8, {"add": 1, "swap": 1, "away": 1}),
        (4, 8, {"add": 1, "depthwise": 1}),
        (1, 8, {"add": 1}),
        (1, 8, {}),
        (6, 8, {"add": 1}),
        (6, 8, {}),
        (1, 1, {"away": 1}),
        (1, 2, {"add": 1, "swap": 1}),
        (1, 4, {}),
        (1, 4, {"add": 1, "away": 1}),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "-".join(value) or "plain",
)
def test_samples_of_rows(simulator, groups, lanes, flags):
    random = np.random.default_rng([groups, *map(ord, "".join(flags))])
    layer = layer_of(random, **flags)
    channels = 1 if "depthwise" in flags else groups
    parts = 8 // lanes
    cycles = 3 * max(groups * parts, 4) if "add" in flags else channels * parts
    names = ("rst", "start", "tag", "sums", "biases", "factors", "shifts", "residuals")
    rows = [[1, 0, 0] + [None] * 5, [0, 0, 0] + [None] * 5]
    expected = []
    for tag in range(ROWS):
        sums = random.integers(-(1 << 27), 1 << 27, (groups, 8)) >> random.integers(0, 20, (groups, 1))
        entries = entries_of(random, groups)
        residual = random.integers(-128, 128, (groups, 8)).astype(np.int8)
        wide = [packed(part, bits) for part, bits in zip(entries, (32, 32, 6), strict=True)]
        wide.append(packed(residual.view(">u8").ravel(), 64))
        for cycle in range(cycles):
            shown = packed(sums.ravel(), 28) if cycle < channels * parts else None
            rows.append([0, cycle == 0, tag if cycle == 0 else 63, shown, *wide])
        rows += [[0, 0, 0] + [None] * 5] * int(random.integers(0, 3))
        samples = expected_samples(layer, sums, entries, residual)
        expected += [(channel, tag, samples[channel].tolist()) for channel in range(channels)]
    rows += [[0, 0, 0] + [None] * 5] * (max(groups * parts, 4) + 3)
    inputs = {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    inputs["sums"] = [None, *inputs["sums"][:-1]]
    constants = {"flags": packed([layer[name] for name in FLAGS], 1), "bounds": packed([layer[n] for n in SAMPLES], 8)}
    constants |= {name: layer[name] for name in FACTORS}
    inputs |= {name: [value] * len(rows) for name, value in constants.items()}
    outputs = TRACES[simulator](device_of(groups, lanes), ports_of(groups), inputs)
    words = list(zip(*(outputs[name] for name in ("valid", "index", "word_tag", "data")), strict=True))
    found = [(index, tag, unpacked(data, 8, 8)[::-1]) for valid, index, tag, data in words[2:] if valid]
    assert found == expected
    if "add" not in flags:
        assert words[2 + 6 + parts - 1][0] == 1
