"""Make the tables of docs/results/ebpc.md: networks by rule, codec and number format, and what their maps are like.

python scripts/ebpc_tables.py resnet20=250 squeezenet1_0=200 > tables.md
"""

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.ebpc.bpc import count_bits
from silicodec.models.ebpc.znz import count_zero_bits, nonzero_words
from silicodec.models.evaluation.compression import DEFAULT_CODECS, RULES, evaluate
from silicodec.models.networks import get_network
from silicodec.models.networks.capture import Layer, feature_maps, gradient_maps
from silicodec.models.networks.tflite import IntegerGraph
from silicodec.models.quantise import quantise

FORMATS = {"feature map": ["fixed8", "fixed12", "fixed16", "float16"], "gradient map": ["fixed16", "float16"]}
STATISTICS_IMAGES = 20


def row(*cells: Any) -> str:
    """Write a row of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def ratio_rows(name: str, images: int) -> Iterator[str]:
    """Give the rows of a network: means over frames, and of EBPC deviation and percentiles."""
    integers = get_network(name).number_format == "native"
    for rule in RULES:
        kinds = {"feature map": ["native"]} if integers else FORMATS
        totals = [
            total
            for gradients, formats in enumerate(kinds.values())
            for total in evaluate(
                name, images=images, number_formats=formats, rule=rule, gradients=bool(gradients), workers=0
            ).totals
            if gradients == (total["kind"] == "gradient map")
        ]
        for kind, formats in kinds.items():
            for number_format in formats:
                group = {t["codec"]: t for t in totals if (t["kind"], t["number_format"]) == (kind, number_format)}
                frames = [f"{group[codec]['frame_mean']:.2f}" for codec in DEFAULT_CODECS]
                ebpc = group["ebpc"]
                spread = (f"{ebpc[key]:.2f}" for key in ("frame_deviation", "frame_p1", "frame_p99"))
                zeros = f"{100 * ebpc['sparsity']:.0f}"
                yield row(f"{name}, {images}", kind, number_format, rule, zeros, *frames, *spread)


class Smoothness:
    """What decides between EBPC and ZVC, summed over packets of words of 8 bits."""

    def __init__(self) -> None:
        self.words = self.nonzero = self.zero_bits = self.bpc_bits = 0
        self.squares = self.steps = 0.0
        self.pairs = 0

    def add(self, packet: np.ndarray) -> None:
        """Add a packet."""
        words = to_words(packet, 8)
        values = np.asarray(packet).reshape(-1)[words != 0].astype(float)
        nonzero = nonzero_words(words)
        self.words += words.size
        self.nonzero += nonzero.size
        self.zero_bits += count_zero_bits(words, 16)
        self.bpc_bits += count_bits(nonzero, 8, 8)
        if nonzero.size > 1:
            self.pairs += nonzero.size - 1
            self.steps += float(np.square(np.diff(values)).sum())
            self.squares += float(np.square(values - values.mean()).sum())

    def cells(self) -> tuple[str, ...]:
        """Give zeros in %, correlation of neighbours, bits for zeros a word and of BPC a nonzero word, and the gain."""
        correlation = 1 - self.steps / max(2 * self.squares, 1e-9)
        zvc = self.words + 8 * self.nonzero
        gain = zvc / (self.zero_bits + self.bpc_bits)
        zeros = 100 * (1 - self.nonzero / self.words)
        per_word = self.zero_bits / self.words, self.bpc_bits / max(self.nonzero, 1)
        return f"{zeros:.0f}", f"{correlation:.2f}", f"{per_word[0]:.2f}", f"{per_word[1]:.2f}", f"{gain:.2f}"


def layers_of(name: str) -> Iterator[tuple[str, list[Layer]]]:
    """Take the maps of a network, by kind."""
    network = get_network(name)
    model, images = network.load(), network.images(STATISTICS_IMAGES)
    yield "feature map", feature_maps(model, images.batch)
    if not isinstance(model, IntegerGraph):
        yield "gradient map", gradient_maps(model, images.batch, images.labels)


def statistics_rows(name: str, every_layer: bool) -> Iterator[str]:
    """Give the rows of a network: all its maps, and the layers where EBPC gains most and least over ZVC."""
    for kind, layers in layers_of(name):
        whole = Smoothness()
        single = {}
        for layer in layers:
            values = layer.values if layer.values.dtype.kind in "iu" else quantise(layer.values, "fixed8").values
            single[layer.name] = Smoothness()
            for packet in values:
                whole.add(packet)
                single[layer.name].add(packet)
        yield row(name, kind, "all", *whole.cells())
        ordered = sorted(single, key=lambda layer: float(single[layer].cells()[-1]))
        for layer in single if every_layer else (ordered[-1], ordered[0]):
            yield row(name, kind, f"`{layer}`", *single[layer].cells())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", metavar="NETWORK=IMAGES")
    parser.add_argument("--layers", action="store_true", help="statistics of every layer")
    options = parser.parse_args()
    chosen = {name: int(images) for name, images in (entry.split("=") for entry in options.networks)}
    heads = ("network, images", "maps", "format", "rule", "zeros %", *DEFAULT_CODECS, "EBPC deviation", "1st", "99th")
    print(row(*heads), "|---" * len(heads) + "|", sep="\n")
    for name, images in chosen.items():
        for line in ratio_rows(name, images):
            print(line, flush=True)
    heads = ("network", "maps", "layer", "zeros %", "correlation", "zero bits", "BPC bits", "ZVC / EBPC")
    print("", row(*heads), "|---" * len(heads) + "|", sep="\n")
    for name in chosen:
        for line in statistics_rows(name, options.layers):
            print(line, flush=True)


if __name__ == "__main__":
    main()
