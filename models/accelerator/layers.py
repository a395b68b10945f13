"""Layers as the accelerator computes them, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from silicodec.models.accelerator.program import Opcode
from silicodec.models.errors import CodecError

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
    """A layer: a convolution or a pool, and what is added to it.

    Attributes
    ----------
    name : str
        Name of its output.
    source, output : int
        Numbers of the maps it reads and makes.
    in_shape, out_shape : tuple of int
        Their shapes.
    opcode : Opcode
        What it computes.
    weights : np.ndarray
        int16, (out, in, height, width), in = 1 if depthwise: integers as stored, -128 .. 127.
    weight_zero : int
        Their zero point; a maximum is over the taps whose weight is another.
    bias : np.ndarray
        int64, (out,): with the input's zero point folded in.
    stride, pad_top, pad_left : int
        As usual; outside of the map samples are `pad_value`.
    pad_value : int
        The input's zero point; -128 for a maximum.
    rescaling : Rescaling
        From sums to samples.
    residual : Residual, optional
        What is added.
    work : int, optional
        Multiplications that the operator takes, where the layer's weights are filled up with zeros or it is one of
        several that compute the operator.
    """

    name: str
    source: int
    output: int
    in_shape: Shape
    out_shape: Shape
    opcode: Opcode
    weights: np.ndarray
    weight_zero: int
    bias: np.ndarray
    stride: int
    pad_top: int
    pad_left: int
    pad_value: int
    rescaling: Rescaling
    residual: Residual | None = None
    work: int | None = None

    @property
    def depthwise(self) -> bool:
        """Whether output channel c is computed from input channel c alone."""
        return self.opcode != Opcode.DENSE

    @property
    def out_rescaling(self) -> Rescaling:
        """What the output's samples come from: the rescaling of the sum, where a map is added."""
        return self.residual.outer if self.residual else self.rescaling

    @property
    def macs(self) -> int:
        """Multiplications of the layer, those with padding included, but not those with zeros that fill up weights."""
        if self.work is not None:
            return self.work
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
    joined : mapping of int to tuple of int
        Numbers of the maps whose channels a concatenation joins, by the concatenation's number.
    """

    source: int
    layers: tuple[Layer, ...]
    joined: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def parts(self, number: int) -> tuple[int, ...]:
        """Return the maps that layers make of which a map consists: itself, or those that it joins."""
        return self.joined.get(number, (number,))

    def last_reader(self, number: int) -> int:
        """Return the index of the last layer that reads a map, or a concatenation of it; -1 without any."""
        names = {number, *(joint for joint, parts in self.joined.items() if number in parts)}
        read_by = [
            index
            for index, layer in enumerate(self.layers)
            if layer.source in names or (layer.residual and layer.residual.tensor in names)
        ]
        return max(read_by, default=-1)

    @property
    def codec_groups(self) -> list[tuple[int, ...]]:
        """The maps between layers, in groups of those that have to be stored alike: what is read as one map is."""
        groups: dict[int, tuple[int, ...]] = {}
        for parts in self.joined.values():
            groups |= dict.fromkeys(parts, parts)
        every = [groups.get(layer.output, (layer.output,)) for layer in self.layers[:-1]]
        return list(dict.fromkeys(every))
