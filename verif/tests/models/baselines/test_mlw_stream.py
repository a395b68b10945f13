"""Streams of Arm's weight code, against the package that defines it where that is installed."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silicodec.models.baselines.mlw_stream import decode
from silicodec.models.baselines.mlw_writer import encode
from silicodec.models.errors import CorruptDataError

PAGE = Path(__file__).parents[4] / "docs" / "formats" / "mlw.md"
EXAMPLE = bytes.fromhex("8e0064400469241c9770405014fdffff")
WITH_RUNS = bytes.fromhex("23006023f46a0db05f760e0005000040011000feffffffffffffffffffffffff")
"""A run of 20 zeros, 3, 40 zeros, -7, 5 and a zero, twice, as the package writes it."""


def test_reads_the_example_of_the_page():
    text = re.search(r"## Example\n\n(.*), three times, is `(\w+)`", PAGE.read_text())
    weights = np.array([int(number) for number in text[1].split(", ")] * 3)
    np.testing.assert_array_equal(decode(bytes.fromhex(text[2])), weights)


def test_reads_runs_of_zeros_and_streams_in_succession():
    once = [0] * 20 + [3] + [0] * 40 + [-7, 5, 0]
    np.testing.assert_array_equal(decode(WITH_RUNS), 2 * once)
    np.testing.assert_array_equal(decode(WITH_RUNS + b"\xff" + WITH_RUNS), 4 * once)


def some_weights(rng, kind):
    count = int(rng.integers(1, 700))
    normal = rng.normal(0, rng.uniform(1, 60), count).round().clip(-255, 255)
    return {
        "any": rng.integers(-255, 256, count),
        "normal": normal,
        "sparse": normal * (rng.random(count) < 0.1),
        "few": rng.choice(rng.integers(-255, 256, int(rng.integers(1, 20))), count),
        "steps": normal // 16 * 16,
        "many": rng.integers(-3, 4, 40_000) * (rng.random(40_000) < 0.5),
    }[kind].astype(np.int64)


@pytest.mark.parametrize("kind", ["any", "normal", "sparse", "few", "steps", "many"])
def test_reads_what_the_package_writes(kind):
    mlw_codec = pytest.importorskip("ethosu.mlw_codec")
    rng = np.random.default_rng(3)
    for _ in range(1 if kind == "many" else 40):
        weights = some_weights(rng, kind)
        stream = mlw_codec.encode(weights.tolist())
        assert mlw_codec.decode(stream) == weights.tolist()
        np.testing.assert_array_equal(decode(bytes(stream)), weights)


@pytest.mark.parametrize("kind", ["normal", "sparse", "few", "steps", "many"])
def test_reads_what_the_writer_writes_as_the_package_does(kind):
    rng = np.random.default_rng(4)
    for _ in range(1 if kind == "many" else 20):
        weights = some_weights(rng, kind).clip(-239, 239)
        stream = encode(weights)
        np.testing.assert_array_equal(decode(stream), weights)
        try:
            from ethosu import mlw_codec
        except ImportError:
            continue
        assert mlw_codec.decode(bytearray(stream)) == weights.tolist()


def test_the_writer_refuses_what_no_slice_can_hold():
    for weights in ([], [240]):
        with pytest.raises(ValueError, match="from -239 to 239"):
            encode(np.array(weights))


@pytest.mark.parametrize("stream", [b"", EXAMPLE[:8], b"\x04" * 8, b"\x06" + bytes(8)])
def test_refuses_what_is_malformed(stream):
    with pytest.raises(CorruptDataError, match="mlw stream"):
        decode(stream)


@settings(max_examples=100)
@given(stream=st.sampled_from([EXAMPLE, WITH_RUNS]), place=st.integers(0, 127), size=st.integers(0, 60))
def test_damage_is_refused_or_read(stream, place, size):
    damaged = bytearray(stream)
    damaged[place // 8 % len(stream)] ^= 1 << place % 8
    for data in (bytes(damaged), bytes(damaged[:size])):
        try:
            weights = decode(data)
        except CorruptDataError:
            continue
        assert weights.dtype == np.int16
        assert np.abs(weights).max(initial=0) <= (511 + 31) // 2  # the largest index and the largest offset
