"""The Huffman engines: catalog entries, with their references from `silicodec.models`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.errors import CorruptDataError
from silicodec.models.lanes.code import UNIT, bus_units
from silicodec.models.parameters import parameter
from silicodec.models.transform.huffman import MAX_LENGTH, WORD_BITS, HuffmanCode
from silicodec.models.transform.huffman_lanes import HuffmanLanes
from silicodec.rtl.ebpc.lanes_engines import join_lanes, split_lanes
from silicodec.rtl.engine import Engine, Packets, Port
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters
from silicodec.rtl.lanes.engines import LENGTH_BITS, length_words
from silicodec.rtl.transform.huffman_decoder import huffman_decoder
from silicodec.rtl.transform.huffman_encoder import huffman_encoder
from silicodec.rtl.transform.huffman_tables import (
    ENTRY_BITS,
    decoder_code,
    decoder_table,
    decoder_table_bits,
    encoder_code,
    encoder_table,
    encoder_table_bits,
)
from silicodec.rtl.transform.lanes_decoder import LANES, SYMBOL_BITS, huffman_lanes_decoder
from silicodec.rtl.transform.lanes_encoder import huffman_lanes_encoder

Coding = Callable[[Mapping[str, Packets]], dict[str, list[np.ndarray]]]
"""From the packets of some streams to those of others."""


@dataclass(frozen=True)
class CoderShape(EngineParameters):
    """Parameters of a Huffman encoder."""

    symbol_bits: int = parameter(8, "bits of a symbol", bounds=(2, 8))
    lanes: int = parameter(1, "symbols a cycle, each from a lane of its own", choices=(1, *LANES))

    @property
    def of_block(self) -> dict[str, Any]:
        """The parameters of the engine alone; that of one symbol a cycle has no lanes."""
        return {name: value for name, value in super().of_block.items() if self.lanes > 1 or name != "lanes"}


@dataclass(frozen=True)
class DecoderShape(CoderShape):
    """Parameters of a Huffman decoder."""

    checked: bool = parameter(False, "whether it tells which packets were malformed")


def huffman_encoder_engine(shape: CoderShape) -> Engine:
    """Describe the Huffman encoder for symbols of a width."""
    if shape.lanes > 1:
        return lanes_encoder_engine(shape)
    symbol_bits = shape.symbol_bits

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, symbol_bits) for tensor in tensors]
        return {"table": repeated(encoder_table(code_of(packets, symbol_bits)), len(packets)), "symbols": packets}

    return Engine(
        name="huffman-encoder",
        summary=f"Huffman encoder, {symbol_bits}-bit symbols, code words to {MAX_LENGTH} bits",
        block=huffman_encoder,
        parameters=shape.of_block,
        inputs=(Port("table", encoder_table_bits(symbol_bits)), Port("symbols", symbol_bits)),
        outputs=(Port("code", WORD_BITS),),
        reference=huffman_encoding(symbol_bits),
        stimulus=stimulus,
        tensor="symbols",
        period_ns=4.0,
    )


def lanes_encoder_engine(shape: CoderShape) -> Engine:
    """Describe the Huffman encoder of several symbols a cycle."""
    symbol_bits, lanes = shape.symbol_bits, shape.lanes

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        entries: dict[int, int] = {}
        packets = []
        for table, rows in zip(inputs["table"], inputs["symbols"], strict=True):
            set_entries(entries, table, ENTRY_BITS)
            symbols = split_lanes(rows, lanes, SYMBOL_BITS) & np.uint8((1 << symbol_bits) - 1)
            packets.append(HuffmanLanes(encoder_code(entries, symbol_bits), lanes).encode_words(symbols))
        return {"code": packets}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, symbol_bits) for tensor in tensors]
        return {
            "table": repeated(encoder_table(code_of(packets, symbol_bits)), len(packets)),
            "symbols": [symbol_rows(packet, lanes) for packet in packets],
        }

    return Engine(
        name="huffman-encoder",
        summary=f"Huffman encoder, {lanes} symbols of {symbol_bits} bits a cycle",
        block=huffman_lanes_encoder,
        parameters=shape.of_block,
        inputs=(
            Port("table", encoder_table_bits(symbol_bits)),
            Port("symbols", SYMBOL_BITS * lanes, partial=1),
        ),
        outputs=(Port("code", UNIT * bus_units(lanes)),),
        reference=reference,
        stimulus=stimulus,
        tensor="symbols",
        period_ns=5.0,
        clock_gating=True,
    )


def huffman_decoder_engine(shape: DecoderShape) -> Engine:
    """Describe the Huffman decoder for symbols of a width."""
    if shape.lanes > 1:
        return lanes_decoder_engine(shape)
    symbol_bits, checked = shape.symbol_bits, shape.checked

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, symbol_bits) for tensor in tensors]
        code = code_of(packets, symbol_bits)
        return {
            "table": repeated(decoder_table(code), len(packets)),
            "code": [code.encode_words(packet) for packet in packets],
        }

    return Engine(
        name="huffman-decoder",
        summary=f"Huffman decoder, {symbol_bits}-bit symbols{', detects malformed packets' if checked else ''}",
        block=huffman_decoder,
        parameters=shape.of_block,
        inputs=(Port("table", decoder_table_bits(symbol_bits)), Port("code", WORD_BITS)),
        outputs=(Port("symbols", symbol_bits, error=checked),),
        reference=huffman_decoding(symbol_bits),
        stimulus=stimulus,
        tensor="symbols",
        period_ns=4.0,
        clock_gating=True,
    )


def lanes_decoder_engine(shape: DecoderShape) -> Engine:
    """Describe the Huffman decoder of several symbols a cycle."""
    symbol_bits, lanes = shape.symbol_bits, shape.lanes

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        entries: dict[int, int] = {}
        packets = []
        for table, length, words in zip(*(inputs[name] for name in ("table", "length", "code")), strict=True):
            set_entries(entries, table, MAX_LENGTH)
            coder = HuffmanLanes(decoder_code(entries, symbol_bits), lanes)
            rows = (int(length[0]) - 1) % (1 << LENGTH_BITS) + 1
            packets.append(join_lanes(coder.decode_words(words, rows), lanes, SYMBOL_BITS))
        return {"symbols": packets}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, symbol_bits) for tensor in tensors]
        coder = HuffmanLanes(code_of(packets, symbol_bits), lanes)
        return {
            "table": repeated(decoder_table(coder.code), len(packets)),
            "length": [length_words(-(-packet.size // lanes)) for packet in packets],
            "code": [coder.encode_words(packet) for packet in packets],
        }

    return Engine(
        name="huffman-decoder",
        summary=f"Huffman decoder, {lanes} symbols of {symbol_bits} bits a cycle"
        f"{', detects malformed packets' if shape.checked else ''}",
        block=huffman_lanes_decoder,
        parameters=shape.of_block,
        inputs=(
            Port("table", decoder_table_bits(symbol_bits)),
            Port("length", LENGTH_BITS),
            Port("code", UNIT * bus_units(lanes)),
        ),
        outputs=(Port("symbols", SYMBOL_BITS * lanes, error=shape.checked, partial=1),),
        reference=reference,
        stimulus=stimulus,
        tensor="symbols",
        period_ns=5.0,
        clock_gating=True,
    )


def huffman_encoding(symbol_bits: int) -> Coding:
    """Return the reference of the Huffman encoder."""

    def encode(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        entries: dict[int, int] = {}
        packets = []
        for table, symbols in zip(inputs["table"], inputs["symbols"], strict=True):
            set_entries(entries, table, ENTRY_BITS)
            packets.append(encoder_code(entries, symbol_bits).encode_words(symbols))
        return {"code": packets}

    return encode


def huffman_decoding(symbol_bits: int) -> Coding:
    """Return the reference of the Huffman decoder."""

    def decode(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        entries: dict[int, int] = {}
        packets = []
        for table, words in zip(inputs["table"], inputs["code"], strict=True):
            set_entries(entries, table, MAX_LENGTH)
            packets.append(decoder_code(entries, symbol_bits).decode_words(words))
        if not all(packet.size for packet in packets):
            raise CorruptDataError("packet has no symbol")
        return {"symbols": packets}

    return decode


def symbol_rows(symbols: np.ndarray, lanes: int) -> np.ndarray:
    """Return rows of symbols, uint8, as the engines take and give them; zeros fill up the last."""
    return join_lanes(np.pad(symbols, (0, -symbols.size % lanes)), lanes, SYMBOL_BITS)


def set_entries(entries: dict[int, int], words: np.ndarray, value_bits: int) -> None:
    """Set the entries of a table, by address, that the words of a table packet name."""
    for word in words.tolist():
        entries[word >> value_bits] = word & ((1 << value_bits) - 1)


def code_of(packets: Packets, symbol_bits: int) -> HuffmanCode:
    """Return the Huffman code that suits some packets of symbols."""
    counts = np.bincount(np.concatenate(packets), minlength=(1 << symbol_bits) + 1)
    counts[-1] = len(packets)
    return HuffmanCode.from_histogram(counts, symbol_bits)


def repeated(table: np.ndarray, count: int) -> list[np.ndarray]:
    """Return a table packet for each of `count` packets: the table, and then a word of it, which changes nothing."""
    return [table, *[table[:1]] * (count - 1)]


HUFFMAN_FAMILIES: tuple[Family, ...] = (
    Family(huffman_encoder_engine, {"huffman-encoder": CoderShape(), "huffman-encoder-l8": CoderShape(lanes=8)}),
    Family(
        huffman_decoder_engine,
        {
            "huffman-decoder": DecoderShape(),
            "huffman-decoder-checked": DecoderShape(checked=True),
            "huffman-decoder-l8": DecoderShape(lanes=8, checked=True),
        },
    ),
)
