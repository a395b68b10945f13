"""The order in which a layer reads or makes the packets of a map."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always_comb, always_seq, block, instances, modbv

from silicodec.models.accelerator.program import PIXELS
from silicodec.rtl.accelerator.layer import LayerSignals
from silicodec.rtl.accelerator.row_buffer import LayerRun

INDEX_BITS = 12
CHANNEL_BITS = 11


class PacketOrder:
    """The present packet of a map.

    Attributes
    ----------
    member : Signal
        Its number in its set: the packets of a group of channels and a strip.
    index : Signal
        Its entry in the table.
    last_channel, last_strip, last_of_set : Signal of bool
        It is of the map's last channel; of its last strip; the last one of its set.
    """

    def __init__(self) -> None:
        self.member: Any = Signal(modbv(0)[CHANNEL_BITS:])
        self.index: Any = Signal(modbv(0)[INDEX_BITS:])
        self.last_channel: Any = Signal(bool(0))
        self.last_strip: Any = Signal(bool(0))
        self.last_of_set: Any = Signal(bool(0))


class MapEntries:
    """A map in the table: `channels`, `height`, its `first` entry, and the `step` from a strip's to the next one's."""

    def __init__(self, channels: Any, height: Any, first: Any, step: Any) -> None:
        self.channels = channels
        self.height = height
        self.first = first
        self.step = step


@block
def packet_order(
    clk: Any, rst: Any, run: LayerRun, move: Any, entries: MapEntries, order: PacketOrder, *, set_size: int
) -> Any:
    """Go through the packets of a map: strip by strip, or channel by channel in a depthwise layer.

    Parameters
    ----------
    run : LayerRun
        The layer.
    move : Signal of bool
        Go to the next packet.
    entries : MapEntries
        The map.
    order : PacketOrder
        Where it is.
    set_size : int
        Channels of a set; 0 for all.
    """
    restart, depthwise = run.restart, run.depthwise
    channels, height, entry, step = entries.channels, entries.height, entries.first, entries.step
    strip, strips = Signal(modbv(0)[6:]), Signal(modbv(0)[6:])
    channel = Signal(modbv(0)[CHANNEL_BITS:])
    first_index = Signal(modbv(0)[INDEX_BITS:])
    last_member = set_size - 1 if set_size else 1 << CHANNEL_BITS

    @always_comb
    def divide() -> None:
        strips.next = (height + (PIXELS - 1)) >> 3
        order.last_channel.next = channel + 1 == channels

    @always_comb
    def describe() -> None:
        order.last_strip.next = strip + 1 == strips
        order.last_of_set.next = depthwise or order.last_channel or order.member == last_member

    @always_seq(clk.posedge, reset=rst)
    def follow() -> None:
        if restart:
            strip.next = 0
            channel.next = 0
            order.member.next = 0
            order.index.next = entry
            first_index.next = entry
        elif move:
            order.member.next = order.member + 1
            if order.last_of_set:
                order.member.next = 0
            if depthwise:
                strip.next = strip + 1
                order.index.next = order.index + step
                if order.last_strip:
                    strip.next = 0
                    channel.next = channel + 1
                    first_index.next = first_index + 1
                    order.index.next = first_index + 1
            else:
                channel.next = channel + 1
                order.index.next = order.index + 1
                if order.last_channel:
                    channel.next = 0
                    strip.next = strip + 1
                    first_index.next = first_index + step
                    order.index.next = first_index + step

    return instances()


def input_entries(layer: LayerSignals) -> MapEntries:
    """Say where a layer's input is."""
    return MapEntries(layer.in_channels, layer.in_height, layer.in_table, layer.in_step)


def residual_entries(layer: LayerSignals) -> MapEntries:
    """Say where a layer's residual is."""
    return MapEntries(layer.out_channels, layer.out_height, layer.residual_table, layer.residual_step)


def output_entries(layer: LayerSignals) -> MapEntries:
    """Say where a layer's output is."""
    return MapEntries(layer.out_channels, layer.out_height, layer.out_table, layer.out_step)


@block
def rows_of_strip(order: PacketOrder, height: Any, rows: Any) -> Any:
    """Count the rows of the present packet of a map of a height."""

    @always_comb
    def count() -> None:
        rows.next = PIXELS
        if order.last_strip:
            rows.next = ((height - 1) & 7) + 1

    return instances()
