"""The C sources of codecs of maps and weights against the reference: dct, transform, dictionary."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from silicodec.models.codec import CorruptDataError, Encoded, EncodedStream
from silicodec.models.dct import DCT
from silicodec.models.dictionary.codec import Dictionary
from silicodec.models.transform import HuffmanCode, LinearTransform, TransformCodec


class DctMaps(ctypes.Structure):
    _fields_ = (
        ("samples", ctypes.c_void_p),
        *((name, ctypes.c_size_t) for name in ("count", "height", "width")),
        ("offset", ctypes.c_bool),
    )


class TransformMap(ctypes.Structure):
    _fields_ = (
        ("samples", ctypes.c_void_p),
        *((name, ctypes.c_size_t) for name in ("channels", "height", "width")),
        ("offset", ctypes.c_bool),
    )


def random_codec(block=2, channels=3, components=5, signed=1):
    random = np.random.default_rng(4)

    def transform(rows, columns, out_bits):
        matrix = random.integers(-128, 128, (rows, columns), np.int8)
        return LinearTransform(matrix, random.integers(-(2**31), 2**31, rows, np.int32), 9, out_bits)

    columns = channels * block**2
    code = HuffmanCode.from_histogram(random.integers(0, 1000, 65) ** 3, 6)
    tables = transform(components, columns, 6), transform(columns, components, 8)
    return TransformCodec.from_tables(*tables, code, block=block, signed=signed)


CODECS = [
    DCT(step=1),
    DCT(step=4, signed=0),
    TransformCodec(symbol_bits=5, block=2),
    random_codec(signed=0),
    random_codec(block=1, channels=3, components=1),
    TransformCodec(symbol_bits=5, block=2, lanes=4),
    replace(random_codec(block=1, channels=3, components=2), lanes=16),
]
each_codec = pytest.mark.parametrize(
    "codec", CODECS, ids=lambda codec: f"{codec.codec_id}-{codec.signed}-{getattr(codec, 'lanes', 1)}"
)


def described(maps):
    """Describe maps, (count, height, width) or (1, channels, height, width), as the C sources take them."""
    structure = DctMaps if maps.ndim == 3 else TransformMap
    return ctypes.byref(structure(maps.ctypes.data, *maps.shape[-3:], maps.dtype == np.uint8))


def maps_of(codec, dtype):
    random = np.random.default_rng(3)
    low, high = (0 if dtype == np.uint8 or not codec.signed else -128), (255 if dtype == np.uint8 else 127)
    sizes = [(2, 8, 8), (3, 17, 9), (2, 5, 23), (1, 1, 1)] if codec.codec_id == "dct" else [(1, 3, 4, 6), (1, 3, 3, 5)]
    for size in sizes:
        noise = random.integers(low, high, size, endpoint=True)
        smooth = np.clip(noise // 16 + np.arange(size[-1]) * 6 + 20, low, high)
        yield from (kind.astype(dtype) for kind in (noise, smooth, noise * (random.random(size) < 0.1), smooth * 0))


def decoded(codec, bits, maps):
    """Decode bits that may be filled up to whole words; None if they are malformed."""
    word = 64 if codec.codec_id == "dct" else 1  # packets of the other are whole words
    for cut in range(min(word, bits.size - np.max(np.flatnonzero(bits), initial=-1))):
        kept = bits[: bits.size - cut]
        streams = dict.fromkeys(codec.stream_names, EncodedStream(np.packbits(kept).tobytes(), kept.size))
        try:
            return codec.decode(Encoded(codec.get_config(), streams, maps.shape, maps.dtype))
        except CorruptDataError:
            pass
    return None


@each_codec
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_gives_the_stream_of_the_reference_and_restores_the_same_maps(firmware, codec, dtype):
    for maps in maps_of(codec, dtype):
        fits, (bits,) = firmware.write(codec, described(maps))
        assert fits
        encoded = codec.encode(maps)
        (stream,) = encoded.streams.values()
        np.testing.assert_array_equal(bits, np.unpackbits(np.frombuffer(stream.data, np.uint8), count=stream.nbits))
        restored = np.zeros_like(maps)
        filled = np.append(bits, np.zeros(-bits.size % 64, np.uint8)) if codec.codec_id == "dct" else bits
        assert firmware.read(codec, [filled], described(restored))
        np.testing.assert_array_equal(restored, codec.decode(encoded))


@each_codec
def test_damaged_streams_get_the_verdict_of_the_reference(firmware, codec):
    maps = next(maps_of(codec, np.int8))[:1]
    _, (bits,) = firmware.write(codec, described(maps))
    flipped = [bits ^ (np.arange(bits.size) == position) for position in range(bits.size)]
    cut = [bits[:size] for size in range(0, bits.size, 1 if codec.codec_id == "dct" else 16)]
    for damaged in flipped + cut:
        restored = np.zeros_like(maps)
        expected, right = decoded(codec, damaged, maps), firmware.read(codec, [damaged], described(restored))
        assert right == (expected is not None)
        if right:
            np.testing.assert_array_equal(restored, expected)


@pytest.mark.parametrize("codec", [CODECS[1], CODECS[3]], ids=lambda codec: codec.codec_id)
def test_an_encoder_for_maps_without_negative_samples_refuses_others(firmware, codec):
    maps = next(maps_of(codec, np.int8))
    maps.flat[5] = -1
    assert not firmware.write(codec, described(maps))[0]
    assert firmware.write(codec, described(maps.view(np.uint8)))[0]


def test_a_transform_refuses_maps_of_other_channels(firmware):
    maps = np.zeros((1, 4, 4, 4), np.int8)
    assert not firmware.write(CODECS[3], described(maps))[0]
    assert not firmware.read(CODECS[3], [np.zeros(16, np.uint8)], described(maps))


@pytest.mark.parametrize("lanes", [1, 8])
def test_packets_of_symbols_are_those_of_the_huffman_engines(firmware, lanes):
    codec = replace(CODECS[3], lanes=lanes)
    symbols = np.random.default_rng(1).integers(0, 64, 50, np.uint8)
    pointer, count = ctypes.c_void_p(symbols.ctypes.data), ctypes.c_size_t(50)
    bits = firmware.write(codec, pointer, count, by="huffman_encode")[1]
    emitted = codec.coder.encode_words(symbols).astype(">u2" if lanes == 1 else ">u8")
    np.testing.assert_array_equal(np.packbits(bits[0]), emitted.view(np.uint8))
    expected, symbols[:] = symbols.copy(), 0
    assert firmware.read(codec, bits, pointer, count, by="huffman_decode")
    np.testing.assert_array_equal(symbols, expected)
    assert not firmware.read(codec, bits, pointer, ctypes.c_size_t(49), by="huffman_decode")
    symbols[7] = 64
    assert not firmware.write(codec, pointer, count, by="huffman_encode")[0]


WEIGHTS = [
    Dictionary(),
    Dictionary(word_bits=4, entry_size=2, code_bits=16, slot_bits=7),
    Dictionary(word_bits=12, entry_size=1, code_bits=5, slot_bits=2),
]
each_dictionary = pytest.mark.parametrize("codec", WEIGHTS, ids=lambda codec: f"w{codec.word_bits}-e{codec.entry_size}")


def weights_of(codec):
    random = np.random.default_rng(8)
    most = 1 << (codec.word_bits - 1)
    few = random.choice(random.integers(-most, most, 6), 300)
    noise = random.integers(-most, most, 300)
    for values in (few, noise, few * (random.random(300) < 0.1), noise[:1], few * 0, noise >> 2 << 2):
        yield values.astype(np.int8 if codec.word_bits <= 8 else np.int16)


def stream_bits(codec, array):
    streams = codec.encode(array).streams.values()
    return [np.unpackbits(np.frombuffer(stream.data, np.uint8), count=stream.nbits) for stream in streams]


@each_dictionary
def test_a_dictionary_is_read_as_by_the_reference(firmware, codec):
    for weights in weights_of(codec):
        words = firmware.decode(codec, stream_bits(codec, weights), weights.size)
        np.testing.assert_array_equal(words, weights.view(words.dtype) & ((1 << codec.word_bits) - 1))


@each_dictionary
def test_dictionaries_from_firmware_are_read_by_the_reference(firmware, codec):
    for weights in weights_of(codec):
        words = weights.view(np.uint8 if codec.word_bits <= 8 else np.uint16)
        fits, bits = firmware.encode(codec, words)
        assert fits
        streams = {
            name: EncodedStream(np.packbits(stream).tobytes(), stream.size)
            for name, stream in zip(codec.stream_names, bits, strict=True)
        }
        np.testing.assert_array_equal(
            codec.decode(Encoded(codec.get_config(), streams, weights.shape, weights.dtype)), weights
        )
        np.testing.assert_array_equal(firmware.decode(codec, bits, words.size), words & ((1 << codec.word_bits) - 1))
        needed = max(-(-stream.size // 8) for stream in bits)
        assert firmware.encode(codec, words, room=needed)[0]
        assert not firmware.encode(codec, words, room=needed - 1)[0]


def to_words(bits, word_bits, dtype):
    rows = bits.reshape(-1, word_bits).astype(np.uint64)
    return (rows << np.arange(word_bits)[::-1].astype(np.uint64)).sum(1).astype(dtype)


@each_dictionary
def test_damaged_dictionaries_get_the_verdict_of_the_reference(firmware, codec):
    weights = list(weights_of(codec))[2][:40]
    entries = -(-weights.size // codec.entry_size)
    sizes = 32, codec.code_bits, codec.entry_size * codec.word_bits
    streams = [
        np.append(bits, np.zeros(-bits.size % size, np.uint8))
        for bits, size in zip(stream_bits(codec, weights), sizes, strict=True)
    ]
    for damaged in streams:
        for position in range(damaged.size):
            damaged[position] ^= 1
            layout, codes, literals = streams
            try:
                expected = codec.decode_words(
                    to_words(layout, sizes[0], np.uint32),
                    to_words(codes, sizes[1], np.uint8 if codec.code_bits <= 8 else np.uint16),
                    to_words(literals, sizes[2], np.uint64),
                )
            except CorruptDataError:
                expected = None
            if expected is not None and expected.size != entries * codec.entry_size:
                expected = None
            found = firmware.decode(codec, streams, weights.size)
            assert (found is not None) == (expected is not None)
            if found is not None:
                np.testing.assert_array_equal(found, expected[: weights.size])
            damaged[position] ^= 1
