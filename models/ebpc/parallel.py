"""EBPC in parallel blocks: the same planes in a layout that hardware codes and decodes a block of 8 words a cycle.

The streams do not depend on how many words a cycle an engine takes. The format is described in
`docs/formats/ebpc-parallel.md`; the planes are those of L. Cavigelli, G. Rutishauser, L. Benini, "EBPC: Extended
Bit-Plane Compression for Deep Neural Network Inference and Training Accelerators", arXiv 1908.11645, section III.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from silicodec.models.bitstream import pack_nonzero, slabs, window
from silicodec.models.codec import EncodedStream, WordCodec, to_words, word_dtype
from silicodec.models.ebpc import parallel_loops as loops
from silicodec.models.ebpc.bpc import whole_blocks
from silicodec.models.ebpc.znz import SPARE_BYTES, insert_zeros, nonzero_words
from silicodec.models.errors import CodecError, CorruptDataError, check_integer

ROW = loops.BLOCK
"""Words of a row, and of a block."""


def ports(word_bits: int) -> dict[str, int]:
    """Return the bits of the words that the hardware cuts each stream into."""
    return {"znz": 16, "bpc": 64 if word_bits <= 8 else 128}


@dataclass(frozen=True)
class ParallelEBPC(WordCodec):
    """Extended bit-plane compression in parallel blocks.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16; the engines' are 8 or 16.
    parts : int
        1, or 2 where every other row is coded apart, by an engine of its own: for 16 words a cycle.

    Examples
    --------
    >>> import numpy as np
    >>> encoded = ParallelEBPC().encode(np.array([0, 0, 0, 5, 6, 7, 0, 0], np.int8))
    >>> {name: stream.nbits for name, stream in encoded.streams.items()}
    {'znz': 10, 'bpc': 39}
    >>> ParallelEBPC().decode(encoded)
    array([0, 0, 0, 5, 6, 7, 0, 0], dtype=int8)
    """

    parts: int = 1

    codec_id: ClassVar[str] = "ebpc-parallel"
    stream_names: ClassVar[tuple[str, ...]] = ("znz", "bpc")

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_integer("parts", self.parts, 1, 2)

    def get_config(self) -> dict[str, Any]:
        """Return the codec's id and parameters, as plain JSON; one part is what it was before there were more."""
        config = super().get_config()
        return config if self.parts > 1 else {name: value for name, value in config.items() if name != "parts"}

    def encode_words(self, words: np.ndarray) -> dict[str, np.ndarray]:
        """Encode one packet to the words that the hardware emits.

        Parameters
        ----------
        words : numpy.ndarray
            1-D, at least one word; uint8 for words of up to 8 bits, else uint16.

        Returns
        -------
        dict of str to numpy.ndarray
            Streams "znz", uint16, and "bpc", uint64 or, for words of more than 8 bits, integers of 128 bits as objects;
            the last word of each is filled up with zero bits. Of two parts the words of the second follow those of the
            first.
        """
        streams = self._encode(to_words(words, self.word_bits))
        return {name: _port_words(streams[name], bits) for name, bits in ports(self.word_bits).items()}

    def decode_words(self, znz: np.ndarray, bpc: np.ndarray, rows: int) -> np.ndarray:
        """Decode one packet of so many rows of 8 words from the words that the hardware takes.

        Parameters
        ----------
        znz, bpc : numpy.ndarray
            The streams, as `encode_words` returns them.
        rows : int
            Number of rows, at least 1; of two parts an even number.

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
            name: EncodedStream(_from_port_words(words, bits), bits * words.size)
            for (name, bits), words in zip(ports(self.word_bits).items(), (znz, bpc), strict=True)
        }
        words, ends = self._read(streams, ROW * rows)
        for name, bits in ports(self.word_bits).items():
            padding = streams[name].nbits - ends[name]
            if padding >= bits:
                raise CorruptDataError(f"{name.upper()} stream has words after its end")
            if window(streams[name].data, ends[name], padding).any():
                raise CorruptDataError(f"{name.upper()} stream is padded with bits that are not zero")
        return words

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        if self.parts == 1:
            return self._encode_part(words)
        encoded = [self._encode_part(part) for part in deal_rows(words, self.parts)]
        return {name: _join([part[name] for part in encoded], bits) for name, bits in ports(self.word_bits).items()}

    def _encode_part(self, words: np.ndarray) -> dict[str, EncodedStream]:
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
        if self.parts == 1:
            return self._read_part(streams, count)
        each = -(-count // (ROW * self.parts)) * ROW
        port_bits = ports(self.word_bits)
        dealt, ends = [], dict.fromkeys(port_bits, 0)
        for _ in range(self.parts):
            starts = {name: _next_port_word(streams[name], ends[name], bits) for name, bits in port_bits.items()}
            rests = {
                name: EncodedStream(stream.data[starts[name] // 8 :], stream.nbits - starts[name])
                for name, stream in streams.items()
            }
            words, used = self._read_part(rests, each)
            dealt.append(words.reshape(-1, ROW))
            ends = {name: start + used[name] for name, start in starts.items()}
        words = np.stack(dealt, axis=1).reshape(-1)
        if words[count:].any():
            raise CorruptDataError("ZNZ stream has a nonzero word beyond the packet")
        return words[:count], ends

    def _read_part(self, streams: Mapping[str, EncodedStream], count: int) -> tuple[np.ndarray, dict[str, int]]:
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


def deal_rows(words: np.ndarray, parts: int) -> list[np.ndarray]:
    """Deal rows of 8 words to parts, in turn; zero words fill up the last row of each.

    Examples
    --------
    >>> [part.tolist() for part in deal_rows(np.arange(1, 11, dtype=np.uint8), 2)]
    [[1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 0, 0, 0, 0, 0, 0]]
    """
    rows = np.pad(words, (0, -words.size % (ROW * parts))).reshape(-1, parts, ROW)
    return [np.ascontiguousarray(rows[:, part]).reshape(-1) for part in range(parts)]


def _join(parts: list[EncodedStream], bits: int) -> EncodedStream:
    """Put streams one after the other, each from a new word of so many bits on."""
    *others, last = parts
    before = b"".join(bytes(part.data) + bytes(-len(part.data) % (bits // 8)) for part in others)
    return EncodedStream(before + bytes(last.data), 8 * len(before) + last.nbits)


def _next_port_word(stream: EncodedStream, end: int, bits: int) -> int:
    """Return where the word of so many bits begins that follows the bit `end`; the bits before it must be zeros."""
    start = -(-end // bits) * bits
    if start > end and (start > stream.nbits or window(stream.data, end, start - end).any()):
        raise CorruptDataError("a part of the packet is not filled up with bits that are zero")
    return start


def _port_words(stream: EncodedStream, bits: int) -> np.ndarray:
    """Cut a stream into words of so many bits, the last one filled up with zeros."""
    data = bytes(stream.data) + bytes(-len(stream.data) % (bits // 8))
    if bits <= 64:
        return np.frombuffer(data, f">u{bits // 8}").astype(f"u{bits // 8}")
    high, low = np.frombuffer(data, ">u8").astype(object).reshape(-1, 2).T
    return high << 64 | low


def _from_port_words(words: np.ndarray, bits: int) -> bytes:
    """Return the bytes that `_port_words` cut."""
    if bits <= 64:
        return words.astype(f">u{bits // 8}").tobytes()
    return b"".join(word.to_bytes(bits // 8, "big") for word in words.tolist())
