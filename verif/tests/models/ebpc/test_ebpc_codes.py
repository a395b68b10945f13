"""EBPC streams that are written code by code, and what is said of wrong ones."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from silicodec.models.codec import CodecError, CorruptDataError
from silicodec.models.ebpc import EBPC


def packed(*codes):
    return np.packbits(np.array([bit == "1" for bit in "".join(codes)], bool))


@pytest.mark.parametrize(
    ("bpc", "message"),
    [
        (packed("00000001", "01" * 8), "too short"),
        (packed("00000001", "01", "001" + "111"), "zero planes beyond its block"),
        (packed("00000001", "00011" + "111"), "position beyond its plane"),
        (packed("00000001", "00010" + "110"), "position beyond its plane"),
        (packed("01111111", "00011" + "000", "00011" + "000", "001" + "101"), "contradicts"),
        (packed("00000001", "001" + "111", "0" * 8), "words after its end"),
        (packed("00000001", "001" + "111", "01"), "not zero"),
    ],
)
def test_says_what_is_wrong_with_a_bpc_stream(bpc, message):
    with pytest.raises(CorruptDataError, match=f"BPC stream .*{message}"):
        EBPC().decode_words(packed("1"), bpc, 1)


@pytest.mark.parametrize(
    ("znz", "count", "message"),
    [
        (packed("1" * 8), 9, "too short"),
        (packed("0" + "1111"), 15, "zeros beyond the packet"),
        (packed("0" + "1111", "1"), 16, "not zero"),
        (packed("0" + "1111", "0" * 8), 16, "words after its end"),
    ],
)
def test_says_what_is_wrong_with_a_znz_stream(znz, count, message):
    with pytest.raises(CorruptDataError, match=f"ZNZ stream .*{message}"):
        EBPC().decode_words(znz, packed(), count)


def test_takes_codes_that_an_encoder_would_not_choose():
    split_zero_run = packed("0" + "0001", "0" + "0000", "1")
    zeros_as_raw_plane = packed("00000000", "1" + "0000000", "001" + "110")
    np.testing.assert_array_equal(EBPC().decode_words(split_zero_run, zeros_as_raw_plane, 4), [0, 0, 0, 0])


def test_takes_padding_words_that_are_not_zero():
    all_differences_one = packed("00000001", "00000", "00000", "001" + "101")
    np.testing.assert_array_equal(EBPC().decode_words(packed("1"), all_differences_one, 1), [1])


@example(words=[255, 1, 255, 1, 255, 1, 255, 1])
@given(words=st.lists(st.integers(0, 255), max_size=40))
def test_one_stream_of_bits_serves_signed_and_unsigned(words):
    unsigned = np.array(words, np.uint8)
    encoded = EBPC().encode(unsigned), EBPC().encode(unsigned.view(np.int8))
    assert encoded[0].streams == encoded[1].streams


def test_word_streams_must_be_words():
    with pytest.raises(CodecError, match="words must be a one-dimensional array of uint8"):
        EBPC().encode_words(np.zeros(4, np.int16))
    with pytest.raises(CodecError, match="count must be at least 0, not -1"):
        EBPC().decode_words(packed(), packed(), -1)
    with pytest.raises(CodecError, match="znz must be a one-dimensional array of uint16"):
        EBPC(word_bits=16).decode_words(np.zeros(1, np.uint8), np.zeros(0, np.uint16), 4)


@pytest.mark.parametrize(
    "parameters",
    [
        {"word_bits": 3},
        {"word_bits": 17},
        {"word_bits": 8.0},
        {"block_size": 1},
        {"block_size": 9},
        {"max_zero_run": 0},
        {"max_zero_run": 12},
        {"max_zero_run": True},
    ],
)
def test_names_a_parameter_that_is_out_of_range(parameters):
    (name,) = parameters
    with pytest.raises(CodecError, match=name):
        EBPC(**parameters)


def test_blocks_are_no_larger_than_words_by_default():
    assert [EBPC(word_bits).block_size for word_bits in (4, 8, 12, 16)] == [4, 8, 8, 8]
