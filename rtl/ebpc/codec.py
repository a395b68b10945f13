"""EBPC engines: the extended bit-plane compression of Cavigelli et al. (arXiv 1908.11645), word in, streams out."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, modbv

from silicodec.models.ebpc.codec import port_bits
from silicodec.rtl.blocks.bit_packer import bit_packer
from silicodec.rtl.blocks.bit_unpacker import bit_unpacker
from silicodec.rtl.blocks.stream import AxiStream, BitWindow, Stream, SymbolStream, fork, gated, reset_gates
from silicodec.rtl.ebpc.bit_plane_decoder import NonzeroWords, PacketTurn, bit_plane_decoder
from silicodec.rtl.ebpc.bit_plane_encoder import bit_plane_encoder
from silicodec.rtl.ebpc.block_filler import FilledStream, block_filler
from silicodec.rtl.ebpc.overlapped_decoder import overlapped_ebpc_decoder
from silicodec.rtl.ebpc.zero_runs import zero_run_decoder, zero_run_encoder


def words_of_block(word_bits: int, block_size: int, *, overlap: bool) -> int:
    """Return the words of a block, `word_bits` by default; raise ValueError where an engine cannot be so."""
    if not 4 <= word_bits <= 16:
        raise ValueError(f"word_bits must be 4 to 16, not {word_bits}")
    if block_size != 0 and not 2 <= block_size <= word_bits:
        raise ValueError(f"block_size must be 2 to {word_bits} for {word_bits}-bit words, or 0, not {block_size}")
    if overlap and (word_bits not in (4, 8, 16) or block_size not in (0, word_bits)):
        raise ValueError("packets overlap only with words of 4, 8 or 16 bits, and blocks of as many words")
    return block_size or word_bits


@block
def ebpc_encoder(
    clk: Any,
    rst: Any,
    words: Stream,
    znz: Stream,
    bpc: Stream,
    *,
    word_bits: int = 8,  # and 4 to 7 within `narrow_ebpc_encoder`
    block_size: int = 0,
    max_zero_run: int = 16,
    framed: bool = False,
    overlap: bool = False,  # as of `bit_plane_encoder`
) -> Any:
    """Compress packets of words into a ZNZ and a BPC stream, up to one word per cycle.

    Parameters
    ----------
    words : Stream
        Words of `word_bits` bits, packets of any length.
    znz : Stream
        Where the zero words are, in words of `word_bits` bits.
    bpc : Stream
        The nonzero words. A packet without any sends nothing here, not even `last`; if `framed`, one word of zeros.
    word_bits : int
        8 to 16; with `overlap` 8 or 16.
    block_size : int
        Words of a block, 2 to `word_bits`; 0 for `word_bits`, which `overlap` needs. A block takes `word_bits` cycles.
    max_zero_run : int
        Longest run of zero words in one code.
    framed : bool
        Whether each packet has a packet on every output.
    """
    size = words_of_block(word_bits, block_size, overlap=overlap)
    bits = port_bits(word_bits)

    zero_words = Stream(word_bits)
    plane_words = Stream(word_bits)
    block_words: Any = plane_words if size == word_bits else FilledStream(word_bits)
    zero_symbols = SymbolStream(bits)
    plane_symbols = SymbolStream(bits)

    (taken,) = gated(words)
    gates = reset_gates(rst, [words], [taken])
    if size < word_bits:
        filler = block_filler(clk, rst, plane_words, block_words, word_bits=word_bits, block_size=size)
    split = fork(clk, rst, taken, zero_words, plane_words)
    zero_coder = zero_run_encoder(clk, rst, zero_words, zero_symbols, max_zero_run=max_zero_run)
    zero_packer = bit_packer(clk, rst, zero_symbols, znz, word_bits=bits)
    plane_coder = bit_plane_encoder(
        clk, rst, block_words, plane_symbols, word_bits=word_bits, block_size=size, overlap=overlap
    )
    plane_packer = bit_packer(clk, rst, plane_symbols, bpc, word_bits=bits, framed=framed)
    return instances()


@block
def ebpc_decoder(
    clk: Any,
    rst: Any,
    znz: Stream,
    bpc: Stream,
    length: Stream,
    words: Stream,
    *,
    word_bits: int = 8,  # and 4 to 7 within `narrow_ebpc_decoder`
    block_size: int = 0,
    max_zero_run: int = 16,
    length_bits: int = 8,
    framed: bool = False,
    checked: bool = False,
    overlap: bool = False,  # as of `overlapped_ebpc_decoder`
) -> Any:
    """Restore packets of words from their ZNZ and BPC streams, up to one word per cycle.

    Whatever the streams hold, a packet ends after its number of words: bits that are missing read as zeros, words that
    are left over are dropped.

    Parameters
    ----------
    znz, bpc : Stream
        The two streams of a packet, in words of `word_bits` bits.
    length : Stream
        The packet's number of words, in parts that add up, so that a packet may have any length: each part in the low
        `length_bits` bits, zero standing for 2**`length_bits`. In the first part the bit above is set if the packet
        has no BPC stream. If `framed`, one part for each packet, whatever its `last`; a BPC stream for each as well.
    words : Stream
        The restored words. If `checked`, `error` is high with `last` where a stream of the packet was malformed.
    word_bits : int
        8 to 16; with `overlap` 8 or 16.
    block_size : int
        Words of a block, 2 to `word_bits`; 0 for `word_bits`, which `overlap` needs. A block takes `word_bits` cycles.
    max_zero_run : int
        Longest run of zero words in one code.
    length_bits : int
        Width of a part of the packet's number of words.
    framed : bool
        Whether each packet has a packet on every input, so that no number of words puts them out of step.
    checked : bool
        Whether to detect malformed streams.
    """
    size = words_of_block(word_bits, block_size, overlap=overlap)
    if length_bits < 1:
        raise ValueError(f"length_bits must be at least 1, not {length_bits}")
    if overlap:
        decoder = overlapped_ebpc_decoder(
            clk,
            rst,
            znz,
            bpc,
            length,
            words,
            word_bits=word_bits,
            max_zero_run=max_zero_run,
            length_bits=length_bits,
            framed=framed,
            checked=checked,
        )
        return instances()

    bits = port_bits(word_bits)
    znz_window = BitWindow(bits)
    bpc_window = BitWindow(bits)
    nonzero = Stream(1)

    active = Signal(bool(0))
    over = Signal(bool(0))
    remaining = Signal(modbv(0)[length_bits:])
    last_part = Signal(bool(0))
    last_word = Signal(bool(0))
    starving = Signal(bool(0))
    refill = Signal(bool(0))
    count = Signal(bool(0))
    runs_over = Signal(bool(0)) if checked else None
    znz_start = Signal(bool(0))
    bpc_start = Signal(bool(0))

    nonzeros = NonzeroWords(word_bits, checked=checked)
    turn = PacketTurn()
    planes_left = Signal(bool(0))
    leave_planes = Signal(bool(0))
    no_planes: Any = False if framed else Signal(bool(0))
    more_planes: Any = True if framed else Signal(bool(0))
    blank: Any = Signal(bool(0)) if framed and checked else False
    offered = Signal(bool(0))
    taken = Signal(bool(0))

    zeros, planes, parts = gated(znz, bpc, length)
    gates = reset_gates(rst, [znz, bpc, length], [zeros, planes, parts])
    znz_unpacker = bit_unpacker(clk, rst, zeros, znz_window, znz_start, over, word_bits=bits, checked=checked)
    bpc_unpacker = bit_unpacker(clk, rst, planes, bpc_window, bpc_start, leave_planes, word_bits=bits, checked=checked)
    zero_decoder = zero_run_decoder(
        clk, rst, znz_window, nonzero, count, last_word, starving, over, runs_over, max_zero_run=max_zero_run
    )
    plane_decoder = bit_plane_decoder(
        clk, rst, bpc_window, nonzeros, turn, word_bits=word_bits, block_size=size, checked=checked
    )

    # The streams of the next packet are read as soon as those of this one have ended, up to where they need its words
    # to be gone: ZNZ to its first word, BPC to the base of its first block.
    @always_comb
    def start() -> None:
        parts.ready.next = refill or not (active or over)
        znz_start.next = not over
        bpc_start.next = (turn.ahead and more_planes) or not (turn.ahead or over)

    @always_comb
    def take_turns() -> None:
        turn.finish.next = active and over
        turn.wait.next = active and turn.ahead and not over
        turn.drop.next = over and not turn.ahead
        leave_planes.next = not turn.ahead and (over or nonzeros.exhausted)
        planes_left.next = not turn.ahead and bpc_window.loaded and not bpc_window.ended

    @always_comb
    def measure() -> None:
        last_word.next = remaining == 1 and last_part
        starving.next = not active or (remaining == 1 and not last_part and not parts.valid)
        refill.next = remaining == 1 and not last_part and count

    @always_comb
    def offer() -> None:
        offered.next = (
            nonzero.valid
            and (not nonzero.data or nonzeros.available or nonzeros.exhausted)
            and (not nonzero.last or turn.ahead or bpc_window.loaded)
        )
        words.last.next = nonzero.last
        words.data.next = 0
        if nonzero.data and nonzeros.available:
            words.data.next = nonzeros.data

    @always_comb
    def handshake() -> None:
        words.valid.next = offered
        taken.next = offered and words.ready
        nonzero.ready.next = offered and words.ready
        nonzeros.take.next = offered and words.ready and nonzero.data and nonzeros.available

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if over:
            active.next = False
            over.next = planes_left or (znz_window.loaded and not znz_window.ended)
            turn.ahead.next = not planes_left
        elif active:
            over.next = taken and nonzero.last
            turn.ahead.next = turn.ahead or nonzeros.exhausted
        elif parts.valid:
            active.next = True
            turn.ahead.next = no_planes

    @always_seq(clk.posedge, reset=None)
    def count_down() -> None:
        if not active or refill:
            remaining.next = parts.data[length_bits:]
            last_part.next = parts.last or framed
        elif count:
            remaining.next = remaining - 1

    if not framed:

        @always_comb
        def read_mark() -> None:
            no_planes.next = parts.data[length_bits]
            more_planes.next = parts.valid and not parts.data[length_bits] and (not active or last_part)

    if checked:

        @always_comb
        def tell() -> None:
            nonzeros.wanted.next = nonzero.data

        starved = Signal(bool(0))
        untidy, was_untidy = (Signal(bool(0)) for _ in range(2))

        @always_comb
        def inspect() -> None:
            untidy.next = not (bpc_window.clean or blank)

        @always_comb
        def report() -> None:
            words.error.next = (
                starved
                or nonzeros.fault
                or runs_over
                or not znz_window.clean
                or (nonzero.data and not nonzeros.available)
                or nonzeros.untouched
                or (turn.ahead and was_untidy)
                or (not turn.ahead and (untidy or not nonzeros.exhausted))
            )

        @always_seq(clk.posedge, reset=rst)
        def remember() -> None:
            if over:
                starved.next = False
                was_untidy.next = False
            else:
                starved.next = starved or (taken and nonzero.data and not nonzeros.available)
                if not turn.ahead:
                    was_untidy.next = untidy

    if checked and framed:
        moved = Signal(bool(0))

        @always_comb
        def recognise() -> None:
            blank.next = bpc_window.data == 0 and not moved

        @always_seq(clk.posedge, reset=rst)
        def watch() -> None:
            moved.next = not leave_planes and (moved or bpc_window.take)

    return instances()


@block
def narrow_ebpc_encoder(clk: Any, rst: Any, words: Stream, znz: Stream, bpc: Stream, **parameters: Any) -> Any:
    """`ebpc_encoder` for words of 4 to 7 bits: `znz` and `bpc` have words of 8, which the code of any plane fits."""
    engine = ebpc_encoder(clk, rst, words, znz, bpc, **parameters)
    return instances()


@block
def narrow_ebpc_decoder(
    clk: Any, rst: Any, znz: Stream, bpc: Stream, length: Stream, words: Stream, **parameters: Any
) -> Any:
    """`ebpc_decoder` for words of 4 to 7 bits: `znz` and `bpc` have words of 8, which the code of any plane fits."""
    engine = ebpc_decoder(clk, rst, znz, bpc, length, words, **parameters)
    return instances()


@block
def axi_ebpc_encoder(
    clk: Any, rst: Any, s_axis: AxiStream, m_axis_znz: AxiStream, m_axis_bpc: AxiStream, **parameters: Any
) -> Any:
    """`ebpc_encoder` under AXI4-Stream's signal names."""
    engine = ebpc_encoder(clk, rst, s_axis.stream(), m_axis_znz.stream(), m_axis_bpc.stream(), **parameters)
    return instances()


@block
def axi_ebpc_decoder(
    clk: Any,
    rst: Any,
    s_axis_znz: AxiStream,
    s_axis_bpc: AxiStream,
    s_axis_length: AxiStream,
    m_axis: AxiStream,
    **parameters: Any,
) -> Any:
    """`ebpc_decoder` under AXI4-Stream's signal names."""
    engine = ebpc_decoder(
        clk, rst, s_axis_znz.stream(), s_axis_bpc.stream(), s_axis_length.stream(), m_axis.stream(), **parameters
    )
    return instances()
