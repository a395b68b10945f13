"""Networks in 8-bit integers, computed in PyTorch with TensorFlow Lite's own integers at every tensor.

TensorFlow Lite does not let a tensor be replaced inside a run; here it can be. The arithmetic is that of B. Jacob and
others, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (arXiv
1712.05877): sums of products of integers, times a multiplier in fixed point, rounded.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from silicodec.models.networks.tflite import operators as kinds
from silicodec.models.networks.tflite.convolution import Convolution, FullyConnected
from silicodec.models.networks.tflite.quantity import Quantity

Operator = Convolution | FullyConnected | kinds.Operator
Replace = Callable[[str, Tensor], Tensor | None]

ACTIVATED = (Convolution, FullyConnected, kinds.Addition, kinds.Lookup)
"""Operators that an activation function can end."""
MOVING = (kinds.Reshape, kinds.Softmax)
"""Operators whose outputs are never replaced."""


class IntegerGraph:
    """A network.

    A *word* is what a codec gets of a tensor, channel-major: uint8, q - zero_point, where an activation function ends
    it (real zero is the word 0), and int8 elsewhere: q, less 128 in networks of unsigned integers.

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
        """
        pixels = torch.from_numpy(images / np.float32(self.source.scale)).round()
        values = {self.source.number: pixels.clamp(self.source.low, self.source.high)}
        for operator in self.operators:
            inputs = [values[source.number] for source in operator.inputs]
            if replace is None:
                result = operator.compute(*inputs)
            elif point == "convolution":
                result = _replaced_sums(operator, inputs, replace)
            else:
                result = operator.compute(*inputs)
                if ends_in_activation(operator) if point == "activation" else not isinstance(operator, MOVING):
                    result = _replaced(operator.output, result, replace, as_words(operator, result))
            values[operator.output.number] = result
        return values

    def feature_maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Compute the words of each tensor that an activation function ends, by name: uint8, (N, C, H, W)."""
        values = self.values(images)
        return {
            operator.output.name: _as_maps(as_words(operator, values[operator.output.number]).numpy())
            for operator in self.operators
            if ends_in_activation(operator)
        }

    def weights(self) -> dict[str, np.ndarray]:
        """Take the weights of each layer, by name of its output: uint8, integers less their zero point modulo 256.

        (out, in / groups, height, width), or (out, in).
        """
        return {
            operator.output.name: operator.weights.numpy().astype(np.int16).astype(np.uint8) for operator in self.layers
        }


def ends_in_activation(operator: Operator) -> bool:
    """Tell whether no integer of the output stands for a negative number: the operator ends in a (fused) ReLU."""
    return isinstance(operator, ACTIVATED) and operator.output.low == 0


def as_words(operator: Operator, values: Tensor) -> Tensor:
    """Make words of integers less their zero point."""
    if ends_in_activation(operator):
        return values.to(torch.uint8)
    return (values + _word_offset(operator.output)).to(torch.int8)


def _word_offset(output: Quantity) -> int:
    return output.zero_point - (128 if output.dtype == "uint8" else 0)


def _replaced(output: Quantity, values: Tensor, replace: Replace, words: Tensor) -> Tensor:
    replaced = replace(output.name, words)
    if replaced is None:
        return values
    restored = replaced.to(torch.float32) - (_word_offset(output) if words.dtype == torch.int8 else 0)
    return restored.clamp(output.low, output.high)


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
