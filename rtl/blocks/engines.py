"""Blocks that stand between engines, as engines of the catalog: what comes out is what went in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from silicodec.models.parameters import parameter
from silicodec.rtl.blocks.register_slice import register_slice
from silicodec.rtl.blocks.stream_fifo import stream_fifo
from silicodec.rtl.engine import Engine, Packets, Port
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters


@dataclass(frozen=True)
class SliceShape(EngineParameters):
    """Parameters of a register slice."""

    word_bits: int = parameter(8, "bits of a word", bounds=(1, 64))


@dataclass(frozen=True)
class FifoShape(SliceShape):
    """Parameters of a FIFO."""

    depth: int = parameter(16, "words in its memory", bounds=(2, 4096), power_of_two=True)


def register_slice_engine(shape: SliceShape) -> Engine:
    """Describe a register slice."""
    return Engine(
        name="register-slice",
        summary=f"register slice, {shape.word_bits}-bit words",
        block=register_slice,
        parameters={},
        inputs=(Port("source", shape.word_bits),),
        outputs=(Port("sink", shape.word_bits),),
        reference=passed_on,
        stimulus=lambda tensors: {"source": [low_bits(tensor, shape.word_bits) for tensor in tensors]},
        tensor="source",
        period_ns=2.0,
    )


def stream_fifo_engine(shape: FifoShape) -> Engine:
    """Describe a FIFO."""
    return Engine(
        name="stream-fifo",
        summary=f"FIFO of {shape.depth} words of {shape.word_bits} bits",
        block=stream_fifo,
        parameters={"depth": shape.depth},
        inputs=(Port("source", shape.word_bits),),
        outputs=(Port("sink", shape.word_bits),),
        reference=passed_on,
        stimulus=lambda tensors: {"source": [low_bits(tensor, shape.word_bits) for tensor in tensors]},
        tensor="source",
        period_ns=3.0,
    )


def passed_on(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
    """Return what a block gives that changes nothing."""
    return {"sink": list(inputs["source"])}


def low_bits(tensor: np.ndarray, bits: int) -> np.ndarray:
    """Return the low bits of a tensor's elements, as the words of a packet.

    Raises
    ------
    ValueError
        If they are not integers.
    """
    if tensor.dtype.kind not in "iu":
        raise ValueError(f"the tensor must hold integers, not {tensor.dtype}")
    words = tensor.reshape(-1).astype(np.uint64) & np.uint64((1 << bits) - 1)
    return words.astype(Port("source", bits).dtype)


BLOCK_FAMILIES: tuple[Family, ...] = (
    Family(register_slice_engine, {"register-slice": SliceShape()}),
    Family(stream_fifo_engine, {"stream-fifo": FifoShape()}),
)
"""Families of blocks."""
