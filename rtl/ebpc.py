"""EBPC engines: the extended bit-plane compression of Cavigelli et al. (arXiv 1908.11645), word in, streams out."""

from __future__ import annotations

from typing import Any

from myhdl import block, instances

from .bit_packer import bit_packer
from .bit_planes import bit_plane_encoder
from .stream import Stream, SymbolStream, fork
from .zero_runs import zero_run_encoder


@block
def ebpc_encoder(
    clk: Any, rst: Any, words: Stream, znz: Stream, bpc: Stream, *, word_bits: int = 8, max_zero_run: int = 16
) -> Any:
    """Compress packets of words into a ZNZ and a BPC stream, up to one word per cycle.

    Parameters
    ----------
    words : Stream
        Words of `word_bits` bits, packets of any length.
    znz : Stream
        Where the zero words are, in words of `word_bits` bits.
    bpc : Stream
        The nonzero words. A packet without any sends nothing here, not even `last`.
    word_bits : int
        8 or 16; a block has as many words.
    max_zero_run : int
        Longest run of zero words in one code.
    """
    if word_bits not in (8, 16):
        raise ValueError(f"word_bits must be 8 or 16, not {word_bits}")

    zero_words = Stream(word_bits)
    plane_words = Stream(word_bits)
    zero_symbols = SymbolStream(word_bits)
    plane_symbols = SymbolStream(word_bits)

    split = fork(words, zero_words, plane_words)
    zero_coder = zero_run_encoder(
        clk, rst, zero_words, zero_symbols, word_bits=word_bits, max_zero_run=max_zero_run
    )
    zero_packer = bit_packer(clk, rst, zero_symbols, znz, word_bits=word_bits)
    plane_coder = bit_plane_encoder(clk, rst, plane_words, plane_symbols, word_bits=word_bits)
    plane_packer = bit_packer(clk, rst, plane_symbols, bpc, word_bits=word_bits)
    return instances()
