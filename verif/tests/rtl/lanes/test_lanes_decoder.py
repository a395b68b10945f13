"""The lanes decoder: edge cases, malformed packets, and weights a cycle."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.models.codec import CorruptDataError
from silicodec.models.lanes import Lanes
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.engine import word_bytes
from silicodec.rtl.lanes.engines import length_words
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.simulate import simulate

DECODERS = {lanes: find_engine("lanes-decoder", {"lanes": lanes}) for lanes in (8, 16)}
each_width = pytest.mark.parametrize("lanes", DECODERS)


def normal(deviation, size, seed=0):
    return np.rint(np.random.default_rng(seed).normal(0, deviation, size)).clip(-128, 127)


def edge_tensors():
    """Weights at the edges of the format."""
    random = np.random.default_rng(0)
    tensors = [
        np.zeros(1),
        np.full(9, -128),
        np.zeros(8 * 300),
        np.arange(-128, 128),
        random.integers(-128, 128, 700),
        np.repeat([1, 0, -1], [1, 8 * 255, 1]),
        np.repeat([1, 0, -1], [1, 8 * 256, 8]),
        random.integers(-2, 2, 300) << 6,
        normal(30, 2000) * (random.random(2000) < 0.02),
        normal(2, 2000),
    ]
    return [tensor.astype(np.int8) for tensor in tensors]


@each_width
@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
def test_edge_cases_back_to_back(lanes, stalls):
    check(DECODERS[lanes], DECODERS[lanes].stimulus(edge_tensors()), stalls=stalls)


@st.composite
def weight_packets(draw):
    """Packets of zero, small and arbitrary weights, some of whose low bits are zero."""
    piece = st.one_of(
        st.lists(st.integers(-128, 127), min_size=1, max_size=30),
        st.lists(st.integers(-2, 2), min_size=1, max_size=60),
        st.builds(lambda count: [0] * count, st.integers(1, 4000)),
    )
    packets = draw(st.lists(st.lists(piece, min_size=1, max_size=4), min_size=1, max_size=4))
    return [(np.array(list(chain(*pieces))) << draw(st.integers(0, 7))).astype(np.uint8) for pieces in packets]


any_stalls = st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000)))


@st.composite
def damaged(draw, packet, word_bits):
    """Flip bits of a packet, replace, drop and add words; it keeps at least one."""
    word = st.integers(0, 2**word_bits - 1)
    words = packet.tolist()
    for _ in range(draw(st.integers(1, 3))):
        # Half of the damage is to the header and the table.
        place = draw(st.integers(0, min(len(words) - 1, draw(st.sampled_from([5, len(words)])))))
        match draw(st.sampled_from(["flip", "replace", "cut", "extend"])):
            case "flip":
                words[place] ^= 1 << draw(st.integers(0, word_bits - 1))
            case "replace":
                words[place] = draw(word)
            case "cut":
                words = words[: place + 1]
            case "extend":
                words = [*words, draw(st.just(0) | word)]
    return np.array(words, packet.dtype)


@each_width
@settings(max_examples=30)
@given(data=st.data(), stalls=any_stalls)
def test_malformed_packets_are_flagged_and_leave_the_next_one_alone(lanes, data, stalls):
    decoder, codec = DECODERS[lanes], Lanes(lanes=lanes)
    inputs, expected = {"length": [], "packet": []}, []
    for weights in data.draw(weight_packets()):
        rows = -(-weights.size // lanes)
        sound = codec.encode_words(weights)
        other = data.draw(st.one_of(st.just(rows), st.integers(1, 2 * rows)))
        for packet, count in ((data.draw(damaged(sound, 8 * lanes if lanes > 8 else 64)), other), (sound, rows)):
            inputs["length"].append(length_words(count))
            inputs["packet"].append(packet)
            try:
                expected.append(codec.decode_words(packet, count))
            except CorruptDataError:
                expected.append(None)
    result = simulate(decoder, inputs, stalls=stalls)
    assert [packet.size for packet in result.streams["weights"]] == [int(words[0]) for words in inputs["length"]]
    for found, wanted in zip(result.streams["weights"], expected, strict=True):
        assert wanted is None or word_bytes(found, lanes) == wanted.tobytes()
    assert result.errors["weights"] == [wanted is None for wanted in expected]


@pytest.mark.parametrize("zeros", [0, 0.6, 0.97])
@each_width
def test_a_row_a_cycle_but_for_the_table(lanes, zeros):
    weights = (normal(20, 16000) * (np.random.default_rng(1).random(16000) >= zeros)).astype(np.int8)
    result = check(DECODERS[lanes], DECODERS[lanes].stimulus([weights]))
    assert result.cycles <= 1.02 * weights.size / lanes + 50
