"""Frames in hardware: bytes to requests, and answers to bytes; the format is that of `protocol`."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, enum, instances, intbv

from silicodec.fpga.protocol import CRC_POLYNOMIAL, CRC_START, ESCAPE, ESCAPE_MASK, FLAG, HEADER_BYTES
from silicodec.fpga.uart import ByteStrobe
from silicodec.rtl.blocks.stream import Stream

RequestField = enum("SEQUENCE", "TARGET", "COUNT", "PAYLOAD", "CRC_HIGH", "CRC_LOW", "END", "OVERRUN")
AnswerField = enum("IDLE", "START", "SEQUENCE", "STATUS", "COUNT", "PAYLOAD", "CRC_HIGH", "CRC_LOW", "END")


class Request:
    """A request as it arrives.

    `store` is high for one cycle for each word, with `word` and `word_last`. `pending` rises at the end of the frame;
    until `taken` the fields keep their values and bytes that arrive are lost. `corrupt` is meaningful while `pending`
    is high. `word` holds the payload's last bytes, of which the word is the lowest ones.
    """

    def __init__(self, word_bits: int) -> None:
        self.sequence: Any = Signal(intbv(0)[8:])
        self.target: Any = Signal(intbv(0)[6:])
        self.count: Any = Signal(intbv(0)[8:])
        self.last: Any = Signal(bool(0))
        self.word: Any = Signal(intbv(0)[word_bits:])
        self.word_last: Any = Signal(bool(0))
        self.store: Any = Signal(bool(0))
        self.pending: Any = Signal(bool(0))
        self.corrupt: Any = Signal(bool(0))
        self.taken: Any = Signal(bool(0))


class Answer:
    """An answer to send: `send` starts it, the fields stay as they are while `busy` is high.

    The payload is `count` words of `bytes_per_word` bytes, asked for one byte at a time: `index` counts the bytes of a
    word down to zero, and `advance` asks for the next word.
    """

    def __init__(self, bytes_per_word: int) -> None:
        self.sequence: Any = Signal(intbv(0)[8:])
        self.code: Any = Signal(intbv(0)[8:])
        self.count: Any = Signal(intbv(0)[8:])
        self.byte: Any = Signal(intbv(0)[8:])
        self.top_index: Any = Signal(intbv(0, min=0, max=max(bytes_per_word, 2)))
        self.index: Any = Signal(intbv(0, min=0, max=max(bytes_per_word, 2)))
        self.advance: Any = Signal(bool(0))
        self.send: Any = Signal(bool(0))
        self.busy: Any = Signal(bool(0))


@block
def crc_step(crc: Any, byte: Any, following: Any) -> Any:
    """CRC-16 with the generator of CCITT, most significant bit first, over one more byte."""

    @always_comb
    def step() -> None:
        value = intbv(0)[16:]
        value[:] = crc ^ (byte << 8)
        for _ in range(8):
            if value[15]:
                value[:] = ((value << 1) & 0xFFFF) ^ CRC_POLYNOMIAL
            else:
                value[:] = (value << 1) & 0xFFFF
        following.next = value

    return instances()


@block
def request_receiver(
    clk: Any, rst: Any, received: ByteStrobe, request: Request, *, bytes_per_word: tuple[int, ...]
) -> Any:
    """Take requests from the bytes of the line.

    Parameters
    ----------
    bytes_per_word : tuple of int
        By target; a target beyond it has words of one byte.
    """
    word_bits = len(request.word)
    top_index = tuple(count - 1 for count in bytes_per_word)
    targets = len(bytes_per_word)

    field = Signal(RequestField.SEQUENCE)
    escaped = Signal(bool(0))
    byte = Signal(intbv(0)[8:])
    crc = Signal(intbv(CRC_START)[16:])
    next_crc = Signal(intbv(0)[16:])
    remaining = Signal(intbv(0)[8:])
    index = Signal(intbv(0, min=0, max=max(*bytes_per_word, 2)))
    reload = Signal(intbv(0, min=0, max=max(*bytes_per_word, 2)))

    checksum = crc_step(crc, byte, next_crc)

    @always_comb
    def unescape() -> None:
        byte.next = received.data
        if escaped:
            byte.next = received.data ^ ESCAPE_MASK

    @always_comb
    def look_up() -> None:
        reload.next = 0
        for target in range(targets):
            if request.target == target:
                reload.next = top_index[target]

    @always_seq(clk.posedge, reset=rst)
    def receive() -> None:
        request.store.next = False
        if request.pending:
            request.pending.next = not request.taken
            field.next = RequestField.SEQUENCE
            crc.next = CRC_START
            escaped.next = False
        elif received.valid:
            if received.data == FLAG:
                request.pending.next = field != RequestField.SEQUENCE
                request.corrupt.next = field != RequestField.END or crc != 0 or escaped
            elif received.data == ESCAPE and not escaped:
                escaped.next = True
            else:
                escaped.next = False
                crc.next = next_crc
                if field == RequestField.SEQUENCE:
                    request.sequence.next = byte
                    field.next = RequestField.TARGET
                elif field == RequestField.TARGET:
                    request.target.next = byte[6:]
                    request.last.next = byte[7]
                    field.next = RequestField.COUNT
                elif field == RequestField.COUNT:
                    request.count.next = byte
                    remaining.next = byte
                    index.next = reload
                    field.next = RequestField.PAYLOAD
                    if byte == 0:
                        field.next = RequestField.CRC_HIGH
                elif field == RequestField.PAYLOAD:
                    index.next = index - 1
                    if index == 0:
                        index.next = reload
                        request.store.next = True
                        request.word_last.next = request.last and remaining == 1
                        remaining.next = remaining - 1
                        if remaining == 1:
                            field.next = RequestField.CRC_HIGH
                elif field == RequestField.CRC_HIGH:
                    field.next = RequestField.CRC_LOW
                elif field == RequestField.CRC_LOW:
                    field.next = RequestField.END
                else:
                    field.next = RequestField.OVERRUN

    if word_bits > 8:

        @always_seq(clk.posedge, reset=None)
        def assemble() -> None:
            if received.valid and field == RequestField.PAYLOAD and not (received.data == ESCAPE and not escaped):
                request.word.next[word_bits:8] = request.word[word_bits - 8 :]
                request.word.next[8:] = byte
    else:

        @always_seq(clk.posedge, reset=None)
        def assemble() -> None:
            if received.valid:
                request.word.next = byte[word_bits:]

    return instances()


@block
def answer_sender(clk: Any, rst: Any, answer: Answer, line: Stream) -> Any:
    """Turn an answer into the bytes of a frame."""
    if HEADER_BYTES != 3:
        raise ValueError(f"the header has {HEADER_BYTES} bytes, not the 3 that are sent here")

    field = Signal(AnswerField.IDLE)
    plain = Signal(intbv(0)[8:])
    flag = Signal(bool(0))
    reserved = Signal(bool(0))
    special = Signal(bool(0))
    escaping = Signal(bool(0))
    crc = Signal(intbv(0)[16:])
    next_crc = Signal(intbv(0)[16:])
    remaining = Signal(intbv(0)[8:])
    moving = Signal(bool(0))

    checksum = crc_step(crc, plain, next_crc)

    @always_comb
    def choose() -> None:
        flag.next = field == AnswerField.START or field == AnswerField.END
        if field == AnswerField.SEQUENCE:
            plain.next = answer.sequence
        elif field == AnswerField.STATUS:
            plain.next = answer.code
        elif field == AnswerField.COUNT:
            plain.next = answer.count
        elif field == AnswerField.PAYLOAD:
            plain.next = answer.byte
        elif field == AnswerField.CRC_HIGH:
            plain.next = crc[16:8]
        elif field == AnswerField.CRC_LOW:
            plain.next = crc[8:]
        else:
            plain.next = FLAG

    @always_comb
    def recognise() -> None:
        reserved.next = False
        if plain == FLAG:
            reserved.next = not flag
        elif plain == ESCAPE:
            reserved.next = True

    @always_comb
    def escape() -> None:
        special.next = reserved and not escaping
        line.data.next = plain
        if escaping:
            line.data.next = plain ^ ESCAPE_MASK
        elif reserved:
            line.data.next = ESCAPE

    @always_comb
    def handshake() -> None:
        line.valid.next = field != AnswerField.IDLE
        moving.next = line.ready and not special
        answer.busy.next = field != AnswerField.IDLE
        answer.advance.next = line.ready and not special and field == AnswerField.PAYLOAD and answer.index == 0

    @always_seq(clk.posedge, reset=rst)
    def send() -> None:
        if field == AnswerField.IDLE:
            if answer.send:
                field.next = AnswerField.START
        elif line.ready:
            escaping.next = special
        if moving:
            if field == AnswerField.START:
                field.next = AnswerField.SEQUENCE
                crc.next = CRC_START
            elif field == AnswerField.SEQUENCE:
                field.next = AnswerField.STATUS
            elif field == AnswerField.STATUS:
                field.next = AnswerField.COUNT
            elif field == AnswerField.COUNT:
                remaining.next = answer.count
                answer.index.next = answer.top_index
                field.next = AnswerField.PAYLOAD
                if answer.count == 0:
                    field.next = AnswerField.CRC_HIGH
            elif field == AnswerField.PAYLOAD:
                if answer.index == 0:
                    answer.index.next = answer.top_index
                    remaining.next = remaining - 1
                    if remaining == 1:
                        field.next = AnswerField.CRC_HIGH
                else:
                    answer.index.next = answer.index - 1
            elif field == AnswerField.CRC_HIGH:
                field.next = AnswerField.CRC_LOW
            elif field == AnswerField.CRC_LOW:
                field.next = AnswerField.END
            else:
                field.next = AnswerField.IDLE
            if not flag and field != AnswerField.CRC_HIGH and field != AnswerField.CRC_LOW:
                crc.next = next_crc

    return instances()
