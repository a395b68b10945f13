"""Measure the codec `dct` on the early layers of MobileNetV2-int8 against the size of the photographs.

    python scripts/dct_map_sizes.py

needs SILICODEC_DATA. It prints ratios, to 8 bits a value, of every map that an activation function ends in the first
three stages, and of EBPC on the same maps.
"""

import argparse

import numpy as np
from torch import Tensor

from silicodec.models.ebpc import EBPC
from silicodec.models.evaluation.schemes import get_scheme
from silicodec.models.networks import get_network
from silicodec.models.networks.imagenet import sample_photographs
from silicodec.models.networks.tflite import IntegerGraph
from silicodec.models.networks.tflite.graph import as_words
from silicodec.output import print_table

STEPS = {3: "4, 4", 5: "8, 8"}
"""Settings of the scheme `dct`, and their steps."""
SMALLEST = 28
"""Side of the smallest maps at 224 x 224 that count as early."""


def early_maps(graph: IntegerGraph, images: np.ndarray, names: list[str]) -> dict[str, np.ndarray]:
    """Compute the words of the early layers with these names: (N, C, H, W)."""
    pixels = (images / np.float32(graph.source.scale)).round().clip(graph.source.low, graph.source.high)
    values: dict[int, Tensor] = {graph.source.number: Tensor(pixels)}
    maps = {}
    for operator in graph.operators:
        values[operator.output.number] = operator.compute(*(values[source.number] for source in operator.inputs))
        if operator.output.name in names:
            maps[operator.output.name] = as_words(operator.output, values[operator.output.number]).numpy()
        if operator.output.name == names[-1]:
            return maps
    raise ValueError(f"no tensor {names[-1]}")


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
        for name, maps in early_maps(graph, network.normalised(pixels), names).items():
            codecs = get_scheme("dct").candidates(maps)
            counted = {"plain": 8 * maps.size, "EBPC": EBPC().nbits(maps)}
            counted |= {steps: codecs[setting - 1].nbits(maps) for setting, steps in STEPS.items()}
            bits = {key: bits[key] + counted[key] for key in bits}
            rows.append((size, name, f"{maps.shape[2]} x {maps.shape[3]}", *_ratios(counted)))
        rows.append((size, "all", "", *_ratios(bits)))
    headings = [("photograph", "right"), ("layer", "left"), ("map", "right")]
    columns = [*headings, *((name, "right") for name in ("EBPC", *(f"dct {steps}" for steps in STEPS.values())))]
    print_table(f"{options.images} photographs: ratios to 8 bits a value", columns, rows)  # type: ignore[arg-type]


def _ratios(bits: dict[str, int]) -> list[str]:
    return [f"{bits['plain'] / bits[key]:.2f}" for key in ("EBPC", *STEPS.values())]


if __name__ == "__main__":
    main()
