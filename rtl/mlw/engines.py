"""The engine of Arm's weight code: catalog entries, with their reference from `silicodec.models`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from silicodec.models.baselines.mlw_stream import decode
from silicodec.models.baselines.mlw_writer import encode
from silicodec.models.codec import to_words
from silicodec.models.errors import CorruptDataError
from silicodec.models.parameters import parameter
from silicodec.rtl.engine import Engine, Packets, Port
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters
from silicodec.rtl.mlw.decoder import mlw_decoder
from silicodec.rtl.mlw.supply import WORD_BITS


@dataclass(frozen=True)
class MlwShape(EngineParameters):
    """Parameters of a decoder of Arm's weight code."""

    lanes: int = parameter(8, "weights of a row, and most weights a cycle", choices=(2, 4, 8))


def mlw_engine(shape: MlwShape) -> Engine:
    """Describe a decoder of Arm's weight code."""
    lanes = shape.lanes

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        return {"weights": [_rows(decode(packet.astype("<u8").tobytes()), lanes) for packet in inputs["packet"]]}

    return Engine(
        name="mlw-decoder",
        summary=f"decoder of Arm's weight code, up to {lanes} weights a cycle",
        block=mlw_decoder,
        parameters=shape.of_block,
        inputs=(Port("packet", WORD_BITS),),
        outputs=(Port("weights", 8 * lanes, error=True),),
        reference=reference,
        stimulus=lambda tensors: {
            "packet": [packet_words(encode(to_words(tensor, 8).view(np.int8))) for tensor in tensors]
        },
        tensor="weights",
        period_ns=5.0,
        clock_gating=True,
    )


def packet_words(stream: bytes) -> np.ndarray:
    """Return a packet of a decoder's `packet` stream, uint64; bytes of ones fill up the last word."""
    return np.frombuffer(stream + b"\xff" * (-len(stream) % (WORD_BITS // 8)), "<u8").astype(np.uint64)


def _rows(weights: np.ndarray, lanes: int) -> np.ndarray:
    """Return rows of weights, the last one filled up with zeros."""
    if not weights.size:
        raise CorruptDataError("mlw stream has no weights")
    if weights.min() < -128 or weights.max() > 127:
        raise CorruptDataError("mlw stream has a weight that does not fit into 8 bits")
    return np.pad(weights, (0, -weights.size % lanes)).astype(np.int8).view(f"<u{lanes}")


MLW_FAMILIES: tuple[Family, ...] = (Family(mlw_engine, {"mlw-decoder": MlwShape()}),)
