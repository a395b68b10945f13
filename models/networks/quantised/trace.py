"""A PyTorch network as a list of layers, with batch normalisation and activation functions folded in.

`torch.fx` gives the operations in their order, residual additions and shortcuts among them. Each either begins a layer
or is folded into the one that it continues, where nothing else uses that one's output.
"""

import operator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import torch
from torch import fx, nn
from torch.nn import functional

from silicodec.models.networks.network import NetworkError

ADDITIONS = (operator.add, operator.iadd, torch.add)
RELUS = (functional.relu, torch.relu)
FLATTENINGS = (torch.flatten,)


@dataclass(eq=False, repr=False)
class TracedLayer:
    """A layer in floating point.

    Attributes
    ----------
    kind : str
        ``convolution``, ``selection``, ``linear``, ``add``, ``concatenation``, ``relu``, ``max pool``,
        ``average pool``, ``global average``, ``pad`` or ``flatten``.
    name : str
        Path of the last module that is folded in, or the name of the operation.
    node : torch.fx.Node
        Whose output is the layer's.
    inputs : list of TracedLayer
        Layers that it takes its inputs from; an empty list stands for the images.
    weights, bias : np.ndarray or None
        float64, of a convolution or a linear layer. A selection picks and moves channels: its weights are 0 and 1.
    geometry : dict
        ``strides``, ``padding`` (left, right, top, bottom), ``kernel``.
    activation : str
        Name of the activation function at its end, a key of `quantity.ACTIVATIONS`.
    """

    kind: str
    name: str
    node: fx.Node
    inputs: list["TracedLayer"]
    weights: np.ndarray | None = None
    bias: np.ndarray | None = None
    geometry: dict[str, Any] = field(default_factory=dict)
    activation: str = "NONE"


def trace(model: nn.Module) -> tuple[fx.GraphModule, list[TracedLayer]]:
    """List the layers of a module in evaluation mode; the first one, ``images``, is its input.

    Raises
    ------
    NetworkError
        When it cannot be traced, or for an operation that has no counterpart in integers.
    """
    try:
        graph_module = fx.symbolic_trace(model)
    except (fx.proxy.TraceError, TypeError, ValueError, RuntimeError) as error:
        raise NetworkError(f"the network cannot be traced: {str(error).splitlines()[0]}") from error
    tracer = _Tracer(graph_module)
    for node in graph_module.graph.nodes:
        if node.op != "output":
            tracer.add(node)
    return graph_module, tracer.layers


class _Tracer:
    def __init__(self, graph_module: fx.GraphModule) -> None:
        self._modules = dict(graph_module.named_modules())
        self._layer_of: dict[fx.Node, TracedLayer] = {}
        self._calls: dict[str, int] = {}
        self.layers: list[TracedLayer] = []

    def add(self, node: fx.Node) -> None:
        """Begin a layer with an operation, or fold it into the layer before."""
        name = str(node.target) if node.op == "call_module" else node.name
        self._calls[name] = self._calls.get(name, 0) + 1
        self._name = name if self._calls[name] == 1 else f"{name}#{self._calls[name]}"
        if node.op == "placeholder":
            self._begin("images", node, [])
        elif node.op == "call_module":
            self._add_module(node, self._modules[str(node.target)])
        elif node.op == "call_function":
            self._add_function(node, node.target)
        elif node.op == "call_method":
            self._add_method(node)
        else:
            raise NetworkError(f"the network holds {node.op} {node.target}, which has no counterpart in integers")

    def _add_module(self, node: fx.Node, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d):
            self._add_convolution(node, module)
        elif isinstance(module, nn.Linear):
            self._begin("linear", node, weights=module.weight, bias=module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            self._fold_normalisation(node, module)
        elif isinstance(module, nn.ReLU6):
            self._activate(node, "RELU6")
        elif isinstance(module, nn.ReLU):
            self._activate(node, "RELU")
        elif isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
            self._add_pool(node, module)
        elif isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
            self._begin("global average", node)
        elif isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1):
            self._begin("flatten", node)
        elif isinstance(module, nn.Identity | nn.Dropout):
            self._layer_of[node] = self._source(node)
        else:
            self._refuse(node, type(module).__name__)

    def _add_function(self, node: fx.Node, function: Any) -> None:
        if function in ADDITIONS and all(isinstance(argument, fx.Node) for argument in node.args[:2]):
            self._begin("add", node, [self._layer_of[argument] for argument in node.all_input_nodes])
        elif function in RELUS:
            self._activate(node, "RELU")
        elif function is functional.relu6:
            self._activate(node, "RELU6")
        elif function is torch.cat and _argument(node, 1, "dim", 0) == 1:
            self._begin("concatenation", node, [self._layer_of[argument] for argument in node.all_input_nodes])
        elif function is torch.mean and _is_of_maps(_argument(node, 1, "dim", None)):
            self._add_mean(node, keeps=_argument(node, 2, "keepdim", False))
        elif function is functional.adaptive_avg_pool2d and _argument(node, 1, "output_size", 0) in (1, (1, 1)):
            self._begin("global average", node)
        elif function in FLATTENINGS and _argument(node, 1, "start_dim", 0) == 1:
            self._begin("flatten", node)
        elif function is operator.getitem:
            self._add_subsampling(node)
        elif function is functional.pad:
            self._add_padding(node)
        elif function is functional.dropout:
            self._layer_of[node] = self._source(node)
        else:
            self._refuse(node, getattr(function, "__name__", str(function)))

    def _add_method(self, node: fx.Node) -> None:
        if node.target == "mean" and _is_of_maps(_argument(node, 1, "dim", None)):
            self._add_mean(node, keeps=_argument(node, 2, "keepdim", False))
        elif node.target == "flatten" and _argument(node, 1, "start_dim", 0) == 1:
            self._begin("flatten", node)
        elif node.target in ("relu", "relu_"):
            self._activate(node, "RELU")
        else:
            self._refuse(node, str(node.target))

    def _refuse(self, node: fx.Node, kind: str) -> NoReturn:
        raise NetworkError(
            f"the network holds an operation {kind} ({self._name}), which has no counterpart in integers"
        )

    def _source(self, node: fx.Node) -> TracedLayer:
        return self._layer_of[node.all_input_nodes[0]]

    def _begin(
        self,
        kind: str,
        node: fx.Node,
        inputs: list[TracedLayer] | None = None,
        *,
        weights: Any = None,
        bias: Any = None,
        **geometry: Any,
    ) -> TracedLayer:
        inputs = [self._source(node)] if inputs is None else inputs
        layer = TracedLayer(kind, self._name, node, inputs, _numbers(weights), _numbers(bias), geometry)
        if layer.weights is not None and layer.bias is None:
            layer.bias = np.zeros(len(layer.weights))
        self.layers.append(layer)
        self._layer_of[node] = layer
        return layer

    def _continue(self, node: fx.Node, layer: TracedLayer) -> None:
        layer.name, layer.node = self._name, node
        self._layer_of[node] = layer

    def _foldable(self, node: fx.Node, kinds: tuple[str, ...]) -> TracedLayer | None:
        """Find the layer before, where this operation alone uses it and it is of one of these kinds."""
        source = node.all_input_nodes[0]
        layer = self._layer_of[source]
        return layer if len(source.users) == 1 and layer.kind in kinds and layer.activation == "NONE" else None

    def _activate(self, node: fx.Node, activation: str) -> None:
        layer = self._foldable(node, ("convolution", "linear", "add"))
        if layer is None:
            self._begin("relu", node).activation = activation
        else:
            layer.activation = activation
            self._continue(node, layer)

    def _fold_normalisation(self, node: fx.Node, module: nn.BatchNorm2d) -> None:
        layer = self._foldable(node, ("convolution",))
        if layer is None:
            self._refuse(node, "BatchNorm2d without a convolution of its own before it")
            return
        assert layer.weights is not None
        assert layer.bias is not None
        mean, variance = _numbers(module.running_mean), _numbers(module.running_var)
        assert mean is not None
        assert variance is not None
        gain, offset = (1.0, 0.0) if module.weight is None else (_numbers(module.weight), _numbers(module.bias))
        factor = gain / np.sqrt(variance + module.eps)
        layer.weights = layer.weights * factor.reshape(-1, 1, 1, 1)
        layer.bias = (layer.bias - mean) * factor + offset
        self._continue(node, layer)

    def _add_convolution(self, node: fx.Node, module: nn.Conv2d) -> None:
        if module.dilation != (1, 1) or module.padding_mode != "zeros" or isinstance(module.padding, str):
            self._refuse(node, "Conv2d with dilation, or padding that is not given in zeros")
        down, right = module.padding
        self._begin(
            "convolution",
            node,
            weights=module.weight,
            bias=module.bias,
            strides=module.stride,
            padding=(right, right, down, down),
        )

    def _add_pool(self, node: fx.Node, module: nn.MaxPool2d | nn.AvgPool2d) -> None:
        kernel, strides, padding = (_pair(value) for value in (module.kernel_size, module.stride, module.padding))
        counts_padding = isinstance(module, nn.AvgPool2d) and module.count_include_pad and padding != (0, 0)
        if module.ceil_mode or counts_padding or getattr(module, "dilation", 1) != 1:
            self._refuse(node, f"{type(module).__name__} with ceil_mode, dilation or padding that counts")
        down, right = padding
        kind = "max pool" if isinstance(module, nn.MaxPool2d) else "average pool"
        self._begin(kind, node, kernel=kernel, strides=strides, padding=(right, right, down, down))

    def _add_mean(self, node: fx.Node, *, keeps: bool) -> None:
        average = self._begin("global average", node)
        if not keeps:
            self._begin("flatten", node, [average])

    def _add_subsampling(self, node: fx.Node) -> None:
        """Turn ``x[:, :, ::n, ::n]`` into a 1 x 1 convolution."""
        index = node.args[1]
        if not isinstance(index, tuple) or len(index) != 4 or any(not _is_whole(part) for part in index):
            self._refuse(node, "getitem of anything but every n-th row and column")
        strides = tuple(part.step or 1 for part in index[2:])  # type: ignore[union-attr]
        if strides == (1, 1):
            self._layer_of[node] = self._source(node)
            return
        self._begin("selection", node, strides=strides, padding=(0, 0, 0, 0))

    def _add_padding(self, node: fx.Node) -> None:
        amounts = tuple(_argument(node, 1, "pad", ()))
        constant = _argument(node, 2, "mode", "constant") == "constant" and not _argument(node, 3, "value", 0)
        if not constant or len(amounts) not in (4, 6) or (len(amounts) == 6 and any(amounts[:4])):
            self._refuse(node, "pad of anything but zeros around maps or channels")
        if not any(amounts):
            self._layer_of[node] = self._source(node)
            return
        if len(amounts) == 4:
            self._begin("pad", node, padding=amounts)
            return
        layer = self._foldable(node, ("selection",))
        if layer is None:
            layer = self._begin("selection", node, strides=(1, 1), padding=(0, 0, 0, 0))
        layer.geometry["new_channels"] = amounts[4:]
        self._continue(node, layer)


def _numbers(tensor: Any) -> np.ndarray | None:
    return None if tensor is None else tensor.detach().double().numpy()


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _argument(node: fx.Node, place: int, name: str, default: Any) -> Any:
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)


def _is_of_maps(dimensions: Any) -> bool:
    return isinstance(dimensions, tuple | list) and {int(dimension) % 4 for dimension in dimensions} == {2, 3}


def _is_whole(part: Any) -> bool:
    return isinstance(part, slice) and part.start is None and part.stop is None
