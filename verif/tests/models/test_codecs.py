"""What holds for every codec of the catalog; what only some have is in the tests of their schemes."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from silicodec.models.catalog import CODECS, decode, make_codec
from silicodec.models.codec import CodecError, CorruptDataError, Encoded, EncodedStream, WordCodec
from silicodec.models.container import DTYPES
from silicodec.verif.pinned import PinnedCase, make_cases, read_cases

MANY_ENCODINGS = {"zstd", "deflate"}
"""Formats with many encodings of the same words: a library's next version may choose another."""

WORD_CODECS = [name for name, codec in CODECS.items() if issubclass(codec, WordCodec)]
CASES = {name: read_cases(name) or list(make_cases(name)) for name in CODECS}
"""Codecs of several parameters, each with an array that it takes."""

every_codec = pytest.mark.parametrize("name", CODECS)
every_word_codec = pytest.mark.parametrize("name", WORD_CODECS)


def takes(make, *arguments, **parameters):
    """Whether a codec is made, or an array encoded, or else refused in so many words."""
    try:
        make(*arguments, **parameters)
    except CodecError:
        return False
    return True


WIDTHS = {name: [bits for bits in range(4, 17) if takes(make_codec, name, word_bits=bits)] for name in CODECS}


@st.composite
def any_words(draw, name):
    """A codec of words, and an array of any shape and dtype that fits them; half of the values are zero."""
    word_bits = draw(st.sampled_from(WIDTHS[name]))
    dtype = np.dtype(draw(st.sampled_from([name for name in DTYPES if name != "float16" or word_bits == 16])))
    if dtype.kind == "f":
        elements = npst.from_dtype(dtype)
    else:
        limits = np.iinfo(dtype)
        signed = dtype.kind == "i"
        low, high = (-(2 ** (word_bits - 1)), 2 ** (word_bits - 1) - 1) if signed else (0, 2**word_bits - 1)
        elements = st.integers(max(low, limits.min), min(high, limits.max))
    shape = draw(npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9))
    return make_codec(name, word_bits=word_bits), draw(
        npst.arrays(dtype, shape, elements=st.just(0) | elements, fill=st.just(0))
    )


@st.composite
def like_a_case(draw, name):
    """The codec of a case, and an array with the case's values in another order, of other height and width."""
    case = draw(st.sampled_from(CASES[name]))
    shape = (*case.array.shape[:-2], draw(st.integers(0, 9)), draw(st.integers(0, 19)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    array = random.choice(case.array.reshape(-1), shape)
    return case.codec, np.where(random.random(shape) < draw(st.floats(0, 1)), array, case.array.reshape(-1)[-1])


def codecs_and_arrays(name):
    return any_words(name) | like_a_case(name) if name in WORD_CODECS else like_a_case(name)


def check(codec, array):
    """Hold a codec to what it restores: with a container and without, the same each time, and in its own memory."""
    untouched = array.copy()
    encoded = codec.encode(array)
    restored = codec.restore(array)
    assert restored.shape == array.shape
    assert not codec.lossless or restored.tobytes() == array.tobytes()
    for decoded in (codec.decode(encoded), decode(Encoded.from_bytes(encoded.to_bytes()))):
        assert (decoded.dtype, decoded.shape) == (array.dtype, array.shape)
        assert decoded.tobytes() == restored.tobytes()
    assert codec.nbits(array) == encoded.nbits
    assert untouched.tobytes() == array.tobytes()


@every_codec
@given(data=st.data())
def test_gives_back_what_it_took_or_what_it_restores(name, data):
    check(*data.draw(codecs_and_arrays(name)))


@every_codec
def test_edge_cases(name):
    """No values, one, many equal ones."""
    assert CASES[name]
    for case in CASES[name]:
        array = case.array
        for part in (array[..., :0], array[..., :0, :], array[..., :1, :1]):
            check(case.codec, part)
        for value in (0, array.min(), array.max()):
            check(case.codec, np.full_like(array, value))


@every_word_codec
def test_edge_cases_of_words(name):
    for word_bits in WIDTHS[name]:
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
            check(codec, array)


@every_codec
@pytest.mark.parametrize("dtype", DTYPES)
def test_takes_or_refuses_a_dtype(name, dtype):
    array = np.arange(64).reshape(8, 8).astype(dtype)
    codecs = [make_codec(name, word_bits=bits) for bits in (8, 16) if bits in WIDTHS[name]]
    taken = [codec for codec in codecs if takes(codec.encode, array)]
    for codec in taken:
        check(codec, array)
    assert taken or name not in WORD_CODECS


@every_codec
def test_takes_arrays_in_any_layout(name):
    for case in CASES[name]:
        array = case.array
        read_only = array.copy()
        read_only.flags.writeable = False
        for variant in (
            np.asfortranarray(array),
            np.repeat(array, 2, axis=-1)[..., ::2],
            array[..., ::-1],
            array.astype(array.dtype.newbyteorder(">")),
            read_only,
        ):
            check(case.codec, variant)
            assert case.codec.encode(variant).streams == case.codec.encode(np.ascontiguousarray(variant)).streams


def damaged(data, streams):
    """Truncate a stream, put bits at its end, or invert one."""
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


@every_codec
@given(data=st.data())
def test_a_damaged_stream_is_decoded_or_rejected(name, data):
    codec, array = data.draw(codecs_and_arrays(name))
    encoded = codec.encode(array)
    streams = damaged(data, encoded.streams)
    try:
        decoded = codec.decode(Encoded(encoded.codec, streams, encoded.shape, encoded.dtype))
    except CorruptDataError:
        return
    assert (decoded.shape, decoded.dtype) == (array.shape, array.dtype)
    if codec.lossless:
        assert codec.decode(codec.encode(decoded)).tobytes() == decoded.tobytes()


@every_codec
@pytest.mark.parametrize("size", [10**6, 2**40, 2**59])
def test_a_size_that_the_streams_cannot_hold_is_rejected_before_memory_is_taken(name, size):
    for case in CASES[name]:
        encoded = case.codec.encode(case.array)
        shape = (*case.array.shape[:-1], size)
        with pytest.raises(CorruptDataError):
            case.codec.decode(Encoded(encoded.codec, encoded.streams, shape, encoded.dtype))


@every_codec
def test_a_stream_too_many_or_too_few_is_rejected(name):
    case = CASES[name][0]
    encoded = case.codec.encode(case.array)
    first = next(iter(encoded.streams))
    for streams in ({}, {**encoded.streams, "another": encoded.streams[first]}):
        with pytest.raises(CorruptDataError, match="streams must be"):
            case.codec.decode(Encoded(encoded.codec, streams, encoded.shape, encoded.dtype))


@every_codec
def test_configuration_is_plain_and_rebuilds_the_codec(name):
    for codec in (make_codec(name), *(case.codec for case in CASES[name])):
        config = codec.get_config()
        assert config["id"] == name == CODECS[name].codec_id
        assert json.loads(json.dumps(config)) == config
        for twin in (CODECS[name].from_config(config), pickle.loads(pickle.dumps(codec))):
            assert (twin, hash(twin)) == (codec, hash(codec))
        assert type(codec).__name__ in repr(codec)
        with pytest.raises(AttributeError):
            codec.word_bits = 8


@every_codec
def test_parameters_are_checked(name):
    for word_bits in (0, 3, 17, "8", True, None):
        with pytest.raises(CodecError, match="word_bits must be an integer from 4 to 16, not"):
            make_codec(name, word_bits=word_bits)
    with pytest.raises(CodecError, match=f"codec '{name}' has no parameter 'unheard_of'"):
        make_codec(name, unheard_of=1)
    assert 8 in WIDTHS[name]


@every_word_codec
def test_names_the_first_value_that_does_not_fit(name):
    with pytest.raises(CodecError, match=r"value 8 \(element 2\) does not fit in 4 signed bits"):
        make_codec(name, word_bits=4).encode(np.array([-8, 7, 8, -9], np.int8))
    with pytest.raises(CodecError, match=r"value 4096 \(element 1\) does not fit in 12 unsigned bits"):
        make_codec(name, word_bits=12).nbits(np.array([4095, 4096], np.uint16))


def pinned(name):
    return read_cases(name) or pytest.skip(f"{name} is not pinned: `make pin` writes its file, which belongs to it")


@every_codec
def test_pinned_streams_are_read(name):
    for case in pinned(name):
        encoded = Encoded(case.codec.get_config(), case.streams, case.array.shape, case.array.dtype)
        np.testing.assert_array_equal(case.codec.decode(encoded), case.restored, strict=True)
        assert not case.codec.lossless or case.restored.tobytes() == case.array.tobytes()


@pytest.mark.parametrize("name", [name for name in CODECS if name not in MANY_ENCODINGS])
def test_pinned_streams_are_written(name):
    for case in pinned(name):
        assert PinnedCase.of(case.codec, case.array).to_json() == case.to_json()
