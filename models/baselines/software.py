"""What software would do: general-purpose compressors.

Words narrower than 8 bits, or between 8 and 16, are packed without gaps before they are compressed, so that no unused
bit counts for or against a compressor. Words of 16 bits are compressed most significant byte first.
"""

from __future__ import annotations

import zlib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import numpy as np

from silicodec.models.bitstream import pack, unpack
from silicodec.models.codec import EncodedStream, WordCodec
from silicodec.models.errors import CodecError, CorruptDataError, check_integer


class _ByteCodec(WordCodec):
    """A compressor of bytes, applied to packed words."""

    @abstractmethod
    def _compress(self, data: bytes) -> bytes:
        """Compress bytes."""

    @abstractmethod
    def _decompress(self, data: bytes, size: int) -> bytes:
        """Decompress to `size` bytes, or raise CorruptDataError before taking memory for what `data` does not hold."""

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        data = self._compress(pack(words, self.word_bits).data)
        return {self.codec_id: EncodedStream(data, 8 * len(data))}

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        stream = streams[self.codec_id]
        if stream.nbits % 8:
            raise CorruptDataError(f"stream must be whole bytes, not {stream.nbits} bits")
        data = self._decompress(stream.data, (count * self.word_bits + 7) // 8)
        packed = EncodedStream(data, count * self.word_bits)
        return unpack(packed.data, self.word_bits, count)


@dataclass(frozen=True)
class Deflate(_ByteCodec):
    """DEFLATE (RFC 1951), by zlib.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    level : int
        Compression level, 0 to 9.
    """

    level: int = 6

    codec_id: ClassVar[str] = "deflate"
    stream_names: ClassVar[tuple[str, ...]] = ("deflate",)

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_integer("level", self.level, 0, 9)

    def _compress(self, data: bytes) -> bytes:
        return zlib.compress(data, self.level, wbits=-zlib.MAX_WBITS)

    def _decompress(self, data: bytes, size: int) -> bytes:
        if size > _MAX_DEFLATE_RATIO * len(data):
            raise CorruptDataError("DEFLATE stream is too short")
        decompressor = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        try:
            result = decompressor.decompress(data, size + 1)
        except zlib.error as error:
            raise CorruptDataError(f"DEFLATE stream is malformed: {error}") from None
        if len(result) != size or not decompressor.eof or decompressor.unused_data:
            raise CorruptDataError(f"DEFLATE stream does not hold the expected {size} bytes")
        return result


_MAX_DEFLATE_RATIO = 1032  # 258 bytes from 2 bits


@dataclass(frozen=True)
class Zstandard(_ByteCodec):
    """Zstandard (RFC 8878), by the package zstandard.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 16.
    level : int
        Compression level, 1 to 22.
    """

    level: int = 3

    codec_id: ClassVar[str] = "zstd"
    stream_names: ClassVar[tuple[str, ...]] = ("zstd",)

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_integer("level", self.level, 1, 22)

    def _compress(self, data: bytes) -> bytes:
        return _zstandard().ZstdCompressor(level=self.level).compress(data)

    def _decompress(self, data: bytes, size: int) -> bytes:
        zstandard = _zstandard()
        chunks = []
        room = size + 1
        try:
            with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
                while room and (chunk := reader.read(min(room, _CHUNK))):
                    chunks.append(chunk)
                    room -= len(chunk)
        except (zstandard.ZstdError, MemoryError) as error:
            raise CorruptDataError(f"Zstandard stream is malformed: {error}") from None
        if room != 1:
            raise CorruptDataError(f"Zstandard stream does not hold the expected {size} bytes")
        return b"".join(chunks)


_CHUNK = 1 << 20


def _zstandard() -> ModuleType:
    try:
        import zstandard
    except ImportError:
        raise CodecError("codec 'zstd' needs the package zstandard: pip install silicodec[software]") from None
    return zstandard
