"""Measure what NNCodec, the reference software of MPEG's neural-network coding, makes of trimmed weights.

    python scripts/trimmed_weights.py lenet5.json perceptron.json
    python scripts/nncodec_sizes.py build/weights/lenet5.npz build/weights/perceptron.npz

The second command runs where `pip install nncodec` was done, in an environment of its own: it asks for NumPy below 2,
and silicodec for 2. Weights are coded as integers without loss, all layers of a network in one bit stream, each divided
by the power of two that divides all of its weights. Reconstruction is uniform; parameter optimisation and row skipping
are on.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from nncodec import nnc


def divide(weights: np.ndarray) -> np.ndarray:
    """Divide integers by the largest power of two that divides all of them, int32."""
    used = int(np.bitwise_or.reduce(weights.astype(np.int32), axis=None))
    return weights.astype(np.int32) // max(used & -used, 1)


def measure(layers: dict[str, np.ndarray]) -> int:
    """Code the layers, check that they come back, and return the bytes that it took."""
    with tempfile.TemporaryDirectory() as folder:
        stream = nnc.compress(
            dict(layers),
            bitstream_path=str(Path(folder) / "weights.nnc"),
            use_dq=False,
            param_opt=True,
            row_skipping=True,
            return_bitstream=True,
        )
    decoded = nnc.decompress(stream)
    for name, weights in layers.items():
        if not np.array_equal(np.asarray(decoded[name]), weights):
            raise SystemExit(f"nncodec_sizes: {name} was not coded without loss")
    return len(stream)


def main() -> None:
    """Print a line for each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.npz")
    for file in parser.parse_args().files:
        with np.load(file) as archive:
            layers = {name: divide(archive[name]) for name in archive.files}
        size = measure(layers)
        count = sum(weights.size for weights in layers.values())
        print(f"{file.stem}: {count:,} weights, {size:,} bytes, {count / size:.2f} to 8 bits")


if __name__ == "__main__":
    main()
