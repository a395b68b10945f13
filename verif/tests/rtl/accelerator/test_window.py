"""The window against array indexing."""

import numpy as np
import pytest
from myhdl import Signal, block, intbv

from silicodec.rtl.accelerator.window import StepControl, window, window_row
from silicodec.verif.drivers.block_bench import TRACES, join, packed, split

CYCLES = 300
RANGES = {
    **{"pointwise": 2, "row_turn": 3, "word_turn": 3, "shift": 8, "stride2": 2, "rows_inside": 8},
    **{"left": 18, "right": 18, "channels_inside": 256, "pad": 256},
}


@block
def device(
    clk, words, taps, pointwise, row_turn, word_turn, shift, stride2, rows_inside, left, right, channels_inside, pad
):
    columns = [Signal(intbv(0)[64:]) for _ in range(9)]
    samples = [Signal(intbv(0)[8:]) for _ in range(72)]
    step = StepControl()
    step.pointwise, step.row_turn, step.word_turn, step.shift, step.stride2 = (
        *(pointwise, row_turn, word_turn),
        *(shift, stride2),
    )
    step.rows_inside, step.left, step.right, step.channels_inside, step.pad = (
        *(rows_inside, left, right),
        *(channels_inside, pad),
    )
    return split(words, columns), window(clk, columns, step, samples), join(samples, taps)


def expected_taps(columns, step):
    """Return the taps of nine words, (9, 8) bytes, as (9, 8)."""
    taps = np.zeros((9, 8), np.uint8)
    if step["pointwise"]:
        exists = step["channels_inside"] >> np.arange(8) & 1
        taps[:8] = columns[:8] * exists[:, np.newaxis]
        return taps
    grid = np.roll(columns.reshape(3, 3, 8), (-step["row_turn"], -step["word_turn"]), (0, 1)).reshape(3, 24)
    samples = grid[:, step["shift"] : step["shift"] + 17].copy()
    number = np.arange(17)
    samples[:, (number < step["left"]) | (number >= step["right"])] = step["pad"]
    samples[(step["rows_inside"] >> np.arange(3) & 1) == 0] = step["pad"]
    stride = 1 + step["stride2"]
    for i in range(3):
        for j in range(3):
            taps[3 * i + j] = samples[i, j : j + 8 * stride : stride][:8]
    return taps


@pytest.mark.parametrize("simulator", TRACES)
def test_window_takes_the_samples_of_a_step(simulator):
    random = np.random.default_rng(17)
    columns = random.integers(0, 256, (CYCLES, 9, 8)).astype(np.uint8)
    steps = {name: random.integers(0, end, CYCLES) for name, end in RANGES.items()}
    words = [packed(row.view(">u8").ravel(), 64) for row in columns]
    ports = {name: Signal(bool(0) if end == 2 else intbv(0, min=0, max=end)) for name, end in RANGES.items()}
    ports |= {"words": Signal(intbv(0)[576:]), "taps": Signal(intbv(0)[576:])}
    taps = TRACES[simulator](device, ports, {"words": words, **steps})["taps"]
    for cycle in range(CYCLES - 1):
        step = {name: int(values[cycle]) for name, values in steps.items()}
        assert taps[cycle + 1] == packed(expected_taps(columns[cycle], step).ravel(), 8)


@pytest.mark.parametrize("simulator", TRACES)
def test_words_outside_of_the_map_may_be_unknown(simulator):
    ports = {name: Signal(bool(0) if end == 2 else intbv(0, min=0, max=end)) for name, end in RANGES.items()}
    ports |= {"words": Signal(intbv(0)[576:]), "taps": Signal(intbv(0)[576:])}
    step = dict.fromkeys(RANGES, 0) | {"left": 3, "right": 3, "rows_inside": 7, "pad": 0x5A}
    inputs = {name: [value, value] for name, value in step.items()}
    inputs["pointwise"], inputs["words"] = [0, 1], [None, None]
    taps = TRACES[simulator](device, ports, {name: [*values, values[-1]] for name, values in inputs.items()})["taps"]
    assert taps[1:] == [packed([0x5A] * 72, 8), 0]


@block
def row_device(
    clk, words, taps, pointwise, row_turn, word_turn, shift, stride2, rows_inside, left, right, channels_inside, pad,
    part,
):  # fmt: skip
    columns = [Signal(intbv(0)[64:]) for _ in range(9)]
    samples = [Signal(intbv(0)[8:]) for _ in range(24)]
    step = StepControl()
    step.pointwise, step.row_turn, step.word_turn, step.shift = pointwise, row_turn, word_turn, shift
    step.stride2, step.rows_inside, step.left, step.right = stride2, rows_inside, left, right
    step.channels_inside, step.pad, step.part = channels_inside, pad, part
    return split(words, columns), window_row(clk, columns, step, samples), join(samples, taps)


@pytest.mark.parametrize("simulator", TRACES)
def test_window_takes_a_row_of_a_step(simulator):
    random = np.random.default_rng(18)
    columns = random.integers(0, 256, (CYCLES, 9, 8)).astype(np.uint8)
    ranges = RANGES | {"part": 3}
    steps = {name: random.integers(0, end, CYCLES) for name, end in ranges.items()}
    words = [packed(row.view(">u8").ravel(), 64) for row in columns]
    ports = {name: Signal(bool(0) if end == 2 else intbv(0, min=0, max=end)) for name, end in ranges.items()}
    ports |= {"words": Signal(intbv(0)[576:]), "taps": Signal(intbv(0)[192:])}
    taps = TRACES[simulator](row_device, ports, {"words": words, **steps})["taps"]
    for cycle in range(CYCLES - 1):
        step = {name: int(values[cycle]) for name, values in steps.items()}
        row = expected_taps(columns[cycle], step).reshape(3, 24)[step["part"]]
        assert taps[cycle + 1] == packed(row, 8)
