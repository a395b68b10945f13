"""The lanes engine: catalog entries, with their reference from `silicodec.models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.lanes import Lanes
from silicodec.models.lanes.code import MOST_SYMBOLS, UNIT, bus_units
from silicodec.models.parameters import parameter
from silicodec.rtl.ebpc.lanes_engines import join_lanes
from silicodec.rtl.engine import Engine, Packets, Port, count_packet
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters
from silicodec.rtl.lanes.decoder import lanes_decoder

LENGTH_BITS = 20
"""Bits of a packet's number of rows."""


@dataclass(frozen=True)
class LanesShape(EngineParameters):
    """Parameters of a lanes decoder."""

    lanes: int = parameter(8, "weights a cycle, each from a lane of its own", choices=(1, 2, 4, 8, 16))
    symbols: int = parameter(16, "most symbols in a packet's table", bounds=(4, MOST_SYMBOLS))

    @property
    def codec(self) -> Lanes:
        """The codec whose packets it decodes."""
        return Lanes(lanes=self.lanes, symbols=self.symbols)


def lanes_engine(shape: LanesShape) -> Engine:
    """Describe a lanes decoder."""
    codec, lanes = shape.codec, shape.lanes

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        rows = [
            codec.decode_words(packet, (int(length[0]) - 1) % (1 << LENGTH_BITS) + 1)
            for length, packet in zip(inputs["length"], inputs["packet"], strict=True)
        ]
        return {"weights": [join_lanes(np.ascontiguousarray(words, np.uint8), lanes, 8) for words in rows]}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, 8) for tensor in tensors]
        return {
            "length": [length_words(-(-words.size // lanes)) for words in packets],
            "packet": [codec.encode_words(words) for words in packets],
        }

    return Engine(
        name="lanes-decoder",
        summary=f"lanes decoder, {lanes} weights a cycle, tables of up to {shape.symbols} symbols",
        block=lanes_decoder,
        parameters=shape.of_block,
        inputs=(Port("length", LENGTH_BITS), Port("packet", UNIT * bus_units(lanes))),
        outputs=(Port("weights", 8 * lanes, error=True, partial=1),),
        reference=reference,
        stimulus=stimulus,
        tensor="weights",
        period_ns=5.0,
        clock_gating=True,
    )


def length_words(rows: int) -> np.ndarray:
    """Return a packet of a decoder's `length` stream, uint32.

    Raises
    ------
    ValueError
        If a packet cannot have so many rows.
    """
    return count_packet(rows, LENGTH_BITS, "rows")


LANES_FAMILIES: tuple[Family, ...] = (Family(lanes_engine, {"lanes-decoder": LanesShape()}),)
