"""Zero run-length coding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from silicodec.models.bitstream import SLAB, ElementWriter, peek_all, put_next, window
from silicodec.models.codec import EncodedStream, WordCodec, to_words, word_dtype
from silicodec.models.ebpc.znz import count_zero_bits
from silicodec.models.errors import CorruptDataError, check_integer

CHUNK = 4096
"""Words whose places are gathered at a time, so that these stay in the fastest cache."""


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
        writer = ElementWriter()
        for slab in _slabs_that_end_nonzero(words):
            bits = np.empty(slab.size * (1 + max(self.word_bits, self.run_bits)) // 64 + 3, np.uint64)
            writer.add(bits, _encode(slab, self.word_bits, self.run_bits, writer.last, writer.filled, bits))
        return {"rle": writer.stream()}

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        stream = streams["rle"]
        if count > stream.nbits // (1 + min(self.word_bits, self.run_bits)) << self.run_bits:
            raise CorruptDataError("RLE stream is too short")
        words = np.zeros(count, word_dtype(self.word_bits))
        end, index = 0, 0
        while index < count:
            if end >= stream.nbits:
                raise CorruptDataError("RLE stream is too short")
            bits = window(stream.data, end, 8 * SLAB + _LONGEST_CODE)
            taken, index = _decode(bits, min(8 * SLAB, stream.nbits - end), self.word_bits, self.run_bits, words, index)
            end += taken
        if index > count:
            raise CorruptDataError("RLE stream has a run of zeros beyond the array")
        if end > stream.nbits:
            raise CorruptDataError("RLE stream is too short")
        if stream.nbits > end:
            raise CorruptDataError("RLE stream has bits after its end")
        return words


def _slabs_that_end_nonzero(words: np.ndarray) -> Iterator[np.ndarray]:
    """Cut words into slabs where no run of zeros is cut; the last slab may end in one."""
    start = 0
    for stop in range(SLAB, words.size, SLAB):
        backwards = words[stop - SLAB : stop][::-1] != 0
        if backwards.any():
            end = stop - int(backwards.argmax())
            yield words[start:end]
            start = end
    yield words[start:]


@njit(cache=True)
def _encode(
    words: np.ndarray, word_bits: int, run_bits: int, last: np.uint64, filled: np.uint64, bits: np.ndarray
) -> int:
    """Encode words after the `filled` bits of `last`; returns the number of bits written, these included."""
    places = np.empty(CHUNK, np.uint16)
    longest = 1 << run_bits
    run_length, word_length = np.uint64(1 + run_bits), np.uint64(1 + word_bits)
    mark = np.uint64(1 << word_bits)
    index = np.uint64(0)
    following = 0
    for start in range(0, words.size, CHUNK):
        chunk = words[start : start + CHUNK]
        count = np.uint64(0)
        for place, word in enumerate(chunk):
            # Stored in any case and overwritten if the word is zero: there is no branch to mispredict.
            places[count] = place
            count += np.uint64(word != 0)
        for place in places[: np.int64(count)]:
            zeros = start + place - following
            while zeros > longest:
                index, filled, last = put_next(bits, index, filled, last, np.uint64(longest - 1), run_length)
                zeros -= longest
            run = zeros > 0
            code = np.uint64(zeros - run) << word_length | mark | np.uint64(chunk[place])
            length = run_length * np.uint64(run) + word_length
            index, filled, last = put_next(bits, index, filled, last, code, length)
            following = start + place + 1
    zeros = words.size - following
    while zeros > 0:
        run = min(zeros, longest) - 1
        index, filled, last = put_next(bits, index, filled, last, np.uint64(run), run_length)
        zeros -= longest
    bits[index] = last
    return 64 * np.int64(index) + np.int64(filled)  # type: ignore[return-value]


_LONGEST_CODE = 17  # bits, of any parameters


@njit(cache=True)
def _decode(
    bits: np.ndarray, nbits: int, word_bits: int, run_bits: int, words: np.ndarray, index: int
) -> tuple[int, int]:
    """Decode the codes that begin in so many bits into an array of zeros, from its `index`-th word on.

    Returns the number of bits read, and the index of the word that follows.
    """
    position, place, turns = np.uint64(0), np.uint64(index), 64 // (2 + run_bits + word_bits)
    reach = (1 + (1 << run_bits)) * turns
    while np.int64(place) + reach < words.size and np.int64(position) + 64 <= nbits:
        ahead = peek_all(bits, position)
        for _ in range(turns):
            ahead, position, place = _decode_word(ahead, position, place, word_bits, run_bits, words)
    while np.int64(place) < words.size and np.int64(position) < nbits:
        ahead = peek_all(bits, position)
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
