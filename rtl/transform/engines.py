"""The engines of transform coding: catalog entries, with their references from `silicodec.models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.errors import CodecError
from silicodec.models.parameters import parameter
from silicodec.models.transform.calibration import Calibration
from silicodec.models.transform.codec import LinearTransform
from silicodec.models.transform.huffman import WORD_BITS
from silicodec.rtl.engine import Engine, Packets, Port, PublishedFigure
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters
from silicodec.rtl.transform.codec import pca_decoder, pca_encoder, transform_decoder, transform_encoder
from silicodec.rtl.transform.huffman_engines import (
    HUFFMAN_FAMILIES,
    Coding,
    code_of,
    huffman_decoding,
    huffman_encoding,
    repeated,
    set_entries,
)
from silicodec.rtl.transform.huffman_tables import (
    decoder_table,
    decoder_table_bits,
    encoder_table,
    encoder_table_bits,
)
from silicodec.rtl.transform.matrix_tables import VALUE_BITS, MatrixShape, loaded_transform, matrix_table

_PUBLISHED = PublishedFigure(
    source="feature map transform coding (arXiv 1905.10830), Stratix 10",
    conditions="layers of 64 channels in 19,301 ALMs and 960 DSPs",
)


@dataclass(frozen=True)
class ChainShape(EngineParameters):
    """Parameters of the chain of linear transform and Huffman encoder."""

    channels: int = parameter(16, "values of a pixel", bounds=(1, 256))
    components: int = parameter(16, "components of a pixel that are coded", bounds=(1, 256))
    multipliers: int = parameter(4, "multipliers: a divisor of what the transform takes", bounds=(1, 256))
    symbol_bits: int = parameter(8, "bits of a component", bounds=(2, 8))

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.taken % self.multipliers:
            raise CodecError(f"multipliers must be a divisor of {self.taken}, not {self.multipliers}")

    @property
    def taken(self) -> int:
        """Elements that the transform takes."""
        return self.channels


@dataclass(frozen=True)
class InverseChainShape(ChainShape):
    """Parameters of the chain of Huffman decoder and inverse transform."""

    checked: bool = parameter(False, "whether it tells which packets were malformed")

    @property
    def taken(self) -> int:
        """Elements that the transform takes."""
        return self.components


def pca_encoder_engine(shape: MatrixShape) -> Engine:
    """Describe the forward transform of a size."""

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, shape.in_bits) for tensor in tensors]
        forward, _ = transforms_of(packets, shape.columns, shape.rows, shape.out_bits)
        return {"matrix": repeated(matrix_table(forward, shape), len(packets)), "values": packets}

    return Engine(
        name="pca-encoder",
        summary=f"Linear transform, {describe(shape)}",
        block=pca_encoder,
        parameters=shape.of_block,
        inputs=(Port("matrix", shape.word_bits), Port("values", shape.in_bits)),
        outputs=(Port("components", shape.out_bits),),
        reference=transforming(shape, "values", "components"),
        stimulus=stimulus,
        tensor="values",
        period_ns=5.0,
        clock_gating=True,
        published=(_PUBLISHED,),
    )


def pca_decoder_engine(shape: MatrixShape) -> Engine:
    """Describe the inverse transform of a size."""

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, shape.out_bits) for tensor in tensors]
        forward, inverse = transforms_of(packets, shape.rows, shape.columns, shape.in_bits)
        return {
            "matrix": repeated(matrix_table(inverse, shape), len(packets)),
            "components": [transformed(forward, packet, shape.out_bits) for packet in packets],
        }

    return Engine(
        name="pca-decoder",
        summary=f"Inverse linear transform, {describe(shape)}",
        block=pca_decoder,
        parameters=shape.of_block,
        inputs=(Port("matrix", shape.word_bits), Port("components", shape.in_bits)),
        outputs=(Port("values", shape.out_bits),),
        reference=transforming(shape, "components", "values"),
        stimulus=stimulus,
        tensor="values",
        period_ns=5.0,
        clock_gating=True,
        published=(_PUBLISHED,),
    )


def transform_encoder_engine(chain: ChainShape) -> Engine:
    """Describe the chain of linear transform and Huffman encoder."""
    channels, components, symbol_bits = chain.channels, chain.components, chain.symbol_bits
    shape = MatrixShape(components, channels, chain.multipliers, out_bits=symbol_bits)
    transform, code = transforming(shape, "values", "symbols"), huffman_encoding(symbol_bits)

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, shape.in_bits) for tensor in tensors]
        forward, _ = transforms_of(packets, channels, components, symbol_bits)
        symbols = [transformed(forward, packet, shape.in_bits) for packet in packets]
        return {
            "matrix": repeated(matrix_table(forward, shape), len(packets)),
            "table": repeated(encoder_table(code_of(symbols, symbol_bits)), len(packets)),
            "values": packets,
        }

    return Engine(
        name="transform-encoder",
        summary=f"Linear transform, {describe(shape)}, and Huffman encoder",
        block=transform_encoder,
        parameters=chain.of_block,
        inputs=(
            Port("matrix", shape.word_bits),
            Port("table", encoder_table_bits(symbol_bits)),
            Port("values", shape.in_bits),
        ),
        outputs=(Port("code", WORD_BITS),),
        reference=lambda inputs: code({**inputs, **transform(inputs)}),
        stimulus=stimulus,
        tensor="values",
        period_ns=5.0,
        clock_gating=True,
        published=(_PUBLISHED,),
    )


def transform_decoder_engine(chain: InverseChainShape) -> Engine:
    """Describe the chain of Huffman decoder and inverse linear transform."""
    channels, components, symbol_bits, checked = chain.channels, chain.components, chain.symbol_bits, chain.checked
    shape = MatrixShape(channels, components, chain.multipliers, in_bits=symbol_bits)
    decode, transform = huffman_decoding(symbol_bits), transforming(shape, "symbols", "values")

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, shape.out_bits) for tensor in tensors]
        forward, inverse = transforms_of(packets, channels, components, symbol_bits)
        symbols = [transformed(forward, packet, shape.out_bits) for packet in packets]
        code = code_of(symbols, symbol_bits)
        return {
            "table": repeated(decoder_table(code), len(packets)),
            "matrix": repeated(matrix_table(inverse, shape), len(packets)),
            "code": [code.encode_words(packet) for packet in symbols],
        }

    return Engine(
        name="transform-decoder",
        summary=f"Huffman decoder and inverse linear transform, {describe(shape)}"
        f"{', detects malformed packets' if checked else ''}",
        block=transform_decoder,
        parameters=chain.of_block,
        inputs=(
            Port("table", decoder_table_bits(symbol_bits)),
            Port("matrix", shape.word_bits),
            Port("code", WORD_BITS),
        ),
        outputs=(Port("values", shape.out_bits, error=checked),),
        reference=lambda inputs: transform({**inputs, **decode(inputs)}),
        stimulus=stimulus,
        tensor="values",
        period_ns=5.0,
        clock_gating=True,
        published=(_PUBLISHED,),
    )


def transforming(shape: MatrixShape, source: str, result: str) -> Coding:
    """Return the reference of a linear transform from one stream to another."""

    def transform(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        entries: dict[int, int] = {}
        packets = []
        for table, elements in zip(inputs["matrix"], inputs[source], strict=True):
            set_entries(entries, table, VALUE_BITS)
            packets.append(transformed(loaded_transform(entries, shape), elements, shape.in_bits))
        return {result: packets}

    return transform


def transformed(transform: LinearTransform, elements: np.ndarray, in_bits: int) -> np.ndarray:
    """Transform a packet of elements, as hardware takes and gives them: unsigned words, filled up with zeros."""
    vectors = to_vectors(elements, transform.matrix.shape[1]).astype(np.uint8) << np.uint8(8 - in_bits)
    results = transform.apply(vectors.view(np.int8) >> np.int8(8 - in_bits))
    return results.view(np.uint8).reshape(-1) & np.uint8((1 << transform.out_bits) - 1)


def to_vectors(elements: np.ndarray, size: int) -> np.ndarray:
    """Cut a packet of elements into vectors; the last one is filled up with zeros."""
    return np.append(elements, np.zeros(-elements.size % size, elements.dtype)).reshape(-1, size)


def transforms_of(
    packets: Packets, channels: int, components: int, symbol_bits: int
) -> tuple[LinearTransform, LinearTransform]:
    """Return a forward and an inverse transform that suit some packets of values; spare components are zero."""
    vectors = np.concatenate([to_vectors(packet, channels) for packet in packets]).astype(np.uint8).view(np.int8)
    maps = vectors.T.reshape(1, channels, 1, -1)
    forward, inverse = Calibration(maps).codec(step=1.0).transforms
    kept = min(components, len(forward.matrix))
    forward_matrix, forward_bias = np.zeros((components, channels), np.int8), np.zeros(components, np.int32)
    forward_matrix[:kept], forward_bias[:kept] = forward.matrix[:kept], forward.bias[:kept]
    inverse_matrix = np.zeros((channels, components), np.int8)
    inverse_matrix[:, :kept] = inverse.matrix[:, :kept]
    return (
        LinearTransform(forward_matrix, forward_bias, forward.shift, symbol_bits),
        LinearTransform(inverse_matrix, inverse.bias, inverse.shift),
    )


def describe(shape: MatrixShape) -> str:
    """Describe the size of a linear transform in few words."""
    return f"{shape.columns} to {shape.rows} elements, {shape.multipliers} multipliers"


TRANSFORM_FAMILIES: tuple[Family, ...] = (
    *HUFFMAN_FAMILIES,
    Family(pca_encoder_engine, {"pca-encoder": MatrixShape()}),
    Family(pca_decoder_engine, {"pca-decoder": MatrixShape()}),
    Family(transform_encoder_engine, {"transform-encoder": ChainShape()}),
    Family(
        transform_decoder_engine,
        {"transform-decoder": InverseChainShape(), "transform-decoder-checked": InverseChainShape(checked=True)},
    ),
)
