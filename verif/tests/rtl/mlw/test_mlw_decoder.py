"""The decoder of Arm's weight code: streams as Arm's encoder writes them, malformed ones, and weights a cycle."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.models.baselines.mlw_stream import decode
from silicodec.models.baselines.mlw_writer import encode
from silicodec.models.errors import CorruptDataError
from silicodec.models.evaluation.weights import weight_tensors
from silicodec.models.networks import get_network
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.mlw.engines import packet_words
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.simulate import simulate

ARM_STREAMS = Path(__file__).parent / "arm_streams.json"
DECODER = find_engine("mlw-decoder")
EXAMPLE = bytes.fromhex("8e0064400469241c9770405014fdffff")
WITH_RUNS = bytes.fromhex("23006023f46a0db05f760e0005000040011000feffffffffffffffffffffffff")


def slices(*fields):
    """Return a stream of numbers, each given with its bits, and its end mark."""
    text = "".join(f"{number:0{width}b}"[::-1] for number, width in fields) + "111"
    text += "1" * (-len(text) % 8)
    return int(text[::-1], 2).to_bytes(len(text) // 8, "little")


def header(runs, count, divisor, *palette, truncated=0):
    """Return the fields of a slice's header; of a palette, offset, entries and their bits."""
    fields = [(runs, 3), (count - 1, 15), (divisor, 3), (truncated, 1), (len(palette) > 0, 1)]
    if palette:
        offset, entries, bits = palette
        fields += [(offset, 5), (max(len(entries) - 1, 0), 5), (bits - 2, 3), *((entry, bits) for entry in entries)]
    return fields


def edge_streams():
    """Return streams at the edges of the format."""
    values = (0, 2, 255, 257, 254, 1, 3, 9)
    plain = [*header(6, 8, 7, 0, [], 9), *((value, 9) for value in values)]
    return [
        EXAMPLE,
        WITH_RUNS,
        b"\xff" + EXAMPLE + b"\xff" + WITH_RUNS + bytes([255] * 40),
        slices(*plain),
        slices(*plain, *header(6, 1, 0), (0, 12), *header(6, 2, 0), (0, 12)),  # the palette of the slice before
        # An index of 15 quotients and one of the largest numbers; quotients of at most 2.
        slices(*header(6, 3, 4, 0, [], 9), (0xFF, 12), (0x7F, 8), (1, 4), (2, 4), (3, 4)),
        slices(*header(6, 12, 0, 0, [9, 8, 7], 9, truncated=1), (0x00F, 12), (0b0101, 4)),
        # Quotients, and a run, that go on through chunks.
        slices(*header(6, 1, 1, 31, [], 2), *[(0xFFF, 12), (0xFFF, 12)] * 2, (0, 12), (1, 1)),
        slices(*header(0, 1, 0, 0, [], 2), (0, 12), *[(2**12 - 1, 12)] * 40, (0b111, 12)),
        slices(*header(3, 1, 7, 3, [], 2), *[(0xFF, 8), (0xFE, 8), (1, 2), (0xFF, 8), (7, 3), (1, 8), (5, 3)]),
    ]


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
def test_edge_cases_back_to_back(stalls):
    check(DECODER, {"packet": [packet_words(stream) for stream in edge_streams()]}, stalls=stalls)


MALFORMED = {
    "too short": EXAMPLE[:8],
    "ends within a slice": slices(*header(6, 24, 0, 0, [], 2), (0, 12))[:5],
    "no end": bytes(16),
    "unknown runs": slices((4, 3), (0, 60)),
    "unknown code": slices(*header(6, 1, 6, 0, [], 2), (0, 60)),
    "no palette": slices(*header(6, 1, 0), (0, 12)),
    "no palette after an end": EXAMPLE + slices(*header(6, 1, 0), (0, 12)),
    "runs as before": slices(*header(6, 1, 0, 0, [], 2), (0, 12), *header(0, 1, 0), (0, 24)),
    "index too large": slices(*header(6, 1, 5, 0, [], 2), *[(0xFFF, 12), (0xFFF, 12)], (0, 12), (0, 5)),
    "unfit": slices(*header(6, 1, 7, 0, [], 9), (256, 9)),
    "no weights": b"\xff" * 8,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_flagged_and_the_next_packet_is_as_usual(name):
    packet, sound = packet_words(MALFORMED[name]), packet_words(WITH_RUNS)
    with pytest.raises(CorruptDataError):
        DECODER.reference({"packet": [packet]})
    result = simulate(DECODER, {"packet": [packet, sound, packet, sound]}, stalls=Stalls(seed=2))
    assert result.errors["weights"] == [True, False, True, False]
    expected = DECODER.reference({"packet": [sound]})["weights"][0]
    assert all(np.array_equal(result.streams["weights"][place], expected) for place in (1, 3))


weight_lists = st.lists(
    st.one_of(
        st.lists(st.integers(-128, 127), min_size=1, max_size=30),
        st.lists(st.integers(-2, 2), min_size=1, max_size=60),
        st.builds(lambda count: [0] * count, st.integers(1, 400)),
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def damaged(draw, packet):
    """Flip bits of a packet, replace, drop and add words; it keeps at least one."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, min(packet.size - 1, draw(st.sampled_from([1, packet.size])))))
        packet = packet.copy()
        match draw(st.sampled_from(["flip", "flip", "replace", "cut", "extend"])):
            case "flip":
                packet[place] ^= np.uint64(1 << draw(st.integers(0, 63)))
            case "replace":
                packet[place] = draw(st.integers(0, 2**64 - 1))
            case "cut":
                packet = packet[: place + 1]
            case "extend":
                packet = np.append(packet, np.uint64(draw(st.integers(0, 2**64 - 1))))
    return packet


@settings(max_examples=40)
@given(data=st.data(), stalls=st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000))))
def test_damage_is_flagged_and_leaves_the_next_packet_alone(data, stalls):
    packets, expected = [], []
    for _ in range(data.draw(st.integers(1, 4))):
        sound = packet_words(encode(np.concatenate(data.draw(weight_lists)).astype(np.int16)))
        for packet in (data.draw(damaged(sound)), sound):
            packets.append(packet)
            try:
                expected += DECODER.reference({"packet": [packet]})["weights"]
            except CorruptDataError:
                expected.append(None)
    result = simulate(DECODER, {"packet": packets}, stalls=stalls)
    assert result.errors["weights"] == [wanted is None for wanted in expected]
    for found, wanted in zip(result.streams["weights"], expected, strict=True):
        assert wanted is None or np.array_equal(found, wanted)


def arm_streams():
    """Return real layers as Arm's encoder wrote them, by name."""
    texts = json.loads(ARM_STREAMS.read_text())
    return {name: packet_words(base64.b64decode(text)) for name, text in texts.items()}


@pytest.mark.parametrize("stalls", [None, Stalls(seed=7)], ids=["free", "stalled"])
def test_real_layers_as_arm_encodes_them(stalls):
    check(DECODER, {"packet": list(arm_streams().values())}, stalls=stalls)


def test_pinned_streams_are_the_weights_of_the_package():
    streams = arm_streams()
    for network, layer in (("digits", "conv2"), ("lenet5", "linear3")):
        weights = weight_tensors(get_network(network).load(), "headroom")[layer].trimmed(None)
        np.testing.assert_array_equal(decode(streams[f"{network} {layer}"].tobytes()), weights.reshape(-1))


@pytest.mark.parametrize("zeros", [0, 0.6, 0.97])
def test_weights_a_cycle(zeros):
    random = np.random.default_rng(1)
    weights = (random.normal(0, 20, 16000).round() * (random.random(16000) >= zeros)).clip(-128, 127)
    result = check(DECODER, DECODER.stimulus([weights.astype(np.int8)]))
    assert weights.size / result.cycles > 5


@pytest.mark.prove
def test_random_weights_as_arm_encodes_them():
    mlw_codec = pytest.importorskip("ethosu.mlw_codec")
    random = np.random.default_rng(2)
    packets = []
    for _ in range(1000):
        weights = random.normal(0, random.uniform(0.5, 60), random.integers(1, 3000)).round().clip(-128, 127)
        weights *= random.random(weights.size) < random.choice([0.02, 0.3, 1])
        packets.append(packet_words(bytes(mlw_codec.encode(weights.astype(int).tolist()))))
    check(DECODER, {"packet": packets}, stalls=Stalls(seed=8))
