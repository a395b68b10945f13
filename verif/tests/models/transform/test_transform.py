"""The codec transform: its arithmetic and format, and what its decoder rejects."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from silicodec.models.catalog import decode
from silicodec.models.codec import CodecError, CorruptDataError, Encoded, EncodedStream
from silicodec.models.transform.codec import LinearTransform, TransformCodec
from silicodec.models.transform.huffman import HuffmanCode

DOCUMENT = (Path(__file__).parents[4] / "docs" / "formats" / "transform.md").read_text()


def random_transform(random, rows, columns, out_bits=8):
    matrix = random.integers(-128, 128, (rows, columns), np.int8)
    bias = random.integers(-(2**31), 2**31, rows, np.int32)
    return LinearTransform(matrix, bias, int(random.integers(0, 32)), out_bits)


def random_codec(random, channels=3, components=2, block=1, signed=1, symbol_bits=6):
    """Random tables that restore something like what was there."""
    columns = channels * block**2
    forward = random_transform(random, components, columns, symbol_bits)
    inverse = random_transform(random, columns, components)
    code = HuffmanCode.from_histogram(random.integers(0, 1000, (1 << symbol_bits) + 1), symbol_bits)
    return TransformCodec.from_tables(forward, inverse, code, block=block, signed=signed)


@st.composite
def cases(draw):
    """A codec and maps for it."""
    random = np.random.default_rng(draw(st.integers(0, 99)))
    channels, block, signed = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(0, 1))
    components, symbol_bits = draw(st.integers(1, 5)), draw(st.integers(2, 8))
    codec = random_codec(random, channels, components, block, signed, symbol_bits)
    plain = TransformCodec(symbol_bits=symbol_bits, block=block, signed=signed)
    shape = (*draw(npst.array_shapes(min_dims=0, max_dims=1, min_side=0, max_side=3)), channels, *draw(SIZES))
    dtype = np.dtype(draw(st.sampled_from(["int8", "uint8"])))
    low = 0 if not signed else np.iinfo(dtype).min
    values = random.integers(low, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    return draw(st.sampled_from([codec, plain])), values


SIZES = st.tuples(st.integers(0, 7), st.integers(0, 7))


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (64, 64), (20, 1024), (3, 1500)])
@pytest.mark.parametrize("out_bits", [2, 5, 8])
def test_linear_transform_is_that_of_the_document(rows, columns, out_bits):
    random = np.random.default_rng(0)
    for _ in range(5):
        transform = random_transform(random, rows, columns, out_bits)
        vectors = random.choice(np.array([-128, 127, 0, 5], np.int8), (1100, columns))
        sums = vectors.astype(np.int64) @ transform.matrix.T.astype(np.int64) + transform.bias
        shifted = ((sums + 2**31) % 2**32 - 2**31) >> transform.shift
        expected = np.clip(shifted, -(1 << (out_bits - 1)), (1 << (out_bits - 1)) - 1)
        np.testing.assert_array_equal(transform.apply(vectors), expected.astype(np.int8), strict=True)


@pytest.mark.parametrize("columns", [256, 1024, 1025])
def test_largest_sums_are_exact(columns):
    """Sums near the largest, odd ones too, which floating point would be first to round."""
    matrix = np.array([[-128], [-127], [127]], np.int8).repeat(columns, axis=1)
    vectors = np.array([[-128], [-127], [127]], np.int8).repeat(columns, axis=1)
    vectors[1:, -1] = 1
    sums = vectors.astype(np.int64) @ matrix.T.astype(np.int64)
    assert abs(sums).max() == columns * 2**14
    # Its negative as the bias makes a sum 0; no other row may come near.
    for (vector, row), total in np.ndenumerate(sums):
        transform = LinearTransform(matrix[row : row + 1], np.array([-total], np.int32), 0)
        assert transform.apply(vectors)[:, 0].tolist() == np.clip(sums[:, row] - total, -128, 127).tolist()
        assert transform.apply(vectors)[vector, 0] == 0


@given(cases())
def test_decodes_to_what_restore_gives(case):
    codec, array = case
    encoded = codec.encode(array)
    restored = codec.restore(array)
    np.testing.assert_array_equal(decode(Encoded.from_bytes(encoded.to_bytes())), restored, strict=True)
    assert (restored.shape, restored.dtype) == (array.shape, array.dtype)
    assert codec.nbits(array) == encoded.nbits
    assert codec.signed or not restored.size or restored.min() >= 0


def test_vectors_come_in_the_order_of_the_document():
    array = np.random.default_rng(0).integers(-128, 128, (2, 3, 5, 3), np.int8)
    padded = np.pad(array, ((0, 0), (0, 0), (0, 1), (0, 1)), mode="edge")
    expected = [
        padded[n, :, y + dy, x + dx]
        for n in range(2)
        for y in range(0, 6, 2)
        for x in range(0, 4, 2)
        for dy in range(2)
        for dx in range(2)
    ]
    quantised = TransformCodec(block=2).quantised(array)
    np.testing.assert_array_equal(quantised.reshape(-1, 3), expected)
    np.testing.assert_array_equal(TransformCodec(block=2).restore(array), array)


def test_maps_without_pixels_take_no_memory():
    array = np.zeros((2**30, 0, 0), np.int8)
    assert TransformCodec().decode(TransformCodec().encode(array)).shape == array.shape


def test_each_map_is_a_packet():
    random = np.random.default_rng(0)
    codec = random_codec(random)
    array = random.integers(-128, 128, (4, 3, 5, 7), np.int8)
    words = [codec.encode(maps).streams["symbols"].data for maps in array]
    assert codec.encode(array).streams["symbols"].data == b"".join(words)
    symbols = codec.code.decode_words(np.frombuffer(words[0], ">u2"))
    np.testing.assert_array_equal(symbols, codec.quantised(array[0])[0] & 63)


def test_arrays_of_fewer_dimensions_are_one_map():
    array = np.arange(-20, 20, dtype=np.int8)
    for shape in ((40,), (5, 8)):
        encoded = TransformCodec().encode(array.reshape(shape))
        assert encoded.streams == TransformCodec().encode(array.reshape(1, 1, 40)).streams
        np.testing.assert_array_equal(TransformCodec().decode(encoded), array.reshape(shape))


@pytest.mark.parametrize("symbol_bits", range(2, 9))
def test_without_tables_it_quantises(symbol_bits):
    codec = TransformCodec(symbol_bits=symbol_bits)
    array = np.arange(-128, 128).astype(np.int8).reshape(4, 8, 8)
    step = 1 << (8 - symbol_bits)
    expected = np.minimum(np.floor(array / step + 0.5) * step, 128 - step)
    np.testing.assert_array_equal(codec.restore(array), expected)
    lowest, others = codec.code.lengths[1 << (symbol_bits - 1)], np.delete(codec.code.lengths, 1 << (symbol_bits - 1))
    assert (lowest, others[-1], set(others[:-1])) == (symbol_bits + 1, symbol_bits + 1, {symbol_bits})


def test_unsigned_arrays_lose_their_offset():
    random = np.random.default_rng(0)
    codec = random_codec(random)
    array = random.integers(-128, 128, (3, 8, 16), np.int8)
    unsigned = (array.astype(np.int16) + 128).astype(np.uint8)
    assert codec.encode(array).streams == codec.encode(unsigned).streams
    np.testing.assert_array_equal(codec.restore(unsigned) - 128.0, codec.restore(array))


def test_tables_count():
    codec = random_codec(np.random.default_rng(0), channels=3, components=2, symbol_bits=6)
    assert codec.table_bits == 4 * 65 + 2 * 8 * 6 + 32 * (2 + 3)
    assert TransformCodec(symbol_bits=4).table_bits == 4 * 17


def malformed(codec, array, data):
    stream = EncodedStream(data, 8 * len(data))
    return codec.decode(Encoded(codec.get_config(), {"symbols": stream}, array.shape, array.dtype))


def test_malformed_streams():
    codec = TransformCodec()
    array = np.zeros((2, 3, 5), np.int8)
    data = codec.encode(array).streams["symbols"].data
    with pytest.raises(CorruptDataError, match="no end"):
        malformed(codec, array, data[:-2])
    with pytest.raises(CorruptDataError, match="words after its end"):
        malformed(codec, array, data + bytes(2))
    with pytest.raises(CorruptDataError, match="words of 16 bits"):
        malformed(codec, array, data[:-1])
    with pytest.raises(CorruptDataError, match="number of symbols"):
        malformed(codec, np.zeros((2, 3, 4), np.int8), data)
    with pytest.raises(CorruptDataError, match="cannot hold"):
        malformed(codec, np.broadcast_to(np.int8(0), (2**20, 2**20, 2**20)), data)
    with pytest.raises(CorruptDataError, match="must have 3 channels"):
        malformed(random_codec(np.random.default_rng(0)), array, data)
    with pytest.raises(CorruptDataError, match="int8 or uint8"):
        malformed(codec, array.astype(np.int16), data)


def test_arrays_that_are_not_maps():
    with pytest.raises(CodecError, match="int8 or uint8, not int16"):
        TransformCodec().encode(np.zeros((8, 8), np.int16))
    with pytest.raises(CodecError, match="use signed=1"):
        TransformCodec(signed=0).encode(np.full((8, 8), -1, np.int8))
    with pytest.raises(CodecError, match="must have 3 channels, not 5"):
        random_codec(np.random.default_rng(0)).encode(np.zeros((5, 8, 8), np.int8))


TABLES = {"matrix": "AQEBAQ==", "bias": "AAAAAAAAAAA=", "inverse_matrix": "AQEBAQ==", "inverse_bias": "AAAAAAAAAAA="}
"""Matrices of 2 x 2 elements."""


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"word_bits": 4}, "word_bits must be 8"),
        ({"symbol_bits": 9}, "symbol_bits must be an integer from 2 to 8, not 9"),
        ({"block": 0}, "block must be"),
        ({"signed": 2}, "signed must be"),
        ({"shift": 32}, "shift must be"),
        ({"inverse_shift": -1}, "inverse_shift must be"),
        ({"matrix": "AQ"}, "matrix must be a table of int8 in base64"),
        ({"bias": 7}, "bias must be a table of int32 in base64"),
        ({"matrix": "AQ=="}, "matrix has 1 elements, which are not 0 rows"),
        (TABLES | {"bias": "AAAAAAAAAAAAAAAA"}, "matrix has 4 elements, which are not 3 rows"),
        (TABLES | {"inverse_matrix": "AQE="}, r"matrices of \(2, 2\) and \(2, 1\) elements"),
        (TABLES | {"block": 2}, "blocks of 2 x 2 pixels"),
        ({"lengths": "AgICAw=="}, r"2\*\*symbol_bits"),
        ({"lengths": "AgICAwM="}, "lengths must be 257 numbers, not 5"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(CodecError, match=message):
        TransformCodec(**parameters)


@pytest.mark.parametrize(
    ("matrix", "bias", "message"),
    [
        (np.ones((2, 3)), np.ones(2, np.int32), "matrix must be int8"),
        (np.ones((2, 3), np.int8), np.ones(3, np.int32), "one for each of 2 rows"),
    ],
)
def test_bad_transforms(matrix, bias, message):
    with pytest.raises(CodecError, match=message):
        LinearTransform(matrix, bias, 3)


EXAMPLE = DOCUMENT.split("## Example\n")[1].split("\n## ")[0]


def example_row(name):
    """The cells of a row of one of the example's tables: lists of numbers."""
    cells = re.search(rf"^\| {name} \|(.+)\|$", EXAMPLE, re.MULTILINE)[1].split("|")
    return [[int(number) for number in cell.replace(";", "").replace("`", "").split()] for cell in cells]


def test_example_of_the_document():
    forward, inverse = (
        LinearTransform(np.array(matrix, np.int8).reshape(2, 2), np.array(bias, np.int32), shift, out_bits)
        for name, out_bits in (("forward", 3), ("inverse", 8))
        for matrix, bias, (shift,) in [example_row(name)]
    )
    lengths = re.search(r"lengths ([0-9 ]+) make", EXAMPLE)[1].split()
    codec = TransformCodec.from_tables(forward, inverse, HuffmanCode(np.array(lengths, np.uint8)))
    code_words = [f"{code:0{length}b}" for code, length in zip(codec.code.codes, codec.code.lengths, strict=True)]
    assert re.findall("`([01]+)`", EXAMPLE.split("A map of")[0]) == code_words
    pixels = ["14 3", "9 -5", "22 16"]
    array = np.array([pixel.split() for pixel in pixels], int).astype(np.int8).T.reshape(2, 1, 3)
    restored = codec.restore(array)
    for index, pixel in enumerate(pixels):
        sums, components, words, channels = example_row(pixel)
        assert (forward.matrix.astype(int) @ array[:, 0, index] + forward.bias).tolist() == sums
        assert codec.quantised(array).reshape(3, 2)[index].tolist() == components
        assert words == [int(code_words[component]) for component in components]
        assert restored[:, 0, index].tolist() == channels
    packet = re.search(r"the words `([0-9a-f ]+)`", EXAMPLE)[1]
    assert codec.encode(array).streams["symbols"].data.hex(" ", 2) == packet
