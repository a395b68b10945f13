"""The EBPC engines of several words a cycle: catalog entries, with their references from `silicodec.models.ebpc`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from silicodec.models.codec import to_words, word_dtype
from silicodec.models.ebpc import ParallelEBPC
from silicodec.models.ebpc.parallel import ROW, deal_rows, ports
from silicodec.models.parameters import parameter
from silicodec.rtl.ebpc.lanes_codec import LANES, WORD_SIZES, ebpc_lanes_decoder, ebpc_lanes_encoder
from silicodec.rtl.ebpc.lanes_pair import ebpc_pair_decoder, ebpc_pair_encoder
from silicodec.rtl.engine import Engine, Packets, Port, count_packet, from_word_bytes, word_bytes
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters

PAIR = 16
"""Words a cycle of two engines side by side."""
LENGTH_BITS = 24
"""Bits of a packet's number of transfers."""


@dataclass(frozen=True)
class LanesShape(EngineParameters):
    """Parameters of an EBPC engine of several words a cycle."""

    lanes: int = parameter(
        8, "words a cycle; fewer than 8 take no less area, and 16 are two engines of 8", choices=(*LANES, PAIR)
    )
    word_bits: int = parameter(8, "bits of a word", choices=WORD_SIZES)

    @property
    def codec(self) -> ParallelEBPC:
        """The codec of each part."""
        return ParallelEBPC(word_bits=self.word_bits)

    @property
    def sizes(self) -> dict[str, int]:
        """Parameters of the block: those that are not what they are by default are told."""
        return ({} if self.lanes == PAIR else {"lanes": self.lanes}) | (
            {"word_bits": self.word_bits} if self.word_bits > 8 else {}
        )

    @property
    def ports(self) -> tuple[Port, ...]:
        """Ports of the coded streams."""
        return tuple(Port(f"{name}{mark}", bits) for mark in self.marks for name, bits in ports(self.word_bits).items())

    @property
    def marks(self) -> tuple[str, ...]:
        """What the names of the parts' streams end with."""
        return ("",) if self.parts == 1 else tuple(map(str, range(self.parts)))

    @property
    def parts(self) -> int:
        """Engines side by side, each with streams of its own."""
        return 2 if self.lanes == PAIR else 1


def lanes_encoder_engine(shape: LanesShape) -> Engine:
    """Describe an EBPC encoder of several words a cycle."""
    lanes, parts, bits = shape.lanes, shape.parts, shape.word_bits

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        return encode_packets([split_lanes(packet, lanes, bits) for packet in inputs["words"]], shape)

    return Engine(
        name="ebpc-encoder-l8",
        summary=f"EBPC compressor, {_words(shape)} a cycle",
        block=ebpc_lanes_encoder if parts == 1 else ebpc_pair_encoder,
        parameters=shape.sizes,
        inputs=(Port("words", bits * lanes, partial=bits // 8),),
        outputs=shape.ports,
        reference=reference,
        stimulus=lambda tensors: {"words": [lane_words(tensor, lanes, bits) for tensor in tensors]},
        tensor="words",
        period_ns=5.0,
        clock_gating=True,
    )


def lanes_decoder_engine(shape: LanesShape) -> Engine:
    """Describe an EBPC decoder of several words a cycle."""
    lanes, parts, bits = shape.lanes, shape.parts, shape.word_bits

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        packets = []
        for number, length in enumerate(inputs["length"]):
            count = lanes * ((int(length[0]) - 1) % (1 << LENGTH_BITS) + 1)
            rows = [
                shape.codec.decode_words(
                    inputs[f"znz{mark}"][number], inputs[f"bpc{mark}"][number], -(-count // (ROW * parts))
                ).reshape(-1, ROW)
                for mark in shape.marks
            ]
            packets.append(join_lanes(np.stack(rows, axis=1).reshape(-1)[:count], lanes, bits))
        return {"words": packets}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, bits) for tensor in tensors]
        return {
            **encode_packets(packets, shape),
            "length": [length_words(-(-words.size // lanes)) for words in packets],
        }

    return Engine(
        name="ebpc-decoder-l8",
        summary=f"EBPC decompressor, {_words(shape)} a cycle, detects malformed streams",
        block=ebpc_lanes_decoder if parts == 1 else ebpc_pair_decoder,
        parameters=shape.sizes,
        inputs=(*shape.ports, Port("length", LENGTH_BITS)),
        outputs=(Port("words", bits * lanes, error=True, partial=bits // 8),),
        reference=reference,
        stimulus=stimulus,
        tensor="words",
        period_ns=5.0,
        clock_gating=True,
    )


def length_words(transfers: int) -> np.ndarray:
    """Return a packet of a decoder's `length` stream, uint32.

    Raises
    ------
    ValueError
        If a packet cannot have so many transfers.
    """
    return count_packet(transfers, LENGTH_BITS, "transfers")


def _words(shape: LanesShape) -> str:
    return f"{shape.lanes} {'words' if shape.lanes > 1 else 'word'} of {shape.word_bits} bits"


def encode_packets(packets: Sequence[np.ndarray], shape: LanesShape) -> dict[str, list[np.ndarray]]:
    """Encode packets of words to those of every stream of the parts that their rows are dealt to."""
    encoded = [[shape.codec.encode_words(part) for part in deal_rows(words, shape.parts)] for words in packets]
    return {
        f"{name}{mark}": [streams[part][name] for streams in encoded]
        for part, mark in enumerate(shape.marks)
        for name in ports(shape.word_bits)
    }


def lane_words(tensor: np.ndarray, lanes: int, word_bits: int) -> np.ndarray:
    """Return the transfers of a packet: so many words each, of which zeros fill up the last."""
    words = to_words(tensor, word_bits)
    return join_lanes(np.pad(words, (0, -words.size % lanes)), lanes, word_bits)


def join_lanes(words: np.ndarray, lanes: int, word_bits: int) -> np.ndarray:
    """Return words, so many in an element, the first one in the least significant bits."""
    bits = lanes * word_bits
    return from_word_bytes(word_bytes(words, word_bits // 8), bits // 8, np.min_scalar_type(2**bits - 1))


def split_lanes(transfers: np.ndarray, lanes: int, word_bits: int) -> np.ndarray:
    """Return the words that `join_lanes` joined."""
    return from_word_bytes(
        word_bytes(transfers, lanes * word_bits // 8), word_bits // 8, np.dtype(word_dtype(word_bits))
    )


EBPC_LANES_FAMILIES: tuple[Family, ...] = (
    Family(lanes_encoder_engine, {"ebpc-encoder-l8": LanesShape()}),
    Family(lanes_decoder_engine, {"ebpc-decoder-l8": LanesShape()}),
)
