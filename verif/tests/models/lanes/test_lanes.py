"""The lanes code: the document's example, lengths against a plain search, size against entropy, malformed streams."""

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
from silicodec.models.lanes.symbols import RUN_BASES, Alphabet
from silicodec.models.lanes.table import MOST_SYMBOLS, PacketCode, best_lengths

DOCUMENT = (Path(__file__).parents[4] / "docs" / "formats" / "lanes.md").read_text()
EXAMPLE = DOCUMENT.split("## Example\n")[1].split("\n## ")[0]


def test_example_of_the_document():
    words = np.array(
        [int(word) for word in re.search(r"the packet ([-\d, \n]+)\.", EXAMPLE).group(1).split(",")], np.int8
    )
    codec = Lanes(word_bits=8, lanes=2)
    encoded = codec.encode(words)
    table = bytes.fromhex(re.search(r"table is `([0-9a-f ]+)`", EXAMPLE).group(1))
    codes = bytes.fromhex(re.search(r"codes are `([0-9a-f ]+)`", EXAMPLE).group(1))
    assert encoded.streams == {"table": EncodedStream(table, 73), "codes": EncodedStream(codes, 64)}
    np.testing.assert_array_equal(codec.decode(encoded), words)
    lengths = re.search(r"lengths are\s+([\d, \n]+)\.", EXAMPLE).group(1)
    assert PacketCode.read(encoded.streams["table"], 8).lengths.tolist() == [int(n) for n in lengths.split(",")]


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
    ("zeros", "deviation", "limit"), [(0, 20, 1.02), (0.5, 2, 1.03), (0.9, 1, 1.06), (0.99, 1, 1.15)]
)
def test_size_is_close_to_the_entropy(zeros, deviation, limit):
    random = np.random.default_rng(0)
    words = np.rint(random.normal(0, deviation, 100_000)).clip(-128, 127).astype(np.int8) * (
        random.random(100_000) >= zeros
    )
    assert Lanes().nbits(words) < limit * Entropy().nbits(words)


@given(data=st.data())
def test_any_number_of_lanes_gives_back_what_it_took(data):
    codec = Lanes(data.draw(st.integers(4, 16)), data.draw(st.sampled_from([1, 2, 4, 8, 16])))
    word = st.integers(0, 2**codec.word_bits - 1)
    runs = st.tuples(st.just(0) | word, st.integers(1, 300))
    words = [word for word, count in data.draw(st.lists(runs, max_size=8)) for _ in range(count)]
    words = np.array(words, np.uint8 if codec.word_bits <= 8 else np.uint16)
    np.testing.assert_array_equal(codec.decode(codec.encode(words)), words)


def test_values_without_a_symbol_follow_as_they_are():
    codec = Lanes(word_bits=16, lanes=2)
    words = np.array([1, -1, 30000, 0, 0, -30000, 0, 0, 0, 0, 30001, 1] * 5, np.int16)
    np.testing.assert_array_equal(codec.decode(codec.encode(words)), words)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda codes: codes[:-2], "too short"),
        (lambda codes: codes[:-1], "whole words of 16 bits"),
        (lambda codes: codes + bytes(2), "words after its end"),
        (lambda codes: codes[:-2] + b"\x00\x01", "padded with bits that are not zero"),
    ],
)
def test_malformed_codes_are_rejected(change, message):
    words = np.array([16, 0, 0, 0, 0, 16, -16, 0, 0, 0, 0, 16, 16, 0, -16, 0], np.int8)
    codec = Lanes(8, 2)
    encoded = codec.encode(words)
    codes = change(encoded.streams["codes"].data)
    streams = {**encoded.streams, "codes": EncodedStream(codes, 8 * len(codes))}
    with pytest.raises(CorruptDataError, match=message):
        codec.decode(Encoded(codec.get_config(), streams, words.shape, words.dtype))


def table(lengths, *, dropped=0, classes=1, values=1):
    return PacketCode(Alphabet(dropped, classes, 1, values), np.array(lengths)).write(8)


def decoded(table, codes, count):
    codec = Lanes(8, 1)
    streams = {"table": table, "codes": EncodedStream(codes, 8 * len(codes))}
    return codec.decode(Encoded(codec.get_config(), streams, (count,), np.dtype(np.uint8)))


def test_a_code_that_the_table_has_not_is_rejected():
    incomplete = table([1, 2, 0])
    np.testing.assert_array_equal(decoded(incomplete, b"\x40\x00", 2), [0, 1])
    with pytest.raises(CorruptDataError, match="a code that the table has not"):
        decoded(incomplete, b"\xc0\x00", 2)


def test_a_word_after_the_end_is_rejected():
    runs = table([0, 1, 0, 1, 0], classes=2)
    np.testing.assert_array_equal(decoded(runs, b"\x80\x00", 2), [0, 1])
    with pytest.raises(CorruptDataError, match="a word after the end"):
        decoded(runs, b"\x80\x00", 1)


def test_malformed_tables_are_rejected():
    good = table([1, 1, 0])
    for stream in (EncodedStream(good.data[:2], 16), EncodedStream(good.data + b"\0", good.nbits + 8)):
        with pytest.raises(CorruptDataError, match="table"):
            decoded(stream, b"\0\0", 1)
    with pytest.raises(CorruptDataError, match="more code words than a prefix code"):
        table([1, 1, 1])
    with pytest.raises(CorruptDataError, match=f"more than {MOST_SYMBOLS}"):
        PacketCode(Alphabet(0, 3, -128, 255), np.full(769, 10))
    for field in (b"\x81\x01\x01\x80", b"\x00\x01\x01\x80", b"\x0d\x01\x01\x80"):
        with pytest.raises(CorruptDataError, match="drops"):
            decoded(EncodedStream(field, 32), b"\0\0", 1)


def test_lanes_are_checked():
    for lanes in (0, 3, 32):
        with pytest.raises(CodecError, match="lanes must be"):
            Lanes(lanes=lanes)


def test_classes_follow_each_other():
    assert all(np.diff(RUN_BASES) > 0)
    assert Alphabet(0, 1, 0, 0).longest_run == 1
