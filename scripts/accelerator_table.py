"""Make the table of docs/results/accelerator.md: networks on the accelerator, by how their maps are stored.

python scripts/accelerator_table.py resnet8=500 resnet20-int8=500 > table.md
python scripts/accelerator_table.py --images photographs vww_96_int8.tflite=60
python scripts/accelerator_table.py --only chosen resnet20-int8=60
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.accelerator.study import Choice, Study, study
from silicodec.models.evaluation.budget import calibration_and_test
from silicodec.models.networks import get_network

CHOICES = {
    "raw": Choice(),
    "EBPC": Choice("ebpc"),
    **{f"DCT, step {step}": Choice("dct", step) for step in (2, 4, 8)},
    "chosen": Choice("auto", budget=0.01),
}
BANKS = {"mobilenetv2-int8": 14}
"""Networks that get a memory of 252 KiB instead of 126."""
HEADINGS = (
    *("network, images", "maps", "cycles", "MACs a cycle", "maps, KiB raw / stored", "smaller", "in use, KiB"),
    *("off chip, KiB", "top-1 before and after, %", "loss, points (95 %)", "same class, % (95 %)"),
)


def row(*cells: Any) -> str:
    """Write a row of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def rows(text: str, labels: list[str], calibration: int, folder: Path | None) -> Iterator[str]:
    """Give the rows of a network, NAME=IMAGES, on images of its own or of a folder, after those to choose on."""
    name, _, images = text.partition("=")
    network = get_network(name)
    choose_on, report_on = calibration_and_test(network, calibration=calibration, images=int(images), folder=folder)
    for label in labels:
        shape = AcceleratorShape(banks=BANKS.get(name, 7), ebpc=CHOICES[label].codec in ("ebpc", "auto"))
        found = study(network, shape, CHOICES[label], report_on, choose_on, runs=1)
        told = label if label != "chosen" else f"chosen: {codecs(found)}"
        yield row(f"{Path(name).stem}, {images} images", told, *cells(found))


def codecs(found: Study) -> str:
    """Say how many maps are stored in which way."""
    counts = Counter(layer["codec"].upper().replace("RAW", "raw") for layer in found.record()["layers"][:-1])
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def cells(found: Study) -> Iterator[str]:
    """Give the figures of a row."""
    record = found.record()
    accuracy = record["accuracy"]
    in_use = max(layer["strip_bits"] + layer["live_stored_bits"] for layer in record["layers"])
    yield f"{record['cycles']:,}"
    yield f"{record['macs_per_cycle']:.1f}"
    yield f"{record['raw_bits'] / 8192:,.1f} / {record['mean_stored_bits'] / 8192:,.1f}"
    yield f"{record['raw_bits'] / record['mean_stored_bits']:.2f}"
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
    parser.add_argument("--only", choices=CHOICES, help="only maps that are stored so")
    parser.add_argument("--calibration", type=int, default=100, help="images to choose on, before those to report on")
    parser.add_argument("--images", type=Path, help="a folder, for networks that have no images of their own")
    arguments = parser.parse_args()
    labels = [arguments.only] if arguments.only else list(CHOICES)
    print(row(*HEADINGS))
    print(row("---", "---", *["--:"] * (len(HEADINGS) - 2)))
    for text in arguments.networks:
        for line in rows(text, labels, arguments.calibration, arguments.images):
            print(line, flush=True)


if __name__ == "__main__":
    main()
