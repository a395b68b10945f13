"""Networks in integers in ONNX files: operators against ONNX's reference evaluator, networks against ONNX Runtime."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from click.testing import CliRunner  # noqa: E402
from onnx.helper import make_node, make_tensor_value_info  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from silicodec.cli import main  # noqa: E402
from silicodec.models.evaluation.compression import evaluate  # noqa: E402
from silicodec.models.networks import NetworkError, get_network  # noqa: E402
from silicodec.models.networks.onnx import OnnxFile, OnnxModel  # noqa: E402
from silicodec.models.networks.tflite.archive import Preparation, load_graph, save_graph  # noqa: E402

needs_data = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")
SHAPE = (4, 9, 7)
SCALE, SCALE_OF_WEIGHTS = np.float32(0.02), np.float32(0.003)
RNG = np.random.default_rng(0)


def integers(*shape):
    return RNG.integers(-127, 128, shape).astype(np.int8)


def convolution(weights, *, scales=SCALE_OF_WEIGHTS, zero_point=None, bias=None, **options):
    """Make a convolution of `real`, and its constants."""
    zero_point = weights.dtype.type(0) * np.zeros_like(scales, weights.dtype) if zero_point is None else zero_point
    constants = {"w": weights, "w scale": scales, "w zero": zero_point}
    nodes = [
        make_node("DequantizeLinear", ["w", "w scale", "w zero"], ["w real"], **({"axis": 0} if scales.ndim else {}))
    ]
    if bias is not None:
        constants |= {"b": bias, "b scale": SCALE * scales}
        nodes.append(
            make_node("DequantizeLinear", ["b", "b scale"], ["b real"], **({"axis": 0} if scales.ndim else {}))
        )
    inputs = ["real", "w real", *(["b real"] if bias is not None else [])]
    return [*nodes, make_node("Conv", inputs, ["y"], **options)], constants


PER_CHANNEL = np.linspace(0.001, 0.004, 5, dtype=np.float32)
UNSIGNED = RNG.integers(0, 256, (4, 1, 3, 3)).astype(np.uint8)
SUMS = {
    "convolution": (*convolution(integers(5, 4, 3, 3), scales=PER_CHANNEL, pads=[1, 0, 1, 2], strides=[2, 1]), 0.05),
    "bias": (*convolution(integers(5, 4, 1, 1), bias=RNG.integers(-9999, 9999, 5).astype(np.int32)), 0.03),
    "folded": (
        [
            make_node("QuantizeLinear", ["w", "w scale", "w zero"], ["w q"], axis=0),
            make_node("DequantizeLinear", ["w q", "w scale", "w zero"], ["w real"], axis=0),
            make_node("Conv", ["real", "w real"], ["y"]),
        ],
        {
            "w": RNG.normal(size=(5, 4, 2, 2)).astype(np.float32),
            "w scale": 4 * PER_CHANNEL,
            "w zero": np.zeros(5, np.int8),
        },
        0.05,
    ),
    "depthwise": (*convolution(UNSIGNED, zero_point=np.uint8(120), group=4, auto_pad="SAME_UPPER"), 0.02),
    "addition": ([make_node("Add", ["real", "real"], ["y"])], {}, 0.03),
    "average pool": (
        [
            make_node(
                "AveragePool", ["real"], ["y"], kernel_shape=[3, 2], strides=[2, 1], pads=[1] * 4, count_include_pad=1
            )
        ],
        {},
        0.011,
    ),
    "global average": ([make_node("GlobalAveragePool", ["real"], ["y"])], {}, 0.004),
    "mean": ([make_node("ReduceMean", ["real", "axes"], ["y"], keepdims=0)], {"axes": np.array([-1, 2])}, 0.004),
    "flattened": (
        [
            make_node("Flatten", ["real"], ["f"]),
            make_node("DequantizeLinear", ["w", "w scale"], ["w real"]),
            make_node("MatMul", ["f", "w real"], ["y"]),
        ],
        {"w": integers(4 * 9 * 7, 6) // 8, "w scale": np.float32(0.01)},
        0.1,
    ),
    "transposed": (
        [
            make_node("Shape", ["real"], ["s"]),
            make_node("Gather", ["s", "first"], ["n"]),
            make_node("Concat", ["n", "rest"], ["sizes"], axis=0),
            make_node("Reshape", ["real", "sizes"], ["f"]),
            make_node("Relu", ["f"], ["r"]),
            make_node("DequantizeLinear", ["w", "w scale"], ["w real"], axis=0),
            make_node("Gemm", ["r", "w real", "b"], ["y"], transB=1),
        ],
        {
            "first": np.array([0]),
            "rest": np.array([-1]),
            "w": integers(5, 4 * 9 * 7) // 8,
            "w scale": PER_CHANNEL,
            "b": np.linspace(-3, 3, 5, dtype=np.float32),
        },
        0.03,
    ),
}
FUNCTIONS = {
    "Relu": 0.011,
    "LeakyRelu": 0.02,
    "Sigmoid": 1 / 200,
    "Tanh": 1 / 100,
    "HardSwish": 0.02,
    "HardSigmoid": 0.006,
    "Elu": 0.02,
    "Identity": 0.05,
}
EXACT = {
    "largest": ([make_node("MaxPool", ["real"], ["y"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], {}, SCALE),
    "padded largest": ([make_node("MaxPool", ["real"], ["y"], kernel_shape=[3, 3], pads=[1] * 4)], {}, SCALE),
    "border": ([make_node("Pad", ["real", "p"], ["y"])], {"p": np.array([0, 0, 1, 2, 0, 0, 3, 0])}, SCALE),
    "shortcut": (
        [make_node("Slice", ["real", "zeros", "far", "axes", "twos"], ["s"]), make_node("Pad", ["s", "p"], ["y"])],
        {
            "zeros": np.array([0, 0]),
            "far": np.array([2**62, 2**62]),
            "axes": np.array([2, -1]),
            "twos": np.array([2, 2]),
            "p": np.array([0, 2, 0, 0, 0, 2, 0, 0]),
        },
        SCALE,
    ),
    "concatenation": (
        [make_node("Relu", ["real"], ["r"]), make_node("Concat", ["r", "real"], ["y"], axis=1)],
        {},
        0.027,
    ),
    "ReLU6": ([make_node("Clip", ["real", "low", "high"], ["y"])], {"low": np.float32(0), "high": np.float32(6)}, 0.01),
    **{kind: ([make_node(kind, ["real"], ["y"])], {}, scale) for kind, scale in FUNCTIONS.items()},
}


def small_model(nodes, constants, scale, *, dtype=np.int8):
    """Make a model of quantised images, operators from `real` to `y`, and their quantised result."""
    arrays = {"scale": SCALE, "zero": dtype(3), "y scale": np.float32(scale), "y zero": dtype(7), **constants}
    begin = [
        make_node("QuantizeLinear", ["images", "scale", "zero"], ["q"]),
        make_node("DequantizeLinear", ["q", "scale", "zero"], ["real"]),
    ]
    end = [
        make_node("QuantizeLinear", ["y", "y scale", "y zero"], ["y q"]),
        make_node("DequantizeLinear", ["y q", "y scale", "y zero"], ["out"]),
    ]
    source, result = (
        make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("images", ["batch", *SHAPE]), ("out", None))
    )
    tensors = [onnx.numpy_helper.from_array(np.asarray(values), key) for key, values in arrays.items()]
    graph = onnx.helper.make_graph([*begin, *nodes, *end], "graph", [source], [result], tensors)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9)
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def computed(model, path, images):
    """Give the last integers by a file's operators here, and by ONNX's reference evaluator."""
    onnx.save(model, path)
    graph = OnnxModel(OnnxFile(path), path)
    last = graph.operators[-1].output if graph.operators else graph.source
    found = graph.values(images)[last.number].numpy() + last.zero_point
    exposed = onnx.ModelProto.FromString(model.SerializeToString())
    exposed.graph.output.append(make_tensor_value_info("y q", onnx.TensorProto.INT8, None))
    expected = ReferenceEvaluator(exposed).run(None, {"images": images})[1]
    return graph, found, expected.astype(np.float32)


@pytest.fixture
def images():
    return np.random.default_rng(1).uniform(-2.7, 2.6, (5, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize("case", SUMS)
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_sums_are_those_of_onnx_but_for_a_last_bit_in_few(case, dtype, tmp_path, images):
    _, found, expected = computed(small_model(*SUMS[case], dtype=dtype), tmp_path / "model.onnx", images)
    assert found.shape == expected.shape
    difference = np.abs(found - expected)
    assert difference.max() <= 1
    assert np.count_nonzero(difference) <= 0.005 * difference.size + 1
    assert len(np.unique(expected)) > 10


@pytest.mark.parametrize("case", EXACT)
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_what_sums_nothing_is_that_of_onnx(case, dtype, tmp_path, images):
    nodes, constants, scale = EXACT[case]
    graph, found, expected = computed(small_model(nodes, constants, scale, dtype=dtype), tmp_path / "a.onnx", images)
    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(expected)) > 10
    save_graph(tmp_path / "graph.npz", graph, Preparation((0,) * 4, (1,) * 4))
    again, _ = load_graph(tmp_path / "graph.npz")
    np.testing.assert_array_equal(again.scores(images), graph.scores(images))


def test_a_relu_that_a_range_stands_for_is_an_activation(tmp_path, images):
    nodes, constants, _ = SUMS["convolution"]
    constants = {**constants, "y zero": np.int8(-128)}
    graph, _, expected = computed(small_model(nodes, constants, 0.02), tmp_path / "model.onnx", images)
    (maps,) = graph.feature_maps(images).values()
    assert maps.dtype == np.uint8
    assert abs(maps - (expected + 128)).max() <= 1


GOOD = SUMS["convolution"]
REFUSED = [
    ([make_node("Mul", ["real", "real"], ["y"])], {}, r"an operator Mul \(y\)"),
    (convolution(integers(5, 4, 1, 1), dilations=[2, 2])[0], GOOD[1], "y with dilation"),
    ([make_node("Softmax", ["real"], ["s"]), make_node("Relu", ["s"], ["y"])], {}, "Softmax"),
    ([make_node("Conv", ["real", "w"], ["y"])], {"w": np.ones((4, 4, 1, 1), np.float32)}, "w, weights that are not in"),
    ([make_node("Concat", ["real", "real"], ["y"], axis=2)], {}, "y, a concatenation of anything but channels"),
    ([make_node("Clip", ["real", "low"], ["y"])], {"low": np.float32(-3)}, "y clipped to -3 .. inf"),
    ([make_node("Relu", ["c"], ["y"])], {}, "is not an ONNX model"),
    ([make_node("Relu", ["real"], ["y"])], {"zero": np.int16(0)}, "images in something else than 8-bit integers"),
    ([make_node("Flatten", ["real"], ["f"]), make_node("Sigmoid", ["f"], ["y"])], {}, r"Sigmoid \(y\) on flattened"),
]


@pytest.mark.parametrize(("nodes", "constants", "message"), REFUSED)
def test_what_is_not_computed_is_named_in_one_line(nodes, constants, message, tmp_path):
    onnx.save(small_model(nodes, constants, 0.05), tmp_path / "model.onnx")
    result = CliRunner().invoke(main, ["evaluate", "--network", str(tmp_path / "model.onnx"), "--images", "2"])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    with pytest.raises(NetworkError, match=message):
        get_network(str(tmp_path / "model.onnx"))


def test_damaged_files_are_refused_in_one_line(tmp_path):
    onnx.save(small_model(*GOOD), tmp_path / "model.onnx")
    contents = (tmp_path / "model.onnx").read_bytes()
    for damaged in (b"", contents[:100], bytes(1000), contents[:-200]):
        (tmp_path / "damaged.onnx").write_bytes(damaged)
        with pytest.raises(NetworkError) as caught:
            get_network(str(tmp_path / "damaged.onnx"))
        assert len(str(caught.value).splitlines()) == 1


class Reader:
    """Calibration images, as ONNX Runtime takes them."""

    def __init__(self, name, images):
        self._images = iter({name: image[np.newaxis]} for image in images)

    def get_next(self):
        return next(self._images, None)


def quantised_file(network, path, *, per_channel):
    """Export a network by PyTorch, and quantise it by ONNX Runtime."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an exporter that is to go
        example = torch.zeros(1, *network.input_shape)
        torch.onnx.export(network.load(), (example,), path.with_suffix(".float"), dynamo=False, input_names=["images"])
    activations = quantization.QuantType.QInt8 if per_channel else quantization.QuantType.QUInt8
    quantization.quantize_static(
        str(path.with_suffix(".float")),
        str(path),
        Reader("images", network.images(20)[0]),
        per_channel=per_channel,
        activation_type=activations,
    )


def runtime_tensors(path, graph, images):
    """Compute by ONNX Runtime, without what it would change in a network, the integers of a graph's tensors by name."""
    import onnxruntime

    model = onnx.load(path)
    names = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    found = {one.output.name: names[one.output.name] for one in graph.operators if one.output.name in names}
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(found.values()))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    runs = [
        dict(zip([one.name for one in session.get_outputs()], session.run(None, {"images": image[None]}), strict=True))
        for image in images
    ]
    return {name: np.concatenate([run[stored] for run in runs]) for name, stored in found.items()}


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("name", ["digits", pytest.param("resnet20", marks=needs_data)])
def test_each_operator_of_a_network_gives_the_integers_of_onnx_runtime(name, per_channel, tmp_path):
    network, path = get_network(name), tmp_path / "network.onnx"
    quantised_file(network, path, per_channel=per_channel)
    graph = OnnxModel(OnnxFile(path), path)
    images = network.images(30)[0][20:]
    expected = runtime_tensors(path, graph, images)
    assert len(expected) > len(graph.operators) / 2
    values, off, total = graph.values(images), 0, 0
    for operator in graph.operators:
        output = operator.output
        found = operator.compute(*(values[source.number] for source in operator.inputs))
        if output.name not in expected or len(output.shape) == 1 < len(operator.inputs[0].shape):
            values[output.number] = found  # flattened maps are in another order
            continue
        values[output.number] = torch.from_numpy(expected[output.name].astype(np.float32) - output.zero_point)
        difference = (found - values[output.number]).abs()
        assert difference.max() <= 1
        off, total = off + int(difference.count_nonzero()), total + difference.numel()
    assert off / total < 0.002


@pytest.mark.parametrize("per_channel", [False, True])
def test_a_network_in_integers_classifies_as_the_one_it_was_made_of(per_channel, tmp_path):
    digits = get_network("digits")
    quantised_file(digits, tmp_path / "network.onnx", per_channel=per_channel)
    network = get_network(str(tmp_path / "network.onnx"), mean=digits.mean, deviation=digits.deviation)
    images, labels = digits.images()
    assert np.mean(network.classify(images) == labels) > 0.98
    total, _ = evaluate(network, ["ebpc", "entropy"], images=images[:20]).totals
    assert (total["number_format"], total["ratio"] > 1) == ("native", True)


def test_default_preparation_takes_all_integers(tmp_path):
    onnx.save(small_model(*GOOD), Path(tmp_path / "model.onnx"))
    network = get_network(str(tmp_path / "model.onnx"))
    ends = network.normalised(np.array([0, 1], np.float32).reshape(2, 1, 1, 1).repeat(4, 1))
    np.testing.assert_allclose(ends[:, 0, 0, 0], [-131 * SCALE, 124 * SCALE], rtol=1e-5)
