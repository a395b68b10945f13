"""Compare the bytes of weights in several codes, each layer by itself: mlw, dictionary, lanes, order-0 entropy.

    python scripts/weight_sizes.py
    python scripts/weight_sizes.py --dictionary --trimmed build/weights/lenet5.npz build/weights/perceptron.npz

The first three networks as they are and with low-order bits off; files are what `scripts/trimmed_weights.py` writes.
Streams of every layer are filled up to whole bytes.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from silicodec.models.baselines.bounds import Entropy
from silicodec.models.baselines.mlw import Mlw
from silicodec.models.codec import Codec, CodecError
from silicodec.models.dictionary.trimming import Trimming
from silicodec.models.evaluation.weights import DICTIONARIES, weight_tensors
from silicodec.models.lanes import Lanes
from silicodec.models.networks import get_network
from silicodec.output import print_table

NETWORKS = ("resnet20", "resnet56", "mobilenetv2-int8")
TRIMMINGS = {"": None, ", two bits off": Trimming(2), ", four bits off, threshold 16": Trimming(4, 16)}


def whole_bytes(codec: Codec, weights: np.ndarray) -> int:
    """Count the bytes of a layer."""
    return sum(len(stream.data) for stream in codec.encode(weights).streams.values())


def dictionary_bytes(weights: np.ndarray) -> int:
    """Count the bytes of a layer with the best layout."""
    return whole_bytes(min(DICTIONARIES, key=lambda codec: codec.nbits(weights)), weights)


def mlw_bytes(weights: np.ndarray) -> int | None:
    """Count the bytes of a layer, or give None where the package is missing."""
    try:
        return Mlw().nbits(weights) // 8
    except CodecError:
        return None


def weight_layers(network: str, trimming: Trimming | None) -> list[np.ndarray]:
    """Return the weights of each layer of a network, int8, trimmed."""
    tensors = weight_tensors(get_network(network).load(), "headroom").values()
    return [tensor.trimmed(trimming).astype(np.int8) for tensor in tensors]


def rows(files: list[Path]) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Give the layers of each row."""
    for name in NETWORKS:
        for label, trimming in TRIMMINGS.items():
            yield name + label, weight_layers(name, trimming)
    for file in files:
        with np.load(file) as layers:
            yield file.stem, list(layers.values())


def main() -> None:
    """Print a row for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dictionary", action="store_true", help="with the codec dictionary, which takes minutes")
    parser.add_argument("--trimmed", nargs="*", type=Path, default=[], metavar="FILE.npz", help="trimmed weights")
    parser.add_argument("--lanes", type=int, default=8, metavar="N", help="weights a cycle of the lanes decoder")
    options = parser.parse_args()
    lines, codec = [], Lanes(lanes=options.lanes)
    for name, layers in rows(options.trimmed):
        mlw = [mlw_bytes(layer) for layer in layers]
        dictionary = f"{sum(map(dictionary_bytes, layers)):,}" if options.dictionary else ""
        lanes = sum(whole_bytes(codec, layer) for layer in layers)
        entropy = sum(Entropy().nbits(layer) for layer in layers) / 8
        known = "" if None in mlw else f"{sum(size or 0 for size in mlw):,}"
        lines.append((name, known, dictionary, f"{lanes:,}", f"{entropy:,.0f}", f"{lanes / entropy - 1:.1%}"))
    heads = ("mlw", "dictionary", "lanes", "entropy", "lanes above it")
    print_table("Bytes", [("weights", "left"), *((head, "right") for head in heads)], lines)


if __name__ == "__main__":
    main()
