"""Trim networks within a budget of accuracy, and write the weights of each as NETWORK.npz: int8, a layer an array.

python scripts/trimmed_weights.py lenet5 perceptron
"""

import argparse
from pathlib import Path

import numpy as np

from silicodec.models.networks import get_network
from silicodec.models.trimming import Trimming
from silicodec.models.weights import TrimmedNetwork, measure_weights


def trim(name: str, calibration: int, budget: float) -> dict[str, np.ndarray]:
    """Trim the layers of a network."""
    record = measure_weights(name, calibration=calibration, images=1, budgets=(budget,))[-1]
    tensors = TrimmedNetwork(get_network(name).load(), "headroom").tensors
    layers = {}
    for layer in record["layers"]:
        trimming = None if layer["low_bits"] is None else Trimming(layer["low_bits"], layer["threshold"])
        layers[layer["layer"]] = tensors[layer["layer"]].trimmed(trimming).astype(np.int8)
    return layers


def main() -> None:
    """Write a file for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", metavar="NETWORK")
    parser.add_argument("--calibration", type=int, default=1000, help="calibration images (default: 1000)")
    parser.add_argument("--budget", type=float, default=0.01, help="accuracy to lose (default: 0.01)")
    parser.add_argument("--out", type=Path, default=Path("build/weights"), help="folder (default: build/weights)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.networks:
        file = options.out / f"{name}.npz"
        np.savez_compressed(file, **trim(name, options.calibration, options.budget))
        print(file)


if __name__ == "__main__":
    main()
