"""Huffman engines against their reference, on every backend."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.models.codec import CorruptDataError, to_words
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import quantise
from silicodec.models.transform.huffman import HuffmanCode
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.convert import verilog
from silicodec.rtl.transform.engines import TRANSFORM_FAMILIES
from silicodec.rtl.transform.huffman_tables import decoder_table, encoder_table
from silicodec.verif.compare import check, first_difference
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.simulate import simulate

BACKENDS = ["myhdl", "icarus", "verilator"]
ENGINES = {
    engine.name: engine
    for family in TRANSFORM_FAMILIES
    for engine in family.engines()
    if engine.name.startswith("huffman") and "lanes" not in engine.parameters
}
ENCODER, DECODER, CHECKED = (ENGINES[f"huffman-{name}"] for name in ("encoder", "decoder", "decoder-checked"))


def code_for(weights, symbol_bits=8):
    """The code for weights of the symbols and of the end of a packet, which is the rarest if there is none for it."""
    counts = np.ones((1 << symbol_bits) + 1, np.int64)
    counts[: len(weights)] = weights
    return HuffmanCode.from_histogram(counts, symbol_bits)


def skewed(symbol_bits):
    """A code with lengths from 1 to the longest that the number of symbols allows."""
    return code_for([1 << min(symbol, 40) for symbol in range(1 << symbol_bits)][::-1], symbol_bits)


def codes(symbol_bits=8):
    """Codes at the edges: equal lengths, lengths of 1 and of 15, a short one for the end of a packet."""
    end = 1 << symbol_bits
    return {
        "equal": code_for([1] * end, symbol_bits),
        "skewed": skewed(symbol_bits),
        "one-bit": code_for([1, 1, 10**6], symbol_bits),
        "short-end": code_for([1] * end + [10**6], symbol_bits),
        "peaked": code_for(1e6 * 0.8 ** np.abs((np.arange(end) + end // 2) % end - end // 2) + 1, symbol_bits),
    }


def inputs_for(engine, pairs):
    """Packets for the engine's inputs from codes and packets of symbols; a code that stays is not loaded again."""
    tables, packets, previous = [], [], None
    for code, symbols in pairs:
        encoding = engine.block is ENCODER.block
        table = encoder_table(code) if encoding else decoder_table(code)
        tables.append(table[-1:] if code is previous else table)
        packets.append(symbols if encoding else code.encode_words(symbols))
        previous = code
    return {"table": tables, engine.inputs[1].name: packets}


def edge_pairs(symbol_bits=8):
    """Codes and packets: every symbol, single symbols, runs of the shortest and of the longest code word."""
    random = np.random.default_rng(symbol_bits)
    pairs = []
    for code in codes(symbol_bits).values():
        order = np.argsort(code.lengths[:-1], kind="stable")
        for symbols in (
            order[:1],
            order[-1:],
            np.repeat(order[:1], 40),
            np.repeat(order[-1:], 33),
            random.permutation(1 << symbol_bits),
            random.integers(0, 1 << symbol_bits, 7),
        ):
            pairs.append((code, symbols.astype(np.uint8)))
    return pairs


def test_codes_are_at_the_edges():
    lengths = {name: code.lengths for name, code in codes().items()}
    assert set(lengths["equal"]) == {8, 9}
    assert lengths["one-bit"].min() == 1
    assert lengths["short-end"][-1] == 1
    assert lengths["skewed"].max() == 15
    assert np.count_nonzero(lengths["skewed"] == 15) > 20


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("name", ENGINES)
def test_edge_cases_back_to_back_with_changes_of_the_table(name, stalls):
    engine, pairs = ENGINES[name], edge_pairs()
    simulation = check(engine, inputs_for(engine, pairs), stalls=stalls)
    assert simulation.words["symbols"] == sum(symbols.size for _, symbols in pairs)


@pytest.mark.parametrize("symbol_bits", [2, 3, 5])
@pytest.mark.parametrize("name", ["huffman-encoder", "huffman-decoder"])
def test_symbols_of_other_widths(name, symbol_bits):
    engine = find_engine(name, {"symbol_bits": symbol_bits})
    check(engine, inputs_for(engine, edge_pairs(symbol_bits)), backend="icarus")


def test_single_entries_of_a_table_can_be_changed():
    first, second = code_for([1000, 100, 10]), code_for([100, 1000, 10])
    symbols = np.array([0, 1, 2, 1, 0, 200], np.uint8)
    for engine, table in ((ENCODER, encoder_table), (DECODER, decoder_table)):
        changes = np.setdiff1d(table(second), table(first))
        assert 0 < changes.size < 10
        inputs = inputs_for(engine, [(first, symbols), (second, symbols)])
        check(engine, inputs | {"table": [inputs["table"][0], changes]})


@st.composite
def codes_and_packets(draw):
    """Codes of random histograms, steep and flat, each with packets of symbols after it."""
    pairs = []
    for _ in range(draw(st.integers(1, 3))):
        random = np.random.default_rng(draw(st.integers(0, 2**32)))
        code = code_for(1 + 2 ** (draw(st.floats(0, 40)) * random.random(draw(st.integers(2, 257)))))
        frequent = np.argsort(code.lengths[:-1], kind="stable")
        for _ in range(draw(st.integers(1, 3))):
            ranks = random.integers(0, draw(st.integers(1, 256)), draw(st.integers(1, 60)))
            pairs.append((code, frequent[ranks].astype(np.uint8)))
    return pairs


any_stalls = st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000)))


@settings(max_examples=40)
@given(pairs=codes_and_packets(), stalls=any_stalls)
def test_any_packets_with_any_codes_through_encoder_and_decoders(pairs, stalls):
    encoded = check(ENCODER, inputs_for(ENCODER, pairs), stalls=stalls)
    for decoder in (DECODER, CHECKED):
        inputs = inputs_for(decoder, pairs) | {"code": encoded.streams["code"]}
        decoded = simulate(decoder, inputs, stalls=stalls)
        assert first_difference({"symbols": [symbols for _, symbols in pairs]}, decoded.streams) is None
        assert not any(decoded.errors.get("symbols", []))


@st.composite
def damage(draw, words):
    """Flip, drop, add and replace words of a packet; one word remains."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, words.size - 1))
        match draw(st.sampled_from(["flip", "replace", "cut", "extend"])):
            case "flip":
                words = words ^ np.where(np.arange(words.size) == place, 1 << draw(st.integers(0, 15)), 0)
            case "replace":
                words = np.where(np.arange(words.size) == place, draw(st.integers(0, 0xFFFF)), words)
            case "cut":
                words = words[: place + 1]
            case "extend":
                words = np.append(words, draw(st.sampled_from([0, 0xFFFF])))
    return words.astype(np.uint16)


@settings(max_examples=60)
@given(data=st.data(), pairs=codes_and_packets(), stalls=any_stalls)
def test_malformed_packets_are_flagged_and_leave_the_next_one_alone(data, pairs, stalls):
    pairs = [pair for pair in pairs for _ in range(2)]
    inputs = inputs_for(DECODER, pairs)
    inputs["code"][::2] = [data.draw(damage(words)) for words in inputs["code"][::2]]
    expected = []
    for (code, _), words in zip(pairs, inputs["code"], strict=True):
        try:
            expected.append(code.decode_words(words))
        except CorruptDataError:
            expected.append(np.empty(0, np.uint8))
    for engine in (DECODER, CHECKED):
        result = simulate(engine, inputs, stalls=stalls)
        assert len(result.streams["symbols"]) == len(pairs)
        for found, wanted in zip(result.streams["symbols"], expected, strict=True):
            assert wanted.size == 0 or np.array_equal(found, wanted)
        if engine is CHECKED:
            assert result.errors["symbols"] == [wanted.size == 0 for wanted in expected]


MALFORMED = {
    "cut": lambda code, words: words[:-1],
    "extended": lambda code, words: np.append(words, np.uint16(0)),
    "padded": lambda code, words: words | (np.arange(words.size) == words.size - 1).astype(np.uint16),
    "without-symbols": lambda code, words: code.encode_words(np.empty(0, np.uint8)),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_packet_is_flagged_on_every_backend(fault, backend):
    code, symbols = codes()["short-end"], np.arange(5, 12, dtype=np.uint8)
    inputs = inputs_for(CHECKED, [(code, symbols)] * 3)
    inputs["code"][1] = fault(code, inputs["code"][1])
    result = simulate(CHECKED, inputs, backend=backend)
    assert result.errors["symbols"] == [False, True, False]
    assert np.array_equal(result.streams["symbols"][2], symbols)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("engine", [DECODER, CHECKED], ids=["plain", "checked"])
def test_any_table_lets_packets_end(engine, seed):
    random = np.random.default_rng(seed)
    code, symbols = codes()["peaked"], random.integers(0, 256, 40).astype(np.uint8)
    table, words = decoder_table(code), code.encode_words(symbols)
    tables, packets = [], []
    for _ in range(5):
        # All entries, with values of no meaning: limits that do not grow, too.
        spoilt = table ^ random.integers(0, 1 << 15, table.size).astype(np.uint32)
        tables += [spoilt, table]
        packets += [words, words]
    result = simulate(engine, {"table": tables, "code": packets}, max_cycles=20_000)
    assert len(result.streams["symbols"]) == len(packets)
    assert all(np.array_equal(packet, symbols) for packet in result.streams["symbols"][1::2])


@pytest.mark.parametrize(("name", "packet_cycles"), [("huffman-encoder", 6), ("huffman-decoder", 10)])
@pytest.mark.parametrize("kind", ["equal", "skewed", "peaked"])
def test_a_symbol_each_cycle(name, packet_cycles, kind):
    engine, code = ENGINES[name], codes()[kind]
    symbols = np.random.default_rng(0).integers(0, 256, 50_000).astype(np.uint8)
    inputs = inputs_for(engine, [(code, symbols)])
    cycles = check(engine, inputs).cycles - inputs["table"][0].size
    assert symbols.size <= cycles <= symbols.size + packet_cycles


@pytest.mark.parametrize("engine", [ENCODER, DECODER], ids=lambda engine: engine.name)
def test_bad_parameters_are_named(engine):
    engine = replace(engine, parameters={"symbol_bits": 9})
    with pytest.raises(ValueError, match="symbol_bits must be between 2 and 8, not 9"):
        verilog(engine)


@pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")
def test_every_feature_map_of_resnet20():
    network = get_network("resnet20")
    layers = feature_maps(network.load(), network.images(1).batch)
    packets = [to_words(image, 8) for layer in layers for image in quantise(layer.values, "fixed8").values]
    assert len(packets) == 19
    for engine in (ENCODER, CHECKED):
        simulation = check(engine, engine.stimulus(packets))
        assert simulation.words["symbols"] == sum(packet.size for packet in packets)
