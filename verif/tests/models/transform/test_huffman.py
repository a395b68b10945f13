"""The canonical Huffman code: optimal, canonical, and packets that come back or are rejected."""

import heapq
import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from silicodec.models.codec import CodecError, CorruptDataError
from silicodec.models.transform.huffman import MAX_LENGTH, HuffmanCode


def histogram(random, symbol_bits, spread):
    """Counts of two-sided symbols, of few to many values."""
    size = 1 << symbol_bits
    values = np.clip(np.rint(random.laplace(0, spread, 5000)), -size // 2, size // 2 - 1).astype(int) % size
    return np.append(np.bincount(values, minlength=size), 1)


def least_bits(counts):
    """Bits of a Huffman code without a limit, and its longest code word."""
    heap = [(max(int(count), 1), 1) for count in counts]
    heapq.heapify(heap)
    total = 0
    while len(heap) > 1:
        (first, depth), (second, other) = heapq.heappop(heap), heapq.heappop(heap)
        total += first + second
        heapq.heappush(heap, (first + second, max(depth, other) + 1))
    return total, heap[0][1] - 1


codes = st.builds(
    lambda symbol_bits, seed: HuffmanCode.from_histogram(
        np.random.default_rng(seed).geometric(0.02, (1 << symbol_bits) + 1) ** 3, symbol_bits
    ),
    st.integers(2, 8),
    st.integers(0, 9),
)


@st.composite
def packets(draw, dimensions=1):
    code = draw(codes)
    shape = draw(npst.array_shapes(min_dims=dimensions, max_dims=dimensions, min_side=0, max_side=40))
    return code, draw(npst.arrays(np.uint8, shape, elements=st.integers(0, code.end - 1)))


@pytest.mark.parametrize("symbol_bits", range(2, 9))
@pytest.mark.parametrize("spread", [0.3, 2, 30])
def test_a_code_within_the_limit_is_as_short_as_any(symbol_bits, spread):
    counts = histogram(np.random.default_rng(0), symbol_bits, spread)
    least, longest = least_bits(counts)
    assert longest <= MAX_LENGTH
    assert (HuffmanCode.from_histogram(counts, symbol_bits).lengths * np.maximum(counts, 1)).sum() == least


def test_a_code_at_the_limit_is_as_short_as_any():
    counts = np.append(2 ** np.arange(16, 0, -1), 1)
    lengths = HuffmanCode.from_histogram(counts, 4).lengths
    assert least_bits(counts)[1] == 16
    # One code word of 16 bits too many: the cheapest way out makes 14, 16, 16 into 15, 15, 15.
    assert lengths.tolist() == [*range(1, 14), 15, 15, 15, 15]


def test_weights_of_any_size_keep_the_limit():
    lengths = HuffmanCode.from_histogram((1.7 ** np.arange(257)).clip(0, 1e15).astype(np.int64), 8).lengths
    assert lengths.max() == MAX_LENGTH


@given(codes)
def test_the_code_is_canonical(code):
    order = sorted(range(code.end + 1), key=lambda symbol: (code.lengths[symbol], symbol))
    words = [f"{code.codes[symbol]:0{code.lengths[symbol]}b}" for symbol in order]
    assert set(words[0]) == {"0"}
    for before, word in itertools.pairwise(words):
        assert int(word, 2) == (int(before, 2) + 1) << (len(word) - len(before))
    assert set(words[-1]) == {"1"}


@given(packets())
def test_words_are_the_code_words_and_come_back(case):
    code, symbols = case
    words = code.encode_words(symbols)
    text = "".join(f"{code.codes[symbol]:0{code.lengths[symbol]}b}" for symbol in [*symbols.tolist(), code.end])
    assert "".join(f"{word:016b}" for word in words) == text + "0" * (-len(text) % 16)
    assert words.dtype == np.uint16
    np.testing.assert_array_equal(code.decode_words(words), symbols, strict=True)


@given(packets(dimensions=2))
def test_packets_follow_each_other(case):
    code, symbols = case
    words = code.encode_packets(symbols)
    np.testing.assert_array_equal(words, np.concatenate([[], *map(code.encode_words, symbols)]))
    np.testing.assert_array_equal(code.decode_packets(words, *symbols.shape), symbols, strict=True)
    assert code.nbits(symbols) == 16 * words.size


@given(codes, npst.arrays(np.uint16, st.integers(0, 20)))
def test_any_words_are_decoded_or_rejected(code, words):
    try:
        symbols = code.decode_words(words)
    except CorruptDataError:
        return
    np.testing.assert_array_equal(code.encode_words(symbols), words)


def test_malformed_packets():
    code = HuffmanCode(np.array([1, 2, 3, 4, 4], np.uint8))  # 0, 10, 110, 1110; 1111 ends a packet
    assert code.decode_words(np.array([0x7800], np.uint16)).tolist() == [0]
    for words, complaint in (
        ([], "no end"),
        ([0], "no end"),
        ([0x0007], "no end"),
        ([0x7801], "bits that are not zero"),
        ([0x7800, 0], "words after its end"),
    ):
        with pytest.raises(CorruptDataError, match=complaint):
            code.decode_words(np.array(words, np.uint16))
    two = np.array([0x7800, 0x7800], np.uint16)
    assert code.decode_packets(two, 2, 1).tolist() == [[0], [0]]
    for count, size, complaint in (
        (1, 1, "words after its end"),
        (2, 0, "number of symbols"),
        (2, 2, "number of symbols"),
        (3, 1, "no end"),
        (2**40, 2**20, "cannot hold"),
    ):
        with pytest.raises(CorruptDataError, match=complaint):
            code.decode_packets(two, count, size)


def test_unseen_symbols_have_code_words():
    code = HuffmanCode.from_histogram(np.array([1000, 0, 0, 0, 1]), 2)
    assert code.decode_words(code.encode_words(np.array([3, 2, 1, 0]))).tolist() == [3, 2, 1, 0]
    assert Counter(code.lengths.tolist()) == {1: 1, 3: 4}


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([2, 2, 2, 2], "2..symbol_bits"),
        ([0, 1, 2, 3, 3], "from 1 to 15"),
        ([1, 2, 3, 4, 16], "from 1 to 15"),
        ([2, 2, 2, 3, 4], "complete prefix code"),
        ([1, 1, 1, 1, 1], "complete prefix code"),
    ],
)
def test_bad_lengths(lengths, message):
    with pytest.raises(CodecError, match=message):
        HuffmanCode(np.array(lengths))


def test_bad_arguments():
    with pytest.raises(CodecError, match="symbol_bits must be an integer from 2 to 8, not 9"):
        HuffmanCode.from_histogram(np.ones(513), 9)
    with pytest.raises(CodecError, match="counts must be 5 numbers"):
        HuffmanCode.from_histogram(np.ones(4), 2)
    code = HuffmanCode.from_histogram(np.ones(5), 2)
    for symbols in ([0, 4], [-1]):
        with pytest.raises(CodecError, match="symbol must be from 0 to 3"):
            code.encode_words(np.array(symbols))
