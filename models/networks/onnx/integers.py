"""Networks in 8-bit integers in ONNX files: operators between QuantizeLinear and DequantizeLinear.

Such a file says what each tensor's integers stand for, and every operator is one of real numbers, rounded at the next
QuantizeLinear. Here they are computed in integers, by the operators of TensorFlow Lite's networks: a sum of products is
exact, and a multiplier of 31 bits takes it to the output's scale. Where that is within its last bit of half an integer,
a runtime that computes in float32 may give an integer that is larger or smaller by 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.onnx.contents import OnnxFile, as_constant, attributes, geometry
from silicodec.models.networks.onnx.functions import bounds_of_clip, function_table
from silicodec.models.networks.tflite import operators as kinds
from silicodec.models.networks.tflite.arithmetic import Multiplier
from silicodec.models.networks.tflite.convolution import Convolution, FullyConnected, as_float32, selection
from silicodec.models.networks.tflite.graph import IntegerGraph, Operator
from silicodec.models.networks.tflite.quantity import Quantity

DTYPES = ("uint8", "int8")
RESHAPES = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")
NOTHING = ("Identity", "Dropout")


class OnnxModel(IntegerGraph):
    """The network of a file in integers: one image in, class scores out. A softmax at its end is left out.

    Parameters
    ----------
    file : OnnxFile
        The file's contents.
    path : Path
        The file, for messages.

    Raises
    ------
    NetworkError
        For an operator, or an option of one, that is not computed here, and a tensor that is not quantised; the message
        names it.
    """

    def __init__(self, file: OnnxFile, path: Path) -> None:
        try:
            builder = _Builder(file)
            super().__init__(*builder.graph())
        except NetworkError as error:
            raise NetworkError(f"{path} holds {error}, which cannot be computed here") from error


@dataclass(frozen=True, eq=False)
class _Weights:
    """A constant in integers: float64, less their zero point, and a scale for all or for each along an axis."""

    integers: np.ndarray
    scales: np.ndarray
    zero_point: int
    axis: int

    def real(self) -> np.ndarray:
        shape = [1] * self.integers.ndim
        if self.scales.size > 1:
            shape[self.axis] = -1
        return self.integers * self.scales.reshape(shape)


@dataclass(frozen=True, eq=False)
class _Unrounded:
    """An operator whose result waits for its scale, with the bounds of an activation function."""

    node: Any
    activation: str


class _Builder:
    def __init__(self, file: OnnxFile) -> None:
        self._file = file
        self._tensors: dict[str, Quantity] = {}
        self._weights: dict[str, _Weights] = {}
        self._unrounded: dict[str, _Unrounded] = {}
        self._flattened: dict[int, tuple[int, ...]] = {}
        self._operators: list[Operator] = []
        self._source: Quantity | None = None
        self._count = 0

    def graph(self) -> tuple[Quantity, tuple[Operator, ...]]:
        """Read all operators."""
        *nodes, last = self._file.nodes
        result = last.input[0] if last.op_type == "Softmax" else self._file.result
        for node in nodes if last.op_type == "Softmax" else (*nodes, last):
            self._add(node)
        if result not in self._tensors or self._source is None:
            raise NetworkError(f"{result}, which is not quantised")
        if not self._operators or self._tensors[result] is not self._operators[-1].output:
            raise NetworkError(f"{result}, which is not the last tensor")
        return self._source, tuple(self._operators)

    def _add(self, node: Any) -> None:
        kind, name = node.op_type, node.output[0]
        if kind == "QuantizeLinear":
            self._quantise(node)
        elif kind == "DequantizeLinear":
            self._dequantise(node)
        elif kind in NOTHING:
            self._tensors[name] = self._tensor(node)
        elif kind in ("Relu", "Clip") and node.input[0] in self._unrounded:
            before = self._unrounded[node.input[0]]
            self._unrounded[name] = replace(before, activation=self._activation(node))
        elif kind in ("MaxPool", "Pad", "Slice", *RESHAPES) or (kind in ("Relu", "Clip") and not self._ends(name)):
            source = self._tensor(node)
            output = replace(source, number=self._number(), name=name, shape=self._shape(name), activation="NONE")
            self._emit(name, self._moved(node, source, output))
        else:
            self._unrounded[name] = _Unrounded(node, "NONE")

    def _ends(self, name: str) -> bool:
        return [node.op_type for node in self._file.consumers[name]] == ["QuantizeLinear"]

    def _emit(self, name: str, operator: Operator) -> None:
        self._operators.append(operator)
        self._tensors[name] = operator.output

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _shape(self, name: str) -> tuple[int, ...]:
        return self._file.shape(name)

    def _quantise(self, node: Any) -> None:
        name, result = node.input[0], node.output[0]
        if name in self._unrounded:
            waiting = self._unrounded[name]
            output = self._quantity(node, name)
            if output.low == 0 and output.activation == "NONE":  # tools leave out a ReLU whose work the range does
                output = replace(output, activation="RELU")
            self._emit(result, self._operator(waiting, output))
        elif name == self._file.source:
            self._source = self._tensors[result] = self._quantity(node, name)
        else:
            source = self._tensor(node)
            output = self._quantity(node, name)
            if (source.scale, source.zero_point, source.dtype) == (output.scale, output.zero_point, output.dtype):
                self._tensors[result] = source
            else:
                self._emit(result, kinds.Lookup((source,), output, "QUANTIZE", function_table(source, output)))

    def _dequantise(self, node: Any) -> None:
        stored, result = node.input[0], node.output[0]
        if stored in self._file.constants:
            integers = as_constant(self._file.constants[stored])
            zero_points = np.unique(self._constant(node, 2, 0.0))
            if len(zero_points) != 1:
                raise NetworkError(f"{stored} with several zero points")
            axis = attributes(node).get("axis", 1) % max(integers.ndim, 1)
            scales = np.atleast_1d(self._constant(node, 1))
            self._weights[result] = _Weights(integers - zero_points[0], scales, int(zero_points[0]), axis)
            return
        source = self._tensor(node)
        given = self._quantity(node, stored)
        if (source.scale, source.zero_point) != (given.scale, given.zero_point):
            raise NetworkError(f"{stored} with two scales")
        self._tensors[result] = source

    def _quantity(self, node: Any, name: str) -> Quantity:
        """Read scale and zero point of QuantizeLinear or DequantizeLinear."""
        scale = self._constant(node, 1)
        zero_point = self._file.constants[node.input[2]] if len(node.input) > 2 else np.zeros((), np.uint8)
        if scale.size != 1 or zero_point.dtype.name not in DTYPES:
            raise NetworkError(f"{name} in something else than 8-bit integers with one scale")
        limits = np.iinfo(zero_point.dtype)
        zero = int(zero_point.reshape(-1)[0])
        return Quantity(
            number=self._number(),
            name=name,
            shape=self._shape(name),
            dtype=zero_point.dtype.name,
            scale=float(scale.reshape(-1)[0]),
            zero_point=zero,
            low=int(limits.min) - zero,
            high=int(limits.max) - zero,
        )

    def _tensor(self, node: Any, place: int = 0) -> Quantity:
        """Find a tensor that an operator takes."""
        name = node.input[place]
        if name not in self._tensors:
            raise NetworkError(f"{name}, which is not quantised")
        found = self._tensors[name]
        if found.number in self._flattened and node.op_type not in (*CONNECTED, *EVERYWHERE):
            raise NetworkError(f"{node.op_type} ({node.output[0]}) on flattened maps")
        return found

    def _constant(self, node: Any, place: int, default: float | None = None) -> np.ndarray:
        """Find a constant that an operator takes, in real numbers."""
        name = node.input[place] if len(node.input) > place else ""
        if name in self._weights:
            return self._weights[name].real()
        if name in self._file.constants:
            return as_constant(self._file.constants[name])
        if name or default is None:
            raise NetworkError(f"{name or node.output[0]}, which is not a constant")
        return as_constant(default)

    def _activation(self, node: Any) -> str:
        return "RELU" if node.op_type == "Relu" else bounds_of_clip(node, self._constant)

    def _operator(self, waiting: _Unrounded, output: Quantity) -> Operator:
        node = waiting.node
        make = OPERATORS.get(node.op_type)
        bounded = output if waiting.activation == "NONE" else output.bounded(waiting.activation)
        if make is None:
            return self._function(node, output)
        return make(self, node, bounded)

    def _function(self, node: Any, output: Quantity) -> kinds.Lookup:
        """Make a table of a function of single values."""
        source = self._tensor(node)
        if node.op_type in ("Relu", "Clip"):
            bounded = output.bounded(self._activation(node))
            table = function_table(source, bounded)
        else:
            bounded = replace(output, activation=node.op_type)
            table = function_table(source, output, node.op_type, attributes(node), node.output[0])
        if source.number in self._flattened:
            self._flattened[output.number] = self._flattened[source.number]
        return kinds.Lookup((source,), bounded, node.op_type, table)

    def _moved(self, node: Any, source: Quantity, output: Quantity) -> Operator:
        """Make an operator that keeps the scale of its input."""
        if node.op_type == "MaxPool":
            kernel = _pair(attributes(node)["kernel_shape"])
            return kinds.MaxPool((source,), output, kernel, *geometry(node, kernel, _size(source)))
        if node.op_type == "Pad":
            return self._pad(node, source, output)
        if node.op_type == "Slice":
            return self._slice(node, source, output)
        if node.op_type in RESHAPES:
            if source.shape != output.shape and _area(source.shape) > 1:
                if len(output.shape) != 1:
                    raise NetworkError(f"a reshape ({output.name}) to anything but columns")
                self._flattened[output.number] = source.shape
            return kinds.Reshape((source,), output)
        return self._function(node, output)

    def _pad(self, node: Any, source: Quantity, output: Quantity) -> Operator:
        given = attributes(node)
        amounts = [int(n) for n in (given["pads"] if "pads" in given else self._constant(node, 1))]
        begin, end = amounts[: len(amounts) // 2], amounts[len(amounts) // 2 :]
        value = given.get("value", 0) or float(self._constant(node, 2, 0.0))
        plain = given.get("mode", b"constant") == b"constant" and not value and len(node.input) < 4
        if not plain or len(begin) != 4 or begin[0] or end[0] or min(amounts) < 0:
            raise NetworkError(f"{output.name} with padding of anything but zeros around maps or channels")
        if not begin[1] and not end[1]:
            return kinds.Pad((source,), output, (begin[3], end[3], begin[2], end[2]))
        return selection(source, output, padding=(begin[3], end[3], begin[2], end[2]), channels_before=begin[1])

    def _slice(self, node: Any, source: Quantity, output: Quantity) -> Operator:
        steps = [1, 1, 1, 1]
        if len(node.input) < 5:
            raise NetworkError(f"a slice ({output.name}) of anything but every n-th row and column")
        for start, end, axis, step in zip(*(self._constant(node, place) for place in (1, 2, 3, 4)), strict=True):
            axis = int(axis) % 4
            whole = axis == 0 or end >= source.shape[axis - 1]
            if start or step < 1 or not whole or (axis < 2 and step > 1):
                raise NetworkError(f"a slice ({output.name}) of anything but every n-th row and column")
            steps[axis] = int(step)
        return selection(source, output, strides=(steps[2], steps[3]))

    def convolution(self, node: Any, output: Quantity) -> Convolution:
        """Make a convolution, depthwise ones too."""
        source, weights = self._tensor(node), self._weighted(node)
        kernel = _pair(weights.integers.shape[2:])
        strides, padding = geometry(node, kernel, _size(source))
        integers = torch.from_numpy(weights.integers.astype(np.float32))
        scaled = self._scales(node, weights, source, output, 0)
        return Convolution(
            (source,),
            output,
            integers,
            weight_zero_point=weights.zero_point,
            strides=strides,
            padding=padding,
            **scaled,
        )

    def connected(self, node: Any, output: Quantity) -> FullyConnected:
        """Make a layer that connects everything."""
        source, weights = self._tensor(node), self._weighted(node)
        given = attributes(node)
        if given.get("alpha", 1) != 1 or given.get("beta", 1) != 1 or given.get("transA", 0) or len(source.shape) != 1:
            raise NetworkError(f"{node.op_type} ({output.name}) with factors, or of anything but columns")
        transposed = given.get("transB", 0) == 1
        rows = weights.integers if transposed else weights.integers.T
        if shape := self._flattened.get(source.number):
            minor = rows.reshape(len(rows), *shape).transpose(0, *range(2, len(shape) + 1), 1)
            rows = minor.reshape(len(rows), -1)
        integers = torch.from_numpy(np.ascontiguousarray(rows, np.float32))
        scaled = self._scales(node, weights, source, output, 0 if transposed else 1)
        return FullyConnected((source,), output, integers, weight_zero_point=weights.zero_point, **scaled)

    def addition(self, node: Any, output: Quantity) -> kinds.Addition:
        """Make a sum of two tensors."""
        inputs = (self._tensor(node, 0), self._tensor(node, 1))
        if any(one.shape != output.shape for one in inputs):
            raise NetworkError(f"an addition ({output.name}) of several shapes")
        return kinds.Addition(inputs, output)

    def average(self, node: Any, output: Quantity) -> kinds.Average:
        """Make averages of windows, or of whole maps."""
        source, given = self._tensor(node), attributes(node)
        strides, padding, kernel = (1, 1), (0, 0, 0, 0), _size(source)
        if node.op_type == "AveragePool":
            kernel = _pair(given["kernel_shape"])
            strides, padding = geometry(node, kernel, _size(source))
            if any(padding) and not given.get("count_include_pad", 0):
                raise NetworkError(f"{output.name} with padding that does not count")
        elif node.op_type == "ReduceMean":
            axes = given["axes"] if "axes" in given else self._constant(node, 1)
            if {int(axis) % 4 for axis in axes} != {2, 3} or len(source.shape) != 3:
                raise NetworkError(f"{output.name}, a mean of anything but maps")
        return kinds.Average((source,), output, kernel, strides, padding)

    def concatenation(self, node: Any, output: Quantity) -> kinds.Concatenation:
        """Join channels, each tensor of them taken to the output's scale."""
        axis = attributes(node)["axis"] % (len(output.shape) + 1)
        if axis != 1:
            raise NetworkError(f"{output.name}, a concatenation of anything but channels")
        return kinds.Concatenation(
            tuple(self._rescaled(self._tensor(node, place), output) for place in range(len(node.input))), output
        )

    def _rescaled(self, source: Quantity, output: Quantity) -> Quantity:
        if (source.scale, source.zero_point, source.dtype) == (output.scale, output.zero_point, output.dtype):
            return source
        name = f"{source.name} for {output.name}"
        target = replace(output, number=self._number(), name=name, shape=source.shape, activation="NONE")
        self._operators.append(kinds.Lookup((source,), target, "QUANTIZE", function_table(source, target)))
        return target

    def _weighted(self, node: Any) -> _Weights:
        if node.input[1] not in self._weights:
            raise NetworkError(f"{node.input[1]}, weights that are not in integers")
        return self._weights[node.input[1]]

    def _scales(self, node: Any, weights: _Weights, source: Quantity, output: Quantity, axis: int) -> dict[str, Any]:
        """Find what sums stand for, what takes them to the output's scale, and the bias in the sums' unit."""
        if weights.scales.size > 1 and weights.axis != axis:
            raise NetworkError(f"{node.input[1]} with scales of anything but output channels")
        units = source.scale * weights.scales
        bias = np.rint(self._constant(node, 2, 0.0) / units) * np.ones(weights.integers.shape[axis])
        multiplier = Multiplier.of((units / output.scale).tolist())
        return {"units": as_float32(units.tolist()), "multiplier": multiplier, "bias": torch.from_numpy(bias)}


CONNECTED = ("Gemm", "MatMul")
EVERYWHERE = ("QuantizeLinear", "DequantizeLinear", "Relu", "Clip", *NOTHING)
OPERATORS: dict[str, Callable[[_Builder, Any, Quantity], Operator]] = {
    "Conv": _Builder.convolution,
    "Gemm": _Builder.connected,
    "MatMul": _Builder.connected,
    "Add": _Builder.addition,
    "AveragePool": _Builder.average,
    "GlobalAveragePool": _Builder.average,
    "ReduceMean": _Builder.average,
    "Concat": _Builder.concatenation,
}


def _pair(values: Any) -> tuple[int, int]:
    if len(values) != 2:
        raise NetworkError(f"a kernel of {len(values)} dimensions")
    return int(values[0]), int(values[1])


def _size(source: Quantity) -> tuple[int, int]:
    if len(source.shape) != 3:
        raise NetworkError(f"{source.name} of shape {source.shape} where maps are expected")
    return source.shape[1], source.shape[2]


def _area(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape[1:], initial=1))
