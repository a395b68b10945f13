"""Every operator with random integers, against TensorFlow Lite's interpreter."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("ai_edge_litert")

from silicodec.models.networks.tflite import TFLiteModel

SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
SIZE, CHANNELS = 9, 6


def limits(dtype):
    return (np.iinfo(dtype).min, np.iinfo(dtype).max + 1)


def check(kit, path, tensors, ops, seed=0):
    kit.write_model(path, tensors, ops)
    graph = TFLiteModel(path)
    kit.assert_equal_to_interpreter(path, graph, seed)
    return graph


def image(kit, dtype="int8", scale=0.05, zero_point=3):
    return kit.Tensor("net/in", (1, SIZE, SIZE, CHANNELS), dtype, scale, zero_point)


def convolution_options(padding, strides, activation, **more):
    return {
        "padding": padding,
        "strideH": strides[0],
        "strideW": strides[1],
        "dilationHFactor": 1,
        "dilationWFactor": 1,
        "fusedActivationFunction": activation,
    } | more


def after(padding, kernel, strides, size=SIZE):
    if padding == SAME:
        return tuple(-(-size // stride) for stride in strides)
    return tuple((size - width) // stride + 1 for width, stride in zip(kernel, strides, strict=True))


@pytest.mark.parametrize("activation", [NONE, RELU, RELU6, RELU_N1_TO_1])
@pytest.mark.parametrize(("padding", "strides"), [(SAME, (1, 1)), (SAME, (2, 1)), (VALID, (1, 2)), (SAME, (2, 2))])
@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_convolution(tflite, tmp_path, dtype, depthwise, padding, strides, activation):
    rng = np.random.default_rng(activation)
    kernel, out = (3, 4), CHANNELS if depthwise else 5
    shape = (1, *kernel, out) if depthwise else (out, *kernel, CHANNELS)
    signed = dtype == "int8"
    scales = [float(scale) for scale in rng.uniform(0.001, 0.02, out).astype(np.float32)] if signed else 0.01
    weights = tflite.Tensor(
        "net/w",
        shape,
        dtype,
        scales,
        0 if signed else 110,
        rng.integers(*((-127, 128) if signed else (0, 256)), shape),
        axis=3 if depthwise else 0,
    )
    bias_scale = [scale * 0.05 for scale in scales] if signed else 0.05 * 0.01
    bias = tflite.Tensor("net/b", (out,), "int32", bias_scale, 0, rng.integers(-2000, 2000, out))
    tensors = [
        image(tflite, dtype, 0.05, 3 if signed else 120),
        weights,
        bias,
        tflite.Tensor("net/out", (1, *after(padding, kernel, strides), out), dtype, 0.2, -20 if signed else 90),
    ]
    kind, options = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
    more = {"depthMultiplier": 1} if depthwise else {}
    values = convolution_options(padding, strides, activation, **more)
    graph = check(tflite, tmp_path / "m.tflite", tensors, [tflite.Op(kind, [0, 1, 2], 3, options, values)])
    (operator,) = graph.operators
    assert operator.groups == (CHANNELS if depthwise else 1)
    assert operator.strides == strides


@pytest.mark.parametrize("depthwise", [False, True])
def test_halves_below_zero_and_scales_above_one(tflite, tmp_path, depthwise):
    """A scale of exactly one half, and one that grows, where the two ways to round halves differ."""
    weights = np.ones((1, 1, 1, CHANNELS) if depthwise else (CHANNELS, 1, 1, CHANNELS))
    tensors = [
        image(tflite, scale=1.0, zero_point=0),
        tflite.Tensor(
            "net/w", weights.shape, "int8", [0.5, 0.25, 0.125, 1.5, 3.0, 0.75], 0, weights, 3 if depthwise else 0
        ),
        tflite.Tensor("net/out", (1, SIZE, SIZE, CHANNELS), "int8", 1.0, 0),
    ]
    kind, options = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
    more = {"depthMultiplier": 1} if depthwise else {}
    bias = tflite.Tensor("net/b", (CHANNELS,), "int32", tensors[1].scale, 0, np.arange(CHANNELS))
    tensors.insert(2, bias)
    op = tflite.Op(kind, [0, 1, 2], 3, options, convolution_options(SAME, (1, 1), NONE, **more))
    check(tflite, tmp_path / "m.tflite", tensors, [op])


@pytest.mark.parametrize("activation", [NONE, RELU])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_fully_connected_from_maps(tflite, tmp_path, dtype, activation, per_channel, with_bias):
    rng = np.random.default_rng(3)
    if per_channel and dtype == "uint8":
        pytest.skip("unsigned weights have one scale")
    shape = (7, SIZE * SIZE * CHANNELS)
    scales = [0.003, 0.5, 0.01, 0.02, 0.004, 0.005, 0.006] if per_channel else 0.005
    tensors = [
        image(tflite, dtype),
        tflite.Tensor(
            "net/w", shape, dtype, scales, 0 if dtype == "int8" else 100, rng.integers(*limits(dtype), shape)
        ),
        tflite.Tensor("net/b", (7,), "int32", np.multiply(scales, 0.05).tolist(), 0, rng.integers(-900, 900, 7)),
        tflite.Tensor("net/out", (1, 7), dtype, 0.7, 5),
    ]
    op = tflite.Op(
        "FULLY_CONNECTED",
        [0, 1, 2] if with_bias else [0, 1, -1],
        3,
        "FullyConnectedOptions",
        {"fusedActivationFunction": activation},
    )
    graph = check(tflite, tmp_path / "m.tflite", tensors, [op])
    assert graph.weights()["out"].shape == shape


@pytest.mark.parametrize("activation", [NONE, RELU, RELU6])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_addition(tflite, tmp_path, dtype, activation):
    """Of the image and its largest values."""
    shape = (1, SIZE, SIZE, CHANNELS)
    pool = {"padding": SAME, "strideH": 1, "strideW": 1, "filterHeight": 2, "filterWidth": 2}
    tensors = [
        image(tflite, dtype),
        tflite.Tensor("net/pool", shape, dtype, 0.05, 3),
        tflite.Tensor("net/relu", shape, dtype, 0.037, 7),
        tflite.Tensor("net/out", shape, dtype, 0.061, 11),
    ]
    ops = [
        tflite.Op("MAX_POOL_2D", [0], 1, "Pool2DOptions", pool | {"fusedActivationFunction": NONE}),
        tflite.Op("RELU", [1], 2),
        tflite.Op("ADD", [0, 2], 3, "AddOptions", {"fusedActivationFunction": activation}),
    ]
    check(tflite, tmp_path / "m.tflite", tensors, ops)


@pytest.mark.parametrize("kind", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("activation", [NONE, RELU])
@pytest.mark.parametrize(
    ("padding", "kernel", "strides"),
    [(SAME, (2, 3), (1, 2)), (VALID, (3, 3), (2, 2)), (VALID, (SIZE, SIZE), (1, 1)), (SAME, (4, 4), (3, 3))],
)
def test_pool(tflite, tmp_path, kind, dtype, activation, padding, kernel, strides):
    tensors = [
        image(tflite, dtype),
        tflite.Tensor("net/out", (1, *after(padding, kernel, strides), CHANNELS), dtype, 0.05, 3),
    ]
    values = {
        "padding": padding,
        "strideH": strides[0],
        "strideW": strides[1],
        "filterHeight": kernel[0],
        "filterWidth": kernel[1],
        "fusedActivationFunction": activation,
    }
    check(tflite, tmp_path / "m.tflite", tensors, [tflite.Op(kind, [0], 1, "Pool2DOptions", values)])


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(("scale", "zero_point"), [(0.05, 3), (0.041, 20), (0.0931, 9), (0.011, 20)])
def test_mean(tflite, tmp_path, keep, dtype, scale, zero_point):
    shape = (1, 1, 1, CHANNELS) if keep else (1, CHANNELS)
    tensors = [
        image(tflite, dtype),
        tflite.Tensor("net/axes", (2,), "int32", 1.0, 0, np.array([1, 2])),
        tflite.Tensor("net/out", shape, dtype, scale, zero_point),
    ]
    op = tflite.Op("MEAN", [0, 1], 2, "ReducerOptions", {"keepDims": keep})
    for seed in range(20):
        check(tflite, tmp_path / "m.tflite", tensors, [op], seed)


def test_padding_then_concatenation_then_softmax(tflite, tmp_path):
    padded = (1, SIZE + 3, SIZE + 2, CHANNELS)
    tensors = [
        image(tflite),
        tflite.Tensor("net/amounts", (4, 2), "int32", 1.0, 0, np.array([[0, 0], [1, 2], [2, 0], [0, 0]])),
        tflite.Tensor("net/pad", padded, "int8", 0.05, 3),
        tflite.Tensor("net/pool", padded, "int8", 0.05, 3),
        tflite.Tensor("net/concat", (*padded[:3], 2 * CHANNELS), "int8", 0.05, 3),
        tflite.Tensor("net/shape", (2,), "int32", 1.0, 0, np.array([1, -1])),
        tflite.Tensor("net/flat", (1, padded[1] * padded[2] * 2 * CHANNELS), "int8", 0.05, 3),
        tflite.Tensor("net/out", (1, padded[1] * padded[2] * 2 * CHANNELS), "int8", 1 / 256, -128),
    ]
    pool = {"padding": SAME, "strideH": 1, "strideW": 1, "filterHeight": 2, "filterWidth": 2}
    ops = [
        tflite.Op("PAD", [0, 1], 2, "PadOptions"),
        tflite.Op("MAX_POOL_2D", [2], 3, "Pool2DOptions", pool),
        tflite.Op("CONCATENATION", [2, 3], 4, "ConcatenationOptions", {"axis": 3}),
        tflite.Op("RESHAPE", [4, 5], 6, "ReshapeOptions", {"newShape": [1, -1]}),
        tflite.Op("SOFTMAX", [6], 7, "SoftmaxOptions", {"beta": 1.0}),
    ]
    check(tflite, tmp_path / "m.tflite", tensors, ops)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("scale", [0.01, 0.05, 0.3])
def test_softmax_of_few_classes(tflite, tmp_path, dtype, scale):
    tensors = [
        tflite.Tensor("net/in", (1, 10), dtype, scale, 7),
        tflite.Tensor("net/out", (1, 10), dtype, 1 / 256, np.iinfo(dtype).min),
    ]
    for seed in range(50):
        check(
            tflite,
            tmp_path / "m.tflite",
            tensors,
            [tflite.Op("SOFTMAX", [0], 1, "SoftmaxOptions", {"beta": 1.0})],
            seed,
        )


@pytest.mark.parametrize("kind", ["RELU", "RELU6", "HARD_SWISH", "QUANTIZE"])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("scales", [(0.05, 0.05), (0.04, 0.03), (0.01, 0.02), (0.25, 0.1), (0.5, 1.0)])
def test_function_of_single_values(tflite, tmp_path, kind, dtype, scales):
    """Every one of the 256 values."""
    tensors = [
        tflite.Tensor("net/in", (1, 16, 16, 8), dtype, scales[0], 3),
        tflite.Tensor("net/out", (1, 16, 16, 8), dtype, scales[1], -5 if dtype == "int8" else 12),
    ]
    options = {"HARD_SWISH": "HardSwishOptions", "QUANTIZE": "QuantizeOptions"}.get(kind)
    check(tflite, tmp_path / "m.tflite", tensors, [tflite.Op(kind, [0], 1, options)])


def test_an_addition_that_ends_in_a_relu_is_a_feature_map(tflite, tmp_path):
    shape = (1, 4, 4, 1)
    tensors = [
        tflite.Tensor("net/in", shape, "int8", 0.1, 0),
        tflite.Tensor("net/w", (1, 1, 1, 1), "int8", 0.1, 0, np.array([10])),
        tflite.Tensor("net/b", (1,), "int32", 0.01, 0, np.zeros(1)),
        tflite.Tensor("net/conv", shape, "int8", 0.1, -128),
        tflite.Tensor("net/add", shape, "int8", 0.1, -128),
    ]
    ops = [
        tflite.Op("CONV_2D", [0, 1, 2], 3, "Conv2DOptions", convolution_options(SAME, (1, 1), RELU)),
        tflite.Op("ADD", [3, 0], 4, "AddOptions", {"fusedActivationFunction": RELU}),
    ]
    graph = check(tflite, tmp_path / "m.tflite", tensors, ops)
    assert list(graph.feature_maps(np.zeros((1, 1, 4, 4), np.float32))) == ["conv", "add"]
