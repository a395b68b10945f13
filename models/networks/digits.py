"""The embedded default: a small CNN on the handwritten digits that come with scikit-learn."""

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from silicodec.models.networks.integer import IntegerNetwork, QuantisedNetwork
from silicodec.models.networks.trained import TrainedNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from silicodec.models.networks.tflite import IntegerGraph


class Digits(TrainedNetwork):
    """CNN of three convolutional layers."""

    packages: ClassVar[Mapping[str, str]] = {"torch": "networks", "sklearn": "networks", "PIL": "networks"}

    def train(self) -> "nn.Module":
        """Train a new network, within seconds."""
        import torch

        images, labels = split("train")
        return train(torch.from_numpy(images), torch.from_numpy(labels))

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray]:
        self.check_available()
        return split("test")


class QuantisedDigits(QuantisedNetwork):
    """`Digits` in 8-bit integers. Its ranges come from the images that it was trained on."""

    packages: ClassVar[Mapping[str, str]] = Digits.packages

    def _weights_file(self) -> "Path | None":
        return IntegerNetwork._weights_file(self)  # it needs none

    def _load(self) -> "IntegerGraph":
        from silicodec.models.networks.quantised import quantise_network
        from silicodec.models.networks.tflite.archive import load_graph

        if self.weights is not None:
            return load_graph(self.weights)[0]
        return quantise_network(self.base.load(), self.normalised(split("train")[0]))


def split(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Get a part of the data set: a fixed quarter of each class is for the test.

    Parameters
    ----------
    part : str
        ``train`` (1347 images) or ``test`` (450 images).

    Returns
    -------
    images : np.ndarray
        float32, (N, 1, 8, 8), pixels in 0 .. 1.
    labels : np.ndarray
        int64, (N,).
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = digits.images.astype(np.float32)[:, np.newaxis] / np.float32(16)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, digits.target, test_size=0.25, random_state=0, stratify=digits.target
    )
    return (train_images, train_labels) if part == "train" else (test_images, test_labels)


def build() -> "nn.Module":
    """Make the untrained network: (N, 1, 8, 8) to (N, 10)."""
    from torch import nn

    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 16, 3, padding=1),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(16, 16, 3, padding=1),
            relu2=nn.ReLU(),
            pool=nn.MaxPool2d(2),
            conv3=nn.Conv2d(16, 16, 3, padding=1),
            relu3=nn.ReLU(),
            flatten=nn.Flatten(),
            linear=nn.Linear(16 * 4 * 4, 10),
        )
    )


def train(images: Any, labels: Any, *, epochs: int = 40, batch_size: int = 64) -> "nn.Module":
    """Train a new network on images shifted by up to a pixel; the same machine always gives the same weights.

    Parameters
    ----------
    images, labels : torch.Tensor
        float32 (N, 1, 8, 8) and int64 (N,).
    epochs, batch_size : int
        Length of the training, and images a step.

    Returns
    -------
    torch.nn.Module
        In evaluation mode.
    """
    import torch
    from torch.nn.functional import cross_entropy

    from silicodec.models.networks.reproducible import reproducible

    with reproducible():
        model = build()
        optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.1)
        steps = epochs * math.ceil(len(images) / batch_size)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
        for _ in range(epochs):
            for batch in torch.randperm(len(images)).split(batch_size):
                row, column = torch.randint(-1, 2, (2,)).tolist()
                shifted = images[batch].roll((row, column), dims=(2, 3))
                optimizer.zero_grad()
                cross_entropy(model(shifted), labels[batch]).backward()
                optimizer.step()
                schedule.step()
    return model.eval()
