"""Huffman code in lanes, for engines of several symbols a cycle: each lane has a code word of its own every cycle.

The format is described in `docs/formats/transform.md`; lanes take units of one stream as those of the codec `lanes` do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from silicodec.models.errors import CorruptDataError, check_power_of_two
from silicodec.models.lanes.code import BUS_UNITS, HELD, UNIT, bus_units, bus_words, words_units
from silicodec.models.lanes.units import LANE, begin_packet, end_packet, put_bits
from silicodec.models.transform.huffman import MAX_LENGTH, HuffmanCode

MOST_LANES = 16

_TOO_SHORT, _HOLDS_END, _BAD_PADDING, _WORDS_LEFT = range(-4, 0)
_COMPLAINTS = {
    _TOO_SHORT: "packet of symbols is too short",
    _HOLDS_END: "packet of symbols holds the end of a packet, which lanes do not have",
    _BAD_PADDING: "packet of symbols is padded with bits that are not zero",
    _WORDS_LEFT: "packet of symbols has words after its end",
}


@dataclass(frozen=True, eq=False)
class HuffmanLanes:
    """A Huffman code whose symbols are dealt to lanes.

    It has the methods of `HuffmanCode`, for packets whose number of symbols is known.

    Parameters
    ----------
    code : HuffmanCode
        The code of every lane; that of the end of a packet is not used.
    lanes : int
        A power of two from 2 to 16: symbol i of a packet belongs to lane i modulo `lanes`.

    Raises
    ------
    CodecError
        If `lanes` is another.

    Examples
    --------
    >>> code = HuffmanCode(np.array([1, 3, 4, 5, 5, 5, 4, 3, 5]))
    >>> words = HuffmanLanes(code, lanes=2).encode_words(np.array([1, 7, 0, 2]))
    >>> [f"{word:016x}" for word in words]
    ['8000b80000000000']
    """

    code: HuffmanCode
    lanes: int

    def __post_init__(self) -> None:
        """Check the number of lanes."""
        check_power_of_two("lanes", self.lanes, 2, MOST_LANES)

    @property
    def word_bits(self) -> int:
        """Bits of the words that packets are made of."""
        return UNIT * BUS_UNITS

    def nbits(self, packets: np.ndarray) -> int:
        """Count the bits of the words that `encode_packets` would give."""
        return UNIT * self.encode_packets(packets).size

    def encode_packets(self, packets: np.ndarray) -> np.ndarray:
        """Encode packets of equally many symbols.

        Parameters
        ----------
        packets : numpy.ndarray
            Integers below `2**symbol_bits`, (packets, symbols).

        Returns
        -------
        numpy.ndarray
            uint16: the units of all packets, four to a word, one packet after the other.

        Raises
        ------
        CodecError
            If a symbol is out of range.
        """
        packets = self.code.checked(packets)
        units = np.zeros(len(packets) * self._most_units(packets.shape[1]), np.uint16)
        end = _encode(packets, self.lanes, self.code.codes, self.code.lengths, units)
        return units[:end]

    def decode_parts(self, data: bytes | memoryview, counts: Sequence[int], size: int) -> Iterator[np.ndarray]:
        """Decode bytes to parts of so many packets of `size` symbols each: (packets, size), uint8.

        Raises
        ------
        CorruptDataError
            If a packet is malformed, or if words are left over.
        """
        rows, position = -(-size // self.lanes), 0
        for count in counts:
            packets = np.empty((count, rows * self.lanes), np.uint8)
            units = _units(data[position : position + 2 * count * self._most_units(size)])
            taken = 0
            for packet in packets:
                end = _decode(units[taken:], self.lanes, *self.code.decoding, self.code.end, packet, 0)
                _check(end)
                if packet[size:].any():
                    raise CorruptDataError("packet of symbols has a symbol after its end")
                taken += end
            position += 2 * taken
            yield packets[:, :size]
        if position != len(data):
            _check(_WORDS_LEFT)

    def encode_words(self, symbols: np.ndarray) -> np.ndarray:
        """Encode one packet of at least one symbol to the words that hardware emits.

        Parameters
        ----------
        symbols : numpy.ndarray
            Integers below `2**symbol_bits`, 1-D; zeros fill up the last row.

        Returns
        -------
        numpy.ndarray
            uint64; with 16 lanes integers of 128 bits as objects.

        Raises
        ------
        CodecError
            If a symbol is out of range.
        """
        units = self.encode_packets(np.asarray(symbols).reshape(1, -1))
        return bus_words(units.astype(">u2").tobytes(), self.lanes)

    def decode_words(self, words: np.ndarray, rows: int) -> np.ndarray:
        """Decode one packet of so many rows from the words that hardware takes: uint8, 1-D.

        Raises
        ------
        CorruptDataError
            If the packet is malformed; `docs/formats/transform.md` says when it is.
        """
        symbols = np.empty(rows * self.lanes, np.uint8)
        units = words_units(words, self.lanes)
        _check(_decode(units, self.lanes, *self.code.decoding, self.code.end, symbols, bus_units(self.lanes)))
        return symbols

    def check_length(self, nbytes: int, count: int, size: int) -> None:
        """Raise CorruptDataError where so many bytes cannot hold `count` packets of `size` symbols."""
        if count * size > 8 * nbytes:
            raise CorruptDataError(f"{nbytes} bytes cannot hold {count} packets of {size} symbols")

    def _most_units(self, size: int) -> int:
        """Return the units that a packet of so many symbols may need, and those that lanes take beyond."""
        rows = -(-size // self.lanes)
        return -(-self.lanes * (rows * MAX_LENGTH // UNIT + HELD + 2) // BUS_UNITS) * BUS_UNITS


def _units(data: bytes | memoryview) -> np.ndarray:
    return np.frombuffer(data, ">u2").astype(np.uint16)


def _check(result: int) -> None:
    if result < 0:
        raise CorruptDataError(_COMPLAINTS[result])


@njit(cache=True)
def _encode(packets: np.ndarray, lanes: int, codes: np.ndarray, lengths: np.ndarray, units: np.ndarray) -> int:
    """Encode packets to units that are zero before; returns how many there are."""
    start, size, states = 0, packets.shape[1], np.empty(lanes, LANE)
    for packet in packets:
        used = begin_packet(states, start)
        for place in range(-(-size // lanes) * lanes):
            symbol = packet[place] if place < size else 0
            used = put_bits(states, place % lanes, codes[symbol], lengths[symbol], used, units)
        start = -(-end_packet(states, units) // BUS_UNITS) * BUS_UNITS
    return start


@njit(cache=True)
def _decode(
    units: np.ndarray, lanes: int, table: np.ndarray, width: int, end_symbol: int, symbols: np.ndarray, word_units: int
) -> int:
    """Decode a packet of whole rows; returns how many units it has, or what is wrong.

    With `word_units` it has all units, in words of so many; with 0 those of others may follow.
    """
    bits, places = np.zeros(lanes, np.uint64), np.zeros(lanes, np.int64)
    held = np.empty((lanes, HELD), np.int64)
    for index in range(lanes * HELD):
        lane, turn = index % lanes, index // lanes
        if index < units.size:
            bits[lane] |= np.uint64(units[index]) << np.uint64(64 - UNIT * (turn + 1))
        held[lane, turn] = index
    used, end = lanes * HELD, 0
    for place in range(symbols.size):
        lane = place % lanes
        entry = table[bits[lane] >> np.uint64(64 - width)]
        if entry >> 4 == end_symbol:
            return _HOLDS_END
        symbols[place] = entry >> 4
        bits[lane] <<= np.uint64(entry & 15)
        places[lane] += entry & 15
        if places[lane] >= UNIT:
            places[lane] -= UNIT
            if held[lane, 0] >= units.size:
                return _TOO_SHORT
            end = max(end, held[lane, 0] + 1)
            held[lane, 0], held[lane, 1], held[lane, 2] = held[lane, 1], held[lane, 2], used
            if place < symbols.size - lanes:  # no unit is taken after the last row
                if used < units.size:
                    bits[lane] |= np.uint64(units[used]) << np.uint64(UNIT + places[lane])
                used += 1
    for lane in range(lanes):
        if places[lane]:
            if held[lane, 0] >= units.size:
                return _TOO_SHORT
            end = max(end, held[lane, 0] + 1)
    end = -(-end // BUS_UNITS) * BUS_UNITS
    if word_units:
        if units.size > -(-used // word_units) * word_units:
            return _WORDS_LEFT
        end = units.size
    for lane in range(lanes):
        for turn in range(HELD):
            if held[lane, turn] < end and _part(bits[lane], turn, places[lane]):
                return _BAD_PADDING
    return end if not units[used:end].any() else _BAD_PADDING


@njit(cache=True)
def _part(bits: np.uint64, turn: int, place: int) -> np.uint64:
    """Return what a lane has not read of one of the units that it holds."""
    start = max(UNIT * turn - place, 0)
    stop = UNIT * (turn + 1) - place
    return (bits << np.uint64(start)) >> np.uint64(64 - stop + start)
