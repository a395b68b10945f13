"""Reading a container: whatever the file, one clear error or the array."""

import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silicodec.models.catalog import decode, make_codec
from silicodec.models.codec import CorruptDataError, Encoded, EncodedStream

ARRAY = np.array([[0, 0, 3], [4, 5, 0]], np.int8)
ENCODED = make_codec("ebpc").encode(ARRAY)
CONTAINER = ENCODED.to_bytes()
PINNED = (
    "89534c430d0a1a0a0001000000850000000000000008"  # magic, version, lengths
    "7b22636f646563223a7b226964223a2265627063222c22776f72645f62697473223a382c22626c6f636b5f73697a65223a38"
    "2c226d61785f7a65726f5f72756e223a31367d2c227368617065223a5b322c335d2c226474797065223a22696e7438222c22"
    "73747265616d73223a5b5b227a6e7a222c31335d2c5b22627063222c34335d5d7d"
    "0f0003f01008d160"
    "893ea7ba"  # CRC-32
)
PREFIX = struct.Struct(">8sHIQ")


def container_with(header=None, version=1, payload=None, **changes):
    """Write a container whose checksum is right, and all else as asked for."""
    _, _, header_size, _ = PREFIX.unpack_from(CONTAINER)
    if header is None:
        header = json.loads(CONTAINER[PREFIX.size :][:header_size]) | changes
    if not isinstance(header, bytes):
        header = json.dumps(header).encode()
    if payload is None:
        payload = CONTAINER[PREFIX.size + header_size : -4]
    content = PREFIX.pack(CONTAINER[:8], version, len(header), len(payload)) + header + payload
    return content + struct.pack(">I", zlib.crc32(content))


def test_holds_everything():
    encoded = Encoded.from_bytes(CONTAINER)
    assert encoded == ENCODED
    assert encoded.codec == {"id": "ebpc", "word_bits": 8, "block_size": 8, "max_zero_run": 16}
    np.testing.assert_array_equal(decode(encoded), ARRAY, strict=True)
    assert Encoded.from_bytes(container_with()) == ENCODED


def test_repr_is_short():
    assert repr(ENCODED) == (
        "<Encoded int8 (2, 3) by ebpc(word_bits=8, block_size=8, max_zero_run=16): bits znz 13, bpc 43>"
    )
    assert repr(ENCODED.streams["znz"]) == "<EncodedStream, 13 bits: 0f00>"
    assert len(repr(make_codec("ebpc").encode(np.arange(100_000).astype(np.int8)).streams)) < 100


def test_is_written_as_ever():
    assert CONTAINER.hex() == PINNED


@pytest.mark.parametrize("content", [b"", b"\x89SLC", b"PK\x03\x04", b"\x93NUMPY\x01\x00" + bytes(100)])
def test_foreign_file(content):
    with pytest.raises(CorruptDataError, match="not a silicodec container"):
        Encoded.from_bytes(content)


@pytest.mark.parametrize("size", range(8, len(CONTAINER)))
def test_truncated_file(size):
    with pytest.raises(CorruptDataError, match="truncated"):
        Encoded.from_bytes(CONTAINER[:size])


def test_longer_file():
    with pytest.raises(CorruptDataError, match="damaged: 1 bytes after its end"):
        Encoded.from_bytes(CONTAINER + b"\0")


def test_largest_shape_of_an_empty_array():
    empty = make_codec("ebpc").encode(np.zeros((0, 2**61), np.int16))
    assert decode(Encoded.from_bytes(empty.to_bytes())).shape == (0, 2**61)


@given(st.integers(0, 8 * len(CONTAINER) - 1))
def test_any_flipped_bit_is_found(bit):
    damaged = bytearray(CONTAINER)
    damaged[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(CorruptDataError):
        Encoded.from_bytes(bytes(damaged))


def test_newer_version():
    with pytest.raises(CorruptDataError, match=r"of version 3; .* upgrade"):
        Encoded.from_bytes(container_with(version=3))


def test_version_of_a_changed_format():
    """An older reader says of these files alone that it needs an upgrade."""
    container = make_codec("dct").encode(np.zeros((8, 8), np.int8)).to_bytes()
    assert PREFIX.unpack_from(container)[1] == 2
    assert PREFIX.unpack_from(CONTAINER)[1] == 1


@pytest.mark.parametrize(
    ("container", "message"),
    [
        (container_with(version=0), "version is 0"),
        (container_with(header=b"{"), "not JSON"),
        (container_with(header=b"\xff"), "not JSON"),
        (container_with(header=b"[" * 100_000), "not JSON"),
        (container_with(header=b"[" + b"9" * 10_000 + b"]"), "not JSON"),
        (container_with(header=[]), "must have the fields"),
        (container_with(header={}), "must have the fields"),
        (container_with(more=1), "must have the fields"),
        (container_with(codec="ebpc"), "codec must be"),
        (container_with(codec={"word_bits": 8}), "codec must be"),
        (container_with(codec={"id": "ebpc"}), "codec must be"),
        (container_with(shape=6), "list of sizes"),
        (container_with(shape=[2, -3]), "list of sizes"),
        (container_with(shape=[2.0, 3]), "list of sizes"),
        (container_with(shape=[True, 6]), "list of sizes"),
        (container_with(shape=[1] * 65), "list of sizes"),
        (container_with(shape=[2**40, 2**40]), "too large"),
        (container_with(shape=[0, 2**61, 2]), "too large"),
        (container_with(dtype="float64"), "dtype must be one of"),
        (container_with(dtype=["int8"]), "dtype must be one of"),
        (container_with(dtype=">int8"), "dtype must be one of"),
        (container_with(streams={}), "pairs of a name and a number"),
        (container_with(streams=[["znz"]]), "pairs of a name and a number"),
        (container_with(streams=[["znz", -1]]), "pairs of a name and a number"),
        (container_with(streams=[["znz", 8], ["znz", 8]]), "different names"),
        (container_with(streams=[["znz", 8]]), "its header says 1"),
        (container_with(streams=[["znz", 2**60], ["bpc", 0]]), "cannot have"),
        (container_with(streams=[["znz", 8], ["bpc", 0]], payload=b""), "cannot have"),
        (container_with(streams=[["znz", 7], ["bpc", 0]], payload=b"\x01"), "not all zero"),
    ],
)
def test_bad_field(container, message):
    with pytest.raises(CorruptDataError, match=message):
        Encoded.from_bytes(container)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codec": {"id": "lzw", "word_bits": 8}}, "unknown codec 'lzw'"),
        ({"codec": {"id": "ebpc", "word_bits": 40}}, "word_bits must be"),
        ({"codec": {"id": "ebpc", "word_bits": 8, "blocks": 8}}, "no parameter 'blocks'"),
        ({"codec": {"id": "ebpc", "word_bits": 8, "block_size": "8"}}, "block_size must be"),
        ({"codec": {"id": "ebpc", "word_bits": 8, "max_zero_run": 16}}, "given by all its parameters"),
        ({"codec": {"id": "zvc", "word_bits": 8}}, "streams must be"),
        ({"codec": {"id": "entropy", "word_bits": 8}}, "is a bound"),
        ({"dtype": "float16"}, "float16"),
        ({"shape": [2, 4]}, "too short"),
        ({"shape": [2, 2]}, "beyond the packet|after its end"),
        ({"shape": [2**20, 2**20, 2**20]}, "too short"),
    ],
)
def test_what_only_the_codec_can_tell(changes, message):
    encoded = Encoded.from_bytes(container_with(**changes))
    with pytest.raises(CorruptDataError, match=message):
        decode(encoded)


def test_values_that_the_dtype_cannot_hold():
    encoded = make_codec("zvc", word_bits=16).encode(np.array([300], np.int16))
    with pytest.raises(CorruptDataError, match="do not fit in int8"):
        decode(Encoded(encoded.codec, encoded.streams, encoded.shape, np.dtype(np.int8)))


@pytest.mark.parametrize("codec", ["ebpc", "bpc", "zero-rle", "zvc", "deflate"])
@pytest.mark.parametrize("dtype", [">i2", "<i2", ">u2", ">f2"])
def test_byte_order_comes_back(codec, dtype):
    array = np.array([[0, 258, 3], [4, 0, 0]]).astype(dtype)
    encoded = Encoded.from_bytes(make_codec(codec, word_bits=16).encode(array).to_bytes())
    np.testing.assert_array_equal(decode(encoded), array, strict=True)
    swapped = array.astype(np.dtype(dtype).newbyteorder())
    assert make_codec(codec, word_bits=16).encode(swapped).streams == encoded.streams


@pytest.mark.parametrize(("data", "nbits"), [(b"", 1), (b"ab", 8), (b"a", -1)])
def test_stream_length_must_fit_its_bits(data, nbits):
    with pytest.raises(CorruptDataError, match="cannot have"):
        EncodedStream(data, nbits)
