"""Networks of a user: a file in integers or in ONNX, or a Python function that makes a PyTorch module."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from silicodec.models.networks.integer import IntegerNetwork
from silicodec.models.networks.network import Images, Network, NetworkError
from silicodec.models.networks.state_dict import load_state_dict

if TYPE_CHECKING:
    from silicodec.models.networks.tflite import IntegerGraph

IMAGENET_SHAPE = (3, 224, 224)
WITH_BACKGROUND = 1001
"""Scores of ImageNet networks whose class 0 is the background."""


class _WithoutImages(Network):
    def images(self, count: int | None = None, folder: str | Path | None = None) -> Images:
        """Get images, which must be given."""
        if folder is None:
            raise NetworkError(f"network {self.name} has no images of its own: give a folder or a file of them")
        return super().images(count, folder)

    def _data_set_images(self, count: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        raise NotImplementedError


@dataclass(frozen=True)
class FileNetwork(IntegerNetwork, _WithoutImages):
    """A network in integers: a ``.tflite`` or ``.onnx`` file, or an ``.npz`` file that `silicodec quantise` wrote."""

    packages: ClassVar[Mapping[str, str]] = {"torch": "networks", "PIL": "networks"}

    def _load(self) -> "IntegerGraph":
        assert self.weights is not None
        return _read_graph(self.weights)[0]


def file_network(path: Path) -> FileNetwork:
    """Make a network of a file.

    Images enter as the file says, or, where it does not (all but ``.npz``), so that pixels from 0 to 255 take all of
    its input's integers.

    Raises
    ------
    NetworkError
        When the file is missing, or does not hold a network that can be computed here.
    """
    if not path.is_file():
        raise NetworkError(f"there is no file {path}")
    graph, preparation = _read_graph(path)
    source = graph.source
    if len(source.shape) != 3:
        raise NetworkError(f"{path} takes {source.shape}, which are no images")
    if preparation is None:
        deviation = 1 / (source.scale * (source.high - source.low))
        mean = -source.low * source.scale * deviation
        preparation = (mean,) * source.shape[0], (deviation,) * source.shape[0]
    channels, height, width = source.shape
    return FileNetwork(
        name=path.stem,
        summary="network in 8-bit integers",
        source=str(path),
        data_set="none",
        input_shape=(channels, height, width),
        mean=preparation[0],
        deviation=preparation[1],
        weights=path,
    )


def _read_graph(path: Path) -> "tuple[IntegerGraph, tuple[tuple[float, ...], tuple[float, ...]] | None]":
    from silicodec.models.networks.tflite import TFLiteModel
    from silicodec.models.networks.tflite.archive import load_graph

    if path.suffix == ".npz":
        graph, preparation = load_graph(path)
        return graph, (preparation.mean, preparation.deviation)
    if path.suffix == ".onnx":
        from silicodec.models.networks.onnx import OnnxFile, OnnxModel

        return OnnxModel(OnnxFile(path), path), None
    model = TFLiteModel(path)
    model.first_class = 1 if model.operators[-1].output.shape[0] == WITH_BACKGROUND else 0
    return model, None


class OnnxNetwork(_WithoutImages):
    """A network in floating point in an ``.onnx`` file, which onnx2pytorch turns into a `torch.nn.Module`."""

    packages: ClassVar[Mapping[str, str]] = {"torch": "networks", "onnx2pytorch": "onnx", "PIL": "networks"}

    def _load(self) -> Any:
        from silicodec.models.networks.onnx import OnnxFile, read_module

        assert self.weights is not None
        return read_module(OnnxFile(self.weights), self.weights)


def onnx_network(path: Path) -> OnnxNetwork | FileNetwork:
    """Make a network of an ONNX file, in floating point or in integers.

    To a network in floating point, pixels enter as they are, in 0 .. 1; to one in integers as of `file_network`.

    Raises
    ------
    NetworkError
        When the file is missing, what reads it is not installed, or does not know what it holds.
    """
    if not path.is_file():
        raise NetworkError(f"there is no file {path}")
    for package in ("torch", "onnx"):
        if find_spec(package) is None:
            raise NetworkError(f"{path} needs {package}: pip install 'silicodec[onnx]'")
    from silicodec.models.networks.onnx import OnnxFile

    file = OnnxFile(path)
    if file.is_integer:
        return file_network(path)
    channels, height, width = file.image_shape
    return OnnxNetwork(
        name=path.stem,
        summary="ONNX",
        source=str(path),
        data_set="none",
        input_shape=(channels, height, width),
        mean=(0.0,) * channels,
        deviation=(1.0,) * channels,
        weights=path,
    )


@dataclass(frozen=True)
class FunctionNetwork(_WithoutImages):
    """What a function makes: a `torch.nn.Module`.

    Attributes
    ----------
    function : str
        ``package.module:name``, or ``FILE.py:name``. It is called without arguments.
    """

    function: str = field(kw_only=True)

    def _load(self) -> Any:
        module = call(self.function)
        return module.eval() if self.weights is None else load_state_dict(module, self.weights, self.name)


def function_network(function: str) -> FunctionNetwork:
    """Make a network of a function.

    The module may have attributes ``input_shape`` (channels, height, width), ``mean`` and ``deviation`` (a number for
    each channel); without them the shape is 3 x 224 x 224, and pixels enter as they are, in 0 .. 1.

    Raises
    ------
    NetworkError
        When it cannot be found or called, or gives something else than a module.
    """
    module = call(function)
    shape = tuple(getattr(module, "input_shape", IMAGENET_SHAPE))
    channels = shape[0]
    return FunctionNetwork(
        name=function.rpartition(":")[2],
        summary=type(module).__name__,
        source=function,
        data_set="none",
        input_shape=shape,
        mean=tuple(getattr(module, "mean", (0.0,) * channels)),
        deviation=tuple(getattr(module, "deviation", (1.0,) * channels)),
        function=function,
    )


def call(function: str) -> Any:
    """Call ``package.module:name`` or ``FILE.py:name`` for a `torch.nn.Module`."""
    from torch import nn

    place, _, name = function.rpartition(":")
    try:
        made = getattr(_import(place), name)()
    except Exception as error:  # whatever a user's code raises
        reason = next(iter(str(error).splitlines()), "")
        raise NetworkError(f"{function} gives no network: {type(error).__name__}: {reason}".rstrip(": ")) from error
    if not isinstance(made, nn.Module):
        raise NetworkError(f"{function} gives {type(made).__name__}, not a torch.nn.Module")
    return made


def _import(place: str) -> Any:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    path = Path(place).resolve()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no file {place}")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class ModuleNetwork(_WithoutImages):
    """A network as a Python object: a `torch.nn.Module`, or an `IntegerGraph`.

    Attributes
    ----------
    model : torch.nn.Module or IntegerGraph
        The network.
    """

    model: Any = field(kw_only=True, repr=False)

    def _load(self) -> Any:
        return self.model


class IntegerModuleNetwork(ModuleNetwork, IntegerNetwork):
    """The same of a network in integers."""


def module_network(model: Any, shape: tuple[int, ...]) -> ModuleNetwork:
    """Make a network of a Python object that takes images of a shape, normalised already.

    Raises
    ------
    NetworkError
        For anything but a module or a network in integers.
    """
    from torch import nn

    from silicodec.models.networks.tflite import IntegerGraph

    if not isinstance(model, nn.Module | IntegerGraph):
        raise NetworkError(
            f"a network must be a name, a torch.nn.Module or an IntegerGraph, not {type(model).__name__}"
        )
    if len(shape) != 3:
        raise NetworkError(f"images must be (N, C, H, W), not of {1 + len(shape)} dimensions")
    channels, height, width = shape
    make = IntegerModuleNetwork if isinstance(model, IntegerGraph) else ModuleNetwork
    return make(
        name=type(model).__name__,
        summary="given",
        source="given",
        data_set="given",
        input_shape=(channels, height, width),
        mean=(0.0,) * channels,
        deviation=(1.0,) * channels,
        model=model.eval() if isinstance(model, nn.Module) else model,
    )
