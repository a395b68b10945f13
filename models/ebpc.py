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
from numba import njit

from .bitstream import from_bytes, new_bits, pack, peek, put, to_stream, unpack
from .bpc import decode_blocks, encode_blocks, field_bits
from .codec import Codec, EncodedStream, to_words, word_dtype
from .errors import CodecError, CorruptDataError, check_integer, check_power_of_two


@dataclass(frozen=True)
class EBPC(Codec):
    """Extended bit-plane compression.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    block_size : int, optional
        Nonzero words in a block, 2 to `word_bits`; by default 8, or `word_bits` where that is less.
    max_zero_run : int
        Longest run of zero words that one code stands for; a power of two up to 65536.
    """

    block_size: int = None  # type: ignore[assignment]  # an int once the object is made
    max_zero_run: int = 16

    codec_id: ClassVar[str] = "ebpc"
    stream_names: ClassVar[tuple[str, ...]] = ("znz", "bpc")

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.block_size is None:
            object.__setattr__(self, "block_size", min(8, self.word_bits))
        check_integer("block_size", self.block_size, 2, self.word_bits)
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
            Streams "znz" and "bpc": words of `word_bits` bits, of the same dtype; the last word of each is filled up
            with zero bits.

        Raises
        ------
        CodecError
            If `words` is not such an array, or a word does not fit in `word_bits` bits.
        """
        streams = self._encode(self._check_words("words", words))
        return {
            name: unpack(stream.data, self.word_bits, -(-stream.nbits // self.word_bits))
            for name, stream in streams.items()
        }

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
            If a stream is not an array of words.
        CorruptDataError
            If the streams are malformed; `docs/formats/ebpc.md` lists what is.
        """
        streams = {
            "znz": pack(self._check_words("znz", znz), self.word_bits),
            "bpc": pack(self._check_words("bpc", bpc), self.word_bits),
        }
        words, ends = self._read(streams, count)
        for name, stream in streams.items():
            padding = stream.nbits - ends[name]
            if padding >= self.word_bits:
                raise CorruptDataError(f"{name.upper()} stream has words after its end")
            if padding and peek(from_bytes(stream.data), ends[name], padding):
                raise CorruptDataError(f"{name.upper()} stream is padded with bits that are not zero")
        return words

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        znz = new_bits(words.size * (1 + self._run_bits))
        nonzero = np.empty(words.size + self.block_size, words.dtype)
        znz_bits, nonzero_count = _split_zeros(words, self.max_zero_run, self._run_bits, znz, nonzero)
        return {
            "znz": to_stream(znz, znz_bits),
            "bpc": encode_blocks(nonzero[:nonzero_count], self.word_bits, self.block_size),
        }

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        words, ends = self._read(streams, count)
        for name, stream in streams.items():
            if stream.nbits > ends[name]:
                raise CorruptDataError(f"{name.upper()} stream has bits after its end")
        return words

    def _read(self, streams: Mapping[str, EncodedStream], count: int) -> tuple[np.ndarray, dict[str, int]]:
        """Decode `count` words, and say how many bits of each stream they take."""
        znz, bpc = streams["znz"], streams["bpc"]
        run_codes, flags = divmod(znz.nbits, 1 + self._run_bits)
        if count > run_codes * self.max_zero_run + flags:
            raise CorruptDataError("ZNZ stream is too short")
        is_nonzero = np.empty(count, np.bool_)
        znz_end = _read_zeros(from_bytes(znz.data), znz.nbits, self._run_bits, is_nonzero)
        nonzero, bpc_end = decode_blocks(bpc, int(np.count_nonzero(is_nonzero)), self.word_bits, self.block_size)
        words = np.zeros(count, nonzero.dtype)
        words[is_nonzero] = nonzero
        return words, {"znz": znz_end, "bpc": bpc_end}

    @property
    def _run_bits(self) -> int:
        return field_bits(self.max_zero_run)

    def _check_words(self, name: str, words: np.ndarray) -> np.ndarray:
        dtype = word_dtype(self.word_bits)
        if not isinstance(words, np.ndarray) or words.ndim != 1 or words.dtype != dtype:
            raise CodecError(f"{name} must be a one-dimensional array of {dtype.__name__}")
        return to_words(words, self.word_bits)


@njit(cache=True)
def _split_zeros(
    words: np.ndarray, max_zero_run: int, run_bits: int, znz: np.ndarray, nonzero: np.ndarray
) -> tuple[int, int]:
    """Write the ZNZ stream and copy the nonzero words; returns the numbers of bits and of nonzero words."""
    position = 0
    count = 0
    zero_run = 0
    for word in words:
        if word == 0:
            zero_run += 1
            if zero_run == max_zero_run:
                position = put(znz, position, zero_run - 1, 1 + run_bits)
                zero_run = 0
        else:
            if zero_run:
                position = put(znz, position, zero_run - 1, 1 + run_bits)
                zero_run = 0
            position = put(znz, position, 1, 1)
            nonzero[count] = word
            count += 1
    if zero_run:
        position = put(znz, position, zero_run - 1, 1 + run_bits)
    return position, count


@njit(cache=True)
def _read_zeros(znz: np.ndarray, nbits: int, run_bits: int, is_nonzero: np.ndarray) -> int:
    """Read the ZNZ stream into a flag for each word; returns the number of bits read."""
    position = 0
    index = 0
    while index < is_nonzero.size:
        if peek(znz, position, 1):
            is_nonzero[index] = True
            index += 1
            position += 1
        else:
            end = index + 1 + (peek(znz, position, 1 + run_bits))
            if end > is_nonzero.size:
                raise CorruptDataError("ZNZ stream has a run of zeros beyond the packet")
            is_nonzero[index:end] = False
            index = end
            position += 1 + run_bits
        if position > nbits:
            raise CorruptDataError("ZNZ stream is too short")
    return position
