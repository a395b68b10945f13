"""Compiled loops of the lanes format over the words of a packet.

The format is described in `docs/formats/lanes.md`. Lanes take the words of the code stream in the order in which a
decoder needs them, so that both directions go through the words of a packet step by step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.errors import CorruptDataError
from silicodec.models.lanes.symbols import Events
from silicodec.models.lanes.table import MAX_LENGTH, Entry

UNIT = 16
"""Bits of a word of the code stream."""


class EncoderTables(NamedTuple):
    """What the encoder looks up.

    Attributes
    ----------
    codes, lengths : numpy.ndarray
        Code word of each symbol, and its bits.
    run_classes, bases, extra_bits : numpy.ndarray
        Class of each run, its shortest run, and the bits of what a run has above it.
    values, longest_run, reach, word_bits : int
        As of the code of a packet.
    """

    codes: np.ndarray
    lengths: np.ndarray
    run_classes: np.ndarray
    bases: np.ndarray
    extra_bits: np.ndarray
    values: int
    longest_run: int
    reach: int
    word_bits: int


@njit(cache=True)
def encode_lanes(events: Events, numbers: np.ndarray, count: int, tables: EncoderTables, units: np.ndarray) -> int:
    """Encode a packet of `count` words to units of 16 bits, all zero before; returns how many there are."""
    codes, lengths, run_classes, bases, extra_bits, values, longest_run, reach, word_bits = tables
    lanes = events.ends.size
    place = np.zeros(lanes, np.int64)  # each lane's next word that is not zero, and the zeros before it
    place[1:] = events.ends[:-1]
    zeros = events.trailing.copy()
    for lane in range(lanes):
        if place[lane] < events.ends[lane]:
            zeros[lane] = events.zeros[place[lane]]
    due = np.arange(lanes)  # the word at which each lane needs a symbol
    held = np.zeros(lanes, np.int64)  # bits of units that it took and has not filled
    pending = np.zeros(lanes, np.int64)  # bits that are in no unit yet, and their number
    pending_bits = np.zeros(lanes, np.int64)
    taken = np.zeros((lanes, 4), np.int64)  # units that it took, in a ring, and how many it took and filled
    took, filled = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    used = 0
    for index in range(count):
        lane = index & (lanes - 1)
        if due[lane] != index:
            continue
        run, end = zeros[lane], place[lane] == events.ends[lane]
        escaped = 0
        if run >= longest_run or end:
            symbol, extra, extra_length = 0, 0, 0
            zeros[lane] -= longest_run
            due[lane] += longest_run * lanes
        else:
            run_class, number = run_classes[run], numbers[place[lane]]
            symbol = 1 + run_class * (values + 1) + number
            extra, extra_length = run - bases[run_class], extra_bits[run_class]
            escaped = word_bits if number == values else 0
            due[lane] += (run + 1) * lanes
            place[lane] += 1
            zeros[lane] = events.zeros[place[lane]] if place[lane] < events.ends[lane] else events.trailing[lane]
        code, length, needed = codes[symbol] << extra_length | extra, lengths[symbol] + extra_length, reach
        while length:
            while held[lane] < needed:
                taken[lane, took[lane] & 3] = used
                took[lane] += 1
                used += 1
                held[lane] += UNIT
            held[lane] -= length
            pending[lane] = pending[lane] << length | code
            pending_bits[lane] += length
            while pending_bits[lane] >= UNIT:
                pending_bits[lane] -= UNIT
                units[taken[lane, filled[lane] & 3]] = pending[lane] >> pending_bits[lane]
                filled[lane] += 1
                pending[lane] &= (1 << pending_bits[lane]) - 1
            code, length, needed, escaped = events.words[place[lane] - 1], escaped, escaped, 0
    for lane in range(lanes):
        if pending_bits[lane]:
            units[taken[lane, filled[lane] & 3]] = pending[lane] << (UNIT - pending_bits[lane])
    return used


SPARE_UNITS = 2
"""Units of zeros after the end of the code stream, for each lane, that a decoder may read before it finds out."""
_EXTRA_BITS, _WORD, _RUN, _ESCAPE, _ZEROS, _INVALID = (
    int(field) for field in (Entry.EXTRA_BITS, Entry.WORD, Entry.RUN, Entry.ESCAPE, Entry.ZEROS, Entry.INVALID)
)


class DecoderTable(NamedTuple):
    """What the decoder looks up.

    Attributes
    ----------
    entries : numpy.ndarray
        What each string of `MAX_LENGTH` bits starts with, as of `Entry`.
    longest_run, reach, word_bits : int
        As of the code of a packet.
    """

    entries: np.ndarray
    longest_run: int
    reach: int
    word_bits: int


@njit(cache=True)
def decode_lanes(units: np.ndarray, lanes: int, table: DecoderTable, words: np.ndarray) -> None:
    """Decode a packet into an array of zeros; `units` end with `SPARE_UNITS` for each lane.

    Raises
    ------
    CorruptDataError
        If the code stream is malformed.
    """
    entries, longest_run, reach, word_bits = table
    size = units.size - SPARE_UNITS * lanes
    unit, one, window = np.uint64(UNIT), np.uint64(1), np.uint64(MAX_LENGTH)
    due = np.arange(lanes)  # the word at which each lane needs a symbol
    held, bits = np.zeros(lanes, np.uint64), np.zeros(lanes, np.uint64)
    used = np.uint64(0)
    for start in range(0, words.size, lanes):
        if np.int64(used) > size:
            raise CorruptDataError("code stream is too short")
        for lane in range(min(lanes, words.size - start)):
            place = start + lane
            if due[lane] != place:
                continue
            # A unit is added where one is needed, without a branch to mispredict.
            number, ahead = held[lane], bits[lane]
            needed = np.uint64(number < np.uint64(reach))
            ahead = ahead << (unit * needed) | np.uint64(units[used]) * needed
            number += unit * needed
            used += needed
            entry = entries[(ahead << window >> number) & np.uint64((1 << MAX_LENGTH) - 1)]
            number -= entry & np.uint64(15)
            word = (entry >> np.uint64(_WORD)) & np.uint64(0xFFFF)
            if entry >> np.uint64(_RUN):
                if entry >> np.uint64(_INVALID):
                    raise CorruptDataError("code stream has a code that the table has not")
                if entry >> np.uint64(_ZEROS):
                    place += (longest_run - 1) * lanes
                else:
                    extra_bits = (entry >> np.uint64(_EXTRA_BITS)) & np.uint64(15)
                    number -= extra_bits
                    run = (entry >> np.uint64(_RUN)) & np.uint64(0xFF)
                    run += (ahead >> number) & ((one << extra_bits) - one)
                    place += np.int64(run) * lanes  # type: ignore[assignment]
                    if place >= words.size:
                        raise CorruptDataError("code stream has a word after the end of the packet")
                if entry >> np.uint64(_ESCAPE) & one:
                    while number < np.uint64(word_bits):
                        if np.int64(used) >= size:
                            raise CorruptDataError("code stream is too short")
                        ahead = ahead << unit | np.uint64(units[used])
                        used += one
                        number += unit
                    number -= np.uint64(word_bits)
                    word = (ahead >> number) & np.uint64((1 << word_bits) - 1)
            held[lane], bits[lane] = number, ahead & ((one << number) - one)
            if place < words.size:  # zeros may go on beyond the end
                words[place] = word
            due[lane] = place + lanes
    if np.int64(used) > size:
        raise CorruptDataError("code stream is too short")
    if np.int64(used) < size:
        raise CorruptDataError("code stream has words after its end")
    if bits.any():
        raise CorruptDataError("code stream is padded with bits that are not zero")
