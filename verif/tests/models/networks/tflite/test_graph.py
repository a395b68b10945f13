"""Networks in integers: TensorFlow Lite's own integers at every tensor, and maps that can be replaced."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ai_edge_litert")

from silicodec.models.evaluation.restoration import RestoredNetwork  # noqa: E402
from silicodec.models.networks import (  # noqa: E402
    NetworkError,
    capture,
    get_network,
)
from silicodec.models.networks.tflite import TFLiteModel  # noqa: E402
from silicodec.models.networks.tflite.file import TFLiteFile  # noqa: E402
from silicodec.models.networks.tflite.operators import Addition  # noqa: E402
from silicodec.models.storage import data_file  # noqa: E402

pytestmark = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")
COUNT = 3
MODELS = {
    "mobilenet_v2_imagenet_int8": 66,
    "mlperf_tiny/kws_ref_model": 13,
    "mlperf_tiny/pretrainedResnet_large_int8": 16,
    "mlperf_tiny/pretrainedResnet_quant": 16,
    "mlperf_tiny/vww_96_int8": 31,
}
"""Files in the folder of weights, with the number of operators."""


@pytest.fixture(scope="module")
def path():
    return data_file("weights/mobilenet_v2_imagenet_int8.tflite")


@pytest.fixture(scope="module")
def graph(path):
    return TFLiteModel(path)


@pytest.fixture(scope="module")
def images():
    return get_network("mobilenetv2-int8").images(COUNT).batch


@pytest.fixture(scope="module")
def values(graph, images):
    return graph.values(images)


@pytest.mark.parametrize("model", MODELS)
def test_every_tensor_is_that_of_tensorflow_lite(tflite, model):
    file = data_file(f"weights/{model}.tflite")
    graph = TFLiteModel(file)
    assert len(graph.operators) == MODELS[model]
    tflite.assert_equal_to_interpreter(file, graph, images=COUNT)


def test_every_tensor_of_a_photograph_is_that_of_tensorflow_lite(tflite, path, graph, images):
    tflite.assert_equal_on(path, graph, images)


def test_resnet8_has_its_seven_maps_and_eight_layers():
    model = TFLiteModel(data_file("weights/mlperf_tiny/pretrainedResnet_quant.tflite"))
    maps = model.feature_maps(np.zeros((1, 3, 32, 32), np.float32))
    assert list(maps) == [operator.output.name for operator in model.operators if operator.output.name in maps]
    assert sum(isinstance(operator, Addition) and operator.output.name in maps for operator in model.operators) == 3
    assert len(maps) == 7
    assert len(model.weights()) == 10


def test_every_tensor_can_be_replaced_and_goes_on(graph, images, values):
    """Linear bottlenecks and additions too: int8 there, uint8 after activation functions."""
    seen = {}

    def halve(name, words):
        seen[name] = words
        return words // 2 if name == "expanded_conv/project/add_fold" else None

    changed = graph.values(images[:1], halve, "tensor")
    assert len(seen) == 53 + 10 + 1
    linear = next(operator.output for operator in graph.operators if operator.output.name.endswith("project/add_fold"))
    assert seen[linear.name].dtype == torch.int8
    words = (values[linear.number][:1] + linear.zero_point - 128).to(torch.int8)
    assert torch.equal(seen[linear.name], words)
    assert torch.equal(changed[linear.number], (words // 2).float() + 128 - linear.zero_point)
    kept = graph.values(images[:1], lambda _, words: words, "tensor")
    assert all(torch.equal(kept[number], values[number][:1]) for number in kept)


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

    same = graph.values(images[:1], keep, "convolution")
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
    file._model.operatorCodes[0].builtinCode = file._schema.BuiltinOperator.TANH


def change_dilation(file):
    file._subgraph.operators[0].builtinOptions.dilationWFactor = 2


def change_activation(file):
    file._subgraph.operators[0].builtinOptions.fusedActivationFunction = file._schema.ActivationFunctionType.TANH


def change_scales(file):
    file._subgraph.tensors[file._subgraph.operators[0].outputs[0]].quantization.scale = np.ones(32, np.float32)


def change_bias(file):
    bias = file._subgraph.tensors[file._subgraph.operators[0].inputs[2]]
    file._model.buffers[bias.buffer].data = np.full(32, (1 << 31) - 1, np.int32).view(np.uint8)


def change_shape(file):
    file._subgraph.tensors[file._subgraph.operators[0].inputs[1]].shape = [31, 3, 3, 3]


def change_stride(file):
    file._subgraph.operators[0].builtinOptions.strideH = 0


def drop_operators(file):
    file._subgraph.operators = []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_shape, "operator CONV_2D, number 0, that its tensors do not fit"),
        (change_stride, "operator CONV_2D, number 0, that its tensors do not fit"),
        (drop_operators, "no operator"),
        (change_operator, r"operator TANH \(Conv/Relu6\)"),
        (change_dilation, "Conv/Relu6 with dilation"),
        (change_activation, "Conv/Relu6 with activation function number"),
        (change_scales, "Conv/Relu6 in something else than 8-bit integers with one scale"),
        (change_bias, "Conv/Relu6 with sums that may need more than 32 bits"),
    ],
)
def test_a_file_with_anything_else_is_refused(path, change, message):
    file = TFLiteFile(path)
    change(file)
    with pytest.raises(NetworkError, match=message):
        file.graph()


def test_tensors_that_do_not_fit_an_operator_are_named(path):
    model = TFLiteModel(path)
    first, *others = model.operators
    for wrong in (
        replace(first, output=replace(first.output, shape=(32, 1, 1))),
        replace(first, inputs=(first.output,)),
    ):
        model.operators = (wrong, *others)
        with pytest.raises(NetworkError, match=f"before {first.output.name} do not fit"):
            model.values(np.zeros((1, *model.source.shape), np.float32))


@pytest.mark.parametrize("contents", [b"no model", b"\0\0\0\0TFL3", b""])
def test_a_file_that_is_no_model(tmp_path, contents):
    (tmp_path / "text.tflite").write_bytes(contents)
    with pytest.raises(NetworkError, match="is not a TensorFlow Lite model"):
        TFLiteModel(Path(tmp_path / "text.tflite"))
