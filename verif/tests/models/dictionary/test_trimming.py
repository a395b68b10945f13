"""Trimming: every weight, at every setting, equal to the arithmetic of whole numbers."""

import math

import numpy as np
import pytest

from silicodec.models.codec import CodecError
from silicodec.models.dictionary.trimming import Trimming

WEIGHTS = np.arange(-128, 128, dtype=np.int8)


def nearest_multiple(weight, low_bits):
    step = 2**low_bits
    largest = 128 - step
    return min(int(math.copysign(math.floor(abs(weight) / step + 0.5) * step, weight)), largest)


@pytest.mark.parametrize("low_bits", range(8))
@pytest.mark.parametrize("threshold", [0, 1, 5, 64, 127, 128])
def test_every_weight_becomes_the_nearest_multiple_or_zero(low_bits, threshold):
    trimmed = Trimming(low_bits, threshold).apply(WEIGHTS)
    for before, after in zip(WEIGHTS.tolist(), trimmed.tolist(), strict=True):
        assert after == (0 if abs(before) < threshold else nearest_multiple(before, low_bits))


@pytest.mark.parametrize("low_bits", range(1, 6))
def test_rounding_leaves_the_mean_where_it_is(low_bits):
    """Away from where they saturate: a mean that moves is what networks do not survive."""
    weights = np.arange(-64, 65, dtype=np.int8)
    assert Trimming(low_bits).apply(weights).sum(dtype=int) == 0


def test_no_trimming_returns_the_weights():
    np.testing.assert_array_equal(Trimming().apply(WEIGHTS), WEIGHTS, strict=True)


def test_shape_is_kept():
    weights = WEIGHTS.reshape(4, 8, 2, 4)
    np.testing.assert_array_equal(Trimming(3, 20).apply(weights).ravel(), Trimming(3, 20).apply(WEIGHTS), strict=True)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"low_bits": 8}, "low_bits must be an integer from 0 to 7"),
        ({"low_bits": -1}, "low_bits must be an integer from 0 to 7"),
        ({"threshold": 129}, "threshold must be an integer from 0 to 128"),
        ({"threshold": 1.5}, "threshold must be an integer from 0 to 128"),
    ],
)
def test_parameters_out_of_range(parameters, message):
    with pytest.raises(CodecError, match=message):
        Trimming(**parameters)


def test_other_dtypes_are_refused():
    with pytest.raises(CodecError, match="weights must be int8, not uint8"):
        Trimming().apply(WEIGHTS.view(np.uint8))
