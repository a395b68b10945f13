"""Integer networks in PyTorch: TensorFlow Lite's own integers at every tensor, and maps that can be replaced."""

import os

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ai_edge_litert")

from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: E402

from silicodec.models import capture  # noqa: E402
from silicodec.models.networks import NetworkError, get_network  # noqa: E402
from silicodec.models.networks.tflite_file import TFLiteFile, read_graph  # noqa: E402
from silicodec.models.restoration import RestoredNetwork  # noqa: E402
from silicodec.models.storage import data_file  # noqa: E402

pytestmark = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")
COUNT = 3


@pytest.fixture(scope="module")
def path():
    return data_file("weights/mobilenet_v2_imagenet_int8.tflite")


@pytest.fixture(scope="module")
def graph(path):
    return read_graph(path)


@pytest.fixture(scope="module")
def images():
    return get_network("mobilenetv2-int8").images(COUNT).batch


@pytest.fixture(scope="module")
def values(graph, images):
    return graph.values(images)


def test_every_tensor_is_that_of_tensorflow_lite(path, graph, images, values):
    interpreter = Interpreter(
        model_path=str(path),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    assert len(graph.operators) == 64
    for number, image in enumerate(images):
        pixels = np.clip(np.rint(image * 128) + 128, 0, 255).astype(np.uint8)
        interpreter.set_tensor(entry["index"], pixels.transpose(1, 2, 0)[np.newaxis])
        interpreter.invoke()
        for output in (operator.output for operator in graph.operators):
            expected = interpreter.get_tensor(output.number)[0].transpose(2, 0, 1).astype(np.float32)
            np.testing.assert_array_equal(values[output.number][number] + output.zero_point, expected, output.name)


def test_maps_that_a_codec_gets_are_those_of_tensorflow_lite(images):
    model = get_network("mobilenetv2-int8").load()
    maps = RestoredNetwork(model, images[:1]).maps(images[:1])
    layers = capture.feature_maps(model, images[:1])
    assert list(maps) == [layer.name for layer in layers]
    for layer in layers:
        np.testing.assert_array_equal(maps[layer.name], layer.values, layer.name)


def test_a_replaced_map_goes_on_through_the_network(graph, images, values):
    first, second = (operator.output for operator in graph.operators[:2])
    replaced = graph.values(images[:1], lambda name, maps: maps // 2 if name == first.name else None)
    np.testing.assert_array_equal(replaced[first.number], values[first.number][:1] // 2)
    expected = graph.operators[1].compute(values[first.number][:1] // 2)
    np.testing.assert_array_equal(replaced[second.number], expected)


def test_before_the_activation_maps_are_the_real_sums(graph, images, values):
    seen = {}

    def keep(name, maps):
        seen[name] = maps
        return maps

    same = graph.values(images[:1], keep, before_activation=True)
    assert len(seen) == 52
    assert min(float(maps.min()) for maps in seen.values()) < -1
    for output in (operator.output for operator in graph.operators if operator.output.name in seen):
        rounded = (seen[output.name] / output.scale).round().clamp(output.low, output.high)
        np.testing.assert_array_equal(same[output.number], rounded)
    first = graph.operators[0].output
    # One rounding here, two in TensorFlow Lite: they differ at halves only.
    assert (same[first.number] != values[first.number][:1]).double().mean() < 0.02


def test_class_scores_classify(images):
    network = get_network("mobilenetv2-int8")
    scores = capture.scores(network.load(), images, lambda name, maps: None)
    assert scores.shape == (COUNT, 1000)
    np.testing.assert_array_equal(scores.argmax(dim=1), network.classify(images))


def change_operator(file):
    file._model.operatorCodes[0].builtinCode = schema.BuiltinOperator.TANH


def change_stride(file):
    file._subgraph.operators[0].builtinOptions.strideW = 3


def change_padding(file):
    file._subgraph.operators[0].builtinOptions.padding = schema.Padding.VALID


def change_activation(file):
    file._subgraph.operators[0].builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.TANH


def change_scales(file):
    file._subgraph.tensors[file._subgraph.operators[0].inputs[1]].quantization.scale = np.ones(32, np.float32)


def change_bias(file):
    bias = file._subgraph.tensors[file._subgraph.operators[0].inputs[2]]
    file._model.buffers[bias.buffer].data = np.full(32, 1 << 30, np.int32).view(np.uint8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_operator, "operator TANH"),
        (change_stride, "two strides"),
        (change_padding, "without padding"),
        (change_activation, "activation function number"),
        (change_scales, "several"),
        (change_bias, "too large for float32"),
    ],
)
def test_a_file_with_anything_else_is_refused(path, change, message):
    file = TFLiteFile(path)
    change(file)
    with pytest.raises(NetworkError, match=message):
        file.graph()
