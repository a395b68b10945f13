"""Measure the codec `dct` on the early layers of MobileNetV2-int8 against the size of the photographs.

    python scripts/dct_map_sizes.py

needs SILICODEC_DATA. It prints ratios, to 8 bits a value, of every map that an activation function ends in the first
three stages, and of EBPC on the same maps. For all of them together it also prints what the entropy of DCT coefficients
would be with maps of 16 bits and the same quantisation: a ratio to 8 bits from words of 8 bits, and one to 16 bits from
words of 16 bits.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from torch import Tensor

from silicodec.models.ebpc import EBPC
from silicodec.models.evaluation.schemes import get_scheme
from silicodec.models.networks import get_network
from silicodec.models.networks.imagenet import sample_photographs
from silicodec.models.networks.tflite import IntegerGraph
from silicodec.models.networks.tflite.convolution import Convolution
from silicodec.models.networks.tflite.graph import as_words
from silicodec.output import print_table, say

STEPS = {3: "4", 4: "8"}
"""Settings of the scheme `dct`, and their steps."""
TILE = 8
COEFFICIENT_STEP = 8.0
"""Quantisation step of the coefficients of an orthonormal DCT, in units of an 8-bit word."""
SMALLEST = 28
"""Side of the smallest maps at 224 x 224 that count as early."""


def early_maps(
    graph: IntegerGraph, images: np.ndarray, names: list[str]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Compute the early layers with these names: name, words, and the same before they were rounded to 8 bits."""
    pixels = (images / np.float32(graph.source.scale)).round().clip(graph.source.low, graph.source.high)
    values: dict[int, Tensor] = {graph.source.number: Tensor(pixels)}
    for operator in graph.operators:
        inputs = [values[source.number] for source in operator.inputs]
        output = operator.output
        values[output.number] = operator.compute(*inputs)
        if output.name in names:
            assert isinstance(operator, Convolution)
            real = operator.sums(inputs[0]) * operator.units.reshape(-1, 1, 1) / output.scale
            words = as_words(output, values[output.number])
            yield output.name, words.numpy(), real.clamp(output.low, output.high).numpy()
        if output.name == names[-1]:
            return


def coefficient_bits(maps: np.ndarray) -> float:
    """Count the order-0 entropy of the quantised DCT coefficients of maps, (N, C, H, W), in tiles of 8 x 8."""
    angles = np.outer(np.arange(TILE), 2 * np.arange(TILE) + 1) * np.pi / (2 * TILE)
    matrix = np.cos(angles) * np.sqrt(np.where(np.arange(TILE) == 0, 1, 2) / TILE)[:, np.newaxis]
    margins = [(0, -size % TILE) for size in maps.shape[2:]]
    padded = np.pad(maps.astype(np.float64), ((0, 0), (0, 0), *margins), mode="edge")
    rows, columns = padded.shape[2] // TILE, padded.shape[3] // TILE
    tiles = padded.reshape(*padded.shape[:2], rows, TILE, columns, TILE).swapaxes(3, 4)
    quantised = np.rint(matrix @ tiles @ matrix.T / COEFFICIENT_STEP).astype(np.int64)
    counts = np.unique(quantised, return_counts=True)[1]
    return float((counts * np.log2(counts.sum() / counts)).sum())


def main() -> None:
    """Run as the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 128, 224], help="sides of the photographs")
    parser.add_argument("--images", type=int, default=24, help="how many photographs")
    options = parser.parse_args()
    network = get_network("mobilenetv2-int8")
    graph = network.load()
    ends = [operator.output for operator in graph.operators if operator.output.activation != "NONE"]
    names = [output.name for output in ends if output.shape[-1] >= SMALLEST]
    rows = []
    for size in options.sizes:
        pixels, _ = sample_photographs((3, size, size), options.images)
        bits = dict.fromkeys(("plain", "EBPC", *STEPS.values()), 0)
        entropy = np.zeros(2)
        for name, maps, real in early_maps(graph, network.normalised(pixels), names):
            entropy += coefficient_bits(maps), coefficient_bits(real)
            codecs = get_scheme("dct").candidates(maps)
            counted = {"plain": 8 * maps.size, "EBPC": EBPC().nbits(maps)}
            counted |= {steps: codecs[setting - 1].nbits(maps) for setting, steps in STEPS.items()}
            bits = {key: bits[key] + counted[key] for key in bits}
            rows.append((size, name, f"{maps.shape[2]} x {maps.shape[3]}", *_ratios(counted)))
        rows.append((size, "all", "", *_ratios(bits)))
        of_8, of_16 = bits["plain"] / entropy[0], 2 * bits["plain"] / entropy[1]
        say(f"{size}: entropy of coefficients, words of 8 bits {of_8:.2f} to 8 bits, of 16 bits {of_16:.2f} to 16 bits")
    headings = [("photograph", "right"), ("layer", "left"), ("map", "right")]
    columns = [*headings, *((name, "right") for name in ("EBPC", *(f"dct {steps}" for steps in STEPS.values())))]
    print_table(f"{options.images} photographs: ratios to 8 bits a value", columns, rows)  # type: ignore[arg-type]


def _ratios(bits: dict[str, int]) -> list[str]:
    return [f"{bits['plain'] / bits[key]:.2f}" for key in ("EBPC", *STEPS.values())]


if __name__ == "__main__":
    main()
