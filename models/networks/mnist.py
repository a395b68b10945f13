"""LeNet-5 and a two-layer perceptron on real MNIST digits, pruned as they learned.

`SILICODEC_DATA` holds MNIST's 10,000 test digits, in MNIST's own format. A fixed shuffle makes 8,000 of them the
training set, the last 1,000 of which are held out for choices that need images; the other 2,000 are the test set.

Training prunes by magnitude, gradually (M. Zhu, S. Gupta, "To prune, or not to prune", arXiv 1710.01878): the fraction
of weights that may be nonzero, over all layers together, falls from one to its final value while the network learns.
"""

import gzip
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from silicodec.models.networks.trained import TrainedNetwork
from silicodec.models.storage import data_file

if TYPE_CHECKING:
    from torch import nn

IMAGES = "mnist/t10k-images-idx3-ubyte.gz"
LABELS = "mnist/t10k-labels-idx1-ubyte.gz"
TRAINING_DIGITS = 7000
HELD_OUT_DIGITS = 1000
_DIGITS = 10_000
_PRUNING = 0.1, 0.7
"""Fractions of the training at which pruning begins and ends."""
_PRUNING_EXPONENT = 5
_STEPS_BETWEEN_PRUNINGS = 10


def build_lenet5() -> "nn.Module":
    """Make an untrained LeNet-5 (Y. LeCun et al. 1998, with ReLU and maximum pooling): (N, 1, 28, 28) to (N, 10)."""
    from torch import nn

    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 6, 5, padding=2),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(6, 16, 5),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            linear3=nn.Linear(400, 120),
            relu3=nn.ReLU(),
            linear4=nn.Linear(120, 84),
            relu4=nn.ReLU(),
            linear5=nn.Linear(84, 10),
        )
    )


def build_perceptron() -> "nn.Module":
    """Make an untrained perceptron of 300 hidden units (Y. LeCun et al. 1998): (N, 1, 28, 28) to (N, 10)."""
    from torch import nn

    return nn.Sequential(
        OrderedDict(flatten=nn.Flatten(), linear1=nn.Linear(784, 300), relu1=nn.ReLU(), linear2=nn.Linear(300, 10))
    )


@dataclass(frozen=True)
class Mnist(TrainedNetwork):
    """A network on MNIST's digits.

    Attributes
    ----------
    density : float
        Fraction of the weights that may be nonzero after training.
    """

    density: float = field(kw_only=True)

    def _weights_file(self) -> Path | None:
        for name in (IMAGES, LABELS):
            data_file(name)
        return super()._weights_file()

    def train(self) -> "nn.Module":
        """Train and prune a new network, within minutes."""
        import torch

        images, labels = read_digits("training")
        return train(self.build, torch.from_numpy(images), torch.from_numpy(labels), density=self.density)

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray]:
        return read_digits("others")


def read_digits(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a part of the digits.

    Parameters
    ----------
    part : str
        ``training`` (7,000 digits) or ``others``: the 1,000 that are held out, then the 2,000 for the test.

    Returns
    -------
    images : np.ndarray
        float32, (N, 1, 28, 28), pixels in 0 .. 1.
    labels : np.ndarray
        int64, (N,).

    Raises
    ------
    OSError
        When a file is missing or is not MNIST's.
    """
    images = _read_idx(IMAGES, header_bytes=16).reshape(-1, 1, 28, 28)
    labels = _read_idx(LABELS, header_bytes=8)
    if len(images) != _DIGITS or len(labels) != _DIGITS:
        raise OSError(f"the MNIST files hold {len(images)} images and {len(labels)} labels, not {_DIGITS}")
    order = np.random.default_rng(seed=0).permutation(_DIGITS)
    chosen = order[:TRAINING_DIGITS] if part == "training" else order[TRAINING_DIGITS:]
    return images[chosen].astype(np.float32) / np.float32(255), labels[chosen].astype(np.int64)


def _read_idx(name: str, header_bytes: int) -> np.ndarray:
    with gzip.open(data_file(name)) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header_bytes)


def train(
    build: Callable[[], "nn.Module"],
    images: Any,
    labels: Any,
    *,
    density: float,
    epochs: int = 60,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
) -> "nn.Module":
    """Train and prune a new network on images shifted by up to a pixel; the same machine gives the same weights.

    Parameters
    ----------
    build : callable
        Makes the untrained module.
    images, labels : torch.Tensor
        float32 (N, 1, 28, 28) and int64 (N,).
    density : float
        Fraction of the weights that may be nonzero in the end; 1 for no pruning.
    epochs, batch_size : int
        Length of the training, and images a step.
    learning_rate : float
        Its largest value, in a cycle of one rise and one fall.

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
        weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
        pruned = [torch.zeros_like(weight, dtype=torch.bool) for weight in weights]
        optimizer = torch.optim.Adam(model.parameters())
        steps = epochs * math.ceil(len(images) / batch_size)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, steps, pct_start=0.2)
        step = 0
        for _ in range(epochs):
            for batch in torch.randperm(len(images)).split(batch_size):
                row, column = torch.randint(-1, 2, (2,)).tolist()
                shifted = images[batch].roll((row, column), dims=(2, 3))
                optimizer.zero_grad()
                cross_entropy(model(shifted), labels[batch]).backward()
                optimizer.step()
                schedule.step()
                step += 1
                if step % _STEPS_BETWEEN_PRUNINGS == 0 or step == steps:
                    pruned = smallest(weights, density_at(step / steps, density))
                with torch.no_grad():
                    for weight, is_pruned in zip(weights, pruned, strict=True):
                        weight[is_pruned] = 0
    return model.eval()


def density_at(progress: float, density: float) -> float:
    """Return the fraction of weights that may be nonzero at a point of the training, 0 .. 1."""
    begin, end = _PRUNING
    remaining = 1 - min(max((progress - begin) / (end - begin), 0), 1)
    return density + (1 - density) * remaining**_PRUNING_EXPONENT


def smallest(weights: list[Any], density: float) -> list[Any]:
    """Mark the weights that are not among the largest in magnitude of all layers together."""
    import torch

    magnitudes = torch.cat([weight.detach().abs().flatten() for weight in weights])
    limit = magnitudes.topk(max(1, round(density * len(magnitudes)))).values[-1]
    return [weight.detach().abs() < limit for weight in weights]
