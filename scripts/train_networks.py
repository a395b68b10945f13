"""Train the small networks whose weights the package holds, and write these: models/networks/weights/NAME.npz.

    python scripts/train_networks.py digits lenet5 perceptron

The same machine gives the same weights; another one may add in another order and give others. So the weights in the
package are the ones that all published figures are of. lenet5 and perceptron need SILICODEC_DATA.
"""

import argparse
from pathlib import Path

from silicodec.models.networks import NETWORKS
from silicodec.models.networks.trained import TrainedNetwork, save_weights

FOLDER = Path(__file__).parents[1] / "models" / "networks" / "weights"


def main() -> None:
    """Train the networks that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = [name for name, network in NETWORKS.items() if isinstance(network, TrainedNetwork)]
    parser.add_argument("networks", nargs="+", choices=known)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the files")
    arguments = parser.parse_args()
    for name in arguments.networks:
        network = NETWORKS[name]
        assert isinstance(network, TrainedNetwork)
        save_weights(network.train(), arguments.out / f"{name}.npz")
        print(arguments.out / f"{name}.npz")


if __name__ == "__main__":
    main()
