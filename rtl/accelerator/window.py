"""Window of the accelerator: from words of the memory to the taps of eight pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myhdl import Signal, always, always_comb, block, concat, instances, intbv, modbv

from silicodec.models.accelerator.program import PIXELS, TAPS, WINDOW_ROWS

ROW_SAMPLES = 17
"""Samples that eight windows of stride 2 reach over."""


class StepControl:
    """What a step takes from the words that come for it.

    Attributes
    ----------
    pointwise : Signal of bool
        Word t is a row of eight pixels of channel t of eight, instead of a part of a 3 x 3 window.
    row_turn, word_turn : Signal, 0 .. 2
        Row and word of the columns that hold the window's first word.
    shift : Signal, 0 .. 7
        Samples of each row before the window.
    stride2 : Signal of bool
        Windows are two samples apart.
    rows_inside : Signal of 3 bits
        Rows of the window that are rows of the map.
    left, right : Signal, 0 .. 17
        First sample of a window's row that is in the map, and the first after it that is not.
    channels_inside : Signal of 8 bits
        Channels of a pointwise step that exist.
    pad : Signal of 8 bits
        Sample outside of the map.
    part : Signal, 0 .. 2
        Row of the window, or words 3 * part to 3 * part + 2, that `window_row` takes.
    """

    def __init__(self) -> None:
        self.pointwise: Any = Signal(bool(0))
        self.row_turn: Any = Signal(intbv(0, min=0, max=3))
        self.word_turn: Any = Signal(intbv(0, min=0, max=3))
        self.shift: Any = Signal(intbv(0)[3:])
        self.stride2: Any = Signal(bool(0))
        self.rows_inside: Any = Signal(intbv(0)[3:])
        self.left: Any = Signal(intbv(0, min=0, max=ROW_SAMPLES + 1))
        self.right: Any = Signal(intbv(0, min=0, max=ROW_SAMPLES + 1))
        self.channels_inside: Any = Signal(intbv(0)[PIXELS:])
        self.pad: Any = Signal(intbv(0)[8:])
        self.part: Any = Signal(intbv(0, min=0, max=WINDOW_ROWS))


@block
def window(clk: Any, words: Sequence[Any], control: StepControl, taps: Sequence[Any]) -> Any:
    """Cut the windows of eight pixels out of nine words, a cycle later.

    Parameters
    ----------
    words : 9 Signals of 64 bits
        Words of the nine columns; the leftmost sample is in the most significant byte. Word j of a 3 x 3 window's row i
        is in column 3 * ((row_turn + i) % 3) + (word_turn + j) % 3.
    control : StepControl
        What to cut out.
    taps : 72 Signals of 8 bits
        Tap t of pixel p is number 8 * t + p. Nothing outside of the map reaches them.
    """

    @always(clk.posedge)
    def cut() -> None:
        row = modbv(0)[192:]
        padded = [intbv(0)[8:] for _ in range(ROW_SAMPLES)]
        for i in range(3):
            if control.row_turn == 0:
                row[:] = concat(words[3 * i], words[3 * i + 1], words[3 * i + 2])
            elif control.row_turn == 1:
                row[:] = concat(words[(3 * i + 3) % 9], words[(3 * i + 4) % 9], words[(3 * i + 5) % 9])
            else:
                row[:] = concat(words[(3 * i + 6) % 9], words[(3 * i + 7) % 9], words[(3 * i + 8) % 9])
            if control.word_turn == 1:
                row[:] = concat(row[128:], row[192:128])
            elif control.word_turn == 2:
                row[:] = concat(row[64:], row[192:64])
            row[:] = row << (8 * control.shift)
            for k in range(ROW_SAMPLES):
                padded[k][:] = control.pad
                if control.rows_inside[i] and control.left <= k and k < control.right:
                    padded[k][:] = (row >> (8 * (23 - k))) & 0xFF
            for j in range(3):
                for p in range(PIXELS):
                    if control.stride2:
                        taps[8 * (3 * i + j) + p].next = padded[2 * p + j]
                    else:
                        taps[8 * (3 * i + j) + p].next = padded[p + j]
        if control.pointwise:
            for t in range(PIXELS):
                for p in range(PIXELS):
                    taps[8 * t + p].next = 0
                    if control.channels_inside[t]:
                        taps[8 * t + p].next = (words[t] >> (8 * (7 - p))) & 0xFF
            for p in range(PIXELS):
                taps[8 * (TAPS - 1) + p].next = 0

    return instances()


@block
def window_row(clk: Any, words: Sequence[Any], control: StepControl, taps: Sequence[Any]) -> Any:
    """Cut a row of the windows of eight pixels out of nine words, a cycle later.

    Parameters
    ----------
    words : 9 Signals of 64 bits
        As of `window`.
    control : StepControl
        What to cut out.
    taps : 24 Signals of 8 bits
        Tap j of pixel p is number 8 * j + p. Nothing outside of the map reaches them.
    """
    turned, number = Signal(intbv(0, min=0, max=2 * WINDOW_ROWS)), Signal(intbv(0, min=0, max=WINDOW_ROWS))
    inside, channels = Signal(bool(0)), Signal(intbv(0)[WINDOW_ROWS:])

    @always_comb
    def look() -> None:
        turned.next = control.row_turn + control.part
        inside.next = (control.rows_inside >> control.part) & 1
        channels.next = (control.channels_inside >> (WINDOW_ROWS * control.part)) & ((1 << WINDOW_ROWS) - 1)

    @always_comb
    def turn() -> None:
        if control.pointwise:
            number.next = control.part
        elif turned < WINDOW_ROWS:
            number.next = turned
        else:
            number.next = turned - WINDOW_ROWS

    @always(clk.posedge)
    def cut() -> None:
        row = modbv(0)[192:]
        padded = [intbv(0)[8:] for _ in range(ROW_SAMPLES)]
        if number == 0:
            row[:] = concat(words[0], words[1], words[2])
        elif number == 1:
            row[:] = concat(words[3], words[4], words[5])
        else:
            row[:] = concat(words[6], words[7], words[8])
        if control.pointwise:
            for j in range(WINDOW_ROWS):
                for p in range(PIXELS):
                    taps[8 * j + p].next = 0
                    if channels[j]:
                        taps[8 * j + p].next = (row >> (8 * (23 - 8 * j - p))) & 0xFF
        else:
            if control.word_turn == 1:
                row[:] = concat(row[128:], row[192:128])
            elif control.word_turn == 2:
                row[:] = concat(row[64:], row[192:64])
            row[:] = row << (8 * control.shift)
            for k in range(ROW_SAMPLES):
                padded[k][:] = control.pad
                if inside and control.left <= k and k < control.right:
                    padded[k][:] = (row >> (8 * (23 - k))) & 0xFF
            for j in range(WINDOW_ROWS):
                for p in range(PIXELS):
                    if control.stride2:
                        taps[8 * j + p].next = padded[2 * p + j]
                    else:
                        taps[8 * j + p].next = padded[p + j]

    return instances()
