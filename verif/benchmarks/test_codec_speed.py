"""How fast codecs are on one core, on the 8-bit feature maps of a real network, compilation aside.

Wanted, as a multiple of Zstandard at level 1 in the same run: EBPC 1.2x encoding and 0.4x decoding; ZVC, zero-RLE and
DCT 1x and 0.5x. Transform at 50 MB/s, and EBPC counting bits at 300 MB/s. Weights, a packet for each layer: 2 MB/s
encoding, choice included, and 100 MB/s decoding.
ResNet-20 where its weights are at hand, else `digits`.
"""

import numpy as np
import pytest

from silicodec.models.catalog import BOUNDS, CODECS, make_codec, make_measure
from silicodec.models.dictionary.codec import DENSE, SPARSE
from silicodec.models.evaluation.restoration import RestoredNetwork
from silicodec.models.evaluation.weights import weight_tensors
from silicodec.models.lanes import Lanes
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import quantise
from silicodec.models.transform.calibration import Calibration

WORDS = 6_000_000
IMAGES = {"resnet20": 32, "digits": 450}
KNOWN = ("zstd", "deflate")


NAMES = [name for name, codec in CODECS.items() if codec.lossless]
COUNTING = ["entropy", "huffman", *(name for name in NAMES if CODECS[name].nbits is not CODECS["zstd"].nbits)]


@pytest.fixture(scope="module")
def layers():
    """Feature maps of one network."""
    network = get_network("resnet20")
    if network.available() is not None:
        network = get_network("digits")
    layers = feature_maps(network.load(), network.images(IMAGES[network.name]).batch)
    return [quantise(layer.values, "fixed8").values for layer in layers]


@pytest.fixture(scope="module")
def words(layers):
    """Feature maps, layer after layer; not repeated, which a general-purpose compressor would find."""
    return np.concatenate([layer.reshape(-1) for layer in layers])


@pytest.fixture
def measure(benchmark, note_speed):
    """Run a function several times and note the bytes of words per second of the fastest."""

    def run(words, function, argument, direction=None, name=None):
        result = benchmark.pedantic(function, (argument,), rounds=5, warmup_rounds=1)
        speed = words.nbytes / benchmark.stats.stats.min / 1e6
        benchmark.extra_info["megabytes_per_second"] = round(speed)
        if direction:
            note_speed(direction, name, speed)
        return result

    return run


def fastest(name):
    """Make a codec, general-purpose compressors at level 1."""
    return make_codec(name, **({"level": 1} if name in KNOWN else {}))


@pytest.mark.parametrize("name", NAMES)
def test_encode(measure, words, name):
    """Encode, exactly."""
    codec = fastest(name)
    encoded = measure(words, codec.encode, words, "encode", name)
    np.testing.assert_array_equal(codec.decode(encoded), words)


@pytest.mark.parametrize("name", NAMES)
def test_decode(measure, words, name):
    """Decode what was encoded."""
    codec = fastest(name)
    np.testing.assert_array_equal(measure(words, codec.decode, codec.encode(words), "decode", name), words)


@pytest.mark.parametrize("name", COUNTING)
def test_count_bits(measure, words, name):
    """Count bits where a codec has a faster way than to encode."""
    codec = make_measure(name)
    nbits = measure(words, codec.nbits, words)
    assert 0 < nbits < 8 * words.size if name in BOUNDS else nbits == codec.encode(words).nbits


@pytest.fixture(scope="module")
def packets():
    """Weights of ResNet-20, or else `digits`, a packet for each layer."""
    network = get_network("resnet20")
    if network.available() is not None:
        network = get_network("digits")
    return [tensor.trimmed(None).astype(np.int8) for tensor in weight_tensors(network.load(), "headroom").values()]


WEIGHT_CODECS = {"lanes": Lanes(), "dictionary, dense": DENSE, "dictionary, sparse": SPARSE}
weight_codecs = pytest.mark.parametrize("name", WEIGHT_CODECS)


def of_each(function):
    """Make a function of a list."""
    return lambda arguments: [function(argument) for argument in arguments]


@weight_codecs
def test_encode_weights(measure, packets, name):
    """Choose a code for each layer, and encode it."""
    codec = WEIGHT_CODECS[name]
    measure(np.concatenate([p.reshape(-1) for p in packets]), of_each(codec.encode), packets, "encode weights", name)


@weight_codecs
def test_decode_weights(measure, packets, name):
    """Decode each layer."""
    codec = WEIGHT_CODECS[name]
    encoded = [codec.encode(packet) for packet in packets]
    words = np.concatenate([packet.reshape(-1) for packet in packets])
    decoded = measure(words, of_each(codec.decode), encoded, "decode weights", name)
    assert all(np.array_equal(a, b) for a, b in zip(decoded, packets, strict=True))


@pytest.fixture(scope="module")
def maps(layers):
    """Feature maps of the first layer, whose size is a multiple of a tile's."""
    first = layers[0].reshape(-1, *layers[0].shape[2:])
    return np.tile(first, (-(-WORDS // first.size), 1, 1))


def test_encode_dct(measure, maps):
    """Encode maps that a ReLU put out."""
    codec = make_codec("dct", signed=0)
    encoded = measure(maps, codec.encode, maps, "encode", "dct")
    np.testing.assert_array_equal(codec.decode(encoded), codec.restore(maps))


def test_decode_dct(measure, maps):
    """Decode what was encoded."""
    codec = make_codec("dct", signed=0)
    restored = measure(maps, codec.decode, codec.encode(maps), "decode", "dct")
    np.testing.assert_array_equal(restored, codec.restore(maps))


@pytest.fixture(scope="module", params=[1, 2])
def calibrated(request, layers):
    """Tile maps of the last layer that has any height, and calibrate a codec that takes some 3 bits a value."""
    last = [layer for layer in layers if min(layer.shape[2:]) > 1][-1]
    calibration = Calibration(last, block=request.param)
    return np.tile(last, (-(-WORDS // last.size), 1, 1, 1)), calibration.codec(calibration.deviation / 2)


def test_encode_transform(measure, calibrated):
    """Transform, quantise and encode maps by pixel, or by 2 x 2 pixels."""
    maps, codec = calibrated
    assert measure(maps, codec.encode, maps).nbits == codec.nbits(maps)


def test_decode_transform(measure, calibrated):
    """Decode what was encoded."""
    maps, codec = calibrated
    np.testing.assert_array_equal(measure(maps, codec.decode, codec.encode(maps)), codec.restore(maps))


def test_calibrate_transform(benchmark):
    """Calibrate every layer of ResNet-56, capture included; wanted within a minute."""
    network = get_network("resnet56")
    if (reason := network.available()) is not None:
        pytest.skip(reason)
    model, images = network.load(), network.images(200).batch

    def calibrate():
        layers = RestoredNetwork(model, images, "convolution").maps(images)
        return [Calibration(maps).codec(4.0) for maps in layers.values()]

    assert len(benchmark.pedantic(calibrate, rounds=1)) == 55
