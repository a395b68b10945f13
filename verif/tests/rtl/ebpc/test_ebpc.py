"""EBPC engines against their reference and the public hardware's streams, on every backend."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.models.ebpc import EBPC
from silicodec.models.ebpc.codec import port_bits
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.convert import verilog
from silicodec.rtl.ebpc.engines import EBPC_FAMILIES, framed_length, length_words, read_length
from silicodec.verif.compare import check, first_difference
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.simulate import simulate

BACKENDS = ["myhdl", "icarus", "verilator"]
ENGINES = {engine.name: engine for family in EBPC_FAMILIES for engine in family.engines()}
NAMES = [name for name, engine in ENGINES.items() if not engine.axi]
SIZES = [(8, 8), (16, 16), (11, 2), (16, 8), (4, 4), (7, 5)]
"""Bits of a word, and words of a block."""
MORE = [pytest.param(9, 9, marks=pytest.mark.prove)]


def engines(word_bits, block_size):
    """Encoder, decoder and checked decoder of a size."""
    size = {"word_bits": word_bits, "block_size": block_size % word_bits}
    return [find_engine(name, size) for name in ("ebpc-encoder", "ebpc-decoder", "ebpc-decoder-checked")]


def bits_of(engine):
    return engine.parameters["word_bits"]


@pytest.mark.parametrize("backend", ["icarus", "verilator"])
@pytest.mark.parametrize("word_bits", [8, 16])
def test_engines_give_and_take_the_streams_of_the_public_hardware(golden, word_bits, backend):
    cases = [case for case in golden(word_bits).values() if backend == "verilator" or case.words.size <= 300]
    assert len(cases) >= 6
    encoder, *decoders = engines(word_bits, word_bits)
    words, znz, bpc = ([getattr(case, part) for case in cases] for part in ("words", "znz", "bpc"))
    encoded = simulate(encoder, {"words": words}, backend=backend)
    assert first_difference({"znz": znz, "bpc": bpc}, encoded.streams) is None
    length = [length_words(case.words.size, has_planes=case.bpc.size > 0) for case in cases]
    for decoder in decoders:
        decoded = simulate(decoder, {"znz": znz, "bpc": bpc, "length": length}, backend=backend)
        assert first_difference({"words": words}, decoded.streams) is None


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("name", NAMES)
def test_edge_cases_back_to_back(edge_packets, name, stalls):
    engine = ENGINES[name]
    packets = edge_packets(bits_of(engine))
    simulation = check(engine, engine.stimulus(packets), stalls=stalls)
    assert simulation.words[engine.tensor] == sum(packet.size for packet in packets)


@st.composite
def word_packets(draw, word_bits):
    """Packets with runs of zeros, repeated, extreme, smooth and arbitrary words."""
    word = st.integers(0, (1 << word_bits) - 1)
    corner = st.sampled_from([0, 1, (1 << word_bits) - 1, 1 << (word_bits - 1), (1 << (word_bits - 1)) - 1])
    piece = st.one_of(
        st.lists(word, min_size=1, max_size=20),
        st.lists(corner, min_size=1, max_size=20),
        st.builds(lambda count: [0] * count, st.integers(1, 40)),
        st.builds(lambda value, count: [value] * count, word, st.integers(1, 20)),
        st.builds(
            lambda start, steps: [(start + sum(steps[:i])) % (1 << word_bits) for i in range(len(steps))],
            word,
            st.lists(st.integers(-2, 2), min_size=1, max_size=20),
        ),
    )
    packet = st.lists(piece, min_size=1, max_size=4).map(lambda pieces: list(chain(*pieces)))
    kind = np.uint8 if word_bits <= 8 else np.uint16
    return [np.array(words, kind) for words in draw(st.lists(packet, min_size=1, max_size=6))]


any_stalls = st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000)))


@pytest.mark.parametrize(("word_bits", "block_size"), SIZES[2:] + MORE)
def test_edge_cases_of_other_sizes(edge_packets, word_bits, block_size):
    for engine in engines(word_bits, block_size):
        check(engine, engine.stimulus(edge_packets(word_bits)), stalls=Stalls(seed=block_size))


@pytest.mark.parametrize(("word_bits", "block_size"), SIZES + MORE)
@settings(max_examples=40)
@given(data=st.data(), stalls=any_stalls)
def test_any_packets_through_encoder_and_decoders(word_bits, block_size, data, stalls):
    packets = data.draw(word_packets(word_bits))
    encoder, *decoders = engines(word_bits, block_size)
    encoded = check(encoder, encoder.stimulus(packets), stalls=stalls)
    length = [length_words(packet.size, has_planes=bool(packet.any())) for packet in packets]
    for decoder in decoders:
        decoded = simulate(decoder, encoded.streams | {"length": length}, stalls=stalls)
        assert first_difference({"words": packets}, decoded.streams) is None
        assert not any(decoded.errors.get("words", []))


@st.composite
def damage(draw, streams, bits):
    """Flip, drop, add and replace words of so many bits of a packet's streams; a stream keeps at least one word."""
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from([name for name, stream in streams.items() if stream.size]))
        stream = streams[name]
        word = draw(st.integers(0, (1 << bits) - 1))
        match draw(st.sampled_from(["flip", "replace", "cut", "extend"])):
            case "flip":
                stream = stream.copy()
                stream[draw(st.integers(0, stream.size - 1))] ^= 1 << draw(st.integers(0, bits - 1))
            case "replace":
                stream = stream.copy()
                stream[draw(st.integers(0, stream.size - 1))] = word
            case "cut":
                stream = stream[: draw(st.integers(1, stream.size))]
            case "extend":
                stream = np.append(stream, np.array([word], stream.dtype))
        streams = streams | {name: stream}
    return streams


@pytest.mark.parametrize(
    ("size", "overlap"),
    [
        *((size, "") for size in SIZES),
        pytest.param((9, 9), "", marks=pytest.mark.prove),
        ((8, 8), "-overlap"),
        pytest.param((16, 16), "-overlap", marks=pytest.mark.prove),
    ],
)
@settings(max_examples=60)
@given(data=st.data(), stalls=any_stalls)
def test_malformed_packets_are_flagged_and_leave_the_next_one_alone(size, overlap, data, stalls):
    word_bits, block_size = size
    packets = data.draw(word_packets(word_bits))
    codec = EBPC(word_bits=word_bits, block_size=block_size)
    inputs = {"znz": [], "bpc": [], "length": []}
    expected = []
    for packet in packets:
        sound = codec.encode_words(packet)
        count = data.draw(st.one_of(st.just(packet.size), st.integers(1, 2 * packet.size)))
        for streams, words in ((data.draw(damage(sound, port_bits(word_bits))), count), (sound, packet.size)):
            has_planes = streams["bpc"].size > 0
            inputs["znz"].append(streams["znz"])
            inputs["bpc"] += [streams["bpc"]] * has_planes
            inputs["length"].append(length_words(words, has_planes=has_planes))
            try:
                expected.append(codec.decode_words(streams["znz"], streams["bpc"], words))
            except ValueError:
                expected.append(None)
    for engine in (find_engine(f"{decoder.name}{overlap}") for decoder in engines(*size)[1:]):
        result = simulate(engine, inputs, stalls=stalls)
        assert [packet.size for packet in result.streams["words"]] == [read_length(n)[0] for n in inputs["length"]]
        for found, wanted in zip(result.streams["words"], expected, strict=True):
            assert wanted is None or np.array_equal(found, wanted)
        if engine.parameters["checked"]:
            assert result.errors["words"] == [wanted is None for wanted in expected]


@pytest.mark.parametrize("overlap", ["", pytest.param("-overlap", marks=pytest.mark.prove)])
@settings(max_examples=40)
@given(data=st.data(), stalls=any_stalls)
def test_nothing_puts_a_framed_decoder_out_of_step(overlap, data, stalls):
    codec = EBPC()
    inputs, counts, expected = {"s_axis_znz": [], "s_axis_bpc": []}, [], []
    for packet in data.draw(word_packets(8)):
        sound = dict(zip(("znz", "bpc"), (s[0] for s in framed_streams(packet)), strict=True))
        count = data.draw(st.one_of(st.just(packet.size), st.integers(1, 2 * packet.size)))
        for streams, words in ((data.draw(damage(sound, 8)), count), (sound, packet.size)):
            inputs["s_axis_znz"].append(streams["znz"])
            inputs["s_axis_bpc"].append(streams["bpc"])
            counts.append(words)
            coded = streams["bpc"] if streams["bpc"].tolist() != [0] else streams["bpc"][:0]
            try:
                expected.append(codec.decode_words(streams["znz"], coded, words))
            except ValueError:
                expected.append(None)
    # One packet for all of them: each `last` but one is missing.
    inputs["s_axis_length"] = [np.concatenate([framed_length(count) for count in counts])]
    for name in ("ebpc-decoder-axis", "ebpc-decoder-checked-axis"):
        result = simulate(find_engine(f"{name}{overlap}"), inputs, stalls=stalls)
        assert [packet.size for packet in result.streams["m_axis"]] == counts
        for found, wanted in zip(result.streams["m_axis"], expected, strict=True):
            assert wanted is None or np.array_equal(found, wanted)
        if "checked" in name:
            assert result.errors["m_axis"] == [wanted is None for wanted in expected]


def framed_streams(packet):
    """Return packets of a framed decoder's ZNZ and BPC streams."""
    inputs = ENGINES["ebpc-decoder-axis"].stimulus([packet])
    return inputs["s_axis_znz"], inputs["s_axis_bpc"]


@pytest.mark.parametrize("count", [0, (1 << 24) + 1])
def test_numbers_of_words_that_do_not_fit_are_named(count):
    with pytest.raises(ValueError, match=f"a packet has 1 to 16777216 words, not {count}"):
        framed_length(count)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_truncated_packet_is_flagged_on_every_backend(edge_packets, backend):
    engine = ENGINES["ebpc-decoder-checked"]
    packets = edge_packets(8)[-3:]
    inputs = engine.stimulus(packets)
    inputs["bpc"][1] = inputs["bpc"][1][:-3]
    result = simulate(engine, inputs, backend=backend)
    assert result.errors["words"] == [False, True, False]
    assert np.array_equal(result.streams["words"][2], packets[2])


def test_bpc_words_of_a_packet_of_zeros_do_not_leak_into_the_next():
    engine = ENGINES["ebpc-decoder-checked"]
    words = np.arange(1, 30, dtype=np.uint8)
    inputs = engine.stimulus([words, words])
    inputs["znz"][0] = EBPC().encode_words(np.zeros(words.size, np.uint8))["znz"]
    result = simulate(engine, inputs)
    assert result.errors["words"] == [True, False]
    assert not result.streams["words"][0].any()
    assert np.array_equal(result.streams["words"][1], words)


@pytest.mark.parametrize("count", [1, 255, 256, 257, 512, 70_000])
def test_length_in_parts(count):
    for has_planes in (False, True):
        parts = length_words(count, has_planes=has_planes)
        assert read_length(parts) == (count, has_planes)
        assert parts.size == -(-count // 256)


def throughput_words(kind):
    """65,536 words: random, with zeros among them, or smooth."""
    random = np.random.default_rng(0)
    words = random.integers(1, 256, 1 << 16)
    if kind == "smooth":
        words = np.cumsum(random.integers(-2, 3, words.size)) % 256
        words[words == 0] = 1
    elif kind != "random":
        words[random.random(words.size) < kind] = 0
    return words.astype(np.uint8)


@pytest.mark.parametrize(("kind", "least"), [("random", 0.8), (0.2, 0.95), (0.6, 0.999), ("smooth", 0.994)])
@pytest.mark.parametrize("name", ["ebpc-encoder", "ebpc-decoder"])
def test_words_per_cycle(name, kind, least):
    engine = ENGINES[name]
    simulation = check(engine, engine.stimulus([throughput_words(kind)]))
    assert simulation.words_per_cycle(engine.tensor) >= least


# Size of packets of random words, share of zeros, cycles a packet of the public encoder and of the public decoder.
PUBLIC_CYCLES = [(16, 0, 32.6, 30.0), (64, 0, 93.4, 90.0), (256, 0, 334.8, 330.0), (64, 0.6, 82.7, 74.5)]


@pytest.mark.parametrize(("size", "zeros", "encoder_cycles", "decoder_cycles"), PUBLIC_CYCLES)
@pytest.mark.parametrize("name", ["ebpc-encoder", "ebpc-decoder", "ebpc-decoder-checked-axis"])
def test_packets_take_fewer_cycles_than_in_the_public_hardware(name, size, zeros, encoder_cycles, decoder_cycles):
    random = np.random.default_rng(0)
    packets = [
        np.where(random.random(size) < zeros, 0, random.integers(1, 256, size)).astype(np.uint8) for _ in range(200)
    ]
    engine = ENGINES[name]
    simulation = check(engine, engine.stimulus(packets))
    assert simulation.cycles / len(packets) < (decoder_cycles if "decoder" in name else encoder_cycles)


@pytest.mark.parametrize("damaged", ["znz", "bpc", "length"])
def test_the_next_packet_is_not_begun_with_what_is_left_of_a_damaged_one(damaged):
    words = np.arange(1, 41, dtype=np.uint8)
    rest = {"znz": 255, "bpc": 0x55, "length": 0}[damaged]
    for checked in (False, True):
        engine = ENGINES["ebpc-decoder-checked" if checked else "ebpc-decoder"]
        for size in (1, 7, 8, 9, 40):
            packets = [words[:size], words, words]
            inputs = engine.stimulus(packets)
            if damaged == "length":
                # Fewer words than the streams hold: whole blocks are left over.
                packets[0] = packets[0][: max(size - 9, 1)]
                inputs["length"][0] = length_words(packets[0].size, has_planes=True)
            else:
                inputs[damaged][0] = np.append(inputs[damaged][0], np.full(20, rest, np.uint8))
            result = simulate(engine, inputs)
            assert first_difference({"words": packets}, result.streams) is None
            if checked:
                flagged = damaged != "length" or packets[0].size != size
                assert result.errors["words"] == [flagged, False, False]


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("ebpc-encoder", {"word_bits": 17}, "word_bits must be 4 to 16, not 17"),
        ("ebpc-decoder", {"word_bits": 3}, "word_bits must be 4 to 16, not 3"),
        ("ebpc-decoder", {"block_size": 9}, "block_size must be 2 to 8 for 8-bit words, or 0, not 9"),
        ("ebpc-encoder", {"block_size": 4, "overlap": True}, "packets overlap only with words of 4, 8 or 16 bits"),
        ("ebpc-encoder", {"max_zero_run": 12}, "max_zero_run must be a power of two"),
        ("ebpc-encoder", {"max_zero_run": 256}, "max_zero_run must be at most 64 for streams of 8 bits"),
        ("ebpc-decoder", {"length_bits": 0}, "length_bits must be at least 1, not 0"),
    ],
)
def test_bad_parameters_are_named(name, parameters, message):
    engine = ENGINES[name]
    with pytest.raises(ValueError, match=message):
        verilog(replace(engine, parameters=dict(engine.parameters) | parameters))


def test_other_zero_run_lengths_convert_and_match(edge_packets):
    codec = EBPC(max_zero_run=64)
    engine = ENGINES["ebpc-encoder"]
    longer = replace(
        engine,
        name="ebpc-encoder-z64",
        parameters=dict(engine.parameters) | {"max_zero_run": 64},
        reference=lambda inputs: {
            "znz": [codec.encode_words(packet)["znz"] for packet in inputs["words"]],
            "bpc": [codec.encode_words(packet)["bpc"] for packet in inputs["words"] if packet.any()],
        },
    )
    check(longer, longer.stimulus(edge_packets(8)))
