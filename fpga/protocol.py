"""Frames between host and board, as `docs/formats/board.md` describes them; the hardware takes constants from here."""

from __future__ import annotations

import zlib
from binascii import crc_hqx
from dataclasses import dataclass
from enum import IntEnum

from silicodec.rtl.engine import Engine, Port

FLAG = 0x7E
ESCAPE = 0x7D
ESCAPE_MASK = 0x20
CRC_START = 0xFFFF
CRC_POLYNOMIAL = 0x1021
LAST = 0x80
ERROR = 0x40
RESET = 0x3F
"""Target of the request that resets the engine; other targets are numbers of streams, inputs first."""
MAX_WORDS = 128
"""Most words in a frame."""
HEADER_BYTES = 3
CRC_BYTES = 2


class FrameError(ValueError):
    """Bytes that are not a frame."""


class Status(IntEnum):
    """What an answer says of its request."""

    DONE = 0
    CORRUPT = 1
    OVERSIZED = 2
    FULL = 3
    UNKNOWN = 4


@dataclass(frozen=True)
class Frame:
    """A request or an answer.

    Parameters
    ----------
    sequence : int
        Number of the request, 0 .. 255; an answer repeats it.
    code : int
        Of a request its target, of an answer its status; 0 .. 63.
    count : int
        Number of words.
    payload : bytes
        The words, most significant byte first.
    last : bool
        Whether the last word ends its packet.
    error : bool
        Whether the stream's error flag is set for this packet.
    """

    sequence: int
    code: int
    count: int = 0
    payload: bytes = b""
    last: bool = False
    error: bool = False

    def to_bytes(self) -> bytes:
        """Return what goes over the line, flags included."""
        body = bytes([self.sequence, self.code | LAST * self.last | ERROR * self.error, self.count]) + self.payload
        body += crc_hqx(body, CRC_START).to_bytes(CRC_BYTES, "big")
        flag = bytes([FLAG])
        return flag + b"".join(_escaped(byte) for byte in body) + flag

    @classmethod
    def from_bytes(cls, data: bytes) -> Frame:
        """Read what was between two flags.

        Raises
        ------
        FrameError
            If it is too short, or damaged.
        """
        body = _unescaped(data)
        if len(body) < HEADER_BYTES + CRC_BYTES or crc_hqx(body, CRC_START):
            raise FrameError(f"{len(body)} bytes are not a frame, or the frame is damaged")
        sequence, code, count = body[:HEADER_BYTES]
        payload = body[HEADER_BYTES:-CRC_BYTES]
        return cls(sequence, code & ~(LAST | ERROR), count, payload, bool(code & LAST), bool(code & ERROR))


def _escaped(byte: int) -> bytes:
    return bytes([ESCAPE, byte ^ ESCAPE_MASK]) if byte in (FLAG, ESCAPE) else bytes([byte])


def _unescaped(data: bytes) -> bytes:
    first, *rest = data.split(bytes([ESCAPE]))
    if not all(rest):
        raise FrameError("nothing follows an escape")
    return first + b"".join(bytes([part[0] ^ ESCAPE_MASK]) + part[1:] for part in rest)


def word_bytes(port: Port) -> int:
    """Return the number of bytes of one word of a stream."""
    return -(-port.bits // 8)


def identity(engine: Engine) -> bytes:
    """Return the four bytes by which a board tells which engine it holds: the CRC-32 of its name and streams."""
    streams = [f"{port.name}:{port.bits}" for port in (*engine.inputs, *engine.outputs)]
    return zlib.crc32(" ".join([engine.name, *streams]).encode()).to_bytes(4, "big")
