"""DCT engines against their reference, on every backend."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from myhdl import Signal

from silicodec.models.dct import DCT
from silicodec.models.dct.modes import codec_of, mode_word
from silicodec.models.dct.tiles import FULL, MOST_RICE
from silicodec.models.errors import CodecError, CorruptDataError
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import quantise
from silicodec.rtl.blocks.adder_network import AdderNetwork, signed
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.convert import verilog
from silicodec.rtl.dct.engines import (
    DCT_FAMILIES,
    decode_rows,
    encode_rows,
    length_words,
    read_length,
    row_words,
)
from silicodec.rtl.dct.transform import INVERSE, inverse_odd_sum, row
from silicodec.verif.compare import check, first_difference
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.simulate import simulate

BACKENDS = ["icarus", "verilator"]
ENGINES = {engine.name: engine for family in DCT_FAMILIES for engine in family.engines()}
DECODERS = ["dct-decoder", "dct-decoder-checked"]
LOOKAHEAD = "-lookahead"
ENGINES |= {name + LOOKAHEAD: find_engine(name + LOOKAHEAD) for name in DECODERS}
proved = pytest.mark.prove
parsers = pytest.mark.parametrize("parser", ["", pytest.param(LOOKAHEAD, marks=proved)])
"""Ends of the names of decoders."""
# dct-decoder-fast is dct-decoder with it.
ENGINE_NAMES = [
    pytest.param(name, marks=proved) if name.endswith(LOOKAHEAD) else name
    for name in ENGINES
    if name != f"dct-decoder{LOOKAHEAD}"
]
MODES = [
    mode_word(DCT(step=step, signed=signed), dtype)
    for signed, dtype in ((1, "int8"), (0, "int8"), (1, "uint8"))
    for step in (1, 2, 4, 8)
]
ANY_SIGN = [mode for mode in MODES if codec_of(mode) != (replace(codec_of(mode)[0], signed=0), "int8")]
"""Modes for maps with negative values."""


def modes_of(array):
    return MODES if array.size and array.min() >= 0 else ANY_SIGN


def stimulus(name, packets):
    """Inputs of an engine for pairs of maps, or rows, and mode."""
    packets = [(maps if maps.dtype == np.uint64 else row_words(maps), mode) for maps, mode in packets]
    if name == "dct-encoder":
        return {"rows": [rows for rows, _ in packets], "mode": [np.array([mode], np.uint8) for _, mode in packets]}
    return {
        "tiles": [encode_rows(rows, mode) for rows, mode in packets],
        "length": [length_words(-(-rows.size // 8), mode) for rows, mode in packets],
    }


def edge_packets():
    """Packets at the edges of the format, each with a mode."""
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
    many = (np.zeros((300, 8, 8), np.int8), MODES[0])  # more than one part of a decoder's length tells
    return [many, *((array, mode) for array in maps for mode in modes_of(array))]


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_edge_cases_back_to_back(name, stalls):
    packets = edge_packets()
    simulation = check(ENGINES[name], stimulus(name, packets), stalls=stalls)
    assert simulation.words["rows"] == sum(row_words(maps).size for maps, _ in packets)


@st.composite
def some_packets(draw):
    """Packets of maps with zeros, small, extreme and arbitrary values, each with a mode that takes it."""
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
    return [(array, draw(st.sampled_from(modes_of(array)))) for array in maps]


any_stalls = st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000)))


@parsers
@settings(max_examples=20)
@given(packets=some_packets(), stalls=any_stalls)
def test_any_packets_through_encoder_and_decoders(parser, packets, stalls):
    encoded = check(ENGINES["dct-encoder"], stimulus("dct-encoder", packets), stalls=stalls)
    restored = [
        decode_rows(words, row_words(maps).size // 8, mode)
        for words, (maps, mode) in zip(encoded.streams["tiles"], packets, strict=True)
    ]
    for name in DECODERS:
        inputs = {"tiles": encoded.streams["tiles"], "length": stimulus(name, packets)["length"]}
        decoded = simulate(ENGINES[name + parser], inputs, stalls=stalls)
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
    try:
        return decode_rows(words, *read_length(parts))
    except CorruptDataError:
        return None


def check_malformed(inputs, parser, stalls=None, backend="verilator"):
    """Hold both decoders to the number of tiles, to the words of sound packets, and to the flags of the others."""
    expected = [decode_or_none(*packet) for packet in zip(inputs["tiles"], inputs["length"], strict=True)]
    for name in DECODERS:
        result = simulate(ENGINES[name + parser], inputs, stalls=stalls, backend=backend)
        sizes = [8 * read_length(parts)[0] for parts in inputs["length"]]
        assert [packet.size for packet in result.streams["rows"]] == sizes
        for found, wanted in zip(result.streams["rows"], expected, strict=True):
            assert wanted is None or np.array_equal(found, wanted)
    assert result.errors["rows"] == [wanted is None for wanted in expected]
    return expected


@parsers
@settings(max_examples=40)
@given(data=st.data(), stalls=any_stalls)
def test_malformed_packets_are_flagged_and_leave_the_next_one_alone(parser, data, stalls):
    inputs = {"tiles": [], "length": []}
    for maps, mode in data.draw(some_packets()):
        rows = row_words(maps)
        sound, count = encode_rows(rows, mode), rows.size // 8
        told = data.draw(st.just(count) | st.integers(1, 2 * count))
        for words, tiles in ((data.draw(damage(sound)), told), (sound, count)):
            inputs["tiles"].append(words)
            inputs["length"].append(length_words(tiles, mode))
    check_malformed(inputs, parser, stalls)


def bits_to_words(text):
    """Pack a text of zeros and ones into words."""
    text += "0" * (-len(text) % 64)
    return np.array([int(text[i : i + 64], 2) for i in range(0, len(text), 64)], np.uint64)


@parsers
@pytest.mark.parametrize("backend", BACKENDS)
def test_streams_that_no_encoder_writes(backend, parser):
    same, empty = "0", "1110000"
    full = "1110010" + "1" * 8
    tiles = {
        "columns of zeros that are not empty": full + "00" + "".join("0" + "1" * 8 for _ in range(7)) + same,
        "levels told in full that need not": empty + empty * 7 + same,
        "large quotients and parameter": f"111{FULL + MOST_RICE:04b}"
        + "1" * 40
        + "1" * 7
        + "0" * 15
        + "1"
        + empty
        + "1" * 32
        + "11"
        + same * 7,
        "a mean of one": "1110001" + "1111" + "10" + "01" + same * 7,
    }
    malformed = {
        "a level of 12": "1111100" + "1" * 60,
        "a level of 15": "1111111" + "1" * 60,
        "a level below 0": empty + "10" + "0" * 80,
        "a sum of 16": "1110010" + "1" * 7 + "0" * 16 + "1" + same * 60,
        "a sum of 16 in a short column": "1110001" + "1" * 3 + "0" * 16 + "1" + same * 60,
        "no end of the quotients": "1110010" + "0" * 121,
        "a level after the last column": empty + same * 7 + "1",
        "a word padded with ones": empty + same * 8 + "0" * 47 + "1",
        "a word too many": empty + same * 8 + "0" * 112,
        "a word too few": f"111{FULL + MOST_RICE:04b}" + "1" * 57,
    }
    texts = [*tiles.values(), *malformed.values()]
    inputs = {"tiles": [bits_to_words(text) for text in texts], "length": [length_words(1, MODES[1])] * len(texts)}
    expected = check_malformed(inputs, parser, backend=backend)
    assert [wanted is None for wanted in expected] == [False] * len(tiles) + [True] * len(malformed)


@parsers
@pytest.mark.parametrize("backend", BACKENDS)
def test_missing_words_read_as_zeros(backend, parser):
    same, one_below, empty = "0", "10", "1110000"
    tiles_of_zeros = same * 8 * 20
    texts = [
        "1110001" + "0001111" + empty + "01" + same * 6 + one_below + tiles_of_zeros,
        "1110010" + "1" * 8 + empty + "11" + same * 6 + empty + tiles_of_zeros,
    ]
    sound = [bits_to_words(text) for text in texts]
    inputs = {"tiles": [words[:1] for words in sound], "length": [length_words(21, MODES[1])] * 2}
    for name in DECODERS:
        result = simulate(ENGINES[name + parser], inputs, backend=backend)
        for found, words in zip(result.streams["rows"], sound, strict=True):
            np.testing.assert_array_equal(found, decode_rows(words, 21, MODES[1]))
    assert result.errors["rows"] == [True, True]


@pytest.mark.parametrize("stalls", [None, Stalls(seed=6)], ids=["free", "stalled"])
def test_the_last_row_is_repeated_where_a_packet_ends_within_a_tile(stalls):
    random = np.random.default_rng(0)
    packets = [
        (row_words(random.integers(-128, 128, (8 * -(-count // 8), 8), np.int8))[:count], MODES[0])
        for count in (7, 8, 12, 1, 9, 24, 3)
    ]
    inputs = stimulus("dct-encoder", packets)
    check(ENGINES["dct-encoder"], inputs, stalls=stalls)
    for rows, words in zip(inputs["rows"], simulate(ENGINES["dct-encoder"], inputs).streams["tiles"], strict=True):
        filled = np.append(rows, np.repeat(rows[-1:], -rows.size % 8))
        np.testing.assert_array_equal(words, encode_rows(filled, MODES[0]))


@pytest.mark.parametrize("count", [1, 255, 256, 257, 512, 70_000])
def test_length_in_parts(count):
    for mode in MODES:
        parts = length_words(count, mode)
        assert read_length(parts) == (count, mode)
        assert parts.size == -(-count // 256)
        assert mode_word(*codec_of(mode)) == mode


def test_a_mode_without_meaning_is_refused_in_software_and_kept_to_its_packet_in_hardware():
    maps = np.random.default_rng(0).integers(-128, 128, (16, 8)).astype(np.int8)
    words, sound, wrong = encode_rows(row_words(maps), 1), length_words(2, 0b0001), length_words(2, 0b1001)
    with pytest.raises(CodecError, match="mode 9 has no meaning"):
        decode_rows(words, 2, 9)
    inputs = {"tiles": [words] * 3, "length": [sound, wrong, sound]}
    plain, checked = (simulate(ENGINES[name], inputs) for name in ("dct-decoder", "dct-decoder-checked"))
    first, meaningless, last = plain.streams["rows"]
    np.testing.assert_array_equal(first, decode_rows(words, 2, 1))
    np.testing.assert_array_equal(first, last)
    assert meaningless.size == first.size
    assert first_difference(plain.streams, checked.streams) is None
    assert checked.errors["rows"] == [False] * 3
    inputs = {"rows": [row_words(maps)] * 2, "mode": [np.array([mode], np.uint8) for mode in (0b0001, 0b1001)]}
    assert first_difference({"tiles": [words] * 2}, simulate(ENGINES["dct-encoder"], inputs).streams) is None


def test_odd_sums_have_the_constants_and_adders_that_are_stated():
    network = AdderNetwork(clk=Signal(bool(0)), advance=Signal(bool(0)), cut=12)
    numbers = [network.number(signed(11)) for _ in range(8)]
    for n, adders in enumerate((11, 21, 31, 40)):
        inverse_odd_sum(numbers, n)
        assert network.adders() == adders
    assert [row(INVERSE, 1), row(INVERSE, 3)] == [[2841, 2408, 1609, 565], [2408, -565, -2841, -1609]]


@parsers
@pytest.mark.parametrize(("kind", "least"), [("noise", 0.5), ("smooth", 0.99)])
def test_rows_per_cycle(kind, least, parser):
    """Only columns with high planes take two cycles, as all of noise do."""
    random = np.random.default_rng(0)
    maps = random.integers(-128, 128, (16, 32, 32), np.int8)
    if kind == "smooth":
        maps = np.cumsum(random.integers(-3, 4, maps.shape), axis=2).clip(-128, 127).astype(np.int8)
    for name in ("dct-encoder", "dct-decoder" + parser):
        simulation = check(ENGINES[name], stimulus(name, [(maps, MODES[1])]))
        assert simulation.words_per_cycle("rows") >= least


@pytest.mark.parametrize(
    ("name", "most"),
    [("dct-encoder", 1.3), ("dct-decoder", 3), pytest.param("dct-decoder-lookahead", 7, marks=proved)],
)
@pytest.mark.parametrize("count", [8, 64])
def test_cycles_between_packets(name, most, count):
    random = np.random.default_rng(0)
    packets = [(np.cumsum(random.integers(-3, 4, (count, 8)), axis=1).astype(np.int8), MODES[1]) for _ in range(101)]
    first, all_ = (check(ENGINES[name], stimulus(name, packets[:n])).cycles for n in (1, 101))
    assert (all_ - first) / 100 <= count + most


def through_both_engines(arrays, parser):
    """Send tensors of any number of dimensions through the encoder and the checked decoder."""
    for name in ("dct-encoder", "dct-decoder-checked" + parser):
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
    through_both_engines(arrays, "")


@parsers
@pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")
def test_every_feature_map_of_resnet20(parser):
    arrays = network_maps("resnet20", 1)
    assert len(arrays) == 19
    through_both_engines(arrays, parser)


@pytest.mark.parametrize("array", [np.zeros(8, np.int8), np.zeros((0, 8, 8), np.int8), np.zeros((8, 8), np.int16)])
def test_what_is_not_a_map_is_named(array):
    for engine in ENGINES.values():
        with pytest.raises(ValueError, match="maps"):
            engine.stimulus([array])


def test_bad_parameters_are_named():
    engine = ENGINES["dct-decoder"]
    with pytest.raises(ValueError, match="length_bits must be at least 1, not 0"):
        verilog(replace(engine, parameters=dict(engine.parameters) | {"length_bits": 0}))
