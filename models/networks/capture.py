"""Feature maps, gradient maps and weights, taken out of a network.

* A *feature map* is what an activation function puts out.
* A *gradient map* is the gradient of the loss that leaves an activation function on the way back, that is, with respect
  to its input: it is what a training accelerator streams on to the layer before, and it is zero wherever ReLU was off.
* *Weights* are those of convolutions and linear layers.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.hooks import RemovableHandle

from silicodec.models.networks.reproducible import reproducible
from silicodec.models.networks.tflite import IntegerGraph

Kind = Literal["feature map", "gradient map", "weight"]
Model = nn.Module | IntegerGraph
Point = Literal["activation", "convolution", "tensor"]
POINTS: tuple[Point, ...] = get_args(Point)
"""Where `scores` replaces feature maps: at the output of every activation function; at that of every convolution, after
its batch normalisation where it has one, and so before the activation; or, of a network in integers, at that of every
operator, linear ones too."""

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish)
CONVOLUTIONS = (nn.Conv2d, nn.Linear)


class CaptureError(ValueError):
    """A network, or its images, that nothing can be taken from."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A tensor of one layer.

    Attributes
    ----------
    name : str
        The module's path in the network. From the second call of a module on, ``#2``, ``#3``, ... follow.
    kind : str
        ``feature map``, ``gradient map`` or ``weight``.
    values : np.ndarray
        (N, C, H, W) for N images, (1, out, in, height, width) or the like for weights: the first axis counts packets.
        float32, or the network's own integer words.
    """

    name: str
    kind: Kind
    values: np.ndarray


def feature_maps(model: nn.Module | IntegerGraph, images: np.ndarray, *, training: bool = False) -> list[Layer]:
    """Take the feature maps after every activation function, in the order of computation.

    Parameters
    ----------
    model : torch.nn.Module or IntegerGraph
        What `Network.load` gives. Activations must be modules (`ACTIVATIONS`); one that is called several times gives
        a layer each time.
    images : np.ndarray
        float32, (N, C, H, W), normalised.
    training : bool
        Run the network as in training, on a copy: batch normalisation by the batch's own statistics, and dropout, which
        is the same every time.

    Returns
    -------
    list of Layer
        Values (N, C, H, W); H = W = 1 after linear layers.

    Raises
    ------
    CaptureError
        When the network has no activation module, or is in integers and cannot be trained.
    """
    if isinstance(model, IntegerGraph):
        if training:
            raise CaptureError("maps in training mode need a network in floating point, and this one is in integers")
        return [Layer(name, "feature map", values) for name, values in model.feature_maps(images).items()]
    model = copy.deepcopy(model).train() if training else model
    outputs: dict[str, np.ndarray] = {}

    def keep(name: str, output: Tensor) -> None:
        outputs[name] = _as_maps(output)

    with reproducible(), torch.inference_mode(), _on_each(activations(model), nn.Module.register_forward_hook, keep):
        model(torch.from_numpy(images))
    return _layers(outputs, "feature map")


def scores(
    model: Model, images: np.ndarray, replace: Callable[[str, Tensor], Tensor | None], point: Point = "activation"
) -> Tensor:
    """Run a network with its feature maps replaced.

    Parameters
    ----------
    model : torch.nn.Module or IntegerGraph
        The network.
    images : np.ndarray
        float32, (N, C, H, W), normalised.
    replace : callable
        Called with each layer's name and feature maps as they are computed; returns other maps, or None to keep them.
        Maps are floating-point numbers, or words of a network in integers, as of `IntegerGraph`.
    point : str
        One of `POINTS`.

    Returns
    -------
    torch.Tensor
        Class scores, (N, classes).

    Raises
    ------
    CaptureError
        When the network has no such module.
    """
    if isinstance(model, IntegerGraph):
        with reproducible(), torch.inference_mode():
            return model.scores(images, replace, point)
    if point == "tensor":
        raise CaptureError("maps of every tensor need a network in integers, such as mobilenetv2-int8")
    modules = activations if point == "activation" else convolutions
    with (
        reproducible(),
        torch.inference_mode(),
        _on_each(modules(model), nn.Module.register_forward_hook, replace),
    ):
        return model(torch.from_numpy(images))


def gradient_maps(model: nn.Module, images: np.ndarray, labels: np.ndarray | None) -> list[Layer]:
    """Take the gradient maps of a training step, in the order of the forward computation.

    The step is real (training mode, cross-entropy averaged over the batch), but on a copy: `model` does not change.
    Batch normalisation makes the gradients depend on the whole batch.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    images : np.ndarray
        float32, (N, C, H, W), normalised.
    labels : np.ndarray
        int64, (N,): the true classes.

    Returns
    -------
    list of Layer
        Values (N, C, H, W): gradients with respect to the input of each activation function.

    Raises
    ------
    CaptureError
        For a network that is not trained in floating point, and when the labels are unknown.
    """
    if isinstance(model, IntegerGraph):
        raise CaptureError("gradient maps need a network in floating point, and this one is in integers")
    if labels is None:
        raise CaptureError("gradient maps need labels, and these images have none: use the network's own images")
    model = copy.deepcopy(model).train()
    gradients: dict[str, np.ndarray] = {}

    def keep(name: str, activation_input: Tensor) -> None:
        def keep_gradient(gradient: Tensor) -> None:
            gradients[name] = _as_maps(gradient)

        gradients[name] = np.empty(0)  # holds the place: gradients come in reverse order
        activation_input.register_hook(keep_gradient)

    with reproducible(), _on_each(activations(model), nn.Module.register_forward_pre_hook, keep):
        cross_entropy(model(torch.from_numpy(images)), torch.from_numpy(labels)).backward()
    return _layers(gradients, "gradient map")


def weights(model: nn.Module | IntegerGraph) -> list[Layer]:
    """Take the weights of every convolution and linear layer.

    Returns
    -------
    list of Layer
        Values of one packet each: (1, out, in / groups, height, width), or (1, out, in).
    """
    if isinstance(model, IntegerGraph):
        return [Layer(name, "weight", values[np.newaxis]) for name, values in model.weights().items()]
    modules = {name: module for name, module in model.named_modules() if isinstance(module, CONVOLUTIONS)}
    return [Layer(name, "weight", module.weight.detach().numpy()[np.newaxis]) for name, module in modules.items()]


def activations(model: nn.Module) -> dict[str, nn.Module]:
    """Find the activation functions by path.

    Raises
    ------
    CaptureError
        When there is none.
    """
    modules: dict[str, nn.Module] = {
        name: module for name, module in model.named_modules() if isinstance(module, ACTIVATIONS)
    }
    if not modules:
        raise CaptureError("the network has no activation module (such as torch.nn.ReLU) to take feature maps from")
    return modules


def convolutions(model: nn.Module) -> dict[str, nn.Module]:
    """Find the convolutions by path, or instead of each the batch normalisation that is defined next.

    Raises
    ------
    CaptureError
        When there is none.
    """
    leaves = [(name, module) for name, module in model.named_modules() if not any(module.children())]
    modules = {}
    for (name, module), following in zip(leaves, [*leaves[1:], ("", None)], strict=True):
        if isinstance(module, nn.Conv2d):
            normalised = isinstance(following[1], nn.BatchNorm2d) and following[1].num_features == module.out_channels
            path, last = following if normalised else (name, module)
            modules[path] = last
    if not modules:
        raise CaptureError("the network has no convolution to take feature maps from")
    return modules


@contextmanager
def _on_each(
    modules: Mapping[str, nn.Module],
    register: Callable[..., RemovableHandle],
    action: Callable[[str, Tensor], Tensor | None],
) -> Iterator[None]:
    """Call `action` with a layer's name and the module's output (forward hooks) or input (forward pre-hooks).

    What it returns replaces the tensor, unless it returns None.
    """
    calls: Counter[str] = Counter()

    def watch(name: str) -> Callable[..., Tensor | None]:
        def hook(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor | None = None) -> Tensor | None:
            calls[name] += 1
            label = name if calls[name] == 1 else f"{name}#{calls[name]}"
            return action(label, inputs[0] if output is None else output)

        return hook

    handles = [register(module, watch(name)) for name, module in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _as_maps(tensor: Tensor) -> np.ndarray:
    """Copy a tensor (N, C) or (N, C, H, W), which may change in place later, to (N, C, H, W)."""
    maps = tensor.detach().numpy().copy()
    return maps.reshape(*maps.shape, 1, 1) if maps.ndim == 2 else maps


def _layers(maps: dict[str, np.ndarray], kind: Kind) -> list[Layer]:
    return [Layer(name, kind, values) for name, values in maps.items()]
