"""Engines whose packets overlap: the same streams, and hardly a cycle between packets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.rtl.catalog import find_engine
from silicodec.verif.compare import check, first_difference
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.formal import holds_from_reset
from silicodec.verif.simulate import simulate

ENCODER, DECODER = "ebpc-encoder-overlap", "ebpc-decoder-overlap"
NAMES = [
    ENCODER,
    DECODER,
    "ebpc-decoder-checked-overlap",
    *(
        pytest.param(f"ebpc-decoder-{form}-overlap", marks=pytest.mark.prove)
        for form in ("w16", "checked-w16", "axis", "checked-axis")
    ),
    pytest.param("ebpc-encoder-w16-overlap", marks=pytest.mark.prove),
    pytest.param("ebpc-encoder-axis-overlap", marks=pytest.mark.prove),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
def test_edge_cases_back_to_back(edge_packets, name, stalls):
    engine = find_engine(name)
    check(engine, engine.stimulus(edge_packets(engine.parameters["word_bits"])), stalls=stalls)


@st.composite
def short_packets(draw):
    """Packets of few words, many of them zero."""
    word = st.one_of(st.just(0), st.sampled_from([1, 127, 128, 255]), st.integers(0, 255))
    packets = st.lists(st.lists(word, min_size=1, max_size=20), min_size=1, max_size=12)
    return [np.array(words, np.uint8) for words in draw(packets)]


@pytest.mark.parametrize("name", [ENCODER, DECODER])
@given(packets=short_packets(), stalls=st.one_of(st.none(), st.builds(Stalls, seed=st.integers(0, 1000))))
@settings(max_examples=40)
def test_any_short_packets(name, packets, stalls):
    engine = find_engine(name)
    check(engine, engine.stimulus(packets), stalls=stalls)


@pytest.mark.parametrize("name", [ENCODER, DECODER])
def test_every_backend_takes_the_same_cycles(name):
    engine = find_engine(name)
    random = np.random.default_rng(1)
    packets = [(random.integers(0, 256, size) * random.integers(0, 2, size)).astype(np.uint8) for size in range(1, 22)]
    backends = ("myhdl", "icarus", "verilator")
    results = [check(engine, engine.stimulus(packets), backend=b, stalls=Stalls(seed=2)) for b in backends]
    assert len({result.cycles for result in results}) == 1


@pytest.mark.parametrize("backend", ["icarus", "verilator"])
@pytest.mark.parametrize("name", [ENCODER, DECODER])
def test_a_reset_leaves_nothing_behind(name, backend):
    engine = find_engine(name)
    inputs = engine.stimulus([np.arange(1, size, dtype=np.uint8) for size in (9, 4, 17, 2, 2, 30)])
    whole = check(engine, inputs, backend=backend)
    for cycle in range(8, whole.cycles, 3 if backend == "verilator" else 25):
        again = simulate(engine, inputs, backend=backend, reset_after=cycle)
        assert first_difference(whole.streams, again.streams) is None
        assert again.cycles == whole.cycles


@pytest.mark.parametrize("kind", ["random", "smooth", "half zeros"])
@pytest.mark.parametrize("size", [8, 16, 64])
@pytest.mark.parametrize("name", [ENCODER, DECODER])
def test_packets_are_at_most_two_cycles_apart(name, size, kind):
    engine = find_engine(name)
    random = np.random.default_rng(3)
    words = random.integers(1, 256, (100, size), np.uint8)
    if kind == "smooth":
        words = (100 + np.cumsum(random.integers(-2, 3, words.shape), axis=1)).astype(np.uint8)
    elif kind == "half zeros":  # with as many words in each packet that none of its blocks is filled up
        words[:, ::2] = 0
        words = np.repeat(words, 2, axis=1)
    apart, together = (check(engine, engine.stimulus(packets)).cycles for packets in (list(words), [words.ravel()]))
    assert apart - together <= 2 * len(words)


@pytest.mark.parametrize("name", [ENCODER, DECODER])
def test_the_last_packet_leaves_though_no_other_follows(name):
    engine = find_engine(name)
    for size in range(1, 20):
        check(engine, engine.stimulus([np.full(size, 9, np.uint8)]))


@pytest.mark.parametrize("name", [DECODER, "ebpc-decoder-checked-overlap"])
def test_a_packet_that_ends_with_its_first_word_holds_up_no_other(name):
    engine = find_engine(name)
    inputs = engine.stimulus([np.ones(1, np.uint8)] * 5)
    for number in (1, 2):
        inputs["bpc"][number] = inputs["bpc"][number][:1]
    result = simulate(engine, inputs)
    assert [result.streams["words"][number].tolist() for number in (0, 3, 4)] == [[1]] * 3
    assert result.errors.get("words", [False, True, True, False, False]) == [False, True, True, False, False]


@pytest.mark.prove
@pytest.mark.parametrize("name", [ENCODER, DECODER])
def test_streams_keep_their_rules(name):
    assert holds_from_reset(find_engine(name), 12)
