"""Networks that are trained on first use, and then cached."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from silicodec.models.networks.network import Network, NetworkError, load_state_dict
from silicodec.models.storage import cache_folder, written_whole

if TYPE_CHECKING:
    from torch import nn


def load_or_train(
    network: Network, build: Callable[[], "nn.Module"], train: Callable[[], "nn.Module"], cache_name: str
) -> "nn.Module":
    """Load a network from its weights file or from the cache, or train it and fill the cache.

    Parameters
    ----------
    network : Network
        With its own `weights`, or without.
    build, train : callable
        Make the untrained module, and a trained one.
    cache_name : str
        File name in the cache.

    Returns
    -------
    torch.nn.Module
        In evaluation mode.
    """
    import torch

    if network.weights is not None:
        return load_state_dict(network, build(), network.weights)
    cached = cache_folder() / cache_name
    try:
        _check_whole(cached)
        return load_state_dict(network, build(), cached)
    except (OSError, zipfile.BadZipFile, NetworkError):  # not there yet, or damaged
        model = train()
        with written_whole(cached) as path:
            torch.save(model.state_dict(), path)
    return load_state_dict(network, build(), cached)


def _check_whole(path: Path) -> None:
    """Check a file that PyTorch saved, a Zip archive, against its checksums, which PyTorch itself does not."""
    with zipfile.ZipFile(path) as archive:
        if archive.testzip():
            raise zipfile.BadZipFile(f"{path} is damaged")
