"""The engines of transform coding: catalog entries, with their references from `silicodec.models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.errors import CorruptDataError
from silicodec.models.huffman import MAX_LENGTH, WORD_BITS, HuffmanCode

from .engine import Engine, Packets, Port
from .huffman_decoder import huffman_decoder
from .huffman_encoder import huffman_encoder
from .huffman_tables import (
    ENTRY_BITS,
    decoder_code,
    decoder_table,
    decoder_table_bits,
    encoder_code,
    encoder_table,
    encoder_table_bits,
)

SYMBOL_BITS = 8


def huffman_encoder_engine(symbol_bits: int = SYMBOL_BITS, *, name: str = "huffman-encoder") -> Engine:
    """Describe the Huffman encoder for symbols of a width."""

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        entries = np.zeros(1 << (symbol_bits + 1), np.int64)
        packets = []
        for table, symbols in zip(inputs["table"], inputs["symbols"], strict=True):
            set_entries(entries, table, ENTRY_BITS)
            packets.append(encoder_code(entries[: (1 << symbol_bits) + 1]).encode_words(symbols))
        return {"code": packets}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, symbol_bits) for tensor in tensors]
        return {"table": repeat_table(encoder_table(code_of(packets, symbol_bits)), len(packets)), "symbols": packets}

    return Engine(
        name=name,
        summary=f"Huffman encoder, {symbol_bits}-bit symbols, codes to {MAX_LENGTH} bits",
        block=huffman_encoder,
        parameters={"symbol_bits": symbol_bits},
        inputs=(Port("table", encoder_table_bits(symbol_bits)), Port("symbols", symbol_bits)),
        outputs=(Port("code", WORD_BITS),),
        reference=reference,
        stimulus=stimulus,
        tensor="symbols",
        clock_ns=4.0,
    )


def huffman_decoder_engine(
    symbol_bits: int = SYMBOL_BITS, *, checked: bool = False, name: str = "huffman-decoder"
) -> Engine:
    """Describe the Huffman decoder for symbols of a width."""

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        entries = np.zeros(1 << (decoder_table_bits(symbol_bits) - MAX_LENGTH), np.int64)
        packets = []
        for table, words in zip(inputs["table"], inputs["code"], strict=True):
            set_entries(entries, table, MAX_LENGTH)
            packets.append(decoder_code(entries, symbol_bits).decode_words(words))
        if not all(packet.size for packet in packets):
            raise CorruptDataError("packet has no symbol")
        return {"symbols": packets}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        packets = [to_words(tensor, symbol_bits) for tensor in tensors]
        code = code_of(packets, symbol_bits)
        return {
            "table": repeat_table(decoder_table(code), len(packets)),
            "code": [code.encode_words(packet) for packet in packets],
        }

    return Engine(
        name=name,
        summary=f"Huffman decoder, {symbol_bits}-bit symbols{', detects malformed packets' if checked else ''}",
        block=huffman_decoder,
        parameters={"symbol_bits": symbol_bits, "checked": checked},
        inputs=(Port("table", decoder_table_bits(symbol_bits)), Port("code", WORD_BITS)),
        outputs=(Port("symbols", symbol_bits, error=checked),),
        reference=reference,
        stimulus=stimulus,
        tensor="symbols",
        clock_ns=4.0,
    )


def set_entries(entries: np.ndarray, words: np.ndarray, value_bits: int) -> None:
    """Set the entries of a table that the words of a table packet name."""
    entries[words >> value_bits] = words & ((1 << value_bits) - 1)


def code_of(packets: Packets, symbol_bits: int) -> HuffmanCode:
    """Return the Huffman code that suits some packets of symbols."""
    counts = np.bincount(np.concatenate(packets), minlength=(1 << symbol_bits) + 1)
    counts[-1] = len(packets)
    return HuffmanCode.from_histogram(counts, symbol_bits)


def repeat_table(table: np.ndarray, count: int) -> list[np.ndarray]:
    """Return a table packet for each of `count` packets: the table, and then a word of it, which changes nothing."""
    return [table, *[table[:1]] * (count - 1)]


TRANSFORM_ENGINES: tuple[Engine, ...] = (
    huffman_encoder_engine(),
    huffman_decoder_engine(),
    huffman_decoder_engine(checked=True, name="huffman-decoder-checked"),
)
