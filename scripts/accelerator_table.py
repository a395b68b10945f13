"""Make the table of docs/results/accelerator.md: networks on the accelerator, by how their maps are stored.

python scripts/accelerator_table.py resnet8=200 resnet20-int8=60 > table.md
python scripts/accelerator_table.py --images photographs vww_96_int8.tflite=60
python scripts/accelerator_table.py --only EBPC resnet20-int8=60
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.accelerator.study import Choice, Study, study
from silicodec.models.evaluation.budget import calibration_and_test
from silicodec.models.networks import get_network

CALIBRATION = 5
CHOICES = {
    "raw": Choice(),
    "EBPC": Choice("ebpc"),
    **{f"DCT, step {step}": Choice("dct", step) for step in (1, 2, 4, 8)},
    "DCT, chosen": Choice("auto", budget=0.01),
    "EBPC or DCT, chosen": Choice("auto", budget=0.01),
}
AUTO = [label for label, choice in CHOICES.items() if choice.codec == "auto"]
BANKS = {"mobilenetv2-int8": 14}
"""Networks that get a memory of 252 KiB instead of 126."""
HEADINGS = (
    *("network, images", "maps", "cycles", "MACs a cycle", "maps, KiB raw / stored", "smaller", "in use, KiB"),
    *("off chip, KiB", "top-1 before and after, %", "loss, points (95 %)", "same class, % (95 %)"),
)


def row(*cells: Any) -> str:
    """Write a row of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def rows(name: str, images: int, labels: list[str], folder: Path | None) -> Iterator[str]:
    """Give a network's rows, on images of its own or of a folder."""
    network = get_network(name)
    calibration, report_on = calibration_and_test(network, calibration=CALIBRATION, images=images, folder=folder)
    for label in labels:
        shape = AcceleratorShape(banks=BANKS.get(name, 7), ebpc="EBPC" in label)
        found = study(network, shape, CHOICES[label], report_on, calibration)
        yield row(f"{Path(name).stem}, {len(report_on.batch)} images", label, *cells(found))


def cells(found: Study) -> Iterator[str]:
    """Give the figures of a row."""
    record = found.record()
    accuracy = record["accuracy"]
    in_use = max(layer["strip_bits"] + layer["live_stored_bits"] for layer in record["layers"])
    yield f"{record['cycles']:,}"
    yield f"{record['macs_per_cycle']:.1f}"
    yield f"{record['raw_bits'] / 8192:,.1f} / {record['stored_bits'] / 8192:,.1f}"
    yield f"{record['raw_bits'] / record['stored_bits']:.2f}"
    yield f"{in_use / 8192:.1f}"
    yield f"{(record['spilled_bits'] + record['refilled_bits']) / 8192:,.0f}"
    if accuracy["loss"] is None:
        yield from ("-", "-")
    else:
        yield f"{100 * accuracy['top1_before']:.1f}, {100 * accuracy['top1']:.1f}"
        yield with_interval(accuracy["loss"], accuracy["loss_interval"])
    yield with_interval(accuracy["agreement"], accuracy["agreement_interval"])


def with_interval(fraction: float, interval: list[float]) -> str:
    """Write a fraction and its interval in percent."""
    low, high = interval
    return f"{100 * fraction:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="+", metavar="NAME=IMAGES")
    parser.add_argument("--auto", action="store_true", help="only with a codec chosen for each map, which takes longer")
    parser.add_argument("--only", choices=CHOICES, help="only maps that are stored so")
    parser.add_argument("--images", type=Path, help="a folder, for networks that have no images of their own")
    arguments = parser.parse_args()
    labels = [label for label in CHOICES if (label in AUTO) == arguments.auto]
    if arguments.only:
        labels = [arguments.only]
    print(row(*HEADINGS))
    print(row("---", "---", *["--:"] * (len(HEADINGS) - 2)))
    for text in arguments.networks:
        name, _, images = text.partition("=")
        for line in rows(name, int(images), labels, arguments.images):
            print(line, flush=True)


if __name__ == "__main__":
    main()
