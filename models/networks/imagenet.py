"""ImageNet photographs, and the torchvision networks that are trained for them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from silicodec.models.networks.network import Network, NetworkError, load_state_dict
from silicodec.models.networks.pictures import image_files, read_folder
from silicodec.models.storage import data_file

if TYPE_CHECKING:
    from torch import nn

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

CLASSES = {
    "n01498041": 6,  # stingray
    "n01695060": 48,  # Komodo dragon
    "n01820546": 90,  # lorikeet
    "n02009912": 132,  # American egret
    "n02091467": 174,  # Norwegian elkhound
    "n02101556": 216,  # clumber
    "n02111889": 258,  # Samoyed
    "n02165105": 300,  # tiger beetle
    "n02396427": 342,  # wild boar
    "n02500267": 384,  # indri
    "n02794156": 426,  # barometer
    "n02930766": 468,  # cab
    "n03095699": 510,  # container ship
    "n03325584": 552,  # feather boa
    "n03495258": 594,  # harp
    "n03709823": 636,  # mailbag
    "n03814639": 678,  # neck brace
    "n03937543": 720,  # pill bottle
    "n04081281": 762,  # restaurant
    "n04254120": 804,  # soap dispenser
    "n04380533": 846,  # table lamp
    "n04532670": 888,  # viaduct
    "n07684084": 930,  # French loaf
    "n09246464": 972,  # cliff
}
"""Class number (ILSVRC 2012, 0 .. 999) of the WordNet classes in the set of sample photographs."""


def sample_photographs(shape: tuple[int, int, int], count: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Read photographs from ``imagenet`` in ``SILICODEC_DATA``; a file name begins with its WordNet class.

    Returns
    -------
    pixels : np.ndarray
        float32, (N, channels, height, width), in 0 .. 1.
    labels : np.ndarray or None
        int64, (N,); None when the class of a photograph is unknown.
    """
    folder = data_file("imagenet")
    classes = [CLASSES.get(path.name.partition("_")[0]) for path in image_files(folder)[:count]]
    labels = None if None in classes else np.array(classes, np.int64)
    return read_folder(folder, shape, count), labels


class TorchvisionNetwork(Network):
    """A torchvision model of the same name, with the ImageNet weights that torchvision downloads on first use."""

    packages: ClassVar[Mapping[str, str]] = {"torch": "networks", "torchvision": "torchvision", "PIL": "networks"}

    def _load(self) -> "nn.Module":
        from torchvision.models import get_model

        if self.weights is not None:
            return load_state_dict(self, get_model(self.name, weights=None), self.weights)
        try:
            return get_model(self.name, weights="IMAGENET1K_V1").eval()
        except (OSError, RuntimeError) as error:  # no connection; a download with a wrong hash
            raise NetworkError(
                f"the weights of {self.name} cannot be downloaded ({error}): give a file of weights instead"
            ) from error

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        return sample_photographs(self.input_shape, count)
