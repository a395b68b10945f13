"""Commands about what lossy schemes cost a network: accuracy, weights, energy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.commands.network_options import (
    ACCURACY_COLUMNS,
    CALIBRATION_HELP,
    ImageChoice,
    accuracy_cells,
    calibration_and_images,
    images_option,
    network_options,
)
from silicodec.files import INPUT, OUTPUT
from silicodec.output import Columns, print_table, progress_bar, write_json
from silicodec.program import BadInput

if TYPE_CHECKING:
    from silicodec.models.networks import Network


@click.command()
@network_options()
@click.option(
    "--scheme",
    default="dct-or-ebpc",
    show_default=True,
    help="Lossy scheme: dct; dct-or-ebpc (EBPC for some layers); transform (PCA of the channels), transform-2x2 (of "
    "the channels of 2 x 2 pixels), or quantise (the same without PCA).",
)
@click.option(
    "--point",
    default="activation",
    show_default=True,
    help="Where maps are compressed: activation (its output); convolution (its output, before the activation); tensor "
    "(the output of every operator of a network in integers).",
)
@images_option("--calibration", CALIBRATION_HELP)
@images_option()
@click.option(
    "--views", default=1, show_default=True, metavar="N", help="Views to make of each image, mirrored and shifted."
)
@click.option(
    "--setting",
    "settings",
    type=int,
    multiple=True,
    metavar="N",
    help="Report this setting for all layers, and choose among these.  [default: all]",
)
@click.option("--agreement", is_flag=True, help="Count agreement with the uncompressed network as accuracy.")
@click.option(
    "--uniform/--no-uniform", default=True, show_default=True, help="Whether to report each setting for all layers."
)
@click.option(
    "--budget",
    "budgets",
    type=float,
    multiple=True,
    metavar="FRACTION",
    help="Accuracy that may be lost on the calibration images; may be repeated.  [default: 0.01; none with --setting "
    "or --ratio]",
)
@click.option(
    "--ratio",
    "ratios",
    type=click.FloatRange(min=1),
    multiple=True,
    metavar="R",
    help="Ratio to reach on the calibration images, with the least divergence by estimate; may be repeated.",
)
@click.option("--layers", is_flag=True, help="Show every layer, too.")
@click.option(
    "--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the records there, with each layer's setting."
)
def accuracy(
    network: Network,
    calibration: ImageChoice | None,
    images: ImageChoice | None,
    layers: bool,
    json_file: Path | None,
    **options: Any,
) -> None:
    """Measure accuracy and ratio with feature maps that a lossy scheme compressed and restored.

    In each of its settings for all layers, and with a setting for each layer chosen for an accuracy budget. Example:

        silicodec accuracy --network resnet20 --budget 0.01
    """
    from silicodec.models.evaluation.accuracy import Choices, measure_accuracy

    options |= calibration_and_images(network, calibration, images)
    options["budgets"] = options["budgets"] or (() if options["settings"] or options["ratios"] else (0.01,))
    choices = Choices(**{name: options.pop(name) for name in ("budgets", "ratios", "agreement", "uniform", "settings")})
    with progress_bar(network.name) as progress:
        records = measure_accuracy(network, choices=choices, progress=progress, **options)
    numbers = (*ACCURACY_COLUMNS, "ratio", "entropy", "EBPC instead", "EBPC on coefficients")
    columns: Columns = [("choice", "left"), *((name, "right") for name in numbers)]
    rows = [
        (
            record["choice"],
            *accuracy_cells(record),
            *(f"{record[key]:.3f}" for key in ("ratio", "entropy_ratio", "ebpc_ratio", "sequence_ratio")),
        )
        for record in records
    ]
    print_table(f"{network.name}, {records[0]['images']} images; in brackets, 95 % intervals", columns, rows)
    for record in records if layers else []:
        print_layers(record)
    if json_file:
        write_json(json_file, records)


def print_layers(record: dict[str, Any]) -> None:
    """Print the layers of a record of `measure_accuracy` as a table."""
    total = sum(layer["compressed_bits"] for layer in record["layers"])
    columns: Columns = [(name, "right") for name in ("setting", "ratio", "EBPC instead", "% of compressed bits")]
    rows = [
        (
            layer["layer"],
            layer["setting"],
            f"{layer['bits'] / layer['compressed_bits']:.3f}",
            f"{layer['bits'] / layer['ebpc_bits']:.3f}",
            f"{100 * layer['compressed_bits'] / total:.1f}",
        )
        for layer in record["layers"]
    ]
    print_table(f"{record['network']}, {record['choice']}", [("layer", "left"), *columns], rows)


@click.command()
@network_options()
@images_option("--calibration", CALIBRATION_HELP)
@images_option()
@click.option(
    "--budget",
    "budgets",
    type=float,
    multiple=True,
    default=(0, 0.005, 0.01),
    show_default=True,
    metavar="FRACTION",
    help="Accuracy that may be lost on the calibration images; may be repeated.",
)
@click.option(
    "--agreement",
    "by_agreement",
    is_flag=True,
    help="Count as lost what falls into another class than before, whatever the true one.",
)
@click.option(
    "--scale-rule", default="headroom", show_default=True, help="For weights in floating point, as in `evaluate`."
)
@click.option("--layers", is_flag=True, help="Show every layer.")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the records there.")
def weights(
    network: Network,
    calibration: ImageChoice | None,
    images: ImageChoice | None,
    layers: bool,
    json_file: Path | None,
    **options: Any,
) -> None:
    """Measure how small a dictionary makes the weights of a network: as they are, and trimmed within accuracy budgets.

    Example:

        silicodec weights --network perceptron --calibration 1000 --images 2000
    """
    from silicodec.models.evaluation.weights import CODERS, measure_weights

    options |= calibration_and_images(network, calibration, images)
    with progress_bar(network.name) as progress:
        records = measure_weights(network, progress=progress, **options)
    coders = ("dictionary", *CODERS)
    numbers = (*ACCURACY_COLUMNS, "zeros %", *coders)
    columns: Columns = [*((name, "left") for name in ("weights", "layer")), *((name, "right") for name in numbers)]
    rows: list[tuple[str, ...]] = []
    for record in records:
        rows.append((record["choice"], "all", *accuracy_cells(record), *_weight_sizes(record, coders)))
        if layers:
            rows += [("", layer["layer"], "", "", "", *_weight_sizes(layer, coders)) for layer in record["layers"]]
    title = f"{network.name}, {records[0]['images']} images: ratios to 8-bit weights; in brackets, 95 % intervals"
    print_table(title, columns, rows)
    if json_file:
        write_json(json_file, records)


def _weight_sizes(record: dict[str, Any], coders: tuple[str, ...]) -> list[str]:
    ratios = [record["bits"] / max(record[f"{coder}_bits"], 1) for coder in coders]
    return [f"{100 * record['zeros']:.1f}", *(f"{ratio:.2f}" for ratio in ratios)]


@click.command()
@network_options()
@images_option()
@click.option("--part", "part_name", default="ddr3-1066", show_default=True, help="Memory: ddr3-1066.")
@click.option(
    "--accuracy",
    "accuracy_files",
    type=INPUT,
    multiple=True,
    metavar="FILE",
    help="What `silicodec accuracy --json` wrote about a lossy scheme on this network; may be repeated.",
)
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the records there.")
def energy(
    network: Network,
    images: ImageChoice | None,
    part_name: str,
    accuracy_files: tuple[Path, ...],
    json_file: Path | None,
) -> None:
    """Compute the energy of the memory that feature maps pass through, written and read once each.

    For every lossless codec, and for each choice of settings in the files of `silicodec accuracy`. Example:

        silicodec energy --network resnet20 --accuracy transform.json
    """
    from silicodec.models.catalog import CODECS
    from silicodec.models.evaluation.compression import evaluate
    from silicodec.models.evaluation.memory_energy import energy_record, get_memory_part

    part = get_memory_part(part_name)
    codecs = [name for name, codec in CODECS.items() if codec.lossless]
    choice = images or ImageChoice(20, None)
    with progress_bar(network.name) as progress:
        evaluation = evaluate(network, codecs, images=choice.count, folder=choice.place, progress=progress)
    image_count = evaluation.conditions["images"]
    layers = {codec: [record for record in evaluation.layers if record["codec"] == codec] for codec in codecs}
    records = [energy_record(codec, part, of_codec, image_count) for codec, of_codec in layers.items()]
    for file in accuracy_files:
        records += [
            energy_record(f"{file.stem}, {choice['choice']}", part, choice["layers"], choice["images"])
            for choice in read_accuracy(file, network.name)
        ]
    columns: Columns = [
        ("stored with", "left"),
        *((name, "right") for name in ("uJ/image", "8 bits a value", "less by %", "tables uJ")),
    ]
    rows = [
        (
            record["name"],
            *(f"{1e6 * record[key]:,.1f}" for key in ("joules", "plain_joules")),
            f"{100 * record['reduction']:.1f}",
            f"{1e6 * record['table_joules']:,.1f}",
        )
        for record in records
    ]
    print_table(f"{network.name}: {part.name}, {part.source}", columns, rows)
    if json_file:
        write_json(json_file, records)


def read_accuracy(path: Path, network: str) -> list[dict[str, Any]]:
    """Read what `silicodec accuracy --json` wrote about a network."""
    try:
        records = json.loads(path.read_text())
        networks = {record["network"] for record in records}
    except (ValueError, TypeError, KeyError):
        raise BadInput(f"{path} is not a file that `silicodec accuracy --json` wrote") from None
    if networks != {network}:
        raise BadInput(f"{path} is about {', '.join(sorted(networks))}, not {network}")
    return list(records)


COMMANDS: tuple[Any, ...] = (accuracy, weights, energy)
