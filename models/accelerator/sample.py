"""Networks to simulate the accelerator with: a small one that takes any image, and random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import numpy as np

from silicodec.models.accelerator.compiler import MapCoding, Program, compile_graph
from silicodec.models.accelerator.forward import Codecs
from silicodec.models.accelerator.layers import Layer, LayerGraph, Rescaling, Residual, Shape
from silicodec.models.accelerator.packets import DCT_CODECS, EBPC_CODECS, RAW, most_words, with_fallback
from silicodec.models.accelerator.program import LOWEST, ONE, PIXELS, Opcode
from silicodec.models.accelerator.reference import Accelerator, Run, pixel_words, run_program
from silicodec.models.accelerator.shape import AcceleratorShape

SMALL = AcceleratorShape(
    groups=2, banks=6, bank_depth=128, weight_words=256, tile_columns=8, packets=1024, weight_codec="dictionary",
    ebpc=True, raw_fallback=True,
)  # fmt: skip
"""An accelerator with all of its parts that is quick to simulate: one for all, so that it is built once."""
SINGLE_PORT = replace(SMALL, single_port=True)
CHANNELS = 6
JOINED = 100
"""Numbers of concatenations are larger than those of maps by this."""


class ProgramInputs:
    """Packets of every input stream for programs one after the other, and what the reference gives.

    Parameters
    ----------
    shape : AcceleratorShape
        The accelerator.

    Attributes
    ----------
    packets : dict of str to list of ndarray of uint64
        By input stream.
    runs : list of Run
        Of each program.

    Examples
    --------
    >>> image = np.zeros((3, 8, 8), np.int8)
    >>> inputs = ProgramInputs(SMALL)
    >>> inputs.add(compile_graph(sample_graph(image.shape), SMALL), image).status
    <Status.DONE: 0>
    >>> {name: len(packets) for name, packets in inputs.packets.items()}
    {'program': 1, 'weights': 1, 'pixels': 1, 'refill': 0}
    """

    def __init__(self, shape: AcceleratorShape) -> None:
        self.packets: dict[str, list[np.ndarray]] = {"program": [], "weights": [], "pixels": [], "refill": []}
        self.runs: list[Run] = []
        self._machine = Accelerator(shape)

    def add(
        self, program: Program, image: np.ndarray, words: np.ndarray | None = None, weights: np.ndarray | None = None
    ) -> Run:
        """Run a program on an image, int8 (C, H, W).

        Parameters
        ----------
        program : Program
            The network.
        image : ndarray of int8, (C, H, W)
            The image.
        words, weights : ndarray of uint64, optional
            Packets in place of the program's, malformed perhaps.
        """
        words = program.words if words is None else words
        weights = program.weights if weights is None else weights
        pixels = pixel_words(image, depthwise=program.graph.layers[0].depthwise)
        run = self._machine.run(words, weights, pixels)
        for name, packet in (("program", words), ("weights", weights), ("pixels", pixels)):
            self.packets[name].append(packet)
        self.packets["refill"] += run.refilled
        self.runs.append(run)
        return run


def sample_inputs(tensors: Sequence[np.ndarray], shape: AcceleratorShape) -> dict[str, list[np.ndarray]]:
    """Return packets of every input stream for images, (C, H, W) of int8 or uint8, through a small network.

    Raises
    ------
    ValueError
        If one of them is no such image, or too large.
    """
    inputs = ProgramInputs(shape)
    for tensor in tensors:
        if tensor.ndim != 3 or tensor.dtype.name not in ("int8", "uint8") or not tensor.size:
            raise ValueError(f"the accelerator takes int8 or uint8 images (C, H, W), not {tensor.dtype} {tensor.shape}")
        image = tensor if tensor.dtype == np.int8 else (tensor ^ 128).view(np.int8)
        program = compile_graph(sample_graph(image.shape), shape, weights=shape.weight_codec)
        inputs.add(program, image)
    return inputs.packets


def run_image(graph: LayerGraph, shape: AcceleratorShape, codings: Mapping[int, MapCoding], pixels: np.ndarray) -> Run:
    """Run a network on one image, int8 (C, H, W)."""
    program = compile_graph(graph, shape, codings)
    words = pixel_words(pixels, depthwise=graph.layers[0].depthwise)
    return run_program(shape, program.words, program.weights, words)


def with_all_room(graph: LayerGraph, codecs: Codecs) -> dict[int, MapCoding]:
    """Give every map that has a codec room for the most words that its packets can take."""
    result = {}
    for layer in graph.layers[:-1]:
        channels, height, width = layer.out_shape
        codec = codecs.get(layer.output, RAW)
        if codec != RAW:
            words = channels * -(-height // PIXELS) * most_words(codec, PIXELS, -(-width // PIXELS))
            result[layer.output] = MapCoding(codec, words)
    return result


def sample_graph(shape: Shape) -> LayerGraph:
    """Return a network for images of a shape: convolutions dense, depthwise, and pointwise added to the first."""
    maps = (CHANNELS, *shape[1:])
    convolution = random_layer(0, 1, shape, maps, kernel=(3, 3), pad=1)
    depthwise = random_layer(1, 2, maps, maps, kernel=(3, 3), pad=1, opcode=Opcode.DEPTHWISE)
    pointwise = random_layer(2, 3, maps, maps, kernel=(1, 1), residual=1)
    return LayerGraph(0, (convolution, depthwise, pointwise))


def random_graph(random: Random, *, size: int = 40, channels: int = 24) -> tuple[LayerGraph, np.ndarray]:
    """Draw a network of one to four layers of every kind, and an image for it.

    Parameters
    ----------
    random : Random
        Where numbers come from.
    size, channels : int
        Largest height and width, and number of channels, of its maps.

    Returns
    -------
    LayerGraph, ndarray of int8
        The network, and the image: (C, H, W).
    """
    image = (random.randint(1, channels), random.randint(1, size), random.randint(1, size))
    shapes: dict[int, Shape] = {0: image}
    joined: dict[int, tuple[int, ...]] = {}
    layers: list[Layer] = []
    source = 0
    for output in range(1, random.randint(1, 4) + 1):
        layer = _random_next(random, shapes, source, output, channels)
        layers.append(layer)
        shapes[output] = layer.out_shape
        source = output
        free = [one for one in range(1, output) if not any(one in parts for parts in joined.values())]
        alike = [one for one in free if shapes[one][1:] == layer.out_shape[1:]]
        if alike and random.random() < 0.4:
            parts = random.sample([random.choice(alike), output], 2)
            source = JOINED + output
            joined[source] = tuple(parts)
            shapes[source] = (sum(shapes[part][0] for part in parts), *layer.out_shape[1:])
    if source != layers[-1].output:
        joint = shapes[source]
        layers.append(random_layer(source, len(layers) + 1, joint, (1, *joint[1:]), kernel=(1, 1)))
    pixels = np.random.default_rng(random.randrange(1 << 30)).integers(-128, 128, image)
    return LayerGraph(0, tuple(layers), joined), pixels.astype(np.int8)


def random_codings(random: Random, graph: LayerGraph, shape: AcceleratorShape = SMALL) -> dict[int, MapCoding]:
    """Draw a codec for every map, and as many words as it can take."""
    codings: dict[int, MapCoding] = {}
    shapes = {layer.output: layer.out_shape for layer in graph.layers}
    for group in graph.codec_groups:
        lossless = random.choice((0, *EBPC_CODECS)) if shape.ebpc else 0
        codec = random.choice((lossless, *DCT_CODECS, lossless)) if shape.dct else lossless
        if shape.raw_fallback and random.random() < 0.5:
            codec = with_fallback(codec)
        for number in group:
            channels, height, width = shapes[number]
            most = most_words(codec, min(8, height), -(-width // 8))
            codings[number] = MapCoding(codec, channels * -(-height // 8) * most)
    return codings


def with_fields(program: Program, layer: int, **fields: int) -> Program:
    """Return a program that has other values in fields of a layer's descriptor.

    Examples
    --------
    >>> program = compile_graph(sample_graph((3, 8, 8)), SMALL)
    >>> with_fields(program, 1, opcode=5).descriptors[1].opcode
    5
    """
    descriptors = list(program.descriptors)
    descriptors[layer] = replace(descriptors[layer], **fields)
    return replace(program, descriptors=tuple(descriptors))


def _random_next(random: Random, shapes: dict[int, Shape], source: int, output: int, channels: int) -> Layer:
    """Draw a layer that reads a map, and perhaps adds another one."""
    in_shape = shapes[source]
    kind = random.choice(("dense", "depthwise", "pointwise", "large", "maximum"))
    stride = random.randint(1, 2) if kind != "pointwise" or random.random() < 0.3 else 1
    kernel, pad = (3, 3), random.randint(0, 1)
    if kind == "large":
        kernel = (random.randint(1, 10), random.randint(1, 10))
        pad = random.randint(0, min(3, *(width - 1 for width in kernel)))
    elif kind == "maximum":
        kernel = (random.randint(1, 4), random.randint(1, 4))
        pad = random.randint(0, min(kernel) - 1)
    sizes = [(length + 2 * pad - width) // stride + 1 for length, width in zip(in_shape[1:], kernel, strict=True)]
    if kind == "pointwise" or min(sizes) < 1:
        kernel, pad = (1, 1), 0
        sizes = [(length - 1) // stride + 1 for length in in_shape[1:]]
    opcode = Opcode.MAXIMUM if kind == "maximum" else Opcode.DENSE
    if kind == "depthwise" or (kind == "large" and random.random() < 0.5):
        opcode = Opcode.DEPTHWISE
    out_shape = (random.randint(1, channels) if opcode == Opcode.DENSE else in_shape[0], sizes[0], sizes[1])
    fitting = [
        number
        for number, one in shapes.items()
        if number and one[1:] == out_shape[1:] and (opcode == Opcode.DENSE or one == out_shape)
    ]
    residual = random.choice(fitting) if fitting and random.random() < 0.5 else None
    return random_layer(
        *(source, output, in_shape, out_shape if residual is None else shapes[residual]),
        kernel=kernel,
        pad=pad,
        stride=stride,
        opcode=opcode,
        residual=residual,
        seed=random.randrange(1 << 30),
    )


def random_layer(
    source: int,
    output: int,
    in_shape: Shape,
    out_shape: Shape,
    *,
    kernel: tuple[int, int],
    pad: int = 0,
    stride: int = 1,
    opcode: Opcode = Opcode.DENSE,
    residual: int | None = None,
    seed: int = 0,
) -> Layer:
    """Make a layer with random weights, whose results use the range of samples."""
    random = np.random.default_rng(seed + 100 * output)
    channels = in_shape[0] if opcode == Opcode.DENSE else 1
    count = out_shape[0]
    # Weights of many values, or of so few that a code makes them smaller.
    spread = int(random.choice((16, 128)))
    weights = random.integers(-spread, spread, (count, channels, *kernel)).astype(np.int16)
    reach = 12 * spread * np.sqrt(channels * kernel[0] * kernel[1])
    # Factors of 1 and more have 32 bits.
    factors = random.integers(1 << 30, 1 << 32, count)
    shifts = np.full(count, 1 + max(0, int(np.log2(reach / 32))))
    away, zero = opcode == Opcode.DEPTHWISE, int(random.integers(-20, 20))
    rescaling = Rescaling(factors, shifts, away, zero, int(random.integers(-128, 0)), 127)
    weight_zero = int(random.integers(-3, 4))
    if opcode == Opcode.MAXIMUM:
        weights[random.random(weights.shape) < 0.3] = weight_zero
        plain = np.full(count, ONE), np.zeros(count, np.int64)
        rescaling = Rescaling(*plain, False, 0, int(random.integers(-128, 0)), 127)
    added = None
    if residual is not None:
        outer = Rescaling(np.array([3 << 29]), np.array([18]), False, -5, -120, 120)
        added = Residual(residual, int(random.integers(-9, 9)), bool(seed & 1), (5 << 28, 1), outer)
    return Layer(
        name=f"layer{output}",
        source=source,
        output=output,
        in_shape=in_shape,
        out_shape=out_shape,
        opcode=opcode,
        weights=weights,
        weight_zero=weight_zero,
        bias=random.integers(-3000, 3000, count) * (opcode != Opcode.MAXIMUM),
        stride=stride,
        pad_top=pad,
        pad_left=pad,
        pad_value=LOWEST if opcode == Opcode.MAXIMUM else int(random.integers(-128, 128)),
        rescaling=rescaling,
        residual=added,
    )
