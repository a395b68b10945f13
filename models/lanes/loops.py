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
from silicodec.models.lanes.code import BASE, EXTRA, HELD, MAX_LENGTH, RUN, UNIT, WIDTH
from silicodec.models.lanes.units import LANE, begin_packet, end_packet, put_bits


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
    states = np.empty(lanes, LANE)
    used = begin_packet(states, 0)
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
            used = put_bits(states, lane, code, length, used, units)
    return end_packet(states, units)


class LaneStates(NamedTuple):
    """Where lanes are: arrays of (lanes,).

    Attributes
    ----------
    bits : numpy.ndarray
        uint64: the bits that a lane holds and has not read, the next one in the most significant bit.
    places : numpy.ndarray
        uint64: bits that it has read of its first unit.
    zeros : numpy.ndarray
        int64: how many zeros it has still to give, before `values`; it needs a symbol where that is none.
    values : numpy.ndarray
        uint64: the value after them.
    numbers : numpy.ndarray
        int64, (lanes, 3): which units it holds.
    """

    bits: np.ndarray
    places: np.ndarray
    zeros: np.ndarray
    values: np.ndarray
    numbers: np.ndarray


@njit(cache=True)
def decode_lanes(
    units: np.ndarray,
    first: int,
    packet: tuple[int, int],
    entries: np.ndarray,
    shape: tuple[int, int],
    words: np.ndarray,
) -> None:
    """Decode the units of a packet from number `first` on into an array of zeros, in whole rows.

    `packet` is its lanes and the units of a word of the bus, `shape` the low-order bits without meaning and the bits of
    a word.

    Raises
    ------
    CorruptDataError
        If they are malformed.
    """
    lanes, bus_units = packet
    states = LaneStates(
        np.zeros(lanes, np.uint64),
        np.zeros(lanes, np.uint64),
        np.zeros(lanes, np.int64),
        np.zeros(lanes, np.uint64),
        np.zeros((lanes, HELD), np.int64),
    )
    for index in range(lanes * HELD):
        lane, turn = index % lanes, index // lanes
        if first + index < units.size:
            states.bits[lane] |= np.uint64(units[first + index]) << np.uint64(64 - UNIT * (turn + 1))
        states.numbers[lane, turn] = first + index
    used, row = first + lanes * HELD, 0
    if shape[1] <= 8:
        row, used = _decode_most_rows(units, used, states, entries, shape, words)
    used = _decode_last_rows(units, used, row, states, entries, shape, words)
    for lane in range(lanes):
        if states.zeros[lane] and states.values[lane]:
            raise CorruptDataError("packet has a word after its end")
        if states.places[lane] and states.numbers[lane, 0] >= units.size:
            raise CorruptDataError("packet is too short")
        if states.bits[lane]:
            raise CorruptDataError("packet is padded with bits that are not zero")
    if units.size > -(-used // bus_units) * bus_units:
        raise CorruptDataError("packet goes on after its last word")
    if units[used:].any():
        raise CorruptDataError("packet is padded with bits that are not zero")


@njit(cache=True)
def _decode_most_rows(
    units: np.ndarray, used: int, states: LaneStates, entries: np.ndarray, shape: tuple[int, int], words: np.ndarray
) -> tuple[int, int]:
    """Decode words of up to 8 bits while no unit is the last of the packet; returns the next row and unit.

    Without branches, which would be mispredicted.
    """
    bits, places, zeros, values, numbers = states
    lanes = bits.size
    last, safe = words.size // lanes - 1, units.size - lanes
    unit, byte, none = np.uint64(UNIT), np.uint64(0xFF), np.uint64(0)
    one, top = np.uint64(1), np.uint64(64 - MAX_LENGTH)
    dropped, mask = np.uint64(shape[0]), np.uint64((1 << shape[1]) - 1)
    next_unit, row = np.uint64(used), 0
    while row < last and np.int64(next_unit) <= safe:
        for lane in range(lanes):
            ahead, before = bits[lane], zeros[lane]
            entry = entries[ahead >> top]
            length = entry & byte
            tail = (ahead >> one) >> (np.uint64(63) - length)
            width, extra = (entry >> np.uint64(WIDTH)) & byte, (entry >> np.uint64(EXTRA)) & byte
            value = ((entry >> np.uint64(BASE)) & byte) | (tail & ((one << width) - one))
            run = np.int64((entry >> np.uint64(RUN)) + ((tail & ((one << extra) - one)) >> width))
            needed = before == 0
            length = length if needed else none
            value = value if needed else values[lane]
            left = run if needed else before - 1
            place = places[lane] + length
            full = place >> np.uint64(4)
            place &= np.uint64(15)
            bits[lane] = ahead << length | (np.uint64(units[next_unit]) * full) << (unit + place)
            places[lane], zeros[lane], values[lane] = place, left, value
            next_unit += full
            words[row * lanes + lane] = ((value << dropped) & mask) if left == 0 else none
        row += 1
    if row:
        numbers[:] = 0  # all are units of the packet
    return row, np.int64(next_unit)  # type: ignore[return-value]  # an int to Numba


@njit(cache=True)
def _decode_last_rows(
    units: np.ndarray,
    used: int,
    done: int,
    states: LaneStates,
    entries: np.ndarray,
    shape: tuple[int, int],
    words: np.ndarray,
) -> int:
    """Decode all rows but those `done`; returns the number of units that were taken."""
    bits, places, zeros, values, numbers = states
    dropped, mask = np.uint64(shape[0]), np.uint64((1 << shape[1]) - 1)
    lanes = bits.size
    rows, one, byte, unit = words.size // lanes, np.uint64(1), np.uint64(0xFF), np.uint64(UNIT)
    for row in range(done, rows):
        for lane in range(lanes):
            if zeros[lane]:
                zeros[lane] -= 1
            else:
                ahead = bits[lane]
                entry = entries[ahead >> np.uint64(64 - MAX_LENGTH)]
                length, width = entry & byte, (entry >> np.uint64(WIDTH)) & byte
                extra = (entry >> np.uint64(EXTRA)) & byte
                tail = ahead >> (np.uint64(64) - length)
                values[lane] = (entry >> np.uint64(BASE)) & np.uint64(0xFFFF) | tail & ((one << width) - one)
                zeros[lane] = np.int64((entry >> np.uint64(RUN)) + ((tail & ((one << extra) - one)) >> width))
                ahead <<= length
                place = places[lane] + length
                while place >= unit:
                    if numbers[lane, 0] >= units.size:
                        raise CorruptDataError("packet is too short")
                    numbers[lane, 0], numbers[lane, 1], numbers[lane, 2] = numbers[lane, 1], numbers[lane, 2], used
                    place -= unit
                    if row < rows - 1:
                        if used < units.size:
                            ahead |= np.uint64(units[used]) << (unit + place)
                        used += 1
                bits[lane], places[lane] = ahead, place
            if not zeros[lane]:
                words[row * lanes + lane] = (values[lane] << dropped) & mask
    return used
