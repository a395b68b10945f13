"""Where the window of a step is: in the strip buffer, a cycle after its issue, and in the map, two cycles after."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv, modbv

from silicodec.models.accelerator.program import PIXELS
from silicodec.rtl.accelerator.layer import LayerSignals
from silicodec.rtl.accelerator.pool import ROW_BITS, PoolPorts
from silicodec.rtl.accelerator.window import ROW_SAMPLES, StepControl

COORDINATE = 1024
"""Bound of rows and columns, which may be negative where padding is."""


def coordinate() -> Any:
    """Make a signal for a row or column of a map."""
    return Signal(intbv(0, min=-COORDINATE, max=COORDINATE))


class WindowPlace:
    """Where the window of a step is.

    Attributes
    ----------
    here, beyond : Signal
        Row of the columns that holds its first word; the same in the next slot.
    row_turn, word_turn : Signal
        Row and word of the columns that hold its first word.
    y, pixel : signed Signal
        Its first row and column in the map.
    channels_left : Signal
        Channels from its first one on.
    """

    def __init__(self) -> None:
        self.here, self.beyond = (Signal(modbv(0)[ROW_BITS:]) for _ in range(2))
        self.row_turn, self.word_turn = (Signal(modbv(0)[2:]) for _ in range(2))
        self.y, self.pixel = coordinate(), coordinate()
        self.channels_left = Signal(modbv(0)[12:])


@block
def window_place(clk: Any, layer: LayerSignals, next_place: WindowPlace, pool: PoolPorts, control: StepControl) -> Any:
    """Address the words of a window, and tell what to cut out of them.

    Parameters
    ----------
    next_place : WindowPlace
        Of the step that may be issued now.
    pool : PoolPorts
        Its `strip_rows`, a cycle later.
    control : StepControl
        What to cut out, two cycles later.
    """
    place = WindowPlace()
    here_after, beyond_after = (Signal(modbv(0)[ROW_BITS:]) for _ in range(2))
    columns = [
        column_address(layer, place, here_after, beyond_after, pool.strip_rows[c], row=c // 3, word=c % 3)
        for c in range(9)
    ]
    y1, y2, pixels_left = coordinate(), coordinate(), coordinate()

    @always(clk.posedge)
    def store() -> None:
        place.here.next = next_place.here
        place.beyond.next = next_place.beyond
        place.row_turn.next = next_place.row_turn
        place.word_turn.next = next_place.word_turn
        place.y.next = next_place.y
        place.pixel.next = next_place.pixel
        place.channels_left.next = next_place.channels_left

    @always_comb
    def look() -> None:
        here_after.next = place.here + 1
        beyond_after.next = place.beyond + 1
        y1.next = place.y + 1
        y2.next = place.y + 2
        pixels_left.next = layer.in_width - place.pixel
        control.pointwise.next = layer.pointwise
        control.stride2.next = layer.stride2
        control.pad.next = layer.pad_value

    @always(clk.posedge)
    def describe_rows() -> None:
        control.row_turn.next = place.row_turn
        control.rows_inside.next[0] = place.y >= 0 and place.y < layer.in_height
        control.rows_inside.next[1] = y1 >= 0 and y1 < layer.in_height
        control.rows_inside.next[2] = y2 >= 0 and y2 < layer.in_height

    @always(clk.posedge)
    def describe_pixels() -> None:
        control.word_turn.next = place.word_turn
        control.shift.next = place.pixel[3:]
        control.left.next = 0
        if place.pixel < -ROW_SAMPLES:
            control.left.next = ROW_SAMPLES
        elif place.pixel < 0:
            control.left.next = -place.pixel
        control.right.next = ROW_SAMPLES
        if pixels_left < 0:
            control.right.next = 0
        elif pixels_left < ROW_SAMPLES:
            control.right.next = pixels_left
        for i in range(PIXELS):
            control.channels_inside.next[i] = i < place.channels_left

    return instances()


@block
def column_address(
    layer: LayerSignals, place: WindowPlace, here_after: Any, beyond_after: Any, address: Any, *, row: int, word: int
) -> Any:
    """Address a column of the strip buffer: of row `row` and word `word` modulo three.

    Parameters
    ----------
    here_after, beyond_after : Signal
        The row after `place.here`, and the one after `place.beyond`.
    """
    after = Signal(bool(0))

    @always_comb
    def look() -> None:
        after.next = word < place.word_turn and not layer.pointwise

    @always_comb
    def choose() -> None:
        address.next = place.here
        if after:
            address.next = here_after
        if row < place.row_turn:
            address.next = place.beyond
            if after:
                address.next = beyond_after

    return instances()
