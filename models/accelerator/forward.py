"""The maps of a network, layer by layer, as `reference` computes them, but without the words of memory and streams.

Sizes of maps and the accuracy of many images come from here: it takes a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from silicodec.models.accelerator.compiler import Program
from silicodec.models.accelerator.layer_output import Weights, added, convolved, padded, read_weights
from silicodec.models.accelerator.layers import Layer
from silicodec.models.accelerator.packets import DCT_CODECS, RAW, plain_codec, restored
from silicodec.models.accelerator.program import Descriptor
from silicodec.models.accelerator.weights import group_words

Codecs = Mapping[int, int]
"""Codec words by number of the map; maps that are not in it are raw."""
Maps = dict[int, np.ndarray]
"""Outputs of layers as they are computed, by their number: int8, (C, H, W)."""


class Forward:
    """The layers of a network.

    Parameters
    ----------
    program : Program
        The network, compiled with plain weights; how it stores maps does not matter.
    """

    def __init__(self, program: Program) -> None:
        self.graph = program.graph
        self._layers = list(zip(program.graph.layers, program.descriptors, _all_weights(program), strict=True))

    def maps(self, pixels: np.ndarray, codecs: Codecs, exact: Maps | None = None) -> Maps:
        """Compute every layer's output.

        Parameters
        ----------
        pixels : ndarray of int8
            The image: (C, H, W).
        codecs : mapping of int to int
            How maps are stored.
        exact : dict of int to ndarray, optional
            The outputs without a lossy codec, which are taken up to the first map that has one.
        """
        made: Maps = {}
        read = {self.graph.source: pixels}
        for layer, descriptor, weights in self._layers:
            made[layer.output] = own = (
                self._output(layer, descriptor, weights, read) if exact is None else exact[layer.output]
            )
            codec = codecs.get(layer.output, RAW)
            if plain_codec(codec) in DCT_CODECS:
                exact = None
            read[layer.output] = restored(own, codec)
        return made

    def _output(
        self, layer: Layer, descriptor: Descriptor, weights: Weights, read: Mapping[int, np.ndarray]
    ) -> np.ndarray:
        source = padded(descriptor, self._joined(layer.source, read))
        own = convolved(descriptor, source, weights, slice(0, descriptor.out_height))
        return added(descriptor, own, self._joined(layer.residual.tensor, read)) if layer.residual else own

    def _joined(self, number: int, read: Mapping[int, np.ndarray]) -> np.ndarray:
        """Return a map, or the maps that it joins."""
        parts = [read[part] for part in self.graph.parts(number)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _all_weights(program: Program) -> list[Weights]:
    """Read the weights of each layer: those of its first strip, which are those of all."""
    result, position, groups = [], 0, program.shape.groups
    for descriptor, count in zip(program.descriptors, program.plain_words, strict=True):
        words = program.weights[position : position + count].reshape(-1, group_words(descriptor, groups))
        position += count
        first = words[:: descriptor.strips] if descriptor.depthwise else words[: descriptor.groups]
        result.append(read_weights(first, descriptor, groups))
    return result
