"""The codecs as serializer of Zarr 3 arrays."""

import pickle
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

zarr = pytest.importorskip("zarr")

from silicodec.models.catalog import CODECS, make_codec  # noqa: E402
from silicodec.models.codec import CodecError  # noqa: E402
from silicodec.models.container import Encoded  # noqa: E402
from silicodec.models.numcodecs_adapter import ADAPTERS  # noqa: E402
from silicodec.models.zarr_codec import ZarrCodec  # noqa: E402

zarr.registry.register_codec("silicodec", ZarrCodec)

RANDOM = np.random.default_rng(0)
MAPS = np.maximum(RANDOM.integers(-60, 20, (32, 48)), 0).astype(np.int8)
PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def make_array(store, values, name="ebpc", **options):
    parameters = options.pop("parameters", {})
    options = {"chunks": (16,) * values.ndim, "compressors": None} | options
    serializer = ZarrCodec(name, **parameters)
    array = zarr.create_array(store, shape=values.shape, dtype=values.dtype, serializer=serializer, **options)
    array[:] = values
    return array


@pytest.mark.parametrize("name", ["ebpc", "bpc", "zero-rle", "zvc", "zstd", "deflate"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_array_reads_back_equal(tmp_path, name, order):
    make_array(tmp_path / "a", np.asarray(MAPS, order=order), name)
    reopened = zarr.open_array(tmp_path / "a", mode="r")
    np.testing.assert_array_equal(reopened[:], MAPS, strict=True)
    assert reopened.metadata.codecs == (ZarrCodec(**{"name": name, **parameters_of(name)}),)


def parameters_of(name):
    return {key: value for key, value in make_codec(name).get_config().items() if key != "id"}


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<u2", ">u2", "<f2", ">f2"])
def test_wide_words_are_found_by_themselves(tmp_path, dtype):
    values = (RANDOM.integers(0, 900, 48)).astype(dtype)
    array = make_array(tmp_path / "a", values)
    np.testing.assert_array_equal(array[:], values)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "a", mode="r")[:], values)


def test_chunk_is_a_container(tmp_path):
    make_array(tmp_path / "a", MAPS)
    container = (tmp_path / "a" / "c" / "1" / "2").read_bytes()
    assert container == make_codec("ebpc").encode(MAPS[16:, 32:]).to_bytes()
    assert Encoded.from_bytes(container).shape == (16, 16)


def test_shards_are_read_in_parts(tmp_path):
    make_array(tmp_path / "a", MAPS, shards=(32, 48))
    assert len(list((tmp_path / "a" / "c").rglob("[0-9]"))) == 2  # c/0/0: one file for six chunks
    reopened = zarr.open_array(tmp_path / "a", mode="r+")
    np.testing.assert_array_equal(reopened[3:20, ::7], MAPS[3:20, ::7])
    reopened[3:20] = 7
    np.testing.assert_array_equal(
        zarr.open_array(tmp_path / "a", mode="r")[2:21, 5], [MAPS[2, 5], *[7] * 17, MAPS[20, 5]]
    )


def test_a_compressor_may_follow(tmp_path):
    make_array(tmp_path / "a", MAPS, "zvc", compressors=zarr.codecs.ZstdCodec())
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "a", mode="r")[:], MAPS)


def test_lossy_codec(tmp_path):
    make_array(tmp_path / "a", MAPS, "dct")
    restored = zarr.open_array(tmp_path / "a", mode="r")[:]
    codec = make_codec("dct")
    np.testing.assert_array_equal(restored[:16, :16], codec.decode(codec.encode(MAPS[:16, :16])))


def test_values_that_are_read_only_or_not_contiguous(tmp_path):
    array = make_array(tmp_path / "a", MAPS)
    values = np.repeat(np.repeat(MAPS, 2, 0), 3, 1)[::2, ::3]
    values.flags.writeable = False
    array[:] = values
    np.testing.assert_array_equal(array[:], MAPS)
    array[4:20] = MAPS[4:20][:, ::-1]
    np.testing.assert_array_equal(array[4:20], MAPS[4:20, ::-1])


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask_reads_in_parallel(tmp_path, scheduler):
    arrays = pytest.importorskip("dask.array")
    make_array(tmp_path / "a", MAPS)
    parts = arrays.from_zarr(zarr.open_array(tmp_path / "a", mode="r"), chunks=(16, 48))
    total = parts.astype(np.int64).sum(axis=0).compute(scheduler=scheduler, num_workers=2)
    np.testing.assert_array_equal(total, MAPS.sum(axis=0, dtype=np.int64))


def test_pickle(tmp_path):
    array = make_array(tmp_path / "a", MAPS)
    assert pickle.loads(pickle.dumps(ZarrCodec("zvc", word_bits=5))) == ZarrCodec("zvc", word_bits=5)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array))[:], MAPS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: ZarrCodec("ebcp"), "did you mean ebpc"),
        (lambda path: ZarrCodec("entropy"), "is a bound"),
        (lambda path: ZarrCodec("ebpc", speed=3), "no parameter 'speed'"),
        (lambda path: make_array(path / "a", MAPS.astype(np.float32)), "not float32"),
        (
            lambda path: make_array(path / "a", MAPS.astype(np.int16) * 9, parameters={"word_bits": 8}),
            "does not fit in 8",
        ),
        (lambda path: make_array(path / "a", MAPS[0], "dct"), "takes maps"),
    ],
)
def test_bad_configuration(tmp_path, make, message):
    with pytest.raises(CodecError, match=message):
        make(tmp_path)


def test_chunk_of_another_array_is_refused(tmp_path):
    array = make_array(tmp_path / "a", MAPS)
    (tmp_path / "a" / "c" / "0" / "0").write_bytes(make_codec("ebpc").encode(MAPS[:8, :32]).to_bytes())
    with pytest.raises(CodecError, match=r"chunk holds int8 of shape \(8, 32\)"):
        array[:]


def test_entry_points_are_declared_for_every_codec():
    declared = tomllib.loads(PROJECT.read_text())["project"]["entry-points"]
    assert declared["numcodecs.codecs"].keys() == ADAPTERS.keys(), (
        'list it in pyproject.toml, [project.entry-points."numcodecs.codecs"]'
    )
    for group in declared.values():
        for name, target in group.items():
            module, _, attribute = target.partition(":")
            found = getattr(import_module(module), attribute)
            assert found in (ADAPTERS.get(name), ZarrCodec)
    assert all(name.removeprefix("silicodec-") in CODECS for name in ADAPTERS)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_array_opens_where_the_package_was_never_imported(tmp_path, zarr_format):
    if zarr_format == 3:
        make_array(tmp_path / "a", MAPS)
    else:
        codec = ADAPTERS["silicodec-ebpc"](word_bits=8)
        options = {"shape": MAPS.shape, "chunks": (16, 16), "dtype": MAPS.dtype}
        zarr.create_array(tmp_path / "a", zarr_format=2, compressors=codec, **options)[:] = MAPS
    code = f"import zarr; print(int(zarr.open_array({str(tmp_path / 'a')!r}, mode='r')[:].sum()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == str(MAPS.sum()), done.stderr
