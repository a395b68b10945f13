"""Operators without weights: additions, pools, padding, tables and what only moves integers.

Every operator has `inputs`, an `output`, and `compute`: from tensors of integers less their zero point, float32,
(N, C, H, W) or (N, C), to the output's.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, pad

from silicodec.models.networks.tflite.arithmetic import Multiplier
from silicodec.models.networks.tflite.convolution import Padding, channel_minor, requantise
from silicodec.models.networks.tflite.quantity import Quantity

ADD_SHIFT = 20
"""Bits of fraction with which TensorFlow Lite adds."""


@dataclass(frozen=True, eq=False)
class Addition:
    """A sum of two tensors, with the activation function at its end."""

    inputs: tuple[Quantity, ...]
    output: Quantity

    @cached_property
    def unit(self) -> float:
        """Scale of the sum, whose integers have `ADD_SHIFT` bits of fraction: twice that of the coarser input."""
        return 2 * max(source.scale for source in self.inputs)

    @cached_property
    def input_multipliers(self) -> tuple[Multiplier, ...]:
        """What takes each input, times 2 ** `ADD_SHIFT`, to the sum's scale."""
        return tuple(Multiplier.of([source.scale / self.unit]) for source in self.inputs)

    @cached_property
    def multiplier(self) -> Multiplier:
        """What takes the sum to the output's scale."""
        return Multiplier.of([self.unit / (self.output.scale * (1 << ADD_SHIFT))])

    def compute(self, *values: Tensor) -> Tensor:
        """Compute the output."""
        parts = zip(values, self.input_multipliers, strict=True)
        first, second = (multiplier.apply(part.to(torch.int64) << ADD_SHIFT) for part, multiplier in parts)
        return requantise(first + second, self.multiplier, self.output)


@dataclass(frozen=True, eq=False)
class AveragePool:
    """Averages of windows, without what padding adds; a global one has a window of the map's size.

    Scale and zero point are the input's. Averages of the integers q are rounded to the nearest, halves away from zero.

    Attributes
    ----------
    kernel, strides : tuple of int
        Down and to the right.
    padding : tuple of int
        At the left, right, top and bottom.
    """

    inputs: tuple[Quantity, ...]
    output: Quantity
    kernel: tuple[int, int]
    strides: tuple[int, int]
    padding: Padding

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""

        def window_sums(of: Tensor) -> Tensor:
            padded = pad(of, self.padding)
            return avg_pool2d(padded, self.kernel, self.strides, divisor_override=1).to(torch.int64)

        zero_point = self.output.zero_point
        count = window_sums(torch.ones_like(values[:1, :1], dtype=torch.float64))
        sums = window_sums(values.double()) + zero_point * count
        averages = sums.sign() * ((sums.abs() + count // 2) // count) - zero_point
        return averages.clamp(self.output.low, self.output.high).to(torch.float32)


@dataclass(frozen=True, eq=False)
class Average:
    """Averages of windows, with what padding adds, in another scale than the input's: rounded once.

    Attributes
    ----------
    kernel, strides, padding : tuple of int
        As of `AveragePool`.
    """

    inputs: tuple[Quantity, ...]
    output: Quantity
    kernel: tuple[int, int]
    strides: tuple[int, int]
    padding: Padding

    @cached_property
    def fraction_bits(self) -> int:
        """Bits by which sums are shifted to the left first, as many as 31 bits allow, since a product rounds twice."""
        return max(30 - (255 * self.kernel[0] * self.kernel[1]).bit_length(), 0)

    @cached_property
    def multiplier(self) -> Multiplier:
        """What takes sums of a window, times 2 ** `fraction_bits`, to the output's scale."""
        unit = self.inputs[0].scale / (self.kernel[0] * self.kernel[1] << self.fraction_bits)
        return Multiplier.of([unit / self.output.scale], halves_away=True)

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""
        padded = pad(values.double(), self.padding)
        sums = avg_pool2d(padded, self.kernel, self.strides, divisor_override=1).to(torch.int64)
        shaped = sums.reshape(len(sums), *self.output.shape)
        return requantise(shaped << self.fraction_bits, self.multiplier, self.output)


@dataclass(frozen=True, eq=False)
class MaxPool:
    """The largest of each window; attributes as of `AveragePool`."""

    inputs: tuple[Quantity, ...]
    output: Quantity
    kernel: tuple[int, int]
    strides: tuple[int, int]
    padding: Padding

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""
        padded = pad(values, self.padding, value=-float("inf"))
        return max_pool2d(padded, self.kernel, self.strides).clamp(self.output.low, self.output.high)


@dataclass(frozen=True, eq=False)
class Mean:
    """The mean of each map.

    TensorFlow Lite rounds it in one of two ways, which depend on whether maps of 1 x 1 stay, or only the channels.
    """

    inputs: tuple[Quantity, ...]
    output: Quantity

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""
        count = values.shape[2] * values.shape[3]
        sums = values.to(torch.int64).sum((2, 3))
        means = self._of_maps(sums, count) if len(self.output.shape) == 3 else self._of_channels(sums, count)
        return means.clamp(self.output.low, self.output.high).to(torch.float32)

    def _of_maps(self, sums: Tensor, count: int) -> Tensor:
        source, output = self.inputs[0], self.output
        zero = np.float32(source.zero_point) * np.float32(source.scale) / np.float32(output.scale)
        number = np.float32(source.scale) / (np.float32(count) * np.float32(output.scale))
        means = Multiplier.of([float(number)], halves_away=True).apply(sums + source.zero_point * count)
        return means.reshape(*sums.shape, 1, 1) - int(zero + np.copysign(np.float32(0.5), zero))

    def _of_channels(self, sums: Tensor, count: int) -> Tensor:
        multiplier = Multiplier.of([self.inputs[0].scale / self.output.scale], halves_away=True)
        places = count.bit_length() - 1
        divided = (multiplier.factors << places) // count
        return Multiplier(divided, multiplier.shifts + places, halves_away=True).apply(sums)


@dataclass(frozen=True, eq=False)
class Pad:
    """A border of zeros: left, right, top, bottom."""

    inputs: tuple[Quantity, ...]
    output: Quantity
    padding: Padding

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""
        return pad(values, self.padding)


@dataclass(frozen=True, eq=False)
class Concatenation:
    """Channels of several tensors of one scale and zero point."""

    inputs: tuple[Quantity, ...]
    output: Quantity

    def compute(self, *values: Tensor) -> Tensor:
        """Compute the output."""
        return torch.cat(values, dim=1).clamp(self.output.low, self.output.high)


@dataclass(frozen=True, eq=False)
class Reshape:
    """The same integers in another shape, in channel-minor order."""

    inputs: tuple[Quantity, ...]
    output: Quantity

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""
        minor = channel_minor(values)
        if len(self.output.shape) != 3:
            return minor.reshape(len(values), *self.output.shape)
        channels, height, width = self.output.shape
        return minor.reshape(len(values), height, width, channels).permute(0, 3, 1, 2).contiguous()


@dataclass(frozen=True, eq=False)
class Lookup:
    """A function of single values, such as an activation function that stands alone, or a change of scale.

    Attributes
    ----------
    function : str
        TensorFlow Lite's name of the operator.
    table : np.ndarray
        int16: the output's integer less its zero point, for each of the input's from its lowest on.
    """

    inputs: tuple[Quantity, ...]
    output: Quantity
    function: str
    table: np.ndarray

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output."""
        return torch.from_numpy(self.table).to(torch.float32)[(values - self.inputs[0].low).to(torch.int64)]


@dataclass(frozen=True, eq=False)
class Softmax:
    """Probabilities, from a table of exponentials in float32 as TensorFlow Lite has it.

    Attributes
    ----------
    beta : float
        Factor of the exponents.
    """

    inputs: tuple[Quantity, ...]
    output: Quantity
    beta: float

    def compute(self, values: Tensor) -> Tensor:
        """Compute the output; for inputs of any shape, the last axis has the classes."""
        rows = channel_minor(values)
        scale = np.float32(self.inputs[0].scale) * np.float32(self.beta)
        exponentials = np.exp(-(scale * np.arange(256, dtype=np.float32)).astype(np.float64)).astype(np.float32)
        found = _softmax(
            rows.reshape(-1, rows.shape[-1]).numpy().astype(np.int64), exponentials, np.float32(self.output.scale)
        )
        shaped = torch.from_numpy(found).reshape(rows.shape) + (self.output.low)
        moved = shaped.permute(0, 3, 1, 2).contiguous() if values.ndim == 4 else shaped
        return moved.clamp(self.output.low, self.output.high).to(torch.float32)


@njit(cache=True)
def _softmax(rows: np.ndarray, exponentials: np.ndarray, unit: np.float32) -> np.ndarray:
    found = np.empty(rows.shape, np.int64)
    for row in range(rows.shape[0]):
        largest = rows[row].max()
        total = np.float32(0)
        for value in rows[row]:
            total += exponentials[largest - value]
        factor = np.float32(1) / (total * unit)
        for column in range(rows.shape[1]):
            found[row, column] = np.int64(exponentials[largest - rows[row, column]] * factor + np.float32(0.5))
    return found


Operator = AveragePool | Average | MaxPool | Mean | Addition | Pad | Concatenation | Reshape | Lookup | Softmax
