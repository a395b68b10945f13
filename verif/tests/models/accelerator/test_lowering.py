"""Operators lowered to layers: every map equals that of the network in integers."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from silicodec.models.accelerator.compiler import compile_graph  # noqa: E402
from silicodec.models.accelerator.layers import UnsupportedNetwork  # noqa: E402
from silicodec.models.accelerator.lowering import from_graph  # noqa: E402
from silicodec.models.accelerator.program import Opcode, Status  # noqa: E402
from silicodec.models.accelerator.reference import pixel_words, run_program  # noqa: E402
from silicodec.models.accelerator.shape import AcceleratorShape  # noqa: E402
from silicodec.models.networks.quantised import quantise_network  # noqa: E402
from silicodec.models.networks.tflite import operators as kinds  # noqa: E402
from silicodec.models.networks.tflite.arithmetic import Multiplier  # noqa: E402
from silicodec.models.networks.tflite.convolution import Convolution, as_float32  # noqa: E402
from silicodec.models.networks.tflite.graph import IntegerGraph  # noqa: E402
from silicodec.models.networks.tflite.quantity import Quantity  # noqa: E402
from silicodec.models.networks.tflite.tables import hard_swish, rescaling  # noqa: E402

SHAPE = AcceleratorShape(groups=3, banks=4, tile_columns=4)


def tensor(number, shape, *, scale=0.05, zero=-10, dtype="int8", activation="NONE"):
    low = 0 if dtype == "uint8" else -128
    plain = Quantity(number, f"t{number}", shape, dtype, scale, zero, low - zero, low + 255 - zero)
    return plain.bounded(activation)


def convolution(source, output, *, kernel=1, number=0.01, seed=0):
    random = np.random.default_rng(seed)
    shape = (output.shape[0], source.shape[0], kernel, kernel)
    weights = torch.from_numpy(random.integers(-127, 128, shape).astype(np.float32))
    bias = torch.from_numpy(random.integers(-500, 500, shape[0]).astype(np.float64))
    padding = (kernel // 2,) * 4
    units = as_float32([1.0])
    return Convolution((source,), output, weights, bias, 0, (1, 1), padding, units, Multiplier.of([number]))


def assert_equal(graph, *, seed=1):
    """Compare every map that the accelerator makes with the network's, and return the layers."""
    layers = from_graph(graph)
    program = compile_graph(layers, SHAPE)
    random = np.random.default_rng(seed)
    source = graph.source
    integers = random.integers(source.low, source.high + 1, (1, *source.shape)).astype(np.float32)
    values = graph.values(integers * np.float32(source.scale))

    def samples(quantity):
        found = values[quantity.number].numpy()[0] + quantity.zero_point - 128 * (quantity.dtype == "uint8")
        return found.astype(np.int8)

    pixels = pixel_words(samples(source), depthwise=layers.layers[0].depthwise)
    run = run_program(SHAPE, program.words, program.weights, pixels)
    assert run.status == Status.DONE
    quantities = {operator.output.number: operator.output for operator in graph.operators}
    compared = 0
    for layer, found in zip(layers.layers, run.maps, strict=True):
        if layer.output in quantities:
            np.testing.assert_array_equal(found.ravel(), samples(quantities[layer.output]).ravel(), layer.name)
            compared += 1
    assert compared
    last = [one.output for one in graph.operators if not isinstance(one, kinds.Softmax)][-1]
    np.testing.assert_array_equal(run.maps[-1].ravel(), samples(last).ravel())
    return layers


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        ((12, 17), (2, 2), 2, (0, 0, 0, 0)),
        ((9, 13), (3, 3), 2, (0, 1, 0, 1)),
        ((8, 8), (3, 3), 1, (1, 1, 1, 1)),
        ((7, 11), (5, 2), 1, (0, 1, 2, 2)),
        ((5, 6), (5, 6), 1, (0, 0, 0, 0)),
    ],
)
def test_max_pools(dtype, size, kernel, stride, padding):
    source = tensor(0, (5, *size), dtype=dtype, zero=117 if dtype == "uint8" else -11)
    left, right, top, bottom = padding
    pooled = [
        (length + before + after - width) // stride + 1
        for length, width, before, after in zip(size, kernel, (top, left), (bottom, right), strict=True)
    ]
    output = tensor(1, (5, *pooled), dtype=dtype, zero=source.zero_point)
    pool = kinds.MaxPool((source,), output, kernel, (stride, stride), padding)
    (layer,) = assert_equal(IntegerGraph(source, (pool,))).layers
    assert layer.opcode == Opcode.MAXIMUM


def test_pools_of_what_has_a_border():
    source = tensor(0, (3, 8, 8))
    wide, largest, mean = tensor(1, (3, 10, 10)), tensor(2, (3, 4, 4)), tensor(3, (3, 2, 2))
    border = kinds.Pad((source,), wide, (1, 1, 1, 1))
    pool = kinds.MaxPool((wide,), largest, (3, 3), (2, 2), (0, 0, 0, 0))
    average = kinds.AveragePool((largest,), mean, (2, 2), (2, 2), (0, 0, 0, 0))
    assert_equal(IntegerGraph(source, (border, pool, average)))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        ((6, 8), (2, 3), 1, (0, 0, 0, 0)),
        ((8, 9), (3, 3), 1, (1, 1, 1, 1)),
        ((9, 12), (3, 3), 2, (0, 1, 1, 1)),
        ((3, 2), (5, 4), 1, (1, 2, 2, 2)),
        ((10, 7), (7, 9), 1, (4, 4, 3, 3)),
    ],
)
def test_average_pools(dtype, size, kernel, stride, padding):
    """Of what is inside of the map; the image, and a map that another layer reads, too."""
    zero = 117 if dtype == "uint8" else -11
    source = tensor(0, (4, *size), dtype=dtype, zero=zero)
    left, right, top, bottom = padding
    pooled = [
        (length + before + after - width) // stride + 1
        for length, width, before, after in zip(size, kernel, (top, left), (bottom, right), strict=True)
    ]
    first, second = (tensor(number, (4, *pooled), dtype=dtype, zero=zero, activation="RELU6") for number in (1, 3))
    middle = tensor(2, (4, *size), dtype=dtype, zero=zero)
    weight_zero_point = 128 if dtype == "uint8" else 0
    graph = IntegerGraph(
        source,
        (
            kinds.AveragePool((source,), first, kernel, (stride, stride), padding),
            replace(convolution(source, middle, kernel=3, number=0.004), weight_zero_point=weight_zero_point),
            kinds.AveragePool((middle,), second, kernel, (stride, stride), padding),
            kinds.Addition((second, first), tensor(4, first.shape, dtype=dtype, zero=zero)),
        ),
    )
    layers = assert_equal(graph)
    averages = [layer.macs for layer in layers.layers if layer.output in (1, 3)]
    assert averages == ([0, 0] if any(padding) else [4 * kernel[0] * kernel[1] * pooled[0] * pooled[1]] * 2)


def test_padded_average_pools_of_many_taps_are_refused():
    source, output = tensor(0, (1, 20, 20)), tensor(1, (1, 20, 20))
    pool = kinds.AveragePool((source,), output, (9, 9), (1, 1), (4, 4, 4, 4))
    with pytest.raises(UnsupportedNetwork, match=r"no padded average pools of more than 63 taps \(t1\)"):
        from_graph(IntegerGraph(source, (pool,)))


@pytest.mark.parametrize(("channels", "groups", "outputs"), [(8, 4, 12), (6, 6, 18), (9, 3, 3)])
def test_grouped_convolutions(channels, groups, outputs):
    source, output = tensor(0, (channels, 7, 10)), tensor(1, (outputs, 7, 10))
    whole = convolution(source, output, kernel=3)
    grouped = replace(whole, weights=whole.weights[:, : channels // groups])
    (layer,) = assert_equal(IntegerGraph(source, (grouped,))).layers
    assert layer.macs == 9 * 70 * outputs * channels // groups


@pytest.mark.parametrize("number", [0.01, 0.99, 1.0, 1.3, 1.99])
def test_factors_below_two(number):
    source, output = tensor(0, (1, 6, 9)), tensor(1, (4, 6, 9))
    assert_equal(IntegerGraph(source, (convolution(source, output, number=number),)))


def test_a_factor_of_two_is_refused():
    source, output = tensor(0, (1, 6, 9)), tensor(1, (4, 6, 9))
    graph = IntegerGraph(source, (convolution(source, output, number=2.0),))
    with pytest.raises(UnsupportedNetwork, match=r"no factors of 2 or more \(t1\)"):
        from_graph(graph)


@pytest.mark.parametrize("scale", [0.011, 0.04, 0.05, 0.2])
@pytest.mark.parametrize("activation", ["NONE", "RELU", "RELU6"])
def test_changes_of_scale_and_activations_that_stand_alone(scale, activation):
    source = tensor(0, (3, 5, 10))
    output = tensor(1, (3, 5, 10), scale=scale, zero=4, activation=activation)
    table = rescaling(source, output, source.scale / output.scale)
    assert_equal(IntegerGraph(source, (kinds.Lookup((source,), output, activation, table),)))


def test_other_functions_are_refused():
    source, output = tensor(0, (3, 5, 10)), tensor(1, (3, 5, 10))
    lookup = kinds.Lookup((source,), output, "HARD_SWISH", hard_swish(source, output))
    with pytest.raises(UnsupportedNetwork, match=r"no HARD_SWISH \(t1\)"):
        from_graph(IntegerGraph(source, (lookup,)))


def test_concatenations():
    source = tensor(0, (3, 9, 11))
    first, second, third = (tensor(n, (4 + n, 9, 11)) for n in (1, 2, 3))
    joint, wider = tensor(4, (11, 9, 11)), tensor(5, (18, 9, 11))
    scores, softmax = tensor(6, (5, 9, 11)), tensor(7, (5, 9, 11), scale=1 / 256, zero=-128)
    graph = IntegerGraph(
        source,
        (
            convolution(source, first, kernel=3, seed=1),
            convolution(first, second, seed=2),
            kinds.Concatenation((second, first), joint),
            convolution(joint, third, kernel=3, number=0.002, seed=3),
            # One of these maps is joined already, and a map is itself joined.
            kinds.Concatenation((joint, third), wider),
            convolution(wider, scores, number=0.003, seed=4),
            kinds.Softmax((scores,), softmax, 1.0),
        ),
    )
    layers = assert_equal(graph)
    assert [len(parts) for parts in layers.joined.values()] == [2, 2]
    assert [layer.output for layer in layers.layers] == [1, 2, 3, 8, 6]


def test_scores_that_are_joined_are_copied():
    source, first, joint = tensor(0, (3, 4, 4)), tensor(1, (4, 4, 4)), tensor(2, (8, 4, 4))
    graph = IntegerGraph(source, (convolution(source, first), kinds.Concatenation((first, first), joint)))
    assert len(assert_equal(graph).layers) == 3


@pytest.mark.parametrize("scales", [(0.05, 0.08), (0.08, 0.05)])
def test_additions_of_stored_maps(scales):
    """Of the image, of a map with itself, and of maps that other layers read, too."""
    source = tensor(0, (6, 7, 9), scale=scales[0])
    first, second, third, fourth, scores = (
        tensor(number, (6, 7, 9), scale=scales[number % 2], zero=number) for number in (1, 2, 3, 4, 5)
    )
    graph = IntegerGraph(
        source,
        (
            convolution(source, first, kernel=3),
            kinds.Addition((source, first), second),
            kinds.Addition((second, second), third),
            convolution(third, fourth, seed=5),
            kinds.Addition((first, second), scores),
        ),
    )
    assert_equal(graph)


def test_a_traced_network_with_branches():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
            self.squeeze = nn.Conv2d(8, 4, 1)
            self.one, self.three = nn.Conv2d(4, 5, 1), nn.Conv2d(4, 6, 3, padding=1)
            self.last = nn.Conv2d(11, 10, 1)
            self.pool = nn.MaxPool2d(3, 2, padding=1)

        def forward(self, x):
            pooled = self.pool(torch.relu(self.first(x)))
            squeezed = torch.relu(self.squeeze(pooled))
            joint = torch.cat([torch.relu(self.one(squeezed)), torch.relu(self.three(squeezed))], 1)
            return torch.relu(self.last(joint)).mean((2, 3))

    torch.manual_seed(3)
    images = torch.randn(4, 3, 30, 30).numpy()
    layers = assert_equal(quantise_network(Branches().eval(), images))
    assert layers.joined


@pytest.mark.parametrize(
    ("strides", "message"), [((3, 3), r"no strides of \(3, 3\) \(t1\)"), ((1, 2), r"no strides of \(1, 2\) \(t1\)")]
)
def test_strides_are_refused(strides, message):
    source = tensor(0, (3, 9, 9))
    sizes = [(9 - 3) // stride + 1 for stride in strides]
    pool = kinds.MaxPool((source,), tensor(1, (3, *sizes)), (3, 3), strides, (0, 0, 0, 0))
    with pytest.raises(UnsupportedNetwork, match=message):
        from_graph(IntegerGraph(source, (pool,)))


def test_shapes_that_maps_do_not_have_are_refused():
    source, other, output = tensor(0, (4, 4, 6)), tensor(1, (2, 8, 6)), tensor(2, (3, 8, 6))
    graph = IntegerGraph(source, (kinds.Reshape((source,), other), convolution(other, output)))
    with pytest.raises(UnsupportedNetwork, match=r"in another shape \(t1\)"):
        from_graph(graph)
    wide, total = tensor(3, (4, 6, 8)), tensor(4, (4, 6, 8))
    graph = IntegerGraph(source, (kinds.Pad((source,), wide, (1, 1, 1, 1)), kinds.Addition((wide, wide), total)))
    with pytest.raises(UnsupportedNetwork, match=r"pads only what convolutions and pools read \(t3\)"):
        from_graph(graph)
