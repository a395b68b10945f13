"""How to store the maps of a network: a codec for each, and room for what it takes on calibration images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil

import numpy as np

from silicodec.models.accelerator.compiler import MapCoding, compile_graph
from silicodec.models.accelerator.layers import Layer, LayerGraph
from silicodec.models.accelerator.packets import EBPC_CODECS, RAW, most_words
from silicodec.models.accelerator.program import LOWEST, PIXELS
from silicodec.models.accelerator.reference import Run, pixel_words, run_program
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.dct import DCT
from silicodec.models.dct.modes import mode_word

STEPS = (1, 2, 4, 8)
"""Quantisation steps of the DCT engines."""
MARGIN = 0.15
"""Room for maps that take more words than any calibration image's, as a fraction."""
PROBE_IMAGES = 4

Codecs = Mapping[int, int]
"""Codec words by number of the map; maps that are not in it are raw."""


def run_image(graph: LayerGraph, shape: AcceleratorShape, codings: Mapping[int, MapCoding], pixels: np.ndarray) -> Run:
    """Run a network on one image, int8 (C, H, W)."""
    program = compile_graph(graph, shape, codings)
    depthwise = graph.layers[0].depthwise
    return run_program(shape, program.words, program.weights, pixel_words(pixels, depthwise=depthwise))


def dct_word(layer: Layer, step: int) -> int:
    """Return the codec word of DCT for a layer's output: samples after a ReLU are taken as unsigned."""
    rescaling = layer.out_rescaling
    unsigned = rescaling.low == rescaling.zero
    signed = int(not unsigned or rescaling.zero != 0)
    dtype = "uint8" if unsigned and rescaling.zero < 0 else "int8"
    return 1 | mode_word(DCT(step=step, signed=signed), dtype) << 1


def same_step(graph: LayerGraph, step: int) -> Codecs:
    """Return the codec words for DCT of one step for all maps between layers."""
    return {number: word for group in graph.codec_groups for number, word in _group_words(graph, group, step).items()}


def lossless(graph: LayerGraph) -> Codecs:
    """Return the codec words for EBPC for all maps between layers."""
    return {number: word for group in graph.codec_groups for number, word in _ebpc_words(graph, group).items()}


def _ebpc_words(graph: LayerGraph, group: Sequence[int]) -> Codecs:
    """Return the codec word of EBPC for maps that are stored alike, by the zero of most of them."""
    zeros = [layer.out_rescaling.zero for layer in graph.layers if layer.output in group]
    return dict.fromkeys(group, EBPC_CODECS[2 * zeros.count(LOWEST) >= len(zeros)])


def _group_words(graph: LayerGraph, group: Sequence[int], step: int) -> Codecs:
    """Return the codec word of DCT for maps that are stored alike: as signed ones where some are."""
    words = {dct_word(layer, step) for layer in graph.layers if layer.output in group}
    word = words.pop() if len(words) == 1 else 1 | mode_word(DCT(step=step), "int8") << 1
    return dict.fromkeys(group, word)


def with_all_room(graph: LayerGraph, codecs: Codecs) -> dict[int, MapCoding]:
    """Give every map room for the most words that its packets can take."""
    result = {}
    for layer in graph.layers[:-1]:
        channels, height, width = layer.out_shape
        codec = codecs.get(layer.output, RAW)
        if codec != RAW:
            words = channels * -(-height // PIXELS) * most_words(codec, PIXELS, -(-width // PIXELS))
            result[layer.output] = MapCoding(codec, words)
    return result


def fit_regions(
    graph: LayerGraph, shape: AcceleratorShape, codecs: Codecs, images: Sequence[np.ndarray]
) -> dict[int, MapCoding]:
    """Find the room that maps need.

    A map whose codec saves nothing stays raw, with those that it is read with. A region has room for the most words
    that an image takes, `MARGIN`, and the largest packet. What an image needs beyond that is spilled, but
    for maps that a depthwise layer adds.

    Parameters
    ----------
    graph, shape
        The network, and the accelerator.
    codecs : mapping of int to int
        Codec words of maps.
    images : sequence of ndarray of int8
        Calibration images: (C, H, W).
    """
    codings = with_all_room(graph, codecs)
    most: dict[int, int] = {}
    for pixels in images:
        run = run_image(graph, shape, codings, pixels)
        for layer, packets in zip(graph.layers, run.packets, strict=True):
            most[layer.output] = max(most.get(layer.output, 0), sum(map(len, packets)))
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
        codec = codecs.get(group[0], RAW)
        rooms, raw_words = {}, 0
        for number in group:
            channels, height, width = shapes[number]
            tiles = -(-width // PIXELS)
            rooms[number] = ceil((1 + MARGIN) * most[number]) + most_words(codec, PIXELS, tiles)
            raw_words += channels * height * tiles
        if codec != RAW and sum(rooms.values()) < raw_words:
            for number, room in rooms.items():
                result[number] = MapCoding(codec, room, spills=number not in must_fit)
    return result


def choose_codecs(
    graph: LayerGraph,
    shape: AcceleratorShape,
    images: Sequence[np.ndarray],
    loss: Callable[[np.ndarray], float],
    budget: float,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Codecs:
    """Choose for each map EBPC, a step of DCT or raw, as of `silicodec.models.evaluation.budget`.

    Only codecs count that the accelerator is built with.

    Parameters
    ----------
    graph, shape, images
        As of `fit_regions`.
    loss : callable
        Gives the accuracy that is lost where the images have these scores: int8, (images, classes).
    budget : float
        Accuracy that may be lost.
    progress : callable, optional
        Called with the number of probes done, and of all.
    """
    from silicodec.models.evaluation.budget import Point, ordered_steps, within_budgets

    probes = images[:PROBE_IMAGES]

    def scores(codecs: Codecs, chosen: Sequence[np.ndarray]) -> tuple[np.ndarray, list[Run]]:
        codings = with_all_room(graph, codecs)
        runs = [run_image(graph, shape, codings, pixels) for pixels in chosen]
        return np.array([run.maps[-1].ravel() for run in runs]), runs

    indices = {layer.output: index for index, layer in enumerate(graph.layers)}

    def bits(runs: list[Run], group: Sequence[int]) -> int:
        return 64 * sum(len(packet) for run in runs for number in group for packet in run.packets[indices[number]])

    exact, plain = scores({}, probes)
    points = {}
    tried = [(group, words) for group in graph.codec_groups for words in _candidates(graph, shape, group)]
    for group in graph.codec_groups:
        points[str(group[0])] = [Point(RAW, bits(plain, group), 0.0)]
    for number, (group, words) in enumerate(tried):
        found, runs = scores(words, probes)
        error = float(np.square(found.astype(float) - exact).mean())
        points[str(group[0])].append(Point(words[group[0]], bits(runs, group), error))
        if progress:
            progress(number + 1, len(tried))

    def lost(settings: Mapping[str, int]) -> float:
        return loss(scores(_codecs(graph, settings), images)[0])

    (chosen,) = within_budgets(ordered_steps(points), [budget], lost).values()
    return _codecs(graph, chosen)


def _candidates(graph: LayerGraph, shape: AcceleratorShape, group: Sequence[int]) -> list[Codecs]:
    """Return the codec words that maps that are stored alike may have besides raw."""
    result = [_ebpc_words(graph, group)] if shape.ebpc else []
    return result + [_group_words(graph, group, step) for step in STEPS if shape.dct]


def _codecs(graph: LayerGraph, settings: Mapping[str, int]) -> dict[int, int]:
    """Return the codec words of all maps where those of each group's first are given."""
    words = {group: settings.get(str(group[0]), RAW) for group in graph.codec_groups}
    return {number: word for group, word in words.items() for number in group if word != RAW}
