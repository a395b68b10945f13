"""Reference of the accelerator: a program run in NumPy, with every word that the hardware writes or sends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from silicodec.models.accelerator.checks import check_header, check_layer
from silicodec.models.accelerator.layer_output import added, convolved, padded, read_weights
from silicodec.models.accelerator.packets import (
    EBPC_CODECS,
    MOST_TILE_WORDS,
    RAW,
    codec_of_packet,
    decode_checked,
    encode,
    falls_back,
    plain_codec,
    rows_of,
)
from silicodec.models.accelerator.program import (
    COLUMNS,
    LAYOUT,
    PIXELS,
    Descriptor,
    Source,
    Status,
    Target,
    WeightCodec,
)
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.accelerator.weight_packets import decode_packet, packet_size
from silicodec.models.accelerator.weights import group_words, layer_words
from silicodec.models.errors import CorruptDataError

_Packet = tuple[int, int, np.ndarray, int]
"""Channel and strip of a packet, its words, and how it is coded: a codec word without the fallback."""


@dataclass
class Run:
    """What a program gives.

    Attributes
    ----------
    maps : list of ndarray
        The output of every layer as it was computed: int8, (C, H, W).
    report, scores : list of int, ndarray
        Words of the streams; `scores` is None where the program ended before its last layer.
    spilled : list of ndarray
        Packets of `spill`, in their order.
    refilled : list of ndarray
        Packets that `refill` has to bring, in their order.
    layer_words : list of int
        Words that each layer wrote.
    packets : list of list of ndarray
        Packets that each layer made, by their number.
    """

    maps: list[np.ndarray] = field(default_factory=list)
    report: list[int] = field(default_factory=list)
    scores: np.ndarray | None = None
    spilled: list[np.ndarray] = field(default_factory=list)
    refilled: list[np.ndarray] = field(default_factory=list)
    layer_words: list[int] = field(default_factory=list)
    packets: list[list[np.ndarray]] = field(default_factory=list)

    @property
    def status(self) -> Status:
        """How the program ended."""
        return Status(self.report[-1] >> 8 & 0xFF)


class Accelerator:
    """An accelerator, with what its memory holds from one program to the next.

    Parameters
    ----------
    shape : AcceleratorShape
        How large it is built.
    """

    def __init__(self, shape: AcceleratorShape) -> None:
        self.shape = shape
        self._memory = np.zeros(shape.rows * COLUMNS, np.uint64)
        self._table: dict[int, tuple[int, int] | np.ndarray] = {}
        self._lost = self._has_spilled = False

    def run(self, program: Sequence[int] | np.ndarray, weights: np.ndarray, pixels: np.ndarray) -> Run:
        """Run a program.

        Parameters
        ----------
        program, weights, pixels : ndarray of uint64
            A packet of each stream.

        Returns
        -------
        Run
            Everything that comes out.
        """
        result = Run()
        words = [int(word) for word in program]
        status, count = check_header(words[0])
        if status:
            result.report.append(status << 8)
            return result
        sources = {"weights": _Words(weights), "pixels": _Words(pixels)}
        position = 1
        for number in range(count):
            chunk = words[position : position + len(LAYOUT)]
            position += len(LAYOUT)
            if len(chunk) < len(LAYOUT):
                result.report.append(number | Status.BAD_HEADER << 8)
                return result
            descriptor = Descriptor.from_words(chunk)
            status = check_layer(descriptor, self.shape)
            if status:
                result.report.append(number | status << 8)
                return result
            last = number == count - 1
            word = self._layer(descriptor, sources, result, last)
            result.report.append(number | word)
            if result.status:
                return result
        return result

    def _layer(self, descriptor: Descriptor, sources: dict[str, _Words], result: Run, last: bool) -> int:
        """Run a layer; returns its report word without the number."""
        brought: list[tuple[tuple[int, int], np.ndarray]] = []
        self._lost, self._has_spilled = False, bool(result.spilled)
        source = self._read_input(descriptor, sources["pixels"], brought)
        own = self._convolve(descriptor, source, sources["weights"])
        if descriptor.add:
            own = added(descriptor, own, self._read_residual(descriptor, brought))
        if descriptor.ordered:
            brought.sort(key=lambda packet: packet[0])
        result.refilled += [words for _, words in brought]
        result.maps.append(own)
        spilled, words, overflow = self._write(descriptor, own, result)
        status = Status.BAD_PACKET if self._lost else Status.OVERFLOW if overflow else Status.DONE
        for name, error in (("pixels", Status.BAD_PIXELS), ("weights", Status.BAD_WEIGHTS)):
            if sources[name].short or (last and sources[name].left):
                status = error
        return status << 8 | spilled << 16 | words << 32

    def _read_input(self, descriptor: Descriptor, pixels: _Words, brought: list[Any]) -> np.ndarray:
        shape = (descriptor.in_channels, descriptor.in_height, descriptor.in_width)
        if descriptor.source == Source.PIXELS:
            return self._assemble(
                shape,
                (
                    (channel, strip, pixels.take(rows_of(shape[1], strip) * descriptor.in_tiles), RAW)
                    for channel, strip in _order(shape, descriptor.depthwise)
                ),
            )
        strips = [(_first_reader(descriptor, strip), 0) for strip in range(descriptor.in_strips)]
        table = descriptor.in_table, descriptor.in_step
        packets = self._fetch(shape, table, descriptor.in_codec, descriptor.depthwise, brought, strips)
        return self._assemble(shape, packets)

    def _read_residual(self, descriptor: Descriptor, brought: list[Any]) -> np.ndarray:
        shape = (descriptor.out_channels, descriptor.out_height, descriptor.out_width)
        strips = [(strip, 1) for strip in range(descriptor.strips)]
        table = descriptor.residual_table, descriptor.residual_step
        packets = self._fetch(shape, table, descriptor.residual_codec, descriptor.depthwise, brought, strips)
        return self._assemble(shape, packets)

    def _fetch(
        self,
        shape: tuple[int, int, int],
        table: tuple[int, int],
        codec: int,
        depthwise: bool,
        brought: list[Any],
        keys: list[tuple[int, int]],
    ) -> Iterator[_Packet]:
        """Yield the packets of a map; list those that are brought back, by their strip's key."""
        entry, step = table
        plain = plain_codec(codec)
        for channel, strip in _order(shape, depthwise):
            place = self._table.get((entry + strip * step + channel) % self.shape.packets, (0, 0))
            wanted = rows_of(shape[1], strip) * -(-shape[2] // PIXELS)
            if isinstance(place, np.ndarray) and not self._has_spilled:
                place = 0, 0
            most = wanted if falls_back(codec) else -(-shape[2] // PIXELS) * MOST_TILE_WORDS
            size = rows_of(shape[1], strip), shape[2]
            if isinstance(place, tuple) and (place[1] != wanted if codec == RAW else not 0 < place[1] <= most):
                self._lost = True
                nothing = np.zeros(1, np.uint64) if plain in EBPC_CODECS else encode(np.zeros(size, np.int8), plain)
                yield channel, strip, nothing, plain
            elif isinstance(place, np.ndarray):
                brought.append((keys[strip], place))
                yield channel, strip, place, codec_of_packet(codec, len(place), size)
            else:
                words = self._memory[place[0] : place[0] + place[1]]
                yield channel, strip, words, codec_of_packet(codec, place[1], size)

    def _assemble(self, shape: tuple[int, int, int], packets: Iterator[_Packet]) -> np.ndarray:
        result = np.zeros(shape, np.int8)
        for channel, strip, words, codec in packets:
            rows = rows_of(shape[1], strip)
            samples, sound = decode_checked(words, codec, (rows, shape[2]))
            result[channel, PIXELS * strip : PIXELS * strip + rows] = samples
            self._lost |= not sound
        return result

    def _convolve(self, descriptor: Descriptor, source: np.ndarray, words: _Words) -> np.ndarray:
        """Compute a layer's own result: strips with the same weights at once."""
        channels, height, width = descriptor.out_channels, descriptor.out_height, descriptor.out_width
        result = np.zeros((channels, height, width), np.int8)
        surrounded = padded(descriptor, source)
        chunks = _by_strip(descriptor, words, self.shape.groups)
        alike = bool((chunks == chunks[0]).all())
        for strip in range(1 if alike else descriptor.strips):
            rows = slice(0, height) if alike else slice(PIXELS * strip, min(PIXELS * (strip + 1), height))
            weights = read_weights(chunks[strip], descriptor, self.shape.groups)
            result[:, rows] = convolved(descriptor, surrounded, weights, rows)
        return result

    def _write(self, descriptor: Descriptor, samples: np.ndarray, result: Run) -> tuple[int, int, bool]:
        """Write the output; returns packets spilled, words written and whether a packet had no room."""
        position, free = descriptor.out_row * COLUMNS, descriptor.out_words
        spilled = written = 0
        overflow = False
        scores, packets = [], []
        for channel, strip in _order(samples.shape, descriptor.depthwise):
            words = encode(samples[channel, PIXELS * strip : PIXELS * (strip + 1)], descriptor.out_codec)
            packets.append(words)
            entry = (descriptor.out_table + strip * descriptor.out_step + channel) % self.shape.packets
            if descriptor.target == Target.SCORES:
                scores.append(words)
            elif free >= descriptor.packet_words:
                self._table[entry] = position, len(words)
                self._memory[position : position + len(words)] = words
                position, free = position + len(words), free - len(words)
            elif descriptor.target == Target.SPILL:
                self._table[entry] = words
                result.spilled.append(words)
                spilled += 1
            else:
                overflow = True
                continue
            written += len(words)
        result.packets.append(packets)
        result.layer_words.append(written)
        if descriptor.target == Target.SCORES:
            result.scores = np.concatenate(scores)
        return spilled, written, overflow


class _Words:
    """Words of a packet, as they are taken; after its end come zeros."""

    def __init__(self, words: np.ndarray) -> None:
        self._words = words
        self._position = 0
        self.short = False

    @property
    def left(self) -> int:
        """How many words were not taken."""
        return max(0, len(self._words) - self._position)

    def take_coded(self, count: int) -> np.ndarray:
        """Take packets of coded weights that stand for so many words; after a malformed one the rest is missing."""
        parts = [np.empty(0, np.uint64)]
        try:
            while count > 0 and not self.short:
                header = self.take(1)
                packet = np.append(header, self.take(packet_size(int(header[0])).length - 1))
                parts.append(decode_packet(packet))
                count -= len(parts[-1])
        except CorruptDataError:
            self.short = True
        self.short |= count != 0
        words = np.concatenate(parts)
        return words[:count] if count < 0 else np.append(words, np.zeros(count, np.uint64))

    def take(self, count: int) -> np.ndarray:
        """Take words."""
        words = self._words[self._position : self._position + count]
        self._position += count
        self.short |= len(words) < count
        return np.append(words, np.zeros(count - len(words), np.uint64))


def _order(shape: Sequence[int], depthwise: bool) -> Iterator[tuple[int, int]]:
    """Yield channel and strip of a map's packets in the order of a layer."""
    channels, strips = shape[0], -(-shape[1] // PIXELS)
    if depthwise:
        yield from ((channel, strip) for channel in range(channels) for strip in range(strips))
    else:
        yield from ((channel, strip) for strip in range(strips) for channel in range(channels))


def _first_reader(descriptor: Descriptor, strip: int) -> int:
    """Return the first strip of the output that needs a strip of the input."""
    return max(0, -(-(strip + 1 - descriptor.need_first) // (1 + descriptor.stride2)))


def _by_strip(descriptor: Descriptor, words: _Words, groups: int) -> np.ndarray:
    """Take the weights of a layer: (strips, groups or channels, words)."""
    size = group_words(descriptor, groups)
    count = layer_words(descriptor, groups)
    taken = words.take(count) if descriptor.weight_codec == WeightCodec.PLAIN else words.take_coded(count)
    if descriptor.depthwise:
        return taken.reshape(descriptor.passes, descriptor.strips, size).transpose(1, 0, 2)
    return taken.reshape(descriptor.strips, -1, size)


def run_program(shape: AcceleratorShape, program: np.ndarray, weights: np.ndarray, pixels: np.ndarray) -> Run:
    """Run one program on an accelerator with an empty memory; arguments as of `Accelerator.run`."""
    return Accelerator(shape).run(program, weights, pixels)


def pixel_words(image: np.ndarray, *, depthwise: bool = False) -> np.ndarray:
    """Return the packet of the `pixels` stream for an image: int8, (C, H, W)."""
    return np.concatenate(
        [
            encode(image[channel, PIXELS * strip : PIXELS * (strip + 1)], RAW)
            for channel, strip in _order(image.shape, depthwise)
        ]
    )
