"""Zero value compression (ZVC)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from silicodec.models.bitstream import SLAB, join, pack, pack_nonzero, slabs, unpack
from silicodec.models.codec import EncodedStream, WordCodec, to_words, word_dtype
from silicodec.models.ebpc.znz import SPARE_BYTES, insert_zeros, nonzero_words
from silicodec.models.errors import CorruptDataError


@dataclass(frozen=True)
class ZVC(WordCodec):
    """Zero value compression: one bit a word that tells whether it is nonzero, then the nonzero words.

    M. Rhu, M. O'Connor, N. Chatterjee, J. Pool, Y. Kwon, S. W. Keckler, "Compressing DMA Engine: Leveraging Activation
    Sparsity for Training Deep Neural Networks", HPCA 2018, section V. There the bits of 32 words precede the nonzero
    ones of these 32; here bits and words are streams of their own, which costs the same number of bits.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.

    Examples
    --------
    >>> import numpy as np
    >>> encoded = ZVC(word_bits=8).encode(np.array([0, 0, 7, 0], np.uint8))
    >>> encoded.nbits, encoded.ratio
    (12, 2.6666666666666665)
    """

    codec_id: ClassVar[str] = "zvc"
    stream_names: ClassVar[tuple[str, ...]] = ("mask", "nonzero")

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits that `array` encodes to, without encoding."""
        words = to_words(np.asarray(array), self.word_bits)
        return words.size + int(np.count_nonzero(words)) * self.word_bits

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        return {
            "mask": EncodedStream(pack_nonzero(words).tobytes(), words.size),
            "nonzero": join(pack(nonzero_words(slab), self.word_bits) for slab in slabs(words)),
        }

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        mask, nonzero = streams["mask"], streams["nonzero"]
        if mask.nbits != count:
            raise CorruptDataError(f"mask has {mask.nbits} bits for {count} words")
        flags = np.frombuffer(mask.data, np.uint8)
        nonzero_count = int(np.bitwise_count(flags).sum())
        if nonzero.nbits != nonzero_count * self.word_bits:
            raise CorruptDataError(f"stream of nonzero words has {nonzero.nbits} bits for {nonzero_count} words")
        # The nonzero words are put at the end of the array, and spread from there.
        start = -(-(count - nonzero_count) // 8) * 8
        words = np.empty(-(-(start + nonzero_count) // 8) * 8 + SPARE_BYTES, word_dtype(self.word_bits))
        for done in range(0, nonzero_count, SLAB):
            number = min(SLAB, nonzero_count - done)
            words[start + done : start + done + number] = unpack(nonzero.data, self.word_bits, number, done)
        insert_zeros(flags, words, start, count)
        return words[:count]
