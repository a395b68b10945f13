"""The C sources of codecs of words against the reference: the same streams, the same verdict on malformed ones."""

import itertools

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.cli import main
from silicodec.models.baselines import ZVC, ZeroRLE
from silicodec.models.codec import CorruptDataError, Encoded, EncodedStream
from silicodec.models.ebpc import BPC, EBPC, ParallelEBPC
from silicodec.models.ebpc.codec import port_bits
from silicodec.models.ebpc.parallel import ports

CODECS = [
    EBPC(word_bits=8),
    EBPC(word_bits=16, block_size=16),
    EBPC(word_bits=4, block_size=2, max_zero_run=1),
    EBPC(word_bits=6, block_size=6),
    EBPC(word_bits=12, block_size=5, max_zero_run=64),
    EBPC(word_bits=16, block_size=3, max_zero_run=1 << 16),
    BPC(word_bits=8),
    BPC(word_bits=11, block_size=6),
    ParallelEBPC(word_bits=8),
    ParallelEBPC(word_bits=16),
    ParallelEBPC(word_bits=5),
    ZeroRLE(word_bits=8),
    ZeroRLE(word_bits=5, run_bits=0),
    ZeroRLE(word_bits=16, run_bits=16),
    ZVC(word_bits=8),
    ZVC(word_bits=10),
]
each_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: f"{codec.codec_id}-w{codec.word_bits}")


def to_words(codec, bits):
    size = port_bits(codec.word_bits)
    words = (bits.reshape(-1, size).astype(np.uint32) << np.arange(size - 1, -1, -1)).sum(1)
    return words.astype(np.uint8 if codec.word_bits <= 8 else np.uint16)


def packets(codec):
    random = np.random.default_rng(7)
    most = (1 << codec.word_bits) - 1
    noise = random.integers(0, most, 400, endpoint=True)
    smooth = np.cumsum(random.integers(-1, 2, 400)) & most
    chosen = [noise, smooth, noise * (random.random(400) < 0.3), smooth * (random.random(400) < 0.5), noise[:1]]
    chosen += [np.zeros(100, int), np.full(50, most), np.resize([0, most], 64), np.zeros(0, int)]
    return [words.astype(np.uint8 if codec.word_bits <= 8 else np.uint16) for words in chosen]


def fill(codec):
    """Return the bits of the words that each stream may be filled up to."""
    if isinstance(codec, ParallelEBPC):
        return tuple(ports(codec.word_bits).values())
    return [port_bits(codec.word_bits) if isinstance(codec, EBPC) else 8] * len(codec.stream_names)


def reference(codec, streams, count):
    """Decode streams that may be filled up to whole words; None if they are malformed."""
    dtype = np.dtype(np.uint8 if codec.word_bits <= 8 else np.uint16)
    spare = [
        min(word - 1, bits.size - np.max(np.flatnonzero(bits), initial=-1) - 1)
        for word, bits in zip(fill(codec), streams, strict=True)
    ]
    for cut in itertools.product(*(range(most + 1) for most in spare)):
        kept = [bits[: bits.size - number] for bits, number in zip(streams, cut, strict=True)]
        parts = {
            name: EncodedStream(np.packbits(bits).tobytes(), bits.size)
            for name, bits in zip(codec.stream_names, kept, strict=True)
        }
        try:
            return codec.decode(Encoded(codec.get_config(), parts, (count,), dtype))
        except CorruptDataError:
            pass
    return None


def check_verdict(firmware, codec, streams, count):
    expected, found = reference(codec, streams, count), firmware.decode(codec, streams, count)
    assert (found is None) == (expected is None)
    if found is not None:
        np.testing.assert_array_equal(found, expected)


@each_codec
def test_gives_the_streams_of_the_reference_and_takes_them(firmware, codec):
    for words in packets(codec):
        fits, streams = firmware.encode(codec, words)
        assert fits
        for bits, stream in zip(streams, codec.encode(words).streams.values(), strict=True):
            np.testing.assert_array_equal(bits, np.unpackbits(np.frombuffer(stream.data, np.uint8), count=stream.nbits))
        np.testing.assert_array_equal(firmware.decode(codec, streams, words.size), words)


@pytest.mark.parametrize("codec", CODECS[:6], ids=lambda codec: f"w{codec.word_bits}-n{codec.block_size}")
def test_words_that_the_hardware_emits_are_taken(firmware, codec):
    for words in packets(codec)[:-1]:
        expected = codec.encode_words(words)
        filled = [
            np.append(bits, np.zeros(-bits.size % port_bits(codec.word_bits), np.uint8))
            for bits in firmware.encode(codec, words)[1]
        ]
        for bits, emitted in zip(filled, expected.values(), strict=True):
            np.testing.assert_array_equal(to_words(codec, bits), emitted)
        np.testing.assert_array_equal(firmware.decode(codec, filled, words.size), words)


@each_codec
@given(data=st.data())
@settings(max_examples=40)
def test_malformed_streams_get_the_verdict_of_the_reference(firmware, codec, data):
    streams = [np.unpackbits(np.frombuffer(data.draw(st.binary(max_size=6)), np.uint8)) for _ in codec.stream_names]
    check_verdict(firmware, codec, streams, data.draw(st.integers(1, 40)))


@each_codec
def test_one_damaged_bit_gets_the_verdict_of_the_reference(firmware, codec):
    words = packets(codec)[3][:40]
    _, streams = firmware.encode(codec, words)
    for stream in streams:
        for position in range(stream.size):
            stream[position] ^= 1
            check_verdict(firmware, codec, streams, words.size)
            stream[position] ^= 1


@each_codec
def test_an_encoder_without_room_says_so(firmware, codec):
    words = packets(codec)[0]
    needed = max(-(-bits.size // 8) for bits in firmware.encode(codec, words)[1])
    assert firmware.encode(codec, words, room=needed)[0]
    assert not firmware.encode(codec, words, room=needed - 1)[0]


def test_the_command_writes_the_sources(tmp_path):
    run = CliRunner()
    done = run.invoke(main, ["c", "ebpc", "--set", "word_bits=16", "--set", "block_size=16", "--out", str(tmp_path)])
    assert done.exit_code == 0
    expected = {f"{module}.{kind}" for module in ("bits", "bpc", "ebpc") for kind in ("c", "h")}
    assert {path.name for path in tmp_path.iterdir()} == expected | {"bpc_config.h", "ebpc_config.h"}
    assert "#define BPC_BLOCK_SIZE 16U" in (tmp_path / "bpc_config.h").read_text()
    refused = run.invoke(main, ["c", "zstd", "--out", str(tmp_path)])
    assert refused.exit_code == 2
    assert "lanes, but none of zstd" in refused.stderr
