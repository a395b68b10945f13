"""The accelerator against its reference: random networks on every simulator, stalls, and a reset."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from silicodec.models.accelerator.compiler import compile_graph
from silicodec.models.accelerator.composition import averages_by_place, border_layer, sum_of_places
from silicodec.models.accelerator.layers import LayerGraph, UnsupportedNetwork
from silicodec.models.accelerator.packets import EBPC_CODECS, with_fallback
from silicodec.models.accelerator.plan import plan
from silicodec.models.accelerator.program import LAYOUT, Descriptor, Status
from silicodec.models.accelerator.sample import (
    JOINED,
    SINGLE_PORT,
    SMALL,
    ProgramInputs,
    random_codings,
    random_graph,
    random_layer,
    sample_inputs,
    with_fields,
)
from silicodec.models.accelerator.shape import WEIGHT_CODECS, AcceleratorShape
from silicodec.rtl.accelerator.engines import accelerator_engine
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import Stalls

ENGINE = accelerator_engine(SMALL)
SERIAL = replace(SMALL, dct=False, ebpc=False, raw_fallback=False, products=True, serial_rows=True)
"""One that takes the rows of a window one after the other, as that of a board does."""
NARROW = replace(SERIAL, groups=1, lanes=2)
"""One whose requantiser makes two samples a cycle."""


def random_inputs(seed, count, shape=SMALL, **limits):
    random = Random(seed)
    inputs = ProgramInputs(shape)
    while len(inputs.runs) < count:
        graph, image = random_graph(random, **limits)
        try:
            codings, weights = random_codings(random, graph, shape), random.choice(WEIGHT_CODECS)
            inputs.add(compile_graph(graph, shape, codings, weights=weights), image)
        except UnsupportedNetwork:
            continue
    return inputs


@pytest.mark.parametrize("shape", [SMALL, SINGLE_PORT], ids=["two ports", "one port"])
@pytest.mark.parametrize("seed", range(4))
def test_random_networks_one_after_the_other(seed, shape):
    inputs = random_inputs(seed, 12, shape)
    check(accelerator_engine(shape), inputs.packets, stalls=Stalls(seed=seed) if seed % 2 else None)


@pytest.mark.parametrize(
    ("seed", "shape"),
    [(0, SERIAL), (1, SERIAL), (3, NARROW), (3, replace(NARROW, single_port=True))],
    ids=["rows", "stalls", "lanes", "one port"],
)
def test_random_networks_row_by_row(seed, shape):
    inputs = random_inputs(seed, 12, shape)
    check(accelerator_engine(shape), inputs.packets, stalls=Stalls(seed=seed) if seed % 2 else None)


@pytest.mark.prove
@pytest.mark.parametrize(
    "shape",
    [SMALL, SINGLE_PORT, SERIAL, *(replace(NARROW, lanes=lanes) for lanes in (1, 2, 4))],
    ids=["windows", "one port", "rows", *"124"],
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
    inputs = ProgramInputs(shape)
    # A code of weights for which there is no decoder, and a fallback that is not there.
    inputs.add(with_fields(program, 0, weight_codec=1 if shape.weight_codec == "plain" else 2), image)
    if not shape.raw_fallback:
        inputs.add(with_fields(program, 0, residual_codec=with_fallback(EBPC_CODECS[0])), image)
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
    inputs = ProgramInputs(SMALL)
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
    inputs = ProgramInputs(SMALL)
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
    inputs = ProgramInputs(SMALL)
    inputs.add(compile_graph(LayerGraph(0, layers, {JOINED: (1, 2)}), SMALL), image)
    source, *_, pooled = inputs.runs[0].maps
    for row, column in ((0, 0), (0, 5), (8, 10), (4, 0), (4, 4)):
        inside = source[:, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].astype(int)
        sums, count = inside.sum((1, 2)), inside[0].size
        np.testing.assert_array_equal(pooled[:, row, column], np.sign(sums) * ((abs(sums) + count // 2) // count))
    check(ENGINE, inputs.packets, stalls=Stalls(seed=4))


@pytest.mark.parametrize("shape", [SMALL, SINGLE_PORT], ids=["two ports", "one port"])
@pytest.mark.parametrize("cycles", [40, 700, 1501])
def test_reset_in_the_middle_of_a_layer(cycles, shape):
    image = np.random.default_rng(4).integers(-128, 128, (3, 20, 36)).astype(np.int8)
    check(accelerator_engine(shape), sample_inputs([image, image[:, :7]], shape), reset_after=cycles)
