"""The lanes code: the document's example, lengths against a plain search, size against entropy, malformed packets."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silicodec.models.baselines.bounds import Entropy, Huffman
from silicodec.models.codec import CodecError, CorruptDataError, Encoded, EncodedStream
from silicodec.models.lanes import Lanes
from silicodec.models.lanes.choice import run_partitions, split_class
from silicodec.models.lanes.code import LONGEST_RUN, RUN_BASES, RUN_EXTRA_BITS, SPLIT_CLASS, PacketCode, Symbols
from silicodec.models.lanes.huffman import best_lengths

DOCUMENT = (Path(__file__).parents[4] / "docs" / "formats" / "lanes.md").read_text()
EXAMPLE = DOCUMENT.split("## Example\n")[1].split("\n## ")[0]


def test_example_of_the_document():
    numbers = re.search(r"the packet ([-\d,\s]+)\.", EXAMPLE).group(1)
    words = np.array([int(word) for word in numbers.split(",")], np.int8)
    codec = Lanes(word_bits=8, lanes=2, symbols=8)
    packet = bytes.fromhex(re.search(r"It is `([0-9a-f ]+)`", EXAMPLE).group(1))
    encoded = codec.encode(words)
    assert encoded.streams == {"packet": EncodedStream(packet, 8 * len(packet))}
    np.testing.assert_array_equal(codec.decode(encoded), words)
    code = PacketCode.read(np.frombuffer(packet, ">u2").astype(np.uint16), 8, 8)
    told = re.findall(r"^\| `([0-9a-f]{4})` \| `([01]+)`", EXAMPLE, re.MULTILINE)
    assert code.write(8)[4:].tolist() == [int(entry, 16) for entry, _ in told]
    lengths = code.symbols.lengths
    assert [f"{word:0{size}b}" for word, size in zip(code.codes, lengths, strict=True)] == [word for _, word in told]


@given(counts=st.lists(st.integers(0, 20), min_size=2, max_size=6), limit=st.integers(3, 4))
def test_lengths_are_the_best_within_the_limit(counts, limit):
    counts = np.array(counts)
    lengths = best_lengths(counts, limit)
    used = counts[counts > 0]
    np.testing.assert_array_equal(lengths > 0, counts > 0)
    if used.size > 1:
        codes = (np.array(code) for code in product(range(1, limit + 1), repeat=used.size))
        best = min(int(used @ code) for code in codes if (0.5**code).sum() <= 1)
        assert counts @ lengths == best


def test_lengths_without_a_limit_are_those_of_huffman():
    words = np.random.default_rng(0).geometric(0.2, 5000).clip(max=60).astype(np.uint8)
    counts = np.bincount(words)
    assert counts @ best_lengths(counts, 30) == Huffman().nbits(words)


@pytest.mark.parametrize(
    ("zeros", "deviation", "limit"), [(0, 20, 1.02), (0.5, 2, 1.05), (0.9, 1, 1.08), (0.99, 1, 1.08)]
)
def test_size_is_close_to_the_entropy(zeros, deviation, limit):
    random = np.random.default_rng(0)
    words = np.rint(random.normal(0, deviation, 100_000)).clip(-128, 127).astype(np.int8) * (
        random.random(100_000) >= zeros
    )
    assert Lanes().nbits(words) < limit * Entropy().nbits(words)


@given(data=st.data())
def test_any_number_of_lanes_and_symbols_gives_back_what_it_took(data):
    codec = Lanes(
        data.draw(st.integers(4, 16)), data.draw(st.sampled_from([1, 2, 4, 8, 16])), data.draw(st.integers(4, 32))
    )
    word = st.integers(0, 2**codec.word_bits - 1)
    runs = st.tuples(st.just(0) | word, st.integers(1, 300))
    words = [word for word, count in data.draw(st.lists(runs, max_size=8)) for _ in range(count)]
    words = np.array(words, np.uint8 if codec.word_bits <= 8 else np.uint16)
    encoded = codec.encode(words)
    np.testing.assert_array_equal(codec.decode(encoded), words)
    if words.size:
        units = np.frombuffer(encoded.streams["packet"].data, ">u2").astype(np.uint16)
        assert PacketCode.read(units, codec.word_bits, codec.symbols)


WORDS = np.array([16, 0, 0, 0, 0, 16, -16, 0, 0, 0, 0, 16, 16, 0, -16, 0] * 4, np.int8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda packet: packet[:-8], "too short"),
        (lambda packet: packet[:8], "table is too short"),
        (lambda packet: packet[:-1], "whole words of 64 bits"),
        (lambda packet: packet + bytes(32), "goes on after its last word"),
        (lambda packet: packet[:-1] + b"\x01", "padded with bits that are not zero"),
        (lambda packet: b"\0\x08" + packet[2:], "drops 8 bits of 8"),
        (lambda packet: packet[:2] + bytes(6) + packet[8:], "not those of a complete prefix code"),
        (lambda packet: packet[:2] + b"\xff" * 6 + packet[8:], "has 504 code words, more than 16"),
        (lambda packet: packet[:8] + b"\xff" + packet[9:], "more than 8 extra bits"),
    ],
)
def test_malformed_packets_are_rejected(change, message):
    codec = Lanes(8, 2)
    packet = change(codec.encode(WORDS).streams["packet"].data)
    stream = {"packet": EncodedStream(packet, 8 * len(packet))}
    with pytest.raises(CorruptDataError, match=message):
        codec.decode(Encoded(codec.get_config(), stream, WORDS.shape, WORDS.dtype))


def test_a_word_after_the_end_is_rejected():
    symbols = Symbols(*map(np.array, ([1, 1], [1, 1], [0, 0], [1, 0])))
    units = np.append(PacketCode(0, symbols).write(8), np.zeros(2, np.uint16))
    codec = Lanes(8, 1)
    packet = units.astype(">u2").view(">u8").astype(np.uint64)
    np.testing.assert_array_equal(codec.decode_words(packet, 2), [0, 1])
    with pytest.raises(CorruptDataError, match="a word after its end"):
        codec.decode_words(packet, 1)


def test_words_that_fill_up_the_last_row_are_zeros():
    codec, wider = Lanes(8, 2), np.ones(4, np.int8)
    encoded = codec.encode(wider)
    with pytest.raises(CorruptDataError, match="a word after its end"):
        codec.decode(Encoded(codec.get_config(), encoded.streams, (3,), wider.dtype))


def test_parameters_are_checked():
    for lanes in (0, 3, 32):
        with pytest.raises(CodecError, match="lanes must be"):
            Lanes(lanes=lanes)
    for symbols in (3, 33):
        with pytest.raises(CodecError, match="symbols must be"):
            Lanes(symbols=symbols)


@pytest.mark.parametrize("class_of_run", list(run_partitions(sparse=True)), ids=len)
def test_classes_of_runs_hold_each_run(class_of_run):
    runs = np.arange(class_of_run.size)
    above = runs - RUN_BASES[class_of_run]
    assert (above >= 0).all()
    assert (above < 1 << RUN_EXTRA_BITS[class_of_run]).all()
    assert split_class(class_of_run) in (class_of_run[-1], SPLIT_CLASS)
    assert RUN_BASES[SPLIT_CLASS] == LONGEST_RUN - 1
