"""Post-training quantisation: integers close to the real numbers, and the ResNets within half a per cent."""

import os
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from silicodec.models.networks import NetworkError, get_network  # noqa: E402
from silicodec.models.networks.capture import CaptureError, scores  # noqa: E402
from silicodec.models.networks.quantised import Calibration, quantise_network  # noqa: E402
from silicodec.models.networks.quantised.build import _rounded  # noqa: E402
from silicodec.models.networks.resnet import BasicBlock  # noqa: E402
from silicodec.models.networks.tflite.archive import Preparation, load_graph, save_graph  # noqa: E402
from silicodec.models.networks.tflite.convolution import Convolution  # noqa: E402

needs_data = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")


class EveryLayer(nn.Module):
    """All that can be quantised, in one network."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu1 = nn.ReLU6()
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.linear_bottleneck = nn.Conv2d(8, 6, 1)
        self.block = BasicBlock(8, 16, stride=2)
        self.pool = nn.MaxPool2d(2)
        self.average = nn.AvgPool2d(2)
        self.dropout = nn.Dropout()
        self.hidden = nn.Linear(22 * 4, 10)
        self.relu2 = nn.ReLU()
        self.linear = nn.Linear(10, 5)

    def forward(self, x):
        x = self.relu1(self.bn1(self.conv1(functional.pad(x, (1, 0, 0, 1)))))
        wide = functional.relu(self.depthwise(x))
        narrow = self.pool(self.pool(self.linear_bottleneck(wide)))
        deep = self.average(self.block(x + wide))
        x = torch.flatten(torch.cat([narrow, deep], dim=1), 1)
        return self.linear(self.relu2(self.hidden(self.dropout(x))))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    model = EveryLayer()
    with torch.no_grad():  # statistics that batch normalisation has to fold in
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.3, 2)
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.3, 0.3)
    return model.eval()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(40, 3, 15, 15)).astype(np.float32)


def test_scores_are_close_to_those_in_floating_point(model, images):
    graph = quantise_network(model, images)
    with torch.inference_mode():
        expected = model(torch.from_numpy(images))
    errors = (graph.scores(images) - expected).abs()
    assert errors.max() < 0.06 * (expected.max() - expected.min())
    assert errors.mean() < 0.012 * (expected.max() - expected.min())


def test_tensors_have_the_names_of_the_modules_that_end_the_layers(model, images):
    graph = quantise_network(model, images)
    names = [operator.output.name for operator in graph.operators]
    assert names[:2] == ["pad", "relu1"]
    assert {"linear_bottleneck", "block.relu1", "block.bn2", "block.relu2", "relu2", "linear"} <= set(names)
    activated = {operator.output.name for operator in graph.operators if operator.output.activation != "NONE"}
    assert activated == {"relu1", "relu", "block.relu1", "block.relu2", "relu2"}


def test_a_shortcut_of_option_a_is_exact(model, images):
    graph = quantise_network(model, images)
    values = graph.values(images[:4])
    (shortcut,) = (
        o for o in graph.operators if isinstance(o, Convolution) and o.strides == (2, 2) and "pad" in o.output.name
    )
    taken = values[shortcut.inputs[0].number][:, :, ::2, ::2]
    assert shortcut.strides == (2, 2)
    assert torch.equal(values[shortcut.output.number], functional.pad(taken, (0, 0, 0, 0, 4, 4)))


def test_every_tensor_can_be_replaced(model, images):
    graph = quantise_network(model, images)
    seen = {}
    same = scores(graph, images[:2], lambda name, words: seen.setdefault(name, words), "tensor")
    assert torch.equal(same, graph.scores(images[:2]))
    assert seen["relu1"].dtype == torch.uint8
    assert seen["linear_bottleneck"].dtype == torch.int8
    with pytest.raises(CaptureError, match="a network in integers"):
        scores(model, images[:2], lambda name, words: None, "tensor")


def test_percentile_narrows_the_ranges(model, images):
    outlier = images.copy()
    outlier[0, 0, 0, 0] = 50
    widest = quantise_network(model, outlier).source.scale
    narrow = quantise_network(model, outlier, Calibration("percentile", 99.9)).source.scale
    assert widest > 50 / 256
    assert narrow < 10 / 256


@pytest.mark.parametrize("arguments", [("mean", 99.0), ("percentile", 50), ("percentile", 101)])
def test_calibration_that_cannot_be(arguments):
    with pytest.raises(NetworkError, match=r"calibration|percentile"):
        Calibration(*arguments)


def test_scales_take_few_bits():
    assert _rounded(1 / 3) == round(4096 * 2 / 3) / 4096 / 2
    assert _rounded(0.37) == _rounded(0.37 * (1 + 1e-7))


class Unknown(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.gelu = nn.GELU()

    def forward(self, x):
        return self.gelu(self.conv(x)).mean((2, 3))


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_what_has_no_counterpart_is_named(images):
    with pytest.raises(NetworkError, match=r"holds an operation GELU \(gelu\), which has no counterpart in integers"):
        quantise_network(Unknown().eval(), images)
    with pytest.raises(NetworkError, match="cannot be traced") as caught:
        quantise_network(Branching().eval(), images)
    assert "\n" not in str(caught.value)


def test_a_file_gives_the_same_network(model, images, tmp_path):
    graph = quantise_network(model, images)
    save_graph(tmp_path / "network.npz", graph, Preparation((0.5,), (0.25,)))
    again, preparation = load_graph(tmp_path / "network.npz")
    assert preparation == Preparation((0.5,), (0.25,))
    assert again.source == graph.source
    first, second = graph.values(images[:3]), again.values(images[:3])
    assert list(first) == list(second)
    assert all(torch.equal(first[number], second[number]) for number in first)


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut", "another archive"])
def test_a_file_that_holds_none(model, images, tmp_path, damage):
    path = tmp_path / "network.npz"
    save_graph(path, quantise_network(model, images), Preparation((0,), (1,)))
    if damage == "missing":
        path.unlink()
    elif damage == "another archive":
        np.savez(path, graph=np.zeros(3))
    else:
        path.write_bytes({"empty": b"", "text": b"no archive", "cut": path.read_bytes()[:2000]}[damage])
    with pytest.raises(NetworkError, match="does not hold a network in integers") as caught:
        load_graph(path)
    assert "\n" not in str(caught.value)


def test_the_arithmetic_is_that_of_the_format_document(model, images):
    """docs/formats/integer-network.md, "Arithmetic", in plain Python, for one output of each channel."""
    graph = quantise_network(model, images)
    values = graph.values(images[:1])
    checked = 0
    for layer in graph.layers[1:]:
        if not isinstance(layer, Convolution) or layer.padding != (0, 0, 0, 0):
            continue
        v = values[layer.inputs[0].number][0].numpy().astype(int)
        for channel, weights in enumerate(layer.weights.numpy().astype(int)):
            window = v[:, : weights.shape[1], : weights.shape[2]]
            x = int(layer.bias[channel]) + int((window * weights).sum())
            f, s = (int(column[channel]) for column in (layer.multiplier.factors, layer.multiplier.shifts))
            x = ((x << max(-s, 0)) * f + 2**30) >> 31
            half = 2 ** (s - 1) if s > 0 else 0
            x = (x + half - (layer.multiplier.halves_away and x < 0 and s > 0)) >> max(s, 0)
            expected = min(max(x, layer.output.low), layer.output.high)
            assert values[layer.output.number][0, channel, 0, 0] == expected
            checked += 1
    assert checked == 6 + 16


@needs_data
@pytest.mark.prove
@pytest.mark.parametrize("name", ["resnet20", "resnet56"])
def test_resnets_lose_at_most_half_a_per_cent(name, tmp_path, monkeypatch):
    """On images none of which was used to calibrate."""
    monkeypatch.setenv("SILICODEC_CACHE", str(tmp_path))
    before, after = get_network(name), get_network(f"{name}-int8")
    images, labels = after.images(2000)
    right = np.mean(after.classify(images) == labels)
    assert right >= np.mean(before.classify(images) == labels) - 0.005
    assert right == pytest.approx(after.top1, abs=0.002)
    (cached,) = tmp_path.iterdir()
    again = replace(after, weights=cached).classify(images[:50])
    assert np.array_equal(again, after.classify(images[:50]))
