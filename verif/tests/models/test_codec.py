"""What holds for every lossless codec of the catalog."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from silicodec.models.catalog import CODECS, decode, make_codec
from silicodec.models.codec import Codec, CodecError, CorruptDataError, Encoded, EncodedStream

LOSSLESS = [name for name, codec in CODECS.items() if codec.lossless]
NAMES = LOSSLESS


@st.composite
def arrays(draw):
    """A word width, and an array of any shape and dtype that fits it; half of the values are zero."""
    word_bits = draw(st.integers(4, 16))
    dtypes = [np.int8, np.uint8, np.int16, np.uint16] + ([np.float16] if word_bits == 16 else [])
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    if dtype.kind == "f":
        elements = npst.from_dtype(dtype)
    else:
        limits = np.iinfo(dtype)
        signed = dtype.kind == "i"
        low, high = (-(2 ** (word_bits - 1)), 2 ** (word_bits - 1) - 1) if signed else (0, 2**word_bits - 1)
        elements = st.integers(max(low, limits.min), min(high, limits.max))
    shape = draw(npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9))
    return word_bits, draw(npst.arrays(dtype, shape, elements=st.just(0) | elements, fill=st.just(0)))


@pytest.mark.parametrize("name", NAMES)
@given(case=arrays())
def test_returns_what_it_took(name, case):
    word_bits, array = case
    codec = make_codec(name, word_bits=word_bits)
    encoded = codec.encode(array)
    for decoded in (codec.decode(encoded), decode(Encoded.from_bytes(encoded.to_bytes()))):
        assert decoded.dtype == array.dtype
        assert decoded.shape == array.shape
        assert decoded.tobytes() == array.tobytes()
    assert codec.nbits(array) == encoded.nbits


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("word_bits", [4, 8, 12, 16])
def test_edge_cases(name, word_bits):
    codec = make_codec(name, word_bits=word_bits)
    dtype = np.uint8 if word_bits <= 8 else np.uint16
    ones = 2**word_bits - 1
    for array in (
        np.zeros(0, dtype),
        np.zeros((3, 0, 5), dtype),
        np.array(7, dtype),
        np.array([0], dtype),
        np.zeros(1000, dtype),
        np.full(1000, ones, dtype),
        np.array([0] * 16 + [1] + [0] * 17 + [ones], dtype),
        np.tile(np.array([0, ones], dtype), 500),
    ):
        decoded = codec.decode(codec.encode(array))
        np.testing.assert_array_equal(decoded, array, strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_takes_arrays_in_any_layout(name):
    codec = make_codec(name, word_bits=16)
    array = np.arange(-60, 60, dtype=np.int16).reshape(4, 5, 6)
    read_only = array.copy()
    read_only.flags.writeable = False
    for variant in (array.transpose(), array[:, ::2, ::-1], array.astype(">i2"), read_only):
        np.testing.assert_array_equal(codec.decode(codec.encode(variant)), variant, strict=True)


def damaged(data, streams):
    """Truncate a stream, put bits at its end, or change some bytes."""
    name = data.draw(st.sampled_from(sorted(streams)))
    stream = streams[name]
    text = np.unpackbits(np.frombuffer(stream.data, np.uint8))[: stream.nbits].tolist()
    position = data.draw(st.integers(0, len(text)))
    kind = data.draw(st.sampled_from(["truncate", "extend", "flip"]))
    if kind == "truncate":
        text = text[:position]
    elif kind == "extend":
        text += data.draw(st.lists(st.integers(0, 1), max_size=40))
    elif position < len(text):
        text[position] ^= 1
    return {**streams, name: EncodedStream(np.packbits(np.array(text, np.uint8)).tobytes(), len(text))}


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), case=arrays())
def test_a_damaged_stream_is_decoded_or_rejected(name, data, case):
    word_bits, array = case
    codec = make_codec(name, word_bits=word_bits)
    encoded = codec.encode(array)
    streams = damaged(data, encoded.streams)
    try:
        decoded = codec.decode(Encoded(encoded.codec, streams, encoded.shape, encoded.dtype))
    except CorruptDataError:
        return
    assert decoded.shape == array.shape
    assert codec.decode(codec.encode(decoded)).tobytes() == decoded.tobytes()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [10**6, 2**40, 2**62])
def test_a_size_that_the_streams_cannot_hold_is_rejected_before_memory_is_taken(name, size):
    codec = make_codec(name)
    encoded = codec.encode(np.zeros(100, np.int8))
    with pytest.raises(CorruptDataError):
        codec.decode(Encoded(encoded.codec, encoded.streams, (size,), encoded.dtype))


@pytest.mark.parametrize("name", LOSSLESS)
def test_configuration_is_plain_and_rebuilds_the_codec(name):
    codec = make_codec(name, word_bits=12)
    config = codec.get_config()
    assert config["id"] == name
    assert all(isinstance(value, str | int) for value in config.values())
    assert CODECS[name].from_config(config) == codec
    assert hash(pickle.loads(pickle.dumps(codec))) == hash(codec)
    assert codec != make_codec(name, word_bits=8)
    assert "word_bits=12" in repr(codec)
    with pytest.raises(AttributeError):
        codec.word_bits = 8


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("word_bits", [0, 3, 17, "8", True, None])
def test_word_width_out_of_range(name, word_bits):
    with pytest.raises(CodecError, match="word_bits must be an integer from 4 to 16, not"):
        make_codec(name, word_bits=word_bits)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(CodecError, match="unknown codec 'lzw': known are ebpc, bpc, zero-rle, zvc, zstd, deflate"):
        make_codec("lzw")
    with pytest.raises(CodecError, match="codec 'zvc' has no parameter 'level'; it has word_bits"):
        make_codec("zvc", level=3)
    with pytest.raises(CodecError, match="configuration is of codec 'zvc', not 'ebpc'"):
        CODECS["ebpc"].from_config({"id": "zvc"})


@pytest.mark.parametrize("name", NAMES)
def test_names_the_first_value_that_does_not_fit(name):
    with pytest.raises(CodecError, match=r"value 8 \(element 2\) does not fit in 4 signed bits"):
        make_codec(name, word_bits=4).encode(np.array([-8, 7, 8, -9], np.int8))
    with pytest.raises(CodecError, match=r"value 4096 \(element 1\) does not fit in 12 unsigned bits"):
        make_codec(name, word_bits=12).nbits(np.array([4095, 4096], np.uint16))


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
