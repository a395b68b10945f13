"""What the base class of codecs does; what every codec of the catalog does is in test_codecs.py."""

import numpy as np
import pytest

from silicodec.models.catalog import CODECS, make_codec
from silicodec.models.codec import Codec, CodecError, CorruptDataError, Encoded


def test_unknown_names_list_the_known_ones():
    with pytest.raises(CodecError, match="unknown codec 'lzw': known are ebpc, ebpc-parallel, bpc, zero-rle, zvc"):
        make_codec("lzw")
    with pytest.raises(CodecError, match="codec 'zvc' has no parameter 'level'; it has word_bits"):
        make_codec("zvc", level=3)
    with pytest.raises(CodecError, match="configuration is of codec 'zvc', not 'ebpc'"):
        CODECS["ebpc"].from_config({"id": "zvc"})


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.bool_, np.complex64, object])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(CodecError, match="dtype must be one of int8, uint8, int16, uint16, float16, not"):
        make_codec("ebpc").encode(np.zeros(4, dtype))


def test_float16_needs_16_bits():
    with pytest.raises(CodecError, match="float16 values need word_bits=16, not 8"):
        make_codec("ebpc").encode(np.zeros(4, np.float16))


def test_decodes_only_its_own():
    encoded = make_codec("ebpc", block_size=8).encode(np.zeros(4, np.int8))
    with pytest.raises(CodecError, match="cannot be decoded with"):
        make_codec("ebpc", block_size=4).decode(encoded)
    with pytest.raises(CorruptDataError, match="streams must be"):
        make_codec("ebpc").decode(Encoded(encoded.codec, {}, encoded.shape, encoded.dtype))


def test_ratio_counts_the_bits_of_a_word_not_those_of_its_dtype():
    encoded = make_codec("zvc", word_bits=4).encode(np.array([0, 0, 0, 7], np.int8))
    assert encoded.nbits == 4 * 1 + 1 * 4
    assert encoded.ratio == 4 * 4 / 8
    assert np.isnan(make_codec("zvc").encode(np.zeros(0, np.int8)).ratio)


def test_codec_is_abstract():
    with pytest.raises(TypeError):
        Codec()
