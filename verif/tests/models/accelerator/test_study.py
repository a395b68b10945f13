"""Networks put through the accelerator: what is said of images that the reference does not run word by word."""

import os
from random import Random

import numpy as np
import pytest

from silicodec.models.accelerator.compiler import MapCoding, compile_graph
from silicodec.models.accelerator.forward import Forward
from silicodec.models.accelerator.layers import UnsupportedNetwork
from silicodec.models.accelerator.packets import DCT_CODECS, EBPC_CODECS, packet_words
from silicodec.models.accelerator.program import Status
from silicodec.models.accelerator.sample import random_graph, run_image
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.accelerator.study import Choice, check_room, study
from silicodec.models.errors import CodecError
from silicodec.models.networks import Images, get_network

SHAPE = AcceleratorShape(ebpc=True)


def fits(program, sizes):
    """Tell whether an image of so large packets fits."""
    try:
        check_room(program, 0, sizes)
    except CodecError:
        return False
    return True


def test_room_is_missing_where_the_reference_ends():
    random, seen = Random(8), []
    while len(seen) < 24:
        graph, image = random_graph(random, size=20, channels=8)
        codec = random.choice((*EBPC_CODECS, DCT_CODECS[0]))
        codecs = {number: codec for group in graph.codec_groups for number in group}
        maps = Forward(compile_graph(graph, SHAPE)).maps(image, codecs)
        sizes = {number: packet_words(one, codecs.get(number, 0)) for number, one in maps.items()}
        share = random.choice((0.9, 1.1, 1.3))
        codings = {number: MapCoding(codec, int(share * sizes[number].sum()) + 8) for number in codecs}
        try:
            status = run_image(graph, SHAPE, codings, image).status
        except UnsupportedNetwork:
            continue
        assert fits(compile_graph(graph, SHAPE, codings), sizes) == (status == Status.DONE)
        seen.append(status)
    assert set(seen) == {Status.DONE, Status.OVERFLOW}


@pytest.mark.skipif(not os.environ.get("SILICODEC_DATA"), reason="needs SILICODEC_DATA")
def test_images_that_the_reference_does_not_run_count():
    pytest.importorskip("ai_edge_litert")
    network = get_network("resnet8")
    batch, labels = network.images(9)
    calibration, images = (Images(batch[part], labels[part]) for part in (slice(3), slice(3, None)))
    every, first = (study(network, SHAPE, Choice("dct", 8), images, calibration, runs=runs) for runs in (None, 1))
    words = [[sum(map(len, packets)) for packets in run.packets] for run in every.runs]
    assert (len(every.runs), len(first.runs), len(first.images)) == (6, 1, 1)
    np.testing.assert_allclose(first.mean_words, np.mean(words, axis=0))
    np.testing.assert_array_equal(first.mean_words, every.mean_words)
    assert first.accuracy == every.accuracy
    assert first.record()["images"] == 6
