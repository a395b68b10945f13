"""What software would do: general-purpose compressors.

Words narrower than 8 bits, or between 8 and 16, are packed without gaps before they are compressed, so that no unused
bit counts for or against a compressor. Words of 16 bits are compressed most significant byte first.
"""

from __future__ import annotations

import io
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import numpy as np

from silicodec.models.bitstream import pack, unpack
from silicodec.models.codec import EncodedStream, WordCodec
from silicodec.models.errors import CodecError, CorruptDataError, check_integer


class _ByteCodec(WordCodec):
    """A compressor of bytes, applied to packed words."""

    level: int

    levels: ClassVar[tuple[int, int]]
    """The least and the greatest `level`."""

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_integer("level", self.level, *self.levels)

    @abstractmethod
    def _compress(self, data: bytes | memoryview) -> bytes:
        """Compress bytes."""

    @abstractmethod
    def _decompress(self, data: bytes | memoryview, size: int) -> Iterator[bytes]:
        """Decompress to `size` bytes in pieces, or raise CorruptDataError before giving more than `data` holds."""

    def _encode(self, words: np.ndarray) -> dict[str, EncodedStream]:
        data = self._compress(self._packed(words))
        return {self.codec_id: EncodedStream(data, 8 * len(data))}

    def _packed(self, words: np.ndarray) -> bytes | memoryview:
        if self.word_bits in (8, 16):
            return words.astype(f">u{self.word_bits // 8}", copy=False).view(np.uint8).data
        return pack(words, self.word_bits).data

    def _decode(self, streams: Mapping[str, EncodedStream], count: int) -> np.ndarray:
        stream = streams[self.codec_id]
        if stream.nbits % 8:
            raise CorruptDataError(f"stream must be whole bytes, not {stream.nbits} bits")
        size = (count * self.word_bits + 7) // 8
        data = bytearray()
        for piece in self._decompress(stream.data, size):
            data += piece
        if self.word_bits == 8:
            return np.frombuffer(data, np.uint8)
        return unpack(EncodedStream(bytes(data), count * self.word_bits).data, self.word_bits, count)


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
    levels: ClassVar[tuple[int, int]] = (0, 9)

    def _compress(self, data: bytes | memoryview) -> bytes:
        compressor = zlib.compressobj(self.level, wbits=-zlib.MAX_WBITS)
        file = io.BytesIO()
        for start in range(0, len(data), _CHUNK):  # in pieces, since zlib doubles its own to join them
            file.write(compressor.compress(data[start : start + _CHUNK]))
        file.write(compressor.flush())
        return file.getvalue()

    def _decompress(self, data: bytes | memoryview, size: int) -> Iterator[bytes]:
        if size > _MAX_DEFLATE_RATIO * len(data):
            raise CorruptDataError("DEFLATE stream is too short")
        decompressor = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        room = size + 1
        try:
            for start in range(0, len(data), _CHUNK):
                rest = data[start : start + _CHUNK]
                while rest and room:
                    piece = decompressor.decompress(rest, min(room, _CHUNK))
                    room -= len(piece)
                    yield piece
                    rest = decompressor.unconsumed_tail
            piece = decompressor.flush() if room else b""
        except zlib.error as error:
            raise CorruptDataError(f"DEFLATE stream is malformed: {error}") from None
        yield piece
        if room - len(piece) != 1 or not decompressor.eof or decompressor.unused_data:
            raise CorruptDataError(f"DEFLATE stream does not hold the expected {size} bytes")


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
    levels: ClassVar[tuple[int, int]] = (1, 22)

    def _compress(self, data: bytes | memoryview) -> bytes:
        return _zstandard().ZstdCompressor(level=self.level).compress(data)

    def _decompress(self, data: bytes | memoryview, size: int) -> Iterator[bytes]:
        zstandard = _zstandard()
        room = size + 1
        try:
            with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
                while room and (chunk := reader.read(min(room, _CHUNK))):
                    room -= len(chunk)
                    yield chunk
        except (zstandard.ZstdError, MemoryError) as error:
            raise CorruptDataError(f"Zstandard stream is malformed: {error}") from None
        if room != 1:
            raise CorruptDataError(f"Zstandard stream does not hold the expected {size} bytes")


_CHUNK = 1 << 20


def _zstandard() -> ModuleType:
    try:
        import zstandard
    except ImportError:
        raise CodecError("codec 'zstd' needs the package zstandard: pip install silicodec[software]") from None
    return zstandard
