"""Make the table of docs/results/accelerator.md: networks on the accelerator, by how their maps are stored.

python scripts/accelerator_table.py resnet8=200 resnet20-int8=60 > table.md
"""

import argparse
from collections.abc import Iterator
from typing import Any

from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.accelerator.study import Choice, Study, study
from silicodec.models.evaluation.budget import calibration_and_test
from silicodec.models.networks import get_network

CALIBRATION = 5
CHOICES = {"raw": Choice(), **{f"DCT, step {step}": Choice("dct", step) for step in (1, 2, 4, 8)}}
AUTO = {"DCT, chosen": Choice("auto", budget=0.01)}
BANKS = {"mobilenetv2-int8": 14}
"""Networks that get a memory of 252 KiB instead of 126."""
HEADINGS = (
    *("network", "maps", "cycles", "MACs a cycle", "maps, KiB raw", "stored", "times smaller", "in use, KiB"),
    *("off chip, KiB", "top-1 before and after, %", "loss, points (95 %)", "same class, %"),
)


def row(*cells: Any) -> str:
    """Write a row of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def rows(name: str, images: int, choices: dict[str, Choice]) -> Iterator[str]:
    """Give a network's rows."""
    network = get_network(name)
    calibration, report_on = calibration_and_test(network, calibration=CALIBRATION, images=images)
    for label, choice in choices.items():
        found = study(network, AcceleratorShape(banks=BANKS.get(name, 7)), choice, report_on, calibration)
        yield row(f"{name}, {images} images", label, *cells(found))


def cells(found: Study) -> Iterator[str]:
    """Give the figures of a row."""
    record = found.record()
    accuracy = record["accuracy"]
    in_use = max(layer["strip_bits"] + layer["live_stored_bits"] for layer in record["layers"])
    yield f"{record['cycles']:,}"
    yield f"{record['macs_per_cycle']:.1f}"
    yield f"{record['raw_bits'] / 8192:,.1f}"
    yield f"{record['stored_bits'] / 8192:,.1f}"
    yield f"{record['raw_bits'] / record['stored_bits']:.2f}"
    yield f"{in_use / 8192:.1f}"
    yield f"{(record['spilled_bits'] + record['refilled_bits']) / 8192:,.0f}"
    yield f"{100 * accuracy['top1_before']:.1f}, {100 * accuracy['top1']:.1f}"
    low, high = accuracy["loss_interval"]
    yield f"{100 * accuracy['loss']:.1f} ({100 * low:.1f} to {100 * high:.1f})"
    yield f"{100 * accuracy['agreement']:.1f}"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="+", metavar="NAME=IMAGES")
    parser.add_argument("--auto", action="store_true", help="only with a step chosen for each map, which takes longer")
    arguments = parser.parse_args()
    print(row(*HEADINGS))
    print(row("---", "---", *["--:"] * (len(HEADINGS) - 2)))
    for text in arguments.networks:
        name, _, images = text.partition("=")
        for line in rows(name, int(images), AUTO if arguments.auto else CHOICES):
            print(line, flush=True)


if __name__ == "__main__":
    main()
