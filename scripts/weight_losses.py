"""Tell what it costs to take the same low-order bits off all weights of a network, as the rows of `weight_sizes.py`.

    python scripts/weight_losses.py resnet20=2000 resnet56=1000 mobilenetv2-int8=200

Nothing is chosen by images here, so all that there are serve to report.
"""

import argparse

from weight_sizes import TRIMMINGS

from silicodec.models.evaluation.budget import classes
from silicodec.models.evaluation.statistics import accuracy_record
from silicodec.models.evaluation.weights import TrimmedNetwork
from silicodec.models.networks import get_network
from silicodec.output import print_table


def rows(name: str, count: int) -> list[tuple[str, ...]]:
    """Measure one network with each trimming."""
    network = get_network(name)
    trimmed = TrimmedNetwork(network.load(), "headroom")
    images, labels = network.images(count)
    unchanged = classes(trimmed.scores(images, {}))
    lines = []
    for label, trimming in TRIMMINGS.items():
        after = classes(trimmed.scores(images, dict.fromkeys(trimmed.tensors, trimming)))
        record = accuracy_record(unchanged, after, labels)
        low, high = record["loss_interval"]
        loss = f"{100 * record['loss']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
        lines.append((name + label, str(len(images)), f"{100 * record['top1']:.1f}", loss if trimming else ""))
    return lines


def main() -> None:
    """Print a row for each network and trimming."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", metavar="NETWORK=IMAGES")
    options = parser.parse_args()
    pairs = [text.partition("=") for text in options.networks]
    if wrong := [name for name, _, count in pairs if not count.isdecimal() or not int(count)]:
        parser.error(f"give a number of images, as in resnet20=2000: {', '.join(wrong)}")
    lines = [row for name, _, count in pairs for row in rows(name, int(count))]
    heads = (("weights", "left"), ("images", "right"), ("top-1 %", "right"), ("loss %, paired", "right"))
    print_table("Accuracy; in brackets, 95 % intervals", heads, lines)


if __name__ == "__main__":
    main()
