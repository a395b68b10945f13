"""The accelerator against its reference: random networks on every simulator, stalls, and malformed programs."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from silicodec.models.accelerator.allocation import MapCoding
from silicodec.models.accelerator.compiler import Program, compile_graph
from silicodec.models.accelerator.composition import averages_by_place, border_layer, sum_of_places
from silicodec.models.accelerator.layers import LayerGraph, UnsupportedNetwork
from silicodec.models.accelerator.packets import DCT_CODECS, EBPC_CODECS, most_words, with_fallback
from silicodec.models.accelerator.plan import plan
from silicodec.models.accelerator.program import LAYOUT, SIGNED, Descriptor, Status, Target
from silicodec.models.accelerator.reference import Accelerator, pixel_words
from silicodec.models.accelerator.sample import JOINED, SMALL, random_graph, random_layer, sample_graph, sample_inputs
from silicodec.models.accelerator.shape import WEIGHT_CODECS, AcceleratorShape
from silicodec.rtl.accelerator.engines import accelerator_engine
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.errors import SimulationError
from silicodec.verif.simulate import simulate

ENGINE = accelerator_engine(SMALL)
SERIAL = replace(SMALL, dct=False, ebpc=False, raw_fallback=False, products=True, serial_rows=True)
"""One that takes the rows of a window one after the other, as that of a board does."""
NARROW = replace(SERIAL, groups=1, lanes=2)
"""One whose requantiser makes two samples a cycle."""
TRUSTED = {
    *("early", "residual_early", "ordered", "in_table", "in_step", "residual_table", "residual_step", "out_table"),
    *(
        "out_step",
        "in_codec",
        "residual_codec",
        "out_codec",
        "packet_words",
        "slot_words",
        "channel_words",
        "start_slot",
    ),
    *("pad_top", "start_turn", "pass_advance", "pass_rows", "ring_words", "kernel_rows", "kernel_columns", "steps"),
    *("residual_factor", "residual_shift", "out_factor", "out_shift"),
}
"""Fields of descriptors that the format says are trusted: samples are wrong where these are."""


class Inputs:
    """Packets of every input, for programs one after the other."""

    def __init__(self, shape=SMALL):
        self.shape = shape
        self.packets = {"program": [], "weights": [], "pixels": [], "refill": []}
        self.runs = []
        self._machine = Accelerator(shape)

    def add(self, program, image, words=None, weights=None):
        words = program.words if words is None else words
        weights = program.weights if weights is None else weights
        pixels = pixel_words(image, depthwise=program.graph.layers[0].depthwise)
        run = self._machine.run(words, weights, pixels)
        for name, packet in (("program", words), ("weights", weights), ("pixels", pixels)):
            self.packets[name].append(packet)
        self.packets["refill"] += run.refilled
        self.runs.append(run)


def random_codings(random, graph, shape=SMALL):
    """Draw a codec for every map, and as many words as it can take."""
    codings = {}
    shapes = {layer.output: layer.out_shape for layer in graph.layers}
    for group in graph.codec_groups:
        lossless = random.choice((0, *EBPC_CODECS)) if shape.ebpc else 0
        codec = random.choice((lossless, *DCT_CODECS, lossless)) if shape.dct else lossless
        if shape.raw_fallback and random.random() < 0.5:
            codec = with_fallback(codec)
        for number in group:
            channels, height, width = shapes[number]
            most = most_words(codec, min(8, height), -(-width // 8))
            codings[number] = MapCoding(codec, channels * -(-height // 8) * most)
    return codings


def random_inputs(seed, count, shape=SMALL, **limits):
    random = Random(seed)
    inputs = Inputs(shape)
    while len(inputs.runs) < count:
        graph, image = random_graph(random, **limits)
        try:
            codings, weights = random_codings(random, graph, shape), random.choice(WEIGHT_CODECS)
            inputs.add(compile_graph(graph, shape, codings, weights=weights), image)
        except UnsupportedNetwork:
            continue
    return inputs


@pytest.mark.parametrize("seed", range(4))
def test_random_networks_one_after_the_other(seed):
    inputs = random_inputs(seed, 12)
    check(ENGINE, inputs.packets, stalls=Stalls(seed=seed) if seed % 2 else None)


@pytest.mark.parametrize(("seed", "shape"), [(0, SERIAL), (1, SERIAL), (3, NARROW)], ids=["rows", "stalls", "lanes"])
def test_random_networks_row_by_row(seed, shape):
    inputs = random_inputs(seed, 12, shape)
    check(accelerator_engine(shape), inputs.packets, stalls=Stalls(seed=seed) if seed % 2 else None)


@pytest.mark.prove
@pytest.mark.parametrize(
    "shape", [SMALL, SERIAL, *(replace(NARROW, lanes=lanes) for lanes in (1, 2, 4))], ids=["windows", "rows", *"124"]
)
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_random_networks(seed, shape):
    inputs = random_inputs(seed, 40, shape, channels=70 if seed % 4 == 0 else 24)
    check(accelerator_engine(shape), inputs.packets, stalls=Stalls(seed=seed) if seed % 2 else None)


TINY = AcceleratorShape(
    groups=1, banks=4, bank_depth=64, weight_words=64, tile_columns=2, packets=256, dct=False, ebpc=True
)


def check_drawn(backend, shape, random, most_cycles=3000, **limits):
    """Simulate a network that Hypothesis draws: it takes `random` for what it shrinks; not one that takes too long."""
    graph, image = random_graph(random, **limits)
    try:
        codings = random_codings(random, graph, shape)
        program = compile_graph(graph, shape, codings, weights=shape.weight_codec)
    except UnsupportedNetwork:
        reject()
    inputs = Inputs(shape)
    # A code of weights for which there is no decoder, and a fallback that is not there.
    inputs.add(program, image, words=changed(program, 0, weight_codec=1 if shape.weight_codec == "plain" else 2))
    if not shape.raw_fallback:
        inputs.add(program, image, words=changed(program, 0, residual_codec=with_fallback(EBPC_CODECS[0])))
    inputs.add(program, image)
    *refused, run = inputs.runs
    assert {one.status for one in refused} == {Status.BAD_OPCODE}
    assert run.status == Status.DONE
    planned = [layer.cycles for layer in plan(program, run)]
    assume(sum(planned) <= most_cycles)
    stalls = Stalls(seed=random.randint(0, 9)) if random.random() < 0.5 else None
    patience = 3 * max(planned) + 500
    check(accelerator_engine(shape), inputs.packets, backend=backend, stalls=stalls, idle_cycles=patience)


@pytest.mark.parametrize("backend", ["icarus", "myhdl"])
def test_layers_on_other_simulators(backend):
    @settings(max_examples=3 if backend == "icarus" else 2)
    @given(st.randoms(use_true_random=False))
    def run(random):
        check_drawn(backend, replace(TINY, raw_fallback=backend == "icarus"), random, size=9, channels=6)

    run()


@pytest.mark.prove
@pytest.mark.parametrize(("backend", "examples", "most_cycles"), [("icarus", 20, 2000), ("myhdl", 5, 1000)])
def test_layers_of_all_sizes_on_other_simulators(backend, examples, most_cycles):
    @settings(max_examples=examples, suppress_health_check=[HealthCheck.filter_too_much])
    @given(st.randoms(use_true_random=False))
    def run(random):
        # Maps of many rows or of many channels: both at once take too long here, and Verilator has them.
        size, channels = random.choice(((40, 2), (12, 12), (3, 70)))
        check_drawn(backend, SMALL, random, most_cycles, size=size, channels=channels)

    run()


def test_pointwise_layers_of_stride_two():
    random = np.random.default_rng(5)
    inputs = Inputs()
    for channels, height, width in ((3, 1, 1), (9, 5, 7), (16, 17, 33), (12, 40, 24), (2, 11, 64)):
        image = random.integers(-128, 128, (channels, height, width)).astype(np.int8)
        maps = (5, -(-height // 2), -(-width // 2))
        layer = random_layer(0, 1, image.shape, maps, kernel=(1, 1), stride=2)
        inputs.add(compile_graph(LayerGraph(0, (layer,)), SMALL), image)
    assert all(Descriptor.from_words(words[1:]).pointwise for words in inputs.packets["program"])
    check(ENGINE, inputs.packets, stalls=Stalls(seed=2))


def test_layers_that_add_two_spilled_maps():
    image = np.random.default_rng(2).integers(-128, 128, (12, 40, 64)).astype(np.int8)
    maps = (12, 40, 64)
    layers = [random_layer(0, 1, maps, maps, kernel=(1, 1)), random_layer(1, 2, maps, maps, kernel=(3, 3), pad=1)]
    layers.append(random_layer(2, 3, maps, maps, kernel=(3, 3), pad=1, residual=1))
    inputs = Inputs()
    inputs.add(compile_graph(LayerGraph(0, tuple(layers)), SMALL), image)
    assert len(inputs.runs[0].spilled) > 50
    assert Descriptor.from_words(inputs.packets["program"][0][-len(LAYOUT) :]).ordered
    check(ENGINE, inputs.packets, stalls=Stalls(seed=1))


def test_padded_average_pools():
    maps = (4, 9, 11)
    image = np.random.default_rng(6).integers(-128, 128, maps).astype(np.int8)
    averages = averages_by_place("averages", (JOINED, 3), ((5, 9, 11), maps), (3, 3), (1, 1, 1), unsigned=False)
    first, border = random_layer(0, 1, maps, maps, kernel=(3, 3), pad=1), border_layer("border", 1, 2, maps)
    layers = (first, border, averages, sum_of_places(averages, "pool", 4, (-128, 127), 4))
    inputs = Inputs()
    inputs.add(compile_graph(LayerGraph(0, layers, {JOINED: (1, 2)}), SMALL), image)
    source, *_, pooled = inputs.runs[0].maps
    for row, column in ((0, 0), (0, 5), (8, 10), (4, 0), (4, 4)):
        inside = source[:, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].astype(int)
        sums, count = inside.sum((1, 2)), inside[0].size
        np.testing.assert_array_equal(pooled[:, row, column], np.sign(sums) * ((abs(sums) + count // 2) // count))
    check(ENGINE, inputs.packets, stalls=Stalls(seed=4))


def changed(program: Program, layer: int, **fields: int) -> np.ndarray:
    descriptors = list(program.descriptors)
    descriptors[layer] = Descriptor(**{**vars(descriptors[layer]), **fields})
    return replace(program, descriptors=tuple(descriptors)).words


def test_after_a_malformed_program_comes_the_next():
    random = np.random.default_rng(3)
    image = random.integers(-128, 128, (3, 20, 12)).astype(np.int8)
    program = compile_graph(sample_graph(image.shape), SMALL)
    inputs = Inputs()
    faults = [
        {"words": program.words ^ np.uint64(1)},
        {"words": program.words[:1]},
        {"words": program.words[:-3]},
        {"words": changed(program, 1, opcode=5)},
        {"words": changed(program, 0, target=3)},
        {"words": changed(program, 2, out_codec=4)},
        {"words": changed(program, 2, out_codec=17)},
        {"words": changed(program, 1, weight_codec=2)},
        {"words": changed(program, 0, pointwise=1)},
        {"words": changed(program, 2, residual_table=0)},
        {"words": changed(program, 2, steps=0)},
        {"words": changed(program, 1, out_height=90)},
        {"words": changed(program, 2, in_height=300)},
        {"words": changed(program, 1, out_table=1180)},
        {"words": changed(program, 0, groups=2)},
        {"words": changed(program, 0, groups=4)},
        {"words": changed(program, 0, passes=2)},
        {"words": changed(program, 1, passes=5)},
        {"words": changed(program, 1, groups=2)},
        {"words": changed(program, 1, in_channels=7)},
        {"words": changed(program, 0, need_first=1)},
        {"words": changed(program, 0, capacity=2)},
        {"words": changed(program, 1, ring_words=1000)},
        {"words": changed(program, 1, out_row=767)},
        {"words": changed(program, 0, out_words=40)},
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
    check(ENGINE, inputs.packets)


def test_missing_pixels_are_told():
    image = np.zeros((3, 20, 12), np.int8)
    program = compile_graph(sample_graph(image.shape), SMALL)
    inputs = Inputs()
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
    random, inputs = Random(1), Inputs()
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


def check_damaged(random):
    """Let a program with damaged fields, and another one after it, run: an error or right scores, and right scores."""
    programs = []
    while len(programs) < 2:
        graph, image = random_graph(random, size=16, channels=8)
        try:
            programs.append((compile_graph(graph, SMALL, random_codings(random, graph)), image))
        except UnsupportedNetwork:
            continue
    (program, image), (following, following_image) = programs
    program, names = with_fields_damaged(random, program)
    inputs = Inputs()
    try:
        inputs.add(program, image)
    except ValueError:
        # Sizes contradict each other in fields that are trusted.
        inputs.runs.append(None)
        pixels = pixel_words(image, depthwise=program.graph.layers[0].depthwise)
        inputs.packets |= {"program": [program.words], "weights": [program.weights], "pixels": [pixels]}
    inputs.add(following, following_image)
    try:
        simulation = simulate(ENGINE, inputs.packets, idle_cycles=20_000)
    except SimulationError:
        # A layer of a damaged size may read zeros for that long: 2047 channels of 255 rows, say.
        simulation = simulate(ENGINE, inputs.packets, idle_cycles=1_000_000, max_cycles=5_000_000)
    before, after = simulation.streams["report"]
    run, status = inputs.runs[0], int(before[-1]) >> 8 & 0xFF
    assert list(after) == inputs.runs[1].report
    assert np.array_equal(simulation.streams["scores"][-1], inputs.runs[1].scores)
    if run and 0 < run.status <= Status.BAD_REGION:
        # A layer before it may have read what is not there yet.
        assert status == run.status or (status == Status.BAD_PACKET and names & TRUSTED)
    if run and run.status == status == Status.DONE and not names & TRUSTED:
        assert np.array_equal(simulation.streams["scores"][0], run.scores)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_fields(seed):
    check_damaged(Random(seed))


@pytest.mark.prove
@pytest.mark.parametrize("seed", [*range(1000, 1100), 1135, 1147, 1200, 1214, 1386, 2075, 2128, 2175])
def test_many_damaged_fields(seed):
    check_damaged(Random(seed))


def test_damaged_packets_of_refill_are_told():
    random = np.random.default_rng(7)
    maps = (8, 24, 40)
    image = (random.normal(0, 40, maps) * (random.random(maps) < 0.6)).clip(-128, 127).astype(np.int8)
    layers = [random_layer(0, 1, maps, maps, kernel=(1, 1)), random_layer(1, 2, maps, maps, kernel=(3, 3), pad=1)]
    coding = MapCoding(EBPC_CODECS[0], 100, spills=True)
    program = compile_graph(LayerGraph(0, tuple(layers)), SMALL, {1: coding})
    inputs = Inputs()
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


@pytest.mark.parametrize("cycles", [40, 700, 1501])
def test_reset_in_the_middle_of_a_layer(cycles):
    image = np.random.default_rng(4).integers(-128, 128, (3, 20, 36)).astype(np.int8)
    check(ENGINE, sample_inputs([image, image[:, :7]], SMALL), reset_after=cycles)
