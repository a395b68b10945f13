"""Packets of the `weights` stream: words through the dictionary code.

The format is described in `docs/formats/accelerator.md`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from silicodec.models.dictionary.codec import DENSE
from silicodec.models.errors import CorruptDataError

CODEC = DENSE
"""Entries of eight weights, which are a word of the stream."""
MOST_WORDS = 512
"""Words of a packet, and bytes of its codes, at most."""
COUNT_BITS = 10
LAYOUT_BITS = 32
SPARE_BITS = 64 - LAYOUT_BITS - 3 * COUNT_BITS


class PacketSize(NamedTuple):
    """What a packet's header says: how many words it stands for, bytes of codes, and words of literals."""

    words: int
    code_bytes: int
    literal_words: int

    @property
    def code_words(self) -> int:
        """Words of the stream that hold codes."""
        return -(-self.code_bytes // 8)

    @property
    def length(self) -> int:
        """Words of the stream that the packet takes."""
        return 1 + self.code_words + self.literal_words


def encode_packet(words: np.ndarray) -> np.ndarray:
    """Encode up to `MOST_WORDS` words of the plain stream, uint64, to a packet of them."""
    coded = CODEC.encode_words(words.astype("<u8").view(np.uint8))
    codes, literals = coded["codes"], coded["literals"]
    header = int(coded["layout"][0])
    for number, count in enumerate((words.size, codes.size, literals.size)):
        header |= count << (LAYOUT_BITS + number * COUNT_BITS)
    code_words = np.pad(codes, (0, -codes.size % 8)).view("<u8")
    return np.concatenate([np.array([header], np.uint64), code_words, literals])


def packet_size(header: int) -> PacketSize:
    """Read a header.

    Raises
    ------
    CorruptDataError
        If no packet begins like this.
    """
    counts = [header >> (LAYOUT_BITS + number * COUNT_BITS) & ((1 << COUNT_BITS) - 1) for number in range(3)]
    size = PacketSize(*counts)
    has_literals = bool(header & 2)
    if (
        not (0 < size.words <= MOST_WORDS and 0 < size.code_bytes <= MOST_WORDS and size.literal_words <= MOST_WORDS)
        or has_literals != (size.literal_words > 0)
        or header >> (64 - SPARE_BITS)
    ):
        raise CorruptDataError("no packet of weights begins like this")
    return size


def decode_packet(words: np.ndarray) -> np.ndarray:
    """Decode a packet: the inverse of `encode_packet`.

    Raises
    ------
    CorruptDataError
        If it is malformed.
    """
    header = int(words[0])
    size = packet_size(header)
    if size.length != len(words):
        raise CorruptDataError(f"a packet of weights has {len(words)} words, and not {size.length}")
    codes = words[1 : 1 + size.code_words].astype("<u8").view(np.uint8)[: size.code_bytes]
    layout = np.array([header & ((1 << LAYOUT_BITS) - 1)], np.uint32)
    entries = CODEC.decode_words(layout, codes, words[1 + size.code_words :])
    if entries.size != 8 * size.words:
        raise CorruptDataError(f"a packet of {size.words} words of weights has codes for {entries.size // 8}")
    return entries.view("<u8").astype(np.uint64)


def encode_all(words: np.ndarray, most: int = MOST_WORDS) -> np.ndarray:
    """Encode words to packets of `most` words, and a last one of the rest."""
    return np.concatenate([encode_packet(words[start : start + most]) for start in range(0, len(words), most)])


def packet_sizes(stream: np.ndarray, count: int) -> list[PacketSize]:
    """Return the sizes of the packets that a stream begins with and that stand for `count` words."""
    sizes: list[PacketSize] = []
    position = 0
    while count > 0:
        sizes.append(packet_size(int(stream[position])))
        position += sizes[-1].length
        count -= sizes[-1].words
    return sizes
