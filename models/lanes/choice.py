"""The code that suits a packet: which runs of zeros and which ranges of values have symbols.

A symbol is a class of runs with an aligned range of 2**k values. For each class the ranges are leaves of a binary tree
that is cut where splitting takes more bits, a symbol's entry in the table included, than it saves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.lanes.code import (
    FROM_ONE,
    FROM_POWER,
    LEAST_RUN_BITS,
    MAX_LENGTH,
    MOST_RUN_BITS,
    RUN_CLASSES,
    RUN_EXTRA_BITS,
    SPLIT_CLASS,
    SPLIT_RUN,
    UNIT,
    PacketCode,
    Symbols,
    entry_units,
    most_extra_bits,
)
from silicodec.models.lanes.huffman import best_lengths

TREE_BITS = 8
"""Levels of a tree; wider values are ranges from its leaves on."""
LEAVES = 1 << TREE_BITS
SPARSE = 1
"""Zeros for each other word from which on also classes are tried that hold runs from 1 on."""
DENSE_LIMIT, SPARSE_LIMIT = 0, 2
"""Magnitude up to which values stay with the run before them where others are set apart: with the large ones, too, 16
symbols would not do for many classes of runs."""
CLOSER = 4
"""Steps from twice the price at which there are few enough symbols towards the least one."""


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


class Grid(NamedTuple):
    """How words are leaves of a tree.

    Attributes
    ----------
    dropped : int
        Low-order bits that are zero in every word.
    grain : int
        Bits above them that all symbols leave to follow.
    half : int
        Values below zero that the tree has room for.
    word_bits : int
        Bits of a word.
    """

    dropped: int
    grain: int
    half: int
    word_bits: int


class Choice(NamedTuple):
    """The code of a packet, and how to find its symbols.

    Attributes
    ----------
    events : Events
        What has symbols.
    code : PacketCode
        The code.
    grid : Grid
        How words are leaves.
    symbol_of : numpy.ndarray
        int64, (classes, leaves): the symbol of a run and a value.
    class_of_run : numpy.ndarray
        int64: class of each run; longer ones are split.
    nbits : int
        Bits of the code words and what follows them.
    """

    events: Events
    code: PacketCode
    grid: Grid
    symbol_of: np.ndarray
    class_of_run: np.ndarray
    nbits: int


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
def set_apart(events: Events, limit: int, word_bits: int) -> Events:
    """Give runs of zeros before words beyond +-`limit` symbols of their own, with the last zero as the value."""
    sign = 1 << (word_bits - 1)
    apart = (events.zeros > 0) & (np.abs((events.words ^ sign) - sign) > limit)
    size = apart.size + np.count_nonzero(apart)
    zeros, words = np.zeros(size, np.int64), np.zeros(size, np.int64)
    ends, place, index = events.ends.copy(), 0, 0
    for lane in range(ends.size):
        while index < events.ends[lane]:
            if apart[index]:
                zeros[place] = events.zeros[index] - 1
                place += 1
            else:
                zeros[place] = events.zeros[index]
            words[place] = events.words[index]
            place += 1
            index += 1
        ends[lane] = place
    return Events(zeros, words, ends, events.trailing)


@njit(cache=True)
def leaf_of(word: int, grid: Grid) -> int:
    """Return the leaf that a word belongs to."""
    sign = 1 << (grid.word_bits - 1)
    value = ((word ^ sign) - sign) >> grid.dropped
    return (value + grid.half) >> grid.grain


@njit(cache=True)
def make_grid(words: np.ndarray, word_bits: int) -> Grid:
    """Lay a tree over the values that there are."""
    used = low = high = 0
    sign = 1 << (word_bits - 1)
    for word in words:
        used |= word
        value = (word ^ sign) - sign
        low, high = min(low, value), max(high, value)
    dropped = 0
    while used and not used >> dropped & 1:
        dropped += 1
    bits = TREE_BITS
    while not -1 << (bits - 1) <= low >> dropped <= high >> dropped < 1 << (bits - 1):
        bits += 1
    return Grid(dropped, bits - TREE_BITS, 1 << (bits - 1), word_bits)


def run_partitions(sparse: bool) -> Iterator[np.ndarray]:
    """Give ways to divide runs into classes: the class of each run, up to the longest one."""
    for longest in range(FROM_POWER):
        yield np.arange(longest + 1)
    for last in range(LEAST_RUN_BITS, MOST_RUN_BITS):
        yield _with_powers([0, 1, 2, 3], LEAST_RUN_BITS, last)
    if sparse:
        for first in range(LEAST_RUN_BITS, MOST_RUN_BITS + 1):
            from_one = [0] + [FROM_ONE + first - LEAST_RUN_BITS] * (1 << first)
            for last in range(first - 1, min(first + 2, MOST_RUN_BITS)):
                yield _with_powers(from_one, first, last)


def _with_powers(classes: list[int], first: int, last: int) -> np.ndarray:
    """Go on with the classes of runs from a power of two on, up to those of exponent `last`."""
    for bits in range(first, last + 1):
        classes = classes + [FROM_POWER + bits - LEAST_RUN_BITS] * ((2 << bits) - len(classes))
    return np.array(classes[: SPLIT_RUN + 1])


@njit(cache=True)
def split_class(class_of_run: np.ndarray) -> int:
    """Return the class of the run that longer ones are split by, with a zero after it."""
    return SPLIT_CLASS if class_of_run.size > SPLIT_RUN else class_of_run[-1]


@njit(cache=True)
def count_leaves(events: Events, grid: Grid, class_of_run: np.ndarray) -> np.ndarray:
    """Count values by the run before them, (classes, leaves); zeros count as values after what of a run is too long."""
    counts = np.zeros((RUN_CLASSES, LEAVES), np.int64)
    longest, zero = class_of_run.size, leaf_of(0, grid)
    splits = 0
    for index in range(events.words.size):
        run = events.zeros[index]
        while run >= longest:
            splits += 1
            run -= longest
        counts[class_of_run[run], leaf_of(events.words[index], grid)] += 1
    for run in events.trailing:
        splits += (run + longest - 1) // longest
    counts[split_class(class_of_run), zero] += splits
    return counts


@njit(cache=True)
def cut(counts: np.ndarray, price: float, grain: int, rooms: np.ndarray) -> tuple[np.ndarray, float]:
    """Cut the trees of all classes where that takes the fewest bits.

    Parameters
    ----------
    counts : numpy.ndarray
        int64, (classes, leaves).
    price : float
        Bits that a symbol takes besides its code words.
    grain : int
        As of the grid.
    rooms : numpy.ndarray
        (classes,): most bits that may follow for the value.

    Returns
    -------
    symbols : numpy.ndarray
        int64, (symbols, 4): class, level of the range in the tree, number of its first leaf, occurrences.
    nbits : float
        The bits of all, but for runs.
    """
    total = counts.sum()
    found = np.empty((counts.size, 4), np.int64)
    size, nbits = 0, 0.0
    cost, before = np.empty(LEAVES), np.zeros(LEAVES + 1, np.int64)
    whole = np.empty((TREE_BITS, LEAVES), np.bool_)
    for number in range(counts.shape[0]):
        leaves = np.flatnonzero(counts[number])
        if not leaves.size:
            continue
        before[1:] = np.cumsum(counts[number])
        whole[:] = True
        # The root stays cut: its range is not aligned among two's complement numbers.
        for level in range(TREE_BITS):
            # Ranges outside of those and their siblings are empty.
            for node in range(leaves[0] >> level & ~1, (leaves[-1] >> level | 1) + 1):
                count = before[(node + 1) << level] - before[node << level]
                if not count:
                    cost[node] = 0.0
                    continue
                split = cost[2 * node] + cost[2 * node + 1] if level else np.inf
                as_one = count * (max(np.log2(total / count), 1.0) + grain + level) + price
                if grain + level > rooms[number]:
                    as_one = np.inf
                whole[level, node] = as_one <= split
                cost[node] = min(as_one, split)
        nbits += cost[0] + cost[1]
        start = 0
        while start < LEAVES:
            level = TREE_BITS - 1
            while level and (start & ((1 << level) - 1) or not whole[level, start >> level]):
                level -= 1
            count = before[start + (1 << level)] - before[start]
            if count:
                found[size] = number, level, start, count
                size += 1
            start += 1 << level
    return found[:size].copy(), nbits


@njit(cache=True)
def fewest_symbols(counts: np.ndarray, grain: int, rooms: np.ndarray) -> int:
    """Count the ranges that are left where as many as can be are joined."""
    size = 0
    for number in range(counts.shape[0]):
        if not counts[number].any():
            continue
        level = min(int(rooms[number]) - grain, TREE_BITS - 1)
        if level < 0:
            return counts.size
        ranges = np.flatnonzero(counts[number]) >> level
        size += 1 + int(np.count_nonzero(np.diff(ranges)))
    return size


@njit(cache=True)
def cut_to(counts: np.ndarray, price: float, grain: int, rooms: np.ndarray, most: int) -> np.ndarray:
    """Cut trees as `cut` does, at the lowest price from `price` on that leaves up to `most` symbols, nearly."""
    found, _ = cut(counts, price, grain, rooms)
    if found.shape[0] <= most:
        return found
    low = high = price
    while found.shape[0] > most:
        low, high = high, 2 * high
        found, _ = cut(counts, high, grain, rooms)
    for _ in range(CLOSER):
        between = np.sqrt(low * high)
        closer, _ = cut(counts, between, grain, rooms)
        if closer.shape[0] > most:
            low = between
        else:
            high, found = between, closer
    return found


@njit(cache=True)
def code_bits(found: np.ndarray, grain: int, lengths: np.ndarray, extra_bits: np.ndarray) -> int:
    """Count the bits of symbols, as `cut` gives them, with code words of these lengths."""
    nbits = 0
    for index in range(lengths.size):
        number, level, _, count = found[index]
        nbits += count * (lengths[index] + extra_bits[number] + grain + level)
    return nbits


def choose(events: Events, word_bits: int, most: int) -> Choice:
    """Choose the code of a packet that is not empty, of up to `most` symbols."""
    grid = make_grid(events.words, word_bits)
    price, rooms = float(UNIT * entry_units(word_bits)), most_extra_bits(word_bits) - RUN_EXTRA_BITS
    sparse = events.zeros.sum() + events.trailing.sum() > SPARSE * events.words.size
    tried: list[tuple[float, int, np.ndarray, np.ndarray, Events]] = []
    limit = (SPARSE_LIMIT if sparse else DENSE_LIMIT) << grid.dropped
    for divided in (events, set_apart(events, limit, word_bits)):
        for class_of_run in run_partitions(sparse):
            counts = count_leaves(divided, grid, class_of_run)
            if fewest_symbols(counts, grid.grain, rooms) <= most:
                _, bound = cut(counts, price, grid.grain, rooms)
                bound += counts.sum(axis=1) @ RUN_EXTRA_BITS
                tried.append((bound, len(tried), counts, class_of_run, divided))
    best = np.inf
    for bound, _, counts, class_of_run, divided in sorted(tried, key=lambda one: one[:2]):
        if bound >= best:  # neither a limit of symbols nor whole bits make it smaller
            break
        found = cut_to(counts, price, grid.grain, rooms, most)
        lengths = best_lengths(found[:, 3], MAX_LENGTH)
        nbits = code_bits(found, grid.grain, lengths, RUN_EXTRA_BITS) + price * lengths.size
        if nbits < best:
            best, chosen = nbits, (divided, found, lengths, class_of_run)
    return _code(*chosen, grid)


def _code(events: Events, found: np.ndarray, lengths: np.ndarray, class_of_run: np.ndarray, grid: Grid) -> Choice:
    """Give symbols code words."""
    nbits = code_bits(found, grid.grain, lengths, RUN_EXTRA_BITS)
    order = np.argsort(lengths, kind="stable")
    run_classes, levels, starts, _ = found[order].T
    lengths = lengths[order]
    widths = levels + grid.grain
    symbol_of = np.full((RUN_CLASSES, LEAVES), -1)
    for symbol, (run_class, level, start) in enumerate(zip(run_classes, levels, starts, strict=True)):
        symbol_of[run_class, start : start + (1 << level)] = symbol
    bases = ((starts << grid.grain) - grid.half) & ((1 << grid.word_bits) - 1) >> grid.dropped
    symbols = Symbols(lengths, run_classes, widths, bases)
    if lengths.size == 1:  # a code of one code word would not be complete
        symbols = Symbols(*(np.repeat(column, 2) for column in symbols))
    return Choice(events, PacketCode(grid.dropped, symbols), grid, symbol_of, class_of_run, nbits)
