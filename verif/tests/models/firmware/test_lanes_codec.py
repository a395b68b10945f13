"""The C sources of lanes against the reference: the same packets, the same verdict on damaged packets."""

import numpy as np
import pytest

from silicodec.models.codec import CorruptDataError, Encoded, EncodedStream
from silicodec.models.lanes import Lanes

CODECS = [Lanes(), Lanes(word_bits=5, lanes=2, symbols=4), Lanes(word_bits=16, lanes=4, symbols=32), Lanes(lanes=16)]
each_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: f"w{codec.word_bits}-l{codec.lanes}")


def packets(codec):
    random = np.random.default_rng(5)
    most = 1 << (codec.word_bits - 1)
    normal = np.rint(random.normal(0, most / 8, 700)).clip(-most, most - 1).astype(int)
    few = random.choice(random.integers(-most, most, 3), 700)
    sparse = [normal * (random.random(700) < kept) for kept in (0.4, 0.1, 0.01)]
    chosen = [normal, few, *sparse, normal >> 2 << 2, random.integers(-most, most, 300), normal[:1], few * 0, few[:0]]
    return [words.astype(np.int16).astype(np.uint16) & (2 * most - 1) for words in chosen]


def narrowed(codec, words):
    return words.astype(np.uint8 if codec.word_bits <= 8 else np.uint16)


def reference(codec, bits, words):
    stream = EncodedStream(np.packbits(bits).tobytes(), bits.size)
    try:
        return codec.decode(Encoded(codec.get_config(), {"packet": stream}, words.shape, words.dtype))
    except CorruptDataError:
        return None


def stream_bits(codec, words):
    stream = codec.encode(words).streams["packet"]
    return np.unpackbits(np.frombuffer(stream.data, np.uint8), count=stream.nbits)


@each_codec
def test_gives_the_packet_of_the_reference_and_takes_it(firmware, codec):
    for words in packets(codec):
        words = narrowed(codec, words)
        fits, (bits,) = firmware.encode(codec, words)
        assert fits
        np.testing.assert_array_equal(bits, stream_bits(codec, words))
        np.testing.assert_array_equal(firmware.decode(codec, [bits], words.size), words)


@each_codec
def test_an_encoder_without_room_says_so(firmware, codec):
    words = narrowed(codec, packets(codec)[2])
    needed = stream_bits(codec, words).size // 8
    assert firmware.encode(codec, words, room=needed)[0]
    assert not any(firmware.encode(codec, words, room=room)[0] for room in (0, 9, 40, needed // 2, needed - 1))


@each_codec
def test_damaged_packets_get_the_verdict_of_the_reference(firmware, codec):
    accepted = 0
    for words in (packets(codec)[number][:count] for number, count in ((0, 9), (2, 61), (3, 150), (8, 40))):
        words = narrowed(codec, words)
        bits = stream_bits(codec, words)
        positions = np.arange(bits.size)
        flipped = [bits ^ (positions == position) for position in positions]
        cut = [bits[:size] for size in range(0, bits.size, 16)]
        longer = [np.append(bits, np.zeros(size, np.uint8)) for size in (16, 64, 128)]
        for damaged in flipped + cut + longer:
            expected, found = reference(codec, damaged, words), firmware.decode(codec, [damaged], words.size)
            assert (found is None) == (expected is None)
            if found is not None:
                np.testing.assert_array_equal(found, expected)
                accepted += 1
    assert accepted


@each_codec
def test_packets_of_another_size_get_the_verdict_of_the_reference(firmware, codec):
    for words in packets(codec):
        words = narrowed(codec, words)
        bits = stream_bits(codec, words)
        for count in (0, 1, words.size // 2, max(words.size - 1, 0), words.size + 1, words.size + codec.lanes):
            expected = reference(codec, bits, np.zeros(count, words.dtype))
            found = firmware.decode(codec, [bits], count)
            assert (found is None) == (expected is None)
            if found is not None:
                np.testing.assert_array_equal(found, expected)
