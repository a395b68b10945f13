"""MNIST networks: the split of the digits, pruning as they learn, and the accuracy of the trained networks."""

import gzip
import os

import numpy as np
import pytest
import torch

from silicodec.models.networks import NetworkError, get_network, mnist

needs_data = pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="SILICODEC_DATA is not set")


def digits_like(count):
    random = np.random.default_rng(0)
    return torch.from_numpy(random.random((count, 1, 28, 28), np.float32)), torch.from_numpy(
        random.integers(0, 10, count)
    )


@pytest.mark.parametrize("build", [mnist.build_lenet5, mnist.build_perceptron])
def test_training_leaves_the_wanted_fraction_of_weights(build):
    model = mnist.train(build, *digits_like(64), density=0.25, epochs=3, batch_size=32)
    weights = torch.cat([parameter.flatten() for parameter in model.parameters() if parameter.ndim > 1])
    assert torch.count_nonzero(weights) == round(0.25 * len(weights))


def test_training_is_deterministic():
    first, second = (
        mnist.train(mnist.build_lenet5, *digits_like(32), density=0.5, epochs=1).state_dict() for _ in range(2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_density_falls_from_one_to_the_final_value():
    densities = [mnist.density_at(progress, 0.1) for progress in (0, 0.1, 0.4, 0.7, 1)]
    assert densities[0] == densities[1] == 1
    assert densities[2] == pytest.approx(0.1 + 0.9 * 0.5**5)
    assert densities[3] == densities[4] == pytest.approx(0.1)


@needs_data
def test_no_digit_is_in_two_parts():
    training, others = mnist.read_digits("training"), mnist.read_digits("others")
    assert (len(training[0]), len(others[0])) == (7000, 3000)
    images = np.concatenate([training[0], others[0]]).reshape(10000, -1)
    assert len(np.unique(images, axis=0)) == 10000
    assert np.bincount(np.concatenate([training[1], others[1]])).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip


def test_without_data_says_what_to_set(monkeypatch):
    monkeypatch.delenv("SILICODEC_DATA", raising=False)
    with pytest.raises(NetworkError, match="network lenet5: set SILICODEC_DATA to the folder that holds mnist/"):
        get_network("lenet5").load()


def test_files_that_are_not_mnist_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SILICODEC_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    for name, size in ((mnist.IMAGES, 16 + 784), (mnist.LABELS, 8 + 1)):
        (tmp_path / name).write_bytes(gzip.compress(bytes(size)))
    with pytest.raises(NetworkError, match="hold 1 images and 1 labels, not 10000"):
        get_network("perceptron").images(1)
