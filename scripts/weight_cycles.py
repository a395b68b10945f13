"""Count the cycles of decoders of weights on real networks, each layer a packet, by Verilator.

    python scripts/weight_cycles.py [ENGINE ...] [--lanes N]

Streams are always valid, and the output always ready. Layers of more than 524,288 weights are several packets, since
those of the dictionary can have no more. Streams of `mlw-decoder` are written by Arm's encoder (extra `mlw`).
"""

import argparse
from collections.abc import Sequence

import numpy as np
from weight_sizes import TRIMMINGS, weight_layers

from silicodec.models.baselines.mlw import Mlw
from silicodec.models.dictionary.codec import DENSE
from silicodec.models.lanes import Lanes
from silicodec.output import print_table
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.engine import Engine, Packets
from silicodec.rtl.mlw.engines import packet_words
from silicodec.verif.compare import check

NETWORKS = ("resnet20", "mobilenetv2-int8")
CODECS = {"lanes-decoder": Lanes(), "mlw-decoder": Mlw(), "dictionary-decoder": DENSE}
MOST = 8 << 16
"""Weights of a packet."""


def parts(layer: np.ndarray) -> list[np.ndarray]:
    """Divide a layer into packets."""
    return np.split(layer.reshape(-1), range(MOST, layer.size, MOST))


def packets(engine: Engine, layers: Sequence[np.ndarray]) -> dict[str, Packets]:
    """Return the packets of layers, those of Arm's code by Arm's encoder."""
    if engine.name != "mlw-decoder":
        return engine.stimulus(layers)
    return {"packet": [packet_words(Mlw().encode(layer)) for layer in layers]}


def main() -> None:
    """Print a row for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", default=list(CODECS), metavar="ENGINE", help=f"of {', '.join(CODECS)}")
    parser.add_argument("--lanes", type=int, default=8, metavar="N", help="weights a cycle of the lanes decoder")
    options = parser.parse_args()
    names, codecs = options.engines, {**CODECS, "lanes-decoder": Lanes(lanes=options.lanes)}
    lines = []
    for name in NETWORKS:
        for label, trimming in TRIMMINGS.items():
            layers = [part for layer in weight_layers(name, trimming) for part in parts(layer)]
            weights = sum(layer.size for layer in layers)
            cells = []
            for engine_name in names:
                engine = find_engine(engine_name, {"lanes": options.lanes} if engine_name == "lanes-decoder" else {})
                result = check(engine, packets(engine, layers), backend="verilator")
                bits = sum(codecs[engine_name].nbits(layer) for layer in layers)
                cells += [f"{bits / weights:.2f}", f"{weights / result.cycles:.2f}"]
            lines.append((name + label, f"{weights:,}", *cells))
    heads = [f"{name} {what}" for name in names for what in ("bits", "weights a cycle")]
    print_table("Cycles", [("weights", "left"), ("number", "right"), *((head, "right") for head in heads)], lines)


if __name__ == "__main__":
    main()
