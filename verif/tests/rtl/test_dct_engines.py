"""DCT engines against their reference, on every backend."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from myhdl import Signal

from silicodec.models.dct.codec import DCT, to_tiles
from silicodec.models.errors import CorruptDataError
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import quantise
from silicodec.rtl.blocks.adder_network import AdderNetwork, signed
from silicodec.rtl.convert import verilog
from silicodec.rtl.dct.engines import DCT_ENGINES, codec_of, length_words, read_length, row_samples, row_words
from silicodec.rtl.dct.quantiser import mode_word
from silicodec.rtl.dct.transform import INVERSE, inverse_odd_sum, row
from silicodec.verif.compare import check, first_difference
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.simulate import simulate

BACKENDS = ["myhdl", "icarus", "verilator"]
ENGINES = {engine.name: engine for engine in DCT_ENGINES}
STALLS = {
    "free": None,
    "stalled": Stalls(seed=1),
    "input-starved": Stalls(seed=2, input_probability=0.8, output_probability=0),
    "output-blocked": Stalls(seed=3, input_probability=0, output_probability=0.8),
    "ready-after-valid": Stalls(seed=4, ready_after_valid=True),
}
CODECS = [DCT(level=level, signed=signed) for signed in (1, 0) for level in (1, 2, 3, 4)]


def stimulus(name, packets):
    """Inputs of an engine for pairs of maps and codec."""
    rows = [row_words(maps) for maps, _ in packets]
    codecs = [codec for _, codec in packets]
    if name == "dct-encoder":
        return {"rows": rows, "mode": [np.array([mode_word(codec)], np.uint8) for codec in codecs]}
    return {
        "tiles": [codec.encode_words(row_samples(words)) for words, codec in zip(rows, codecs, strict=True)],
        "length": [length_words(words.size // 8, codec) for words, codec in zip(rows, codecs, strict=True)],
    }


def edge_packets():
    """Packets at the edges of the format, each with a codec; the last five are short."""
    random = np.random.default_rng(0)
    signs = random.choice([-128, 127], (8, 64)).astype(np.int8)
    maps = [
        random.integers(-128, 128, (2, 24, 24), np.int8),
        signs.reshape(64, 8),
        random.normal(0, 25, (2, 19, 13)).clip(-128, 127).astype(np.int8),
        random.normal(0, 25, (3, 16, 16)).clip(0, 127).astype(np.int8),
        np.zeros((8, 8), np.int8),
        np.full((8, 8), 127, np.int8),
        np.full((8, 8), -128, np.int8),
        random.integers(-128, 128, (8, 8), np.int8),
        random.integers(0, 128, (16, 8), np.int8),
    ]
    many = (np.zeros((300, 8, 8), np.int8), CODECS[0])  # more than one part of a decoder's length tells
    return [many, *((array, codec) for array in maps for codec in CODECS if codec.signed or array.min() >= 0)]


@pytest.mark.parametrize("name", ENGINES)
def test_edge_cases_back_to_back(name):
    packets = edge_packets()
    simulation = check(ENGINES[name], stimulus(name, packets))
    assert simulation.words["rows"] == sum(row_words(maps).size for maps, _ in packets)


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("name", ENGINES)
def test_stalls_change_nothing_but_the_time(name, stalls):
    check(ENGINES[name], stimulus(name, edge_packets()), stalls=stalls)


@pytest.mark.parametrize(
    ("name", "backend"),
    [*((name, "icarus") for name in ENGINES), ("dct-encoder", "myhdl"), ("dct-decoder-checked", "myhdl")],
)
def test_every_backend_gives_the_same_words_and_cycles(name, backend):
    inputs = stimulus(name, edge_packets()[-3:])
    stalls = Stalls(seed=5)
    cycles = check(ENGINES[name], inputs, backend=backend, stalls=stalls).cycles
    assert cycles == check(ENGINES[name], inputs, stalls=stalls).cycles


@st.composite
def some_packets(draw):
    """Packets of maps with zeros, small, extreme and arbitrary values, each with a codec that takes it."""
    values = draw(
        st.sampled_from(
            [
                st.integers(-128, 127),
                st.integers(-6, 6),
                st.sampled_from([-128, 127]),
                st.sampled_from([0, 0, 0, 40]),
                st.integers(0, 127),
            ]
        )
    )
    shapes = npst.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=17)
    maps = draw(st.lists(npst.arrays(np.int8, shapes, elements=values), min_size=1, max_size=4))
    return [
        (array, draw(st.sampled_from([codec for codec in CODECS if codec.signed or array.min() >= 0])))
        for array in maps
    ]


any_stalls = st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000)))


@settings(max_examples=20)
@given(packets=some_packets(), stalls=any_stalls)
def test_any_packets_through_encoder_and_decoders(packets, stalls):
    encoded = check(ENGINES["dct-encoder"], stimulus("dct-encoder", packets), stalls=stalls)
    restored = [row_words(codec.restore(to_tiles(maps).reshape(-1, 8))) for maps, codec in packets]
    for name in ("dct-decoder", "dct-decoder-checked"):
        inputs = {"tiles": encoded.streams["tiles"], "length": stimulus(name, packets)["length"]}
        decoded = simulate(ENGINES[name], inputs, stalls=stalls)
        assert first_difference({"rows": restored}, decoded.streams) is None
        assert not any(decoded.errors.get("rows", []))


@st.composite
def damage(draw, words):
    """Flip bits, and replace, drop and add words of a packet, which keeps at least one."""
    for _ in range(draw(st.integers(1, 3))):
        position = draw(st.integers(0, words.size - 1))
        word = np.uint64(draw(st.sampled_from([0, 2**64 - 1]) | st.integers(0, 2**64 - 1)))
        match draw(st.sampled_from(["flip", "replace", "cut", "extend"])):
            case "flip":
                words = words.copy()
                words[position] ^= np.uint64(1 << draw(st.integers(0, 63)))
            case "replace":
                words = words.copy()
                words[position] = word
            case "cut":
                words = words[: position + 1]
            case "extend":
                words = np.append(words, word)
    return words


def decode_or_none(words, parts):
    """Decode a packet, or return None if it is malformed."""
    count, codec = read_length(parts)
    try:
        return row_words(codec.decode_words(words, (8 * count, 8)))
    except CorruptDataError:
        return None


def check_malformed(inputs, stalls=None, backend="verilator"):
    """Hold both decoders to the number of tiles, to the words of sound packets, and to the flags of the others."""
    expected = [decode_or_none(*packet) for packet in zip(inputs["tiles"], inputs["length"], strict=True)]
    for name in ("dct-decoder", "dct-decoder-checked"):
        result = simulate(ENGINES[name], inputs, stalls=stalls, backend=backend)
        sizes = [8 * read_length(parts)[0] for parts in inputs["length"]]
        assert [packet.size for packet in result.streams["rows"]] == sizes
        for found, wanted in zip(result.streams["rows"], expected, strict=True):
            assert wanted is None or np.array_equal(found, wanted)
    assert result.errors["rows"] == [wanted is None for wanted in expected]
    return expected


@settings(max_examples=40)
@given(data=st.data(), stalls=any_stalls)
def test_malformed_packets_are_flagged_and_leave_the_next_one_alone(data, stalls):
    inputs = {"tiles": [], "length": []}
    for maps, codec in data.draw(some_packets()):
        rows = row_words(maps)
        sound, count = codec.encode_words(row_samples(rows)), rows.size // 8
        told = data.draw(st.just(count) | st.integers(1, 2 * count))
        for words, tiles in ((data.draw(damage(sound)), told), (sound, count)):
            inputs["tiles"].append(words)
            inputs["length"].append(length_words(tiles, codec))
    check_malformed(inputs, stalls)


def bits_to_words(text):
    """Pack a text of zeros and ones into words."""
    text += "0" * (-len(text) % 64)
    return np.array([int(text[i : i + 64], 2) for i in range(0, len(text), 64)], np.uint64)


@pytest.mark.parametrize("backend", BACKENDS)
def test_streams_that_no_encoder_writes(backend):
    full, dense = "10" + "1" * 8 + "01" * 32, "11" + "01" * 32
    tiles = {
        "bitmaps of ones before bytes": full * 8,
        "both ways without a zero": dense + full * 3 + dense * 4,
        "zeros marked as nonzero": "10" + "11110000" + "0" * 32 + "00" * 7,
        "bitmaps of zeros": ("01" + "0" * 8 + "10" + "0" * 8) * 4,
        "bytes for small coefficients": ("10" + "00000001" + "00000010") * 8,
    }
    padded = {
        "a tile padded with ones": "01" + "10000000" + "0001" + "00" * 7 + "1111",
        "a word padded with ones": "00" * 8 + "0" * 47 + "1",
        "a word too many": "00" * 8 + "0" * 112,
        "a word too few": "11" + "01" * 31,
    }
    texts = [*tiles.values(), *padded.values()]
    inputs = {"tiles": [bits_to_words(text) for text in texts], "length": [length_words(1, DCT())] * len(texts)}
    expected = check_malformed(inputs, backend=backend)
    assert [wanted is None for wanted in expected] == [False] * len(tiles) + [True] * len(padded)


def test_last_in_the_middle_of_a_tile_is_ignored():
    engine = ENGINES["dct-encoder"]
    rows = row_words(np.random.default_rng(0).integers(-128, 128, (16, 8), np.int8))
    mode = np.array([mode_word(DCT())], np.uint8)
    result = simulate(engine, {"rows": [rows[:3], rows[3:8], rows[8:]], "mode": [mode, mode]})
    expected = [DCT().encode_words(row_samples(part)) for part in (rows[:8], rows[8:])]
    assert first_difference({"tiles": expected}, result.streams) is None


@pytest.mark.parametrize("count", [1, 255, 256, 257, 512, 70_000])
def test_length_in_parts(count):
    for codec in CODECS:
        parts = length_words(count, codec)
        assert read_length(parts) == (count, codec)
        assert parts.size == -(-count // 256)
        assert codec_of(mode_word(codec)) == codec


def test_odd_sums_have_the_constants_and_adders_that_are_stated():
    network = AdderNetwork(clk=Signal(bool(0)), advance=Signal(bool(0)), cut=12)
    numbers = [network.number(signed(11)) for _ in range(8)]
    for n, adders in enumerate((11, 21, 31, 40)):
        inverse_odd_sum(numbers, n, early=True)
        assert network.adders() == adders
    assert [row(INVERSE, 1), row(INVERSE, 3)] == [[2841, 2408, 1609, 565], [2408, -565, -2841, -1609]]


@pytest.mark.parametrize(("kind", "encoder_least", "decoder_least"), [("random", 0.96, 0.95), ("smooth", 0.99, 0.99)])
def test_rows_per_cycle(kind, encoder_least, decoder_least):
    random = np.random.default_rng(0)
    maps = random.integers(-128, 128, (16, 32, 32), np.int8)
    if kind == "smooth":
        maps = np.cumsum(random.integers(-3, 4, maps.shape), axis=2).clip(-128, 127).astype(np.int8)
    for name, least in (("dct-encoder", encoder_least), ("dct-decoder", decoder_least)):
        simulation = check(ENGINES[name], stimulus(name, [(maps, DCT(level=1))]))
        assert simulation.words_per_cycle("rows") >= least


def through_both_engines(arrays):
    """Send tensors of any number of dimensions through the encoder and the checked decoder."""
    for name in ("dct-encoder", "dct-decoder-checked"):
        engine = ENGINES[name]
        simulation = check(engine, engine.stimulus(arrays))
        assert simulation.words["rows"] == sum(row_words(array).size for array in arrays)


def network_maps(name, count):
    """Every feature map of `count` images, quantised, one array for each layer."""
    network = get_network(name)
    layers = feature_maps(network.load(), network.images(count).batch)
    return [quantise(layer.values, "fixed8").values for layer in layers if layer.values.ndim == 4]


def test_digits_of_100_images():
    arrays = network_maps("digits", 100)
    assert arrays
    through_both_engines(arrays)


@pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")
def test_every_feature_map_of_resnet20():
    arrays = network_maps("resnet20", 1)
    assert len(arrays) == 19
    through_both_engines(arrays)


@pytest.mark.parametrize("array", [np.zeros(8, np.int8), np.zeros((0, 8, 8), np.int8), np.zeros((8, 8), np.int16)])
def test_what_is_not_a_map_is_named(array):
    for engine in ENGINES.values():
        with pytest.raises(ValueError, match="maps"):
            engine.stimulus([array])


def test_bad_parameters_are_named():
    engine = ENGINES["dct-decoder"]
    with pytest.raises(ValueError, match="length_bits must be at least 1, not 0"):
        verilog(replace(engine, parameters=dict(engine.parameters) | {"length_bits": 0}))
