"""One image through a network on an accelerator: what goes in, and what has to come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from silicodec.models.accelerator.compiler import Program, compile_graph
from silicodec.models.accelerator.lowering import from_graph
from silicodec.models.accelerator.packets import RAW, decode
from silicodec.models.accelerator.plan import plan
from silicodec.models.accelerator.program import PIXELS
from silicodec.models.accelerator.reference import Run, pixel_words, run_program
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.accelerator.streams import input_packets, output_packets
from silicodec.models.accelerator.study import integer_graph, samples_of
from silicodec.models.errors import CodecError

if TYPE_CHECKING:
    from silicodec.models.networks import Network


@dataclass(frozen=True, eq=False)
class Inference:
    """An image and a compiled network, with raw maps.

    Attributes
    ----------
    program : Program
        The network, compiled.
    pixels : ndarray of uint64
        The packet of the `pixels` stream.
    run : Run
        What the reference gave.
    first_class : int
        How many scores come before that of class 0.
    """

    program: Program
    pixels: np.ndarray
    run: Run
    first_class: int

    @property
    def inputs(self) -> dict[str, list[np.ndarray]]:
        """Packets of every input stream."""
        return input_packets(self.program, [self.pixels], [self.run])

    @property
    def outputs(self) -> dict[str, list[np.ndarray]]:
        """Packets of every output stream but `timing`, which depends on the streams' pauses."""
        return output_packets([self.run])

    @property
    def refill_order(self) -> list[int]:
        """Numbers of the packets of `spill`, from 0, in the order in which `refill` has to bring them."""
        numbers = {id(words): number for number, words in enumerate(self.run.spilled)}
        return [numbers[id(words)] for words in self.run.refilled]

    @property
    def longest_layer(self) -> int:
        """Cycles that the longest layer is planned to take."""
        return max(layer.cycles for layer in plan(self.program, self.run))

    def class_of(self, scores: np.ndarray) -> tuple[int, int]:
        """Return the class that a packet of the `scores` stream names, and its score."""
        channels, height, width = self.program.graph.layers[-1].out_shape
        if (height, width) != (1, 1):
            raise CodecError(f"the network gives maps of {height} x {width}, not scores of classes")
        # A word for each channel, whose one sample is repeated to its right.
        values = decode(scores, RAW, (1, PIXELS * channels))[0, ::PIXELS][self.first_class :]
        return int(values.argmax()), int(values.max())


def prepare(network: Network, shape: AcceleratorShape, image: np.ndarray) -> Inference:
    """Compile a network with raw maps, and run its reference on one image.

    Parameters
    ----------
    network : Network
        A network in integers.
    shape : AcceleratorShape
        The accelerator.
    image : ndarray
        Pixels, uint8, (C, H, W) or (H, W, C); or int8, (C, H, W), samples as the network takes them.

    Raises
    ------
    CodecError
        If it is no network in integers, the accelerator cannot compute it, or the image is not one for it.
    """
    integers = integer_graph(network)
    graph = from_graph(integers)
    wanted = graph.layers[0].in_shape
    if image.dtype == np.uint8 and image.shape == (*wanted[1:], wanted[0]) != wanted:
        image = image.transpose(2, 0, 1)
    if image.shape != wanted or image.dtype.name not in ("int8", "uint8"):
        raise CodecError(
            f"{network.name} takes an image {wanted} of uint8, its pixels, or of int8, not {image.dtype} {image.shape}"
        )
    samples = image
    if image.dtype == np.uint8:
        (samples,) = samples_of(integers, network.normalised(image[np.newaxis].astype(np.float32) / 255))
    program = compile_graph(graph, shape)
    pixels = pixel_words(samples, depthwise=graph.layers[0].depthwise)
    return Inference(program, pixels, run_program(shape, program.words, program.weights, pixels), integers.first_class)
