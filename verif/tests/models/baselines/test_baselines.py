"""The baseline codecs against what their schemes say, and what only they have."""

import builtins
import zlib
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silicodec.models.catalog import BOUNDS, CODECS, make_codec, make_measure
from silicodec.models.codec import CodecError, CorruptDataError, Encoded, EncodedStream

WORDS = np.array([0, 0, 0, 0, 0, 9, 1, 0, 15], np.uint8)


def bits(stream):
    return "".join(f"{byte:08b}" for byte in stream.data)[: stream.nbits]


def test_zero_rle_codes_runs_and_words():
    encoded = make_codec("zero-rle", word_bits=4, run_bits=2).encode(WORDS)
    assert bits(encoded.streams["rle"]) == "011000110011000100011111"


@given(words=st.lists(st.just(0) | st.integers(0, 15), max_size=80), run_bits=st.integers(0, 5))
def test_zero_rle_round_trip_and_size(words, run_bits):
    codec = make_codec("zero-rle", word_bits=4, run_bits=run_bits)
    array = np.array(words, np.uint8)
    encoded = codec.encode(array)
    np.testing.assert_array_equal(codec.decode(encoded), array)
    runs = "".join("01"[word > 0] for word in words).split("1")
    codes = sum(-(-len(run) // 2**run_bits) for run in runs)
    assert codec.nbits(array) == encoded.nbits == codes * (1 + run_bits) + np.count_nonzero(array) * 5


@pytest.mark.parametrize("run_bits", [0, 1, 4, 9, 10])
@pytest.mark.parametrize("zeros", [0, 0.1, 0.5, 0.95])
def test_zero_rle_decodes_any_codes_of_bytes(run_bits, zeros):
    """Runs after runs and coded zero words too, which no encoder writes; bytes have a decoder of their own."""
    random = np.random.default_rng(run_bits)
    text, words = "", []
    for is_run in random.random(300) < zeros:
        number = random.integers(1 << run_bits if is_run else 256)
        text += f"0{number:0{run_bits}b}"[: 1 + run_bits] if is_run else f"1{number:08b}"
        words += [0] * (number + 1) if is_run else [number]
    codec = make_codec("zero-rle", run_bits=run_bits)

    def decode(text, count):
        stream = EncodedStream(int(text + "0" * (-len(text) % 8), 2).to_bytes(-(-len(text) // 8)), len(text))
        return codec.decode(Encoded(codec.get_config(), {"rle": stream}, (count,), np.dtype(np.uint8)))

    np.testing.assert_array_equal(decode(text, len(words)), words)
    for bad_text, count in ((text[:-1], len(words)), (text + "1", len(words)), (text, len(words) + 1)):
        with pytest.raises(CorruptDataError, match=r"RLE stream (is too short|has bits after)"):
            decode(bad_text, count)


def test_zvc_is_a_mask_and_the_nonzero_words():
    streams = make_codec("zvc", word_bits=4).encode(WORDS).streams
    assert bits(streams["mask"]) == "000001101"
    assert bits(streams["nonzero"]) == "100100011111"


def test_deflate_compresses_packed_words():
    codec = make_codec("deflate", word_bits=4)
    packed = bytes([0x00, 0x00, 0x09, 0x10, 0xF0])
    assert zlib.decompress(codec.encode(WORDS).streams["deflate"].data, wbits=-15) == packed
    wide = make_codec("deflate", word_bits=16).encode(np.array([0x1234, -2], np.int16))
    assert zlib.decompress(wide.streams["deflate"].data, wbits=-15) == bytes([0x12, 0x34, 0xFF, 0xFE])


@pytest.mark.parametrize("name", ["zstd", "deflate"])
def test_levels(name):
    array = np.random.default_rng(0).integers(0, 4, 4096).astype(np.uint8)
    sizes = {level: make_codec(name, level=level).nbits(array) for level in (1, 9)}
    assert sizes[9] <= sizes[1] < 8 * array.size
    with pytest.raises(CodecError, match="level must be an integer from"):
        make_codec(name, level=23)


@pytest.mark.parametrize("name", ["zstd", "deflate"])
@pytest.mark.parametrize("change", [b"", b"\0", b"garbage"])
def test_software_streams_must_hold_exactly_the_words(name, change):
    codec = make_codec(name)
    encoded = codec.encode(np.arange(100, dtype=np.uint8))
    data = encoded.streams[name].data
    data = data + change if change else data[:-5]
    with pytest.raises(CorruptDataError):
        codec.decode(Encoded(encoded.codec, {name: EncodedStream(data, 8 * len(data))}, (100,), encoded.dtype))
    for size in (99, 101):
        with pytest.raises(CorruptDataError, match=f"expected {size} bytes"):
            codec.decode(Encoded(encoded.codec, encoded.streams, (size,), encoded.dtype))


def test_zstandard_missing(monkeypatch):
    real_import = builtins.__import__

    def without_zstandard(name, *args, **kwargs):
        if name == "zstandard":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_zstandard)
    with pytest.raises(CodecError, match=r"pip install silicodec\[software\]"):
        make_codec("zstd").encode(np.zeros(4, np.int8))


@pytest.mark.parametrize(
    ("words", "nbits"),
    [([], 0), ([5] * 100, 0), ([0, 1] * 50, 100), ([0, 1, 2, 3] * 8, 64), ([0, 0, 0, 1], 4)],
)
def test_entropy(words, nbits):
    assert make_measure("entropy", word_bits=4).nbits(np.array(words, np.int8)) == nbits


@pytest.mark.parametrize(
    ("words", "nbits"),
    [([], 0), ([5] * 100, 100), ([0, 1] * 50, 100), ([0, 1, 2, 3] * 8, 64), ([0] * 4 + [1] * 2 + [2, 3], 14)],
)
def test_huffman(words, nbits):
    assert make_measure("huffman", word_bits=4).nbits(np.array(words, np.int8)) == nbits


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_are_no_codecs(name):
    assert name not in CODECS
    with pytest.raises(CodecError, match=f"'{name}' is a bound"):
        make_codec(name)
    with pytest.raises(CodecError, match="has one parameter, word_bits, not level"):
        make_measure(name, level=3)
    with pytest.raises(CodecError, match="word_bits must be"):
        make_measure(name, word_bits=17)


def test_mlw_counts_whole_bytes_or_names_its_package():
    weights = np.tile(np.array([0, 0, 3, -128, 127], np.int8), 100)
    if find_spec("ethosu") is None:
        with pytest.raises(CodecError, match="pip install 'silicodec\\[mlw\\]'"):
            make_measure("mlw").nbits(weights)
    else:
        from ethosu import mlw_codec

        nbits = make_measure("mlw").nbits(weights)
        assert nbits == 8 * len(mlw_codec.encode(weights.tolist()))
        assert nbits == make_measure("mlw").nbits(weights.view(np.uint8))
    with pytest.raises(CodecError, match="up to 8 bits"):
        make_measure("mlw", word_bits=16)
