"""Networks in 8-bit integers, read from TensorFlow Lite files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from silicodec.models.networks.integer_graph import Addition, Convolution, GlobalAverage, IntegerGraph, Quantity
from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.tflite import short_name

DTYPES = ("uint8", "int8", "int32")
BEHIND_SCORES = ("RESHAPE", "SOFTMAX")


def read_graph(path: Path) -> IntegerGraph:
    """Read a network that has one input, and one scale for each tensor, up to its class scores.

    Raises
    ------
    NetworkError
        When it has an operator, or an option of one, that `IntegerGraph` does not compute.
    """
    try:
        return TFLiteFile(path).graph()
    except NetworkError as error:
        raise NetworkError(f"{path} holds {error}, which cannot be computed here") from error


class TFLiteFile:
    """Contents of a file."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert import schema_py_generated

        self._schema = schema_py_generated
        self._model = self._schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        self._subgraph = self._model.subgraphs[0]
        self._dtypes = {getattr(self._schema.TensorType, name.upper()): np.dtype(name) for name in DTYPES}

    def graph(self) -> IntegerGraph:
        """Read the network."""
        kinds = {code: kind for kind, code in vars(self._schema.BuiltinOperator).items() if not kind.startswith("_")}
        codes = [max(entry.builtinCode, entry.deprecatedBuiltinCode) for entry in self._model.operatorCodes]
        entries = [(kinds[codes[entry.opcodeIndex]], entry) for entry in self._subgraph.operators]
        while entries[-1][0] in BEHIND_SCORES:
            entries.pop()
        operators = tuple(self._operator(kind, entry) for kind, entry in entries)
        return IntegerGraph(self._quantity(self._subgraph.inputs[0]), operators)

    def _operator(self, kind: str, entry: Any) -> Convolution | Addition | GlobalAverage:
        inputs = tuple(self._quantity(number) for number in entry.inputs)
        output = self._bounded(self._quantity(entry.outputs[0]), entry.builtinOptions)
        if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            return self._convolution(kind, entry, inputs, output)
        if kind == "ADD":
            return Addition(inputs, output)
        if kind == "AVERAGE_POOL_2D" and list(self._subgraph.tensors[output.number].shape[1:3]) == [1, 1]:
            return GlobalAverage(inputs, output)
        raise NetworkError(f"an operator {kind}")

    def _convolution(self, kind: str, entry: Any, inputs: tuple[Quantity, ...], output: Quantity) -> Convolution:
        source, weights, bias = inputs
        options = entry.builtinOptions
        strides = {options.strideW, options.strideH}
        if len(strides) > 1 or {options.dilationWFactor, options.dilationHFactor} != {1}:
            raise NetworkError(f"{output.name} with dilation or two strides")
        if options.padding != self._schema.Padding.SAME:
            raise NetworkError(f"{output.name} without padding")
        axes = (0, 3, 1, 2) if kind == "CONV_2D" else (3, 0, 1, 2)
        return Convolution(
            (source,),
            output,
            self._constant(weights).permute(axes).contiguous(),
            self._constant(bias),
            strides.pop(),
            float(np.float32(source.scale) * np.float32(weights.scale)),
        )

    def _quantity(self, number: int) -> Quantity:
        tensor = self._subgraph.tensors[number]
        if tensor.quantization.scale is None or len(tensor.quantization.scale) != 1:
            raise NetworkError(f"{tensor.name.decode()} without scale, or with several")
        zero_point = int(tensor.quantization.zeroPoint[0])
        limits = np.iinfo(self._dtypes[tensor.type])
        return Quantity(
            int(number),
            short_name(tensor.name.decode()),
            float(tensor.quantization.scale[0]),
            zero_point,
            int(limits.min) - zero_point,
            int(limits.max) - zero_point,
        )

    def _bounded(self, output: Quantity, options: Any) -> Quantity:
        """Narrow bounds by the activation function at an operator's end."""
        functions = self._schema.ActivationFunctionType
        code = getattr(options, "fusedActivationFunction", functions.NONE)
        if code == functions.NONE:
            return output
        if code == functions.RELU:
            return replace(output, low=max(output.low, 0))
        if code == functions.RELU6:
            return replace(output, low=max(output.low, 0), high=min(output.high, round(6 / output.scale)))
        raise NetworkError(f"{output.name} with activation function number {code}")

    def _constant(self, quantity: Quantity) -> Tensor:
        tensor = self._subgraph.tensors[quantity.number]
        stored = np.frombuffer(bytes(self._model.buffers[tensor.buffer].data), self._dtypes[tensor.type])
        return torch.from_numpy(stored.reshape(tensor.shape).astype(np.int64) - quantity.zero_point).to(torch.float32)
