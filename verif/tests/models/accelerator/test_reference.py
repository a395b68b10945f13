"""The reference of the accelerator: the integers of whole networks, and what becomes of malformed programs."""

import os

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("ai_edge_litert")

from silicodec.models.accelerator.calibration import lossless
from silicodec.models.accelerator.compiler import compile_graph
from silicodec.models.accelerator.lowering import from_graph
from silicodec.models.accelerator.packets import EBPC_CODECS, RAW
from silicodec.models.accelerator.program import Descriptor, Status
from silicodec.models.accelerator.reference import pixel_words, run_program
from silicodec.models.accelerator.sample import with_all_room
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.networks.tflite.file import TFLiteModel
from silicodec.models.storage import data_file

pytestmark = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")
NETWORKS = {
    "resnet8": "mlperf_tiny/pretrainedResnet_quant",
    "keywords": "mlperf_tiny/kws_ref_model",
    "visual wake words": "mlperf_tiny/vww_96_int8",
    "mobilenetv2": "mobilenet_v2_imagenet_int8",
}


def load(name):
    return TFLiteModel(data_file(f"weights/{NETWORKS[name]}.tflite"))


def smooth_image(source):
    """Return an image for a network, (1, C, H, W), in integers less their zero point."""
    random = np.random.default_rng(1)
    steps = random.normal(size=(1, *source.shape)).cumsum(axis=-1) * 10
    return steps.clip(source.low, source.high).round().astype(np.float32)


def samples(quantity, values, shape):
    """Return integers less their zero point as samples."""
    return (values + quantity.zero_point - 128 * (quantity.dtype == "uint8")).astype(np.int8).reshape(shape)


@pytest.mark.parametrize(
    "shape",
    [AcceleratorShape(), AcceleratorShape(groups=3, banks=14), AcceleratorShape(ebpc=True)],
    ids=["126 KiB", "252 KiB", "ebpc"],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_map_is_that_of_the_integer_graph(name, shape):
    graph = load(name)
    layers = from_graph(graph)
    codecs = lossless(layers) if shape.ebpc else {}
    program = compile_graph(layers, shape, with_all_room(layers, codecs))
    assert {descriptor.out_codec for descriptor in program.descriptors[:-1]} <= {*EBPC_CODECS, RAW}
    image = smooth_image(graph.source)
    values = graph.values(image * np.float32(graph.source.scale))
    pixels = samples(graph.source, values[graph.source.number].numpy()[0], layers.layers[0].in_shape)
    run = run_program(shape, program.words, program.weights, pixel_words(pixels))
    quantities = {operator.output.number: operator.output for operator in graph.operators}
    assert run.status == Status.DONE
    assert len(run.maps) == len(layers.layers) == len(run.report)
    for layer, found in zip(layers.layers, run.maps, strict=True):
        expected = samples(quantities[layer.output], values[layer.output].numpy()[0], found.shape)
        np.testing.assert_array_equal(found, expected, layer.name)
    np.testing.assert_array_equal(run.scores.astype(">u8").view(np.int8)[::8], run.maps[-1].ravel())
    assert len(run.spilled) == sum(word >> 16 & 0xFFFF for word in run.report)
    assert bool(run.spilled) == (name == "mobilenetv2")
    if shape.ebpc:
        stored = sum(len(words) for packets in run.packets[:-1] for words in packets)
        assert stored < 0.8 * sum(layer_words(layers.layers[:-1]))
    if run.spilled:
        assert len(run.refilled) >= len(run.spilled)


def layer_words(layers):
    """Return the words that the outputs of layers take raw."""
    return [layer.out_shape[0] * layer.out_shape[1] * -(-layer.out_shape[2] // 8) for layer in layers]


def changed(program, layer, **fields):
    words = program.words.copy()
    start = 1 + 9 * layer
    descriptor = Descriptor.from_words(words[start : start + 9])
    words[start : start + 9] = Descriptor(**{**vars(descriptor), **fields}).words()
    return words


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"opcode": 9}, Status.BAD_OPCODE),
        ({"out_codec": 2}, Status.BAD_OPCODE),
        ({"in_channels": 0}, Status.BAD_SIZES),
        ({"out_height": 200}, Status.BAD_SIZES),
        ({"capacity": 3}, Status.BAD_SIZES),
        ({"ring_words": 5000}, Status.BAD_REGION),
        ({"out_row": 1790}, Status.BAD_REGION),
        ({"out_row": 0, "strip_first": 0}, Status.BAD_REGION),
        ({"out_words": 500}, Status.OVERFLOW),
    ],
)
def test_a_malformed_layer_ends_the_program(fields, status):
    graph = load("resnet8")
    shape = AcceleratorShape()
    program = compile_graph(from_graph(graph), shape)
    pixels = np.zeros(3 * 32 * 4, np.uint64)
    run = run_program(shape, changed(program, 3, **fields), program.weights, pixels)
    assert run.status == status
    assert run.report[-1] & 0xFF == 3
    assert run.scores is None


def test_missing_words_and_words_too_many_are_told():
    shape = AcceleratorShape()
    program = compile_graph(from_graph(load("resnet8")), shape)
    pixels = np.zeros(3 * 32 * 4, np.uint64)
    assert run_program(shape, program.words, program.weights[:-1], pixels).status == Status.BAD_WEIGHTS
    assert run_program(shape, program.words, np.append(program.weights, pixels), pixels).status == Status.BAD_WEIGHTS
    assert run_program(shape, program.words, program.weights, pixels[1:]).status == Status.BAD_PIXELS
    assert run_program(shape, program.words[1:], program.weights, pixels).status == Status.BAD_HEADER
    assert run_program(shape, program.words[:-1], program.weights, pixels).status == Status.BAD_HEADER
