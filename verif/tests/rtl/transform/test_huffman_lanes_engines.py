"""Huffman engines of several symbols a cycle: edge cases, malformed packets, and symbols a cycle."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.models.codec import CorruptDataError
from silicodec.models.evaluation.schemes import TransformScheme
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import quantise
from silicodec.models.transform import HuffmanCode
from silicodec.models.transform.huffman_lanes import HuffmanLanes
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.engine import word_bytes
from silicodec.rtl.lanes.engines import length_words
from silicodec.rtl.transform.huffman_engines import symbol_rows
from silicodec.rtl.transform.huffman_tables import decoder_table, encoder_table
from silicodec.verif.compare import check, first_difference
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.simulate import simulate

MANY = pytest.param(16, marks=pytest.mark.prove)
BACKENDS = ["myhdl", "icarus", "verilator"]
ENCODER, DECODER = "huffman-encoder-l8", "huffman-decoder-l8"


def code_for(weights, symbol_bits=8):
    counts = np.ones((1 << symbol_bits) + 1)
    counts[: len(weights)] = weights
    return HuffmanCode.from_histogram(counts.astype(np.int64), symbol_bits)


def codes(symbol_bits=8):
    """Codes at the edges: equal lengths, lengths of 1 and of 15, a short one for the end of a packet."""
    end = 1 << symbol_bits
    return {
        "equal": code_for([1] * end, symbol_bits),
        "skewed": code_for([1 << max(40 - symbol, 0) for symbol in range(end)], symbol_bits),
        "one-bit": code_for([1, 1, 10**6], symbol_bits),
        "short-end": code_for([1] * end + [10**6], symbol_bits),
        "peaked": code_for(1e6 * 0.8 ** np.minimum(np.arange(end), end - np.arange(end)) + 1, symbol_bits),
    }


def edge_pairs(lanes, symbol_bits=8):
    """Codes and packets: every symbol, single symbols, and lanes of the shortest beside those of the longest word."""
    random = np.random.default_rng(symbol_bits)
    pairs = []
    for code in codes(symbol_bits).values():
        order = np.argsort(code.lengths[:-1], kind="stable")
        uneven = np.tile(order[:1], (150, lanes))
        uneven[:120, random.integers(0, lanes) :] = order[-1]
        uneven[:, random.integers(0, lanes)] = order[0]
        for symbols in (
            order[:1],
            order[-1:],
            np.repeat(order[-1:], 5 * lanes + 1),
            uneven.reshape(-1),
            random.permutation(1 << symbol_bits),
            random.integers(0, 1 << symbol_bits, 2 * lanes - 1),
        ):
            pairs.append((code, symbols.astype(np.uint8)))
    return pairs


def inputs_for(engine, pairs):
    """Packets for the engine's inputs from codes and packets of symbols; a code that stays is not loaded again."""
    lanes, encoding = engine.parameters["lanes"], engine.name.startswith("huffman-encoder")
    inputs, previous = {port.name: [] for port in engine.inputs}, None
    for code, symbols in pairs:
        table = encoder_table(code) if encoding else decoder_table(code)
        inputs["table"].append(table[-1:] if code is previous else table)
        if encoding:
            inputs["symbols"].append(symbol_rows(symbols, lanes))
        else:
            inputs["length"].append(length_words(-(-symbols.size // lanes)))
            inputs["code"].append(HuffmanLanes(code, lanes).encode_words(symbols))
        previous = code
    return inputs


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("lanes", [pytest.param(2, marks=pytest.mark.prove), 8, MANY])
@pytest.mark.parametrize("name", [ENCODER, DECODER])
def test_edge_cases_back_to_back_with_changes_of_the_table(name, lanes, stalls):
    engine = find_engine(name, {"lanes": lanes})
    check(engine, inputs_for(engine, edge_pairs(lanes)), stalls=stalls)


@pytest.mark.parametrize(("backend", "lanes"), [*((backend, 2) for backend in BACKENDS), ("icarus", 16)])
@pytest.mark.parametrize("name", [ENCODER, DECODER])
def test_any_backend(name, backend, lanes):
    engine = find_engine(name, {"lanes": lanes})
    check(engine, inputs_for(engine, edge_pairs(lanes)[3:10:3]), backend=backend)


any_stalls = st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000)))


@st.composite
def codes_and_packets(draw):
    """Codes of random histograms, steep and flat, each with packets of symbols after it."""
    pairs = []
    for _ in range(draw(st.integers(1, 2))):
        random = np.random.default_rng(draw(st.integers(0, 2**32)))
        code = code_for(1 + 2 ** (draw(st.floats(0, 40)) * random.random(draw(st.integers(2, 257)))))
        frequent = np.argsort(code.lengths[:-1], kind="stable")
        for _ in range(draw(st.integers(1, 3))):
            ranks = random.integers(0, draw(st.integers(1, 256)), draw(st.integers(1, 200)))
            pairs.append((code, frequent[ranks].astype(np.uint8)))
    return pairs


@pytest.mark.parametrize("lanes", [2, 8, MANY])
@settings(max_examples=15)
@given(pairs=codes_and_packets(), stalls=any_stalls)
def test_any_packets_with_any_codes_through_encoder_and_decoder(lanes, pairs, stalls):
    encoder, decoder = find_engine(ENCODER, {"lanes": lanes}), find_engine(DECODER, {"lanes": lanes})
    encoded = check(encoder, inputs_for(encoder, pairs), stalls=stalls)
    inputs = inputs_for(decoder, pairs) | {"code": encoded.streams["code"]}
    decoded = simulate(decoder, inputs, stalls=stalls)
    assert first_difference({"symbols": [symbol_rows(symbols, lanes) for _, symbols in pairs]}, decoded.streams) is None
    assert not any(decoded.errors["symbols"])


@st.composite
def damaged(draw, packet, word_bits):
    """Flip bits of a packet, replace, drop and add words; it keeps at least one."""
    word = st.one_of(st.just(0), st.integers(0, 2**word_bits - 1))
    words = packet.tolist()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(words) - 1))
        match draw(st.sampled_from(["flip", "replace", "cut", "extend"])):
            case "flip":
                words[place] ^= 1 << draw(st.integers(0, word_bits - 1))
            case "replace":
                words[place] = draw(word)
            case "cut":
                words = words[: place + 1]
            case "extend":
                words = [*words, draw(word)]
    return np.array(words, packet.dtype)


@pytest.mark.parametrize("lanes", [2, 8, MANY])
@settings(max_examples=15)
@given(data=st.data(), pairs=codes_and_packets(), stalls=any_stalls)
def test_malformed_packets_are_flagged_and_leave_the_next_one_alone(lanes, data, pairs, stalls):
    engine = find_engine(DECODER, {"lanes": lanes})
    pairs = [pair for pair in pairs for _ in range(2)]
    inputs, expected = inputs_for(engine, pairs), []
    for number, (code, symbols) in enumerate(pairs):
        rows = -(-symbols.size // lanes)
        if number % 2 == 0:
            inputs["code"][number] = data.draw(damaged(inputs["code"][number], max(64, 8 * lanes)))
            rows = data.draw(st.one_of(st.just(rows), st.integers(1, 2 * rows)))
            inputs["length"][number] = length_words(rows)
        try:
            expected.append(HuffmanLanes(code, lanes).decode_words(inputs["code"][number], rows))
        except CorruptDataError:
            expected.append(None)
    result = simulate(engine, inputs, stalls=stalls)
    assert [packet.size for packet in result.streams["symbols"]] == [int(words[0]) for words in inputs["length"]]
    for found, wanted in zip(result.streams["symbols"], expected, strict=True):
        assert wanted is None or word_bytes(found, lanes) == wanted.tobytes()
    assert result.errors["symbols"] == [wanted is None for wanted in expected]


def end_of_packet(words):
    """Begin with the code word of the end of a packet, which is a zero."""
    return words & np.uint64(2**63 - 1)


MALFORMED = {
    "cut": lambda words: words[:-1],
    "extended": lambda words: np.append(words, np.zeros(8, np.uint64)),
    "padded": lambda words: words | (np.arange(words.size) == words.size - 1).astype(np.uint64),
    "end": end_of_packet,
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_packet_is_flagged_on_every_backend(fault, backend):
    engine = find_engine(DECODER, {"lanes": 2})
    code, symbols = codes()["short-end"], np.arange(5, 25, dtype=np.uint8)
    inputs = inputs_for(engine, [(code, symbols)] * 3)
    inputs["code"][1] = fault(inputs["code"][1])
    result = simulate(engine, inputs, backend=backend)
    assert result.errors["symbols"] == [False, True, False]
    assert np.array_equal(result.streams["symbols"][2].view(np.uint8), symbols)


@pytest.mark.parametrize("seed", range(5))
def test_any_table_lets_packets_end(seed):
    engine = find_engine(DECODER)
    random = np.random.default_rng(seed)
    code, symbols = codes()["peaked"], random.integers(0, 256, 400).astype(np.uint8)
    inputs = inputs_for(engine, [(code, symbols)] * 10)
    table = decoder_table(code)
    spoilt = [table ^ random.integers(0, 1 << 15, table.size).astype(np.uint32) for _ in range(5)]
    inputs["table"] = [one for wrong in spoilt for one in (wrong, table)]
    result = simulate(engine, inputs, max_cycles=20_000)
    assert all(np.array_equal(packet.view(np.uint8), symbols) for packet in result.streams["symbols"][1::2])


@pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")
@pytest.mark.parametrize("lanes", [8, MANY])
@pytest.mark.parametrize(("name", "most"), [(ENCODER, 1.04), (DECODER, 1.02)])
def test_all_symbols_a_cycle_on_feature_maps(name, most, lanes):
    network = get_network("resnet20")
    layers = feature_maps(network.load(), network.images(1).batch)
    packets = [TransformScheme().candidates(maps)[3].quantised(maps)[0] for maps in map(fixed8, layers[::6])]
    rows = sum(-(-packet.size // lanes) for packet in packets)
    engine = find_engine(name, {"lanes": lanes})
    inputs = engine.stimulus(packets)
    cycles = check(engine, inputs).cycles - sum(table.size for table in inputs["table"])
    assert rows <= cycles < most * rows


def fixed8(layer):
    return quantise(layer.values, "fixed8").values
