"""Networks in 8-bit integers."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from silicodec.models.networks.imagenet import sample_photographs
from silicodec.models.networks.network import Network
from silicodec.models.storage import data_file

if TYPE_CHECKING:
    from silicodec.models.networks.tflite import TFLiteModel


class TFLiteNetwork(Network):
    """MobileNetV2 with 8-bit weights and activations."""

    number_format: ClassVar[str] = "native"
    packages: ClassVar[Mapping[str, str]] = {"torch": "networks", "ai_edge_litert": "tflite", "PIL": "tflite"}

    def _weights_file(self) -> Path | None:
        return super()._weights_file() or data_file("weights/mobilenet_v2_imagenet_int8.tflite")

    def _load(self) -> "TFLiteModel":
        from silicodec.models.networks.tflite import TFLiteModel

        path = self._weights_file()
        assert path is not None
        return TFLiteModel(path, first_class=1)  # class 0 of 1001 is the background

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        return sample_photographs(self.input_shape, count)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Predict the class of each image of a batch (N, C, H, W); int64, (N,)."""
        return self.load().scores(images).argmax(dim=1).numpy()
