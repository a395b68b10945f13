"""How fast codecs are on one core, on the 8-bit feature maps of a real network, compilation aside.

EBPC is wanted at 100 MB/s encoding and decoding, and 300 MB/s counting bits. ResNet-20 where its weights are at hand,
else `digits`.
"""

import numpy as np
import pytest

from silicodec.models.capture import feature_maps
from silicodec.models.catalog import CODECS, make_codec
from silicodec.models.networks import get_network
from silicodec.models.quantise import quantise

WORDS = 6_000_000


@pytest.fixture(scope="module")
def words():
    """Feature maps of one network, layer after layer, repeated to at least `WORDS` words."""
    network = get_network("resnet20")
    if network.available() is not None:
        network = get_network("digits")
    layers = feature_maps(network.load(), network.images(32).batch)
    maps = np.concatenate([quantise(layer.values, "fixed8").values.reshape(-1) for layer in layers])
    return np.tile(maps, -(-WORDS // maps.size))


def measure(benchmark, words, function, argument):
    """Run a function several times and note the words (here bytes) per second of the fastest."""
    result = benchmark.pedantic(function, (argument,), rounds=5, warmup_rounds=1)
    benchmark.extra_info["megabytes_per_second"] = round(words.nbytes / benchmark.stats.stats.min / 1e6)
    return result


@pytest.mark.parametrize("name", [name for name in CODECS if CODECS[name].stream_names])
def test_encode(benchmark, words, name):
    """Encode, exactly."""
    codec = make_codec(name)
    encoded = measure(benchmark, words, codec.encode, words)
    np.testing.assert_array_equal(codec.decode(encoded), words)


@pytest.mark.parametrize("name", [name for name in CODECS if CODECS[name].stream_names])
def test_decode(benchmark, words, name):
    """Decode what was encoded."""
    codec = make_codec(name)
    np.testing.assert_array_equal(measure(benchmark, words, codec.decode, codec.encode(words)), words)


@pytest.mark.parametrize("name", [name for name in CODECS if CODECS[name].nbits is not CODECS["zstd"].nbits])
def test_count_bits(benchmark, words, name):
    """Count bits where a codec has a faster way than to encode."""
    codec = make_codec(name)
    nbits = measure(benchmark, words, codec.nbits, words)
    assert nbits == codec.encode(words).nbits if CODECS[name].stream_names else 0 < nbits < 8 * words.size
