"""Symbols of the lanes format: runs of zeros, with the word after them, and how often a packet has each.

The format is described in `docs/formats/lanes.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

MAX_CLASSES = 12
RUN_BASES = np.array([0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64])
"""The shortest run of each class, and after the last class the run that none has."""
EXTRA_BITS = np.array([0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
"""Bits that follow the code of each class: what a run has above the shortest one."""
RUN_CLASSES = np.repeat(np.arange(MAX_CLASSES), np.diff(RUN_BASES))
"""Class of each run."""
MOST_VALUES = 255


@dataclass(frozen=True)
class Alphabet:
    """What the symbols of a packet stand for.

    Symbol 0 is a run of `longest_run` zeros; then come those of each class of runs in turn: a run and the first value,
    and so on, and at the end a run and a word that the code gives as it is (an escape).

    Attributes
    ----------
    dropped : int
        Low-order bits that are zero in every word; a value is what is above them, a signed number.
    classes : int
        Classes of runs, 1 to 12.
    first : int
        The least value that has symbols.
    values : int
        How many do, one after the other, but for 0; up to 255.
    """

    dropped: int
    classes: int
    first: int
    values: int

    @property
    def size(self) -> int:
        """Number of symbols."""
        return 1 + self.classes * (self.values + 1)

    @property
    def longest_run(self) -> int:
        """Zeros that symbol 0 stands for: one more than any class has."""
        return int(RUN_BASES[self.classes])

    @property
    def symbol_extra_bits(self) -> np.ndarray:
        """Bits that follow the code of each symbol, besides a word as it is."""
        return np.concatenate([[0], np.repeat(EXTRA_BITS[: self.classes], self.values + 1)])


class Events(NamedTuple):
    """What the lanes of a packet hold, lane after lane.

    Attributes
    ----------
    zeros : numpy.ndarray
        int64: zero words before each one that is not zero.
    words : numpy.ndarray
        int64: these words.
    ends : numpy.ndarray
        int64, (lanes,): how many of these belong to each lane and those before it.
    trailing : numpy.ndarray
        int64, (lanes,): zero words after the last one.
    """

    zeros: np.ndarray
    words: np.ndarray
    ends: np.ndarray
    trailing: np.ndarray


@njit(cache=True)
def find_events(words: np.ndarray, lanes: int) -> Events:
    """Find the words that are not zero, in lanes of every `lanes`-th word."""
    zeros, nonzero = np.empty(words.size, np.int64), np.empty(words.size, np.int64)
    ends, trailing = np.empty(lanes, np.int64), np.empty(lanes, np.int64)
    count = 0
    for lane in range(lanes):
        run = 0
        for word in words[lane::lanes]:
            zeros[count], nonzero[count] = run, word
            count += word != 0
            run = 0 if word else run + 1
        ends[lane], trailing[lane] = count, run
    return Events(zeros[:count].copy(), nonzero[:count].copy(), ends, trailing)


@njit(cache=True)
def value_numbers(words: np.ndarray, word_bits: int, dropped: int, first: int, values: int) -> np.ndarray:
    """Return the number of each nonzero word's value among those that have symbols; `values` stands for an escape."""
    numbers = np.empty(words.size, np.int64)
    sign = 1 << (word_bits - 1)
    for index in range(words.size):
        value = ((words[index] ^ sign) - sign) >> dropped
        number = value - first - (first <= 0 and value > 0)
        numbers[index] = number if 0 <= number < values and value else values
    return numbers


@njit(cache=True)
def count_symbols(
    events: Events, numbers: np.ndarray, values: int, bases: np.ndarray, run_classes: np.ndarray
) -> np.ndarray:
    """Count the symbols of a packet for each number of classes, (classes, symbols)."""
    most = bases.size - 1
    counts = np.zeros((most, 1 + most * (values + 1)), np.int64)
    for classes in range(1, most + 1):
        row, longest = counts[classes - 1], bases[classes]
        for index in range(numbers.size):
            run = events.zeros[index]
            while run >= longest:
                row[0] += 1
                run -= longest
            row[1 + run_classes[run] * (values + 1) + numbers[index]] += 1
        for run in events.trailing:
            row[0] += (run + longest - 1) // longest
    return counts
