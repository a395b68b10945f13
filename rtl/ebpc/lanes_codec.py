"""EBPC engines of several words a cycle, for the streams of `docs/formats/ebpc-parallel.md`."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, block, instances, intbv

from silicodec.models.ebpc.parallel import BPC_PORT, ZNZ_PORT
from silicodec.rtl.blocks.bit_unpacker import bit_unpacker
from silicodec.rtl.blocks.stream import BitWindow, Stream, SymbolStream, gated, reset_gate, reset_gates
from silicodec.rtl.ebpc.lanes_coder import CODE_BITS, PlaneStream, block_coder, plane_maker
from silicodec.rtl.ebpc.lanes_packer import wide_packer
from silicodec.rtl.ebpc.lanes_parser import CodeStream, code_parser
from silicodec.rtl.ebpc.lanes_planes import CheckedBlocks, StepStream, plane_reader, word_adder
from silicodec.rtl.ebpc.lanes_restorer import FlagStream, flag_reader, row_restorer, row_scatterer
from silicodec.rtl.ebpc.lanes_rows import ROW_BITS, ROW_CODE_BITS, WORD_BITS, BlockStream, row_gatherer, row_splitter
from silicodec.rtl.ebpc.lanes_window import CodeWindow, code_window

LANES = (1, 2, 4, 8)


@block
def ebpc_lanes_encoder(clk: Any, rst: Any, words: Stream, znz: Stream, bpc: Stream, *, lanes: int = 8) -> Any:
    """Compress packets of 8-bit words into a ZNZ and a BPC stream, `lanes` words a cycle.

    Parameters
    ----------
    words : Stream
        `lanes` words a transfer, the first one in the least significant bits. Zeros fill up a packet's last 8 words.
    znz, bpc : Stream
        Where the zero words are, in words of 16 bits, and the others, in words of 64 bits.
    lanes : int
        Words a cycle: 1, 2, 4 or 8.
    """
    if lanes not in LANES:
        raise ValueError(f"lanes must be 1, 2, 4 or 8, not {lanes}")

    taken = Stream(WORD_BITS * lanes)
    rows = taken if lanes == ROW_BITS // WORD_BITS else Stream(ROW_BITS)
    flags = SymbolStream(ROW_CODE_BITS)
    blocks = BlockStream()
    planes = PlaneStream()
    codes = SymbolStream(CODE_BITS)

    gate = reset_gate(rst, words, taken)
    if rows is not taken:
        gatherer = row_gatherer(clk, rst, taken, rows)
    splitter = row_splitter(clk, rst, rows, flags, blocks)
    maker = plane_maker(clk, rst, blocks, planes)
    coder = block_coder(clk, rst, planes, codes)
    flag_packer = wide_packer(clk, rst, flags, znz, word_bits=ZNZ_PORT)
    code_packer = wide_packer(clk, rst, codes, bpc, word_bits=BPC_PORT)
    return instances()


@block
def ebpc_lanes_decoder(
    clk: Any, rst: Any, znz: Stream, bpc: Stream, length: Stream, words: Stream, *, lanes: int = 8
) -> Any:
    """Restore packets of 8-bit words from their ZNZ and BPC streams, `lanes` words a cycle.

    Whatever the streams hold, a packet ends after its number of transfers; what is left over of them is dropped.

    Parameters
    ----------
    znz, bpc : Stream
        The two streams of a packet, in words of 16 and of 64 bits.
    length : Stream
        The packet's number of transfers: one word, in which zero stands for 2**(its width); `last` is ignored.
    words : Stream
        `lanes` words a transfer, the first one in the least significant bits. `error` is high with `last` where a
        stream of the packet was malformed.
    lanes : int
        Words a cycle: 1, 2, 4 or 8.
    """
    if lanes not in LANES:
        raise ValueError(f"lanes must be 1, 2, 4 or 8, not {lanes}")

    flag_words, code_words, counts = gated(znz, bpc, length)
    flag_window = BitWindow(ZNZ_PORT)
    window = CodeWindow(CODE_BITS)
    start, finish = Signal(bool(0)), Signal(bool(0))
    flags = FlagStream()
    codes = CodeStream()
    steps = StepStream()
    blocks = CheckedBlocks()
    rows = words if lanes == ROW_BITS // WORD_BITS else Stream(ROW_BITS, error=True)
    parts = Signal(intbv(0)[3:])
    counts.last.read = parts.read = True  # either may be of no use

    gates = reset_gates(rst, [znz, bpc, length], [flag_words, code_words, counts])
    unpacker = bit_unpacker(clk, rst, flag_words, flag_window, start, finish, word_bits=ZNZ_PORT, checked=True)
    reader = flag_reader(clk, rst, counts, flag_window, start, finish, flags, lanes=lanes)
    slider = code_window(clk, rst, code_words, window)
    parser = code_parser(clk, rst, window, codes)
    planes = plane_reader(clk, rst, codes, steps)
    adder = word_adder(clk, rst, steps, blocks)
    restorer = row_restorer(clk, rst, flags, blocks, rows, parts)
    if rows is not words:
        scatterer = row_scatterer(clk, rst, rows, parts, words)
    return instances()
