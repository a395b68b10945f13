"""Lowering: from the operators of a network in integers to layers of the accelerator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from silicodec.models.accelerator.layers import (
    Layer,
    LayerGraph,
    Rescaling,
    Residual,
    Shape,
    UnsupportedNetwork,
)
from silicodec.models.accelerator.program import LOWEST, ONE, Opcode

if TYPE_CHECKING:
    from silicodec.models.networks.tflite.graph import IntegerGraph


def from_graph(graph: IntegerGraph) -> LayerGraph:
    """Lower a network, up to its class scores.

    Raises
    ------
    UnsupportedNetwork
        For an operator, or an option of one, that the accelerator does not compute.
    """
    return _Lowering(graph).read()


class _Lowering:
    """Turns operators into layers, one by one."""

    def __init__(self, graph: IntegerGraph) -> None:
        self._graph = graph
        self._uses = Counter(one.number for operator in graph.operators for one in operator.inputs)
        self._layers: dict[int, Layer] = {}
        self._joined: dict[int, tuple[int, ...]] = {}
        self._shapes = {graph.source.number: _map_shape(graph.source)}
        """Shapes of the maps that are stored, and of the pixels."""
        self._names: dict[int, int] = {}
        """Which map a tensor is, where an operator only gives it another shape."""
        self._borders: dict[int, tuple[int, ...]] = {}
        """Padding of a tensor that an operator gives a border: left, right, top, bottom."""
        self._next = 1 + max(operator.output.number for operator in graph.operators)

    def read(self) -> LayerGraph:
        """Return the layers."""
        from silicodec.models.networks.tflite import convolution, operators

        lower: dict[type, Callable[[Any], None]] = {
            convolution.Convolution: self._convolution,
            convolution.FullyConnected: self._fully_connected,
            operators.Addition: self._addition,
            operators.AveragePool: self._average,
            operators.MaxPool: self._maximum,
            operators.Mean: self._mean,
            operators.Lookup: self._lookup,
            operators.Concatenation: self._concatenation,
            operators.Reshape: self._reshape,
            operators.Pad: self._pad,
        }
        left = list(self._graph.operators)
        # The largest score is the most probable class: a softmax is of no use here.
        while left and isinstance(left[-1], operators.Softmax | operators.Reshape):
            left.pop()
        if self._uses[self._graph.source.number] > 1:
            image = replace(self._graph.source, number=self._new_number())
            self._copy(self._graph.source, image)
            self._names[self._graph.source.number] = image.number
        for operator in left:
            if type(operator) not in lower:
                raise UnsupportedNetwork(f"the accelerator has no {type(operator).__name__} ({operator.output.name})")
            lower[type(operator)](operator)
        if not left or self._map(left[-1].output) not in self._layers:
            output = left[-1].output if left else self._graph.source
            self._copy(output, replace(output, number=self._new_number()))
        return LayerGraph(self._graph.source.number, tuple(self._layers.values()), self._joined)

    def _map(self, quantity: Any) -> int:
        return self._names.get(quantity.number, quantity.number)

    def _new_number(self) -> int:
        self._next += 1
        return self._next - 1

    def _source(self, quantity: Any) -> tuple[Shape, tuple[int, int]]:
        """Return the shape of the map that a tensor is, and its border at the top and the left."""
        shape = self._shapes[self._map(quantity)]
        left, right, top, bottom = self._borders.get(quantity.number, (0, 0, 0, 0))
        channels, height, width = shape
        if _map_shape(quantity) != (channels, height + top + bottom, width + left + right):
            raise UnsupportedNetwork(f"the accelerator cannot read a map in another shape ({quantity.name})")
        return shape, (top, left)

    def _whole(self, quantity: Any) -> Shape:
        """Return the shape of a tensor that must not have a border."""
        shape, _ = self._source(quantity)
        if any(self._borders.get(quantity.number, ())):
            raise UnsupportedNetwork(f"the accelerator pads only what convolutions and pools read ({quantity.name})")
        return shape

    def _add(self, layer: Layer) -> None:
        self._layers[layer.output] = layer
        self._shapes[layer.output] = layer.out_shape

    def _convolution(self, operator: Any) -> None:
        source, output = operator.inputs[0], operator.output
        shape, (top, left) = self._source(source)
        depthwise = operator.weights.shape[1] == 1 and shape[0] == output.shape[0] and shape[0] > 1
        if not depthwise and operator.weights.shape[1] != shape[0]:
            raise UnsupportedNetwork(f"the accelerator has no grouped convolutions ({output.name})")
        self._add_weighted(
            operator,
            shapes=(shape, _map_shape(output)),
            weights=operator.weights.numpy(),
            opcode=Opcode.DEPTHWISE if depthwise else Opcode.DENSE,
            place=(_stride(operator.strides, output), top + operator.padding[2], left + operator.padding[0]),
        )

    def _fully_connected(self, operator: Any) -> None:
        source, weights = operator.inputs[0], operator.weights.numpy()
        channels, height, width = shape = self._shapes[self._map(source)]
        if any(self._borders.get(source.number, ())) or weights.shape[1] != channels * height * width:
            raise UnsupportedNetwork(f"the accelerator connects whole maps only ({operator.output.name})")
        kernel = weights.reshape(len(weights), height, width, channels).transpose(0, 3, 1, 2)
        shapes = (shape, (len(weights), 1, 1))
        self._add_weighted(operator, shapes=shapes, weights=kernel, opcode=Opcode.DENSE, place=(1, 0, 0))

    def _add_weighted(
        self,
        operator: Any,
        *,
        shapes: tuple[Shape, Shape],
        weights: np.ndarray,
        opcode: Opcode,
        place: tuple[int, int, int],
    ) -> None:
        """Add a layer of an operator with weights; `place` is its stride and its padding at the top and the left."""
        source, output = operator.inputs[0], operator.output
        in_zero, count = _zero(source), len(weights)
        weight_zero = operator.weight_zero_point - (128 if source.dtype == "uint8" else 0)
        self._add(
            Layer(
                name=output.name,
                source=self._map(source),
                output=output.number,
                in_shape=shapes[0],
                out_shape=shapes[1],
                opcode=opcode,
                weights=(weights + weight_zero).astype(np.int16),
                weight_zero=weight_zero,
                bias=operator.bias.numpy().astype(np.int64) - in_zero * weights.astype(np.int64).sum((1, 2, 3)),
                stride=place[0],
                pad_top=place[1],
                pad_left=place[2],
                pad_value=in_zero,
                rescaling=_rescaling(operator.multiplier, output, *_bounds(output), count=count),
            )
        )

    def _addition(self, operator: Any) -> None:
        """Fuse an addition with the layer that makes one of its operands, if nothing else reads that; or copy one."""
        first, second = operator.inputs
        for one in (first, second):
            if self._whole(one) != _map_shape(operator.output):
                raise UnsupportedNetwork(f"the accelerator has no addition of unlike shapes ({operator.output.name})")
        last = next(reversed(self._layers), None)
        fusible = [one for one in (second, first) if one.number == last and self._uses[one.number] == 1]
        own = fusible[0] if fusible else first
        other = second if own is first else first
        number = own.number
        if not fusible:
            number = self._new_number()
            self._copy(own, replace(own, number=number))
        layer, output = self._layers.pop(number), operator.output
        numbers = dict(zip((first.number, second.number), operator.input_multipliers, strict=False))
        swap = own.scale < other.scale
        small = numbers[(own if swap else other).number]
        residual = Residual(
            tensor=self._map(other),
            zero=_zero(other),
            swap=swap,
            inner=(int(small.factors[0]), int(small.shifts[0])),
            outer=_rescaling(operator.multiplier, output, *_bounds(output)),
        )
        self._add(replace(layer, name=output.name, output=output.number, residual=residual))

    def _average(self, operator: Any) -> None:
        if any(operator.padding):
            raise UnsupportedNetwork(f"the accelerator has no padded average pools ({operator.output.name})")
        count = operator.kernel[0] * operator.kernel[1]
        factor = ONE // count + 1 if count > 1 else ONE
        self._pool(operator, Opcode.DEPTHWISE, operator.kernel, _plain(operator.output, factor))

    def _maximum(self, operator: Any) -> None:
        self._pool(operator, Opcode.MAXIMUM, operator.kernel, _plain(operator.output, ONE))

    def _mean(self, operator: Any) -> None:
        source, output = operator.inputs[0], operator.output
        number, zero, bias = mean_parts(operator)
        _, low, high = _bounds(output)
        self._whole(source)
        self._pool(operator, Opcode.DEPTHWISE, source.shape[1:], _rescaling(number, output, zero, low, high), bias)

    def _pool(
        self, operator: Any, opcode: Opcode, kernel: tuple[int, int], rescaling: Rescaling, bias: int = 0
    ) -> None:
        source, output = operator.inputs[0], operator.output
        shape, (top, left) = self._source(source)
        padding = getattr(operator, "padding", (0, 0, 0, 0))
        bordered = any(self._borders.get(source.number, ()))
        if bordered and any(padding):
            raise UnsupportedNetwork(f"the accelerator pads the input of a pool in one way only ({output.name})")
        channels = shape[0]
        self._add(
            Layer(
                name=output.name,
                source=self._map(source),
                output=output.number,
                in_shape=shape,
                out_shape=_map_shape(output),
                opcode=opcode,
                weights=np.ones((channels, 1, *kernel), np.int16),
                weight_zero=0,
                bias=np.full(channels, bias, np.int64),
                stride=_stride(getattr(operator, "strides", (1, 1)), output),
                pad_top=top + padding[2],
                pad_left=left + padding[0],
                pad_value=LOWEST if any(padding) else _zero(source),
                rescaling=_broadcast(rescaling, channels),
            )
        )

    def _lookup(self, operator: Any) -> None:
        """Take a table that only changes the scale as a layer; others have no counterpart."""
        from silicodec.models.networks.tflite.arithmetic import Multiplier
        from silicodec.models.networks.tflite.tables import rescaling

        (source,), output = operator.inputs, operator.output
        for ratio in (source.scale / output.scale, source.scale_over(output)):
            if np.array_equal(rescaling(source, output, ratio), operator.table):
                self._copy(source, output, Multiplier.of([ratio], halves_away=True))
                return
        raise UnsupportedNetwork(f"the accelerator has no {operator.function} ({output.name})")

    def _copy(self, source: Any, output: Any, multiplier: Any = None) -> None:
        """Add a layer that takes a map as it is, or multiplied by a number."""
        shape = self._whole(source)
        channels, weight = shape[0], 1
        zero, low, high = _bounds(output)
        rescaling = Rescaling(np.array([ONE]), np.array([0]), False, zero, low, high)
        if multiplier is not None:
            left = min(max(0, -int(multiplier.shifts[0])), 6)
            weight = 1 << left
            rescaling = _rescaling(replace(multiplier, shifts=multiplier.shifts + left), output, zero, low, high)
        self._add(
            Layer(
                name=output.name,
                source=self._map(source),
                output=output.number,
                in_shape=shape,
                out_shape=shape,
                opcode=Opcode.DEPTHWISE,
                weights=np.full((channels, 1, 1, 1), weight, np.int16),
                weight_zero=0,
                bias=np.full(channels, -weight * _zero(source), np.int64),
                stride=1,
                pad_top=0,
                pad_left=0,
                pad_value=_zero(source),
                rescaling=_broadcast(rescaling, channels),
            )
        )

    def _concatenation(self, operator: Any) -> None:
        """Join maps that layers make; copy those that cannot be joined as they are."""
        output = operator.output
        _, low, high = _bounds(output)
        parts: list[int] = []
        for source in operator.inputs:
            number = self._map(source)
            shape = self._whole(source)
            layer = self._layers.get(number)
            joined_already = {part for joint in self._joined.values() for part in joint}
            if layer is None or number in joined_already | set(parts) or not _within(layer, low, high):
                copy = replace(output, number=self._new_number(), name=source.name, shape=shape)
                self._copy(source, copy)
                number = copy.number
            parts.append(number)
        self._joined[output.number] = tuple(parts)
        self._shapes[output.number] = _map_shape(output)

    def _reshape(self, operator: Any) -> None:
        source, output = operator.inputs[0], operator.output
        if any(self._borders.get(source.number, ())):
            raise UnsupportedNetwork(f"the accelerator pads only what convolutions and pools read ({output.name})")
        self._names[output.number] = self._map(source)

    def _pad(self, operator: Any) -> None:
        source, output = operator.inputs[0], operator.output
        before = self._borders.get(source.number, (0, 0, 0, 0))
        self._names[output.number] = self._map(source)
        self._borders[output.number] = tuple(map(sum, zip(before, operator.padding, strict=True)))


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


def _rescaling(multiplier: Any, output: Any, zero: int, low: int, high: int, *, count: int = 1) -> Rescaling:
    """Write a multiplier as the accelerator has it: numbers from 1 to 2 take a factor of 32 bits."""
    if (multiplier.shifts < -1).any():
        raise UnsupportedNetwork(f"the accelerator has no factors of 2 or more ({output.name})")
    factors = np.where(multiplier.shifts < 0, multiplier.factors << 1, multiplier.factors)
    shifts = np.maximum(multiplier.shifts, 0)
    rescaling = Rescaling(factors, shifts, multiplier.halves_away, zero, low, high)
    return _broadcast(rescaling, count)


def _broadcast(rescaling: Rescaling, channels: int) -> Rescaling:
    return replace(
        rescaling,
        factors=np.broadcast_to(rescaling.factors, channels),
        shifts=np.broadcast_to(rescaling.shifts, channels),
    )


def _plain(output: Any, factor: int) -> Rescaling:
    """Return what takes sums of samples as they are, zero point included, to samples."""
    _, low, high = _bounds(output)
    return Rescaling(np.array([factor]), np.array([0]), False, 0, low, high)


def _within(layer: Layer, low: int, high: int) -> bool:
    rescaling = layer.residual.outer if layer.residual else layer.rescaling
    return low <= rescaling.low and rescaling.high <= high


def _stride(strides: tuple[int, int], output: Any) -> int:
    """Return the stride in both directions; where an output has one row or column it does not matter."""
    needed = {stride for stride, length in zip(strides, _map_shape(output)[1:], strict=True) if length > 1}
    if needed - {1, 2} or len(needed) > 1:
        raise UnsupportedNetwork(f"the accelerator has no strides of {strides} ({output.name})")
    return next(iter(needed), 1)


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
