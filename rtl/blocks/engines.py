"""Blocks that stand between engines, as engines of the catalog: what comes out is what went in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from silicodec.models.errors import CodecError
from silicodec.models.parameters import parameter
from silicodec.rtl.blocks.register_slice import register_slice
from silicodec.rtl.blocks.stream_fifo import stream_fifo
from silicodec.rtl.blocks.width_converter import stream_narrower, stream_widener
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


@dataclass(frozen=True)
class WidthShape(EngineParameters):
    """Parameters of a width converter."""

    word_bits: int = parameter(8, "bits of a narrow word", choices=(8, 16, 32))
    wide_bits: int = parameter(32, "bits of a wide word, more than those of a narrow one", choices=(16, 32, 64))

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.wide_bits <= self.word_bits:
            raise CodecError(f"wide_bits must be more than word_bits, {self.word_bits}, not {self.wide_bits}")


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


def stream_widener_engine(shape: WidthShape) -> Engine:
    """Describe a converter to wider words."""
    source, sink = Port("source", shape.word_bits), Port("sink", shape.wide_bits, keep=True)
    return Engine(
        name="stream-widener",
        summary=f"words of {shape.word_bits} bits to words of {shape.wide_bits}",
        block=stream_widener,
        parameters={},
        inputs=(source,),
        outputs=(sink,),
        reference=lambda inputs: {"sink": [widened(packet, source, sink) for packet in inputs["source"]]},
        stimulus=lambda tensors: {"source": [low_bits(tensor, shape.word_bits) for tensor in tensors]},
        tensor="source",
        period_ns=2.0,
    )


def stream_narrower_engine(shape: WidthShape) -> Engine:
    """Describe a converter to narrower words."""
    source, sink = Port("source", shape.wide_bits, keep=True), Port("sink", shape.word_bits)
    return Engine(
        name="stream-narrower",
        summary=f"words of {shape.wide_bits} bits to words of {shape.word_bits}",
        block=stream_narrower,
        parameters={},
        inputs=(source,),
        outputs=(sink,),
        reference=lambda inputs: {"sink": [packet.view(sink.dtype) for packet in inputs["source"]]},
        stimulus=lambda tensors: {
            "source": [widened(low_bits(tensor, shape.word_bits), sink, source) for tensor in tensors]
        },
        tensor="source",
        period_ns=2.0,
    )


def widened(packet: np.ndarray, narrow: Port, wide: Port) -> np.ndarray:
    """Return a packet's words as wider ones, the first in the least significant bits, filled up with zeros."""
    ratio = wide.bits // narrow.bits
    filled = np.pad(packet, (0, -packet.size % ratio)).astype(narrow.dtype.newbyteorder("<"))
    return filled.view(wide.dtype.newbyteorder("<")).astype(wide.dtype)


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
    Family(stream_widener_engine, {"stream-widener": WidthShape()}),
    Family(stream_narrower_engine, {"stream-narrower": WidthShape()}),
)
"""Families of blocks."""
