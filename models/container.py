"""Encoded arrays, and the file that holds one.

The file format is described in `docs/formats/container.md`.
"""

from __future__ import annotations

import io
import json
import math
import mmap
import reprlib
import struct
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from silicodec.models.errors import CorruptDataError

MAGIC = b"\x89SLC\r\n\x1a\n"
VERSION = 2
"""The newest version that is read."""
CODEC_VERSIONS = {"dct": 2}
"""Version that a codec's files have, where it is not 1: the one in which its format changed."""
DTYPES = ("int8", "uint8", "int16", "uint16", "float16")
"""Names of the element types that an array may have."""

PREFIX = struct.Struct(">8sHIQ")  # magic, version, bytes of header, bytes of payload
_CHECKSUM = struct.Struct(">I")
_DTYPE_NAMES = (*DTYPES, *(f">{name}" for name in DTYPES if np.dtype(name).itemsize > 1))  # ">": big-endian
_HEADER_FIELDS = {"codec", "shape", "dtype", "streams"}
_MAX_DIMENSIONS = 64  # NumPy's own limit
_MAX_SIZE = 2**61  # far beyond any memory, and within NumPy's index type for the bytes of any dtype


@dataclass(frozen=True, repr=False)
class EncodedStream:
    """A string of bits.

    Parameters
    ----------
    data : bytes-like
        The bits, most significant bit of each byte first; the last byte is filled up with zeros.
    nbits : int
        How many bits of `data` are valid.

    Raises
    ------
    CorruptDataError
        If `data` is not as long as `nbits` asks for, or the bits after the valid ones are not all zero.
    """

    data: bytes | memoryview
    nbits: int

    def __post_init__(self) -> None:
        """Check the length and the padding."""
        if self.nbits < 0 or len(self.data) != (self.nbits + 7) // 8:
            raise CorruptDataError(f"a stream of {self.nbits} bits cannot have {len(self.data)} bytes")
        padding = -self.nbits % 8
        if padding and self.data[-1] & ((1 << padding) - 1):
            raise CorruptDataError("the bits after the end of a stream are not all zero")

    def __repr__(self) -> str:
        """Show the length, and the bits of a short stream."""
        bits = f": {self.data.hex()}" if len(self.data) <= 8 else ""
        return f"<EncodedStream, {self.nbits} bits{bits}>"


@dataclass(frozen=True, repr=False)
class Encoded:
    """An encoded array.

    Parameters
    ----------
    codec : dict
        Configuration of the codec, as `Codec.get_config` gives it.
    streams : dict of str to EncodedStream
        The streams by name.
    shape : tuple of int
        Shape of the array.
    dtype : numpy.dtype
        Element type of the array, one of `DTYPES` in either byte order.

    Examples
    --------
    >>> import numpy as np
    >>> from silicodec.models.ebpc import EBPC
    >>> encoded = EBPC().encode(np.zeros((2, 3), np.uint8))
    >>> Encoded.from_bytes(encoded.to_bytes()).shape
    (2, 3)
    """

    codec: dict[str, Any]
    streams: dict[str, EncodedStream]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __repr__(self) -> str:
        """Show the codec, the array's shape and dtype, and the streams' lengths."""
        parameters = ", ".join(f"{name}={reprlib.repr(value)}" for name, value in self.codec.items() if name != "id")
        streams = ", ".join(f"{name} {stream.nbits}" for name, stream in self.streams.items())
        return f"<Encoded {self.dtype.name} {self.shape} by {self.codec['id']}({parameters}): bits {streams}>"

    @property
    def size(self) -> int:
        """Number of elements of the array."""
        return math.prod(self.shape)

    @property
    def nbits(self) -> int:
        """Total bits of all streams."""
        return sum(stream.nbits for stream in self.streams.values())

    @property
    def ratio(self) -> float:
        """Bits of the array (`word_bits` an element) over bits of the streams; NaN for an empty array."""
        return self.size * self.codec["word_bits"] / self.nbits if self.nbits else math.nan

    def to_bytes(self) -> bytes:
        """Return the container: versioned, with a checksum over everything."""
        file = io.BytesIO()
        self.write(file)
        return file.getvalue()

    def write(self, file: BinaryIO) -> int:
        """Write the container to a file, without a copy of the streams; returns its number of bytes."""
        header = {
            "codec": self.codec,
            "shape": self.shape,
            "dtype": _dtype_name(self.dtype),
            "streams": [[name, stream.nbits] for name, stream in self.streams.items()],
        }
        header_bytes = json.dumps(header, separators=(",", ":")).encode()
        payload_size = sum(len(stream.data) for stream in self.streams.values())
        version = CODEC_VERSIONS.get(self.codec["id"], 1)
        prefix = PREFIX.pack(MAGIC, version, len(header_bytes), payload_size)
        checksum = 0
        for part in (prefix, header_bytes, *(stream.data for stream in self.streams.values())):
            file.write(part)
            checksum = zlib.crc32(part, checksum)
        file.write(_CHECKSUM.pack(checksum))
        return len(prefix) + len(header_bytes) + payload_size + _CHECKSUM.size

    @classmethod
    def from_bytes(cls, container: bytes | bytearray | memoryview | mmap.mmap, *, copy: bool = True) -> Encoded:
        """Read a container.

        The codec's configuration is checked when the codec is made from it, the streams when they are decoded.

        Parameters
        ----------
        container : bytes-like
            What `to_bytes` returned.
        copy : bool
            Whether the streams are copied; otherwise they are views of the container, which must stay as it is.

        Raises
        ------
        CorruptDataError
            If it is not a container, is of a newer version, is truncated or damaged.
        """
        header_bytes, payload = _split(memoryview(container).cast("B"))
        header = _parse_header(header_bytes)
        streams = {}
        position = 0
        for name, nbits in header["streams"]:
            nbytes = (nbits + 7) // 8
            data = payload[position : position + nbytes]
            streams[name] = EncodedStream(bytes(data) if copy else data, nbits)
            position += nbytes
        if position != len(payload):
            raise CorruptDataError(f"container has {len(payload)} bytes of streams, its header says {position}")
        return cls(header["codec"], streams, tuple(header["shape"]), _named_dtype(header["dtype"]))


def _dtype_name(dtype: np.dtype[Any]) -> str:
    return ">" + dtype.name if dtype.str.startswith(">") else dtype.name


def _named_dtype(name: str) -> np.dtype[Any]:
    return np.dtype(name.removeprefix(">")).newbyteorder(">" if name.startswith(">") else "<")


def _split(container: memoryview) -> tuple[bytes, memoryview]:
    """Check the frame of a container and return its header and payload."""
    if container[: len(MAGIC)] != MAGIC:
        raise CorruptDataError("not a silicodec container")
    if len(container) < PREFIX.size:
        raise CorruptDataError("container is truncated")
    _, version, header_size, payload_size = PREFIX.unpack_from(container)
    if version > VERSION:
        raise CorruptDataError(f"container is of version {version}; this silicodec reads up to {VERSION}: upgrade it")
    if version < 1:
        raise CorruptDataError("container is damaged: its version is 0")
    content_size = PREFIX.size + header_size + payload_size
    expected = content_size + _CHECKSUM.size
    if len(container) < expected:
        raise CorruptDataError(f"container is truncated: {len(container)} of {expected} bytes")
    if len(container) > expected:
        raise CorruptDataError(f"container is damaged: {len(container) - expected} bytes after its end")
    if _CHECKSUM.unpack_from(container, content_size)[0] != zlib.crc32(container[:content_size]):
        raise CorruptDataError("container is damaged: its checksum does not match")
    payload = PREFIX.size + header_size
    return bytes(container[PREFIX.size : payload]), container[payload:content_size]


def _parse_header(header_bytes: bytes) -> dict[str, Any]:
    """Parse a header and check the type and range of every field."""
    try:
        header = json.loads(header_bytes)
    except (ValueError, RecursionError) as error:
        raise CorruptDataError(f"container's header is not JSON: {error}") from None
    if not isinstance(header, dict) or header.keys() != _HEADER_FIELDS:
        raise CorruptDataError(f"container's header must have the fields {', '.join(sorted(_HEADER_FIELDS))}")
    codec, shape, dtype, streams = header["codec"], header["shape"], header["dtype"], header["streams"]
    if not isinstance(codec, dict) or not isinstance(codec.get("id"), str) or not _is_count(codec.get("word_bits")):
        raise CorruptDataError("container's codec must be a configuration with an id and word_bits")
    if not isinstance(shape, list) or len(shape) > _MAX_DIMENSIONS or not all(map(_is_count, shape)):
        raise CorruptDataError("container's shape must be a list of sizes")
    if math.prod(size or 1 for size in shape) > _MAX_SIZE:  # NumPy has this limit even where another size is 0
        raise CorruptDataError(f"container's shape is too large: {shape}")
    if dtype not in _DTYPE_NAMES:
        raise CorruptDataError(f"container's dtype must be one of {', '.join(_DTYPE_NAMES)}, not {dtype!r}")
    if not isinstance(streams, list) or not all(map(_is_stream_entry, streams)):
        raise CorruptDataError("container's streams must be pairs of a name and a number of bits")
    if len({name for name, _ in streams}) != len(streams):
        raise CorruptDataError("container's streams must have different names")
    return header


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_SIZE


def _is_stream_entry(entry: object) -> bool:
    return isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) and _is_count(entry[1])
