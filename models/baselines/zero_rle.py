"""Zero run-length coding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from silicodec.models.baselines import zero_rle_bytes
from silicodec.models.bitstream import (
    SLAB,
    ElementWriter,
    join,
    look_ahead,
    new_bits,
    padded,
    put,
    put_next,
    slabs,
    to_stream,
)
from silicodec.models.codec import EncodedStream, WordCodec, to_words, word_dtype
from silicodec.models.ebpc.znz import count_zero_bits
from silicodec.models.errors import CorruptDataError, check_integer

CHUNK = 512
"""Words that are coded at a time, so that what is made of them stays in the fastest cache."""


@dataclass(frozen=True)
class ZeroRLE(WordCodec):
    """Zero run-length coding, the simplest of the schemes that the EBPC paper (arXiv 1908.11645) compares with.

    A nonzero word is coded as `1` and the word itself. A run of zero words is coded as `0` and its length minus 1 in
    `run_bits` bits; a longer run than these can hold is coded as longest ones and the rest.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    run_bits : int
        Bits of a run length, 0 to 16; 4 bits stand for up to 16 zero words, as in EBPC's zero stream.

    Examples
    --------
    >>> import numpy as np
    >>> ZeroRLE(word_bits=8).nbits(np.zeros(1000, np.uint8))
    315
    """

    run_bits: int = 4

    codec_id: ClassVar[str] = "zero-rle"
    stream_names: ClassVar[tuple[str, ...]] = ("rle",)

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_integer("run_bits", self.run_bits, 0, 16)

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits that `array` encodes to, without encoding."""
        words = to_words(np.asarray(array), self.word_bits)
        return count_zero_bits(words, 1 << self.run_bits) + int(np.count_nonzero(words)) * self.word_bits

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        writer, zeros = ElementWriter(), 0
        bits = np.empty(min(words.size, SLAB) * (1 + max(self.word_bits, self.run_bits)) // 64 + 3, np.uint64)
        for slab in slabs(words):
            nbits, zeros = _encode(slab, self.word_bits, self.run_bits, zeros, writer.last, writer.filled, bits)
            writer.add(bits, nbits)
        stream = writer.stream()
        return {"rle": stream if not zeros else join([stream, _run(zeros, self.run_bits)])}

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        stream = streams["rle"]
        if count > stream.nbits // (1 + min(self.word_bits, self.run_bits)) << self.run_bits:
            raise CorruptDataError("RLE stream is too short")
        words = np.zeros(count, word_dtype(self.word_bits))
        end, index = 0, 0
        while index < count:
            if end >= stream.nbits:
                raise CorruptDataError("RLE stream is too short")
            data = padded(stream.data, end // 8, end // 8 + SLAB + 8, spare=16)
            start, stop = end % 8, min(8 * SLAB, stream.nbits - end // 8 * 8)
            if self.word_bits == 8 and self.run_bits <= zero_rle_bytes.LONGEST_RUN_BITS:
                start, index = zero_rle_bytes.decode_bytes(data, start, stop, self.run_bits, words, index)
            start, index = _decode(data, start, stop, self.word_bits, self.run_bits, words, index)
            end = end // 8 * 8 + start
        if index > count:
            raise CorruptDataError("RLE stream has a run of zeros beyond the array")
        if end > stream.nbits:
            raise CorruptDataError("RLE stream is too short")
        if stream.nbits > end:
            raise CorruptDataError("RLE stream has bits after its end")
        return words


def _run(zeros: int, run_bits: int) -> EncodedStream:
    """Encode a run of zeros that is not too long for one code."""
    bits = new_bits(1 + run_bits)
    return to_stream(bits, put(bits, 0, zeros - 1, 1 + run_bits))


@njit(cache=True)
def _encode(
    words: np.ndarray, word_bits: int, run_bits: int, zeros: int, last: np.uint64, filled: np.uint64, bits: np.ndarray
) -> tuple[int, int]:
    """Encode words, and `zeros` before them, after the `filled` bits of `last`.

    Returns the number of bits written, those of `last` included, and of the zeros at the end that have no code yet,
    less than a longest run.
    """
    places = np.empty(CHUNK + 1, np.uint32)
    runs, values = np.empty(CHUNK + 1, np.int32), np.empty(CHUNK + 1, np.int32)
    cut_runs, cut_values = np.empty(CHUNK + 2, np.int32), np.empty(CHUNK + 2, np.int32)
    codes, lengths = np.empty(CHUNK + 6, np.uint64), np.empty(CHUNK + 6, np.uint64)
    joined, sums = np.empty(CHUNK // 2 + 3, np.uint64), np.empty(CHUNK // 2 + 3, np.uint64)
    fit = 64 // (2 + run_bits + word_bits)  # codes in 64 bits: at least one
    index = np.uint64(0)
    longest = 1 << run_bits
    for start in range(0, words.size, CHUNK):
        count, zeros, most = _gather(words[start : start + CHUNK], zeros, places, runs, values)
        if zeros >= longest:  # the whole ones do not wait for the next chunk
            runs[count], values[count] = zeros // longest * longest, 0
            count, zeros, most = count + 1, zeros % longest, most | zeros
        if most < longest:
            _make_codes(runs[:count], values[:count], word_bits, run_bits, codes, lengths)
        else:  # some run may be longer
            count = _cut_runs(runs[:count], values[:count], longest, cut_runs, cut_values)
            _make_codes(cut_runs[:count], cut_values[:count], word_bits, run_bits, codes, lengths)
        codes[count] = lengths[count] = 0  # the one that the last pair may lack
        groups, group_codes, group_lengths = count, codes, lengths
        if fit > 1:
            groups = (groups + 1) // 2
            _join_pairs(codes, lengths, groups, joined, sums)
            group_codes, group_lengths = joined, sums
        if fit > 3:
            joined[groups] = sums[groups] = 0
            groups = (groups + 1) // 2
            _join_pairs(joined, sums, groups, codes, lengths)
            group_codes, group_lengths = codes, lengths
        for i in range(groups):
            index, filled, last = put_next(bits, index, filled, last, group_codes[i], group_lengths[i])
    bits[index] = last
    return 64 * np.int64(index) + np.int64(filled), zeros  # type: ignore[return-value]


@njit(cache=True)
def _gather(
    words: np.ndarray, zeros: int, places: np.ndarray, runs: np.ndarray, values: np.ndarray
) -> tuple[int, int, int]:
    """Gather the nonzero words, each with the length of the run of zeros before it, to which `zeros` more belong.

    `places` is room for them with their places in `words`. Returns their number, that of the zeros after them, and a
    number that no run is longer than.
    """
    count = np.uint64(0)
    for place, word in enumerate(words):
        # Stored in any case and overwritten if the word is zero: there is no branch to mispredict.
        places[count] = np.uint32(place) << np.uint32(16) | np.uint32(word)
        count += np.uint64(word != 0)
    number = np.int64(count)
    if number == 0:
        return 0, zeros + words.size, 0
    for i in range(number):
        values[i] = places[i] & np.uint32(0xFFFF)
    most = runs[0] = np.int64(places[0] >> np.uint32(16)) + zeros
    for i in range(1, number):
        runs[i] = (places[i] >> np.uint32(16)) - (places[i - 1] >> np.uint32(16)) - np.uint32(1)
        most |= runs[i]
    return number, words.size - 1 - np.int64(places[number - 1] >> np.uint32(16)), most  # type: ignore[return-value]


@njit(cache=True)
def _cut_runs(runs: np.ndarray, values: np.ndarray, longest: int, cut_runs: np.ndarray, cut_values: np.ndarray) -> int:
    """Cut longest runs off, with zeros as the words after them; returns the new number."""
    count = np.uint64(0)
    for i in range(runs.size):
        run = runs[i]
        while run > longest:
            cut_runs[count], cut_values[count] = longest, 0
            run -= longest
            count += np.uint64(1)
        cut_runs[count], cut_values[count] = run, values[i]
        count += np.uint64(1)
    return np.int64(count)  # type: ignore[return-value]


@njit(cache=True)
def _make_codes(
    runs: np.ndarray, values: np.ndarray, word_bits: int, run_bits: int, codes: np.ndarray, lengths: np.ndarray
) -> None:
    """Make the codes of runs and of the words after them, zero words having none."""
    mark, word_length = np.uint64(1 << word_bits), np.uint64(1 + word_bits)
    for i in range(runs.size):
        is_run, is_word = np.uint64(runs[i] != 0), np.uint64(values[i] != 0)
        shift = word_length * is_word
        codes[i] = (np.uint64(runs[i]) - is_run) << shift | mark * is_word | np.uint64(values[i])
        lengths[i] = np.uint64(1 + run_bits) * is_run + shift


@njit(cache=True)
def _join_pairs(codes: np.ndarray, lengths: np.ndarray, count: int, joined: np.ndarray, sums: np.ndarray) -> None:
    """Join each code with even index and the one after it."""
    for i in range(count):
        joined[i] = codes[2 * i] << lengths[2 * i + 1] | codes[2 * i + 1]
        sums[i] = lengths[2 * i] + lengths[2 * i + 1]


@njit(cache=True)
def _decode(
    data: np.ndarray, start: int, nbits: int, word_bits: int, run_bits: int, words: np.ndarray, index: int
) -> tuple[int, int]:
    """Decode the codes that begin before bit `nbits` into an array of zeros, from its `index`-th word on.

    Returns the position after them, and the index of the word that follows.
    """
    position, place, turns = np.uint64(start), np.uint64(index), 57 // (2 + run_bits + word_bits)
    reach = (1 + (1 << run_bits)) * turns
    while np.int64(place) + reach < words.size and np.int64(position) + 64 <= nbits:
        ahead = look_ahead(data, position)
        for _ in range(turns):
            ahead, position, place = _decode_word(ahead, position, place, word_bits, run_bits, words)
    while np.int64(place) < words.size and np.int64(position) < nbits:
        ahead = look_ahead(data, position)
        if ahead >> np.uint64(63):
            words[place] = (ahead << np.uint64(1)) >> np.uint64(64 - word_bits)
            position += np.uint64(1 + word_bits)
            place += np.uint64(1)
        else:
            place += np.uint64(1) + (ahead >> np.uint64(63 - run_bits))
            position += np.uint64(1 + run_bits)
    return np.int64(position), np.int64(place)  # type: ignore[return-value]


@njit(cache=True, inline="always")
def _decode_word(
    ahead: np.uint64, position: np.uint64, place: np.uint64, word_bits: int, run_bits: int, words: np.ndarray
) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Decode a run of zeros where there is one, and a word where one follows, without a branch to mispredict."""
    is_run = np.uint64(1) - (ahead >> np.uint64(63))
    place += (np.uint64(1) + (ahead >> np.uint64(63 - run_bits))) * is_run
    length = np.uint64(1 + run_bits) * is_run
    ahead <<= length
    is_word = ahead >> np.uint64(63)
    words[place] = ((ahead << np.uint64(1)) >> np.uint64(64 - word_bits)) * is_word
    place += is_word
    word_length = np.uint64(1 + word_bits) * is_word
    return ahead << word_length, position + length + word_length, place
