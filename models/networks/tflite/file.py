"""Networks in 8-bit integers, read from TensorFlow Lite files.

Their contents are read by TensorFlow Lite's own generated schema; its interpreter is not needed.
"""

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.tflite import operators as kinds
from silicodec.models.networks.tflite.arithmetic import Multiplier
from silicodec.models.networks.tflite.convolution import (
    Convolution,
    FullyConnected,
    Padding,
    as_float32,
    same_padding,
)
from silicodec.models.networks.tflite.graph import IntegerGraph, Operator
from silicodec.models.networks.tflite.quantity import ACTIVATIONS, Quantity, short_name
from silicodec.models.networks.tflite.tables import hard_swish, rescaling

DTYPES = ("uint8", "int8", "int32")
NO_PADDING = (0, 0, 0, 0)
DAMAGE = (ValueError, TypeError, AttributeError, IndexError, KeyError, ArithmeticError, struct.error)
"""What the schema raises on contents that it can't read, and NumPy on numbers that don't fit each other."""


class TFLiteModel(IntegerGraph):
    """The network of a ``.tflite`` file: one image in, class scores out, all in 8 bits.

    Parameters
    ----------
    path : Path
        The file.
    first_class : int
        How many scores to skip: 1 where the first one is of the background.

    Raises
    ------
    NetworkError
        When the file holds none, or an operator, or an option of one, that `IntegerGraph` does not compute; the
        message names it with its output.
    """

    def __init__(self, path: Path, *, first_class: int = 0) -> None:
        try:
            file = TFLiteFile(path)
        except NetworkError as error:
            raise NetworkError(f"{path} holds {error}") from error
        except DAMAGE as error:
            raise NetworkError(f"{path} is not a TensorFlow Lite model") from error
        try:
            super().__init__(*file.graph(), first_class=first_class)
        except NetworkError as error:
            raise NetworkError(f"{path} holds {error}, which cannot be computed here") from error
        except DAMAGE as error:
            raise NetworkError(f"{path} is a damaged TensorFlow Lite model") from error


class TFLiteFile:
    """Contents of a file."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert import schema_py_generated

        self._schema = schema_py_generated
        contents = path.read_bytes()
        if contents[4:8] != b"TFL3":
            raise ValueError("no TensorFlow Lite model")
        self._model = self._schema.ModelT.InitFromPackedBuf(contents, 0)
        if len(self._model.subgraphs) != 1:
            raise NetworkError(f"{len(self._model.subgraphs)} graphs, where one is computed")
        (self._subgraph,) = self._model.subgraphs
        if len(self._subgraph.inputs) != 1:
            raise NetworkError(f"a network of {len(self._subgraph.inputs)} inputs, where one is taken")
        self._dtypes = {getattr(self._schema.TensorType, name.upper()): name for name in DTYPES}

    def graph(self) -> tuple[Quantity, tuple[Operator, ...]]:
        """Read the network: its images and its operators, without those that lead from or to floating point."""
        names = {code: kind for kind, code in vars(self._schema.BuiltinOperator).items() if not kind.startswith("_")}
        codes = [max(entry.builtinCode, entry.deprecatedBuiltinCode) for entry in self._model.operatorCodes]
        entries = [(names[codes[entry.opcodeIndex]], entry) for entry in self._subgraph.operators]
        (source,) = self._subgraph.inputs
        if entries and entries[0][0] == "QUANTIZE" and self._is_float(source):
            source = entries.pop(0)[1].outputs[0]
        if entries and entries[-1][0] == "DEQUANTIZE":
            entries.pop()
        if not entries:
            raise NetworkError("no operator")
        return self._quantity(source), tuple(self._read(number, *entry) for number, entry in enumerate(entries))

    def _is_float(self, number: int) -> bool:
        return self._subgraph.tensors[number].type == self._schema.TensorType.FLOAT32

    def _read(self, number: int, kind: str, entry: Any) -> Operator:
        try:
            return self._operator(kind, entry)
        except NetworkError:
            raise
        except DAMAGE as error:
            raise NetworkError(f"an operator {kind}, number {number}, that its tensors do not fit") from error

    def _operator(self, kind: str, entry: Any) -> Operator:
        output = self._bounded(self._quantity(entry.outputs[0]), entry.builtinOptions)
        if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            return self._convolution(kind, entry, output)
        if kind == "FULLY_CONNECTED":
            return self._fully_connected(entry, output)
        inputs = tuple(self._quantity(number) for number in entry.inputs if not self._is_constant(number))
        constants = [number for number in entry.inputs if self._is_constant(number)]
        source = inputs[0]
        if kind == "ADD" and [one.shape for one in inputs] == [output.shape] * 2:
            return kinds.Addition(inputs, output)
        if kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
            return self._pool(kind, entry.builtinOptions, source, output)
        if kind == "MEAN":
            return self._mean(constants, source, output)
        if kind == "PAD":
            return kinds.Pad(inputs, output, self._pad_amounts(constants, output))
        if kind == "CONCATENATION":
            return self._concatenation(entry, inputs, output)
        if kind in ("RESHAPE", "SQUEEZE"):
            return kinds.Reshape(inputs, output)
        if kind == "SOFTMAX":
            return kinds.Softmax(inputs, output, float(entry.builtinOptions.beta))
        if kind == "HARD_SWISH":
            output = replace(output, activation=kind)
            return kinds.Lookup(inputs, output, kind, hard_swish(source, output))
        if kind in ("RELU", "RELU6"):
            bounded = output.bounded(kind)
            return kinds.Lookup(inputs, bounded, kind, rescaling(source, bounded, source.scale_over(bounded)))
        if kind == "QUANTIZE":
            return kinds.Lookup(inputs, output, kind, rescaling(source, output, source.scale / output.scale))
        raise NetworkError(f"an operator {kind} ({output.name})")

    def _convolution(self, kind: str, entry: Any, output: Quantity) -> Convolution:
        options = entry.builtinOptions
        if {options.dilationWFactor, options.dilationHFactor} != {1}:
            raise NetworkError(f"{output.name} with dilation")
        axes = (0, 3, 1, 2) if kind == "CONV_2D" else (3, 0, 1, 2)
        weights = self._constant(entry.inputs[1]).permute(axes).contiguous().to(torch.float32)
        source = self._quantity(entry.inputs[0])
        return Convolution(
            inputs=(source,),
            output=output,
            weights=weights,
            bias=self._bias(entry, len(weights)),
            weight_zero_point=self._zero_point(entry.inputs[1]),
            strides=(options.strideH, options.strideW),
            padding=self._padding(options, source, (weights.shape[2], weights.shape[3])),
            **self._scales(entry, output, halves_away=kind == "DEPTHWISE_CONV_2D"),
        )

    def _fully_connected(self, entry: Any, output: Quantity) -> FullyConnected:
        weights = self._constant(entry.inputs[1]).to(torch.float32)
        return FullyConnected(
            inputs=(self._quantity(entry.inputs[0]),),
            output=output,
            weights=weights,
            bias=self._bias(entry, len(weights)),
            weight_zero_point=self._zero_point(entry.inputs[1]),
            **self._scales(entry, output, halves_away=False),
        )

    def _scales(self, entry: Any, output: Quantity, *, halves_away: bool) -> dict[str, Any]:
        """Find what sums stand for, and what takes them to the output's scale."""
        source = self._quantity(entry.inputs[0])
        scales = self._subgraph.tensors[entry.inputs[1]].quantization.scale
        if source.dtype == "uint8":
            units = [float(np.float32(source.scale) * np.float32(scale)) for scale in scales]
        else:
            units = [source.scale * float(scale) for scale in scales]
        multiplier = Multiplier.of([unit / output.scale for unit in units], halves_away=halves_away)
        return {"units": as_float32(units), "multiplier": multiplier}

    def _pool(self, kind: str, options: Any, source: Quantity, output: Quantity) -> kinds.AveragePool | kinds.MaxPool:
        kernel = options.filterHeight, options.filterWidth
        make = kinds.AveragePool if kind == "AVERAGE_POOL_2D" else kinds.MaxPool
        strides = options.strideH, options.strideW
        return make((source,), output, kernel, strides, self._padding(options, source, kernel))

    def _padding(self, options: Any, source: Quantity, kernel: tuple[int, int]) -> Padding:
        if options.padding == self._schema.Padding.VALID:
            return NO_PADDING
        return same_padding((source.shape[1], source.shape[2]), kernel, (options.strideH, options.strideW))

    def _mean(self, constants: list[int], source: Quantity, output: Quantity) -> kinds.Mean:
        if len(source.shape) != 3 or {int(axis) % 4 for axis in self._constant(constants[0])} != {1, 2}:
            raise NetworkError(f"{output.name}, a mean of anything but maps")
        return kinds.Mean((source,), output)

    def _pad_amounts(self, constants: list[int], output: Quantity) -> Padding:
        amounts = self._constant(constants[0]).to(torch.int64).tolist()
        if len(amounts) != 4 or amounts[0] != [0, 0] or amounts[3] != [0, 0]:
            raise NetworkError(f"{output.name} with padding of anything but height and width")
        (above, below), (left, right) = amounts[1:3]
        return left, right, above, below

    def _concatenation(self, entry: Any, inputs: tuple[Quantity, ...], output: Quantity) -> kinds.Concatenation:
        ranks = len(output.shape) + 1
        if len(inputs) != len(entry.inputs) or entry.builtinOptions.axis % ranks != ranks - 1:
            raise NetworkError(f"{output.name}, a concatenation of anything but channels")
        if any((one.scale, one.zero_point) != (output.scale, output.zero_point) for one in inputs):
            raise NetworkError(f"{output.name}, a concatenation of several scales")
        return kinds.Concatenation(inputs, output)

    def _quantity(self, number: int) -> Quantity:
        tensor = self._subgraph.tensors[number]
        name = short_name(tensor.name.decode())
        dtype = self._dtypes.get(tensor.type)
        quantization = tensor.quantization
        if dtype is None or quantization is None or quantization.scale is None or len(quantization.scale) != 1:
            raise NetworkError(f"{name} in something else than 8-bit integers with one scale")
        zero_point = int(quantization.zeroPoint[0])
        limits = np.iinfo(dtype)
        _, *size = map(int, tensor.shape)
        return Quantity(
            number=int(number),
            name=name,
            shape=(size[-1], *size[:-1]),
            dtype=dtype,
            scale=float(quantization.scale[0]),
            zero_point=zero_point,
            low=int(limits.min) - zero_point,
            high=int(limits.max) - zero_point,
        )

    def _bounded(self, output: Quantity, options: Any) -> Quantity:
        """Narrow bounds by the activation function at an operator's end."""
        functions = self._schema.ActivationFunctionType
        code = getattr(options, "fusedActivationFunction", functions.NONE)
        for name in ACTIVATIONS:
            if code == getattr(functions, name):
                return output.bounded(name)
        raise NetworkError(f"{output.name} with activation function number {code}")

    def _is_constant(self, number: int) -> bool:
        return self._model.buffers[self._subgraph.tensors[number].buffer].data is not None

    def _zero_point(self, number: int) -> int:
        quantization = self._subgraph.tensors[number].quantization
        zero_points = [] if quantization is None or quantization.zeroPoint is None else quantization.zeroPoint
        different = {int(zero_point) for zero_point in zero_points}
        if len(different) > 1:
            raise NetworkError(f"{short_name(self._subgraph.tensors[number].name.decode())} with several zero points")
        return different.pop() if different else 0

    def _bias(self, entry: Any, channels: int) -> Tensor:
        if len(entry.inputs) < 3 or entry.inputs[2] < 0:
            return torch.zeros(channels, dtype=torch.float64)
        return self._constant(entry.inputs[2])

    def _constant(self, number: int) -> Tensor:
        """Read a constant, less its zero point: float64 integers."""
        tensor = self._subgraph.tensors[number]
        dtype = self._dtypes.get(tensor.type)
        if dtype is None or not self._is_constant(number):
            raise NetworkError(f"{short_name(tensor.name.decode())}, which is not a constant of integers")
        stored = np.frombuffer(bytes(self._model.buffers[tensor.buffer].data), dtype)
        return torch.from_numpy(stored.reshape(tensor.shape).astype(np.float64) - self._zero_point(number))
