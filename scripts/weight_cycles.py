"""Count the cycles of decoders of weights on real networks, each layer a packet, by Verilator.

    python scripts/weight_cycles.py

Streams are always valid, and the output always ready. Layers of more than 524,288 weights are several packets, since
those of the dictionary can have no more.
"""

import numpy as np
from weight_sizes import TRIMMINGS, weight_layers

from silicodec.models.dictionary.codec import DENSE
from silicodec.models.lanes import Lanes
from silicodec.output import print_table
from silicodec.rtl.catalog import find_engine
from silicodec.verif.compare import check

NETWORKS = ("resnet20", "mobilenetv2-int8")
ENGINES = {"lanes-decoder": Lanes(), "dictionary-decoder": DENSE}
MOST = 8 << 16
"""Weights of a packet."""


def parts(layer: np.ndarray) -> list[np.ndarray]:
    """Divide a layer into packets."""
    return np.split(layer.reshape(-1), range(MOST, layer.size, MOST))


def main() -> None:
    """Print a row for each network."""
    lines = []
    for name in NETWORKS:
        for label, trimming in TRIMMINGS.items():
            layers = [part for layer in weight_layers(name, trimming) for part in parts(layer)]
            weights = sum(layer.size for layer in layers)
            cells = []
            for engine_name, codec in ENGINES.items():
                engine = find_engine(engine_name)
                result = check(engine, engine.stimulus(layers), backend="verilator")
                bits = sum(codec.nbits(layer) for layer in layers)
                cells += [f"{bits / weights:.2f}", f"{weights / result.cycles:.2f}"]
            lines.append((name + label, f"{weights:,}", *cells))
    heads = [f"{name} {what}" for name in ENGINES for what in ("bits", "weights a cycle")]
    print_table("Cycles", [("weights", "left"), ("number", "right"), *((head, "right") for head in heads)], lines)


if __name__ == "__main__":
    main()
