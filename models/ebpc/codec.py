"""Extended bit-plane compression (EBPC): a zero stream, and bit-plane compression of the nonzero words.

L. Cavigelli, G. Rutishauser, L. Benini, "EBPC: Extended Bit-Plane Compression for Deep Neural Network Inference and
Training Accelerators", arXiv 1908.11645, section III; bit-exact to the public hardware (pulp-platform/stream-ebpc). The
format is described in `docs/formats/ebpc.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from silicodec.models.bitstream import from_bytes, pack, peek, unpack
from silicodec.models.codec import EncodedStream, to_words, word_dtype
from silicodec.models.ebpc.bpc import BPC, count_bits, decode_blocks, encode_nonzero
from silicodec.models.ebpc.znz import (
    SPARE_BYTES,
    count_zero_bits,
    decode_zeros,
    encode_zeros,
    insert_zeros,
    nonzero_words,
)
from silicodec.models.errors import CodecError, CorruptDataError, check_power_of_two


def port_bits(word_bits: int) -> int:
    """Return the bits of the words that the hardware cuts each stream into: a code of a plane takes up to 8."""
    return max(8, word_bits)


@dataclass(frozen=True)
class EBPC(BPC):
    """Extended bit-plane compression.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    block_size : int, optional
        Nonzero words in a block, 2 to `word_bits`; by default 8, or `word_bits` where that is less.
    max_zero_run : int
        Longest run of zero words that one code stands for; a power of two up to 65536.

    Examples
    --------
    >>> import numpy as np
    >>> encoded = EBPC(word_bits=8).encode(np.array([0, 0, 0, 5, 6, 7, 0, 0], np.int8))
    >>> encoded.nbits, {name: stream.nbits for name, stream in encoded.streams.items()}
    (50, {'znz': 13, 'bpc': 37})
    >>> EBPC().decode(encoded)
    array([0, 0, 0, 5, 6, 7, 0, 0], dtype=int8)
    """

    max_zero_run: int = 16

    codec_id: ClassVar[str] = "ebpc"
    stream_names: ClassVar[tuple[str, ...]] = ("znz", "bpc")

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_power_of_two("max_zero_run", self.max_zero_run, 1, 1 << 16)

    def encode_words(self, words: np.ndarray) -> dict[str, np.ndarray]:
        """Encode one packet to the words that the hardware emits.

        Parameters
        ----------
        words : numpy.ndarray
            1-D; uint8 for words of up to 8 bits, else uint16.

        Returns
        -------
        dict of str to numpy.ndarray
            Streams "znz" and "bpc": words of `port_bits` bits, of the same dtype; the last word of each is filled up
            with zero bits.

        Raises
        ------
        CodecError
            If `words` is not such an array, or a word does not fit in `word_bits` bits.
        """
        streams = self._encode(self._check_words("words", words, self.word_bits))
        bits = port_bits(self.word_bits)
        return {name: unpack(stream.data, bits, -(-stream.nbits // bits)) for name, stream in streams.items()}

    def decode_words(self, znz: np.ndarray, bpc: np.ndarray, count: int) -> np.ndarray:
        """Decode one packet from the words that the hardware takes.

        Parameters
        ----------
        znz, bpc : numpy.ndarray
            The streams, as `encode_words` returns them.
        count : int
            Number of words of the packet.

        Returns
        -------
        numpy.ndarray
            The packet: 1-D; uint8 for words of up to 8 bits, else uint16.

        Raises
        ------
        CodecError
            If a stream is not an array of words, or `count` is negative.
        CorruptDataError
            If the streams are malformed; `docs/formats/ebpc.md` lists what is.
        """
        if count < 0:
            raise CodecError(f"count must be at least 0, not {count}")
        bits = port_bits(self.word_bits)
        streams = {
            name: pack(self._check_words(name, words, bits), bits) for name, words in {"znz": znz, "bpc": bpc}.items()
        }
        words, ends = self._read(streams, count)
        for name, stream in streams.items():
            padding = stream.nbits - ends[name]
            if padding >= bits:
                raise CorruptDataError(f"{name.upper()} stream has words after its end")
            if padding and peek(from_bytes(stream.data), ends[name], padding):
                raise CorruptDataError(f"{name.upper()} stream is padded with bits that are not zero")
        return words

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits that `array` encodes to, without encoding."""
        words = to_words(np.asarray(array), self.word_bits)
        bpc_bits = count_bits(nonzero_words(words), self.word_bits, self.block_size)
        return count_zero_bits(words, self.max_zero_run) + bpc_bits

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        flags, bpc = encode_nonzero(words, self.word_bits, self.block_size)
        return {"znz": encode_zeros(flags, words.size, self.max_zero_run), "bpc": bpc}

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        words, ends = self._read(streams, count)
        for name, stream in streams.items():
            if stream.nbits > ends[name]:
                raise CorruptDataError(f"{name.upper()} stream has bits after its end")
        return words

    def _read(self, streams: Mapping[str, EncodedStream], count: int) -> tuple[np.ndarray, dict[str, int]]:
        """Decode `count` words, and say how many bits of each stream they take."""
        flags, znz_end = decode_zeros(streams["znz"], count, self.max_zero_run)
        nonzero = int(np.bitwise_count(flags).sum())
        # The nonzero words are decoded to the end of the array, which begins at a multiple of 8, and then spread.
        start = -(-(count - nonzero) // 8) * 8
        room = -(-(start + nonzero + self.block_size) // 8) * 8 + SPARE_BYTES
        words = np.empty(room, word_dtype(self.word_bits))
        _, bpc_end = decode_blocks(streams["bpc"], nonzero, self.word_bits, self.block_size, words[start:])
        insert_zeros(flags, words, start, count)
        return words[:count], {"znz": znz_end, "bpc": bpc_end}

    def _check_words(self, name: str, words: np.ndarray, bits: int) -> np.ndarray:
        dtype = word_dtype(bits)
        if not isinstance(words, np.ndarray) or words.ndim != 1 or words.dtype != dtype:
            raise CodecError(f"{name} must be a one-dimensional array of {dtype.__name__}")
        return to_words(words, bits)
