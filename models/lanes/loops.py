"""Compiled loops of the lanes format over the words of a packet.

The format is described in `docs/formats/lanes.md`. Lanes take the units of a packet in the order in which a decoder
needs them, so that both directions go through the words of a packet step by step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.errors import CorruptDataError
from silicodec.models.lanes.choice import Events, Grid, leaf_of, split_class
from silicodec.models.lanes.code import BASE, BUS_UNITS, EXTRA, HELD, MAX_LENGTH, RUN, UNIT, WIDTH


class EncoderTables(NamedTuple):
    """What the encoder looks up.

    Attributes
    ----------
    codes, lengths, run_classes, widths : numpy.ndarray
        Code word of each symbol, its bits, and those that follow.
    symbol_of : numpy.ndarray
        Symbol of each class of runs and leaf.
    class_of_run : numpy.ndarray
        Class of each run; longer ones are split.
    bases, extra_bits : numpy.ndarray
        Shortest run of each class, and the bits of what a run has above it.
    """

    codes: np.ndarray
    lengths: np.ndarray
    widths: np.ndarray
    symbol_of: np.ndarray
    class_of_run: np.ndarray
    bases: np.ndarray
    extra_bits: np.ndarray


@njit(cache=True)
def encode_lanes(events: Events, grid: Grid, rows: int, tables: EncoderTables, units: np.ndarray) -> int:
    """Encode a packet of so many rows to units of 16 bits, all zero before; returns how many there are."""
    codes, lengths, widths, symbol_of, class_of_run, bases, extra_bits = tables
    lanes, longest_run = events.ends.size, class_of_run.size
    place = np.zeros(lanes, np.int64)  # each lane's next word that is not zero, and the zeros before it
    place[1:] = events.ends[:-1]
    zeros = np.empty(lanes, np.int64)
    for lane in range(lanes):
        zeros[lane] = events.zeros[place[lane]] if place[lane] < events.ends[lane] else longest_run
    due = np.zeros(lanes, np.int64)  # the row at which each lane needs a symbol
    pending = np.zeros(lanes, np.int64)  # bits that are in no unit yet, and their number
    pending_bits = np.zeros(lanes, np.int64)
    held = np.empty((lanes, HELD), np.int64)  # the units that it holds
    for index in range(lanes * HELD):
        held[index % lanes, index // lanes] = index
    used, end = lanes * HELD, 0
    for row in range(rows):
        for lane in range(lanes):
            if due[lane] != row:
                continue
            run, word = zeros[lane], 0
            run_class = class_of_run[run] if run < longest_run else split_class(class_of_run)
            if run >= longest_run:
                zeros[lane] = max(run - longest_run, longest_run * (place[lane] == events.ends[lane]))
                run = longest_run - 1
            else:
                word = events.words[place[lane]]
                place[lane] += 1
                zeros[lane] = events.zeros[place[lane]] if place[lane] < events.ends[lane] else longest_run
            due[lane] += run + 1
            symbol = symbol_of[run_class, leaf_of(word, grid)]
            width = widths[symbol]
            code = codes[symbol] << extra_bits[run_class] | (run - bases[run_class])
            code = code << width | (word >> grid.dropped) & ((1 << width) - 1)
            length = lengths[symbol] + extra_bits[run_class] + width
            pending[lane] = pending[lane] << length | code
            pending_bits[lane] += length
            while pending_bits[lane] >= UNIT:
                pending_bits[lane] -= UNIT
                units[held[lane, 0]] = pending[lane] >> pending_bits[lane]
                end = max(end, held[lane, 0] + 1)
                pending[lane] &= (1 << pending_bits[lane]) - 1
                held[lane, 0], held[lane, 1], held[lane, 2] = held[lane, 1], held[lane, 2], used
                used += 1
    for lane in range(lanes):
        if pending_bits[lane]:
            units[held[lane, 0]] = pending[lane] << (UNIT - pending_bits[lane])
            end = max(end, held[lane, 0] + 1)
    return end


@njit(cache=True)
def decode_lanes(
    units: np.ndarray, first: int, lanes: int, entries: np.ndarray, dropped: int, word_bits: int, words: np.ndarray
) -> None:
    """Decode the units of a packet from number `first` on into an array of zeros, in whole rows.

    Raises
    ------
    CorruptDataError
        If they are malformed.
    """
    rows, size = words.size // lanes, units.size
    one, high, all_bits = np.uint64(1), np.uint64(UNIT * HELD), np.uint64((1 << UNIT * HELD) - 1)
    unit = np.uint64(UNIT)
    mask = np.uint64((1 << word_bits) - 1)
    due = np.zeros(lanes, np.int64)  # the row at which each lane needs a symbol
    bits, position = np.zeros(lanes, np.uint64), np.zeros(lanes, np.uint64)  # three units, and where the next one is
    number, taken = np.zeros((lanes, 4), np.int64), np.zeros(lanes, np.int64)  # of units, in a ring
    used = first
    for index in range(lanes * HELD):
        lane = index % lanes
        bits[lane] = bits[lane] << unit | np.uint64(units[used] if used < size else 0)
        number[lane, taken[lane]] = used
        taken[lane] += 1
        used += 1
    for row in range(rows):
        for lane in range(lanes):
            if due[lane] != row:
                continue
            ahead, place = bits[lane], position[lane]
            entry = entries[(ahead >> (high - np.uint64(MAX_LENGTH) - place)) & np.uint64((1 << MAX_LENGTH) - 1)]
            place += entry & np.uint64(0xFF)
            tail = ahead >> (high - place)
            width = (entry >> np.uint64(WIDTH)) & np.uint64(0xFF)
            extra = (entry >> np.uint64(EXTRA)) & np.uint64(0xFF)
            value = (entry >> np.uint64(BASE)) & np.uint64(0xFFFF) | tail & ((one << width) - one)
            run = np.int64((entry >> np.uint64(RUN)) + ((tail & ((one << extra) - one)) >> width))
            while place >= unit:
                if number[lane, (taken[lane] - HELD) & 3] >= size:
                    raise CorruptDataError("packet is too short")
                ahead = (ahead << unit) & all_bits
                place -= unit
                if row < rows - 1:
                    ahead |= np.uint64(units[used] if used < size else 0)
                    number[lane, taken[lane] & 3] = used
                    used += 1
                taken[lane] += 1
            bits[lane], position[lane] = ahead, place
            due[lane] = row + run + 1
            if row + run < rows:
                words[(row + run) * lanes + lane] = (value << np.uint64(dropped)) & mask
            elif value:
                raise CorruptDataError("packet has a word after its end")
    for lane in range(lanes):
        if position[lane] and number[lane, (taken[lane] - HELD) & 3] >= size:
            raise CorruptDataError("packet is too short")
        if bits[lane] << (np.uint64(64) - high + position[lane]):
            raise CorruptDataError("packet is padded with bits that are not zero")
    if size > -(-used // BUS_UNITS) * BUS_UNITS:
        raise CorruptDataError("packet goes on after its last word")
    for index in range(used, size):
        if units[index]:
            raise CorruptDataError("packet is padded with bits that are not zero")
