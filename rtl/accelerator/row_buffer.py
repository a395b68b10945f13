"""The buffers of rows between array and packets: one for results, one for residuals, divided alike."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, block, instances, modbv

from silicodec.models.accelerator.program import PIXELS
from silicodec.models.accelerator.timing import MOST_SETS
from silicodec.rtl.accelerator.layer import COUNT_BITS, LayerSignals

SHIFT_BITS = 4


class RowBuffer:
    """How a layer divides a buffer: rings of sets, of packets, of tiles, of rows.

    A set takes as many words as its packets have tiles, both rounded up to powers of two.

    Parameters
    ----------
    groups, tile_columns : int
        Packets of a set, and tiles of a packet, at most.

    Attributes
    ----------
    sets : Signal
        Sets that have room: 2 of the largest ones.
    tile_shift, set_shift : Signal
        Binary logarithms of the tiles of a packet, and of the tiles of a set.
    """

    def __init__(self, groups: int, tile_columns: int) -> None:
        self.channel_bits = max(1, (groups - 1).bit_length())
        self.tile_bits = (tile_columns - 1).bit_length()
        self.words = PIXELS * (2 << (self.channel_bits + self.tile_bits))
        self.sets: Any = Signal(modbv(0)[COUNT_BITS:])
        self.tile_shift: Any = Signal(modbv(0)[SHIFT_BITS:])
        self.set_shift: Any = Signal(modbv(0)[SHIFT_BITS:])


class LayerRun:
    """A layer that is read, or one that is computed.

    Parameters
    ----------
    groups, tile_columns : int
        As of `RowBuffer`.
    restart : Signal of bool
        Reading or computing it begins.

    Attributes
    ----------
    layer : LayerSignals
        Its descriptor.
    depthwise : Signal of bool
        Whether each of its channels is computed from one.
    layout : RowBuffer
        How it divides the buffer of residuals, or of results.
    """

    def __init__(self, groups: int, tile_columns: int, restart: Any) -> None:
        self.restart = restart
        self.layer = LayerSignals()
        self.depthwise: Any = Signal(bool(0))
        self.layout = RowBuffer(groups, tile_columns)


@block
def row_buffer(layer: LayerSignals, depthwise: Any, buffer: RowBuffer) -> Any:
    """Divide a buffer for a layer."""
    channel_bits, tile_bits = buffer.channel_bits, buffer.tile_bits
    most = 1 + channel_bits + tile_bits
    spare = Signal(modbv(0)[SHIFT_BITS:])

    @always_comb
    def divide() -> None:
        buffer.tile_shift.next = 0
        for i in range(tile_bits):
            if (layer.out_width - 1) >> (3 + i) != 0:
                buffer.tile_shift.next = i + 1

    @always_comb
    def add() -> None:
        buffer.set_shift.next = buffer.tile_shift + channel_bits
        if depthwise:
            buffer.set_shift.next = buffer.tile_shift

    @always_comb
    def count() -> None:
        spare.next = most - buffer.set_shift

    @always_comb
    def limit() -> None:
        buffer.sets.next = MOST_SETS
        if (1 << spare) < MOST_SETS:
            buffer.sets.next = 1 << spare

    return instances()


@block
def row_address(buffer: RowBuffer, number: Any, member: Any, tile: Any, row: Any, address: Any) -> Any:
    """Find a row's word.

    Parameters
    ----------
    number, member, tile, row : Signal
        Number of its set, of which the lowest bits count; of its packet in the set, of its tile, and of the row in it.
    address : Signal
        The word's.
    """
    first, base = (Signal(modbv(0)[1 + buffer.channel_bits + buffer.tile_bits :]) for _ in range(2))

    @always_comb
    def find_set() -> None:
        first.next = (number & (MOST_SETS - 1)) << buffer.set_shift

    @always_comb
    def find_tile() -> None:
        base.next = first + (member << buffer.tile_shift) + tile

    @always_comb
    def find_row() -> None:
        address.next = (base << 3) | row

    return instances()
