"""The EBPC engines of several words a cycle: catalog entries, with their references from `silicodec.models.ebpc`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.ebpc import ParallelEBPC
from silicodec.models.ebpc.parallel import BPC_PORT, ROW, ZNZ_PORT
from silicodec.models.parameters import parameter
from silicodec.rtl.ebpc.lanes_codec import LANES, ebpc_lanes_decoder, ebpc_lanes_encoder
from silicodec.rtl.engine import Engine, Packets, Port, count_packet
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters

CODEC = ParallelEBPC()
LENGTH_BITS = 24
"""Bits of a packet's number of transfers."""


@dataclass(frozen=True)
class LanesShape(EngineParameters):
    """Parameters of an EBPC engine of several words a cycle."""

    lanes: int = parameter(8, "words a cycle", choices=LANES)


def lanes_encoder_engine(shape: LanesShape) -> Engine:
    """Describe an EBPC encoder of several words a cycle."""
    lanes = shape.lanes

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        encoded = [CODEC.encode_words(packet.view(np.uint8)) for packet in inputs["words"]]
        return {name: [streams[name] for streams in encoded] for name in ("znz", "bpc")}

    return Engine(
        name="ebpc-encoder-l8",
        summary=f"EBPC compressor, {_words(lanes)} a cycle",
        block=ebpc_lanes_encoder,
        parameters=shape.of_block,
        inputs=(Port("words", 8 * lanes),),
        outputs=(Port("znz", ZNZ_PORT), Port("bpc", BPC_PORT)),
        reference=reference,
        stimulus=lambda tensors: {"words": [lane_words(tensor, lanes) for tensor in tensors]},
        tensor="words",
        period_ns=5.0,
        clock_gating=True,
    )


def lanes_decoder_engine(shape: LanesShape) -> Engine:
    """Describe an EBPC decoder of several words a cycle."""
    lanes = shape.lanes

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        packets = []
        for znz, bpc, length in zip(inputs["znz"], inputs["bpc"], inputs["length"], strict=True):
            count = lanes * ((int(length[0]) - 1) % (1 << LENGTH_BITS) + 1)
            packets.append(CODEC.decode_words(znz, bpc, -(-count // ROW))[:count].view(f"<u{lanes}"))
        return {"words": packets}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, 8) for tensor in tensors]
        encoded = [CODEC.encode_words(words) for words in packets]
        return {
            "znz": [streams["znz"] for streams in encoded],
            "bpc": [streams["bpc"] for streams in encoded],
            "length": [length_words(-(-words.size // lanes)) for words in packets],
        }

    return Engine(
        name="ebpc-decoder-l8",
        summary=f"EBPC decompressor, {_words(lanes)} a cycle, detects malformed streams",
        block=ebpc_lanes_decoder,
        parameters=shape.of_block,
        inputs=(Port("znz", ZNZ_PORT), Port("bpc", BPC_PORT), Port("length", LENGTH_BITS)),
        outputs=(Port("words", 8 * lanes, error=True),),
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


def lane_words(tensor: np.ndarray, lanes: int) -> np.ndarray:
    """Return words, so many in an element, the first one in the least significant bits; zeros fill up the last."""
    words = to_words(tensor, 8)
    return np.concatenate([words, np.zeros(-words.size % lanes, np.uint8)]).view(f"<u{lanes}")


EBPC_LANES_FAMILIES: tuple[Family, ...] = (
    Family(lanes_encoder_engine, {"ebpc-encoder-l8": LanesShape()}),
    Family(lanes_decoder_engine, {"ebpc-decoder-l8": LanesShape()}),
)
