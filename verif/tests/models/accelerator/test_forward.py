"""Maps without words of memory and streams: they, and their sizes, are those of the reference."""

from random import Random

import numpy as np
import pytest

from silicodec.models.accelerator.compiler import compile_graph
from silicodec.models.accelerator.forward import Forward
from silicodec.models.accelerator.layers import UnsupportedNetwork
from silicodec.models.accelerator.packets import DCT_CODECS, EBPC_CODECS, RAW, encode, packet_words
from silicodec.models.accelerator.sample import random_graph, run_image, with_all_room
from silicodec.models.accelerator.shape import AcceleratorShape

SHAPE = AcceleratorShape(ebpc=True)


def drawn(random):
    """Draw a network, an image and codecs."""
    graph, image = random_graph(random)
    codecs = {}
    for group in graph.codec_groups:
        codecs |= dict.fromkeys(group, random.choice((RAW, *EBPC_CODECS, random.choice(DCT_CODECS))))
    return graph, image, codecs


def test_random_networks():
    random, seen = Random(5), 0
    while seen < 12:
        graph, image, codecs = drawn(random)
        try:
            run = run_image(graph, SHAPE, with_all_room(graph, codecs), image)
        except UnsupportedNetwork:
            continue
        seen += 1
        forward = Forward(compile_graph(graph, SHAPE))
        maps, plain = forward.maps(image, codecs), forward.maps(image, {})
        again = forward.maps(image, codecs, plain)
        for layer, expected, packets in zip(graph.layers, run.maps, run.packets, strict=True):
            np.testing.assert_array_equal(maps[layer.output], expected)
            np.testing.assert_array_equal(again[layer.output], expected)
            words = packet_words(expected, codecs.get(layer.output, RAW))
            in_order = words if layer.depthwise else words.T
            assert in_order.ravel().tolist() == list(map(len, packets))


@pytest.mark.parametrize("codec", [RAW, *EBPC_CODECS, *DCT_CODECS])
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 8, 8), (3, 17, 25), (2, 9, 64)])
def test_sizes_of_noise(codec, shape):
    maps = np.random.default_rng(1).integers(-128, 128, shape).astype(np.int8)
    expected = [[len(encode(one[top : top + 8], codec)) for top in range(0, shape[1], 8)] for one in maps]
    np.testing.assert_array_equal(packet_words(maps, codec), expected)
