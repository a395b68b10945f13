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
    assert len(encoded) < MAPS.nbytes
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
