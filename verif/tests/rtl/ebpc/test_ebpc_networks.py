"""Whole networks through the Verilated EBPC engines, bit by bit."""

import os

import numpy as np
import pytest

from silicodec.models.codec import to_words
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import quantise
from silicodec.rtl.catalog import ENGINES
from silicodec.verif.compare import check


def feature_map_packets(name, count):
    """Every feature map of `count` images, one packet for each layer and image."""
    network = get_network(name)
    layers = feature_maps(network.load(), network.images(count).batch)
    return [to_words(image, 8) for layer in layers for image in quantise(layer.values, "fixed8").values]


def through_both_engines(packets):
    for name in ("ebpc-encoder", "ebpc-decoder-checked"):
        engine = ENGINES[name]
        simulation = check(engine, engine.stimulus(packets))
        assert simulation.words[engine.tensor] == sum(packet.size for packet in packets)


def test_digits_of_100_images():
    packets = feature_map_packets("digits", 100)
    assert len(packets) >= 200
    through_both_engines(packets)


@pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")
def test_every_feature_map_of_resnet20():
    packets = feature_map_packets("resnet20", 1)
    assert len(packets) == 19
    assert 0.2 < np.mean([np.mean(packet == 0) for packet in packets]) < 0.8
    through_both_engines(packets)
