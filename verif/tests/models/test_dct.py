"""The codec dct: accuracy of its transform, its format, and what its decoder rejects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.fft import dctn, idctn

from silicodec.models.codec import CodecError, CorruptDataError, Encoded, EncodedStream
from silicodec.models.dct import DCT
from silicodec.models.dct.transform import inverse

FLAT = [[8] * 8] * 8

maps = npst.arrays(
    np.int8,
    npst.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=17),
    elements=st.just(0) | st.integers(0, 127),
)
codecs = st.builds(DCT, level=st.integers(1, 4), signed=st.integers(0, 1), two_level=st.integers(0, 1))


def standard_blocks(low, high, count=10_000):
    """Random blocks of IEEE Std 1180-1990, by the generator of its appendix."""
    state = 1
    samples = np.empty(count * 64, np.int64)
    for i in range(samples.size):
        state = (state * 1103515245 + 12345) & 0xFFFFFFFF
        samples[i] = int((state & 0x7FFFFFFE) / 0x7FFFFFFF * (low + high + 1)) - low
    return samples.reshape(count, 8, 8)


@pytest.mark.parametrize(("low", "high"), [(256, 255), (5, 5), (300, 300)])
def test_inverse_meets_ieee_1180(low, high):
    blocks = standard_blocks(low, high)
    for sign in (1, -1):
        exact = dctn(sign * blocks.astype(np.float64), axes=(1, 2), norm="ortho")
        coefficients = np.clip(np.rint(exact), -2048, 2047)
        reference = np.clip(np.rint(idctn(coefficients, axes=(1, 2), norm="ortho")), -256, 255)
        by_column = coefficients.transpose(0, 2, 1).reshape(-1, 64).astype(np.int16)
        error = inverse(by_column, 9).reshape(-1, 8, 8) - reference
        assert np.abs(error).max() <= 1
        assert (error**2).mean(axis=0).max() <= 0.06
        assert (error**2).mean() <= 0.02
        assert np.abs(error.mean(axis=0)).max() <= 0.015
        assert np.abs(error.mean()) <= 0.0015
    assert not inverse(np.zeros((1, 64), np.int16), 9).any()


@pytest.mark.parametrize("step", [8, 16, 32, 64])
def test_coefficients_are_those_of_the_real_transform(step):
    array = np.random.default_rng(0).integers(-128, 128, (1000, 8, 8), np.int8)
    quantised = DCT(table=[[step] * 8] * 8).quantised(array).view(np.int8).astype(int)
    exact = dctn(array.astype(np.float64), axes=(1, 2), norm="ortho").transpose(0, 2, 1).reshape(-1, 64)
    error = quantised * step - np.clip(exact, -128 * step, 127 * step)
    assert np.abs(error).max() <= step / 2 + 2
    assert np.abs(error.mean()) < step / 50


def matrix(constants):
    """f(k, n) of the document: the constant of |cos((2n + 1) k pi / 16)|, with that cosine's sign."""
    angles = np.outer(range(8), 2 * np.arange(8) + 1) % 32
    folded = np.minimum(angles, 32 - angles)
    return np.where(folded > 8, -1, 1) * np.append(constants, 0)[np.minimum(folded, 16 - folded)]


FORWARD = matrix([256, 355, 334, 301, 256, 201, 139, 71])
INVERSE = matrix([2048, 2841, 2676, 2408, 2048, 1609, 1108, 565])


def test_transforms_are_those_of_the_document():
    random = np.random.default_rng(0)
    samples = random.choice([-128, 127, 0, 5], (300, 8, 8)).astype(np.int8)
    rows = (samples.astype(int) @ FORWARD.T + 128) >> 8  # (tile, y, u)
    coefficients = (FORWARD @ rows) >> 10  # (tile, v, u)
    table = 2 ** random.integers(0, 8, (8, 8))
    quantised = np.clip((coefficients + table) // (2 * table), -128, 127)
    codec = DCT(table=table.tolist())
    np.testing.assert_array_equal(codec.quantised(samples).view(np.int8).reshape(-1, 8, 8).swapaxes(1, 2), quantised)
    for values, bits in ((rows, 11), (coefficients, 12)):
        assert -(2 ** (bits - 1)) <= values.min()
        assert values.max() < 2 ** (bits - 1)

    # Any coefficients, such as an encoder never gives: the sums between the passes wrap.
    coefficients = random.integers(-1024, 1024, (300, 8, 8))
    columns = (INVERSE.T @ coefficients + 256) >> 9  # (tile, y, u)
    wrapped = (columns + 2**13) % 2**14 - 2**13
    assert np.any(wrapped != columns)
    expected = np.clip((wrapped @ INVERSE + 32768) >> 16, -128, 127)
    by_column = coefficients.swapaxes(1, 2).reshape(-1, 64).astype(np.int16)
    np.testing.assert_array_equal(inverse(by_column, 8).reshape(-1, 8, 8), expected)


def test_finer_steps_restore_better():
    array = np.random.default_rng(0).normal(0, 25, (40, 16, 16)).clip(-128, 127).astype(np.int8)
    errors = [np.mean((DCT(level=level).restore(array) - array.astype(float)) ** 2) for level in (1, 2, 3, 4)]
    assert errors == sorted(errors)
    assert errors[0] < 2**2 / 12 + 0.5  # quantisation, and rounding of samples and between the passes


@given(codec=codecs, array=maps)
def test_decodes_to_what_restore_gives(codec, array):
    encoded = codec.encode(array)
    restored = codec.restore(array)
    np.testing.assert_array_equal(codec.decode(encoded), restored, strict=True)
    np.testing.assert_array_equal(codec.decode_words(codec.encode_words(array), array.shape), restored, strict=True)
    assert codec.nbits(array) == encoded.nbits
    assert codec.signed or not restored.size or restored.min() >= 0


@pytest.mark.parametrize("two_level", [0, 1])
def test_no_tile_takes_more_than_its_bitmap_and_64_bytes(two_level):
    array = np.random.default_rng(0).integers(-128, 128, (200, 8, 8), np.int8)
    codec = DCT(table=[[1] * 8] * 8, two_level=two_level)
    assert max(codec.nbits(tile) for tile in array) <= 8 * (8 + 64)


def test_two_level_code_is_shorter():
    array = np.zeros((1, 8, 8), np.int8)
    assert (DCT(two_level=0).nbits(array), DCT().nbits(array)) == (64, 16)
    array[:] = 8  # one coefficient, 64 / 8: bitmaps and a byte; or modes, a bitmap and a byte
    assert (DCT(two_level=0).nbits(array), DCT().nbits(array)) == (64 + 8, 16 + 8 + 8)


def test_edges_are_repeated_and_cropped():
    array = np.random.default_rng(0).integers(-128, 128, (3, 11, 13), np.int8)
    padded = np.pad(array, ((0, 0), (0, 5), (0, 3)), mode="edge")
    assert DCT().encode(array).streams == DCT().encode(padded).streams
    np.testing.assert_array_equal(DCT().restore(array), DCT().restore(padded)[:, :11, :13])


def test_unsigned_arrays_lose_their_offset():
    array = np.random.default_rng(0).integers(-128, 128, (3, 8, 16), np.int8)
    unsigned = (array.astype(np.int16) + 128).astype(np.uint8)
    assert DCT().encode(array).streams == DCT().encode(unsigned).streams
    np.testing.assert_array_equal(DCT().restore(unsigned) - 128.0, DCT().restore(array))


def test_mean_of_a_bright_tile_survives():
    array = np.full((1, 8, 8), 127, np.int8)
    for signed in (0, 1):
        np.testing.assert_array_equal(DCT(signed=signed).restore(array), array)
    np.testing.assert_array_equal(DCT().restore(-1 - array), -1 - array)


def test_columns_come_in_the_order_of_the_document():
    horizontal = np.tile(np.linspace(-100, 100, 8).astype(np.int8), (8, 1))
    tile = DCT(table=FLAT).quantised(horizontal).reshape(8, 8)  # (u, v)
    assert tile[1, 0] != 0
    assert not tile[:, 1:].any()


@pytest.mark.parametrize("two_level", [0, 1])
def test_malformed_streams(two_level):
    codec = DCT(two_level=two_level)
    array = np.random.default_rng(0).integers(0, 100, (2, 8, 8), np.int8)
    words = codec.encode_words(array)
    stream = codec.encode(array).streams["tiles"]

    def decode_stream(data, shape=array.shape):
        return codec.decode(
            Encoded(codec.get_config(), {"tiles": EncodedStream(data, 8 * len(data))}, shape, array.dtype)
        )

    with pytest.raises(CorruptDataError, match="too short"):
        decode_stream(stream.data[:-1])
    with pytest.raises(CorruptDataError, match="bits after its end"):
        decode_stream(stream.data + b"\0")
    with pytest.raises(CorruptDataError, match="too short"):
        decode_stream(stream.data, (2**20, 2**20, 2**20))
    with pytest.raises(CorruptDataError, match="too short"):
        codec.decode_words(words[:-1], array.shape)
    with pytest.raises(CorruptDataError, match="words after its end"):
        codec.decode_words(np.append(words, np.uint64(0)), array.shape)


def test_padding_must_be_zero():
    codec = DCT()
    flat = np.full((8, 8), 7, np.int8)  # mode, bitmap, four bits, 7 modes: 28 of 32 bits
    (word,) = codec.encode_words(flat)
    with pytest.raises(CorruptDataError, match="a tile padded with bits"):
        codec.decode_words(np.array([int(word) | 1 << 32], np.uint64), flat.shape)
    with pytest.raises(CorruptDataError, match="is padded with bits"):
        codec.decode_words(np.array([int(word) | 1], np.uint64), flat.shape)


def test_arrays_that_are_not_maps():
    for array in (np.zeros(8, np.int8), np.zeros((8, 8), np.int16)):
        with pytest.raises(CodecError, match="takes maps"):
            DCT().encode(array)
    with pytest.raises(CodecError, match="use signed=1"):
        DCT(signed=0).encode(np.full((8, 8), -1, np.int8))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"word_bits": 4}, "word_bits must be 8"),
        ({"level": 5}, "level must be an integer from 1 to 4"),
        ({"signed": 2}, "signed must be"),
        ({"two_level": -1}, "two_level must be"),
        ({"table": [[8] * 8] * 7}, "8 rows of 8"),
        ({"table": 8}, "8 rows of 8"),
        ({"table": [[12] * 8] * 8}, "step in table must be a power of two from 1 to 128, not 12"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(CodecError, match=message):
        DCT(**parameters)
