"""Feature maps, gradient maps and weights: the right ones, in the right order, from an unchanged network."""

import os

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from silicodec.models.networks import capture, get_network
from silicodec.models.networks.capture import CaptureError
from silicodec.models.networks.resnet import ResNet


class Reusing(nn.Module):
    """Calls one activation in place three times, the last time on vectors, as torchvision's networks do."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)
        self.relu = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(2, 2, 3, padding=1)
        self.linear = nn.Linear(2, 4)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        x = self.relu(self.norm(self.first(x)))
        x = self.relu(self.second(x) + x)
        return self.dropout(self.relu(self.linear(x.mean((2, 3)))))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Reusing().eval()


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(5, 1, 6, 6)).astype(np.float32)


def test_feature_maps_of_every_call_in_order(model, images):
    layers = capture.feature_maps(model, images)
    assert [(layer.name, layer.kind) for layer in layers] == [
        ("relu", "feature map"),
        ("relu#2", "feature map"),
        ("relu#3", "feature map"),
    ]
    with torch.no_grad():
        first = model.norm(model.first(torch.from_numpy(images))).clamp(min=0)
        second = (model.second(first) + first).clamp(min=0)
        third = model.linear(second.mean((2, 3))).clamp(min=0)
    for layer, expected in zip(layers, [first, second, third[:, :, None, None]], strict=True):
        np.testing.assert_allclose(layer.values, expected.numpy(), rtol=1e-5, atol=1e-6)


def test_maps_before_the_activation_are_replaced(model, images):
    seen = {}

    def halve(name, maps):
        seen[name] = maps.clone()
        return maps / 2

    scores = capture.scores(model, images, halve, "convolution")
    with torch.no_grad():
        first = model.norm(model.first(torch.from_numpy(images)))
        rectified = (first / 2).clamp(min=0)
        second = model.second(rectified)
        expected = model.linear((second / 2 + rectified).clamp(min=0).mean((2, 3))).clamp(min=0)
    assert list(seen) == ["norm", "second"]
    torch.testing.assert_close(seen["norm"], first)
    torch.testing.assert_close(seen["second"], second)
    torch.testing.assert_close(scores, expected)


def test_gradient_maps_are_those_at_the_activations_input(images):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(32, 4))
    labels = np.array([0, 1, 2, 3, 0])
    (layer,) = capture.gradient_maps(model, images, labels)

    before = model[0](torch.from_numpy(images)).detach().requires_grad_()
    after = before.clamp(min=0)
    cross_entropy(model[3](after.flatten(1)), torch.from_numpy(labels)).backward()
    np.testing.assert_allclose(layer.values, before.grad.numpy(), rtol=1e-5, atol=1e-7)
    assert not layer.values[after.detach().numpy() == 0].any()
    assert layer.values.any()


def test_gradient_maps_come_in_the_order_of_the_feature_maps(model, images):
    names = [layer.name for layer in capture.gradient_maps(model, images, np.zeros(5, np.int64))]
    assert names == [layer.name for layer in capture.feature_maps(model, images)]


def test_capture_repeats_and_leaves_the_network_as_it_was(model, images):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    labels = np.zeros(5, np.int64)
    first = capture.gradient_maps(model, images, labels)
    capture.feature_maps(model, images)
    second = capture.gradient_maps(model, images, labels)

    assert all(np.array_equal(a.values, b.values) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_every_activation_inside_residual_blocks():
    layers = capture.feature_maps(ResNet(blocks_per_stage=3).eval(), np.zeros((1, 3, 32, 32), np.float32))
    assert len(layers) == 19
    assert [layer.name for layer in layers[:3]] == ["relu", "layer1.0.relu1", "layer1.0.relu2"]
    assert [layers[i].values.shape for i in (0, 7, 13)] == [(1, 16, 32, 32), (1, 32, 16, 16), (1, 64, 8, 8)]


def test_weights_are_one_packet_a_layer(model):
    layers = capture.weights(model)
    assert [(layer.name, layer.values.shape) for layer in layers] == [
        ("first", (1, 2, 1, 3, 3)),
        ("second", (1, 2, 2, 3, 3)),
        ("linear", (1, 4, 2)),
    ]
    assert np.array_equal(layers[2].values[0], model.linear.weight.detach().numpy())


def test_network_without_activation_modules(images):
    with pytest.raises(CaptureError, match="no activation module"):
        capture.feature_maps(nn.Conv2d(1, 1, 3), images)


def test_network_without_convolutions(images):
    with pytest.raises(CaptureError, match="no convolution"):
        capture.scores(nn.Flatten(), images, lambda name, maps: maps, "convolution")


def test_gradients_need_labels(model, images):
    with pytest.raises(CaptureError, match="need labels"):
        capture.gradient_maps(model, images, None)


@pytest.fixture(scope="module")
def mobilenet():
    pytest.importorskip("ai_edge_litert")
    if not os.environ.get("SILICODEC_DATA"):
        pytest.skip("SILICODEC_DATA is not set")
    network = get_network("mobilenetv2-int8")
    return network.load(), network.images(2).batch


def test_first_integer_feature_map_is_its_convolution(mobilenet):
    """The words, times one scale, are the convolution of the image with the weights; ReLU6's 6.0 is the word 255."""
    model, images = mobilenet
    feature_map = capture.feature_maps(model, images)[0]
    zero_point = 122  # of the file's first weights: the words stand for -122 .. 133
    weights = (capture.weights(model)[0].values[0] + np.uint8(zero_point)).astype(np.float32) - zero_point
    assert feature_map.values.shape == (2, 32, 112, 112)
    assert feature_map.values.dtype == np.uint8

    padded = nn.functional.pad(torch.from_numpy(images), (0, 1, 0, 1))
    convolved = nn.functional.conv2d(padded, torch.from_numpy(weights), stride=2).numpy()
    for channel in range(32):  # each has a bias of its own, which correlation does not see
        words = feature_map.values[:, channel].astype(np.float32).ravel()
        inside = (words > 0) & (words < 255)
        if len(np.unique(words[inside])) > 50:
            assert np.corrcoef(words[inside], convolved[:, channel].ravel()[inside])[0, 1] > 0.99


def test_integer_networks_have_no_gradients(mobilenet):
    model, images = mobilenet
    with pytest.raises(CaptureError, match="floating point"):
        capture.gradient_maps(model, images, np.zeros(2, np.int64))
