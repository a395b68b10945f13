"""Integers for a traced network.

Weights are symmetric, with a scale for each output channel, -127 .. 127; activations are of 8 bits with one scale and
zero point a tensor; biases are of 32 bits. That is TensorFlow Lite's specification of 8-bit networks, and so is the
arithmetic.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from silicodec.models.networks.quantised.ranges import Calibration, Range
from silicodec.models.networks.quantised.trace import TracedLayer, trace
from silicodec.models.networks.tflite import operators as kinds
from silicodec.models.networks.tflite.arithmetic import Multiplier
from silicodec.models.networks.tflite.convolution import Convolution, FullyConnected, as_float32, selection
from silicodec.models.networks.tflite.graph import IntegerGraph, Operator
from silicodec.models.networks.tflite.quantity import Quantity
from silicodec.models.networks.tflite.tables import rescaling

LOWEST, LEVELS = -128, 255
LARGEST_WEIGHT = 127
LARGEST_BIAS = 1 << 30
SMALLEST_SCALE = 2.0**-40
SCALE_BITS = 12
"""Significant bits of a scale of activations: few, so that processors that add in another order give the same one."""
KEEPS_SCALE = ("selection", "max pool", "average pool", "global average", "pad", "flatten")
"""Layers whose outputs have the scale and zero point of their input."""


def quantise_network(model: nn.Module, images: np.ndarray, calibration: Calibration | None = None) -> IntegerGraph:
    """Turn a network in floating point into one in integers.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode; it maps (N, C, H, W) to class scores. `torch.fx` must be able to trace it.
    images : np.ndarray
        Calibration images, float32, (N, C, H, W), normalised.
    calibration : Calibration, optional
        How ranges are found; by default from the smallest to the largest value.

    Returns
    -------
    IntegerGraph
        Its tensors have the names of the modules that end the layers.

    Raises
    ------
    NetworkError
        When the network cannot be traced, or holds an operation that has no counterpart in integers.
    """
    module, layers = trace(model)
    ShapeProp(module).propagate(torch.from_numpy(images[:1]))
    ranges = (calibration or Calibration()).ranges(module, {layer.node for layer in layers}, images)
    builder = _Builder(ranges)
    for layer in layers:
        builder.add(layer)
    return IntegerGraph(builder.quantities[layers[0]], tuple(builder.operators))


class _Builder:
    def __init__(self, ranges: Mapping[fx.Node, Range]) -> None:
        self._ranges = ranges
        self._shape_before_flattening: dict[TracedLayer, tuple[int, ...]] = {}
        self.quantities: dict[TracedLayer, Quantity] = {}
        self.operators: list[Operator] = []

    def add(self, layer: TracedLayer) -> None:
        """Add a layer's operator, and choose its output's scale."""
        inputs = tuple(self.quantities[source] for source in layer.inputs)
        output = self._quantity(layer)
        if layer.kind in KEEPS_SCALE:
            shape = (inputs[0].shape[0], 1, 1) if layer.kind == "global average" else output.shape
            output = replace(inputs[0], number=output.number, name=output.name, shape=shape, activation="NONE")
        self.quantities[layer] = output
        if layer.kind == "flatten":
            self._shape_before_flattening[layer] = inputs[0].shape
        elif layer.kind in ("relu", "add") and layer.inputs[0] in self._shape_before_flattening:
            self._shape_before_flattening[layer] = self._shape_before_flattening[layer.inputs[0]]
        if layer.kind != "images":
            self.operators.append(self._operator(layer, inputs, output))

    def _quantity(self, layer: TracedLayer) -> Quantity:
        low, high = self._ranges[layer.node]
        scale = _rounded(max((high - low) / LEVELS, SMALLEST_SCALE))
        zero_point = min(max(round(LOWEST - low / scale), LOWEST), LOWEST + LEVELS)
        plain = Quantity(
            number=len(self.quantities) + len(self.operators),
            name=layer.name,
            shape=tuple(layer.node.meta["tensor_meta"].shape[1:]),
            dtype="int8",
            scale=scale,
            zero_point=zero_point,
            low=LOWEST - zero_point,
            high=LOWEST + LEVELS - zero_point,
        )
        return plain.bounded(layer.activation)

    def _operator(self, layer: TracedLayer, inputs: tuple[Quantity, ...], output: Quantity) -> Operator:
        geometry = layer.geometry
        match layer.kind:
            case "convolution":
                return self._convolution(layer, inputs[0], output)
            case "selection":
                before, _ = geometry.get("new_channels", (0, 0))
                strides, padding = geometry["strides"], geometry["padding"]
                return selection(inputs[0], output, strides=strides, padding=padding, channels_before=before)
            case "linear":
                return self._linear(layer, inputs[0], output)
            case "add":
                return kinds.Addition(inputs, output)
            case "relu":
                return kinds.Lookup(
                    inputs, output, layer.activation, rescaling(inputs[0], output, inputs[0].scale_over(output))
                )
            case "max pool":
                return kinds.MaxPool(inputs, output, geometry["kernel"], geometry["strides"], geometry["padding"])
            case "average pool":
                return kinds.AveragePool(inputs, output, geometry["kernel"], geometry["strides"], geometry["padding"])
            case "global average":
                _, height, width = inputs[0].shape
                return kinds.AveragePool(inputs, output, (height, width), (1, 1), (0, 0, 0, 0))
            case "pad":
                return kinds.Pad(inputs, output, geometry["padding"])
            case "concatenation":
                return kinds.Concatenation(tuple(self._rescaled(source, output) for source in inputs), output)
            case _:
                return kinds.Reshape(inputs, output)

    def _convolution(self, layer: TracedLayer, source: Quantity, output: Quantity) -> Convolution:
        assert layer.weights is not None
        assert layer.bias is not None
        integers, scales, bias = _quantised(layer.weights, layer.bias, source)
        depthwise = integers.shape[1] == 1 and source.shape[0] > 1
        units, multiplier = _scales(scales, source, output, halves_away=depthwise)
        strides, padding = layer.geometry["strides"], layer.geometry["padding"]
        return Convolution((source,), output, integers, bias, 0, strides, padding, units, multiplier)

    def _linear(self, layer: TracedLayer, source: Quantity, output: Quantity) -> FullyConnected:
        assert layer.weights is not None
        assert layer.bias is not None
        weights = layer.weights
        if shape := self._shape_before_flattening.get(layer.inputs[0]):
            minor = weights.reshape(len(weights), *shape).transpose(0, *range(2, len(shape) + 1), 1)
            weights = minor.reshape(len(weights), -1)
        integers, scales, bias = _quantised(weights, layer.bias, source)
        units, multiplier = _scales(scales, source, output, halves_away=False)
        return FullyConnected((source,), output, integers, bias, 0, units, multiplier)

    def _rescaled(self, source: Quantity, output: Quantity) -> Quantity:
        """Take a tensor to the scale of another one."""
        if (source.scale, source.zero_point) == (output.scale, output.zero_point):
            return source
        number = len(self.quantities) + len(self.operators)
        target = replace(output, number=number, name=f"{source.name} for {output.name}", shape=source.shape)
        table = rescaling(source, target, source.scale / target.scale)
        self.operators.append(kinds.Lookup((source,), target, "QUANTIZE", table))
        return target


def _quantised(
    weights: np.ndarray, bias: np.ndarray, source: Quantity
) -> tuple[torch.Tensor, np.ndarray, torch.Tensor]:
    """Quantise weights and bias by output channel: weights and bias in integers, and the weights' scales."""
    rows = weights.reshape(len(weights), -1)
    # A channel of very small weights gets a scale with which its bias still fits.
    scales = np.maximum(np.abs(rows).max(axis=1) / LARGEST_WEIGHT, np.abs(bias) / (source.scale * LARGEST_BIAS))
    scales = np.maximum(scales, SMALLEST_SCALE).astype(np.float32).astype(np.float64)
    integers = np.rint(rows / scales[:, np.newaxis]).clip(-LARGEST_WEIGHT, LARGEST_WEIGHT)
    return (
        torch.from_numpy(integers.reshape(weights.shape).astype(np.float32)),
        scales,
        torch.from_numpy(np.rint(bias / (scales * source.scale))),
    )


def _scales(scales: np.ndarray, source: Quantity, output: Quantity, *, halves_away: bool) -> tuple[Tensor, Multiplier]:
    units = [source.scale * float(scale) for scale in scales]
    return as_float32(units), Multiplier.of([unit / output.scale for unit in units], halves_away=halves_away)


def _rounded(scale: float) -> float:
    """Round to `SCALE_BITS` significant bits."""
    fraction, exponent = np.frexp(scale)
    return float(np.ldexp(np.rint(np.ldexp(fraction, SCALE_BITS)), exponent - SCALE_BITS))
