"""How to store the maps of a network: a codec for each, and room for what it takes on calibration images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from silicodec.models.accelerator.allocation import raw_room
from silicodec.models.accelerator.compiler import MapCoding, compile_graph
from silicodec.models.accelerator.forward import Codecs, Forward
from silicodec.models.accelerator.layers import Layer, LayerGraph
from silicodec.models.accelerator.packets import EBPC_CODECS, RAW, falls_back, most_words, packet_words, with_fallback
from silicodec.models.accelerator.program import LOWEST, PIXELS
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.dct import DCT
from silicodec.models.dct.modes import mode_word

if TYPE_CHECKING:
    from silicodec.models.evaluation.budget import Point

STEPS = (1, 2, 4, 8)
"""Quantisation steps of the DCT engines."""
WORD_BITS = 64
MARGIN = 0.15
"""Room for maps that take more words than any calibration image's, as a fraction."""
PROBE_IMAGES = 4
"""Images on which codecs of single maps are tried."""
WORTHWHILE = 0.05
"""What DCT has to save over the smallest way without loss to be tried, as a fraction."""


def dct_word(layer: Layer, step: int) -> int:
    """Return the codec word of DCT for a layer's output: after a ReLU as unsigned, if its zero is negative."""
    rescaling = layer.out_rescaling
    dtype = "uint8" if rescaling.low == rescaling.zero < 0 else "int8"
    return 1 | mode_word(DCT(step=step), dtype) << 1


def same_step(graph: LayerGraph, step: int) -> Codecs:
    """Return the codec words for DCT of one step for all maps between layers."""
    return {number: word for group in graph.codec_groups for number, word in _group_words(graph, group, step).items()}


def lossless(graph: LayerGraph) -> Codecs:
    """Return the codec words for EBPC for all maps between layers."""
    return {number: word for group in graph.codec_groups for number, word in _ebpc_words(graph, group).items()}


def as_built(shape: AcceleratorShape, codecs: Codecs) -> Codecs:
    """Return codec words with the fallback to raw packets, where an accelerator has it."""
    return {number: with_fallback(word) for number, word in codecs.items()} if shape.raw_fallback else codecs


def _ebpc_words(graph: LayerGraph, group: Sequence[int]) -> Codecs:
    """Return the codec word of EBPC for maps that are stored alike, by the zero of most of them."""
    zeros = [layer.out_rescaling.zero for layer in graph.layers if layer.output in group]
    return dict.fromkeys(group, EBPC_CODECS[2 * zeros.count(LOWEST) >= len(zeros)])


def _group_words(graph: LayerGraph, group: Sequence[int], step: int) -> Codecs:
    """Return the codec word of DCT for maps that are stored alike: as signed ones where some are."""
    words = {dct_word(layer, step) for layer in graph.layers if layer.output in group}
    word = words.pop() if len(words) == 1 else 1 | mode_word(DCT(step=step), "int8") << 1
    return dict.fromkeys(group, word)


def fit_regions(
    graph: LayerGraph, shape: AcceleratorShape, codecs: Codecs, images: Sequence[np.ndarray]
) -> dict[int, MapCoding]:
    """Find the room that maps need.

    A map whose codec saves nothing stays raw, with those that it is read with. A region has room for the most words
    that an image takes, `MARGIN`, and the largest packet, but not more than the raw map where packets fall back to raw.
    What an image needs beyond that is spilled, but for maps that a depthwise layer adds.

    Parameters
    ----------
    graph, shape
        The network, and the accelerator.
    codecs : mapping of int to int
        Codec words of maps.
    images : sequence of ndarray of int8
        Calibration images: (C, H, W).
    """
    codecs = as_built(shape, codecs)
    forward = Forward(compile_graph(graph, shape))
    most = dict.fromkeys(codecs, 0)
    for pixels in images:
        maps = forward.maps(pixels, codecs)
        for number, codec in codecs.items():
            most[number] = max(most[number], int(packet_words(maps[number], codec).sum()))
    shapes = {layer.output: layer.out_shape for layer in graph.layers}
    # A depthwise layer cannot take two maps from external memory.
    must_fit = {
        part
        for layer in graph.layers
        if layer.depthwise and layer.residual
        for part in graph.parts(layer.residual.tensor)
    }
    result: dict[int, MapCoding] = {}
    for group in graph.codec_groups:
        if group[0] not in codecs:
            continue
        codec, rooms, raw_words = codecs[group[0]], {}, 0
        for number in group:
            channels, height, width = shapes[number]
            tiles = -(-width // PIXELS)
            rooms[number] = ceil((1 + MARGIN) * most[number]) + most_words(codec, PIXELS, tiles)
            if falls_back(codec):
                rooms[number] = min(rooms[number], raw_room(shapes[number]))
            raw_words += channels * height * tiles
        if sum(rooms.values()) < raw_words:
            for number, room in rooms.items():
                result[number] = MapCoding(codec, room, spills=number not in must_fit)
    return result


def choose_codecs(
    graph: LayerGraph,
    shape: AcceleratorShape,
    images: Sequence[np.ndarray],
    loss: Callable[[np.ndarray], float],
    budget: float,
) -> Codecs:
    """Choose for each map EBPC, a step of DCT or raw, as of `silicodec.models.evaluation.budget`.

    Only codecs count that the accelerator is built with. Each map begins with the smaller one of raw and EBPC, which
    cost no accuracy. DCT is tried where it is smaller by `WORTHWHILE`.

    Parameters
    ----------
    graph, shape, images
        As of `fit_regions`.
    loss : callable
        Gives the accuracy that is lost where the images have these scores: int8, (images, classes).
    budget : float
        Accuracy that may be lost.
    """
    from silicodec.models.evaluation.budget import ordered_steps, within_budgets

    trials = _Trials(graph, shape, images)
    points = {str(group[0]): trials.points(group) for group in graph.codec_groups}
    exactly = {name: of_group[0].setting for name, of_group in points.items()}

    def codecs(settings: Mapping[str, int]) -> dict[int, int]:
        words = {group: {**exactly, **settings}[str(group[0])] for group in graph.codec_groups}
        return {number: word for group, word in words.items() for number in group if word != RAW}

    def lost(settings: Mapping[str, int]) -> float:
        return loss(trials.scores(codecs(settings), len(images)))

    (chosen,) = within_budgets(ordered_steps(points), [budget], lost).values()
    return codecs(chosen)


class _Trials:
    """A network's maps and scores on some images, with codecs that are tried; parameters as of `choose_codecs`."""

    def __init__(self, graph: LayerGraph, shape: AcceleratorShape, images: Sequence[np.ndarray]) -> None:
        self._graph, self._shape, self._images = graph, shape, images
        self._forward = Forward(compile_graph(graph, shape))
        self._exact = [self._forward.maps(pixels, {}) for pixels in images[:PROBE_IMAGES]]
        self._plain = self.scores({}, PROBE_IMAGES)

    def scores(self, codecs: Codecs, count: int) -> np.ndarray:
        """Return the scores of the first images: float64, (images, classes)."""
        images = zip_longest(self._images[:count], self._exact)
        built = as_built(self._shape, codecs)
        runs = [self._forward.maps(pixels, built, exact) for pixels, exact in images]
        return np.array([maps[self._graph.layers[-1].output].ravel() for maps in runs], np.float64)

    def points(self, group: Sequence[int]) -> list[Point[int]]:
        """Return sizes and errors of maps that are stored alike, on the probes: first without loss, then by DCT."""
        from silicodec.models.evaluation.budget import Point

        ebpc = _ebpc_words(self._graph, group)[group[0]]
        exactly = [Point(codec, self._bits(group, codec), 0.0) for codec in (RAW, ebpc)[: 1 + self._shape.ebpc]]
        result = [min(exactly, key=lambda point: point.bits)]
        for step in STEPS if self._shape.dct else ():
            codecs = _group_words(self._graph, group, step)
            bits = self._bits(group, codecs[group[0]])
            if bits <= (1 - WORTHWHILE) * result[0].bits:
                error = float(np.square(self.scores(codecs, PROBE_IMAGES) - self._plain).mean())
                result.append(Point(codecs[group[0]], bits, error))
        return result

    def _bits(self, group: Sequence[int], codec: int) -> int:
        """Return the bits that maps take on the probes."""
        built = as_built(self._shape, dict.fromkeys(group, codec))
        maps = [(exact[number], built[number]) for exact in self._exact for number in group]
        return WORD_BITS * sum(int(packet_words(*one).sum()) for one in maps)
