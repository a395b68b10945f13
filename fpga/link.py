"""The host's end: requests to a board over a serial port, and whole tensors through its engine."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import serial

from silicodec.fpga.protocol import FLAG, MAX_WORDS, RESET, Frame, FrameError, Status, identity, word_bytes
from silicodec.rtl.engine import Engine, Packets, Port

ATTEMPTS = 20
"""Times that a request is sent before the link is given up."""
IDLE_ROUNDS = 20
"""Rounds over all streams without a word before the engine is given up, at the least."""
ROUND_CYCLES = 2 * 7 * 10 * 4
"""Cycles of the board that a round takes at the least: a request and its answer, ten bits a byte, four cycles a bit."""


class LinkError(Exception):
    """A board that does not answer, or not as it should."""


class Link:
    """Requests and answers over a serial port; lost and damaged frames are repeated.

    Parameters
    ----------
    port : str
        Serial port, such as `/dev/ttyUSB0`.
    baud : int
        Bits per second.
    timeout : float
        Seconds to wait for an answer before the request is sent again.
    """

    def __init__(self, port: str, *, baud: int = 1_000_000, timeout: float = 0.5) -> None:
        try:
            self._serial = serial.Serial(port, baud, timeout=timeout)
        except serial.SerialException as error:
            raise LinkError(f"cannot open serial port {port}: {error}") from None
        self._serial.reset_input_buffer()
        self._timeout = timeout
        self._sequence = 0
        self._received = b""
        self.bytes_sent = 0
        self.bytes_received = 0
        self.repeats = 0

    def __enter__(self) -> Link:
        """Return the link."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the port."""
        self._serial.close()

    def request(self, target: int, count: int = 0, payload: bytes = b"", *, last: bool = False) -> Frame:
        """Send a request until it is answered, and return the answer.

        Raises
        ------
        LinkError
            If there is no answer.
        """
        self._sequence = (self._sequence + 1) % 256
        request = Frame(self._sequence, target, count, payload, last).to_bytes()
        for _ in range(ATTEMPTS):
            self._write(request)
            if answer := self._answer():
                return answer
            self.repeats += 1
        raise LinkError(
            f"{self._serial.port}: no answer to {ATTEMPTS} requests; is the board programmed, and the speed right?"
        )

    def _answer(self) -> Frame | None:
        """Return the answer to the present request, or None if the request must be repeated."""
        deadline = time.monotonic() + self._timeout
        while (data := self._read_frame(deadline)) is not None:
            try:
                answer = Frame.from_bytes(data)
            except FrameError:
                return None
            if answer.code == Status.CORRUPT:
                return None
            if answer.sequence == self._sequence:
                return answer
        return None

    def _read_frame(self, deadline: float) -> bytes | None:
        """Return the bytes up to the next flag, or None if it does not come in time."""
        flag = bytes([FLAG])
        while True:
            data, found, rest = self._received.partition(flag)
            if found:
                self._received = rest
                if data:
                    return data
            elif time.monotonic() > deadline:
                return None
            else:
                self._received += self._read()

    def _write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise LinkError(f"{self._serial.port}: {error}") from None
        self.bytes_sent += len(data)

    def _read(self) -> bytes:
        try:
            data = self._serial.read(max(1, self._serial.in_waiting))
        except (serial.SerialException, OSError) as error:
            raise LinkError(f"{self._serial.port}: {error}") from None
        self.bytes_received += len(data)
        return data


@dataclass
class _Input:
    """What is left to send on one stream."""

    target: int
    port: Port
    packets: list[np.ndarray]

    def send(self, link: Link) -> int:
        """Send a frame of words and return how many the board took."""
        if not self.packets:
            return 0
        words = self.packets[0][:MAX_WORDS]
        last = words.size == self.packets[0].size
        width = word_bytes(self.port)
        payload = b"".join(int(word).to_bytes(width, "big") for word in words)
        answer = link.request(self.target, words.size, payload, last=last)
        if answer.code == Status.FULL:
            return 0
        if answer.code != Status.DONE:
            raise LinkError(f"the board refuses words of stream {self.port.name}: {Status(answer.code).name.lower()}")
        if last:
            del self.packets[0]
        else:
            self.packets[0] = self.packets[0][words.size :]
        return words.size


@dataclass
class _Output:
    """What has been received on one stream."""

    target: int
    port: Port
    missing: int
    """Packets still to come."""
    packets: list[np.ndarray] = field(default_factory=list)
    errors: list[bool] = field(default_factory=list)
    partial: list[int] = field(default_factory=list)

    def receive(self, link: Link) -> int:
        """Ask for words and return how many came."""
        answer = link.request(self.target)
        width = word_bytes(self.port)
        if answer.code != Status.DONE or len(answer.payload) != answer.count * width:
            raise LinkError(f"the board gives no words of stream {self.port.name}: is this the right engine?")
        chunks = (answer.payload[start : start + width] for start in range(0, len(answer.payload), width))
        self.partial += [int.from_bytes(chunk, "big") for chunk in chunks]
        if answer.last:
            self.packets.append(np.array(self.partial, self.port.dtype))
            self.errors.append(answer.error)
            self.partial = []
            self.missing -= 1
        return answer.count


@dataclass
class _Memory:
    """Packets of an output stream on their way back into an input stream."""

    source: _Output
    sink: _Input
    order: deque[int]

    def bring(self) -> int:
        """Give the input stream what is there and next in order, and return its words."""
        words = 0
        while self.order and self.order[0] < len(self.source.packets):
            packet = self.source.packets[self.order.popleft()]
            self.sink.packets.append(packet)
            words += packet.size
        return words


@dataclass(frozen=True)
class Returns:
    """Which packets of an output stream go back into an input stream: the host is the engine's memory.

    Parameters
    ----------
    source : str
        The output stream.
    order : sequence of int
        Numbers of its packets, in the order in which the input stream brings them.
    """

    source: str
    order: Sequence[int]


@dataclass(frozen=True)
class Received:
    """What came back from a board.

    Parameters
    ----------
    streams : dict of str to list of ndarray
        Packets of every output stream.
    errors : dict of str to list of bool
        For each output stream with an error flag, the flag of every packet.
    seconds : float
        Time from the first word sent to the last one received.
    """

    streams: dict[str, list[np.ndarray]]
    errors: dict[str, list[bool]]
    seconds: float


def run(
    link: Link,
    engine: Engine,
    inputs: Mapping[str, Packets],
    packet_counts: Mapping[str, int],
    progress: Callable[[int, int], None] = lambda done, total: None,
    returns: Mapping[str, Returns] | None = None,
) -> Received:
    """Reset the engine on a board, send packets through it and collect what comes out.

    Parameters
    ----------
    link : Link
        The link to the board.
    engine : Engine
        The engine that the board must hold.
    inputs : mapping of str to sequence of ndarray
        Packets for every input stream.
    packet_counts : mapping of str to int
        How many packets to wait for on every output stream.
    progress : callable
        Told the number of input words sent, and of all that are known.
    returns : mapping of str to Returns, optional
        For input streams, what follows their packets: those of an output stream, once they are there.

    Raises
    ------
    LinkError
        If the board does not answer, holds another engine, sends words too many, or stops.
    """
    check_engine(link, engine)
    senders = [_Input(number, port, list(inputs[port.name])) for number, port in enumerate(engine.inputs)]
    receivers = [
        _Output(number, port, packet_counts[port.name]) for number, port in enumerate(engine.outputs, len(senders))
    ]
    by_name = {end.port.name: end for end in receivers}
    memories = [
        _Memory(by_name[back.source], sender, deque(back.order))
        for sender in senders
        if (back := (returns or {}).get(sender.port.name))
    ]
    total, sent, idle = sum(packet.size for packets in inputs.values() for packet in packets), 0, 0
    patience = max(IDLE_ROUNDS, engine.idle_cycles // ROUND_CYCLES)
    start = time.monotonic()
    while any(sender.packets for sender in senders) or any(receiver.missing for receiver in receivers):
        taken = sum(sender.send(link) for sender in senders)
        given = sum(receiver.receive(link) for receiver in receivers if receiver.missing)
        sent += taken
        total += sum(memory.bring() for memory in memories)
        progress(sent, total)
        idle = 0 if taken or given else idle + 1
        if idle == patience:
            raise LinkError(f"the board stops after {sent} of {total} words: {_missing(receivers)}")
    seconds = time.monotonic() - start
    for receiver in receivers:
        if receiver.receive(link):
            raise LinkError(f"the board sends more than {packet_counts[receiver.port.name]} packets of stream "
                            f"{receiver.port.name}")  # fmt: skip
    return Received(
        streams={receiver.port.name: receiver.packets for receiver in receivers},
        errors={receiver.port.name: receiver.errors for receiver in receivers if receiver.port.error},
        seconds=seconds,
    )


def check_engine(link: Link, engine: Engine) -> None:
    """Reset the board, and make sure that it holds this engine.

    Raises
    ------
    LinkError
        If it does not.
    """
    answer = link.request(RESET)
    if answer.payload != identity(engine):
        raise LinkError(f"the board holds another engine: silicodec fpga program {engine.name} --board ...")


def _missing(receivers: list[_Output]) -> str:
    return ", ".join(f"{receiver.missing} packets missing on {receiver.port.name}" for receiver in receivers)
