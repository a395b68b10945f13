"""Networks and images of a user, in Python."""

import os

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402

from silicodec.models.evaluation.compression import EvaluationError, evaluate  # noqa: E402
from silicodec.models.networks import NetworkError, get_network  # noqa: E402
from silicodec.models.networks.custom import module_network  # noqa: E402
from silicodec.models.networks.quantised import quantise_network  # noqa: E402
from silicodec.models.networks.sources import read_images  # noqa: E402

needs_data = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")
SHAPE = (3, 8, 8)


@pytest.fixture
def model():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(12, *SHAPE)).astype(np.float32)


def test_a_module_is_evaluated_on_images(model, images):
    by_default = evaluate(model, images)
    assert {record["codec"] for record in by_default.totals} == {"ebpc", "bpc", "zvc", "zero-rle"}
    named = evaluate(model, ["ebpc"], images=images, workers=0)
    (total,) = named.totals
    assert total["words"] == 12 * 4 * 6 * 6
    graph = quantise_network(model.eval(), images)
    (total,) = evaluate(graph, ["entropy"], images=images).totals
    assert total["number_format"] == "native"
    assert module_network(graph, SHAPE).classify(images).shape == (12,)


def test_what_is_no_network_or_has_no_images_is_named(model, images):
    with pytest.raises(EvaluationError, match="a network of your own needs images"):
        evaluate(model)
    with pytest.raises(NetworkError, match="not int"):
        evaluate(3, images)
    with pytest.raises(NetworkError, match=r"\(N, C, H, W\), not of 3 dimensions"):
        evaluate(model, images[0])


@needs_data
@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [
        ("mobilenet_v2_imagenet_int8", 0.5, 0.5),
        ("mlperf_tiny/pretrainedResnet_quant", 0, 1 / 255),
        ("mlperf_tiny/vww_96_int8", 0, 1),
    ],
)
def test_pixels_take_all_integers_of_a_tflite_file(name, mean, deviation):
    network = get_network(f"{os.environ['SILICODEC_DATA']}/weights/{name}.tflite")
    assert network.mean == pytest.approx((mean,) * 3, abs=0.01)
    assert network.deviation == pytest.approx((deviation,) * 3, rel=0.01)
    changed = get_network(network.source, mean=(0.1, 0.2, 0.3))
    assert (changed.mean, changed.deviation) == ((0.1, 0.2, 0.3), network.deviation)


@needs_data
def test_resnet8_of_mlperf_classifies_cifar10():
    network = get_network(f"{os.environ['SILICODEC_DATA']}/weights/mlperf_tiny/pretrainedResnet_quant.tflite")
    images, labels = network.images(None, f"{os.environ['SILICODEC_DATA']}/cifar10/test_2000.npz")
    chosen = slice(None, None, 10)
    assert np.mean(network.classify(images[chosen]) == labels[chosen]) > 0.7


@needs_data
def test_the_background_of_a_tflite_file_is_no_class():
    network = get_network(f"{os.environ['SILICODEC_DATA']}/weights/mobilenet_v2_imagenet_int8.tflite")
    images, _ = get_network("mobilenetv2-int8").images(2)
    assert np.array_equal(network.classify(images), get_network("mobilenetv2-int8").classify(images))


@pytest.mark.parametrize("layout", ["NHWC", "NCHW", "float"])
def test_images_of_an_array_file(tmp_path, layout):
    pixels = np.random.default_rng(0).integers(0, 256, (5, *SHAPE), np.uint8)
    stored = {"NHWC": pixels.transpose(0, 2, 3, 1), "NCHW": pixels, "float": pixels / 255}[layout]
    np.savez(tmp_path / "images.npz", images=stored, labels=np.arange(5))
    found, labels = read_images(tmp_path / "images.npz", SHAPE, 4)
    np.testing.assert_allclose(found, pixels[:4] / 255, rtol=1e-6)
    assert labels.tolist() == [0, 1, 2, 3]
    np.save(tmp_path / "images.npy", stored)
    assert read_images(tmp_path / "images.npy", SHAPE)[1] is None


def test_images_in_folders_of_classes(tmp_path):
    for place, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("RGB", (8, 8), (100 * place, number, 0)).save(tmp_path / name / f"{number}.png")
    found, labels = read_images(tmp_path, SHAPE, 4)
    assert labels.tolist() == [0, 1, 0, 1]
    assert np.rint(found[:, :2, 0, 0] * 255).tolist() == [[0, 0], [100, 0], [0, 1], [100, 1]]


@needs_data
def test_folders_of_wordnet_classes_have_their_numbers(tmp_path):
    for name in ("n01820546", "n01498041"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "a.png")
    assert read_images(tmp_path, SHAPE)[1].tolist() == [6, 90]


def test_cifar10_as_it_is_published(tmp_path):
    rng = np.random.default_rng(0)
    records = rng.integers(0, 256, (4, 3073), np.uint8)
    records[:, 0] = [3, 1, 4, 1]
    (tmp_path / "test_batch.bin").write_bytes(records.tobytes())
    for place in (tmp_path, tmp_path / "test_batch.bin"):
        found, labels = read_images(place, (3, 32, 32), 3)
        assert labels.tolist() == [3, 1, 4]
        np.testing.assert_allclose(found, records[:3, 1:].reshape(3, 3, 32, 32) / 255, rtol=1e-6)
    with pytest.raises(OSError, match="the network takes"):
        read_images(tmp_path, SHAPE)
    (tmp_path / "test_batch.bin").write_bytes(records.tobytes()[:-1])
    with pytest.raises(OSError, match="is not CIFAR-10 in its binary form"):
        read_images(tmp_path, (3, 32, 32))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pixels": np.zeros((1, *SHAPE), np.uint8)}, "holds pixels, but no `images`"),
        ({"images": np.zeros((1, 3, 9, 9), np.uint8)}, "but the network takes"),
        ({"images": np.full((1, *SHAPE), 7.0)}, "neither uint8 nor in 0 .. 1"),
        ({"images": np.zeros((2, *SHAPE), np.uint8), "labels": np.zeros(3, int)}, "2 images, and labels of shape"),
    ],
)
def test_array_files_that_hold_no_images(tmp_path, arrays, message):
    np.savez(tmp_path / "images.npz", **arrays)
    with pytest.raises(OSError, match=message):
        read_images(tmp_path / "images.npz", SHAPE)
