"""Measure what transform coding leaves of a network's accuracy: each setting in all layers, with PCA and without.

    python scripts/transform_curves.py resnet20

writes records, `build/transform/resnet20.json`, and a plot for each place where maps are compressed, such as
`build/transform/resnet20-convolution.svg`.
"""

import argparse
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from silicodec.models.evaluation.budget import classes, divergence
from silicodec.models.evaluation.restoration import RestoredNetwork
from silicodec.models.evaluation.schemes import SCHEMES, TransformScheme
from silicodec.models.evaluation.statistics import accuracy_record
from silicodec.models.networks import Network, get_network
from silicodec.models.networks.capture import Point
from silicodec.output import print_table, write_json
from silicodec.report.plots import rate_figure

POINTS: tuple[Point, ...] = ("activation", "convolution")
NAMES = [name for name, scheme in SCHEMES.items() if isinstance(scheme, TransformScheme)]
FIGURES = ("bits", "entropy", "code_table", "top1", "loss", "agreement", "divergence")
"""Bits a value: those of the stream, of the entropy, and of the code's table if read for each image; and accuracy."""


def with_settings(scheme: TransformScheme, settings: list[int]) -> TransformScheme:
    """Return a scheme whose candidates are those of some settings, 1 being the scheme's first."""
    changed = copy.copy(scheme)
    changed.STEPS = tuple(scheme.STEPS[0] * 2 ** ((setting - 1) / 2) for setting in settings)
    return changed


def measure(network: Network, options: argparse.Namespace, point: Point) -> Iterator[dict[str, Any]]:
    """Run a network with each scheme in each setting."""
    images, labels = network.images(options.first + options.images)
    calibration, images = images[: options.calibration], images[options.first :]
    restored = RestoredNetwork(network.load(), calibration, point)
    maps = restored.maps(calibration)
    before = restored.run(images, {})

    def record(scheme: str, setting: int | None, codecs: dict[str, Any]) -> dict[str, Any]:
        run = restored.run(images, codecs, compare=True)
        values = sum(run.bits.values()) / 8
        kept = accuracy_record(
            classes(before.scores), classes(run.scores), None if labels is None else labels[options.first :]
        )
        return {
            "point": point,
            "scheme": scheme,
            "setting": setting,
            "bits": sum(run.compressed_bits.values()) / values,
            "entropy": sum(run.entropy_bits.values()) / values,
            "code_table": sum(codec.code.table_bits for codec in codecs.values()) * len(images) / values,
            "divergence": divergence(before.scores, run.scores),
            **kept,
        }

    yield record("8 bits", None, {})
    for name in options.schemes:
        scheme = with_settings(SCHEMES[name], options.settings)
        candidates = {layer: scheme.candidates(of_layer) for layer, of_layer in maps.items()}
        for index, setting in enumerate(options.settings):
            yield record(name, setting, {layer: codecs[index] for layer, codecs in candidates.items()})


def main() -> None:
    """Run as the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("--calibration", type=int, default=200, help="calibrate on the first images (default: 200)")
    parser.add_argument("--first", type=int, default=500, help="first image to report on (default: 500)")
    parser.add_argument("--images", type=int, default=500, help="report on so many images (default: 500)")
    parser.add_argument("--points", nargs="+", default=POINTS, choices=POINTS)
    parser.add_argument("--schemes", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument(
        "--settings", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6], help="from fine to coarse, 0 and below too"
    )
    parser.add_argument("--out", type=Path, default=Path("build/transform"), help="folder (default: build/transform)")
    options = parser.parse_args()
    if options.first < options.calibration:
        parser.error("images to report on must come after those for calibration")
    network = get_network(options.network)
    options.out.mkdir(parents=True, exist_ok=True)
    records = []
    for point in options.points:
        for record in measure(network, options, point):
            records.append(record)
            click.echo(f"{point} {record['scheme']} {record['setting'] or ''}", err=True)
            write_json(options.out / f"{network.name}.json", records)
        before, *compressed = [record for record in records if record["point"] == point]
        accuracy = "agreement" if before["top1"] is None else "top1"
        curves = {
            name: [(record["bits"], record[accuracy]) for record in compressed if record["scheme"] == name]
            for name in options.schemes
        }
        figure = rate_figure(curves, before[accuracy], accuracy)
        figure.savefig(options.out / f"{network.name}-{point}.svg", metadata={"Date": None})
    rows = [
        (
            record["point"],
            record["scheme"],
            record["setting"],
            *("" if record.get(key) is None else f"{record[key]:.3f}" for key in FIGURES),
        )
        for record in records
    ]
    print_table(
        f"{network.name}, {options.images} images",
        [*((name, "left") for name in ("point", "scheme", "setting")), *((name, "right") for name in FIGURES)],
        rows,
    )


if __name__ == "__main__":
    main()
