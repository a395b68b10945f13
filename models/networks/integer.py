"""Networks in 8-bit integers."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from silicodec.models.networks.cifar10 import sample_test_images
from silicodec.models.networks.imagenet import sample_photographs
from silicodec.models.networks.network import Network, NetworkError
from silicodec.models.networks.pictures import read_folder
from silicodec.models.storage import cache_folder, data_file

if TYPE_CHECKING:
    from silicodec.models.networks.tflite import IntegerGraph, TFLiteModel

CALIBRATION_FOLDER = "imagenet_test"
VERSION = 1
"""Increase with every change of quantisation."""


class IntegerNetwork(Network):
    """A network that is an `IntegerGraph`."""

    number_format: ClassVar[str] = "native"

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Predict the class of each image of a batch (N, C, H, W); int64, (N,)."""
        graph = self.load()
        batches = [images[cut : cut + BATCH] for cut in range(0, len(images), BATCH)]
        return np.concatenate([graph.scores(batch).argmax(dim=1).numpy() for batch in batches])


BATCH = 50


@dataclass(frozen=True)
class TFLiteNetwork(IntegerNetwork):
    """A network that others quantised, with ImageNet photographs.

    Attributes
    ----------
    file : str
        Its file in the folder of data.
    first_class : int
        How many scores to skip: 1 where the first one is of the background.
    """

    file: str = field(kw_only=True)
    first_class: int = field(default=0, kw_only=True)

    packages: ClassVar[Mapping[str, str]] = {"torch": "networks", "ai_edge_litert": "tflite", "PIL": "tflite"}

    def _weights_file(self) -> Path | None:
        return super()._weights_file() or data_file(self.file)

    def _load(self) -> "TFLiteModel":
        from silicodec.models.networks.tflite import TFLiteModel

        path = self._weights_file()
        assert path is not None
        return TFLiteModel(path, first_class=self.first_class)

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        return sample_photographs(self.input_shape, count)


class CifarTFLiteNetwork(TFLiteNetwork):
    """A network that others quantised, with CIFAR-10's images."""

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        return sample_test_images(count)


@dataclass(frozen=True)
class QuantisedNetwork(IntegerNetwork):
    """A network in floating point, quantised after its training.

    Its ranges come from ImageNet photographs of the size of its images, so that all of its own images are left to
    report on. It is quantised on first use, and then cached.

    Attributes
    ----------
    base : Network
        The network in floating point.
    """

    base: Network = field(kw_only=True)

    def _weights_file(self) -> Path | None:
        if self.weights is None:
            data_file(CALIBRATION_FOLDER)
        return super()._weights_file() or self.base._weights_file()

    def _load(self) -> "IntegerGraph":
        from silicodec.models.networks.quantised import quantise_network
        from silicodec.models.networks.tflite.archive import Preparation, load_graph, save_graph

        if self.weights is not None:
            return load_graph(self.weights)[0]
        path = self._weights_file()
        assert path is not None
        cached = cache_folder() / f"{self.name}-v{VERSION}-{zlib.crc32(path.read_bytes()):08x}.npz"
        try:
            return load_graph(cached)[0]
        except NetworkError:  # not there yet, or damaged
            pixels = read_folder(data_file(CALIBRATION_FOLDER), self.input_shape)
            graph = quantise_network(self.base.load(), self.normalised(pixels))
            save_graph(cached, graph, Preparation(self.mean, self.deviation))
        return load_graph(cached)[0]

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        return self.base._data_set_images(count)
