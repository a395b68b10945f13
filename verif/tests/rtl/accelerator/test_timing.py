"""The plan's cycles against those of the simulated accelerator, layer by layer."""

import os
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from silicodec.models.accelerator.calibration import fit_regions, lossless, same_step
from silicodec.models.accelerator.compiler import compile_graph
from silicodec.models.accelerator.layers import LayerGraph, UnsupportedNetwork
from silicodec.models.accelerator.plan import plan
from silicodec.models.accelerator.reference import Accelerator, pixel_words
from silicodec.models.accelerator.sample import SINGLE_PORT, SMALL, random_graph, random_layer
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.storage import data_file
from silicodec.verif.network_run import run_network

NETWORKS = {
    "resnet8": "pretrainedResnet_quant",
    "keywords": "kws_ref_model",
    "visual wake words": "vww_96_int8",
}


SERIAL = replace(SMALL, dct=False, ebpc=False, raw_fallback=False, products=True, serial_rows=True)
NARROW = replace(SERIAL, groups=1, lanes=2)


def prepared(graph, image, shape, codings=None):
    """Return a program, its pixels and the reference's run."""
    program = compile_graph(graph, shape, codings, weights=shape.weight_codec)
    pixels = pixel_words(image, depthwise=graph.layers[0].depthwise)
    return program, pixels, Accelerator(shape).run(program.words, program.weights, pixels)


def errors_of(program, pixels, run):
    """Return planned and simulated cycles of each layer."""
    found = run_network(program, [pixels], [run])
    assert not found.differing
    layers = plan(program, run)
    return np.array([layer.timing.cycles for layer in layers]), found.layer_cycles[0], found.cycles, layers


@pytest.mark.parametrize("shape", [SMALL, SERIAL, NARROW], ids=["windows", "rows", "lanes"])
def test_random_layers_take_what_is_planned(shape):
    random = Random(11)
    planned, simulated = [], []
    while len(planned) < 8:
        graph, image = random_graph(random)
        try:
            cycles = errors_of(*prepared(graph, image, shape))
        except UnsupportedNetwork:
            continue
        planned += list(cycles[0])
        simulated += list(cycles[1])
    error = np.abs(np.array(planned) - simulated)
    assert (error <= 0.03 * np.array(simulated) + 30).all(), np.stack([planned, simulated])
    assert abs(sum(planned) - sum(simulated)) < 0.02 * sum(simulated)


def test_with_one_port_a_row_costs_a_step_at_most():
    """The plan has a cycle for each step; a row that is written to a bank that is read takes one of them."""
    random, waits = Random(11), []
    for _ in range(12):
        graph, image = random_graph(random)
        try:
            planned, simulated, *_ = errors_of(*prepared(graph, image, SINGLE_PORT))
        except UnsupportedNetwork:
            continue
        rows = [layer.in_shape[0] * layer.in_shape[1] * -(-layer.in_shape[2] // 8) for layer in graph.layers]
        tolerance = 0.03 * np.array(simulated) + 30
        assert (simulated - planned >= -tolerance).all()
        assert (simulated - planned <= rows + tolerance).all(), np.stack([planned, simulated, rows])
        waits.append((simulated - planned).sum())
    assert len(waits) >= 8
    assert max(waits) > 100


@pytest.mark.prove
@pytest.mark.parametrize("memory", [126, 252])
def test_a_large_layer_keeps_the_array_at_work(memory):
    maps = (64, 56, 56)
    layer = random_layer(0, 1, maps, maps, kernel=(3, 3), pad=1)
    image = np.random.default_rng(3).integers(-128, 128, maps).astype(np.int8)
    shape = AcceleratorShape.with_memory(memory)
    planned, simulated, cycles, _ = errors_of(*prepared(LayerGraph(0, (layer,)), image, shape))
    assert planned[0] == pytest.approx(simulated[0], rel=0.02)
    assert layer.macs >= 265 * cycles


@pytest.mark.prove
@pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("codec", ["raw", "dct", "ebpc"])
def test_whole_networks_take_what_is_planned(name, codec):
    pytest.importorskip("ai_edge_litert")
    from silicodec.models.accelerator.lowering import from_graph
    from silicodec.models.networks.tflite import TFLiteModel

    graph = from_graph(TFLiteModel(data_file(f"weights/mlperf_tiny/{NETWORKS[name]}.tflite")))
    random = np.random.default_rng(1)
    image = random.normal(0, 10, graph.layers[0].in_shape).cumsum(axis=-1).clip(-128, 127).astype(np.int8)
    shape = AcceleratorShape(ebpc=codec == "ebpc")
    codecs = {"raw": {}, "dct": same_step(graph, 4), "ebpc": lossless(graph)}
    codings = fit_regions(graph, shape, codecs[codec], [image])
    _, _, cycles, layers = errors_of(*prepared(graph, image, shape, codings))
    assert sum(layer.cycles for layer in layers) == pytest.approx(cycles, rel=0.02)
