"""Number formats: what they hold, how a scale is chosen, what is refused."""

import numpy as np
import pytest

from silicodec.models.quantise import NumberFormatError, quantise

VALUES = np.array([-2.0, -0.6, -0.0, 0.0, 0.4, 1.0, 1.5], np.float32)


@pytest.mark.parametrize(
    ("number_format", "dtype", "full_range"),
    [("fixed4", np.int8, 7), ("fixed8", np.int8, 127), ("fixed12", np.int16, 2047), ("fixed16", np.int16, 32767)],
)
@pytest.mark.parametrize(("scale_rule", "part"), [("headroom", 0.75), ("full-range", 1.0)])
def test_largest_value_takes_its_part_of_the_range(number_format, dtype, full_range, scale_rule, part):
    result = quantise(VALUES, number_format, scale_rule=scale_rule)
    assert result.values.dtype == dtype
    assert result.values[0] == -round(part * full_range)
    assert result.scale == pytest.approx(part * full_range / 2.0)


def test_rounds_to_nearest_and_ties_to_even():
    result = quantise(np.array([127.0, 0.5, 1.5, -0.5, 2.4, -2.6]), "fixed8", scale_rule="full-range")
    assert result.values.tolist() == [127, 0, 2, 0, 2, -3]


def test_saturates_beyond_the_calibration_value():
    result = quantise(np.array([-9.0, 1.0, 9.0]), "fixed8", scale_rule="full-range", largest=1.0)
    assert result.values.tolist() == [-128, 127, 127]


def test_headroom_keeps_a_third_more_than_the_calibration_value():
    result = quantise(np.array([1.0, 1.3]), "fixed16", largest=1.0)
    assert result.values[1] / result.values[0] == pytest.approx(1.3, rel=1e-4)


def test_float16_keeps_small_gradients_and_has_one_zero():
    result = quantise(np.array([3e-9, -1e-9, -0.0, 0.0]), "float16")
    assert result.values.dtype == np.float16
    assert result.values[:2] == pytest.approx([0.75, -0.25], rel=1e-3)
    assert result.values[2:].view(np.uint16).tolist() == [0, 0]


@pytest.mark.parametrize("number_format", ["fixed4", "fixed16", "float16"])
@pytest.mark.parametrize("shape", [(0,), (2, 3)])
def test_zeros_and_nothing_stay_so(number_format, shape):
    result = quantise(np.zeros(shape, np.float32), number_format)
    assert result.values.shape == shape
    assert not result.values.any()
    assert result.scale == 1.0


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_native_integers_pass_unchanged(dtype):
    words = np.arange(10, dtype=dtype)
    result = quantise(words, "native")
    assert result.values is words
    assert result.number_format.word_bits == 8


@pytest.mark.parametrize(
    ("values", "arguments", "message"),
    [
        (VALUES, {"number_format": "fixed9"}, "unknown number format 'fixed9': did you mean fixed8"),
        (VALUES, {"scale_rule": "half"}, "unknown scale rule 'half': known are headroom, full-range"),
        (VALUES, {"number_format": "native"}, "native takes integers, not float32: use fixed8"),
        (np.arange(3, dtype=np.int16), {"number_format": "native"}, "native takes 8-bit integers, not int16"),
        (np.arange(3, dtype=np.int16), {}, "use the number format native16"),
        (np.arange(3, dtype=np.uint8), {"number_format": "fixed8"}, "use the number format native"),
        (np.array([1.0, np.nan]), {}, "infinities or NaN"),
    ],
)
def test_refuses_in_one_line(values, arguments, message):
    with pytest.raises(NumberFormatError, match=message):
        quantise(values, **arguments)


def test_truncation_cuts_towards_zero_and_wraps():
    values = np.array([1.0, -0.99, 0.999, -2.5])
    np.testing.assert_array_equal(quantise(values, "fixed8", scale=100.0, truncate=True).values, [100, -99, 99, 6])
    np.testing.assert_array_equal(quantise(values, "fixed4", scale=5.0, truncate=True).values, [5, -4, 4, 4])
