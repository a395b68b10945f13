"""Zero run-length coding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from silicodec.models.bitstream import SLAB, join, new_bits, peek, put, to_stream, window
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
        return {"rle": join(map(self._encode_slab, _slabs_that_end_nonzero(words)))}

    def _encode_slab(self, words: np.ndarray) -> EncodedStream:
        bits = new_bits(words.size * (1 + max(self.word_bits, self.run_bits)))
        return to_stream(bits, _encode(words, self.word_bits, self.run_bits, bits))

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
def _encode(words: np.ndarray, word_bits: int, run_bits: int, bits: np.ndarray) -> int:
    """Encode words; returns the number of bits written."""
    places = np.empty(CHUNK, np.int64)
    longest = 1 << run_bits
    position = 0
    following = 0
    for start in range(0, words.size, CHUNK):
        count = 0
        for place in range(start, min(start + CHUNK, words.size)):
            # Stored in any case and overwritten if the word is zero: there is no branch to mispredict.
            places[count] = place
            count += words[place] != 0
        for place in places[:count]:
            zeros = place - following
            while zeros > longest:
                position = put(bits, position, longest - 1, 1 + run_bits)
                zeros -= longest
            run = zeros > 0
            code = (zeros - run) << (1 + word_bits) | 1 << word_bits | words[place]
            position = put(bits, position, code, (1 + run_bits) * run + 1 + word_bits)
            following = place + 1
    zeros = words.size - following
    while zeros > 0:
        position = put(bits, position, min(zeros, longest) - 1, 1 + run_bits)
        zeros -= longest
    return position


_LONGEST_CODE = 17  # bits, of any parameters


@njit(cache=True)
def _decode(
    bits: np.ndarray, nbits: int, word_bits: int, run_bits: int, words: np.ndarray, index: int
) -> tuple[int, int]:
    """Decode the codes that begin in so many bits into an array of zeros, from its `index`-th word on.

    Returns the number of bits read, and the index of the word that follows.
    """
    position = 0
    while index < words.size and position < nbits:
        if peek(bits, position, 1):
            words[index] = peek(bits, position + 1, word_bits)
            position += 1 + word_bits
            index += 1
        else:
            index += 1 + peek(bits, position, 1 + run_bits)
            position += 1 + run_bits
    return position, index
