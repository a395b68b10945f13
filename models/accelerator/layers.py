"""Layers as the accelerator computes them, in NumPy, taken from a network in integers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from silicodec.models.errors import CodecError

if TYPE_CHECKING:
    from silicodec.models.networks.tflite.graph import IntegerGraph

Shape = tuple[int, int, int]
"""Channels, height and width of a map."""


class UnsupportedNetwork(CodecError):
    """A network that the accelerator cannot compute; the message names the operator and the tensor."""


@dataclass(frozen=True)
class Rescaling:
    """What takes sums to samples: `mul` of the format, a zero point, bounds.

    Attributes
    ----------
    factors, shifts : np.ndarray
        int64, (channels,).
    away : bool
        Whether the last rounding takes halves away from zero.
    zero, low, high : int
        Zero point and bounds of the samples.
    """

    factors: np.ndarray
    shifts: np.ndarray
    away: bool
    zero: int
    low: int
    high: int


@dataclass(frozen=True)
class Residual:
    """A second map that is added to a layer's result.

    Attributes
    ----------
    tensor : int
        Number of the map.
    zero : int
        Its zero point.
    swap : bool
        Whether the layer's own result has the smaller scale, and not the residual.
    inner : tuple of int
        Factor and shift of the one with the smaller scale.
    outer : Rescaling
        From the sum to samples; one channel.
    """

    tensor: int
    zero: int
    swap: bool
    inner: tuple[int, int]
    outer: Rescaling


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer: a convolution, and what is added to it.

    Attributes
    ----------
    name : str
        Name of its output.
    source, output : int
        Numbers of the maps it reads and makes.
    in_shape, out_shape : tuple of int
        Their shapes.
    depthwise : bool
        Whether output channel c is computed from input channel c alone.
    weights : np.ndarray
        int16, (out, in, height, width), in = 1 if depthwise: integers as stored, -128 .. 127.
    weight_zero : int
        Their zero point.
    bias : np.ndarray
        int64, (out,): with the input's zero point folded in.
    stride, pad_top, pad_left : int
        As usual; outside of the map samples are `pad_value`.
    pad_value : int
        The input's zero point.
    rescaling : Rescaling
        From sums to samples.
    residual : Residual, optional
        What is added.
    """

    name: str
    source: int
    output: int
    in_shape: Shape
    out_shape: Shape
    depthwise: bool
    weights: np.ndarray
    weight_zero: int
    bias: np.ndarray
    stride: int
    pad_top: int
    pad_left: int
    pad_value: int
    rescaling: Rescaling
    residual: Residual | None = None

    @property
    def macs(self) -> int:
        """Multiplications of the layer, those with padding included."""
        return int(np.prod(self.weights.shape)) * self.out_shape[1] * self.out_shape[2]


@dataclass(frozen=True, eq=False)
class LayerGraph:
    """A network.

    Attributes
    ----------
    source : int
        Number of the map of pixels.
    layers : tuple of Layer
        In the order of computation; the last one gives the scores.
    """

    source: int
    layers: tuple[Layer, ...]


def from_graph(graph: IntegerGraph) -> LayerGraph:
    """Take a network's layers, up to its class scores.

    Raises
    ------
    UnsupportedNetwork
        For an operator, or an option of one, that the accelerator does not compute.
    """
    return _Reader(graph).read()


class _Reader:
    """Turns operators into layers, one by one."""

    def __init__(self, graph: IntegerGraph) -> None:
        self._graph = graph
        self._uses = Counter(one.number for operator in graph.operators for one in operator.inputs)
        self._layers: dict[int, Layer] = {}
        self._names: dict[int, int] = {}
        """Which map a tensor is, where an operator only gives it another shape."""
        self._borders: dict[int, tuple[int, ...]] = {}
        """Padding of a tensor that an operator gives a border."""

    def read(self) -> LayerGraph:
        """Return the layers."""
        from silicodec.models.networks.tflite import convolution, operators

        readers: dict[type, Any] = {
            convolution.Convolution: self._convolution,
            convolution.FullyConnected: self._fully_connected,
            operators.Addition: self._addition,
            operators.AveragePool: self._average,
            operators.Mean: self._mean,
            operators.Reshape: self._reshape,
            operators.Pad: self._pad,
        }
        operators_left = list(self._graph.operators)
        while isinstance(operators_left[-1], operators.Softmax | operators.Reshape):
            operators_left.pop()
        for operator in operators_left:
            if type(operator) not in readers:
                raise UnsupportedNetwork(f"the accelerator has no {type(operator).__name__} ({operator.output.name})")
            readers[type(operator)](operator)
        return LayerGraph(self._graph.source.number, tuple(self._layers.values()))

    def _map(self, quantity: Any) -> int:
        return self._names.get(quantity.number, quantity.number)

    def _convolution(self, operator: Any) -> None:
        source, output = operator.inputs[0], operator.output
        channels, outputs = source.shape[0], output.shape[0]
        if operator.strides not in ((1, 1), (2, 2)):
            raise UnsupportedNetwork(f"the accelerator has no strides of {operator.strides} ({output.name})")
        depthwise = operator.weights.shape[1] == 1 and channels == outputs and channels > 1
        if not depthwise and operator.weights.shape[1] != channels:
            raise UnsupportedNetwork(f"the accelerator has no grouped convolutions ({output.name})")
        left, right, top, bottom = self._borders.get(source.number, (0, 0, 0, 0))
        _, height, width = _map_shape(source)
        in_shape = (channels, height - top - bottom, width - left - right)
        left, top = left + operator.padding[0], top + operator.padding[2]
        self._add(
            operator,
            shapes=(in_shape, _map_shape(output)),
            weights=operator.weights.numpy(),
            depthwise=depthwise,
            place=(operator.strides[0], top, left),
        )

    def _fully_connected(self, operator: Any) -> None:
        weights = operator.weights.numpy()
        shape = _map_shape(operator.inputs[0])
        if self._map(operator.inputs[0]) in self._layers:
            shape = self._layers[self._map(operator.inputs[0])].out_shape
        channels, height, width = shape
        kernel = weights.reshape(len(weights), height, width, channels).transpose(0, 3, 1, 2)
        self._add(operator, shapes=(shape, (len(weights), 1, 1)), weights=kernel, depthwise=False, place=(1, 0, 0))

    def _add(
        self,
        operator: Any,
        *,
        shapes: tuple[Shape, Shape],
        weights: np.ndarray,
        depthwise: bool,
        place: tuple[int, int, int],
    ) -> None:
        """Add a layer of an operator with weights."""
        source, output = operator.inputs[0], operator.output
        if (operator.multiplier.shifts < 0).any():
            raise UnsupportedNetwork(f"the accelerator has no factors of 1 or more ({output.name})")
        in_zero = _zero(source)
        less = operator.bias.numpy().astype(np.int64) - in_zero * weights.astype(np.int64).sum((1, 2, 3))
        count = len(weights)
        rescaling = Rescaling(
            np.broadcast_to(operator.multiplier.factors, count),
            np.broadcast_to(operator.multiplier.shifts, count),
            operator.multiplier.halves_away,
            *_bounds(output),
        )
        weight_zero = operator.weight_zero_point - (128 if source.dtype == "uint8" else 0)
        self._layers[output.number] = Layer(
            name=output.name,
            source=self._map(source),
            output=output.number,
            in_shape=shapes[0],
            out_shape=shapes[1],
            depthwise=depthwise,
            weights=(weights + weight_zero).astype(np.int16),
            weight_zero=weight_zero,
            bias=less,
            stride=place[0],
            pad_top=place[1],
            pad_left=place[2],
            pad_value=in_zero,
            rescaling=rescaling,
        )

    def _addition(self, operator: Any) -> None:
        """Fuse an addition with the layer that makes one of its operands and that nothing else reads."""
        output = operator.output
        numbers = [self._map(one) for one in operator.inputs]
        last = next(reversed(self._layers), None)
        for own in (1, 0):
            if numbers[own] == last and self._uses[operator.inputs[own].number] == 1:
                break
        else:
            raise UnsupportedNetwork(f"the accelerator has no addition of maps that it stored ({output.name})")
        layer, other = self._layers.pop(numbers[own]), operator.inputs[1 - own]
        swap = operator.inputs[own].scale < other.scale
        small = operator.input_multipliers[own if swap else 1 - own]
        residual = Residual(
            tensor=numbers[1 - own],
            zero=_zero(other),
            swap=swap,
            inner=(int(small.factors[0]), int(small.shifts[0])),
            outer=Rescaling(operator.multiplier.factors, operator.multiplier.shifts, False, *_bounds(output)),
        )
        self._layers[output.number] = replace(layer, name=output.name, output=output.number, residual=residual)

    def _average(self, operator: Any) -> None:
        output = operator.output
        if any(operator.padding):
            raise UnsupportedNetwork(f"the accelerator has no padded average pools ({output.name})")
        stride = 1 if output.shape[1:] == (1, 1) else operator.strides[0]
        if stride > 2 or (stride == 2 and operator.strides[1] != 2):
            raise UnsupportedNetwork(f"the accelerator has no strides of {operator.strides} ({output.name})")
        count = operator.kernel[0] * operator.kernel[1]
        factor = (1 << 31) // count + 1 if count > 1 else 1 << 31
        rescaling = Rescaling(np.array([factor]), np.array([0]), False, 0, *_bounds(output)[1:])
        self._pool(operator, operator.kernel, stride, rescaling, bias=0)

    def _mean(self, operator: Any) -> None:
        source, output = operator.inputs[0], operator.output
        number, zero, bias = mean_parts(operator)
        if (number.shifts < 0).any():
            raise UnsupportedNetwork(f"the accelerator has no factors of 1 or more ({output.name})")
        _, low, high = _bounds(output)
        rescaling = Rescaling(number.factors, number.shifts, True, zero, low, high)
        self._pool(operator, source.shape[1:], 1, rescaling, bias=bias)

    def _pool(self, operator: Any, kernel: tuple[int, int], stride: int, rescaling: Rescaling, *, bias: int) -> None:
        source, output = operator.inputs[0], operator.output
        channels = source.shape[0]
        self._layers[output.number] = Layer(
            name=output.name,
            source=self._map(source),
            output=output.number,
            in_shape=_map_shape(source),
            out_shape=_map_shape(output),
            depthwise=True,
            weights=np.ones((channels, 1, *kernel), np.int16),
            weight_zero=0,
            bias=np.full(channels, bias, np.int64),
            stride=stride,
            pad_top=0,
            pad_left=0,
            pad_value=_zero(source),
            rescaling=replace(
                rescaling,
                factors=np.broadcast_to(rescaling.factors, channels),
                shifts=np.broadcast_to(rescaling.shifts, channels),
            ),
        )

    def _reshape(self, operator: Any) -> None:
        source, output = operator.inputs[0], operator.output
        self._names[output.number] = self._map(source)

    def _pad(self, operator: Any) -> None:
        source, output = operator.inputs[0], operator.output
        self._names[output.number] = self._map(source)
        self._borders[output.number] = operator.padding


def mean_parts(operator: Any) -> tuple[Any, int, int]:
    """Return a mean as the accelerator computes it: multiplier, zero point of the output and bias of the sums."""
    from silicodec.models.networks.tflite.arithmetic import Multiplier

    source, output = operator.inputs[0], operator.output
    count = source.shape[1] * source.shape[2]
    offset = 128 if source.dtype == "uint8" else 0
    if len(output.shape) == 3:
        zero = np.float32(source.zero_point) * np.float32(source.scale) / np.float32(output.scale)
        number = np.float32(source.scale) / (np.float32(count) * np.float32(output.scale))
        multiplier = Multiplier.of([float(number)], halves_away=True)
        return multiplier, _zero(output) - int(zero + np.copysign(np.float32(0.5), zero)), offset * count
    multiplier = Multiplier.of([source.scale / output.scale], halves_away=True)
    places = count.bit_length() - 1
    divided = Multiplier((multiplier.factors << places) // count, multiplier.shifts + places, halves_away=True)
    return divided, _zero(output), -_zero(source) * count


def _map_shape(quantity: Any) -> Shape:
    channels, *size = quantity.shape
    height, width = size or (1, 1)
    return channels, height, width


def _zero(quantity: Any) -> int:
    """Return the zero point of signed samples."""
    return quantity.zero_point - (128 if quantity.dtype == "uint8" else 0)


def _bounds(quantity: Any) -> tuple[int, int, int]:
    """Return zero point and bounds of signed samples."""
    zero = _zero(quantity)
    return zero, quantity.low + zero, quantity.high + zero
