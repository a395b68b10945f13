"""EBPC in parallel blocks: the same planes in a layout that hardware codes and decodes a block of 8 words a cycle.

The streams do not depend on how many words a cycle an engine takes. The format is described in
`docs/formats/ebpc-parallel.md`; the planes are those of L. Cavigelli, G. Rutishauser, L. Benini, "EBPC: Extended
Bit-Plane Compression for Deep Neural Network Inference and Training Accelerators", arXiv 1908.11645, section III.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from silicodec.models.bitstream import from_bytes, pack_nonzero, peek, slabs
from silicodec.models.codec import EncodedStream, WordCodec, to_words, word_dtype
from silicodec.models.ebpc import parallel_loops as loops
from silicodec.models.ebpc.bpc import whole_blocks
from silicodec.models.ebpc.znz import SPARE_BYTES, insert_zeros, nonzero_words
from silicodec.models.errors import CodecError, CorruptDataError

ROW = loops.BLOCK
"""Words of a row, and of a block."""
ZNZ_PORT, BPC_PORT = 16, 64
"""Bits of the words that the hardware cuts each stream into."""


@dataclass(frozen=True)
class ParallelEBPC(WordCodec):
    """Extended bit-plane compression in parallel blocks.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16; the engines' are 8.

    Examples
    --------
    >>> import numpy as np
    >>> encoded = ParallelEBPC().encode(np.array([0, 0, 0, 5, 6, 7, 0, 0], np.int8))
    >>> {name: stream.nbits for name, stream in encoded.streams.items()}
    {'znz': 10, 'bpc': 39}
    >>> ParallelEBPC().decode(encoded)
    array([0, 0, 0, 5, 6, 7, 0, 0], dtype=int8)
    """

    codec_id: ClassVar[str] = "ebpc-parallel"
    stream_names: ClassVar[tuple[str, ...]] = ("znz", "bpc")

    def encode_words(self, words: np.ndarray) -> dict[str, np.ndarray]:
        """Encode one packet to the words that the hardware emits.

        Parameters
        ----------
        words : numpy.ndarray
            1-D, at least one word; uint8 for words of up to 8 bits, else uint16.

        Returns
        -------
        dict of str to numpy.ndarray
            Streams "znz", uint16, and "bpc", uint64; the last word of each is filled up with zero bits.
        """
        streams = self._encode(to_words(words, self.word_bits))
        return {name: _port_words(streams[name], bits) for name, bits in (("znz", ZNZ_PORT), ("bpc", BPC_PORT))}

    def decode_words(self, znz: np.ndarray, bpc: np.ndarray, rows: int) -> np.ndarray:
        """Decode one packet of so many rows of 8 words from the words that the hardware takes.

        Parameters
        ----------
        znz, bpc : numpy.ndarray
            The streams, as `encode_words` returns them.
        rows : int
            Number of rows, at least 1.

        Raises
        ------
        CodecError
            If there is no row.
        CorruptDataError
            If the streams are malformed; `docs/formats/ebpc-parallel.md` lists what is.
        """
        if rows < 1:
            raise CodecError(f"rows must be at least 1, not {rows}")
        streams = {
            name: EncodedStream(words.astype(f">u{bits // 8}").tobytes(), bits * words.size)
            for name, words, bits in (("znz", znz, ZNZ_PORT), ("bpc", bpc, BPC_PORT))
        }
        words, ends = self._read(streams, ROW * rows)
        for name, bits in (("znz", ZNZ_PORT), ("bpc", BPC_PORT)):
            padding = streams[name].nbits - ends[name]
            if padding >= bits:
                raise CorruptDataError(f"{name.upper()} stream has words after its end")
            if padding and peek(from_bytes(streams[name].data), ends[name], padding):
                raise CorruptDataError(f"{name.upper()} stream is padded with bits that are not zero")
        return words

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        return {
            "znz": loops.encode_rows(pack_nonzero(words)),
            "bpc": loops.encode_blocks(whole_blocks(map(nonzero_words, slabs(words)), ROW), self.word_bits),
        }

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        words, ends = self._read(streams, count)
        for name, stream in streams.items():
            if stream.nbits > ends[name]:
                raise CorruptDataError(f"{name.upper()} stream has bits after its end")
        return words

    def _read(self, streams: Mapping[str, EncodedStream], count: int) -> tuple[np.ndarray, dict[str, int]]:
        """Decode `count` words, and say how many bits of each stream they take."""
        flags, znz_end = loops.decode_rows(streams["znz"], -(-count // ROW))
        if count % ROW and flags[-1] & (0xFF >> count % ROW):
            raise CorruptDataError("ZNZ stream has a nonzero word beyond the packet")
        nonzero = int(np.bitwise_count(flags).sum())
        blocks = -(-nonzero // ROW)
        if blocks * self.word_bits > streams["bpc"].nbits:
            raise CorruptDataError("BPC stream is too short")
        # The nonzero words are decoded to the end of the array, which begins at a multiple of 8, and then spread.
        start = -(-(count - nonzero) // 8) * 8
        words = np.empty(start + ROW * blocks + ROW + SPARE_BYTES, word_dtype(self.word_bits))
        bpc_end = loops.decode_blocks(streams["bpc"], self.word_bits, words[start : start + ROW * blocks])
        insert_zeros(flags, words, start, count)
        return words[:count], {"znz": znz_end, "bpc": bpc_end}


def _port_words(stream: EncodedStream, bits: int) -> np.ndarray:
    """Cut a stream into words of 16 or 64 bits, the last one filled up with zeros."""
    data = bytes(stream.data) + bytes(-len(stream.data) % (bits // 8))
    return np.frombuffer(data, f">u{bits // 8}").astype(f"u{bits // 8}")
