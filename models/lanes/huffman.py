"""Lengths of the best code words of up to so many bits."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def best_lengths(counts: np.ndarray, limit: int) -> np.ndarray:
    """Find the lengths, of up to `limit` bits, of the code that takes the fewest bits; those of counts of 0 are 0.

    Package-merge: L. L. Larmore and D. S. Hirschberg, "A fast algorithm for optimal length-limited Huffman codes",
    Journal of the ACM 37(3), 1990.
    """
    lengths = np.zeros(counts.size, np.int64)
    order = np.argsort(counts, kind="mergesort")  # stable, so that ties are cut the same everywhere
    order = order[np.count_nonzero(counts == 0) :]
    single = counts[order]
    if single.size < 2:
        lengths[order] = 1
        return lengths
    is_single = np.zeros((limit, 2 * single.size), np.bool_)
    items, count = np.empty(2 * single.size, np.int64), 0
    for level in range(limit):
        # Merge the symbols themselves with packages of two items of the level before.
        pairs = count // 2
        packages = items[: 2 * pairs : 2] + items[1 : 2 * pairs : 2]
        merged = np.empty(2 * single.size, np.int64)
        i = j = 0
        count = single.size + pairs
        for place in range(count):
            take = j == pairs or (i < single.size and single[i] <= packages[j])
            is_single[level, place] = take
            merged[place] = single[i] if take else packages[j]
            i, j = i + take, j + (not take)
        items = merged
    needed = 2 * single.size - 2
    for level in range(limit - 1, -1, -1):
        singles = int(np.count_nonzero(is_single[level, :needed]))
        lengths[order[:singles]] += 1
        needed = 2 * (needed - singles)
    return lengths
