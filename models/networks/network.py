"""What a network is: where its weights and images come from, and how to get them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from silicodec.models.networks.sources import read_images


class NetworkError(ValueError):
    """A network that cannot be used: unknown, or its weights, images or packages are missing or damaged."""


class Images(NamedTuple):
    """Images as a network takes them.

    Attributes
    ----------
    batch : np.ndarray
        float32, (N, C, H, W), normalised by the network's mean and deviation.
    labels : np.ndarray or None
        int64, (N,): the true classes, where known.
    """

    batch: np.ndarray
    labels: np.ndarray | None


@dataclass(frozen=True)
class Network(ABC):
    """A network by name.

    Attributes
    ----------
    name, summary : str
        Name for `get_network`, and one line about it.
    source : str
        Where the weights come from.
    data_set : str
        The images that belong to it.
    input_shape : tuple of int
        Channels, height and width of an image.
    mean, deviation : tuple of float
        Per channel: an image with pixels p in 0 .. 1 enters as (p - mean) / deviation.
    top1 : float or None
        Measured top-1 accuracy on `data_set`, where measured.
    weights : Path or None
        File of weights that replaces the network's own.
    """

    name: str
    summary: str
    source: str
    data_set: str
    input_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    top1: float | None = None
    weights: Path | None = field(default=None, kw_only=True)

    number_format: ClassVar[str] = "fixed8"
    """Number format to use when none is asked for."""
    packages: ClassVar[Mapping[str, str]] = {"torch": "networks", "PIL": "networks"}
    """Modules that must be installed, each with the extra of silicodec that brings it."""

    def available(self) -> str | None:
        """Say what is missing: None when the network can be used, else one line with what to do."""
        for module, extra in self.packages.items():
            if find_spec(module) is None:
                return f"{module} is not installed: pip install 'silicodec[{extra}]'"
        try:
            self._weights_file()
        except FileNotFoundError as error:
            return str(error)
        return None

    def load(self) -> Any:
        """Load the network with its weights.

        Returns
        -------
        torch.nn.Module or IntegerGraph
            A module in evaluation mode, which maps a batch (N, C, H, W) to class scores (N, classes), or a network in
            integers.

        Raises
        ------
        NetworkError
            When `available` gives a reason, and when the weights do not fit.
        """
        self.check_available()
        return self._load()

    def images(self, count: int | None = None, folder: str | Path | None = None) -> Images:
        """Get images as the network takes them.

        Parameters
        ----------
        count : int, optional
            How many: the first ones, always the same. All by default.
        folder : path, optional
            Images to use instead of the network's data set, as of `silicodec.models.networks.sources.read_images`.

        Raises
        ------
        NetworkError
            When there are fewer images than `count`, or when they cannot be read.
        """
        if count is not None and count < 1:
            raise NetworkError(f"the number of images must be at least 1, not {count}")
        try:
            if folder is None:
                pixels, labels = self._data_set_images(count)
            else:
                pixels, labels = read_images(Path(folder), self.input_shape, count)
        except OSError as error:
            hint = "" if folder else ", or give images"
            raise NetworkError(f"images for {self.name}: {error}{hint}") from error
        if count is not None and len(pixels) < count:
            place = self.data_set if folder is None else folder
            raise NetworkError(f"{count} images were asked for, but {place} holds {len(pixels)}")
        return Images(self.normalised(pixels[:count]), None if labels is None else labels[:count].astype(np.int64))

    def normalised(self, pixels: np.ndarray) -> np.ndarray:
        """Take pixels in 0 .. 1, float32, (N, C, H, W), to what the network takes."""
        mean, deviation = (np.reshape(np.array(v, np.float32), (-1, 1, 1)) for v in (self.mean, self.deviation))
        return (pixels - mean) / deviation

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Predict the class of each image of a batch (N, C, H, W); int64, (N,)."""
        import torch

        model = self.load()
        with torch.inference_mode():
            batches = [model(batch).argmax(dim=1) for batch in torch.from_numpy(images).split(100)]
        return torch.cat(batches).numpy()

    def check_available(self) -> None:
        """Raise NetworkError with the reason why the network cannot be used, if there is one."""
        if reason := self.available():
            raise NetworkError(f"network {self.name}: {reason}")

    def _weights_file(self) -> Path | None:
        """Find the file of weights (FileNotFoundError when missing); None when the network needs no file."""
        if self.weights is not None and not self.weights.is_file():
            raise FileNotFoundError(f"there is no weights file {self.weights}")
        return self.weights

    @abstractmethod
    def _load(self) -> Any: ...

    @abstractmethod
    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Read the first `count` images, or more: pixels in 0 .. 1, float32, (N, C, H, W), and labels."""
