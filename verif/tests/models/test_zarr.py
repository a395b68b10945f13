"""The codecs in numcodecs and Zarr."""

import pickle

import numpy as np
import pytest

numcodecs = pytest.importorskip("numcodecs")

from silicodec.models.codec import CodecError  # noqa: E402
from silicodec.models.numcodecs_adapter import ADAPTERS, register  # noqa: E402

MAPS = np.maximum(np.random.default_rng(0).integers(-60, 20, (30, 40)), 0).astype(np.int8)


@pytest.fixture(autouse=True)
def registered():
    register()


@pytest.mark.parametrize("codec_id", ADAPTERS)
def test_numcodecs_makes_and_uses_it(codec_id):
    codec = numcodecs.get_codec({"id": codec_id, "word_bits": 8})
    assert numcodecs.get_codec(codec.get_config()) == codec
    assert pickle.loads(pickle.dumps(codec)) == codec
    encoded = codec.encode(MAPS)
    np.testing.assert_array_equal(codec.decode(encoded).reshape(MAPS.shape), MAPS)
    out = np.empty_like(MAPS)
    codec.decode(encoded, out=out)
    np.testing.assert_array_equal(out, MAPS)
    assert codec.decode(codec.encode(b"bytes")).tobytes() == b"bytes"


def test_bad_parameter():
    with pytest.raises(CodecError, match="word_bits"):
        numcodecs.get_codec({"id": "silicodec-ebpc", "word_bits": 3})


@pytest.mark.parametrize("order", ["C", "F"])
def test_zarr_array_compressed_with_ebpc_reads_back_equal(tmp_path, order):
    zarr = pytest.importorskip("zarr")
    codec = numcodecs.get_codec({"id": "silicodec-ebpc", "word_bits": 8})
    array = zarr.create_array(
        tmp_path, shape=MAPS.shape, chunks=(16, 16), dtype=MAPS.dtype, zarr_format=2, compressors=codec, order=order
    )
    array[:] = MAPS
    reopened = zarr.open_array(tmp_path, mode="r")
    assert reopened.metadata.compressor == codec
    np.testing.assert_array_equal(reopened[:], MAPS)


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<u2", ">u2", "<f2", ">f2"])
@pytest.mark.parametrize("codec_id", ["silicodec-ebpc", "silicodec-zvc", "silicodec-zstd"])
def test_zarr_array_keeps_its_byte_order(tmp_path, dtype, codec_id):
    zarr = pytest.importorskip("zarr")
    values = np.arange(16, dtype=dtype)
    codec = numcodecs.get_codec({"id": codec_id, "word_bits": 16})
    array = zarr.create_array(tmp_path, shape=(16,), chunks=(8,), dtype=dtype, zarr_format=2, compressors=codec)
    array[:] = values
    np.testing.assert_array_equal(zarr.open_array(tmp_path, mode="r")[:], values, strict=True)
    out = np.empty_like(values)
    assert codec.decode(codec.encode(values), out=out) is out
    np.testing.assert_array_equal(out, values, strict=True)


def test_buffers_of_any_layout():
    codec = numcodecs.get_codec({"id": "silicodec-ebpc", "word_bits": 8})
    read_only = MAPS.copy()
    read_only.flags.writeable = False
    for values in (read_only, MAPS[::2, ::3], MAPS[::-1]):
        np.testing.assert_array_equal(codec.decode(codec.encode(values)).reshape(values.shape), values)
    out = np.zeros((60, 40), np.int8)
    codec.decode(codec.encode(MAPS), out=out[::2])
    np.testing.assert_array_equal(out[::2], MAPS)
    assert not out[1::2].any()
    out.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        codec.decode(codec.encode(MAPS), out=out[::2])
