"""Steps of a layer: which one is next, and where its window is in the strip buffer."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, intbv, modbv

from silicodec.models.accelerator.program import PIXELS
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.layer import LayerSignals
from silicodec.rtl.accelerator.pool import ROW_BITS, PoolPorts
from silicodec.rtl.accelerator.window import ROW_SAMPLES, StepControl

MOST_WORDS = 63
"""Words of a row that can be addressed."""
X_PART = tuple(word // 3 + 1 for word in range(-1, MOST_WORDS))
X_TURN = tuple(word % 3 for word in range(-1, MOST_WORDS))
"""Which three of a row's words word -1, 0, 1 ... is in, plus 1; and which one of them it is."""
COORDINATE = 1024
"""Bound of rows and columns, which may be negative where padding is."""


class StepCount:
    """Which step is next, innermost number last, and which of these numbers are at their last value."""

    def __init__(self, shape: AcceleratorShape) -> None:
        self.strip: Any = Signal(modbv(0)[6:])
        self.tile: Any = Signal(modbv(0)[(shape.tile_columns - 1).bit_length() :])
        self.row: Any = Signal(modbv(0)[3:])
        self.step: Any = Signal(modbv(0)[(shape.weight_words - 1).bit_length() + 1 :])
        self.last_column: Any = Signal(bool(0))
        self.last_part: Any = Signal(bool(0))
        self.last_step: Any = Signal(bool(0))
        self.last_row: Any = Signal(bool(0))
        self.last_tile: Any = Signal(bool(0))
        self.last_group: Any = Signal(bool(0))
        self.last_strip: Any = Signal(bool(0))
        self.last_pass: Any = Signal(bool(0))
        self.first_step: Any = Signal(bool(0))


@block
def step_counter(clk: Any, rst: Any, restart: Any, go: Any, layer: LayerSignals, count: StepCount) -> Any:
    """Count steps: pass, strip, group of channels, tile, row, channel, part of the kernel."""
    number, group = Signal(modbv(0)[11:]), Signal(modbv(0)[10:])
    part_row, part_column = (Signal(modbv(0)[4:]) for _ in range(2))
    strips, tiles = (Signal(modbv(0)[6:]) for _ in range(2))

    @always_comb
    def divide() -> None:
        strips.next = (layer.out_height + (PIXELS - 1)) >> 3
        tiles.next = (layer.out_width + (PIXELS - 1)) >> 3

    @always_comb
    def find_ends() -> None:
        count.last_column.next = part_column + 1 == layer.kernel_columns
        count.last_part.next = part_column + 1 == layer.kernel_columns and part_row + 1 == layer.kernel_rows
        count.last_step.next = count.step + 1 == layer.steps
        count.first_step.next = count.step == 0
        count.last_row.next = count.row == PIXELS - 1 or ((count.strip << 3) | count.row) + 1 == layer.out_height
        count.last_tile.next = count.tile + 1 == tiles
        count.last_group.next = group + 1 == layer.groups
        count.last_strip.next = count.strip + 1 == strips
        count.last_pass.next = number + 1 == layer.passes

    @always_seq(clk.posedge, reset=rst)
    def advance() -> None:
        if restart:
            number.next = 0
            count.strip.next = 0
            group.next = 0
            count.tile.next = 0
            count.row.next = 0
            count.step.next = 0
            part_row.next = 0
            part_column.next = 0
        elif go:
            part_column.next = part_column + 1
            if count.last_column:
                part_column.next = 0
                part_row.next = part_row + 1
            if count.last_part:
                part_row.next = 0
            count.step.next = count.step + 1
            if count.last_step:
                count.step.next = 0
                count.row.next = count.row + 1
                if count.last_row:
                    count.row.next = 0
                    count.tile.next = count.tile + 1
                    if count.last_tile:
                        count.tile.next = 0
                        group.next = group + 1
                        if count.last_group:
                            group.next = 0
                            count.strip.next = count.strip + 1
                            if count.last_strip:
                                count.strip.next = 0
                                number.next = number + 1

    return instances()


@block
def step_position(
    clk: Any, rst: Any, restart: Any, go: Any, layer: LayerSignals, count: StepCount, strip_y: Any, pool: PoolPorts,
    place: StepControl,
) -> Any:  # fmt: skip
    """Follow the window of the steps.

    Parameters
    ----------
    strip_y : signed Signal
        First row of the input that the present strip's windows reach; negative in the padding.
    pool : PoolPorts
        Its `strip_rows`, a cycle after a step is issued.
    place : StepControl
        Where the window of the next step is: all but the layer's constants.
    """

    def coordinate() -> Any:
        return Signal(intbv(0, min=-COORDINATE, max=COORDINATE))

    def row_address() -> Any:
        return Signal(modbv(0)[ROW_BITS + 2 :])

    def turn() -> Any:
        return Signal(modbv(0)[2:])

    # Slots of the ring: of a pass's first row, and of the first row of the strip's, the row's and the step's window.
    pass_slot, strip_slot, row_slot, step_slot = (row_address() for _ in range(4))
    start_slot, next_pass, next_start, next_row, after_row, after_step = (row_address() for _ in range(6))
    strip_turn, row_turn, next_turn, sum_turn = (Signal(modbv(0)[3:]) for _ in range(4))
    row_y, y, y1, y2 = (coordinate() for _ in range(4))
    tile_pixel, pixel, pixels_left = coordinate(), coordinate(), coordinate()
    channels_left = Signal(modbv(0)[12:])
    channel_part, here, beyond = (row_address() for _ in range(3))
    stride, word_stride = (Signal(modbv(0)[2:]) for _ in range(2))
    word, x_part, x_turn = Signal(modbv(0)[6:]), Signal(modbv(0)[4:]), turn()
    adders = [
        ring_add(pass_slot, layer.pass_advance, layer.ring_words, next_pass),
        ring_add(start_slot, layer.start_slot, layer.ring_words, next_start),
        ring_add(row_slot, layer.slot_words, layer.ring_words, after_row),
        ring_add(step_slot, layer.slot_words, layer.ring_words, after_step),
    ]
    columns = [
        column_address(clk, layer, here, beyond, row_turn, x_turn, pool.strip_rows[c], row=c // 3, word=c % 3)
        for c in range(9)
    ]

    @always_comb
    def look() -> None:
        stride.next = 1 + layer.stride2
        # The strip buffer of a pointwise layer has only the samples that it needs.
        word_stride.next = 1 + (layer.stride2 and not layer.pointwise)
        start_slot.next = 0 if restart else next_pass

    @always_comb
    def turn_row() -> None:
        sum_turn.next = row_turn + stride

    @always_comb
    def find_next_row() -> None:
        if layer.pointwise:
            next_turn.next = 0
            next_row.next = after_row
        elif sum_turn >= 3:
            next_turn.next = sum_turn - 3
            next_row.next = after_row
        else:
            next_turn.next = sum_turn
            next_row.next = row_slot

    @always_seq(clk.posedge, reset=rst)
    def follow_rows() -> None:
        if restart:
            pass_slot.next = 0
            strip_slot.next = next_start
            row_slot.next = next_start
            step_slot.next = next_start
            strip_turn.next = layer.start_turn
            row_turn.next = layer.start_turn
            strip_y.next = -layer.pad_top
            row_y.next = -layer.pad_top
            y.next = -layer.pad_top
        elif go:
            if count.last_part:
                step_slot.next = row_slot
                y.next = row_y
            elif count.last_column:
                step_slot.next = after_step
                y.next = y + 3
            if count.last_step:
                row_slot.next = next_row
                step_slot.next = next_row
                row_turn.next = next_turn
                row_y.next = row_y + stride
                y.next = row_y + stride
                if count.last_row:
                    row_slot.next = strip_slot
                    step_slot.next = strip_slot
                    row_turn.next = strip_turn
                    row_y.next = strip_y
                    y.next = strip_y
                    if count.last_tile and count.last_group:
                        strip_slot.next = next_row
                        row_slot.next = next_row
                        step_slot.next = next_row
                        strip_turn.next = next_turn
                        row_turn.next = next_turn
                        strip_y.next = row_y + stride
                        row_y.next = row_y + stride
                        y.next = row_y + stride
                        if count.last_strip:
                            pass_slot.next = next_pass
                            strip_slot.next = next_start
                            row_slot.next = next_start
                            step_slot.next = next_start
                            strip_turn.next = layer.start_turn
                            row_turn.next = layer.start_turn
                            strip_y.next = -layer.pad_top
                            row_y.next = -layer.pad_top
                            y.next = -layer.pad_top

    @always_seq(clk.posedge, reset=rst)
    def follow_pixels() -> None:
        if restart:
            tile_pixel.next = -layer.pad_left
            pixel.next = -layer.pad_left
            channel_part.next = 0
            channels_left.next = layer.in_channels
        elif go:
            pixel.next = pixel + 3
            if count.last_column:
                pixel.next = tile_pixel
            if count.last_part:
                channel_part.next = channel_part + layer.channel_words
                channels_left.next = channels_left - PIXELS
            if count.last_step:
                channel_part.next = 0
                channels_left.next = layer.in_channels
                if count.last_row:
                    tile_pixel.next = tile_pixel + (word_stride << 3)
                    pixel.next = tile_pixel + (word_stride << 3)
                    if count.last_tile:
                        tile_pixel.next = -layer.pad_left
                        pixel.next = -layer.pad_left

    @always_comb
    def split() -> None:
        y1.next = y + 1
        y2.next = y + 2
        word.next = ((pixel >> 3) + 1) & 0x3F
        pixels_left.next = layer.in_width - pixel

    @always_comb
    def look_up() -> None:
        x_part.next = X_PART[word]
        x_turn.next = X_TURN[word]

    @always_comb
    def add() -> None:
        if layer.pointwise:
            here.next = step_slot + channel_part + word - 1
            beyond.next = step_slot + channel_part + word - 1
        else:
            here.next = step_slot + channel_part + x_part - 1
            beyond.next = after_step + channel_part + x_part - 1

    @always_comb
    def describe_rows() -> None:
        place.row_turn.next = row_turn[2:]
        place.rows_inside.next[0] = y >= 0 and y < layer.in_height
        place.rows_inside.next[1] = y1 >= 0 and y1 < layer.in_height
        place.rows_inside.next[2] = y2 >= 0 and y2 < layer.in_height

    @always_comb
    def describe_pixels() -> None:
        place.word_turn.next = x_turn
        place.shift.next = pixel[3:]
        place.left.next = 0
        if pixel < -ROW_SAMPLES:
            place.left.next = ROW_SAMPLES
        elif pixel < 0:
            place.left.next = -pixel
        place.right.next = ROW_SAMPLES
        if pixels_left < 0:
            place.right.next = 0
        elif pixels_left < ROW_SAMPLES:
            place.right.next = pixels_left
        for i in range(PIXELS):
            place.channels_inside.next[i] = i < channels_left

    return instances()


@block
def ring_add(slot: Any, distance: Any, words: Any, result: Any) -> Any:
    """Go a distance, less than `words`, from a slot in the ring of so many words."""
    total = Signal(modbv(0)[ROW_BITS + 2 :])

    @always_comb
    def add() -> None:
        total.next = slot + distance

    @always_comb
    def wrap() -> None:
        result.next = total
        if total >= words:
            result.next = total - words

    return instances()


@block
def column_address(
    clk: Any, layer: LayerSignals, here: Any, beyond: Any, row_turn: Any, word_turn: Any, address: Any, *,
    row: int, word: int,
) -> Any:  # fmt: skip
    """Address a column of the strip buffer: of row `row` and word `word` modulo three.

    Parameters
    ----------
    here, beyond : Signal
        Address of the window's first row and word; the same in the next slot.
    """
    base, moved = (Signal(modbv(0)[ROW_BITS + 2 :]) for _ in range(2))

    @always_comb
    def choose() -> None:
        base.next = here
        if row < row_turn:
            base.next = beyond

    @always_comb
    def move() -> None:
        moved.next = base
        if word < word_turn and not layer.pointwise:
            moved.next = base + 1

    @always(clk.posedge)
    def store() -> None:
        address.next = moved[ROW_BITS:]

    return instances()
