"""Bounds: how few bits a code of single words can take. They count, and neither encode nor decode."""

from __future__ import annotations

import heapq
import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.errors import check_integer


@dataclass(frozen=True)
class Bound(ABC):
    """A bound.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    """

    word_bits: int = 8

    name: ClassVar[str]

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_integer("word_bits", self.word_bits, 4, 16)

    @abstractmethod
    def nbits(self, array: np.ndarray) -> int:
        """Count the bits for an array of integers of `word_bits` bits."""

    def get_config(self) -> dict[str, Any]:
        """Give name and parameters, plain JSON."""
        return {"id": self.name, **asdict(self)}


class _OfCounts(Bound):
    """A bound that rests on how often words occur, and not on their order."""

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits for an array of integers of `word_bits` bits."""
        counts = np.bincount(to_words(np.asarray(array), self.word_bits))
        return self._count_bits(counts[counts > 0])

    @abstractmethod
    def _count_bits(self, counts: np.ndarray) -> int:
        """Count the bits for words that occur so often."""


class Huffman(_OfCounts):
    """Huffman coding: the fewest bits that a prefix code of single words, made for this very array, takes.

    The code itself is not counted. Equal words take one bit each.
    """

    name = "huffman"

    def _count_bits(self, counts: np.ndarray) -> int:
        heap = counts.tolist()
        if len(heap) < 2:
            return sum(heap)
        heapq.heapify(heap)
        total = 0
        while len(heap) > 1:
            joined = heapq.heappop(heap) + heapq.heappop(heap)
            heapq.heappush(heap, joined)
            total += joined
        return total


class Entropy(_OfCounts):
    """Order-0 entropy: the fewest bits that a code of single words, made for this very array, could take.

    The code itself is not counted.
    """

    name = "entropy"

    def _count_bits(self, counts: np.ndarray) -> int:
        return math.ceil(np.sum(counts * np.log2(counts.sum() / counts)))
