"""Dictionary coding of trimmed weights, for a decoder of one entry per cycle.

After HardCompress (ISQED 2021), which compresses trimmed weights with a dictionary in front of a systolic array. The
format is described in `docs/formats/dictionary.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numba import njit

from .bitstream import from_bytes, new_bits, pack, peek, put, to_stream, unpack
from .codec import EncodedStream, WordCodec, to_words, word_dtype
from .dictionary_code import CLASSES, LAYOUT_BITS, CodeTable, EntryCodes, Kind, Layout, Statistics, choose_plan
from .errors import CodecError, CorruptDataError, check_integer, check_power_of_two

_UNUSED, _ZEROS, _SLOT, _LITERAL, _STORE, _END = (int(kind) for kind in Kind)


@dataclass(frozen=True)
class Dictionary(WordCodec):
    """Entries of words, coded as runs of zeros, indices into a dictionary of frequent entries, or literals.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    entry_size : int, optional
        Words in an entry: 1, 2, 4 or, for words of up to 8 bits, 8; by default the most.
    code_bits : int
        Most bits in a code, 5 to 16: the dictionary has 2**(code_bits - 3) slots.
    """

    entry_size: int = None  # type: ignore[assignment]  # an int once the object is made
    code_bits: int = 8

    codec_id: ClassVar[str] = "dictionary"
    stream_names: ClassVar[tuple[str, ...]] = ("layout", "codes", "literals")

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        most = 8 if self.word_bits <= 8 else 4
        if self.entry_size is None:
            object.__setattr__(self, "entry_size", most)
        check_power_of_two("entry_size", self.entry_size, 1, most)
        check_integer("code_bits", self.code_bits, CLASSES + 2, 16)

    def encode_words(self, words: np.ndarray) -> dict[str, np.ndarray]:
        """Encode one packet to the words that the hardware takes.

        Parameters
        ----------
        words : numpy.ndarray
            1-D, at least one word; uint8 for words of up to 8 bits, else uint16.

        Returns
        -------
        dict of str to numpy.ndarray
            "layout": one word of 24 bits, uint32. "codes": words of `code_bits` bits, uint8 up to 8 bits, else uint16.
            "literals": words of `entry_size * word_bits` bits, uint64. The last word of each is filled up with zero
            bits.

        Raises
        ------
        CodecError
            If `words` is not such an array, or a word does not fit in `word_bits` bits.
        """
        dtype = word_dtype(self.word_bits)
        if not isinstance(words, np.ndarray) or words.ndim != 1 or words.dtype != dtype or not words.size:
            raise CodecError(f"words must be a one-dimensional array of {dtype.__name__} with at least one element")
        layout, codes, literals = self._encode(to_words(words, self.word_bits)).values()
        planes = self._planes(literals)
        whole = np.concatenate([planes, np.zeros(-planes.size % self.word_bits, np.uint8)]).astype(np.uint64)
        return {
            "layout": np.array([int.from_bytes(layout.data)], np.uint32),
            "codes": unpack(codes.data, self.code_bits, -(-codes.nbits // self.code_bits)),
            "literals": np.bitwise_or.reduce(whole.reshape(-1, self.word_bits) << self._plane_shifts, axis=1),
        }

    def decode_words(self, layout: np.ndarray, codes: np.ndarray, literals: np.ndarray) -> np.ndarray:
        """Decode one packet from the words that the hardware takes.

        Parameters
        ----------
        layout, codes, literals : numpy.ndarray
            The streams, as `encode_words` returns them.

        Returns
        -------
        numpy.ndarray
            The words of whole entries: 1-D; uint8 for words of up to 8 bits, else uint16.

        Raises
        ------
        CorruptDataError
            If the streams are malformed; `docs/formats/dictionary.md` lists what is.
        """
        if layout.size != 1:
            raise CorruptDataError(f"layout must be one word, not {layout.size}")
        planes = (literals[:, np.newaxis] >> self._plane_shifts).astype(np.uint8) & ((1 << self.entry_size) - 1)
        reader = _Reader(self, int(layout[0]), pack(codes, self.code_bits), planes.ravel())
        if reader.bits_left >= self.code_bits:
            raise CorruptDataError("code stream has words after its end")
        if reader.planes_left.size >= self.word_bits:
            raise CorruptDataError("literal stream has words after its end")
        if reader.planes_left.any():
            raise CorruptDataError("literal stream is padded with bits that are not zero")
        if not reader.count:
            raise CorruptDataError("packet has no entry")
        return reader.words()

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits that `array` encodes to, without encoding."""
        words = to_words(np.asarray(array), self.word_bits)
        if not words.size:
            return 0
        return LAYOUT_BITS + choose_plan(_Entries(self, words).statistics).nbits

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        if not words.size:
            return {name: EncodedStream(b"", 0) for name in self.stream_names}
        entries = _Entries(self, words)
        plan = choose_plan(entries.statistics)
        bits = new_bits(self.code_bits * entries.indices.size)
        planes = np.empty(self.word_bits * entries.indices.size, np.uint8)
        nbits, plane_count = _encode_entries(
            entries.indices,
            entries.distinct,
            plan.codes,
            self.word_bits,
            self.entry_size,
            entries.dropped,
            bits,
            planes,
        )
        layout = Layout(plan.classes, entries.dropped, has_literals=plane_count > 0)
        return {
            "layout": EncodedStream(layout.word.to_bytes(LAYOUT_BITS // 8), LAYOUT_BITS),
            "codes": to_stream(bits, nbits),
            "literals": pack(planes[:plane_count], self.entry_size),
        }

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        layout, codes, literals = (streams[name] for name in self.stream_names)
        if not count:
            if layout.nbits or codes.nbits or literals.nbits:
                raise CorruptDataError("streams of an empty array must be empty")
            return np.empty(0, word_dtype(self.word_bits))
        if layout.nbits != LAYOUT_BITS:
            raise CorruptDataError(f"layout must have {LAYOUT_BITS} bits, not {layout.nbits}")
        if literals.nbits % self.entry_size:
            raise CorruptDataError(f"literal stream must be whole planes of {self.entry_size} bits")
        reader = _Reader(self, int.from_bytes(layout.data), codes, self._planes(literals))
        if reader.bits_left:
            raise CorruptDataError("code stream has bits after its end")
        if reader.planes_left.size:
            raise CorruptDataError("literal stream has bits after its end")
        if reader.count != -(-count // self.entry_size):
            raise CorruptDataError(f"packet has {reader.count} entries of {self.entry_size} words, for {count} words")
        return reader.words()[:count]

    def _planes(self, literals: EncodedStream) -> np.ndarray:
        """Cut a literal stream into its planes: uint8, the first word's bit most significant."""
        return unpack(literals.data, self.entry_size, literals.nbits // self.entry_size)

    @property
    def _plane_shifts(self) -> np.ndarray:
        """By how much each plane is shifted in a word of the literal stream."""
        return (self.entry_size * np.arange(self.word_bits)[::-1]).astype(np.uint64)


class _Entries:
    """The entries of a packet.

    Attributes
    ----------
    dropped : int
        Low-order bits that are zero in every word.
    distinct : numpy.ndarray
        The distinct entries, most frequent first: uint64, the first word least significant.
    indices : numpy.ndarray
        Each entry's index among these.
    statistics : Statistics
        What the choice of codes rests on.
    """

    def __init__(self, codec: Dictionary, words: np.ndarray) -> None:
        padded = np.concatenate([words, np.zeros(-words.size % codec.entry_size, words.dtype)])
        shifts = (codec.word_bits * np.arange(codec.entry_size)).astype(np.uint64)
        entries = np.bitwise_or.reduce(padded.reshape(-1, codec.entry_size).astype(np.uint64) << shifts, axis=1)
        used = int(np.bitwise_or.reduce(words))
        self.dropped = (used & -used).bit_length() - 1 if used else 0

        distinct, inverse, counts = np.unique(entries, return_inverse=True, return_counts=True)
        planes = np.maximum(_planes_needed(distinct, codec.word_bits, codec.entry_size) - self.dropped, 1)
        order = np.lexsort((distinct, -planes, -counts))
        self.distinct = distinct[order]
        self.indices = np.argsort(order)[inverse]
        self.statistics = Statistics(
            counts=counts[order],
            planes=planes[order],
            is_zero=self.distinct == 0,
            zero_runs=_runs(entries == 0),
            entry_size=codec.entry_size,
            code_bits=codec.code_bits,
            all_planes=codec.word_bits - self.dropped,
        )


class _Reader:
    """A packet whose codes were read through once: everything about it is right but that a slot may be empty.

    Attributes
    ----------
    count : int
        Number of entries.
    bits_left : int
        Bits of the code stream after the last code; the first `code_bits` of them are zero.
    planes_left : numpy.ndarray
        Planes after those of the last literal.
    """

    def __init__(self, codec: Dictionary, layout_word: int, codes: EncodedStream, planes: np.ndarray) -> None:
        self._codec = codec
        self._layout = Layout.from_word(layout_word, word_bits=codec.word_bits, code_bits=codec.code_bits)
        self._bits, self._planes = from_bytes(codes.data), planes
        self._table = self._layout.table(codec.code_bits, codec.word_bits)
        self.count, self._nbits, plane_count = _scan(self._bits, codes.nbits, codec.code_bits, self._table)
        if self._layout.has_literals != (planes.size > 0):
            raise CorruptDataError("layout is wrong about whether there are literals")
        if plane_count > planes.size:
            raise CorruptDataError("literal stream is too short")
        self.bits_left = codes.nbits - self._nbits
        self.planes_left = planes[plane_count:]

    def words(self) -> np.ndarray:
        """Decode the words of all entries."""
        codec = self._codec
        words = np.zeros(self.count * codec.entry_size, word_dtype(codec.word_bits))
        _decode_entries(
            self._bits,
            self._nbits,
            codec.code_bits,
            self._table,
            self._planes,
            _spread(codec.word_bits, codec.entry_size),
            codec.word_bits,
            codec.entry_size,
            self._layout.dropped_planes,
            words,
        )
        return words


@lru_cache
def _spread(word_bits: int, entry_size: int) -> np.ndarray:
    """Return, for each plane, the entry whose words have its bits as their least significant ones."""
    planes = np.arange(1 << entry_size, dtype=np.uint64)
    entries = np.zeros_like(planes)
    for index in range(entry_size):
        entries |= (planes >> np.uint64(entry_size - 1 - index) & np.uint64(1)) << np.uint64(word_bits * index)
    return entries


def _runs(flags: np.ndarray) -> np.ndarray:
    """Return the lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return edges[1::2] - edges[::2]


@njit(cache=True)
def _planes_needed(entries: np.ndarray, word_bits: int, entry_size: int) -> np.ndarray:
    """Count the planes of each entry up to the lowest one that all above it equal."""
    planes = np.empty(entries.size, np.int64)
    half = 1 << (word_bits - 1)
    for index in range(entries.size):
        magnitudes = np.int64(0)
        for position in range(entry_size):
            word = np.int64(entries[index] >> np.uint64(word_bits * position)) & (2 * half - 1)
            magnitudes |= word if word < half else 2 * half - 1 - word
        needed = 1
        while magnitudes >> (needed - 1):
            needed += 1
        planes[index] = needed
    return planes


@njit(cache=True)
def _encode_entries(
    indices: np.ndarray,
    distinct: np.ndarray,
    codes: EntryCodes,
    word_bits: int,
    entry_size: int,
    dropped: int,
    bits: np.ndarray,
    planes: np.ndarray,
) -> tuple[int, int]:
    """Encode entries; returns the numbers of bits and of planes written."""
    stored = np.zeros(distinct.size, np.bool_)
    position = 0
    plane_count = 0
    zeros = 0
    for index in indices:
        if codes.in_runs[index]:
            zeros += 1
            continue
        position = _put_zeros(bits, position, zeros, codes)
        zeros = 0
        if codes.slot[index] > 0 and stored[index]:
            position = put(bits, position, codes.value[index], codes.length[index])
            continue
        if codes.slot[index] > 0:
            position = put(bits, position, codes.slot[index], codes.store_length)
            stored[index] = True
        else:
            position = put(bits, position, codes.value[index], codes.length[index])
        for plane in range(dropped, dropped + codes.planes[index]):
            plane_bits = np.int64(0)
            for word in range(entry_size):
                plane_bits = plane_bits << 1 | np.int64(distinct[index] >> np.uint64(word_bits * word + plane)) & 1
            planes[plane_count] = plane_bits
            plane_count += 1
    return _put_zeros(bits, position, zeros, codes), plane_count


@njit(cache=True)
def _put_zeros(bits: np.ndarray, position: int, count: int, codes: EntryCodes) -> int:
    """Write the codes of a run of zeros; returns the position after them."""
    while count > 0:
        run = min(count, 1 << codes.zeros_width)
        position = put(bits, position, 1 << codes.zeros_width | (run - 1), codes.zeros_length)
        count -= run
    return position


@njit(cache=True)
def _scan(bits: np.ndarray, nbits: int, code_bits: int, table: CodeTable) -> tuple[int, int, int]:
    """Count the entries up to the end, the bits that their codes take, and the planes."""
    position = 0
    entries = 0
    planes = 0
    while position < nbits:
        ahead = peek(bits, position, code_bits)
        kind = table.kind[ahead]
        if kind == _END:
            break
        if kind == _UNUSED:
            raise CorruptDataError("code stream has a code that its layout or its format does not know")
        entries += table.entries[ahead]
        planes += table.planes[ahead]
        position += table.length[ahead]
    if position > nbits:
        raise CorruptDataError("code stream is too short")
    return entries, position, planes


@njit(cache=True)
def _decode_entries(
    bits: np.ndarray,
    nbits: int,
    code_bits: int,
    table: CodeTable,
    planes: np.ndarray,
    spread: np.ndarray,
    word_bits: int,
    entry_size: int,
    dropped: int,
    words: np.ndarray,
) -> None:
    """Decode into an array of zeros."""
    mask = np.uint64((1 << word_bits) - 1)
    slots = np.zeros(1 << (code_bits - CLASSES), np.uint64)
    stored = np.zeros(slots.size, np.bool_)
    position = 0
    plane_count = 0
    start = 0
    while position < nbits:
        ahead = peek(bits, position, code_bits)
        position += table.length[ahead]
        kind = table.kind[ahead]
        if kind == _ZEROS:
            start += entry_size * table.entries[ahead]
            continue
        slot = table.slot[ahead]
        if kind == _SLOT:
            if not stored[slot]:
                raise CorruptDataError("code stream has a code of an empty slot")
            entry = slots[slot]
        else:
            entry = np.uint64(0)
            plane = dropped
            for plane_bits in planes[plane_count : plane_count + table.planes[ahead]]:
                entry |= spread[plane_bits] << np.uint64(plane)
                plane += 1
            sign = spread[planes[plane_count + table.planes[ahead] - 1]] << np.uint64(plane)
            entry |= sign * np.uint64((1 << (word_bits - plane)) - 1)
            plane_count += table.planes[ahead]
            if kind == _STORE:
                slots[slot] = entry
                stored[slot] = True
        for index in range(entry_size):
            words[start + index] = entry >> np.uint64(word_bits * index) & mask
        start += entry_size
