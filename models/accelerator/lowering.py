"""Lowering: from the operators of a network in integers to layers of the accelerator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from silicodec.models.accelerator.composition import (
    MOST_TAPS,
    average_factor,
    averages_by_place,
    block_diagonal,
    border_layer,
    sum_of_places,
)
from silicodec.models.accelerator.layers import (
    Layer,
    LayerGraph,
    Rescaling,
    Residual,
    Shape,
    UnsupportedNetwork,
)
from silicodec.models.accelerator.program import LOWEST, ONE, Opcode
from silicodec.models.accelerator.quantities import (
    bounds_of,
    broadcast,
    is_within,
    map_shape,
    mean_parts,
    plain_rescaling,
    rescaling_of,
    stride_of,
    zero_of,
)

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
        self._shapes = {graph.source.number: map_shape(graph.source)}
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
        if map_shape(quantity) != (channels, height + top + bottom, width + left + right):
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
        weights, work = operator.weights.numpy(), None
        depthwise = weights.shape[1] == 1 and shape[0] == output.shape[0] and shape[0] > 1
        if not depthwise and operator.groups > 1:
            work = weights.size * output.shape[1] * output.shape[2]
            weights = block_diagonal(weights, operator.groups)
        self._add_weighted(
            operator,
            shapes=(shape, map_shape(output)),
            weights=weights,
            work=work,
            opcode=Opcode.DEPTHWISE if depthwise else Opcode.DENSE,
            place=(stride_of(operator.strides, output), top + operator.padding[2], left + operator.padding[0]),
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
        work: int | None = None,
    ) -> None:
        """Add a layer of an operator with weights; `place` is its stride and its padding at the top and the left."""
        source, output = operator.inputs[0], operator.output
        in_zero, count = zero_of(source), len(weights)
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
                rescaling=rescaling_of(operator.multiplier, output, *bounds_of(output), count=count),
                work=work,
            )
        )

    def _addition(self, operator: Any) -> None:
        """Fuse an addition with the layer that makes one of its operands, if nothing else reads that; or copy one."""
        first, second = operator.inputs
        for one in (first, second):
            if self._whole(one) != map_shape(operator.output):
                raise UnsupportedNetwork(f"the accelerator has no addition of unlike shapes ({operator.output.name})")
        last = next(reversed(self._layers), None)
        # A pool's sums have the zero point in them, and its layer says 0.
        fusible = [
            one
            for one in (second, first)
            if one.number == last
            and self._uses[one.number] == 1
            and self._layers[one.number].rescaling.zero == zero_of(one)
        ]
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
            zero=zero_of(other),
            swap=swap,
            inner=(int(small.factors[0]), int(small.shifts[0])),
            outer=rescaling_of(operator.multiplier, output, *bounds_of(output)),
        )
        self._add(replace(layer, name=output.name, output=output.number, residual=residual))

    def _average(self, operator: Any) -> None:
        if any(operator.padding):
            self._padded_average(operator)
            return
        count, unsigned = operator.kernel[0] * operator.kernel[1], operator.output.dtype == "uint8"
        rescaling = plain_rescaling(operator.output, average_factor(count))
        if unsigned:
            rescaling = replace(rescaling, zero=LOWEST)
        self._pool(operator, Opcode.DEPTHWISE, operator.kernel, rescaling, -LOWEST * count * unsigned)

    def _padded_average(self, operator: Any) -> None:
        """Average windows once for each set of taps that are inside of the map, and join what is right of each."""
        source, output = operator.inputs[0], operator.output
        shape = self._whole(source)
        if operator.kernel[0] * operator.kernel[1] > MOST_TAPS:
            raise UnsupportedNetwork(
                f"the accelerator has no padded average pools of more than {MOST_TAPS} taps ({output.name})"
            )
        part = self._part(source, (LOWEST, -LOWEST - 1), set())
        border, joint, averages = (self._new_number() for _ in range(3))
        self._add(border_layer(output.name, part, border, shape))
        self._join(joint, (part, border))
        numbers, shapes = (joint, averages), (self._shapes[joint], map_shape(output))
        place = (stride_of(operator.strides, output), operator.padding[2], operator.padding[0])
        unsigned = output.dtype == "uint8"
        layer = averages_by_place(output.name, numbers, shapes, operator.kernel, place, unsigned=unsigned)
        self._add(layer)
        _, low, high = bounds_of(output)
        self._add(sum_of_places(layer, output.name, output.number, (low, high), shape[0]))

    def _maximum(self, operator: Any) -> None:
        self._pool(operator, Opcode.MAXIMUM, operator.kernel, plain_rescaling(operator.output, ONE))

    def _mean(self, operator: Any) -> None:
        source, output = operator.inputs[0], operator.output
        number, zero, bias = mean_parts(operator)
        _, low, high = bounds_of(output)
        self._whole(source)
        self._pool(operator, Opcode.DEPTHWISE, source.shape[1:], rescaling_of(number, output, zero, low, high), bias)

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
                out_shape=map_shape(output),
                opcode=opcode,
                weights=np.ones((channels, 1, *kernel), np.int16),
                weight_zero=0,
                bias=np.full(channels, bias, np.int64),
                stride=stride_of(getattr(operator, "strides", (1, 1)), output),
                pad_top=top + padding[2],
                pad_left=left + padding[0],
                pad_value=LOWEST if any(padding) else zero_of(source),
                rescaling=broadcast(rescaling, channels),
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
        zero, low, high = bounds_of(output)
        rescaling = Rescaling(np.array([ONE]), np.array([0]), False, zero, low, high)
        if multiplier is not None:
            left = min(max(0, -int(multiplier.shifts[0])), 6)
            weight = 1 << left
            rescaling = rescaling_of(replace(multiplier, shifts=multiplier.shifts + left), output, zero, low, high)
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
                bias=np.full(channels, -weight * zero_of(source), np.int64),
                stride=1,
                pad_top=0,
                pad_left=0,
                pad_value=zero_of(source),
                rescaling=broadcast(rescaling, channels),
            )
        )

    def _concatenation(self, operator: Any) -> None:
        """Join maps that layers make; copy those that cannot be joined as they are."""
        _, low, high = bounds_of(operator.output)
        parts: list[int] = []
        for source in operator.inputs:
            parts.append(self._part(source, (low, high), set(parts)))
        self._join(operator.output.number, tuple(parts))

    def _part(self, source: Any, bounds: tuple[int, int], others: set[int]) -> int:
        """Return the number of a map that can be joined with others: of a copy, if the map cannot be as it is."""
        number, shape = self._map(source), self._whole(source)
        layer = self._layers.get(number)
        joined_already = {part for joint in self._joined.values() for part in joint}
        if layer is None or number in joined_already | others or not is_within(layer, *bounds):
            low, high = (bound - zero_of(source) for bound in bounds)
            number = self._new_number()
            self._copy(source, replace(source, number=number, shape=shape, low=low, high=high))
        return number

    def _join(self, output: int, parts: tuple[int, ...]) -> None:
        """Let maps lie side by side."""
        channels = sum(self._shapes[part][0] for part in parts)
        self._joined[output] = parts
        self._shapes[output] = (channels, *self._shapes[parts[0]][1:])

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
