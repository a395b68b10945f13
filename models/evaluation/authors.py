"""The sizes that the EBPC authors' own evaluation counts, which differ from those of hardware and of this project.

L. Cavigelli's `ExtendedBitPlaneCompression` (GitHub, 2019), which made the figures of arXiv 1908.11645, counts bits and
decodes nothing:

* Differences wrap in the array's dtype, so that words of 8 and 16 bits have one plane of differences less; those of
  float16 are differences of the numbers, rounded to float16.
* A plane of zeros is `001`, and a run of them `01` and its length.
* The last block is not filled up, its positions are as wide as it needs, and a block of one word takes no bits.
* EBPC's zero stream leaves out the zeros that an array ends with; zero-RLE takes a bit more for a run of 16.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit

from silicodec.models.baselines.bounds import Bound
from silicodec.models.baselines.zero_rle import ZeroRLE
from silicodec.models.baselines.zvc import ZVC
from silicodec.models.codec import to_words
from silicodec.models.ebpc.tables import ZERO_DELTA_PLANE, field_bits, plane_codes
from silicodec.models.ebpc.znz import count_zero_bits

BLOCK_SIZE = 8
LONGEST_RUN = 16


class AuthorsCount(Bound):
    """A count of bits by the authors' rule, of integers or of float16."""

    def get_config(self) -> dict[str, Any]:
        """Give name and parameters, plain JSON."""
        return {**super().get_config(), "rule": "authors"}


class AuthorsZVC(AuthorsCount):
    """Zero value compression, which the authors count as this project does."""

    name = "zvc"

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits."""
        return ZVC(self.word_bits).nbits(array)


class AuthorsZeroRLE(AuthorsCount):
    """Zero run-length coding, in which a run of 16 takes a bit more than its field has.

    Examples
    --------
    >>> AuthorsZeroRLE().nbits(np.zeros(40, np.int8))
    17
    """

    name = "zero-rle"

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits."""
        nonzero = np.flatnonzero(array)
        runs = np.diff(nonzero, prepend=-1, append=array.size) - 1
        return ZeroRLE(self.word_bits).nbits(array) + int(np.sum(runs // LONGEST_RUN))


class AuthorsBPC(AuthorsCount):
    """Bit-plane compression of all words.

    Examples
    --------
    >>> AuthorsBPC().nbits(np.arange(64, dtype=np.int8))
    184
    """

    name = "bpc"

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits."""
        return count_blocks(np.asarray(array).reshape(-1), self.word_bits)


class AuthorsEBPC(AuthorsCount):
    """Extended bit-plane compression.

    Examples
    --------
    >>> AuthorsEBPC().nbits(np.array([0, 0, 0, 5, 6, 7, 0, 0], np.int8))
    31
    """

    name = "ebpc"

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits."""
        values = np.asarray(array).reshape(-1)
        nonzero = np.flatnonzero(values)
        end = int(nonzero[-1]) + 1 if nonzero.size else 0
        zero_stream = count_zero_bits(to_words(values[:end], self.word_bits), LONGEST_RUN)
        return zero_stream + count_blocks(values[nonzero], self.word_bits)


AUTHORS_COUNTS: dict[str, type[AuthorsCount]] = {
    count.name: count for count in (AuthorsEBPC, AuthorsBPC, AuthorsZVC, AuthorsZeroRLE)
}
"""By name of the codec."""


def count_blocks(values: np.ndarray, word_bits: int) -> int:
    """Count the bits of bit-plane compression of values, 1-D."""
    whole = values.size // BLOCK_SIZE * BLOCK_SIZE
    parts = (values[:whole].reshape(-1, BLOCK_SIZE), values[whole:].reshape(1, -1))
    return sum(_count_equal_blocks(part, word_bits) for part in parts if part.shape[1] > 1)


def _count_equal_blocks(blocks: np.ndarray, word_bits: int) -> int:
    """Count the bits of blocks, one a row."""
    with np.errstate(over="ignore", invalid="ignore"):
        differences = blocks[:, 1:] - blocks[:, :-1]
    planes = min(word_bits + 1, 8 * differences.itemsize)
    patterns = np.ascontiguousarray(differences).view(f"u{differences.itemsize}")
    lengths = plane_codes(blocks.shape[1]).length
    return blocks.shape[0] * word_bits + _count_planes(patterns, planes, lengths, _zero_plane_lengths(word_bits))


@lru_cache
def _zero_plane_lengths(word_bits: int) -> np.ndarray:
    """Tabulate the bits of so many planes of zeros in a row."""
    lengths = np.full(word_bits + 2, 2 + field_bits(word_bits))
    lengths[:2] = 0, 3
    return lengths


@njit(cache=True)
def _count_planes(differences: np.ndarray, planes: int, lengths: np.ndarray, zero_lengths: np.ndarray) -> int:
    total = 0
    for block in differences:
        before = 0
        zeros = 0
        for k in range(planes):
            plane = 0
            for difference in block:
                plane = plane << 1 | int(difference >> k) & 1
            changes = plane ^ before
            before = plane
            if changes == 0:
                zeros += 1
                continue
            total += zero_lengths[zeros]
            zeros = 0
            total += lengths[changes] if plane else ZERO_DELTA_PLANE.length
        total += zero_lengths[zeros]
    return total
