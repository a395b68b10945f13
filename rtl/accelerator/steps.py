"""Steps of a layer: which one is next, and where its window is in the strip buffer."""

from __future__ import annotations

from copy import copy
from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, instances, modbv

from silicodec.models.accelerator.program import PIXELS
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.layer import LayerSignals
from silicodec.rtl.accelerator.pool import ROW_BITS
from silicodec.rtl.accelerator.window_place import WindowPlace, coordinate

MOST_WORDS = 63
"""Words of a row that can be addressed."""
X_PART = tuple(word // 3 + 1 for word in range(-1, MOST_WORDS))
X_TURN = tuple(word % 3 for word in range(-1, MOST_WORDS))
"""Which three of a row's words word -1, 0, 1 ... is in, plus 1; and which one of them it is."""


class StepCount:
    """Which row of which tile the next step is of, and whether it is the first or last one of the loops around it."""

    def __init__(self, shape: AcceleratorShape) -> None:
        self.step_bits = (shape.weight_words - 1).bit_length()
        self.tile: Any = Signal(modbv(0)[(shape.tile_columns - 1).bit_length() :])
        self.row: Any = Signal(modbv(0)[3:])
        self.first_step: Any = Signal(bool(0))
        self.last_column: Any = Signal(bool(0))
        self.last_part: Any = Signal(bool(0))
        self.last_step: Any = Signal(bool(0))
        self.last_row: Any = Signal(bool(0))
        self.last_tile: Any = Signal(bool(0))
        self.last_group: Any = Signal(bool(0))
        self.last_strip: Any = Signal(bool(0))
        self.last_pass: Any = Signal(bool(0))

    def by_rows(self) -> StepCount:
        """Return the same, but for signals of its own of what is the first and the last step of a sum."""
        other = copy(self)
        other.first_step, other.last_step = Signal(bool(0)), Signal(bool(0))
        return other


@block
def step_counter(clk: Any, rst: Any, restart: Any, go: Any, layer: LayerSignals, count: StepCount) -> Any:
    """Count steps: pass, strip, group of channels, tile, row, channel, part of the kernel.

    What is left of each loop is counted down, so that its end is a comparison with zero.
    """
    passes_left, groups_left = Signal(modbv(0)[11:]), Signal(modbv(0)[10:])
    steps_left = Signal(modbv(0)[count.step_bits :])
    strips_left, more_strips, last_tile = (Signal(modbv(0)[6:]) for _ in range(3))
    rows_left, columns_left = (Signal(modbv(0)[4:]) for _ in range(2))
    last_row = Signal(modbv(0)[3:])

    @always_comb
    def divide() -> None:
        more_strips.next = (layer.out_height - 1) >> 3
        last_row.next = (layer.out_height - 1) & 7
        last_tile.next = (layer.out_width - 1) >> 3

    @always_comb
    def find_ends() -> None:
        count.last_column.next = columns_left == 0
        count.last_part.next = columns_left == 0 and rows_left == 0
        count.last_step.next = steps_left == 0
        count.last_row.next = count.row == PIXELS - 1 or (strips_left == 0 and count.row == last_row)
        count.last_tile.next = count.tile == last_tile
        count.last_group.next = groups_left == 0
        count.last_strip.next = strips_left == 0
        count.last_pass.next = passes_left == 0

    @always_seq(clk.posedge, reset=rst)
    def advance() -> None:
        if restart:
            passes_left.next = layer.passes - 1
            strips_left.next = more_strips
            groups_left.next = layer.groups - 1
            count.tile.next = 0
            count.row.next = 0
            count.first_step.next = True
            steps_left.next = layer.steps - 1
            rows_left.next = layer.kernel_rows - 1
            columns_left.next = layer.kernel_columns - 1
        elif go:
            columns_left.next = columns_left - 1
            if count.last_column:
                columns_left.next = layer.kernel_columns - 1
                rows_left.next = rows_left - 1
            if count.last_part:
                rows_left.next = layer.kernel_rows - 1
            count.first_step.next = count.last_step
            steps_left.next = steps_left - 1
            if count.last_step:
                steps_left.next = layer.steps - 1
                count.row.next = count.row + 1
                if count.last_row:
                    count.row.next = 0
                    count.tile.next = count.tile + 1
                    if count.last_tile:
                        count.tile.next = 0
                        groups_left.next = groups_left - 1
                        if count.last_group:
                            groups_left.next = layer.groups - 1
                            strips_left.next = strips_left - 1
                            if count.last_strip:
                                strips_left.next = more_strips
                                passes_left.next = passes_left - 1

    return instances()


class Slots:
    """Slots of the ring: of the first row of the pass's, the strip's, the row's and the step's window."""

    def __init__(self) -> None:
        self.start, self.strip, self.row, self.step = (slot_signal() for _ in range(4))


class SlotMoves:
    """Where slots go: at the beginning of a layer, with the next pass, row, and row of the kernel's parts."""

    def __init__(self) -> None:
        self.first, self.next_pass, self.next_row, self.next_part = (slot_signal() for _ in range(4))


def slot_signal() -> Any:
    """Make a signal for a row of the ring, wide enough for the sum of two."""
    return Signal(modbv(0)[ROW_BITS + 2 :])


@block
def follow_slots(clk: Any, restart: Any, go: Any, count: StepCount, slots: Slots, moves: SlotMoves) -> Any:
    """Follow the slots of the steps."""

    @always(clk.posedge)
    def follow() -> None:
        if restart:
            slots.start.next = moves.first
            slots.strip.next = moves.first
            slots.row.next = moves.first
            slots.step.next = moves.first
        elif go:
            if count.last_part:
                slots.step.next = slots.row
            elif count.last_column:
                slots.step.next = moves.next_part
            if count.last_step:
                slots.row.next = moves.next_row
                slots.step.next = moves.next_row
                if count.last_row:
                    slots.row.next = slots.strip
                    slots.step.next = slots.strip
                    if count.last_tile and count.last_group:
                        slots.strip.next = moves.next_row
                        slots.row.next = moves.next_row
                        slots.step.next = moves.next_row
                        if count.last_strip:
                            slots.start.next = moves.next_pass
                            slots.strip.next = moves.next_pass
                            slots.row.next = moves.next_pass
                            slots.step.next = moves.next_pass

    return instances()


@block
def step_position(
    clk: Any, rst: Any, restart: Any, go: Any, layer: LayerSignals, count: StepCount, strip_y: Any, place: WindowPlace
) -> Any:
    """Follow the window of the steps.

    Parameters
    ----------
    strip_y : signed Signal
        First row of the input that the present strip's windows reach; negative in the padding.
    place : WindowPlace
        Where the window of the next step is.
    """
    # Each slot is followed together with the one after it, so that neither waits for a sum.
    here, after, here_moves, after_moves = Slots(), Slots(), SlotMoves(), SlotMoves()
    slots = [
        follow_slots(clk, restart, go, count, here, here_moves),
        follow_slots(clk, restart, go, count, after, after_moves),
    ]
    row_beyond = slot_signal()
    adders = [
        ring_add(here.start, layer.pass_advance, layer.ring_words, here_moves.next_pass),
        ring_add(after.start, layer.pass_advance, layer.ring_words, after_moves.next_pass),
        ring_add(here_moves.first, layer.slot_words, layer.ring_words, after_moves.first),
        ring_add(after.row, layer.slot_words, layer.ring_words, row_beyond),
        ring_add(after.step, layer.slot_words, layer.ring_words, after_moves.next_part),
    ]
    strip_turn, row_turn, next_turn, sum_turn = (Signal(modbv(0)[3:]) for _ in range(4))
    row_y, y, next_y = (coordinate() for _ in range(3))
    tile_pixel, next_tile, pixel = (coordinate() for _ in range(3))
    channels_left = Signal(modbv(0)[12:])
    channel_part = Signal(modbv(0)[ROW_BITS:])
    word, x_part, x_turn = Signal(modbv(0)[6:]), Signal(modbv(0)[6:]), Signal(modbv(0)[2:])

    @always_comb
    def look() -> None:
        sum_turn.next = row_turn + 1 + layer.stride2
        next_y.next = row_y + 1 + layer.stride2
        next_tile.next = tile_pixel + PIXELS
        # The strip buffer of a pointwise layer has only the samples that it needs.
        if layer.stride2 and not layer.pointwise:
            next_tile.next = tile_pixel + 2 * PIXELS

    @always_comb
    def move_slots() -> None:
        here_moves.first.next = layer.start_slot
        here_moves.next_part.next = after.step
        here_moves.next_row.next = after.row
        after_moves.next_row.next = row_beyond
        next_turn.next = sum_turn - 3
        if layer.pointwise:
            next_turn.next = 0
        elif sum_turn < 3:
            next_turn.next = sum_turn
            here_moves.next_row.next = here.row
            after_moves.next_row.next = after.row

    @always_seq(clk.posedge, reset=rst)
    def follow_rows() -> None:
        if restart:
            strip_turn.next = layer.start_turn
            row_turn.next = layer.start_turn
            strip_y.next = -layer.pad_top
            row_y.next = -layer.pad_top
            y.next = -layer.pad_top
        elif go:
            if count.last_part:
                y.next = row_y
            elif count.last_column:
                y.next = y + 3
            if count.last_step:
                row_turn.next = next_turn
                row_y.next = next_y
                y.next = next_y
                if count.last_row:
                    row_turn.next = strip_turn
                    row_y.next = strip_y
                    y.next = strip_y
                    if count.last_tile and count.last_group:
                        strip_turn.next = next_turn
                        row_turn.next = next_turn
                        strip_y.next = next_y
                        row_y.next = next_y
                        y.next = next_y
                        if count.last_strip:
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
                    tile_pixel.next = next_tile
                    pixel.next = next_tile
                    if count.last_tile:
                        tile_pixel.next = -layer.pad_left
                        pixel.next = -layer.pad_left

    @always_comb
    def split() -> None:
        word.next = ((pixel >> 3) + 1) & 0x3F

    @always_comb
    def look_up() -> None:
        x_part.next = X_PART[word]
        x_turn.next = X_TURN[word]

    @always_comb
    def address() -> None:
        if layer.pointwise:
            place.here.next = here.step[ROW_BITS:] + channel_part + word - 1
            place.beyond.next = here.step[ROW_BITS:] + channel_part + word - 1
        else:
            place.here.next = here.step[ROW_BITS:] + channel_part + x_part - 1
            place.beyond.next = after.step[ROW_BITS:] + channel_part + x_part - 1

    @always_comb
    def tell() -> None:
        place.row_turn.next = row_turn[2:]
        place.word_turn.next = x_turn
        place.y.next = y
        place.pixel.next = pixel
        place.channels_left.next = channels_left

    return instances()


@block
def ring_add(slot: Any, distance: Any, words: Any, result: Any) -> Any:
    """Go a distance, less than `words`, from a slot in the ring of so many words."""
    total = Signal(modbv(0)[ROW_BITS + 2 :])
    # Below zero, as its top bit says, if the sum stays within the ring.
    wrapped = Signal(modbv(0)[ROW_BITS + 3 :])

    @always_comb
    def add() -> None:
        total.next = slot + distance
        wrapped.next = slot + distance - words

    @always_comb
    def choose() -> None:
        result.next = wrapped[ROW_BITS + 2 :]
        if wrapped[ROW_BITS + 2]:
            result.next = total

    return instances()
