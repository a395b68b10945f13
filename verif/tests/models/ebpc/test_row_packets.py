"""Packets of rows: round trips, sizes, damage, and the example of the format."""

import numpy as np
import pytest

from silicodec.models.ebpc.row_packets import MOST_ROW_BITS, decode_packet, encode_packet

EXAMPLE = np.array([[0] * 8, [0, 0, 5, 0, 0, 0, 255, 0], [9, 9, 9, 9, 9, 9, 9, 8]], np.uint8)


def packets(seed, count):
    """Return packets of smooth, rough and sparse rows."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        shape = (int(random.integers(1, 40)), 8)
        slopes = np.cumsum(random.normal(0, random.choice([0.3, 2, 10, 80]), shape), axis=1).astype(int)
        yield np.where(random.random(shape) < random.random(), slopes, 0).astype(np.uint8)


def test_the_example_of_the_format():
    assert [f"{word:016x}" for word in encode_packet(EXAMPLE)] == ["6440bff084980000"]


def test_packets_come_back_in_few_words():
    for rows in packets(1, 2000):
        words = encode_packet(rows)
        found, sound = decode_packet(words, len(rows))
        assert sound
        np.testing.assert_array_equal(found, rows)
        assert len(words) <= -(-MOST_ROW_BITS * len(rows) // 64)


def test_words_too_few_or_too_many_are_told():
    for rows in packets(2, 300):
        words = encode_packet(rows)
        more, sound = decode_packet(np.append(words, np.uint64(0)), len(rows))
        np.testing.assert_array_equal(more, rows)
        assert not sound
        if len(words) > 1:
            found, sound = decode_packet(words[:-1], len(rows))
            assert not sound
            # What comes before the missing word is right, and the rest zero.
            different = np.flatnonzero((found != rows).any(axis=1))
            assert not found[different[0] :].any() if different.size else True


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        ("10100100000001", "a block of nine planes"),
        ("10111000000001", "the mark of the end"),
        ("10100000000001" + "10000" * 8 + "000" * 8, "planes longer than whole ones"),
    ],
)
def test_malformed_blocks_are_told(bits, why):
    size = -(-len(bits) // 64)
    words = np.array([int(bits.ljust(64 * size, "0")[64 * i : 64 * i + 64], 2) for i in range(size)], np.uint64)
    rows, sound = decode_packet(words, 2)
    assert not sound, why
    assert not rows.any()


def test_any_words_decode_to_rows():
    random = np.random.default_rng(3)
    for _ in range(500):
        words = random.integers(0, 1 << 64, int(random.integers(1, 9)), np.uint64)
        rows, _ = decode_packet(words, int(random.integers(1, 20)))
        assert rows.dtype == np.uint8
