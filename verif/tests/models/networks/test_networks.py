"""Networks: real weights, real images, and clear errors for what is missing."""

import importlib.machinery
import os
import sys
import types
from hashlib import sha256
from importlib.resources import files
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from silicodec.models.networks import NETWORKS, NetworkError, digits, get_network

needs_data = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="SILICODEC_DATA is not set")


SUMS = {"digits.npz": "9d0316800db5e110", "lenet5.npz": "24cd3faed77e3c7a", "perceptron.npz": "bdd2245fd75e1dc8"}


def test_unknown_network_lists_the_known_ones():
    with pytest.raises(NetworkError, match=r"unknown network 'lenet': did you mean lenet5"):
        get_network("lenet")


@pytest.mark.parametrize(
    "name", ["digits", pytest.param("lenet5", marks=needs_data), pytest.param("perceptron", marks=needs_data)]
)
def test_small_networks_have_their_weights_in_the_package(name):
    network = get_network(name)
    images, labels = network.images()
    assert len(images) == {"digits": 450}.get(name, 3000)
    assert np.mean(network.classify(images) == labels) == pytest.approx(network.top1, abs=0.0021)


def test_the_weights_are_the_published_ones():
    """A change of these files changes published figures."""
    folder = files("silicodec.models.networks") / "weights"
    sums = {file.name: sha256(file.read_bytes()).hexdigest()[:16] for file in folder.iterdir()}
    assert sums == SUMS


def test_digits_training_is_deterministic_and_leaves_random_numbers_alone():
    images, labels = (torch.from_numpy(part[:200]) for part in digits.split("train"))
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = digits.train(images, labels, epochs=2).state_dict()
    torch.manual_seed(2)
    second = digits.train(images, labels, epochs=2).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


@needs_data
@pytest.mark.parametrize(
    ("name", "count", "tolerance"),
    [
        ("resnet20", 400, 0.05),
        ("resnet56", 200, 0.06),
        pytest.param("resnet20", 2000, 0.001, marks=pytest.mark.prove),
        pytest.param("resnet56", 2000, 0.001, marks=pytest.mark.prove),
    ],
)
def test_cifar_networks_reach_their_accuracy(name, count, tolerance):
    network = get_network(name)
    images, labels = network.images(count)
    assert images.shape == (count, 3, 32, 32)
    assert np.mean(network.classify(images) == labels) == pytest.approx(network.top1, abs=tolerance)


@needs_data
def test_first_images_are_a_sample_of_all_classes_and_stay_the_same():
    images, labels = get_network("resnet20").images(100)
    more_images, more_labels = get_network("resnet20").images(200)
    assert set(labels) == set(range(10))
    assert np.array_equal(images, more_images[:100])
    assert np.array_equal(labels, more_labels[:100])


@needs_data
def test_mobilenet_recognises_the_photographs():
    pytest.importorskip("ai_edge_litert")
    network = get_network("mobilenetv2-int8")
    images, labels = network.images(12)
    assert images.shape == (12, 3, 224, 224)
    assert np.sum(network.classify(images) == labels) >= 10


@needs_data
def test_squeezenet_recognises_photographs():
    network = get_network("squeezenet1_0")
    images, labels = network.images(24)
    assert images.shape == (24, 3, 227, 227)
    assert np.sum(network.classify(images) == labels) == 15


@needs_data
def test_photographs_to_report_on_are_not_those_to_choose_on():
    images, labels = get_network("mobilenetv2-int8").images()
    assert len(images) == len({image.tobytes() for image in images}) == 200
    assert len(set(labels[24:])) == 176


def test_missing_data_folder_is_named(monkeypatch):
    monkeypatch.delenv("SILICODEC_DATA", raising=False)
    network = get_network("resnet20")
    assert network.available() == "set SILICODEC_DATA to the folder that holds weights/resnet20_cifar10.pt"
    with pytest.raises(NetworkError, match="network resnet20: set SILICODEC_DATA"):
        network.load()
    with pytest.raises(NetworkError, match=r"images for resnet20: set SILICODEC_DATA .*, or give images"):
        network.images(1)


def test_data_folder_without_the_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SILICODEC_DATA", str(tmp_path))
    assert "there is no weights/resnet56_cifar10.pt in SILICODEC_DATA" in get_network("resnet56").available()


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("vgg16", "torchvision", "torchvision"),
        ("digits", "torch", "networks"),
        ("mobilenetv2-int8", "ai_edge_litert", "tflite"),
    ],
)
def test_missing_package_says_what_to_install(monkeypatch, name, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    reason = get_network(name).available()
    assert reason == f"{module} is not installed: pip install 'silicodec[{extra}]'"
    with pytest.raises(NetworkError, match=module):
        get_network(name).load()


def test_weights_file_that_is_missing_or_of_another_network(tmp_path):
    with pytest.raises(NetworkError, match="there is no weights file"):
        get_network("resnet20", tmp_path / "none.pt").load()
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "linear.pt")
    with pytest.raises(NetworkError, match=r"linear\.pt does not hold weights of resnet20") as caught:
        get_network("resnet20", tmp_path / "linear.pt").load()
    assert "\n" not in str(caught.value)
    assert "it lacks bn1.bias, bn1.running_mean and 95 more; it has also bias, weight" in str(caught.value)


@pytest.mark.parametrize("wrap", ["state_dict", "module.", "both", ".th", "half", "old", "npz"])
def test_weights_are_read_as_they_are_found(tmp_path, wrap):
    tensors = digits.build().state_dict()
    path = tmp_path / ("weights.th" if wrap == ".th" else "weights.npz" if wrap == "npz" else "weights.pt")
    saved = tensors
    if wrap in ("module.", "both"):
        saved = {f"module.{name}": tensor for name, tensor in tensors.items()}
    elif wrap == "half":
        saved = {name: tensor.half() for name, tensor in tensors.items()}
    if wrap in ("state_dict", "both"):
        saved = {"epoch": 3, "state_dict": saved}
    if wrap == "npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in tensors.items()})
    else:
        torch.save(saved, path, _use_new_zipfile_serialization=wrap != "old")
    loaded = get_network("digits", path).load().state_dict()
    tolerance = 1e-3 if wrap == "half" else 0
    assert all(torch.allclose(loaded[name], tensors[name], atol=tolerance, rtol=0) for name in tensors)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (
            {"conv1.weight": torch.zeros(3)},
            r"it lacks conv1\.bias, conv2\.bias and 5 more; of another shape: conv1\.weight",
        ),
        ([1, 2], "it holds list, not a state dict"),
        ({"state_dict": {}}, "it lacks conv1"),
    ],
)
def test_weights_that_do_not_fit_say_how(tmp_path, contents, message):
    torch.save(contents, tmp_path / "weights.pt")
    with pytest.raises(NetworkError, match=message) as caught:
        get_network("digits", tmp_path / "weights.pt").load()
    assert "\n" not in str(caught.value)


def test_tflite_file_that_is_none(tmp_path):
    pytest.importorskip("ai_edge_litert")
    (tmp_path / "text.tflite").write_text("no model")
    with pytest.raises(NetworkError, match="not a TensorFlow Lite model"):
        get_network("mobilenetv2-int8", tmp_path / "text.tflite").load()


@pytest.fixture
def torchvision(monkeypatch):
    """Stand in for torchvision: every network is a small one."""
    package, models = types.ModuleType("torchvision"), types.ModuleType("torchvision.models")
    package.__spec__ = importlib.machinery.ModuleSpec("torchvision", None)
    package.models = models

    def get_model(name, weights):
        assert name in NETWORKS
        assert weights in (None, "IMAGENET1K_V1")
        if weights and models.offline:
            raise URLError("no route to host")
        return nn.Sequential(nn.Conv2d(3, 4, 3, stride=32), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(196, 1000))

    models.offline, models.get_model = False, get_model
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return models


@pytest.mark.parametrize(
    "name", ["alexnet", "vgg16", "resnet18", "resnet34", "resnet50", "mobilenet_v2", "squeezenet1_1"]
)
def test_torchvision_network_loads_from_a_file_or_by_download(torchvision, tmp_path, name):
    saved = torchvision.get_model(name, None)
    torch.save(saved.state_dict(), tmp_path / "weights.pt")
    loaded = get_network(name, tmp_path / "weights.pt").load()
    assert torch.equal(loaded[0].weight, saved[0].weight)
    assert not loaded.training
    assert not get_network(name).load().training


def test_torchvision_download_that_fails(torchvision):
    torchvision.offline = True
    with pytest.raises(NetworkError, match=r"weights of alexnet cannot be downloaded .*give a file of weights"):
        get_network("alexnet").load()


def save_picture(path, colour, size=(40, 30)):
    Image.new("RGB", size, colour).save(path)


def test_folder_of_images_is_resized_and_normalised(tmp_path):
    save_picture(tmp_path / "b.png", (0, 0, 0))
    save_picture(tmp_path / "a.png", (255, 0, 51))
    (tmp_path / "notes.txt").write_text("not an image")
    network = get_network("resnet20")
    images, labels = network.images(folder=tmp_path)
    assert labels is None
    assert images.shape == (2, 3, 32, 32)
    assert images.dtype == np.float32
    expected = (np.array([1.0, 0.0, 0.2]) - network.mean) / network.deviation
    np.testing.assert_allclose(images[0], np.broadcast_to(expected[:, None, None], (3, 32, 32)), rtol=1e-5)


def test_folder_of_images_for_a_grey_network(tmp_path):
    save_picture(tmp_path / "grey.png", (102, 102, 102))
    images, _ = get_network("digits").images(1, tmp_path)
    np.testing.assert_allclose(images, np.full((1, 1, 8, 8), 0.4), rtol=1e-6)


def test_image_is_cut_to_its_centre(tmp_path):
    picture = Image.new("RGB", (64, 32), (255, 255, 255))
    picture.paste((0, 0, 0), (16, 0, 48, 32))
    picture.save(tmp_path / "black_centre.png")
    images, _ = get_network("digits").images(1, tmp_path)
    assert images.max() == 0


def test_folder_errors_name_the_folder_or_the_file(tmp_path):
    network = get_network("digits")
    with pytest.raises(NetworkError, match="there is no folder"):
        network.images(1, tmp_path / "none")
    with pytest.raises(NetworkError, match="no image file in"):
        network.images(1, tmp_path)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(NetworkError, match=r"broken\.png"):
        network.images(1, tmp_path)


@pytest.mark.parametrize(("count", "message"), [(451, "holds 450"), (0, "at least 1")])
def test_number_of_images_that_cannot_be_had(count, message):
    with pytest.raises(NetworkError, match=message):
        get_network("digits").images(count)
