"""The C sources of EBPC against the reference: the same streams, and the same verdict on malformed ones."""

import ctypes
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.cli import main
from silicodec.models.codec import CorruptDataError
from silicodec.models.ebpc import EBPC
from silicodec.models.firmware import write_c

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-O2"]
CODECS = [
    EBPC(word_bits=8),
    EBPC(word_bits=16, block_size=16),
    EBPC(word_bits=4, block_size=2, max_zero_run=1),
    EBPC(word_bits=12, block_size=5, max_zero_run=64),
    EBPC(word_bits=16, block_size=3, max_zero_run=1 << 16),
]
each_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: f"w{codec.word_bits}-n{codec.block_size}")


class Output(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("bits", ctypes.c_size_t))


class Input(ctypes.Structure):
    _fields_ = (("data", ctypes.c_char_p), ("bits", ctypes.c_size_t))


@cache
def library(codec):
    folder = Path(mkdtemp())
    try:
        write_c(codec, folder)
        command = ["gcc", *STRICT, "-shared", "-fPIC", "-o", "ebpc.so", "ebpc.c"]
        subprocess.run(command, cwd=folder, check=True)
        loaded = ctypes.CDLL(str(folder / "ebpc.so"))
    finally:
        shutil.rmtree(folder)
    loaded.ebpc_decode.argtypes = [Input, Input, ctypes.c_void_p, ctypes.c_size_t]
    loaded.ebpc_encode.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.POINTER(Output)] * 2]
    for function in (loaded.ebpc_encode, loaded.ebpc_decode):
        function.restype = ctypes.c_bool
    return loaded


def encode(codec, words, room=1 << 16):
    buffers = [np.full(room, 0xAA, np.uint8) for _ in range(2)]
    outputs = [Output(buffer.ctypes.data, room, 0) for buffer in buffers]
    fits = library(codec).ebpc_encode(words.ctypes.data, words.size, *map(ctypes.byref, outputs))
    return fits, [np.unpackbits(b, count=o.bits) for b, o in zip(buffers, outputs, strict=True)]


def decode(codec, znz, bpc, count):
    words = np.zeros(count, word_type(codec))
    inputs = [Input(np.packbits(bits).tobytes(), bits.size) for bits in (znz, bpc)]
    return words if library(codec).ebpc_decode(*inputs, words.ctypes.data, count) else None


def word_type(codec):
    return np.uint8 if codec.word_bits <= 8 else np.uint16


def to_bits(codec, words):
    return (words[:, np.newaxis] >> np.arange(codec.word_bits - 1, -1, -1) & 1).astype(np.uint8).ravel()


def to_words(codec, bits):
    padded = np.append(bits, np.zeros(-bits.size % codec.word_bits, np.uint8)).reshape(-1, codec.word_bits)
    return (padded.astype(np.uint32) << np.arange(codec.word_bits - 1, -1, -1)).sum(1).astype(word_type(codec))


def packets(codec):
    random = np.random.default_rng(7)
    most = (1 << codec.word_bits) - 1
    noise = random.integers(0, most, 400, endpoint=True)
    smooth = np.cumsum(random.integers(-1, 2, 400)) & most
    chosen = [noise, smooth, noise * (random.random(400) < 0.3), smooth * (random.random(400) < 0.5), noise[:1]]
    chosen += [np.zeros(100, int), np.full(50, most), np.resize([0, most], 64), np.zeros(0, int)]
    return [words.astype(word_type(codec)) for words in chosen]


@each_codec
def test_gives_the_streams_of_the_reference_and_takes_them(codec):
    for words in packets(codec):
        fits, (znz, bpc) = encode(codec, words)
        assert fits
        if words.size:
            expected = codec.encode_words(words)
            np.testing.assert_array_equal(to_words(codec, znz), expected["znz"])
            np.testing.assert_array_equal(to_words(codec, bpc), expected["bpc"])
            np.testing.assert_array_equal(
                decode(codec, to_bits(codec, expected["znz"]), to_bits(codec, expected["bpc"]), words.size), words
            )
        np.testing.assert_array_equal(decode(codec, znz, bpc, words.size), words)


@each_codec
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_malformed_streams_get_the_verdict_of_the_reference(codec, data):
    any_words = st.lists(st.integers(0, (1 << codec.word_bits) - 1), max_size=6)
    znz, bpc = (np.array(data.draw(any_words), word_type(codec)) for _ in range(2))
    count = data.draw(st.integers(1, 40))
    try:
        expected = codec.decode_words(znz, bpc, count)
    except CorruptDataError:
        expected = None
    found = decode(codec, to_bits(codec, znz), to_bits(codec, bpc), count)
    assert (found is None) == (expected is None)
    if found is not None:
        np.testing.assert_array_equal(found, expected)


@each_codec
def test_one_damaged_bit_gets_the_verdict_of_the_reference(codec):
    words = packets(codec)[3][:40]
    streams = [to_bits(codec, stream) for stream in codec.encode_words(words).values()]
    for which, stream in enumerate(streams):
        for position in range(stream.size):
            stream[position] ^= 1
            try:
                expected = codec.decode_words(*(to_words(codec, bits) for bits in streams), words.size)
            except CorruptDataError:
                expected = None
            found = decode(codec, *streams, words.size)
            assert (found is None) == (expected is None), (which, position)
            np.testing.assert_array_equal(found, expected)
            stream[position] ^= 1


def test_an_encoder_without_room_says_so():
    codec, words = CODECS[0], packets(CODECS[0])[0]
    needed = max(-(-bits.size // 8) for bits in encode(codec, words)[1])
    assert encode(codec, words, room=needed)[0]
    assert not encode(codec, words, room=needed - 1)[0]


def test_the_command_writes_the_sources(tmp_path):
    run = CliRunner()
    done = run.invoke(main, ["c", "ebpc", "--set", "word_bits=16", "--set", "block_size=16", "--out", str(tmp_path)])
    assert done.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"ebpc.c", "ebpc.h", "ebpc_config.h"}
    assert "#define EBPC_BLOCK_SIZE 16U" in (tmp_path / "ebpc_config.h").read_text()
    refused = run.invoke(main, ["c", "zvc", "--out", str(tmp_path)])
    assert refused.exit_code == 2
    assert "of the codec ebpc alone, not of zvc" in refused.stderr
