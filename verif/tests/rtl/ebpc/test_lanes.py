"""EBPC engines of several words a cycle: edge cases, words drawn at random, cycles, real feature maps."""

import os
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.models.codec import to_words
from silicodec.models.errors import CorruptDataError
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import quantise
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.ebpc.lanes_engines import length_words
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.simulate import simulate

NAMES = ["ebpc-encoder-l8", "ebpc-decoder-l8"]
SIZES = [
    pytest.param(f"{name}-{size}", marks=pytest.mark.prove)
    for name in NAMES
    for size in ("lanes-16", "word-bits-16", "lanes-16-word-bits-16")
]
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("name", NAMES + SIZES)
def test_edge_cases_back_to_back(edge_packets, name, stalls):
    engine = find_engine(name)
    check(engine, engine.stimulus(edge_packets(engine.parameters.get("word_bits", 8))), stalls=stalls)


@st.composite
def packets(draw, bits=8):
    """Packets with runs of zeros, repeated, extreme, smooth and arbitrary words."""
    word = st.integers(0, 2**bits - 1)
    near = st.builds(
        lambda start, steps: np.cumsum([start, *steps]).tolist(), word, st.lists(st.integers(-9, 9), max_size=30)
    )
    extreme = [0, 1, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2**bits - 1]
    piece = st.one_of(
        st.lists(word, min_size=1, max_size=20),
        st.lists(st.sampled_from(extreme), min_size=1, max_size=20),
        st.builds(lambda value, count: [value] * count, st.just(0) | word, st.integers(1, 40)),
        near,
    )
    packet = st.lists(piece, min_size=1, max_size=4).map(lambda pieces: list(chain(*pieces)))
    return [np.array(words).astype(f"u{bits // 8}") for words in draw(st.lists(packet, min_size=1, max_size=6))]


@pytest.mark.parametrize("name", NAMES + SIZES)
@given(data=st.data(), seed=st.none() | st.integers(0, 1000))
@settings(max_examples=10)
def test_any_packets(name, data, seed):
    engine = find_engine(name)
    drawn = data.draw(packets(engine.parameters.get("word_bits", 8)))
    check(engine, engine.stimulus(drawn), stalls=None if seed is None else Stalls(seed=seed))


@st.composite
def damaged(draw, words):
    """Flip bits of a stream, replace, drop and add words; it keeps at least one."""
    bits = 128 if words.dtype == object else 8 * words.itemsize
    number = int if words.dtype == object else words.dtype.type
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, words.size - 1))
        words = words.copy()
        match draw(st.sampled_from(["none", "flip", "head", "replace", "cut", "extend"])):
            case "flip":
                words[place] ^= number(1 << draw(st.integers(0, bits - 1)))
            case "head":
                words[0] ^= number(draw(st.integers(0, 15)) << (bits - 4))
            case "replace":
                words[place] = draw(st.integers(0, 2**bits - 1))
            case "cut":
                words = words[: place + 1]
            case "extend":
                added = number(draw(st.just(0) | st.integers(0, 2**bits - 1)))
                words = np.append(words, np.array([added], words.dtype))
    return words


@pytest.mark.parametrize(
    ("lanes", "bits"),
    [(8, 8), *(pytest.param(*size, marks=pytest.mark.prove) for size in ((2, 8), (16, 8), (8, 16), (16, 16)))],
)
@given(data=st.data(), seed=st.none() | st.integers(0, 1000))
@settings(max_examples=15)
def test_malformed_packets_are_flagged_and_leave_the_next_one_alone(lanes, bits, data, seed):
    engine = find_engine("ebpc-decoder-l8", {"lanes": lanes, "word_bits": bits})
    inputs, expected = {port.name: [] for port in engine.inputs}, []
    for words in data.draw(packets(bits)):
        sound, size = engine.stimulus([words]), -(-words.size // lanes)
        broken = {name: [data.draw(damaged(streams[0]))] for name, streams in sound.items()}
        broken["length"] = [length_words(data.draw(st.just(size) | st.integers(1, 2 * size)))]
        for given_streams in (broken, sound):
            for name, streams in given_streams.items():
                inputs[name] += streams
            try:
                expected += engine.reference(given_streams)["words"]
            except CorruptDataError:
                expected.append(None)
    result = simulate(engine, inputs, stalls=None if seed is None else Stalls(seed=seed))
    assert [packet.size for packet in result.streams["words"]] == [int(words[0]) for words in inputs["length"]]
    for found, wanted in zip(result.streams["words"], expected, strict=True):
        assert wanted is None or np.array_equal(found, wanted)
    assert result.errors["words"] == [wanted is None for wanted in expected]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("zeros", "step", "limit"), [(0, 3, 1.0), (0.5, 20, 1.0), (0.95, 200, 1.0), (0, 256, 68 / 64)])
def test_a_row_a_cycle(name, zeros, step, limit):
    """Without stalls, as long as codes fit the port: whole planes take 68 bits of 64."""
    words = np.cumsum(RANDOM.integers(-step, step + 1, 8000)).astype(np.uint8) * (RANDOM.random(8000) >= zeros)
    engine = find_engine(name)
    assert check(engine, engine.stimulus([words])).cycles <= limit * 1000 + 20


@pytest.mark.prove
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("step", "limit"), [(3, 1.0), (3000, 1.0), (2**16, 133 / 128)])
def test_a_row_of_long_words_a_cycle(name, step, limit):
    words = np.cumsum(RANDOM.integers(-step, step + 1, 8000)).astype(np.uint16)
    engine = find_engine(name, {"word_bits": 16})
    assert check(engine, engine.stimulus([words])).cycles <= limit * 1000 + 20


@pytest.mark.prove
@pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("lanes", "bits"), [(8, 8), (16, 8), (8, 16), (16, 16)])
@pytest.mark.parametrize("network", ["resnet20", "resnet20-int8"])
def test_feature_maps_at_all_words_a_cycle(name, lanes, bits, network):
    found = get_network(network)
    layers = [layer.values for layer in feature_maps(found.load(), found.images(2).batch)]
    maps = [values if values.dtype.kind in "iu" else quantise(values, f"fixed{bits}").values for values in layers]
    words = [to_words(image, bits) for layer in maps for image in layer]
    engine = find_engine(name, {"lanes": lanes, "word_bits": bits})
    cycles = check(engine, engine.stimulus(words)).cycles
    assert cycles <= (1.02 if lanes == 8 else 1.03) * sum(-(-packet.size // lanes) for packet in words)
