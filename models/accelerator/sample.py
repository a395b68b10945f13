"""A small network of the accelerator that takes any image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from silicodec.models.accelerator.compiler import compile_graph
from silicodec.models.accelerator.layers import Layer, LayerGraph, Rescaling, Residual, Shape
from silicodec.models.accelerator.reference import Accelerator, pixel_words
from silicodec.models.accelerator.shape import AcceleratorShape

CHANNELS = 6


def sample_inputs(tensors: Sequence[np.ndarray], shape: AcceleratorShape) -> dict[str, list[np.ndarray]]:
    """Return packets of every input stream for images, (C, H, W) of int8 or uint8, through a small network.

    Raises
    ------
    ValueError
        If one of them is no such image, or too large.
    """
    machine = Accelerator(shape)
    packets: dict[str, list[np.ndarray]] = {"program": [], "weights": [], "pixels": [], "refill": []}
    for tensor in tensors:
        if tensor.ndim != 3 or tensor.dtype.name not in ("int8", "uint8") or not tensor.size:
            raise ValueError(f"the accelerator takes int8 or uint8 images (C, H, W), not {tensor.dtype} {tensor.shape}")
        image = tensor if tensor.dtype == np.int8 else (tensor ^ 128).view(np.int8)
        program = compile_graph(sample_graph(image.shape), shape)
        pixels = pixel_words(image)
        packets["program"].append(program.words)
        packets["weights"].append(program.weights)
        packets["pixels"].append(pixels)
        packets["refill"] += machine.run(program.words, program.weights, pixels).refilled
    return packets


def sample_graph(shape: Shape) -> LayerGraph:
    """Return a network for images of a shape: convolutions dense, depthwise, and pointwise added to the first."""
    maps = (CHANNELS, *shape[1:])
    convolution = random_layer(0, 1, shape, maps, kernel=(3, 3), pad=1)
    depthwise = random_layer(1, 2, maps, maps, kernel=(3, 3), pad=1, depthwise=True)
    pointwise = random_layer(2, 3, maps, maps, kernel=(1, 1), residual=1)
    return LayerGraph(0, (convolution, depthwise, pointwise))


def random_graph(random: np.random.Generator, *, size: int = 40, channels: int = 24) -> tuple[LayerGraph, np.ndarray]:
    """Draw a network of one to four layers of every kind, and an image for it.

    Parameters
    ----------
    random : Generator
        Where numbers come from.
    size, channels : int
        Largest height and width, and number of channels, of its maps.

    Returns
    -------
    LayerGraph, ndarray of int8
        The network, and the image: (C, H, W).
    """
    depth, height, width = (int(random.integers(1, limit + 1)) for limit in (channels, size, size))
    image = (depth, height, width)
    shapes: dict[int, Shape] = {0: image}
    layers = []
    for output in range(1, int(random.integers(2, 6))):
        source = shapes[output - 1]
        kind = str(random.choice(["dense", "depthwise", "pointwise", "large"]))
        stride = int(random.integers(1, 3)) if kind != "pointwise" or random.random() < 0.3 else 1
        kernel, pad = (3, 3), int(random.integers(0, 2))
        if kind == "large":
            kernel = (int(random.integers(1, 11)), int(random.integers(1, 11)))
            pad = int(random.integers(0, min(4, *kernel)))
        sizes = [(length + 2 * pad - width) // stride + 1 for length, width in zip(source[1:], kernel, strict=True)]
        if kind == "pointwise" or min(sizes) < 1:
            kernel, pad = (1, 1), 0
            sizes = [(length - 1) // stride + 1 for length in source[1:]]
        depthwise = kind == "depthwise" or (kind == "large" and random.random() < 0.5)
        out_shape = (source[0] if depthwise else int(random.integers(1, channels + 1)), sizes[0], sizes[1])
        residual = None
        fitting = [number for number, one in shapes.items() if number and one[1:] == out_shape[1:]]
        if fitting and random.random() < 0.5 and not depthwise:
            residual = int(random.choice(fitting))
            out_shape = shapes[residual]
        layers.append(
            random_layer(
                *(output - 1, output, source, out_shape),
                kernel=kernel,
                pad=pad,
                stride=stride,
                depthwise=depthwise,
                residual=residual,
                seed=int(random.integers(1 << 30)),
            )
        )
        shapes[output] = out_shape
    return LayerGraph(0, tuple(layers)), random.integers(-128, 128, image).astype(np.int8)


def random_layer(
    source: int,
    output: int,
    in_shape: Shape,
    out_shape: Shape,
    *,
    kernel: tuple[int, int],
    pad: int = 0,
    stride: int = 1,
    depthwise: bool = False,
    residual: int | None = None,
    seed: int = 0,
) -> Layer:
    """Make a layer with random weights, whose results use the range of samples."""
    random = np.random.default_rng(seed + 100 * output)
    channels = 1 if depthwise else in_shape[0]
    count = out_shape[0]
    weights = random.integers(-128, 128, (count, channels, *kernel)).astype(np.int16)
    zero = int(random.integers(-3, 4))
    reach = 1500 * np.sqrt(channels * kernel[0] * kernel[1])
    factors = random.integers(1 << 30, 1 << 31, count)
    shifts = np.full(count, max(0, int(np.log2(reach / 32))))
    low = int(random.integers(-128, 0))
    rescaling = Rescaling(factors, shifts, depthwise, int(random.integers(-20, 20)), low, 127)
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
        depthwise=depthwise,
        weights=weights,
        weight_zero=zero,
        bias=random.integers(-3000, 3000, count),
        stride=stride,
        pad_top=pad,
        pad_left=pad,
        pad_value=int(random.integers(-128, 128)),
        rescaling=rescaling,
        residual=added,
    )
