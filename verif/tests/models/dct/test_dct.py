"""The codec dct: accuracy of its transform, its format, and what its decoder rejects."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.fft import dctn, idctn

from silicodec.models.catalog import decode
from silicodec.models.codec import CodecError, CorruptDataError, Encoded, EncodedStream
from silicodec.models.dct import DCT
from silicodec.models.dct.first import FirstDCT
from silicodec.models.dct.tiles import MOST_TILE_BITS
from silicodec.models.dct.transform import inverse
from silicodec.models.samples import from_samples
from silicodec.verif.pinned import read_cases

FIRST = read_cases("dct-first")

maps = npst.arrays(
    np.int8,
    npst.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=17),
    elements=st.just(0) | st.integers(0, 127),
)
codecs = st.builds(DCT, step=st.sampled_from([1, 2, 4, 8, 16, 32, 64]), signed=st.integers(0, 1))


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


@pytest.mark.parametrize("step", [1, 2, 4, 8, 64])
def test_coefficients_are_those_of_the_real_transform(step):
    random = np.random.default_rng(0)
    for array in (random.integers(-128, 128, (1000, 8, 8), np.int8), extreme_tiles()):
        quantised = DCT(step=step).quantised(array)
        exact = dctn(array.astype(np.float64), axes=(1, 2), norm="ortho").transpose(0, 2, 1).reshape(-1, 64)
        error = quantised * step - exact
        assert np.abs(error).max() <= step / 2 + 3  # of 1020 at most
        assert np.abs(error.mean()) < step / 50 + 0.02


def extreme_tiles():
    """For each pair of frequencies the tiles whose coefficient there is the largest and the least of all."""
    cosines = np.cos(np.outer(np.arange(8), 2 * np.arange(8) + 1) * np.pi / 16)
    patterns = np.einsum("vy,ux->vuyx", cosines, cosines).reshape(64, 8, 8)
    return np.concatenate([np.where(sign * patterns > 0, 127, -128) for sign in (1, -1)]).astype(np.int8)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_nothing_saturates_at_the_finest_step(dtype):
    random = np.random.default_rng(0)
    array = np.concatenate([extreme_tiles(), random.choice([-128, 127], (500, 8, 8)).astype(np.int8)])
    array = from_samples(array, np.dtype(dtype))
    assert np.abs(DCT(step=1).quantised(array)[:, 1:]).max() > 1000
    assert np.abs(DCT(step=1).restore(array).astype(int) - array).max() <= 2


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
    for step in (1, 2, 4, 64):
        quantised = (coefficients + step) // (2 * step)
        np.testing.assert_array_equal(DCT(step=step).quantised(samples).reshape(-1, 8, 8).swapaxes(1, 2), quantised)
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
    errors = [np.mean((DCT(step=step).restore(array) - array.astype(float)) ** 2) for step in (1, 2, 4, 8, 16)]
    assert errors == sorted(errors)
    assert errors[0] < 1**2 / 12 + 0.05  # quantisation, and rounding of samples and between the passes


@given(codec=codecs, array=maps)
def test_decodes_to_what_restore_gives(codec, array):
    encoded = codec.encode(array)
    restored = codec.restore(array)
    np.testing.assert_array_equal(codec.decode(encoded), restored, strict=True)
    np.testing.assert_array_equal(codec.decode_words(codec.encode_words(array), array.shape), restored, strict=True)
    assert codec.signed or not restored.size or restored.min() >= 0
    unsigned = array.view(np.uint8) + np.uint8(100)
    restored = codec.restore(unsigned)
    np.testing.assert_array_equal(codec.decode(codec.encode(unsigned)), restored, strict=True)
    words = codec.encode_words(unsigned)
    np.testing.assert_array_equal(codec.decode_words(words, array.shape, "uint8"), restored, strict=True)


def test_no_tile_takes_more_than_the_document_says():
    tiles = np.concatenate([np.random.default_rng(0).integers(-128, 128, (500, 8, 8), np.int8), extreme_tiles()])
    sizes = [DCT(step=1).nbits(tile) for tile in tiles]
    assert 500 < max(sizes) <= MOST_TILE_BITS + 1


def test_bits_of_the_example_in_the_document():
    """A flat tile of 40, at step 4: its mean is 80, folded 160, which is 40 and two low bits of 0."""
    encoded = DCT(step=4).encode(np.full((8, 8), 40, np.int8))
    text = "10" + "00000000001" + "1" * 7 + "1110000" + "0" * 16 + "00" + "0" * 7
    assert encoded.nbits == len(text) == 52
    assert encoded.streams["tiles"].data == int(text + "0000", 2).to_bytes(7)
    assert DCT().nbits(np.zeros((8, 8), np.int8)) == 7 + 7 + 1


def test_rice_codes_are_shorter_than_bitmaps():
    """The first format took more bits at the same steps, levels 1 and 2, with a step of 8 of the mean."""
    for case in FIRST[1:3]:
        assert DCT(step=2 * case.codec.level).nbits(case.array) < case.streams["tiles"].nbits


def test_edges_are_repeated_and_cropped():
    array = np.random.default_rng(0).integers(-128, 128, (3, 11, 13), np.int8)
    padded = np.pad(array, ((0, 0), (0, 5), (0, 3)), mode="edge")
    assert DCT().encode(array).streams == DCT().encode(padded).streams
    np.testing.assert_array_equal(DCT().restore(array), DCT().restore(padded)[:, :11, :13])


def test_the_mean_of_unsigned_arrays_counts_from_zero():
    array = np.random.default_rng(0).integers(-128, 128, (3, 8, 16), np.int8)
    unsigned = (array.astype(np.int16) + 128).astype(np.uint8)
    difference = DCT().quantised(unsigned) - DCT().quantised(array)
    assert not difference[:, 1:].any()
    np.testing.assert_array_equal(difference[:, 0], 1024 // 2)
    np.testing.assert_array_equal(DCT().restore(unsigned) - 128.0, DCT().restore(array))
    zeros = np.zeros((8, 8), np.uint8)
    assert DCT().nbits(zeros) == DCT().nbits(zeros.view(np.int8))


def test_mean_of_a_bright_tile_survives():
    array = np.full((1, 8, 8), 127, np.int8)
    for signed in (0, 1):
        np.testing.assert_array_equal(DCT(signed=signed).restore(array), array)
    np.testing.assert_array_equal(DCT().restore(-1 - array), -1 - array)


def test_columns_come_in_the_order_of_the_document():
    horizontal = np.tile(np.linspace(-100, 100, 8).astype(np.int8), (8, 1))
    tile = DCT(step=8).quantised(horizontal).reshape(8, 8)  # (u, v)
    assert tile[1, 0] != 0
    assert not tile[:, 1:].any()


def first_encoded(case):
    return Encoded(case.codec.get_config(), case.streams, case.array.shape, case.array.dtype)


def test_files_of_the_first_format_open():
    assert len(FIRST) == 7
    for case in FIRST:
        container = bytearray(first_encoded(case).to_bytes())
        container[8:10] = (1).to_bytes(2)  # the version that these had
        container[-4:] = zlib.crc32(container[:-4]).to_bytes(4)
        np.testing.assert_array_equal(decode(Encoded.from_bytes(container)), case.restored, strict=True)


def test_the_first_format_is_only_read():
    case = FIRST[0]
    with pytest.raises(CodecError, match="only read"):
        case.codec.encode(case.array)
    stream = case.streams["tiles"]
    encoded = first_encoded(case)
    with pytest.raises(CorruptDataError, match="too short"):
        decode(replace(encoded, streams={"tiles": EncodedStream(stream.data[:-1], stream.nbits - 8)}))
    for bad in ({"level": 5}, {"table": [[8] * 8] * 7}, {"table": [[12] * 8] * 8}, {"table": 8}):
        with pytest.raises(CodecError):
            FirstDCT(**bad)


def test_malformed_streams():
    codec = DCT()
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


def decode_text(text, shape=(8, 8)):
    """Decode a stream given as a text of zeros and ones."""
    bits = text + "0" * (-len(text) % 8)
    stream = EncodedStream(int(bits, 2).to_bytes(len(bits) // 8), len(text))
    return DCT().decode(Encoded(DCT().get_config(), {"tiles": stream}, shape, np.dtype(np.int8)))


def test_what_no_stream_may_hold():
    flat = "1110001" + "1" * 4 + "10" + "11" + "0" * 7  # the mean is 3, folded
    assert decode_text(flat).any() == 0  # a mean of -2, at step 2: half a sample
    for level in range(12, 16):
        with pytest.raises(CorruptDataError, match="unknown level"):
            decode_text(f"111{level:04b}" + "0" * 40)
    with pytest.raises(CorruptDataError, match="unknown level"):
        decode_text("1110000" + "10" + "0" * 40)  # one below an empty column
    with pytest.raises(CorruptDataError, match="out of range"):
        decode_text("1110010" + "1" * 7 + "0" * 16 + "1" + "0" * 40)  # a sum of 16
    with pytest.raises(CorruptDataError, match="out of range"):
        decode_text("1110001" + "1" * 3 + "0" * 16 + "1" + "0" * 40)
    with pytest.raises(CorruptDataError, match="goes on"):
        decode_text("1110000" + "0" * 7 + "1")


def test_padding_must_be_zero():
    flat = np.full((8, 8), 7, np.int8)
    (word,) = DCT().encode_words(flat)
    for wrong in (1, 1 << (64 - DCT().nbits(flat) - 1)):
        with pytest.raises(CorruptDataError, match="is padded with bits"):
            DCT().decode_words(np.array([int(word) | wrong], np.uint64), flat.shape)


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
        ({"step": 12}, "step must be a power of two from 1 to 64, not 12"),
        ({"step": 128}, "step must be an integer from 1 to 64, not 128"),
        ({"signed": 2}, "signed must be"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(CodecError, match=message):
        DCT(**parameters)
