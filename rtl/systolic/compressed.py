"""Systolic array that takes its weights compressed."""

from __future__ import annotations

from typing import Any

from myhdl import block, instances

from silicodec.rtl.blocks.stream import Stream, StreamGroup
from silicodec.rtl.dictionary.decoder import dictionary_decoder
from silicodec.rtl.systolic.array import systolic_array


@block
def compressed_systolic_array(
    clk: Any,
    rst: Any,
    layout: Stream,
    length: Stream,
    codes: Stream,
    literals: Stream,
    activations: StreamGroup,
    sums: StreamGroup,
    *,
    rows: int = 8,
    columns: int = 8,
) -> Any:
    """Multiply vectors of activations by tiles of weights, as `systolic_array` does, from dictionary-coded weights.

    Parameters
    ----------
    layout, length, codes, literals : Stream
        Packets of rows of tiles, coded; an entry is a row.
    activations, sums : StreamGroup
        As those of the systolic array. A malformed packet of weights has its number of rows, too; `error` is high with
        `last` of the sums for its last tile.
    rows, columns : int
        Size of the array; 1, 2, 4 or 8 columns.
    """
    if columns not in (1, 2, 4, 8):
        raise ValueError(f"columns must be 1, 2, 4 or 8, not {columns}")
    weights = Stream(8 * columns, error=True)
    decoder = dictionary_decoder(clk, rst, layout, length, codes, literals, weights, entry_size=columns, checked=True)
    array = systolic_array(clk, rst, StreamGroup([weights]), activations, sums, rows=rows, columns=columns)
    return instances()
