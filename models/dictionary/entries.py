"""The entries of a packet, and what the choice of their codes rests on, in little more memory than the words take.

Of entries that are too rare for a slot of the dictionary only the literals' size matters, so these are counted by that.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np
from numba import njit

from silicodec.models.bitstream import SLAB
from silicodec.models.dictionary.choice import Statistics
from silicodec.models.dictionary.loops import planes_of, planes_of_one


def entry_dtype(word_bits: int, entry_size: int) -> np.dtype[np.unsignedinteger]:
    """Return the smallest type of an entry as one number."""
    return np.min_scalar_type((1 << word_bits * entry_size) - 1)


class Entries:
    """The entries of a packet.

    Parameters
    ----------
    words : numpy.ndarray
        1-D, at least one word.
    word_bits, entry_size, slot_bits, code_bits : int
        Parameters of the codec.

    Attributes
    ----------
    dropped : int
        Low-order bits that are zero in every word.
    statistics : Statistics
        What the choice of codes rests on.
    """

    def __init__(self, words: np.ndarray, *, word_bits: int, entry_size: int, slot_bits: int, code_bits: int) -> None:
        self._words, self._word_bits, self._entry_size = words, word_bits, entry_size
        used = int(np.bitwise_or.reduce(words))
        self.dropped = (used & -used).bit_length() - 1 if used else 0

        values, self._rare = self._count(1 << slot_bits)
        counts = values["count"]
        order = np.lexsort((values["value"], -values["planes"], -counts))
        self._values = values["value"][order]
        self._by_value = np.argsort(self._values)
        rare = np.flatnonzero(self._rare)
        self._index_of_planes = np.cumsum(self._rare > 0) - 1 + self._values.size
        lengths, run_counts, trailing = self._runs()
        self.statistics = Statistics(
            counts=np.concatenate([counts[order], self._rare[rare]]),
            planes=np.concatenate([values["planes"][order], rare]),
            is_zero=np.concatenate([self._values == 0, np.zeros(rare.size, np.bool_)]),
            run_lengths=lengths,
            run_counts=run_counts,
            trailing_zeros=trailing,
            entry_size=entry_size,
            slot_bits=slot_bits,
            code_bits=code_bits,
            all_planes=word_bits - self.dropped,
        )

    def slabs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the entries, uint64, the first word least significant; with each one's index in the statistics."""
        for values in self._slabs():
            place = self._by_value[np.searchsorted(self._values, values, sorter=self._by_value) % self._values.size]
            rare = self._values[place] != values
            if rare.any():
                planes = planes_of(values[rare], self._word_bits, self._entry_size, self.dropped)
                place[rare] = self._index_of_planes[planes]
            yield values, place

    def _slabs(self) -> Iterator[np.ndarray]:
        shifts = (self._word_bits * np.arange(self._entry_size)).astype(np.uint64)
        for start in range(0, self._words.size, SLAB):
            words = self._words[start : start + SLAB]
            if missing := -words.size % self._entry_size:
                words = np.concatenate([words, np.zeros(missing, words.dtype)])
            yield np.bitwise_or.reduce(words.reshape(-1, self._entry_size).astype(np.uint64) << shifts, axis=1)

    def _count(self, most: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Find the `most` frequent entries, and the one of zeros; and how many others need so many planes."""
        dtype = entry_dtype(self._word_bits, self._entry_size)
        values, place = np.empty(-(-self._words.size // self._entry_size), dtype), 0
        for slab in self._slabs():
            values[place : place + slab.size] = slab
            place += slab.size
        values.sort()
        found, rare = _most_frequent(values, most, self._word_bits, self._entry_size, self.dropped)
        kept = np.array(found, [("count", np.int64), ("planes", np.int64), ("complement", np.uint64)])
        return {"count": kept["count"], "planes": kept["planes"], "value": ~kept["complement"]}, rare

    def _runs(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Count the runs of zeros by their lengths; and measure the one at the end."""
        lengths, counts, open_run = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
        for values in self._slabs():
            edges = np.flatnonzero(np.diff(values == 0, prepend=False, append=False))
            runs = edges[1::2] - edges[::2]
            if open_run and runs.size and edges[0] == 0:
                runs[0] += open_run
            elif open_run:
                runs = np.concatenate([[open_run], runs])
            open_run = int(runs[-1]) if not values[-1] else 0
            of_slab = np.unique(runs[: runs.size - bool(open_run)], return_counts=True)
            lengths.append(of_slab[0])
            counts.append(of_slab[1])
        if open_run:
            lengths.append(np.array([open_run]))
            counts.append(np.array([1]))
        merged, inverse = np.unique(np.concatenate(lengths), return_inverse=True)
        totals = np.zeros(merged.size, np.int64)
        np.add.at(totals, inverse, np.concatenate(counts))
        return merged, totals, open_run


@njit(cache=True)
def _most_frequent(
    values: np.ndarray, most: int, word_bits: int, entry_size: int, dropped: int
) -> tuple[list[tuple[np.int64, np.int64, np.uint64]], np.ndarray]:
    """Find the most frequent of sorted entries: occurrences, planes and the entry's complement; and count the others.

    Of equally frequent ones those of more planes come first, and then the smaller ones.
    """
    heap = [(np.int64(0), np.int64(0), np.uint64(0)) for _ in range(0)]
    rare = np.zeros(word_bits + 1, np.int64)
    zeros = np.int64(0)
    start = 0
    for end in range(1, values.size + 1):
        if end < values.size and values[end] == values[start]:
            continue
        value, count = np.uint64(values[start]), np.int64(end - start)
        start = end
        if value == 0:
            zeros = count
            continue
        item = (count, np.int64(planes_of_one(value, word_bits, entry_size, dropped)), ~value)
        if len(heap) < most:
            heapq.heappush(heap, item)
        else:
            last = heapq.heappushpop(heap, item)
            rare[last[1]] += last[0]
    if zeros:
        heap.append((zeros, np.int64(1), ~np.uint64(0)))
    return heap, rare
