"""Files of weights as they are found."""

import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from silicodec.models.networks.network import NetworkError

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts save a state dict."""
PREFIXES = ("module.", "_orig_mod.", "model.")
"""What wrappers of modules put before the name of every tensor."""
SHOWN = 2
"""Names that a message gives of many."""


def load_state_dict(model: Any, path: Path, name: str) -> Any:
    """Load a file of weights (a state dict) into a PyTorch module.

    Parameters
    ----------
    model : torch.nn.Module
        The module to fill.
    path : Path
        A file that ``torch.save`` wrote (``.pt``, ``.pth``, ``.th``), of which only tensors are unpickled, or a NumPy
        archive (``.npz``). The state dict may lie under a key such as ``state_dict``, and the names of its tensors
        may begin with ``module.``, as training on several processors leaves them. Numbers may be of any precision.
    name : str
        The network's, for messages.

    Returns
    -------
    torch.nn.Module
        `model`, in evaluation mode.

    Raises
    ------
    NetworkError
        When the file cannot be read or does not fit the module.
    """
    try:
        tensors = _without_prefixes(_unwrapped(_read(path)), model.state_dict())
    except (OSError, EOFError, RuntimeError, ValueError, TypeError, KeyError, pickle.UnpicklingError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise NetworkError(f"{path} does not hold weights of {name}: {reason}") from error
    if reason := _misfit(tensors, model.state_dict()):
        raise NetworkError(f"{path} does not hold weights of {name}: {reason}")
    model.load_state_dict(tensors, strict=False)
    return model.eval()


def _read(path: Path) -> Any:
    import torch

    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: torch.from_numpy(array) for name, array in file.items()}
        except zipfile.BadZipFile as error:
            raise ValueError(str(error)) from error
    return torch.load(path, map_location="cpu", weights_only=True)


def _unwrapped(contents: Any) -> dict[str, Any]:
    while isinstance(contents, Mapping):
        key = next((key for key in WRAPPERS if isinstance(contents.get(key), Mapping)), None)
        if key is None:
            return dict(contents)
        contents = contents[key]
    raise ValueError(f"it holds {type(contents).__name__}, not a state dict")


def _without_prefixes(tensors: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    for prefix in PREFIXES:
        if tensors and all(name.startswith(prefix) for name in tensors) and not tensors.keys() & wanted.keys():
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _misfit(tensors: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Say how tensors do not fit a module, or nothing."""
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}  # old files have none
    missing = sorted(wanted.keys() - tensors.keys() - counters)
    extra = sorted(tensors.keys() - wanted.keys())
    shapes = [
        f"{name} is {_shape(tensors[name])} instead of {_shape(wanted[name])}"
        for name in wanted.keys() & tensors.keys()
        if _shape(tensors[name]) != _shape(wanted[name])
    ]
    parts = [
        f"{text} {_few(names)}"
        for text, names in (("it lacks", missing), ("it has also", extra), ("of another shape:", sorted(shapes)))
        if names
    ]
    return "; ".join(parts)


def _shape(tensor: Any) -> str:
    return " x ".join(map(str, getattr(tensor, "shape", ()))) or "a number"


def _few(names: Iterable[str]) -> str:
    names = list(names)
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
