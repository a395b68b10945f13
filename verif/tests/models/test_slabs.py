"""Large arrays are coded slab by slab: the same bits, and little memory."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silicodec.models import bitstream
from silicodec.models.baselines import zero_rle, zvc
from silicodec.models.bitstream import join, pack, unpack, window
from silicodec.models.catalog import make_codec
from silicodec.models.codec import CorruptDataError, EncodedStream
from silicodec.models.dct import maps as dct_maps
from silicodec.models.dct import parser
from silicodec.models.dct import stream as dct_stream
from silicodec.models.dictionary import entries
from silicodec.models.ebpc import bpc, parallel_loops, znz
from silicodec.models.transform import codec as transform

RANDOM = np.random.default_rng(0)
SPARSE = RANDOM.integers(-7, 8, 1000) * (RANDOM.random(1000) < 0.4)
RUNS = np.repeat(RANDOM.integers(-1, 2, 40), RANDOM.integers(1, 60, 40))
ARRAYS = [
    SPARSE,
    RUNS,
    np.zeros(333, int),
    np.arange(-8, 8).repeat(9),
    np.array([0] * 200 + [3] + [0] * 91),
    SPARSE[:0],
]
CODECS = [
    ("ebpc", {}),
    ("ebpc", {"max_zero_run": 1024}),
    ("ebpc", {"word_bits": 5, "block_size": 3}),
    ("ebpc", {"word_bits": 16, "block_size": 16, "max_zero_run": 65536}),
    ("ebpc-parallel", {}),
    ("ebpc-parallel", {"word_bits": 12}),
    ("bpc", {"word_bits": 9}),
    ("zvc", {}),
    ("zvc", {"word_bits": 5}),
    ("zero-rle", {}),
    ("zero-rle", {"run_bits": 9}),
    ("dictionary", {}),
    ("dictionary", {"slot_bits": 2}),
    ("dictionary", {"entry_size": 1, "code_bits": 16, "slot_bits": 3}),
    ("dictionary", {"word_bits": 12, "entry_size": 4, "slot_bits": 3}),
]


@pytest.fixture
def small_slabs(monkeypatch):
    """Let slabs be small, when it is called."""

    def shrink(size):
        for module in (bitstream, bpc, parallel_loops, znz, zvc, zero_rle, dct_maps, transform, entries):
            monkeypatch.setattr(module, "SLAB", size)

    return shrink


@pytest.mark.parametrize("size", [16, 64, 200])
@pytest.mark.parametrize(("name", "parameters"), CODECS)
def test_bits_do_not_depend_on_slabs(small_slabs, name, parameters, size):
    codec = make_codec(name, **parameters)
    dtype = np.int16 if codec.word_bits > 8 else np.int8
    whole = [codec.encode(values.astype(dtype)) for values in ARRAYS]
    small_slabs(size)
    for values, encoded in zip(ARRAYS, whole, strict=True):
        assert codec.encode(values.astype(dtype)) == encoded
        np.testing.assert_array_equal(codec.decode(encoded), values.astype(dtype), strict=True)


MAPS = [(5, 3, 16, 24), (2, 3, 13, 21), (1, 200, 9), (7, 40), (3, 0, 8), (2, 2, 0, 8), (1, 8, 8)]


@pytest.mark.parametrize("size", [16, 600, 2000])
@pytest.mark.parametrize("shape", MAPS)
@pytest.mark.parametrize(
    ("name", "parameters"), [("dct", {}), ("dct", {"signed": 0}), ("transform", {"symbol_bits": 5})]
)
def test_maps_do_not_depend_on_slabs(small_slabs, name, parameters, shape, size):
    codec = make_codec(name, **parameters)
    maps = RANDOM.integers(0, 100, shape).astype(np.int8)
    whole = codec.encode(maps)
    decoded = codec.decode(whole)
    small_slabs(size)
    assert codec.encode(maps) == whole
    np.testing.assert_array_equal(codec.decode(whole), decoded, strict=True)
    np.testing.assert_array_equal(codec.restore(maps), decoded, strict=True)
    if not maps.size:
        return
    (stream,) = codec.stream_names
    found = whole.streams[stream]
    longer = EncodedStream(found.data + bytes(2), 8 * len(found.data) + 16)
    for bad in (longer, EncodedStream(found.data[: len(found.data) // 4 * 2], len(found.data) // 4 * 16)):
        with pytest.raises(CorruptDataError):
            codec.decode(type(whole)(whole.codec, {stream: bad}, shape, maps.dtype))


@pytest.mark.parametrize("step", [1, 4])
def test_tiles_do_not_depend_on_windows(monkeypatch, step):
    """Tiles are decoded from windows of the stream, the next of which may begin in any of 64 bits."""
    codec = make_codec("dct", step=step)
    maps = RANDOM.normal(0, 30, (40, 64, 64)).clip(-128, 127).astype(np.int8)
    encoded = codec.encode(maps)
    monkeypatch.setattr(dct_stream, "WINDOW", parser.MOST_GROUP_BITS // 64 * 8 + 16)
    np.testing.assert_array_equal(codec.decode(encoded), codec.restore(maps))


@pytest.mark.parametrize(("name", "parameters"), CODECS)
def test_damage_is_found_in_any_slab(small_slabs, name, parameters):
    codec = make_codec(name, **parameters)
    dtype = np.int16 if codec.word_bits > 8 else np.int8
    encoded = codec.encode(SPARSE.astype(dtype))
    small_slabs(64)
    for stream, found in encoded.streams.items():
        cut = EncodedStream(bytes(len(found.data) - 3), 8 * (len(found.data) - 3))
        for bad in (cut, EncodedStream(found.data + b"\0", 8 * len(found.data) + 8)):
            with pytest.raises(CorruptDataError):
                codec.decode(type(encoded)(encoded.codec, {**encoded.streams, stream: bad}, (1000,), np.dtype(dtype)))


@given(st.lists(st.text("01", max_size=40), max_size=12))
def test_streams_are_joined_bit_after_bit(texts):
    def stream(text):
        return EncodedStream(int(text + "0" * (-len(text) % 8) or "0", 2).to_bytes(-(-len(text) // 8)), len(text))

    assert join(stream(text) for text in texts) == stream("".join(texts))


@given(st.binary(max_size=60), st.integers(0, 500), st.integers(0, 300))
def test_window_is_what_follows_a_position(data, position, nbits):
    text = "".join(f"{byte:08b}" for byte in data)
    position = min(position, len(text))
    bits = "".join(f"{int(element):064b}" for element in window(data, position, nbits))
    wanted = text[position : position + nbits]
    assert bits[: len(wanted)] == wanted
    assert len(bits) >= nbits - (nbits - len(wanted)) + 128


@pytest.mark.parametrize("word_bits", [4, 5, 8, 12, 16])
def test_words_are_unpacked_from_any_start(word_bits):
    words = RANDOM.integers(0, 1 << word_bits, 100).astype(np.uint8 if word_bits <= 8 else np.uint16)
    data = pack(words, word_bits).data
    for start in (0, 1, 37, 99, 100):
        np.testing.assert_array_equal(unpack(data, word_bits, 100 - start, start), words[start:], strict=True)


PEAK = """
import resource, sys
import numpy as np
from silicodec.models.catalog import make_codec

codec = make_codec(sys.argv[1])
tile = np.random.default_rng(0).integers(-128, 128, 1 << 20).astype(np.int8)
tile[np.random.default_rng(1).random(tile.size) < float(sys.argv[2])] = 0
small = np.tile(tile, 3).reshape(3, 1, 1024, 1024)
codec.decode(codec.encode(small))  # compiled loops, tables, and the slabs' own memory
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
words = np.tile(tile, 64).reshape(64, 1, 1024, 1024)
encoded = codec.encode(words)
peaks = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]
del words
decoded = codec.decode(encoded)
peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(*((peak - before) * 1024 / decoded.nbytes for peak in peaks), encoded.nbits / 8 / decoded.nbytes)
"""


@pytest.mark.prove
@pytest.mark.parametrize("zeros", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("name", ["ebpc", "bpc", "zvc", "zero-rle", "deflate", "zstd", "dct", "transform"])
def test_memory_is_that_of_array_and_streams(name, zeros):
    """The peak while coding, in sizes of the array: at most a quarter more than the array and its streams."""
    done = subprocess.run([sys.executable, "-c", PEAK, name, str(zeros)], capture_output=True, text=True, check=True)
    encoding, decoding, streams = map(float, done.stdout.split())
    assert max(encoding, decoding) < 1.25 + streams
