"""EBPC engines of several words a cycle, for the streams of `docs/formats/ebpc-parallel.md`."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, block, instances, intbv

from silicodec.rtl.blocks.bit_unpacker import bit_unpacker
from silicodec.rtl.blocks.stream import BitWindow, Stream, SymbolStream, gated, reset_gate, reset_gates
from silicodec.rtl.ebpc.lanes_coder import PlaneStream, block_coder, code_bits, plane_maker
from silicodec.rtl.ebpc.lanes_packer import wide_packer
from silicodec.rtl.ebpc.lanes_parser import CodeStream, code_parser
from silicodec.rtl.ebpc.lanes_planes import CheckedBlocks, StepStream, plane_reader, word_adder
from silicodec.rtl.ebpc.lanes_restorer import FlagStream, flag_reader, row_restorer, row_scatterer
from silicodec.rtl.ebpc.lanes_rows import BLOCK, ROW_CODE_BITS, WORD_BITS, BlockStream, row_gatherer, row_splitter
from silicodec.rtl.ebpc.lanes_window import CodeWindow, code_window

LANES = (1, 2, 4, 8)
WORD_SIZES = (8, 16)


@block
def ebpc_lanes_encoder(
    clk: Any, rst: Any, words: Stream, znz: Stream, bpc: Stream, *, lanes: int = 8, word_bits: int = WORD_BITS
) -> Any:
    """Compress packets of words into a ZNZ and a BPC stream, `lanes` words a cycle.

    Parameters
    ----------
    words : Stream
        `lanes` words a transfer, the first one in the least significant bits. Zeros fill up a packet's last 8 words.
    znz, bpc : Stream
        Where the zero words are, in words of 16 bits, and the others, in words of 8 times `word_bits`.
    lanes : int
        Words a cycle: 1, 2, 4 or 8.
    word_bits : int
        Bits of a word: 8 or 16.
    """
    check_sizes(lanes, word_bits)

    taken = Stream(word_bits * lanes)
    rows = taken if lanes == BLOCK else Stream(BLOCK * word_bits)
    flags = SymbolStream(ROW_CODE_BITS)
    blocks = BlockStream(word_bits)
    planes = PlaneStream(word_bits)
    codes = SymbolStream(code_bits(word_bits))

    gate = reset_gate(rst, words, taken)
    if rows is not taken:
        gatherer = row_gatherer(clk, rst, taken, rows)
    splitter = row_splitter(clk, rst, rows, flags, blocks)
    maker = plane_maker(clk, rst, blocks, planes)
    coder = block_coder(clk, rst, planes, codes)
    flag_packer = wide_packer(clk, rst, flags, znz, word_bits=len(znz.data))
    code_packer = wide_packer(clk, rst, codes, bpc, word_bits=len(bpc.data))
    return instances()


@block
def ebpc_lanes_decoder(
    clk: Any,
    rst: Any,
    znz: Stream,
    bpc: Stream,
    length: Stream,
    words: Stream,
    *,
    lanes: int = 8,
    word_bits: int = WORD_BITS,
) -> Any:
    """Restore packets of words from their ZNZ and BPC streams, `lanes` words a cycle.

    Whatever the streams hold, a packet ends after its number of transfers; what is left over of them is dropped.

    Parameters
    ----------
    znz, bpc : Stream
        The two streams of a packet, in words of 16 bits and of 8 times `word_bits`.
    length : Stream
        The packet's number of transfers: one word, in which zero stands for 2**(its width); `last` is ignored.
    words : Stream
        `lanes` words a transfer, the first one in the least significant bits. `error` is high with `last` where a
        stream of the packet was malformed.
    lanes : int
        Words a cycle: 1, 2, 4 or 8.
    word_bits : int
        Bits of a word: 8 or 16.
    """
    check_sizes(lanes, word_bits)

    flag_words, code_words, counts = gated(znz, bpc, length)
    flag_window = BitWindow(len(znz.data))
    window = CodeWindow(code_bits(word_bits), word_bits)
    start, finish = Signal(bool(0)), Signal(bool(0))
    flags = FlagStream()
    codes = CodeStream(word_bits)
    steps = StepStream(word_bits)
    blocks = CheckedBlocks(word_bits)
    rows = words if lanes == BLOCK else Stream(BLOCK * word_bits, error=True)
    parts = Signal(intbv(0)[3:])
    counts.last.read = parts.read = True  # either may be of no use

    gates = reset_gates(rst, [znz, bpc, length], [flag_words, code_words, counts])
    unpacker = bit_unpacker(clk, rst, flag_words, flag_window, start, finish, word_bits=len(znz.data), checked=True)
    reader = flag_reader(clk, rst, counts, flag_window, start, finish, flags, lanes=lanes)
    slider = code_window(clk, rst, code_words, window)
    parser = code_parser(clk, rst, window, codes)
    planes = plane_reader(clk, rst, codes, steps)
    adder = word_adder(clk, rst, steps, blocks)
    restorer = row_restorer(clk, rst, flags, blocks, rows, parts)
    if rows is not words:
        scatterer = row_scatterer(clk, rst, rows, parts, words)
    return instances()


def check_sizes(lanes: int, word_bits: int) -> None:
    """Raise ValueError unless there are engines of so many words a cycle, of so many bits."""
    if lanes not in LANES:
        raise ValueError(f"lanes must be 1, 2, 4 or 8, not {lanes}")
    if word_bits not in WORD_SIZES:
        raise ValueError(f"word_bits must be 8 or 16, not {word_bits}")
