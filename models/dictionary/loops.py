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
def decode_entries(packet: Packet, spread: np.ndarray, words: np.ndarray) -> None:
    """Decode into an array of zeros."""
    bits, nbits, ahead_bits, slot_bits, table, literals, word_bits, entry_size, dropped = packet
    mask = np.uint64((1 << word_bits) - 1)
    slots = np.zeros((1 << slot_bits) + 1, np.uint64)
    stored = np.zeros(slots.size, np.bool_)
    stored[-1] = True
    position = 0
    literal_position = 0
    start = 0
    while position < nbits:
        window = peek_all(bits, position)
        last = min(position + 64 - ahead_bits, nbits - 1)
        while position <= last:
            ahead = window >> np.uint64(64 - ahead_bits)
            length = table.length[ahead]
            position += length
            window <<= np.uint64(length)
            slot = table.slot[ahead]
            planes = table.planes[ahead]
            if planes:
                entry = _literal(literals, literal_position, planes, spread, word_bits, entry_size, dropped)
                literal_position += entry_size * planes
                if table.kind[ahead] == _STORE:
                    slots[slot] = entry
                    stored[slot] = True
            else:
                # Zeros have a slot too, so that no branch, which would be hard to predict, sets them apart.
                if not stored[slot]:
                    raise CorruptDataError("code stream has a code of an empty slot")
                entry = slots[slot]
            start += entry_size * table.entries[ahead]
            for index in range(start - entry_size, start):
                words[index] = entry & mask
                entry >>= np.uint64(word_bits)


@njit(cache=True)
def _literal(
    literals: np.ndarray, position: int, planes: int, spread: np.ndarray, word_bits: int, entry_size: int, dropped: int
) -> np.uint64:
    """Read a literal at a bit position."""
    ahead = peek_all(literals, position) >> np.uint64(64 - entry_size * planes)
    above = dropped + planes
    sign = spread[(ahead << np.uint64(8 - entry_size)) & np.uint64(255)]
    entry = (sign << np.uint64(above)) * np.uint64((1 << (word_bits - above)) - 1)
    left = ahead << np.uint64(64 - entry_size * planes)
    shift = dropped
    while left:
        entry |= spread[left >> np.uint64(56)] << np.uint64(shift)
        left <<= np.uint64(8)
        shift += 8 // entry_size
    return entry


@njit(cache=True)
def decode_single_words(packet: Packet, spread: np.ndarray, words: np.ndarray) -> None:
    """Decode entries of one word of up to 8 bits into an array of zeros.

    No branch depends on the kind of a code, since wrong guesses take longer than the rest: every code reads a slot and
    a literal, of no planes perhaps, and stores what it stands for, in a slot that nothing reads if it has none.
    """
    bits, nbits, ahead_bits, slot_bits, table, literals, word_bits, _, dropped = packet
    zeros_slot, no_slot = 1 << slot_bits, (1 << slot_bits) + 1
    slots = np.zeros(no_slot + 1, np.uint64)
    stored = np.zeros(slots.size, np.bool_)
    stored[zeros_slot] = True
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
            byte = np.int64(peek_all(literals, literal_position) >> np.uint64(56)) & (0xFF00 >> planes)
            literal_position += planes
            negative = byte >> (8 - planes) & 1
            literal = spread[byte] << np.uint64(dropped) | np.uint64(-negative << (dropped + planes))
            slot = int(table.slot[ahead])
            has_literal = planes > 0
            entry = literal if has_literal else slots[slot]
            missing |= not (has_literal or stored[slot])
            target = no_slot if has_literal and table.kind[ahead] != _STORE else slot
            slots[target] = entry
            stored[target] = True
            start += table.entries[ahead]
            words[start - 1] = entry & np.uint64((1 << word_bits) - 1)
    if missing:
        raise CorruptDataError("code stream has a code of an empty slot")
