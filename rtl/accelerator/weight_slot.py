"""The slot of a decoder between the `weights` stream and the weight buffer."""

from __future__ import annotations

from typing import Any

from myhdl import ResetSignal, Signal, always_comb, always_seq, block, instances, intbv

from silicodec.models.accelerator.shape import WEIGHT_CODECS
from silicodec.rtl.accelerator.loader import InputState, ProgramControl
from silicodec.rtl.accelerator.weight_packets import dictionary_packets
from silicodec.rtl.blocks.stream import Stream

PLAIN, DICTIONARY = WEIGHT_CODECS
DECODERS = {DICTIONARY: dictionary_packets}
"""What takes packets from one stream to words on another, both of 64 bits, up to a word a cycle, by codec.

A packet's words end with `last`, and with `error` where it was malformed; otherwise all of the packet is taken by then.
Whatever it is given, a decoder ends its packet after some words.
"""


class WeightWords:
    """Words for the weight buffer, with the handshake of `Stream`.

    Attributes
    ----------
    last : Signal of bool
        A layer may end with this word.
    missing : Signal of bool
        No word will come; the buffer takes zeros.
    fault : Signal of bool
        What was sent is malformed.
    """

    def __init__(self) -> None:
        self.data: Any = Signal(intbv(0)[64:])
        self.valid: Any = Signal(bool(0))
        self.ready: Any = Signal(bool(0))
        self.last: Any = Signal(bool(0))
        self.missing: Any = Signal(bool(0))
        self.fault: Any = Signal(bool(0))


@block
def weight_slot(
    clk: Any, rst: Any, stream: Stream, layer_codec: Any, control: ProgramControl, state: InputState,
    words: WeightWords, *, codec: str,
) -> Any:  # fmt: skip
    """Give the weight buffer the words that a layer's part of the `weights` stream stands for.

    Parameters
    ----------
    stream : Stream
        The `weights` stream.
    layer_codec : Signal of 2 bits
        How the weights of the layer that is read are sent: 0 for plain words.
    control : ProgramControl
        How far the program is.
    state : InputState
        The stream's state; `ended` is driven here.
    words : WeightWords
        What the buffer takes.
    codec : str
        The decoder: one of `DECODERS`, or "plain" for none.
    """
    ends = stream_end(clk, rst, stream, control, state)
    if codec == PLAIN:
        plain = plain_words(rst, stream, control, state, words)
        return instances()

    packets, decoded = Stream(64), Stream(64, error=True)
    # What is left of a packet when a program ends is dropped with it.
    flush = ResetSignal(0, active=1, isasync=False)
    decoder = DECODERS[codec](clk, flush, packets, decoded)
    coded, begun, moves = (Signal(bool(0)) for _ in range(3))

    @always_comb
    def look() -> None:
        flush.next = rst or control.fresh or control.drain
        coded.next = layer_codec != 0

    @always_comb
    def move() -> None:
        # A packet begins when the buffer wants a word: only then is it known that the layer has one more.
        moves.next = coded and not state.short and (begun or words.ready)

    @always_comb
    def send() -> None:
        packets.valid.next = moves and (stream.valid or state.ended)
        packets.data.next = 0
        if not state.ended:
            packets.data.next = stream.data

    @always_comb
    def accept() -> None:
        stream.ready.next = False
        if not rst and not state.ended:
            stream.ready.next = control.drain or (moves and packets.ready) or (not coded and words.ready)

    @always_comb
    def receive() -> None:
        decoded.ready.next = coded and words.ready and not state.short

    @always_comb
    def offer() -> None:
        words.data.next = stream.data
        words.valid.next = stream.valid and not state.ended
        words.last.next = True
        words.missing.next = state.ended
        if coded:
            words.data.next = decoded.data
            words.valid.next = decoded.valid and not state.short
            words.last.next = decoded.last
            words.missing.next = state.short

    @always_comb
    def watch() -> None:
        words.fault.next = (packets.valid and packets.ready and state.ended) or (
            decoded.valid and decoded.ready and decoded.last and decoded.error
        )

    @always_seq(clk.posedge, reset=flush)
    def follow() -> None:
        if packets.valid and packets.ready:
            begun.next = True
        elif decoded.valid and decoded.ready and decoded.last:
            begun.next = False

    return instances()


@block
def plain_words(rst: Any, stream: Stream, control: ProgramControl, state: InputState, words: WeightWords) -> Any:
    """Take words as they are sent."""

    @always_comb
    def forward() -> None:
        words.data.next = stream.data
        words.valid.next = stream.valid and not state.ended
        words.last.next = True
        words.missing.next = state.ended
        words.fault.next = False

    @always_comb
    def backward() -> None:
        stream.ready.next = not rst and (words.ready or control.drain) and not state.ended

    return instances()


@block
def stream_end(clk: Any, rst: Any, stream: Stream, control: ProgramControl, state: InputState) -> Any:
    """Follow whether the program's packet of a stream has ended."""

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if control.fresh:
            state.ended.next = False
        elif stream.valid and stream.ready and stream.last:
            state.ended.next = True

    return instances()
