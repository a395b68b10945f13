"""Zero run-length coding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from silicodec.models.bitstream import from_bytes, new_bits, peek, put, to_stream
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
        bits = new_bits(words.size * (1 + max(self.word_bits, self.run_bits)))
        return {"rle": to_stream(bits, _encode(words, self.word_bits, self.run_bits, bits))}

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        stream = streams["rle"]
        if count > stream.nbits // (1 + min(self.word_bits, self.run_bits)) << self.run_bits:
            raise CorruptDataError("RLE stream is too short")
        words = np.zeros(count, word_dtype(self.word_bits))
        end = _decode(from_bytes(stream.data), stream.nbits, self.word_bits, self.run_bits, words)
        if stream.nbits > end:
            raise CorruptDataError("RLE stream has bits after its end")
        return words


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


@njit(cache=True)
def _decode(bits: np.ndarray, nbits: int, word_bits: int, run_bits: int, words: np.ndarray) -> int:
    """Decode into an array of zeros; returns the number of bits read."""
    position = 0
    index = 0
    while index < words.size:
        if position >= nbits:
            raise CorruptDataError("RLE stream is too short")
        if peek(bits, position, 1):
            words[index] = peek(bits, position + 1, word_bits)
            position += 1 + word_bits
            index += 1
        else:
            index += 1 + peek(bits, position, 1 + run_bits)
            position += 1 + run_bits
    if index > words.size:
        raise CorruptDataError("RLE stream has a run of zeros beyond the array")
    if position > nbits:
        raise CorruptDataError("RLE stream is too short")
    return position
