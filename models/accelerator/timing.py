"""When the parts of layers are done: a model of the accelerator by sets and packets, instead of by cycles.

A *set* is what the array computes without a pause: one group of output channels of one strip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from math import inf

import numpy as np

from silicodec.models.accelerator.checks import WHOLE_MAP
from silicodec.models.accelerator.packets import DCT_CODECS, EBPC_CODECS, RAW, falls_back, plain_codec, rows_of
from silicodec.models.accelerator.program import PIXELS, Descriptor, Early
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.accelerator.weight_packets import PacketSize
from silicodec.models.accelerator.weights import group_words

ROUND = 4
"""Cycles of a round of an addition at least."""
MOST_SETS = 8
"""Sets whose constants have room at once; not more sets are under way."""
SAMPLE_CYCLES = 9
"""From the issue of a row's last step until samples are in the output buffer, without the row's slots."""
WEIGHT_CYCLES = 3
"""From a step's last weight until the step is issued."""
FIND_CYCLES = 3
"""What a packet takes at least: to be found in the table."""
WRITE_CYCLES = 1
"""From a packet's last word in the output buffer's port until it can be read."""
STORE_CYCLES = 5
"""From a packet's last word until its rows are in the strip buffer."""
LOAD_CYCLES = 13
"""From when everything of a layer is read until reading of the next one begins: its descriptor comes."""
BEGIN_CYCLES = 2
"""What the beginning of a layer's computation takes."""
REPORT_CYCLES = 6
"""Between two layers: what happened is judged and reported."""
CODEC_CYCLES = {RAW: 0, **dict.fromkeys(DCT_CODECS, 20), **dict.fromkeys(EBPC_CODECS, 6)}
"""From what enters a codec's engine until the same leaves, where packets follow each other."""
CHOICE_CYCLES = 2
"""From a packet's last word until its first one is sent, where it may be raw."""
CODEC_PACKET_CYCLES = 3
"""What the DCT decoder takes for a packet, besides those for its tiles; rough tiles take longer."""
ROW_PACKET_CYCLES = 1
"""What the EBPC decoder takes for a packet, besides those for its rows."""

WEIGHT_PACKET_CYCLES, WEIGHT_PACKET_LEAST = 5, 9
"""What a packet of coded weights takes besides a cycle a word and one for each word of codes; and at least."""


def sets_at_once(layer: Descriptor, shape: AcceleratorShape) -> int:
    """Return the sets whose results, and whose residuals, have room at once."""
    tiles = _power_of_two(layer.tiles) * (1 if layer.depthwise else _power_of_two(max(2, shape.groups)))
    return min(MOST_SETS, 2 * shape.tile_columns * _power_of_two(max(2, shape.groups)) // tiles)


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()


@dataclass
class LayerTiming:
    """What a layer takes, in cycles.

    Attributes
    ----------
    cycles : int
        From when the one before was reported until its last word is written.
    array, weights, reader, writer : int
        For how long each part is at work.
    """

    cycles: int = 0
    array: int = 0
    weights: int = 0
    reader: int = 0
    writer: int = 0


@dataclass
class _Clock:
    """How far the parts are, in cycles since the program's start; sets and strips in the order of the layer.

    `ready` and `begun` say when reading and computation begin, `read` and `done` when they are over.
    """

    ready: int
    begun: int
    read: int = 0
    done: int = 0
    loaded: list[int] = field(default_factory=list)
    issued: list[int] = field(default_factory=list)
    sampled: list[int] = field(default_factory=list)
    drained: list[int] = field(default_factory=list)
    filled: list[int] = field(default_factory=list)
    added: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)


class ProgramTiming:
    """When the layers of a program are done, one after the other.

    Parameters
    ----------
    shape : AcceleratorShape
        The accelerator.
    """

    def __init__(self, shape: AcceleratorShape) -> None:
        self._shape = shape
        self._before = _Clock(0, 0, done=-REPORT_CYCLES)

    def layer(
        self,
        descriptor: Descriptor,
        inputs: np.ndarray,
        residuals: np.ndarray,
        weight_packets: Sequence[PacketSize] = (),
    ) -> LayerTiming:
        """Find out when the next layer is done.

        Parameters
        ----------
        descriptor : Descriptor
            The layer.
        inputs, residuals : ndarray of int
            Words of each packet of the maps: (strips, channels); `residuals` is empty where nothing is added.
        weight_packets : sequence of PacketSize
            Packets of the layer's weights, if they are coded.
        """
        layer = _Layer(descriptor, self._shape, inputs, residuals, weight_packets, self._before)
        timing = layer.run()
        self._before = layer.clock
        return timing


class _Layer:
    def __init__(
        self, descriptor: Descriptor, shape: AcceleratorShape, inputs: np.ndarray, residuals: np.ndarray,
        weight_packets: Sequence[PacketSize], before: _Clock,
    ) -> None:  # fmt: skip
        self._layer, self._shape, self._before = descriptor, shape, before
        self._channels = 1 if descriptor.depthwise else shape.groups
        self._round = max(shape.row_cycles, ROUND)
        self._room = sets_at_once(descriptor, shape)
        self._start = before.done + REPORT_CYCLES
        ready = before.read + LOAD_CYCLES
        self.clock = _Clock(ready, max(self._start, ready) + BEGIN_CYCLES)
        self._total = LayerTiming()
        self._sets = list(product(range(descriptor.passes), range(descriptor.strips), range(descriptor.groups)))
        self._inputs = self._input_costs(inputs)
        self._residuals = self._residual_costs(residuals) if descriptor.add else []
        self._loads = self._load_costs(weight_packets)

    def _input_costs(self, lengths: np.ndarray) -> list[np.ndarray]:
        """Return what the reader takes for each packet of each strip, in the order of the layer."""
        costs = self._read_cycles(lengths, self._layer.in_codec, self._layer.in_height, self._layer.in_tiles)
        if self._layer.depthwise:
            return [
                costs[strip, channel : channel + 1] for channel in range(costs.shape[1]) for strip in range(len(costs))
            ]
        return list(costs)

    def _residual_costs(self, lengths: np.ndarray) -> list[np.ndarray]:
        costs = self._read_cycles(lengths, self._layer.residual_codec, self._layer.out_height, self._layer.tiles)
        return [
            costs[strip, part + group * self._channels : part + (group + 1) * self._channels]
            for part, strip, group in self._sets
        ]

    def _load_costs(self, packets: Sequence[PacketSize]) -> np.ndarray:
        """Return the cycles that the weights of each set take, with those of the packets that begin there."""
        words = group_words(self._layer, self._shape.groups)
        costs = np.full(len(self._sets), words)
        first = 0
        for packet in packets:
            costs[first // words] += max(packet.code_words + WEIGHT_PACKET_CYCLES, WEIGHT_PACKET_LEAST)
            first += packet.words
        return costs

    def _read_cycles(self, lengths: np.ndarray, codec: int, height: int, tiles: int) -> np.ndarray:
        """Return what the reader takes for packets of some lengths, (strips, channels)."""
        if falls_back(codec):
            raw = lengths == np.array([[rows_of(height, strip) * tiles] for strip in range(len(lengths))])
            # A raw packet waits until a coded one before it has left the decoder.
            in_order = raw.T if self._layer.depthwise else raw
            after_coded = ~np.roll(in_order, 1)
            after_coded.flat[0] = False
            waits = (after_coded.T if self._layer.depthwise else after_coded) * _codec_cycles(codec)
            coded = self._read_cycles(lengths, plain_codec(codec), height, tiles)
            return np.where(raw, np.maximum(lengths, FIND_CYCLES) + waits, coded)
        if codec == RAW:
            return np.maximum(lengths, FIND_CYCLES)
        if codec in EBPC_CODECS:
            rows = np.array([[rows_of(height, strip) * tiles] for strip in range(len(lengths))])
            return np.maximum(np.maximum(lengths, rows) + ROW_PACKET_CYCLES, FIND_CYCLES)
        return np.maximum(lengths, PIXELS * tiles) + CODEC_PACKET_CYCLES

    def run(self) -> LayerTiming:
        """Let reader and array take turns: each goes on as far as the other one allows."""
        layer, clock, total = self._layer, self.clock, self._total
        now, strip, packet, count = clock.ready, 0, 0, 0
        while len(clock.issued) < len(self._sets) or strip < len(self._inputs):
            if len(clock.issued) < len(self._sets) and self._issue():
                continue
            residual, room = self._residual_time(), self._input_time(strip, count)
            if min(residual, room) == inf:
                raise AssertionError("the strip buffer is too small for the layer")
            now = max(now, int(min(residual, room)))
            if residual <= now:
                now += int(self._residuals[len(clock.added)].sum())
                clock.added.append(now + STORE_CYCLES + _codec_cycles(layer.residual_codec))
                continue
            now += int(self._inputs[strip][packet])
            packet, count = packet + 1, count + 1
            if packet == len(self._inputs[strip]):
                clock.filled.append(now + STORE_CYCLES + _codec_cycles(layer.in_codec))
                strip, packet = strip + 1, 0
        total.reader = int(sum(part.sum() for part in self._inputs) + sum(part.sum() for part in self._residuals))
        clock.read = max(clock.begun, clock.filled[-1], clock.loaded[-1], *clock.added[-1:])
        clock.done = max(clock.drained[-1] + self._late_cycles(), clock.read)
        total.cycles = clock.done - self._start
        return total

    def _residual_time(self) -> float:
        """When the next set of the residual has room."""
        number = len(self.clock.added)
        if number == len(self._residuals):
            return inf
        begun = 0 if self._layer.residual_early else self.clock.begun
        return max(begun, _at(self.clock.sampled, number - self._room))

    def _input_time(self, strip: int, packet: int) -> float:
        """When the next packet of the input, by its number in the layer's order, is there and has room."""
        if strip == len(self._inputs):
            return inf
        there = self._before.done
        if self._layer.early == Early.ANY:
            there = 0
        elif self._layer.early == Early.AS_WRITTEN:
            # A depthwise layer goes through the strips of a channel first.
            strips, channels = self._layer.in_strips, self._layer.in_channels
            number = packet % strips * channels + packet // strips if self._layer.depthwise else packet
            written = self._before.written
            if len(written) != strips * channels:
                # It is a part of the input, which has the others beside it, strip by strip.
                number = (number // channels + 1) * len(written) // strips - 1
            there = min(there, written[number])
        return max(there, self._room_time(strip))

    def _room_time(self, number: int) -> float:
        """When the next strip of the input has room."""
        layer = self._layer
        if layer.capacity == WHOLE_MAP:
            return 0
        part, strip = divmod(number, layer.in_strips)
        end = part * layer.pass_rows + PIXELS * (strip + 1)
        for place in range(layer.passes * layer.strips):
            if self._first_row(place) + layer.capacity >= end:
                return _at(self.clock.issued, place * layer.groups - 1)
        return inf

    def _first_row(self, place: int) -> int:
        """Return the first row of the input that a strip of the output needs, over all passes."""
        layer = self._layer
        part, strip = divmod(place, layer.strips)
        return part * layer.pass_rows + max(0, PIXELS * strip * (1 + layer.stride2) - layer.pad_top)

    def _issue(self) -> bool:
        """Compute the next set if its maps are known to come; tell whether they are."""
        layer, clock = self._layer, self.clock
        number = len(clock.issued)
        part, strip, group = self._sets[number]
        need = part * layer.in_strips + min(layer.need_first + strip * (1 + layer.stride2), layer.in_strips)
        maps = [_at(clock.filled, need - 1), _at(clock.added, number) if layer.add else 0]
        if inf in maps:
            return False
        rows = rows_of(layer.out_height, strip) * layer.tiles
        cycles, pause = layer.steps * self._shape.step_cycles, self._pause()
        start = max(
            clock.begun, int(max(maps)), _known(clock.issued, number - 1), _known(clock.drained, number - self._room)
        )
        first = max(start + cycles, _known(clock.issued, number - 1) + pause, self._load(number) + WEIGHT_CYCLES)
        clock.issued.append(first + (rows - 1) * max(cycles, pause))
        rounds = 2 * self._round if layer.add else 0
        clock.sampled.append(clock.issued[-1] + SAMPLE_CYCLES + rounds + self._channels * self._shape.word_cycles)
        members = min(self._channels, layer.out_channels - group * self._channels)
        packet = layer.tiles * (
            rows_of(layer.out_height, strip) if plain_codec(layer.out_codec) not in DCT_CODECS else PIXELS
        )
        begins = max(_known(clock.drained, number - 1), clock.sampled[-1])
        late = self._late_cycles() + WRITE_CYCLES
        clock.written += [begins + packet * (member + 1) + late for member in range(members)]
        clock.drained.append(begins + packet * members)
        self._total.array += rows * max(cycles, pause)
        self._total.writer += packet * members
        return True

    def _late_cycles(self) -> int:
        """Return the cycles from a packet's last row until its last word, which may be that of a raw packet."""
        layer = self._layer
        whole = CHOICE_CYCLES + min(PIXELS, layer.out_height) * layer.tiles if falls_back(layer.out_codec) else 0
        return _codec_cycles(layer.out_codec) + whole

    def _pause(self) -> int:
        """Return the cycles that the requantiser takes for a row."""
        if self._layer.add:
            return 3 * self._round
        return self._channels * self._shape.word_cycles

    def _load(self, number: int) -> int:
        """Return when the weights of a set have come; the ring holds those of some sets, and of a part of one more."""
        layer, clock = self._layer, self.clock
        step_words = self._channels + (not layer.pointwise)
        constants = number - MOST_SETS
        free = clock.sampled[constants] if constants >= 0 else _known(self._before.sampled[constants:], 0)
        start = max(clock.ready, _known(clock.loaded, number - 1), free)
        whole, rest = divmod(self._shape.weight_words, layer.steps)
        end = start + int(self._loads[number])
        if number >= whole:
            end = max(end, clock.issued[number - whole] + (layer.steps - rest) * step_words)
        clock.loaded.append(end)
        self._total.weights += int(self._loads[number])
        return end


def _codec_cycles(codec: int) -> int:
    return CODEC_CYCLES[plain_codec(codec)]


def _at(times: list[int], number: int) -> float:
    """Return the time of a number: 0 before the first one, infinity where it is not known yet."""
    if number < 0:
        return 0
    return times[number] if number < len(times) else inf


def _known(times: list[int], number: int) -> int:
    return times[number] if 0 <= number < len(times) else 0
