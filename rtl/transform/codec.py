"""Engines of feature map transform coding (arXiv 1905.10830): linear transforms, alone and with the Huffman code."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances

from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.transform.huffman_decoder import huffman_decoder
from silicodec.rtl.transform.huffman_encoder import huffman_encoder
from silicodec.rtl.transform.matrix_vector import matrix_vector


@block
def pca_encoder(clk: Any, rst: Any, matrix: Stream, values: Stream, components: Stream, **shape: int) -> Any:
    """`matrix_vector` with the names of the forward transform: the values of pixels to their components."""
    transform = matrix_vector(clk, rst, matrix, values, components, **shape)
    return instances()


@block
def pca_decoder(clk: Any, rst: Any, matrix: Stream, components: Stream, values: Stream, **shape: int) -> Any:
    """`matrix_vector` with the names of the inverse transform: the components of pixels to their values."""
    transform = matrix_vector(clk, rst, matrix, components, values, **shape)
    return instances()


@block
def transform_encoder(
    clk: Any,
    rst: Any,
    matrix: Stream,
    table: Stream,
    values: Stream,
    code: Stream,
    *,
    channels: int,
    components: int,
    multipliers: int,
    symbol_bits: int = 8,
) -> Any:
    """Transform, quantise and code packets of pixels.

    Parameters
    ----------
    matrix, table : Stream
        One packet each before each packet of values, as `matrix_vector` and `huffman_encoder` take them.
    values : Stream
        The values of each pixel, 8 bits each. A last pixel that is not complete is filled up with zeros.
    code : Stream
        Words of 16 bits.
    channels, components : int
        Values and components of a pixel, 1 to 256.
    multipliers : int
        How many channels are multiplied at a time: a divisor of `channels`.
    symbol_bits : int
        Bits of a component, 2 to 8.
    """
    symbols = Stream(symbol_bits)
    transform = matrix_vector(
        clk,
        rst,
        matrix,
        values,
        symbols,
        rows=components,
        columns=channels,
        multipliers=multipliers,
        out_bits=symbol_bits,
    )
    coder = huffman_encoder(clk, rst, table, symbols, code, symbol_bits=symbol_bits)
    return instances()


@block
def transform_decoder(
    clk: Any,
    rst: Any,
    table: Stream,
    matrix: Stream,
    code: Stream,
    values: Stream,
    *,
    channels: int,
    components: int,
    multipliers: int,
    symbol_bits: int = 8,
    checked: bool = False,
) -> Any:
    """Restore packets of pixels.

    Parameters
    ----------
    table, matrix : Stream
        One packet each before each packet of code, as `huffman_decoder` and `matrix_vector` take them.
    code : Stream
        Words of 16 bits.
    values : Stream
        The values of each pixel, 8 bits each. If `checked`, `error` is high with `last` where the code was malformed.
    channels, components : int
        Values and components of a pixel, 1 to 256.
    multipliers : int
        How many components are multiplied at a time: a divisor of `components`.
    symbol_bits : int
        Bits of a component, 2 to 8.
    checked : bool
        Whether to detect malformed packets.
    """
    symbols = Stream(symbol_bits, error=checked)
    decoder = huffman_decoder(clk, rst, table, code, symbols, symbol_bits=symbol_bits, checked=checked)
    transform = matrix_vector(
        clk,
        rst,
        matrix,
        symbols,
        values,
        rows=channels,
        columns=components,
        multipliers=multipliers,
        in_bits=symbol_bits,
    )

    if checked:
        malformed = Signal(bool(0))

        @always_seq(clk.posedge, reset=rst)
        def remember() -> None:
            # The next packet's symbols come after the last value of this one.
            if symbols.valid and symbols.ready and symbols.last:
                malformed.next = symbols.error

        @always_comb
        def report() -> None:
            values.error.next = malformed

    return instances()
