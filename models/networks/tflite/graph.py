"""Networks in 8-bit integers, computed in PyTorch with TensorFlow Lite's own integers at every tensor.

TensorFlow Lite does not let a tensor be replaced inside a run; here it can be. The arithmetic is that of B. Jacob and
others, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (arXiv
1712.05877): sums of products of integers, times a multiplier in fixed point, rounded.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.tflite import operators as kinds
from silicodec.models.networks.tflite.convolution import Convolution, FullyConnected
from silicodec.models.networks.tflite.quantity import Quantity

Operator = Convolution | FullyConnected | kinds.Operator
Replace = Callable[[str, Tensor], Tensor | None]

MOVING = (kinds.Reshape, kinds.Softmax)
"""Operators whose outputs are never replaced."""


class IntegerGraph:
    """A network.

    A *word* is what a codec gets of a tensor, channel-major: uint8, q - zero_point, of tensors that are never negative,
    as after a ReLU (real zero is the word 0), and int8 of others: q, less 128 in networks of unsigned integers.

    Attributes
    ----------
    source : Quantity
        The images.
    operators : tuple of Operator
        In the order of computation; the last one gives class scores, or their probabilities.
    first_class : int
        How many scores to skip: 1 where the first one is of the background.
    """

    def __init__(self, source: Quantity, operators: tuple[Operator, ...], *, first_class: int = 0) -> None:
        self.source = source
        self.operators = operators
        self.first_class = first_class

    @property
    def layers(self) -> list[Convolution | FullyConnected]:
        """The operators with weights."""
        return [operator for operator in self.operators if isinstance(operator, Convolution | FullyConnected)]

    def scores(self, images: np.ndarray, replace: Replace | None = None, point: str = "activation") -> Tensor:
        """Compute class scores, before a softmax: float32, (N, classes); arguments as of `values`."""
        last = self.operators[-1]
        scores = last.inputs[0] if isinstance(last, kinds.Softmax) else last.output
        values = self.values(images, replace, point)[scores.number].flatten(1)
        return values[:, self.first_class :] * scores.scale

    def values(
        self, images: np.ndarray, replace: Replace | None = None, point: str = "activation"
    ) -> dict[int, Tensor]:
        """Compute every tensor.

        Parameters
        ----------
        images : np.ndarray
            float32, (N, C, H, W), normalised.
        replace : callable, optional
            Called with a tensor's name and words (N, C, H, W) or (N, C) as they are computed; returns other words, or
            None to keep them.
        point : str
            Which tensors it is called for: ``activation``, those that an activation function ends; ``tensor``, the
            output of every operator that computes; ``convolution``, every convolution of maps with the real numbers of
            its sums, float32, instead of words.

        Returns
        -------
        dict of int to Tensor
            Integers less their zero point by number of the tensor: float32, (N, C, H, W) or (N, C).

        Raises
        ------
        NetworkError
            When the tensors of an operator do not fit together.
        """
        pixels = torch.from_numpy(images / np.float32(self.source.scale)).round()
        values = {self.source.number: pixels.clamp(self.source.low, self.source.high)}
        for operator in self.operators:
            try:
                result = _computed(operator, [values[source.number] for source in operator.inputs], replace, point)
            except (KeyError, RuntimeError) as error:  # RuntimeError: what PyTorch raises where sizes don't fit
                raise _misfit(operator) from error
            if result.shape[1:] != operator.output.shape:
                raise _misfit(operator)
            values[operator.output.number] = result
        return values

    def feature_maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Compute the words of each tensor that an activation function ends, by name: (N, C, H, W)."""
        values = self.values(images)
        return {
            operator.output.name: _as_maps(as_words(operator.output, values[operator.output.number]).numpy())
            for operator in self.operators
            if operator.output.activation != "NONE"
        }

    def weights(self) -> dict[str, np.ndarray]:
        """Take the weights of each layer, by name of its output: uint8, integers less their zero point modulo 256.

        (out, in / groups, height, width), or (out, in).
        """
        return {
            operator.output.name: operator.weights.numpy().astype(np.int16).astype(np.uint8) for operator in self.layers
        }


def is_computed(operator: Operator) -> bool:
    """Tell whether an operator makes new values, and not only moves them or gives probabilities."""
    return not isinstance(operator, MOVING)


def as_words(output: Quantity, values: Tensor) -> Tensor:
    """Make words of integers less their zero point."""
    if output.low == 0:
        return values.to(torch.uint8)
    return (values + _word_offset(output)).to(torch.int8)


def from_words(output: Quantity, words: Tensor) -> Tensor:
    """Make integers less their zero point of words, within the tensor's bounds."""
    values = words.to(torch.float32) - (0 if output.low == 0 else _word_offset(output))
    return values.clamp(output.low, output.high)


def _word_offset(output: Quantity) -> int:
    return output.zero_point - (128 if output.dtype == "uint8" else 0)


def _computed(operator: Operator, inputs: list[Tensor], replace: Replace | None, point: str) -> Tensor:
    if replace is None:
        return operator.compute(*inputs)
    if point == "convolution":
        return _replaced_sums(operator, inputs, replace)
    result = operator.compute(*inputs)
    wanted = operator.output.activation != "NONE" if point == "activation" else is_computed(operator)
    return _replaced(operator.output, result, replace) if wanted else result


def _misfit(operator: Operator) -> NetworkError:
    return NetworkError(f"the tensors before {operator.output.name} do not fit its operator: the file is damaged")


def _replaced(output: Quantity, values: Tensor, replace: Replace) -> Tensor:
    words = replace(output.name, as_words(output, values))
    return values if words is None else from_words(output, words)


def _replaced_sums(operator: Operator, inputs: list[Tensor], replace: Replace) -> Tensor:
    if not isinstance(operator, Convolution) or inputs[0].shape[2:] == (1, 1):
        return operator.compute(*inputs)
    real = replace(operator.output.name, (operator.sums(inputs[0]) * operator.units.reshape(-1, 1, 1)).float())
    if real is None:
        return operator.compute(*inputs)
    output = operator.output
    return (real / output.scale).round().clamp(output.low, output.high)


def _as_maps(words: np.ndarray) -> np.ndarray:
    return words.reshape(*words.shape, *[1] * (4 - words.ndim))
