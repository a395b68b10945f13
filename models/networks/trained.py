"""Small networks that were trained here, and whose weights the package holds.

`scripts/train_networks.py` trains them; the same network trained elsewhere may have other weights, and other figures.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from silicodec.models.networks.network import Network
from silicodec.models.networks.state_dict import load_state_dict
from silicodec.models.storage import written_whole

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class TrainedNetwork(Network):
    """A network with weights in the package.

    Attributes
    ----------
    build : callable
        Makes the untrained module.
    """

    build: Callable[[], "nn.Module"] = field(kw_only=True)

    @abstractmethod
    def train(self) -> "nn.Module":
        """Train a new network, in evaluation mode."""

    def _load(self) -> "nn.Module":
        if self.weights is not None:
            return load_state_dict(self.build(), self.weights, self.name)
        with as_file(files(__package__) / "weights" / f"{self.name}.npz") as path:
            return load_state_dict(self.build(), path, self.name)


def save_weights(model: "nn.Module", path: Path) -> None:
    """Write the weights of a network as a compressed NumPy archive, an array for each tensor of the state dict."""
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
