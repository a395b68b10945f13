"""Compiled loops of the dictionary format over entries and codes.

The format is described in `docs/formats/dictionary.md`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.models.bitstream import peek_all, put
from silicodec.models.dictionary.code import CodeTable, EntryCodes, Kind, RunCodes
from silicodec.models.errors import CorruptDataError

_UNUSED, _STORE = int(Kind.UNUSED), int(Kind.STORE)


class Packet(NamedTuple):
    """A packet to decode.

    Attributes
    ----------
    bits, nbits : numpy.ndarray, int
        The code stream, as `bitstream.from_bytes` makes it, and its bits up to the end.
    ahead_bits, slot_bits : int
        Bits that the table looks ahead, and the bits of a slot's number in this packet.
    table : CodeTable
        What its layout makes of the codes.
    literals : numpy.ndarray
        The literal stream.
    word_bits, entry_size, dropped : int
        Bits of a word, words of an entry, and low-order bits that are zero in every word.
    """

    bits: np.ndarray
    nbits: int
    ahead_bits: int
    slot_bits: int
    table: CodeTable
    literals: np.ndarray
    word_bits: int
    entry_size: int
    dropped: int


@lru_cache
def spread_planes(word_bits: int, entry_size: int) -> np.ndarray:
    """Return, for each byte of a literal, the entry whose words have its planes as their least significant bits."""
    literals = np.arange(256, dtype=np.uint64)
    entries = np.zeros_like(literals)
    for index in range(8):
        plane, word = divmod(index, entry_size)
        if plane < word_bits:
            entries |= (literals >> np.uint64(7 - index) & np.uint64(1)) << np.uint64(word_bits * word + plane)
    return entries


@njit(cache=True)
def planes_of_one(entry: np.uint64, word_bits: int, entry_size: int, dropped: int) -> int:
    """Count the planes of an entry up to the lowest one that all above it equal, without dropped ones; at least 1."""
    magnitudes, half = np.int64(0), 1 << (word_bits - 1)
    for position in range(entry_size):
        word = np.int64(entry >> np.uint64(word_bits * position)) & (2 * half - 1)
        magnitudes |= word if word < half else 2 * half - 1 - word
    needed = 1
    while magnitudes >> (needed - 1):
        needed += 1
    return max(needed - dropped, 1)


@njit(cache=True)
def planes_of(entries: np.ndarray, word_bits: int, entry_size: int, dropped: int) -> np.ndarray:
    """Count the planes of each entry."""
    planes = np.empty(entries.size, np.int64)
    for index in range(entries.size):
        planes[index] = planes_of_one(entries[index], word_bits, entry_size, dropped)
    return planes


class Coded(NamedTuple):
    """How far a packet is coded.

    Attributes
    ----------
    nbits, literal_bits : int
        Bits of codes and of literals that were written last.
    zeros : int
        Entries of zeros that wait for a code.
    spare : int
        Which spare slot is next.
    """

    nbits: int
    literal_bits: int
    zeros: int
    spare: int


@njit(cache=True)
def encode_entries(
    entries: np.ndarray,
    indices: np.ndarray,
    codes: EntryCodes,
    stored: np.ndarray,
    before: Coded,
    sizes: tuple[int, int, int],
    bits: np.ndarray,
    literals: np.ndarray,
) -> Coded:
    """Encode entries; `stored` tells which of the distinct ones the dictionary has.

    `sizes` are bits of a word, words of an entry, and dropped planes.
    """
    word_bits, entry_size, dropped = sizes
    position, literal_bits = 0, 0
    zeros, spare = before.zeros, before.spare
    for number in range(entries.size):
        entry, index = entries[number], indices[number]
        if codes.in_runs[index]:
            zeros += 1
            continue
        position = _put_zeros(bits, position, zeros >> codes.run_bits, codes.runs)
        run = zeros & ((1 << codes.run_bits) - 1)
        zeros = 0
        value, length = codes.value[index], codes.length[index]
        if codes.slot[index] > 0 and stored[index]:
            position = put(bits, position, value << codes.run_bits | run, length)
            continue
        if codes.slot[index] > 0:
            value, length = codes.slot[index], codes.store_length
            stored[index] = True
        elif not length:
            value, length = codes.spare_slots[spare], codes.store_length
            spare = 1 - spare
        position = put(bits, position, value << codes.run_bits | run, length)
        for plane in range(dropped, dropped + codes.planes[index]):
            plane_bits = 0
            for word in range(entry_size):
                bit = np.int64(entry >> np.uint64(word_bits * word + plane)) & 1
                plane_bits = plane_bits << 1 | int(bit)
            literal_bits = put(literals, literal_bits, plane_bits, entry_size)
    return Coded(position, literal_bits, zeros, spare)


@njit(cache=True)
def encode_end(zeros: int, codes: EntryCodes, literal_size: int, bits: np.ndarray) -> tuple[int, int]:
    """Encode the zeros that a packet ends with; returns the bits of codes, and of a literal of zeros that follows."""
    position = _put_zeros(bits, 0, zeros >> codes.run_bits, codes.runs)
    zeros &= (1 << codes.run_bits) - 1
    if zeros == 1:
        return put(bits, position, 1 << codes.run_bits, codes.store_length), literal_size
    if zeros:
        position = put(bits, position, zeros - 1, codes.store_length)
    return position, 0


@njit(cache=True)
def _put_zeros(bits: np.ndarray, position: int, count: int, runs: RunCodes) -> int:
    """Write the codes of units of zeros; returns the position after them."""
    while count > 0:
        field, length = runs.narrow_field, runs.narrow_length
        if -(-count >> field) * length >= runs.wide_length or count >> runs.wide_field:
            field, length = runs.wide_field, runs.wide_length
        run = min(count, 1 << field)
        position = put(bits, position, 1 << field | (run - 1), length)
        count -= run
    return position


@njit(cache=True)
def scan(bits: np.ndarray, nbits: int, code_bits: int, ahead_bits: int, table: CodeTable) -> tuple[int, int, int]:
    """Count the entries up to the end, the bits that their codes take, and the planes of their literals."""
    position = 0
    entries = 0
    planes = 0
    while position < nbits:
        window = peek_all(bits, position)
        last = min(position + 64 - code_bits, nbits - 1)  # where a code may begin that the window holds
        while position <= last:
            if not window >> np.uint64(64 - code_bits):
                return entries, position, planes
            ahead = window >> np.uint64(64 - ahead_bits)
            kind = table.kind[ahead]
            if kind == _UNUSED:
                raise CorruptDataError("code stream has a code that its layout or its format does not know")
            entries += table.entries[ahead]
            planes += table.planes[ahead]
            length = table.length[ahead]
            position += length
            window <<= np.uint64(length)
    if position > nbits:
        raise CorruptDataError("code stream is too short")
    return entries, position, planes


@njit(cache=True)
def decode_entries(packet: Packet, spread: np.ndarray, entries: np.ndarray) -> None:
    """Decode into an array of zeros: unsigned integers, the first word of an entry in the least significant bits.

    No branch depends on the kind of a code, since wrong guesses take longer than the rest: every code reads a slot and
    a literal, of no planes perhaps, and stores what it stands for, in a slot that nothing reads if it has none.
    """
    bits, nbits, ahead_bits, slot_bits, table, literals, word_bits, entry_size, dropped = packet
    zeros_slot, no_slot = 1 << slot_bits, (1 << slot_bits) + 1
    slots = np.zeros(no_slot + 1, np.uint64)
    stored = np.zeros(slots.size, np.bool_)
    stored[zeros_slot] = True
    loads, ones = -(-entry_size * (word_bits - dropped) // 8), spread[0xFF00 >> entry_size & 0xFF]
    position = 0
    literal_position = 0
    start = 0
    missing = False
    while position < nbits:
        window = peek_all(bits, position)
        last = min(position + 64 - ahead_bits, nbits - 1)
        while position <= last:
            ahead = window >> np.uint64(64 - ahead_bits)
            length = table.length[ahead]
            position += length
            window <<= np.uint64(length)
            planes = int(table.planes[ahead])
            literal = _literal(peek_all(literals, literal_position), planes, packet, loads, spread, ones)
            literal_position += entry_size * planes
            slot = int(table.slot[ahead])
            has_literal = planes > 0
            entry = literal if has_literal else slots[slot]
            missing |= not (has_literal or stored[slot])
            target = no_slot if has_literal and table.kind[ahead] != _STORE else slot
            slots[target] = entry
            stored[target] = True
            start += table.entries[ahead]
            entries[start - 1] = entry
    if missing:
        raise CorruptDataError("code stream has a code of an empty slot")


@njit(cache=True, inline="always")
def _literal(
    ahead: np.uint64, planes: int, packet: Packet, loads: int, spread: np.ndarray, ones: np.uint64
) -> np.uint64:
    """Return the entry of a literal of so many planes, the first bits ahead, of up to `loads` bytes.

    `ones` is the entry whose words are 1.
    """
    word_bits, entry_size, dropped = packet.word_bits, packet.entry_size, packet.dropped
    half = np.uint64(entry_size * planes) >> np.uint64(1)  # in two steps, neither of which is by all 64 bits
    bits = ahead & ~((~np.uint64(0) >> half) >> (np.uint64(entry_size * planes) - half))
    entry = spread[bits >> np.uint64(56)]
    for index in range(1, loads):
        entry |= spread[(bits >> np.uint64(56 - 8 * index)) & np.uint64(255)] << np.uint64(8 // entry_size * index)
    entry <<= np.uint64(dropped)
    # In each word that is negative, subtracting sets the bits from the last plane's on.
    above = np.uint64(dropped + planes)
    negative = (entry >> ((above - np.uint64(1)) & np.uint64(63))) & ones
    return entry | ((negative << np.uint64(word_bits)) - (negative << above))
