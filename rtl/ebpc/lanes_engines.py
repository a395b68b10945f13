"""The EBPC engines of several words a cycle: catalog entries, with their references from `silicodec.models.ebpc`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.ebpc import ParallelEBPC
from silicodec.models.ebpc.parallel import PORTS, ROW, deal_rows
from silicodec.models.parameters import parameter
from silicodec.rtl.ebpc.lanes_codec import LANES, ebpc_lanes_decoder, ebpc_lanes_encoder
from silicodec.rtl.ebpc.lanes_pair import ebpc_pair_decoder, ebpc_pair_encoder
from silicodec.rtl.engine import Engine, Packets, Port, count_packet
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters

CODEC = ParallelEBPC()
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

    @property
    def parts(self) -> int:
        """Engines side by side, each with streams of its own."""
        return 2 if self.lanes == PAIR else 1


def lanes_encoder_engine(shape: LanesShape) -> Engine:
    """Describe an EBPC encoder of several words a cycle."""
    lanes, parts = shape.lanes, shape.parts
    ports = tuple(Port(f"{name}{mark}", bits) for mark in _marks(parts) for name, bits in PORTS.items())

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        return encode_packets([split_lanes(packet, lanes) for packet in inputs["words"]], parts)

    return Engine(
        name="ebpc-encoder-l8",
        summary=f"EBPC compressor, {_words(lanes)} a cycle",
        block=ebpc_lanes_encoder if parts == 1 else ebpc_pair_encoder,
        parameters=shape.of_block if parts == 1 else {},
        inputs=(Port("words", 8 * lanes, partial=1),),
        outputs=ports,
        reference=reference,
        stimulus=lambda tensors: {"words": [lane_words(tensor, lanes) for tensor in tensors]},
        tensor="words",
        period_ns=5.0,
        clock_gating=True,
    )


def lanes_decoder_engine(shape: LanesShape) -> Engine:
    """Describe an EBPC decoder of several words a cycle."""
    lanes, parts = shape.lanes, shape.parts
    ports = tuple(Port(f"{name}{mark}", bits) for mark in _marks(parts) for name, bits in PORTS.items())

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        packets = []
        for number, length in enumerate(inputs["length"]):
            count = lanes * ((int(length[0]) - 1) % (1 << LENGTH_BITS) + 1)
            rows = [
                CODEC.decode_words(
                    inputs[f"znz{mark}"][number], inputs[f"bpc{mark}"][number], -(-count // (ROW * parts))
                ).reshape(-1, ROW)
                for mark in _marks(parts)
            ]
            packets.append(join_lanes(np.stack(rows, axis=1).reshape(-1)[:count], lanes))
        return {"words": packets}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, 8) for tensor in tensors]
        return {
            **encode_packets(packets, parts),
            "length": [length_words(-(-words.size // lanes)) for words in packets],
        }

    return Engine(
        name="ebpc-decoder-l8",
        summary=f"EBPC decompressor, {_words(lanes)} a cycle, detects malformed streams",
        block=ebpc_lanes_decoder if parts == 1 else ebpc_pair_decoder,
        parameters=shape.of_block if parts == 1 else {},
        inputs=(*ports, Port("length", LENGTH_BITS)),
        outputs=(Port("words", 8 * lanes, error=True, partial=1),),
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


def _words(lanes: int) -> str:
    return f"{lanes} {'words' if lanes > 1 else 'word'} of 8 bits"


def _marks(parts: int) -> tuple[str, ...]:
    """Return what the names of the parts' streams end with."""
    return ("",) if parts == 1 else tuple(map(str, range(parts)))


def encode_packets(packets: Sequence[np.ndarray], parts: int) -> dict[str, list[np.ndarray]]:
    """Encode packets of words to those of every stream of the parts that their rows are dealt to."""
    encoded = [[CODEC.encode_words(part) for part in deal_rows(words, parts)] for words in packets]
    return {
        f"{name}{mark}": [streams[part][name] for streams in encoded]
        for part, mark in enumerate(_marks(parts))
        for name in PORTS
    }


def lane_words(tensor: np.ndarray, lanes: int) -> np.ndarray:
    """Return the transfers of a packet: so many words each, of which zeros fill up the last."""
    words = to_words(tensor, 8)
    return join_lanes(np.concatenate([words, np.zeros(-words.size % lanes, np.uint8)]), lanes)


def join_lanes(words: np.ndarray, lanes: int) -> np.ndarray:
    """Return words of 8 bits, so many in an element, the first one in the least significant bits."""
    if lanes <= ROW:
        return words.view(f"<u{lanes}")
    low, high = words.view("<u8").astype(object).reshape(-1, 2).T
    return low | high << 64


def split_lanes(transfers: np.ndarray, lanes: int) -> np.ndarray:
    """Return the words of 8 bits that `join_lanes` joined."""
    if lanes <= ROW:
        return transfers.view(np.uint8)
    return np.stack([transfers & (2**64 - 1), transfers >> 64], axis=1).astype("<u8").reshape(-1).view(np.uint8)


EBPC_LANES_FAMILIES: tuple[Family, ...] = (
    Family(lanes_encoder_engine, {"ebpc-encoder-l8": LanesShape()}),
    Family(lanes_decoder_engine, {"ebpc-decoder-l8": LanesShape()}),
)
