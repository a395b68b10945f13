"""Stalls are random, independent and repeatable."""

import numpy as np
import pytest

from silicodec.verif.drivers.stalls import Stalls


def test_patterns_have_the_asked_probability():
    stalls = Stalls(seed=5, input_probability=0.2, output_probability=0.7, burst_probability=0)
    assert stalls.input_pattern(0).mean() == pytest.approx(0.2, abs=0.01)
    assert stalls.output_pattern(0).mean() == pytest.approx(0.7, abs=0.01)


def test_streams_stall_independently_of_each_other():
    stalls = Stalls(seed=5, input_probability=0.5, output_probability=0.5, burst_probability=0)
    patterns = [stalls.input_pattern(0), stalls.input_pattern(1), stalls.output_pattern(0), stalls.output_pattern(1)]
    assert np.abs(np.corrcoef(patterns) - np.eye(4)).max() < 0.02


def test_the_seed_decides():
    assert np.array_equal(Stalls(seed=1).input_pattern(0), Stalls(seed=1).input_pattern(0))
    assert not np.array_equal(Stalls(seed=1).input_pattern(0), Stalls(seed=2).input_pattern(0))


def test_bursts_are_long():
    pattern = Stalls(input_probability=0, burst_probability=0.001, burst_cycles=30).input_pattern(0)
    changes = np.flatnonzero(np.diff(pattern, prepend=0, append=0))
    lengths = changes[1::2] - changes[::2]
    assert len(lengths) > 30
    assert lengths[:-1].min() >= 30  # the last one may be cut off


@pytest.mark.parametrize("name", ["input_probability", "output_probability", "burst_probability"])
@pytest.mark.parametrize("value", [-0.1, 1.0])
def test_bad_probability_is_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 0 and below 1, not {value}"):
        Stalls(**{name: value})


def test_bad_burst_is_named():
    with pytest.raises(ValueError, match="burst_cycles must be at least 1, not 0"):
        Stalls(burst_cycles=0)
