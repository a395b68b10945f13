"""The CIFAR-10 residual networks."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from silicodec.models.networks.network import Network
from silicodec.models.networks.state_dict import load_state_dict
from silicodec.models.storage import data_file

if TYPE_CHECKING:
    from torch import nn


class CifarResNet(Network):
    """ResNet of He et al. 2016, section 4.2; the number at the end of the name is its depth, 6 n + 2."""

    def _weights_file(self) -> Path | None:
        return super()._weights_file() or data_file(f"weights/{self.name}_cifar10.pt")

    def _load(self) -> "nn.Module":
        from silicodec.models.networks.resnet import ResNet

        path = self._weights_file()
        assert path is not None
        depth = int(self.name.removeprefix("resnet"))
        return load_state_dict(ResNet(blocks_per_stage=(depth - 2) // 6), path, self.name)

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray]:
        return sample_test_images(count)


def sample_test_images(count: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Read CIFAR-10 test images: pixels in 0 .. 1, float32, (N, 3, 32, 32), and labels."""
    with np.load(data_file("cifar10/test_2000.npz")) as data:
        images, labels = data["images"], data["labels"]
    # The file is sorted by class: a fixed shuffle makes the first images a sample of all.
    chosen = np.random.default_rng(seed=0).permutation(len(labels))[:count]
    return images[chosen].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255), labels[chosen]
