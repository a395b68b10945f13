"""ImageNet photographs, and the torchvision networks that are trained for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from silicodec.models.networks.network import Network, NetworkError
from silicodec.models.networks.pictures import image_files, read_image
from silicodec.models.networks.state_dict import load_state_dict
from silicodec.models.storage import data_file

if TYPE_CHECKING:
    from torch import nn

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

CHOOSE_ON, REPORT_ON = "imagenet", "imagenet_test"
"""Folders of photographs in SILICODEC_DATA: 24 to choose settings on, and 176 others to report on."""
CLASS_LIST = "imagenet_wnids.txt"


def class_numbers() -> dict[str, int]:
    """Read the number (ILSVRC 2012, 0 .. 999) of each WordNet class, ``imagenet_wnids.txt`` in ``SILICODEC_DATA``."""
    return {line: number for number, line in enumerate(data_file(CLASS_LIST).read_text().split())}


def sample_photographs(shape: tuple[int, int, int], count: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Read photographs: first those to choose settings on, then those to report on.

    A file name begins with its WordNet class.

    Returns
    -------
    pixels : np.ndarray
        float32, (N, channels, height, width), in 0 .. 1.
    labels : np.ndarray
        int64, (N,).

    Raises
    ------
    OSError
        When a folder is missing, or a class is unknown.
    """
    files = [path for name in (CHOOSE_ON, REPORT_ON) for path in image_files(data_file(name))][:count]
    numbers = class_numbers()
    try:
        labels = [numbers[path.name.partition("_")[0]] for path in files]
    except KeyError as error:
        raise OSError(f"{error} is no class in {CLASS_LIST}") from None
    return np.stack([read_image(path, shape) for path in files]), np.array(labels, np.int64)


class SqueezeNet10(Network):
    """SqueezeNet 1.0 with the weights of Deep Compression."""

    def _weights_file(self) -> Path | None:
        return super()._weights_file() or data_file("weights/squeezenet1_0_imagenet_fp16.pt")

    def _load(self) -> "nn.Module":
        from silicodec.models.networks.squeezenet import SqueezeNet

        path = self._weights_file()
        assert path is not None
        return load_state_dict(SqueezeNet(), path, self.name)

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray]:
        return sample_photographs(self.input_shape, count)


class TorchvisionNetwork(Network):
    """A torchvision model of the same name, with the ImageNet weights that torchvision downloads on first use."""

    packages: ClassVar[Mapping[str, str]] = {"torch": "networks", "torchvision": "torchvision", "PIL": "networks"}

    def _load(self) -> "nn.Module":
        from torchvision.models import get_model

        if self.weights is not None:
            return load_state_dict(get_model(self.name, weights=None), self.weights, self.name)
        try:
            return get_model(self.name, weights="IMAGENET1K_V1").eval()
        except (OSError, RuntimeError) as error:  # no connection; a download with a wrong hash
            raise NetworkError(
                f"the weights of {self.name} cannot be downloaded ({error}): give a file of weights instead"
            ) from error

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray]:
        return sample_photographs(self.input_shape, count)
