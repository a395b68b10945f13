"""The engines for weights against their references, on every backend."""

import os
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.models.codec import CorruptDataError
from silicodec.models.dictionary.codec import DENSE, SPARSE, Dictionary
from silicodec.models.dictionary.trimming import Trimming
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import weights as network_weights
from silicodec.models.quantise import quantise
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.convert import verilog
from silicodec.rtl.dictionary.engines import (
    code_ports,
    decoded_packets,
    encoded_packets,
    length_words,
    trimmer_settings,
)
from silicodec.verif.compare import check
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.matrix_product import multiply
from silicodec.verif.simulate import simulate

BACKENDS = ["myhdl", "icarus", "verilator"]
DECODER, CHECKED, TRIMMER = map(find_engine, ("dictionary-decoder", "dictionary-decoder-checked", "weight-trimmer"))
DECODERS = {
    "dense": (DENSE, (DECODER, CHECKED)),
    "sparse": (SPARSE, tuple(map(find_engine, ("dictionary-decoder-sparse", "dictionary-decoder-sparse-checked")))),
}
both_codes = pytest.mark.parametrize(("codec", "engines"), DECODERS.values(), ids=DECODERS)
PLAIN_ARRAY, COMPRESSED_ARRAY = (
    find_engine(name, {"rows": 3, "columns": 2}) for name in ("systolic-array", "compressed-systolic-array")
)
ENGINES = {engine.name: engine for engine in (*DECODERS["dense"][1], *DECODERS["sparse"][1], TRIMMER, COMPRESSED_ARRAY)}
needs_data = pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")


def edge_tensors():
    """Weights at the edges of the formats, and trimmed ones."""
    random = np.random.default_rng(0)
    rows = random.integers(-3, 4, (30, 8))
    tensors = [
        np.zeros(1),
        np.ones(1),
        np.full(8, -128),
        np.zeros(9),
        np.zeros(8 * 300),
        random.integers(-128, 128, 200),
        np.tile(np.arange(8), 40),
        np.repeat(rows, 2, axis=0),
        rows[random.integers(0, 30, 200)] * 16,
        Trimming(5, 20).apply(random.normal(0, 20, 600).clip(-128, 127).astype(np.int8)),
        Trimming(2, 3).apply(random.laplace(0, 2, 600).clip(-128, 127).astype(np.int8)),
        np.where(random.random(800) < 0.05, random.integers(-128, 128, 800), 0),
    ]
    return [tensor.astype(np.int8) for tensor in tensors]


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("name", ENGINES)
def test_edge_cases_back_to_back(name, stalls):
    check(ENGINES[name], ENGINES[name].stimulus(edge_tensors()), stalls=stalls)


@st.composite
def weight_packets(draw):
    """Packets of repeated, zero, small and arbitrary entries, some of whose low bits are zero."""
    entry = st.lists(st.integers(-128, 127), min_size=8, max_size=8)
    small = st.lists(st.integers(-4, 3), min_size=8, max_size=8)
    piece = st.one_of(
        st.lists(st.one_of(entry, small), min_size=1, max_size=6),
        st.builds(lambda values, count: [values] * count, small, st.integers(1, 5)),
        st.builds(lambda count: [[0] * 8] * count, st.integers(1, 200)),
    )
    packets = draw(st.lists(st.lists(piece, min_size=1, max_size=5), min_size=1, max_size=5))
    return [(np.array(list(chain(*pieces))).ravel() << draw(st.integers(0, 7))).astype(np.uint8) for pieces in packets]


any_stalls = st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000)))


@both_codes
@settings(max_examples=30)
@given(packets=weight_packets(), stalls=any_stalls)
def test_any_packets_through_the_decoders(codec, engines, packets, stalls):
    for engine in engines:
        check(engine, encoded_packets(codec, packets), stalls=stalls)


@st.composite
def damage(draw, codec, streams):
    """Flip, drop, add and replace words of a packet's streams; a stream keeps at least one word."""
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from([name for name, stream in streams.items() if stream.size]))
        stream, bits = streams[name].copy(), {port.name: port.bits for port in code_ports(codec)}[name]
        match draw(st.sampled_from(["flip", "replace", "cut", "extend"])) if name != "layout" else "flip":
            case "flip":
                stream[draw(st.integers(0, stream.size - 1))] ^= stream.dtype.type(1 << draw(st.integers(0, bits - 1)))
            case "replace":
                stream[draw(st.integers(0, stream.size - 1))] = draw(st.integers(0, 2**bits - 1))
            case "cut":
                stream = stream[: draw(st.integers(1, stream.size))]
            case "extend":
                stream = np.append(stream, np.array([draw(st.sampled_from([0, 1, 2**bits - 1]))], stream.dtype))
        streams = streams | {name: stream}
    return streams


@both_codes
@settings(max_examples=60)
@given(data=st.data(), stalls=any_stalls)
def test_malformed_packets_are_flagged_and_leave_the_next_one_alone(codec, engines, data, stalls):
    inputs = {"layout": [], "length": [], "codes": [], "literals": []}
    expected = []
    for packet in data.draw(weight_packets()):
        size = packet.size // codec.entry_size
        sound = codec.encode_words(packet)
        other = st.one_of(st.just(size), st.integers(1, 2 * size))
        for streams, count in ((data.draw(damage(codec, sound)), data.draw(other)), (sound, size)):
            streams = streams | {"length": length_words(count)}
            has_literals = bool(streams["layout"][0] & 2)
            if has_literals and not streams["literals"].size:
                streams["literals"] = np.ones(1, np.uint64)
            part = {name: [words] for name, words in streams.items()}
            for name in inputs:
                inputs[name] += part[name] if name != "literals" or has_literals else []
            try:
                expected += decoded_packets(codec, part)
            except CorruptDataError:
                expected.append(None)
    for engine in engines:
        result = simulate(engine, inputs, stalls=stalls)
        assert [packet.size for packet in result.streams["entries"]] == [int(words[0]) for words in inputs["length"]]
        for found, wanted in zip(result.streams["entries"], expected, strict=True):
            assert wanted is None or np.array_equal(found.view(np.uint8), wanted)
        if engine is engines[1]:
            assert result.errors["entries"] == [wanted is None for wanted in expected]


def test_one_code_gives_no_more_entries_than_the_packet_has():
    decoder, checked = DECODERS["sparse"][1]
    zeros, few = np.zeros(2 * 32768, np.uint8), np.arange(20, dtype=np.uint8)
    inputs = encoded_packets(SPARSE, [zeros, few])
    assert inputs["codes"][0].size == 1  # 16 bits for all entries
    inputs["length"][0] = length_words(10)
    for engine in (decoder, checked):
        result = simulate(engine, inputs, backend="icarus")
        assert [packet.size for packet in result.streams["entries"]] == [10, 10]
        assert np.array_equal(result.streams["entries"][1].view(np.uint8), few)
    assert result.errors["entries"] == [True, False]


@pytest.mark.parametrize("entries", [0, 65537])
def test_numbers_of_entries_that_do_not_fit_are_named(entries):
    with pytest.raises(ValueError, match=f"a packet has 1 to 65536 entries, not {entries}"):
        length_words(entries)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_truncated_packet_is_flagged_on_every_backend(backend):
    inputs = CHECKED.stimulus(edge_tensors()[-3:])
    inputs["codes"][1] = inputs["codes"][1][:-3]
    result = simulate(CHECKED, inputs, backend=backend)
    assert result.errors["entries"] == [False, True, False]


@pytest.mark.parametrize(
    "words",
    [
        np.random.default_rng(0).integers(0, 256, 8 * 4096),
        np.zeros(8 * 4096),
        np.random.default_rng(0).choice([0, 16], 8 * 4096, p=[0.9, 0.1]),
        np.random.default_rng(0).choice([0, 16, 32, 48], 8 * 4096, p=[0.998, 0.0015, 0.0003, 0.0002]),
    ],
    ids=["literals", "zeros", "few values", "long and short runs"],
)
def test_one_entry_per_cycle(words):
    simulation = check(DECODER, encoded_packets(Dictionary(), [words.astype(np.uint8)]))
    assert simulation.cycles <= 4096 + 6


@pytest.mark.parametrize(
    "settings",
    [
        {"entry_size": 1},
        {"entry_size": 2, "slot_bits": 3},
        {"entry_size": 4, "code_bits": 16, "slot_bits": 8},
        {"entry_size": 8, "code_bits": 16, "slot_bits": 2},
    ],
    ids=str,
)
def test_other_codes_and_entries(settings):
    engine = find_engine("dictionary-decoder-checked", settings)
    check(engine, engine.stimulus(edge_tensors()), backend="icarus", stalls=Stalls(seed=1))


@pytest.mark.parametrize("low_bits", range(8))
@pytest.mark.parametrize("threshold", [0, 1, 5, 127, 128])
def test_every_weight_is_trimmed_as_the_model_says(low_bits, threshold):
    every = np.arange(-128, 128).astype(np.int8)
    inputs = TRIMMER.stimulus([every])
    settings = {"settings": [trimmer_settings(Trimming(low_bits, threshold))]}
    assert check(TRIMMER, inputs | settings).cycles == every.size // 8 + 1


def layer_matrix(network, name):
    """Return the weights of a layer as a trimmed matrix (inputs, outputs), int8."""
    values = next(layer.values for layer in network_weights(get_network(network).load()) if layer.name == name)[0]
    return Trimming(4, 12).apply(quantise(values).values.reshape(values.shape[0], -1)).T


@pytest.mark.parametrize(
    ("network", "layer"), [("digits", "linear"), pytest.param("resnet20", "layer1.0.conv1", marks=needs_data)]
)
def test_compressed_weights_take_fewer_bits_and_no_more_cycles(network, layer):
    weights = layer_matrix(network, layer)
    for vectors in (1, 50):
        activations = np.random.default_rng(0).integers(-128, 128, (vectors, weights.shape[0])).astype(np.int8)
        plain, compressed = (multiply(engine, activations, weights) for engine in (PLAIN_ARRAY, COMPRESSED_ARRAY))
        for product in (plain, compressed):
            assert np.array_equal(product.values, activations.astype(np.int32) @ weights.astype(np.int32))
        assert compressed.simulation.cycles <= plain.simulation.cycles + 6
        assert weight_bits(COMPRESSED_ARRAY, compressed) < weight_bits(PLAIN_ARRAY, plain)


def weight_bits(engine, product):
    """Count the bits that an array fetched for its weights."""
    words = product.simulation.words
    return sum(port.bits * words[port.name] for port in engine.inputs if not port.name.startswith("activations"))


@pytest.mark.parametrize(
    ("engine", "parameters", "message"),
    [
        (DECODER, {"code_bits": 9}, "code_bits must be 8 or 16, not 9"),
        (DECODER, {"slot_bits": 6}, "slot_bits must be 2 to 5, not 6"),
        (DECODER, {"entry_size": 3}, "entry_size must be 1, 2, 4 or 8, not 3"),
        (TRIMMER, {"entry_size": 9}, "entry_size must be 1 .. 8, not 9"),
        (COMPRESSED_ARRAY, {"columns": 3}, "columns must be 1, 2, 4 or 8, not 3"),
    ],
)
def test_bad_parameters_are_named(engine, parameters, message):
    with pytest.raises(ValueError, match=message):
        verilog(replace(engine, parameters=dict(engine.parameters) | parameters))
