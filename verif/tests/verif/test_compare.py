"""The first difference is found and named."""

from dataclasses import replace

import numpy as np
import pytest

from silicodec.verif.compare import check, first_difference


def packet(*words):
    """Return a packet of these bytes."""
    return np.array(words, np.uint8)


@pytest.mark.parametrize(
    ("got", "message"),
    [
        ([packet(1, 2), packet(3, 5, 5)], "stream s, packet 1, word 1: expected 0x4, got 0x5"),
        ([packet(1), packet(3, 4, 5)], "stream s, packet 0, word 1: expected 0x2, got nothing"),
        ([packet(1, 2), packet(3, 4, 5, 6)], "stream s, packet 1, word 3: expected nothing, got 0x6"),
        ([packet(1, 2)], "stream s, packet 1, word 0: expected 0x3, got nothing"),
        ([packet(1, 2), packet(3, 4, 5), packet(6)], "stream s, packet 2, word 0: expected nothing, got 0x6"),
    ],
)
def test_the_first_difference_is_located(got, message):
    assert str(first_difference({"s": [packet(1, 2), packet(3, 4, 5)]}, {"s": got})) == message


def test_equal_packets_have_no_difference():
    assert first_difference({"s": [packet(1, 2)]}, {"s": [packet(1, 2).astype(np.uint16)]}) is None


def test_check_compares_with_the_reference(toys):
    inputs = {"words": [packet(1, 2)]}
    assert check(toys.increment, inputs, backend="myhdl").words["result"] == 2
    wrong = replace(toys.increment, reference=lambda given: {"result": list(given["words"])})
    with pytest.raises(AssertionError, match="toy-increment on myhdl: stream result, packet 0, word 0: expected 0x1"):
        check(wrong, inputs, backend="myhdl")


def test_check_refuses_error_flags(toys):
    with pytest.raises(AssertionError, match="toy-nibbles on myhdl: stream m_axis_low flags an error"):
        check(toys.nibbles, {"s_axis": [packet(0x10)]}, backend="myhdl")
