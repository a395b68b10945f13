"""Decoding of zero run-length codes of 8-bit words, those between two runs of zeros at once."""

from __future__ import annotations

import numpy as np
from numba import njit

from silicodec.models.bitstream import refill
from silicodec.models.instructions import leading_zeros, store_bytes

MOST_WORDS = 6
"""Words that a look at the stream, which gives at least 56 bits, finds at once."""
LONGEST_RUN_BITS = 9
"""As many fit in there after one word less."""
MARGIN = 8
"""Bytes that are written at once."""
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)


def _bits_at(width: int, *places: int) -> np.uint64:
    """Return a mask with so many ones from each place on, counted from the most significant bit."""
    return np.uint64(sum((1 << width) - 1 << 64 - width - place for place in places))


_MARKS = _bits_at(1, *range(0, 9 * MOST_WORDS, 9))
"""The bits that tell whether a word follows, as long as words do."""
_END = _bits_at(1, 9 * MOST_WORDS)
# Words are moved together, by the bits of their number, from 9 bits apart to 8.
_STAY_BY_1, _MOVE_BY_1 = _bits_at(8, 0, 18, 36), _bits_at(8, 9, 27, 45)
_STAY_BY_2, _MOVE_BY_2 = _bits_at(8, 0, 8, 36, 44), _bits_at(8, 18, 26)
_STAY_BY_4, _MOVE_BY_4 = _bits_at(8, 0, 8, 16, 24), _bits_at(8, 36, 44)


@njit(cache=True, inline="always")
def _move_together(ahead: np.uint64) -> np.uint64:
    """Take the marks out from between the words."""
    words = ahead << np.uint64(1)
    words = words & _STAY_BY_1 | (words & _MOVE_BY_1) << np.uint64(1)
    words = words & _STAY_BY_2 | (words & _MOVE_BY_2) << np.uint64(2)
    return words & _STAY_BY_4 | (words & _MOVE_BY_4) << np.uint64(4)


@njit(cache=True)
def decode_bytes(
    data: np.ndarray, start: int, nbits: int, run_bits: int, words: np.ndarray, index: int
) -> tuple[int, int]:
    """Decode codes, but not the last ones, into an array of zeros.

    Parameters
    ----------
    data : numpy.ndarray
        As of `silicodec.models.bitstream.padded`, with 16 spare bytes.
    start, nbits : int
        The bit that the codes begin with, and the number of bits before their end.
    run_bits : int
        Bits of a run length, up to `LONGEST_RUN_BITS`.
    words : numpy.ndarray
        uint8: takes the words.
    index : int
        The place of the first one.

    Returns
    -------
    position, index : int
        The bit and the place to go on with.
    """
    position, place, run_length = np.uint64(start), np.uint64(index), np.uint64(1 + run_bits)
    most = MOST_WORDS + (1 << run_bits) + MARGIN
    before = position & np.uint64(7)
    ahead, unread, following = refill(data, np.uint64(0), np.uint64(0), position >> np.uint64(3))
    ahead, unread = ahead << before, unread - before
    while np.int64(place) + most <= words.size and np.int64(position) + 64 <= nbits:
        ahead, unread, following = refill(data, ahead, unread, following)
        ends = ~ahead & _MARKS
        length = np.uint64(leading_zeros(ends | _END))
        count = (length * np.uint64(57)) >> np.uint64(9)  # a ninth
        store_bytes(words, place, _move_together(ahead) & ~(ALL_BITS >> (np.uint64(8) * count)))
        place += count
        ahead <<= length
        is_run = np.uint64(0) - np.uint64(ends != np.uint64(0))
        place += (np.uint64(1) + (ahead >> (np.uint64(64) - run_length))) & is_run
        length += run_length & is_run
        ahead <<= run_length & is_run
        unread -= length
        position += length
    return np.int64(position), np.int64(place)  # type: ignore[return-value]
