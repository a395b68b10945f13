"""The Huffman code in lanes: units in the order of the document, and packets that come back or are rejected."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from silicodec.models.codec import CodecError, CorruptDataError
from silicodec.models.lanes.code import bus_words
from silicodec.models.transform import HuffmanCode, TransformCodec
from silicodec.models.transform.huffman_lanes import HuffmanLanes

DOCUMENT = (Path(__file__).parents[4] / "docs" / "formats" / "transform.md").read_text()
SMALL = HuffmanCode(np.array([1, 2, 3, 4, 4], np.uint8))  # 0, 10, 110, 1110; 1111 ends a packet

coders = st.builds(
    lambda lanes, symbol_bits, seed: HuffmanLanes(
        HuffmanCode.from_histogram(
            np.random.default_rng(seed).geometric(0.02, (1 << symbol_bits) + 1) ** 3, symbol_bits
        ),
        lanes,
    ),
    st.sampled_from([2, 4, 8, 16]),
    st.integers(2, 8),
    st.integers(0, 9),
)


@st.composite
def packets(draw, dimensions=1):
    """A coder and packets for it, of rare or frequent symbols."""
    coder = draw(coders)
    shape = draw(npst.array_shapes(min_dims=dimensions, max_dims=dimensions, min_side=1, max_side=300 // dimensions**3))
    ranks = draw(npst.arrays(np.uint8, shape, elements=st.integers(0, coder.code.end - 1)))
    frequent = np.argsort(coder.code.lengths[:-1], kind="stable").astype(np.uint8)
    return coder, frequent[ranks >> draw(st.integers(0, 3))]


def units_of(coder, symbols):
    """A packet's units by the document, in strings of bits."""
    rows = -(-symbols.size // coder.lanes)
    symbols = np.append(symbols, np.zeros(rows * coder.lanes - symbols.size, np.uint8)).reshape(rows, coder.lanes)
    text, taken, order = [""] * coder.lanes, [3] * coder.lanes, 3 * list(range(coder.lanes))
    for row in symbols:
        for lane, symbol in enumerate(row):
            text[lane] += f"{coder.code.codes[symbol]:0{coder.code.lengths[symbol]}b}"
            if len(text[lane]) // 16 > taken[lane] - 3:
                order.append(lane)
                taken[lane] += 1
    units, parts = [], [re.findall(".{16}", bits + "0" * (-len(bits) % 16)) for bits in text]
    for lane in order:
        units.append(parts[lane].pop(0) if parts[lane] else None)
    assert not any(parts)
    while units[-1] is None:
        units.pop()
    units += [None] * (-len(units) % 4)
    return [unit or "0" * 16 for unit in units]


def bus_bits(coder):
    """Bits of a word that the hardware takes."""
    return max(64, 8 * coder.lanes)


@given(packets())
def test_units_are_those_of_the_document_and_come_back(case):
    coder, symbols = case
    words, size = coder.encode_words(symbols), bus_bits(coder)
    units = units_of(coder, symbols)
    assert coder.nbits(symbols[np.newaxis]) == 16 * len(units)
    units += ["0" * 16] * (-len(units) % (size // 16))
    assert "".join(f"{word:0{size}b}" for word in words) == "".join(units)
    rows = -(-symbols.size // coder.lanes)
    decoded = coder.decode_words(words, rows)
    np.testing.assert_array_equal(decoded[: symbols.size], symbols, strict=True)
    assert not decoded[symbols.size :].any()


@given(packets(dimensions=2))
def test_packets_follow_each_other(case):
    coder, symbols = case
    units = coder.encode_packets(symbols)
    np.testing.assert_array_equal(
        units, np.concatenate([coder.encode_packets(packet[np.newaxis]) for packet in symbols])
    )
    data = units.astype(">u2").tobytes()
    count, size = symbols.shape
    for counts in ([count], [1, count - 1]):
        decoded = np.concatenate(list(coder.decode_parts(data, counts, size)))
        np.testing.assert_array_equal(decoded, symbols, strict=True)


@given(coders, st.binary(max_size=300), st.integers(1, 40))
def test_any_words_are_decoded_or_rejected(coder, data, rows):
    words = bus_words(data[: len(data) // 8 * 8], coder.lanes)
    try:
        symbols = coder.decode_words(words, rows)
    except CorruptDataError:
        return
    encoded = coder.encode_words(symbols)
    np.testing.assert_array_equal(encoded, words[: encoded.size])
    assert not words[encoded.size :].any()


@given(packets(), st.data())
def test_damaged_packets_are_decoded_to_what_they_encode_or_rejected(case, data):
    coder, symbols = case
    words, size = coder.encode_words(symbols), bus_bits(coder)
    place = data.draw(st.integers(0, size * words.size - 1))
    words[place // size] = int(words[place // size]) ^ 1 << place % size
    rows = -(-symbols.size // coder.lanes)
    try:
        decoded = coder.decode_words(words, rows)
    except CorruptDataError:
        return
    np.testing.assert_array_equal(coder.encode_words(decoded), words)


def test_malformed_packets():
    coder = HuffmanLanes(SMALL, 2)
    words = coder.encode_words(np.array([0, 1]))
    assert [f"{word:016x}" for word in words] == ["0000800000000000"]
    for changed, rows, complaint in (
        ([], 1, "too short"),
        ([0], 64, "too short"),
        ([0xF << 60], 1, "holds the end"),
        (words | np.uint64(1), 1, "bits that are not zero"),
        (words | np.uint64(1 << 16), 1, "bits that are not zero"),
        ([*words.tolist(), 1], 1, "bits that are not zero"),
        ([*words.tolist(), 0, 0], 1, "words after its end"),
    ):
        with pytest.raises(CorruptDataError, match=complaint):
            coder.decode_words(np.array(changed, np.uint64), rows)
    # Lanes take six units, which a second word has some of.
    assert coder.decode_words(np.array([*words.tolist(), 0], np.uint64), 1).tolist() == [0, 1]


def test_malformed_sequences_of_packets():
    coder = HuffmanLanes(SMALL, 2)
    data = coder.encode_packets(np.array([[1, 2, 3], [0, 0, 1]])).astype(">u2").tobytes()
    assert len(data) == 16
    for changed, size, complaint in (
        (data[:8], 3, "too short"),
        (data + bytes(8), 3, "words after its end"),
        (data, 2, "bits that are not zero"),
        (coder.encode_packets(np.array([[1, 2, 3, 1], [0, 0, 1, 1]])).astype(">u2").tobytes(), 3, "after its end"),
    ):
        with pytest.raises(CorruptDataError, match=complaint):
            list(coder.decode_parts(changed, [2], size))
    assert [part.size for part in coder.decode_parts(b"", [4], 0)] == [0]


def test_a_lane_may_be_far_behind_the_others():
    code = HuffmanCode.from_histogram(np.append(1 << np.arange(40, 0, -1), np.ones(217, int)), 8)
    coder = HuffmanLanes(code, 8)
    symbols = np.full((200, 8), np.argmax(code.lengths[:-1]), np.uint8)
    for lane in range(8):
        packet = symbols.copy()
        packet[:, lane] = np.argmin(code.lengths)
        words = coder.encode_words(packet.reshape(-1))
        np.testing.assert_array_equal(coder.decode_words(words, 200), packet.reshape(-1))


@pytest.mark.parametrize("lanes", [0, 1, 3, 32])
def test_numbers_of_lanes_that_there_are_not(lanes):
    with pytest.raises(CodecError, match="lanes must be"):
        HuffmanLanes(SMALL, lanes)


def test_a_codec_with_lanes_restores_the_same_maps():
    maps = np.random.default_rng(0).integers(-30, 30, (3, 5, 4, 7)).astype(np.int8)
    plain = TransformCodec(symbol_bits=6)
    expected = plain.restore(maps)
    for lanes in (2, 4, 8, 16):
        codec = replace(plain, lanes=lanes)
        encoded = codec.encode(maps)
        np.testing.assert_array_equal(codec.decode(encoded), expected)
        assert codec.nbits(maps) == encoded.nbits
        assert codec.get_config()["lanes"] == lanes
    assert "lanes" not in plain.get_config()
    with pytest.raises(CodecError, match="lanes must be a power of two from 1 to 16, not 3"):
        replace(plain, lanes=3)


def test_the_documents_example():
    (lengths,) = re.findall(r"The lengths (\d[\d ]*\d)", DOCUMENT)
    (words,) = re.findall(r"With two lanes the .*?packet is\n`([0-9a-f ]+)`", DOCUMENT, re.DOTALL)
    coder = HuffmanLanes(HuffmanCode(np.array(lengths.split(), np.uint8)), 2)
    encoded = coder.encode_words(np.array([2, 0, 0, 0, 3, 1]))
    assert "".join(f"{word:016x}" for word in encoded) == words.replace(" ", "")
