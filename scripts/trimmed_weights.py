"""Write the trimmed weights that `silicodec weights --json FILE` chose, as NETWORK.npz: int8, by layer.

python scripts/trimmed_weights.py lenet5.json perceptron.json
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from silicodec.models.dictionary.trimming import Trimming
from silicodec.models.evaluation.weights import weight_tensors
from silicodec.models.networks import get_network


def trim(record: dict[str, Any], scale_rule: str) -> dict[str, np.ndarray]:
    """Trim the layers of a network as a record says."""
    tensors = weight_tensors(get_network(record["network"]).load(), scale_rule)
    layers = {}
    for layer in record["layers"]:
        trimming = None if layer["low_bits"] is None else Trimming(layer["low_bits"], layer["threshold"])
        layers[layer["layer"]] = tensors[layer["layer"]].trimmed(trimming).astype(np.int8)
    return layers


def main() -> None:
    """Write a file for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    parser.add_argument("--choice", default="loss 0.01", help="which trimming (default: loss 0.01)")
    parser.add_argument("--scale-rule", default="headroom", help="as of the evaluation (default: headroom)")
    parser.add_argument("--out", type=Path, default=Path("build/weights"), help="folder (default: build/weights)")
    options = parser.parse_args()
    if missing := [str(file) for file in options.files if not file.is_file()]:
        parser.error(f"no such file: {', '.join(missing)}")
    options.out.mkdir(parents=True, exist_ok=True)
    for file in options.files:
        try:
            records = {record["choice"]: record for record in json.loads(file.read_text())}
        except (ValueError, TypeError, KeyError):
            parser.error(f"{file} is not what `silicodec weights --json` writes")
        if options.choice not in records:
            raise SystemExit(f"{file}: no choice {options.choice!r}, only {', '.join(records)}")
        record = records[options.choice]
        archive = options.out / f"{record['network']}.npz"
        np.savez_compressed(archive, **trim(record, options.scale_rule))
        print(archive)


if __name__ == "__main__":
    main()
