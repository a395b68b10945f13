"""What a compiled network takes on an accelerator: cycles, memory and traffic, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from silicodec.models.accelerator.compiler import Program
from silicodec.models.accelerator.layers import Shape
from silicodec.models.accelerator.packets import rows_of
from silicodec.models.accelerator.program import COLUMNS, PIXELS, Source, WeightCodec
from silicodec.models.accelerator.reference import Run
from silicodec.models.accelerator.timing import REPORT_CYCLES, LayerTiming, ProgramTiming
from silicodec.models.accelerator.weight_packets import PacketSize, packet_sizes

PARTS = ("array", "weights", "reader", "writer")


@dataclass(frozen=True)
class LayerPlan:
    """What a layer takes.

    Attributes
    ----------
    name : str
        Name of its output.
    macs : int
        Multiplications.
    timing : LayerTiming
        Cycles.
    raw_words, words : int
        Words of the output, raw and as they are stored or sent.
    spilled_words : int
        Of these, the words that go to external memory.
    strip_words, region_words : int
        Words of the memory that are the strip buffer's, and its output's.
    weight_words, plain_weight_words : int
        Words of its weights, as they are sent and as they are.
    """

    name: str
    macs: int
    timing: LayerTiming
    raw_words: int
    words: int
    spilled_words: int
    strip_words: int
    region_words: int
    weight_words: int
    plain_weight_words: int

    @property
    def cycles(self) -> int:
        """Cycles with those of its report."""
        return self.timing.cycles + REPORT_CYCLES

    @property
    def limit(self) -> str:
        """The part that is at work for longest: array, weights, reader or writer."""
        return max(PARTS, key=lambda name: getattr(self.timing, name))


def plan(program: Program, run: Run) -> list[LayerPlan]:
    """Plan every layer of a program.

    Parameters
    ----------
    program : Program
        A compiled network.
    run : Run
        What its reference gave for an image: packets are as long as that image makes them.
    """
    lengths: dict[int, np.ndarray] = {}
    result = []
    timing = ProgramTiming(program.shape)

    def joined(number: int) -> np.ndarray:
        return np.concatenate([lengths[part] for part in program.graph.parts(number)], axis=1)

    spilled = iter(run.spilled)
    for layer, descriptor, packets, report, plain, weights in zip(
        *(program.graph.layers, program.descriptors, run.packets, run.report),
        *(program.plain_words, _weight_packets(program)),
        strict=True,
    ):
        outputs = _by_strip(packets, layer.out_shape, depthwise=layer.depthwise)
        from_pixels = descriptor.source == Source.PIXELS
        inputs = _raw_lengths(layer.in_shape) if from_pixels else joined(layer.source)
        residuals = joined(layer.residual.tensor) if layer.residual else np.zeros((0, 0), int)
        away = sum(len(next(spilled)) for _ in range(report >> 16 & 0xFFFF))
        result.append(
            LayerPlan(
                name=layer.name,
                macs=layer.macs,
                timing=timing.layer(descriptor, inputs, residuals, weights),
                raw_words=int(_raw_lengths(layer.out_shape).sum()),
                words=int(outputs.sum()),
                spilled_words=away,
                strip_words=COLUMNS * descriptor.strip_banks * program.shape.bank_depth,
                region_words=descriptor.out_words,
                weight_words=sum(packet.length for packet in weights) if weights else plain,
                plain_weight_words=plain,
            )
        )
        lengths[layer.output] = outputs
    return result


def _weight_packets(program: Program) -> list[list[PacketSize]]:
    """Return the packets of each layer's weights; none where they are plain."""
    result: list[list[PacketSize]] = []
    position = 0
    for descriptor, plain in zip(program.descriptors, program.plain_words, strict=True):
        coded = descriptor.weight_codec != WeightCodec.PLAIN
        result.append(packet_sizes(program.weights[position:], plain) if coded else [])
        position += sum(packet.length for packet in result[-1]) if coded else plain
    return result


def _by_strip(packets: list[np.ndarray], shape: Shape, *, depthwise: bool) -> np.ndarray:
    """Return the words of packets in the order of a layer as (strips, channels)."""
    counts = np.array([len(words) for words in packets])
    return counts.reshape(shape[0], -1).T if depthwise else counts.reshape(-1, shape[0])


def _raw_lengths(shape: Shape) -> np.ndarray:
    """Return the words of the packets of a raw map: (strips, channels)."""
    channels, height, width = shape
    rows = [rows_of(height, strip) for strip in range(-(-height // PIXELS))]
    return np.outer(rows, np.ones(channels, int)) * -(-width // PIXELS)
