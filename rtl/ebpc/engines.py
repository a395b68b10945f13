"""The EBPC engines: catalog entries, with their references from `silicodec.models.ebpc.codec`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.ebpc import EBPC
from silicodec.models.ebpc.codec import port_bits
from silicodec.models.errors import CodecError
from silicodec.models.parameters import parameter
from silicodec.rtl.ebpc.codec import (
    axi_ebpc_decoder,
    axi_ebpc_encoder,
    ebpc_decoder,
    ebpc_encoder,
    narrow_ebpc_decoder,
    narrow_ebpc_encoder,
    words_of_block,
)
from silicodec.rtl.ebpc.zero_runs import run_length_bits
from silicodec.rtl.engine import Engine, Packets, Port, PublishedFigure, count_packet
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters

LENGTH_BITS, FRAMED_LENGTH_BITS = 8, 24
"""Bits of a part of a packet's number of words; of all of it, where a decoder is framed."""

_PUBLIC_RTL = "public EBPC RTL (pulp-platform/stream-ebpc), same flow as ours"
_PAPER = "EBPC paper (arXiv 1908.11645), 65 nm, 600 MHz"


@dataclass(frozen=True)
class CodecShape(EngineParameters):
    """Parameters of EBPC engines; with `axi` there is a packet on every stream for each packet of words."""

    word_bits: int = parameter(8, "bits of a word", bounds=(4, 16))
    block_size: int = parameter(0, "nonzero words in a block, 2 to word_bits; 0: word_bits", bounds=(0, 16))
    max_zero_run: int = parameter(16, "longest run of zero words in one code", bounds=(2, 1 << 14), power_of_two=True)
    overlap: bool = parameter(False, "whether a packet enters while the last block of the one before leaves")

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        try:
            words_of_block(self.word_bits, self.block_size, overlap=self.overlap)
            run_length_bits(self.max_zero_run, port_bits(self.word_bits))
        except ValueError as error:
            raise CodecError(str(error)) from None

    @property
    def block_words(self) -> int:
        """Nonzero words in a block."""
        return self.block_size or self.word_bits

    @property
    def optional(self) -> dict[str, Any]:
        """Parameters of the block that few sizes have."""
        blocks = {"block_size": self.block_size} if self.block_words < self.word_bits else {}
        return blocks | ({"overlap": True} if self.overlap else {})


@dataclass(frozen=True)
class DecoderShape(CodecShape):
    """Parameters of an EBPC decoder."""

    checked: bool = parameter(False, "whether it tells which packets were malformed")


def ebpc_encoder_engine(shape: CodecShape) -> Engine:
    """Describe an EBPC encoder."""
    word_bits, bits, axi = shape.word_bits, port_bits(shape.word_bits), shape.axi
    codec = EBPC(word_bits=word_bits, block_size=shape.block_words, max_zero_run=shape.max_zero_run)
    words, znz, bpc = ("s_axis", "m_axis_znz", "m_axis_bpc") if axi else ("words", "znz", "bpc")

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        encoded = [codec.encode_words(packet) for packet in inputs[words]]
        return {znz: [streams["znz"] for streams in encoded], bpc: plane_packets(encoded, framed=axi)}

    return Engine(
        name="ebpc-encoder",
        summary=f"EBPC compressor, {word_bits}-bit words{', packets overlap' if shape.overlap else ''}"
        f"{', AXI4-Stream' if axi else ''}",
        block=axi_ebpc_encoder if axi else ebpc_encoder if word_bits == bits else narrow_ebpc_encoder,
        parameters={"word_bits": word_bits, "max_zero_run": shape.max_zero_run, "framed": axi} | shape.optional,
        inputs=(Port(words, word_bits),),
        outputs=(Port(znz, bits), Port(bpc, bits)),
        reference=reference,
        stimulus=lambda tensors: {words: [to_words(tensor, word_bits) for tensor in tensors]},
        tensor=words,
        period_ns=3.5,
        published=_published(word_bits, kilo_gate_equivalents=2.8, area_um2=15258, paths_ns=(4.96, 5.83)),
        axi=axi,
    )


def ebpc_decoder_engine(shape: DecoderShape) -> Engine:
    """Describe an EBPC decoder."""
    word_bits, bits = shape.word_bits, port_bits(shape.word_bits)
    axi, checked = shape.axi, shape.checked
    codec = EBPC(word_bits=word_bits, block_size=shape.block_words, max_zero_run=shape.max_zero_run)
    names = ("s_axis_znz", "s_axis_bpc", "s_axis_length", "m_axis") if axi else ("znz", "bpc", "length", "words")
    znz, bpc, length, words = names

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        planes = iter(inputs[bpc])
        packets = []
        for zeros, parts in zip(inputs[znz], inputs[length], strict=True):
            if axi:
                count, coded = int(parts[0]) % (1 << FRAMED_LENGTH_BITS) or 1 << FRAMED_LENGTH_BITS, next(planes)
                coded = coded if coded.size > 1 or coded[0] else coded[:0]
            else:
                count, has_planes = read_length(parts)
                coded = next(planes) if has_planes else zeros[:0]
            packets.append(codec.decode_words(zeros, coded, count))
        return {words: packets}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, word_bits) for tensor in tensors]
        encoded = [codec.encode_words(packet) for packet in packets]
        lengths = [
            framed_length(packet.size) if axi else length_words(packet.size, has_planes=bool(packet.any()))
            for packet in packets
        ]
        return {
            znz: [streams["znz"] for streams in encoded],
            bpc: plane_packets(encoded, framed=axi),
            length: lengths,
        }

    return Engine(
        name="ebpc-decoder",
        summary=f"EBPC decompressor, {word_bits}-bit words{', detects malformed streams' if checked else ''}"
        f"{', packets overlap' if shape.overlap else ''}{', AXI4-Stream' if axi else ''}",
        block=axi_ebpc_decoder if axi else ebpc_decoder if word_bits == bits else narrow_ebpc_decoder,
        parameters={
            "word_bits": word_bits,
            "max_zero_run": shape.max_zero_run,
            "checked": checked,
            "framed": axi,
            "length_bits": FRAMED_LENGTH_BITS if axi else LENGTH_BITS,
        }
        | shape.optional,
        inputs=(Port(znz, bits), Port(bpc, bits), Port(length, 32 if axi else LENGTH_BITS + 1)),
        outputs=(Port(words, word_bits, error=checked),),
        reference=reference,
        stimulus=stimulus,
        tensor=words,
        period_ns=3.5,
        published=_published(word_bits, kilo_gate_equivalents=3.0, area_um2=16582, paths_ns=(6.13, 6.62)),
        axi=axi,
    )


def length_words(count: int, *, has_planes: bool) -> np.ndarray:
    """Return a packet of an EBPC decoder's `length` stream, uint16.

    Parameters
    ----------
    count : int
        Number of words in the packet, at least 1.
    has_planes : bool
        Whether the packet has a BPC stream, that is, any nonzero word.
    """
    most = 1 << LENGTH_BITS
    parts = np.full(-(-count // most), most, np.uint16)
    parts[-1] = count - most * (parts.size - 1)
    return parts % most | (0 if has_planes else most)


def framed_length(count: int) -> np.ndarray:
    """Return a packet of a framed EBPC decoder's `length` stream, uint32.

    Raises
    ------
    ValueError
        If a packet cannot have so many words.
    """
    return count_packet(count, FRAMED_LENGTH_BITS, "words")


def plane_packets(encoded: Sequence[Mapping[str, np.ndarray]], *, framed: bool) -> list[np.ndarray]:
    """Return the packets of the BPC stream: where it is empty none, or if `framed` one word of zeros."""
    packets = [streams["bpc"] for streams in encoded]
    if framed:
        return [packet if packet.size else np.zeros(1, packet.dtype) for packet in packets]
    return [packet for packet in packets if packet.size]


def read_length(parts: np.ndarray) -> tuple[int, bool]:
    """Return the number of words and whether there is a BPC stream: the inverse of `length_words`."""
    most = 1 << LENGTH_BITS
    counts = parts.astype(np.int64) % most
    return int(np.where(counts == 0, most, counts).sum()), not parts[0] & most


def _published(word_bits: int, **figures: Any) -> tuple[PublishedFigure, ...]:
    if word_bits != 8:
        return ()
    return (
        PublishedFigure(
            source=_PUBLIC_RTL,
            conditions="sky130hd, typical corner, read by slang",
            area_um2=figures["area_um2"],
            critical_path_ns=figures["paths_ns"][0],
            shortest_period_ns=figures["paths_ns"][1],
        ),
        PublishedFigure(
            source=_PAPER,
            conditions="one word per cycle of 1.7 ns",
            kilo_gate_equivalents=figures["kilo_gate_equivalents"],
        ),
    )


EBPC_FAMILIES: tuple[Family, ...] = (
    Family(
        ebpc_encoder_engine,
        {
            "ebpc-encoder": CodecShape(),
            "ebpc-encoder-w16": CodecShape(word_bits=16),
            "ebpc-encoder-axis": CodecShape(axi=True),
        },
    ),
    Family(
        ebpc_decoder_engine,
        {
            "ebpc-decoder": DecoderShape(),
            "ebpc-decoder-checked": DecoderShape(checked=True),
            "ebpc-decoder-w16": DecoderShape(word_bits=16),
            "ebpc-decoder-checked-w16": DecoderShape(word_bits=16, checked=True),
            "ebpc-decoder-axis": DecoderShape(axi=True),
            "ebpc-decoder-checked-axis": DecoderShape(axi=True, checked=True),
        },
    ),
)
