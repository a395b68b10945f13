"""Malformed programs, weights and pixels: the accelerator tells what is wrong, and runs the next program."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from silicodec.models.accelerator.allocation import MapCoding
from silicodec.models.accelerator.compiler import compile_graph
from silicodec.models.accelerator.layers import LayerGraph, UnsupportedNetwork
from silicodec.models.accelerator.packets import EBPC_CODECS
from silicodec.models.accelerator.program import LAYOUT, SIGNED, Status, Target
from silicodec.models.accelerator.reference import pixel_words
from silicodec.models.accelerator.sample import (
    SINGLE_PORT,
    SMALL,
    ProgramInputs,
    random_codings,
    random_graph,
    random_layer,
    sample_graph,
    with_fields,
)
from silicodec.rtl.accelerator.engines import accelerator_engine
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.errors import SimulationError
from silicodec.verif.simulate import simulate

ENGINE = accelerator_engine(SMALL)
TRUSTED = {
    "early", "residual_early", "ordered", "in_table", "in_step", "residual_table", "residual_step",
    "out_table", "out_step", "in_codec", "residual_codec", "out_codec", "packet_words", "slot_words",
    "channel_words", "start_slot", "pad_top", "start_turn", "pass_advance", "pass_rows", "ring_words",
    "kernel_rows", "kernel_columns", "steps", "residual_factor", "residual_shift", "out_factor", "out_shift",
}  # fmt: skip
"""Fields of descriptors that the format says are trusted: samples are wrong where these are."""


@pytest.mark.parametrize("shape", [SMALL, SINGLE_PORT], ids=["two ports", "one port"])
def test_after_a_malformed_program_comes_the_next(shape):
    random = np.random.default_rng(3)
    image = random.integers(-128, 128, (3, 20, 12)).astype(np.int8)
    program = compile_graph(sample_graph(image.shape), shape)
    inputs = ProgramInputs(shape)
    faults = [
        {"words": program.words ^ np.uint64(1)},
        {"words": program.words[:1]},
        {"words": program.words[:-3]},
        {"words": with_fields(program, 1, opcode=5).words},
        {"words": with_fields(program, 0, target=3).words},
        {"words": with_fields(program, 2, out_codec=4).words},
        {"words": with_fields(program, 2, out_codec=17).words},
        {"words": with_fields(program, 1, weight_codec=2).words},
        {"words": with_fields(program, 0, pointwise=1).words},
        {"words": with_fields(program, 2, residual_table=0).words},
        {"words": with_fields(program, 2, steps=0).words},
        {"words": with_fields(program, 1, out_height=90).words},
        {"words": with_fields(program, 2, in_height=300).words},
        {"words": with_fields(program, 1, out_table=1180).words},
        {"words": with_fields(program, 0, groups=2).words},
        {"words": with_fields(program, 0, groups=4).words},
        {"words": with_fields(program, 0, passes=2).words},
        {"words": with_fields(program, 1, passes=5).words},
        {"words": with_fields(program, 1, groups=2).words},
        {"words": with_fields(program, 1, in_channels=7).words},
        {"words": with_fields(program, 0, need_first=1).words},
        {"words": with_fields(program, 0, capacity=2).words},
        {"words": with_fields(program, 1, ring_words=1000).words},
        {"words": with_fields(program, 1, out_row=767).words},
        {"words": with_fields(program, 0, out_words=40).words},
        {"weights": program.weights[:-1]},
        {"weights": np.append(program.weights, program.weights[:7])},
        {"words": np.append(program.words, program.words)},
        {"words": program.words & ~np.uint64(0xFF000000)},
    ]
    for fault in faults:
        inputs.add(program, image, **fault)
        inputs.add(program, image)
    statuses = [run.status for run in inputs.runs]
    assert set(statuses[1::2]) == {Status.DONE}
    assert set(statuses[::2]) == set(Status) - {Status.BAD_PIXELS}
    check(accelerator_engine(shape), inputs.packets)


def test_missing_pixels_are_told():
    image = np.zeros((3, 20, 12), np.int8)
    program = compile_graph(sample_graph(image.shape), SMALL)
    inputs = ProgramInputs(SMALL)
    for _ in range(3):
        inputs.add(program, image)
    inputs.packets["pixels"][0] = inputs.packets["pixels"][0][:-2]
    inputs.packets["pixels"][1] = np.append(inputs.packets["pixels"][1], np.uint64(9))
    simulation = check(ENGINE, inputs.packets)
    statuses = [int(packet[-1]) >> 8 & 0xFF for packet in simulation.streams["report"]]
    assert statuses == [Status.BAD_PIXELS, Status.BAD_PIXELS, Status.DONE]


def damaged(random, words):
    """Return a packet of `weights` with a bit, a word or its end changed."""
    place = random.randrange(len(words))
    kind = random.choice(("bit", "word", "cut", "left out", "put in"))
    if kind == "cut":
        return words[: max(1, place)]
    if kind == "left out":
        return np.delete(words, place)
    changed = words.copy()
    changed[place] = random.getrandbits(64) if kind == "word" else int(words[place]) ^ 1 << random.randrange(64)
    return np.insert(words, place, changed[place]) if kind == "put in" else changed


def test_after_damaged_weights_comes_the_next_program():
    image = np.random.default_rng(5).integers(-128, 128, (3, 20, 12)).astype(np.int8)
    program = compile_graph(sample_graph(image.shape), SMALL, weights="dictionary")
    assert sum(descriptor.weight_codec for descriptor in program.descriptors) > 1
    random, inputs = Random(1), ProgramInputs(SMALL)
    for _ in range(20):
        inputs.add(program, image, weights=damaged(random, program.weights))
        inputs.add(program, image)
    expected = [run.status for run in inputs.runs]
    assert expected[1::2] == [Status.DONE] * 20
    assert expected.count(Status.BAD_WEIGHTS) > 8
    simulation = simulate(ENGINE, inputs.packets, stalls=Stalls(seed=3))
    assert [int(packet[-1]) >> 8 & 0xFF for packet in simulation.streams["report"]] == expected
    # A damaged number that is well-formed may be a bias that no sum has room for.
    scored = [(number % 2, run.scores) for number, run in enumerate(inputs.runs) if run.scores is not None]
    for (whole, scores), found in zip(scored, simulation.streams["scores"], strict=True):
        assert not whole or np.array_equal(scores, found)


def with_fields_damaged(random, program):
    """Return a program in which some fields of descriptors have other values, and the names of these."""
    descriptors, names = list(program.descriptors), set()
    for _ in range(random.choice((1, 1, 2, 4))):
        layer, (name, bits) = (
            random.randrange(len(descriptors)),
            random.choice([one for word in LAYOUT for one in word]),
        )
        low = -(1 << bits - 1) if name in SIGNED else 0
        old = getattr(descriptors[layer], name) - low
        value = random.choice((old ^ 1 << random.randrange(bits), old + 1, old - 1, random.getrandbits(bits), 0, -1))
        value = value % (1 << bits) + low
        # What is spilled has to be brought back.
        if (name, value) != ("target", Target.SPILL):
            descriptors[layer] = replace(descriptors[layer], **{name: value})
            names.add(name)
    return replace(program, descriptors=tuple(descriptors)), names


def check_damaged(random, shape):
    """Let a program with damaged fields, and another one after it, run: an error or right scores, and right scores."""
    programs = []
    while len(programs) < 2:
        graph, image = random_graph(random, size=16, channels=8)
        try:
            programs.append((compile_graph(graph, shape, random_codings(random, graph)), image))
        except UnsupportedNetwork:
            continue
    (program, image), (following, following_image) = programs
    program, names = with_fields_damaged(random, program)
    inputs, engine = ProgramInputs(shape), accelerator_engine(shape)
    try:
        inputs.add(program, image)
    except ValueError:
        # Sizes contradict each other in fields that are trusted.
        inputs.runs.append(None)
        pixels = pixel_words(image, depthwise=program.graph.layers[0].depthwise)
        inputs.packets |= {"program": [program.words], "weights": [program.weights], "pixels": [pixels]}
    inputs.add(following, following_image)
    try:
        simulation = simulate(engine, inputs.packets, idle_cycles=20_000)
    except SimulationError:
        # A layer of a damaged size may read zeros for that long: 2047 channels of 255 rows, say.
        simulation = simulate(engine, inputs.packets, idle_cycles=1_000_000, max_cycles=5_000_000)
    before, after = simulation.streams["report"]
    run, status = inputs.runs[0], int(before[-1]) >> 8 & 0xFF
    assert list(after) == inputs.runs[1].report
    assert np.array_equal(simulation.streams["scores"][-1], inputs.runs[1].scores)
    if run and 0 < run.status <= Status.BAD_REGION:
        # A layer before it may have read what is not there yet.
        assert status == run.status or (status == Status.BAD_PACKET and names & TRUSTED)
    if run and run.status == status == Status.DONE and not names & TRUSTED:
        assert np.array_equal(simulation.streams["scores"][0], run.scores)


@pytest.mark.parametrize("shape", [SMALL, SINGLE_PORT], ids=["two ports", "one port"])
@pytest.mark.parametrize("seed", range(4))
def test_damaged_fields(seed, shape):
    check_damaged(Random(seed), shape)


@pytest.mark.prove
@pytest.mark.parametrize("shape", [SMALL, SINGLE_PORT], ids=["two ports", "one port"])
@pytest.mark.parametrize("seed", [*range(1000, 1100), 1135, 1147, 1200, 1214, 1386, 2075, 2128, 2175])
def test_many_damaged_fields(seed, shape):
    check_damaged(Random(seed), shape)


def test_damaged_packets_of_refill_are_told():
    random = np.random.default_rng(7)
    maps = (8, 24, 40)
    image = (random.normal(0, 40, maps) * (random.random(maps) < 0.6)).clip(-128, 127).astype(np.int8)
    layers = [random_layer(0, 1, maps, maps, kernel=(1, 1)), random_layer(1, 2, maps, maps, kernel=(3, 3), pad=1)]
    coding = MapCoding(EBPC_CODECS[0], 100, spills=True)
    program = compile_graph(LayerGraph(0, tuple(layers)), SMALL, {1: coding})
    inputs = ProgramInputs(SMALL)
    for _ in range(6):
        inputs.add(program, image)
    packets = inputs.packets["refill"]
    each = len(packets) // 6
    assert each > 10
    assert {run.status for run in inputs.runs} == {Status.DONE}
    packets[0] = packets[0][:-1]
    packets[2 * each] = np.append(packets[2 * each], np.uint64(5))
    packets[4 * each + 5] = np.full(3, 0b10_1001 << 58, np.uint64)
    simulation = simulate(ENGINE, inputs.packets, stalls=Stalls(seed=6))
    statuses = [int(packet[-1]) >> 8 & 0xFF for packet in simulation.streams["report"]]
    assert statuses == [Status.BAD_PACKET, Status.DONE] * 3
    right = [scores for scores, status in zip(simulation.streams["scores"], statuses, strict=True) if not status]
    assert all(np.array_equal(scores, inputs.runs[0].scores) for scores in right)
