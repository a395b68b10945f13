"""Commands about networks: networks, evaluate, accuracy, energy, demo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from silicodec.files import FOLDER, INPUT, LIST_AS_JSON, OUTPUT
from silicodec.names import CODEC, NETWORK
from silicodec.output import Columns, print_table, progress_bar, say, write_json
from silicodec.program import BadInput, FailedRun


@click.command()
@LIST_AS_JSON
def networks(json_file: Path | None) -> None:
    """List the networks, and what is missing for those that cannot be used here."""
    from silicodec.models.networks import NETWORKS

    if json_file:
        listed = [(n.name, n.summary, n.data_set, n.available()) for n in NETWORKS.values()]
        write_json(json_file, [dict(zip(("network", "summary", "images", "missing"), n, strict=True)) for n in listed])
        return
    rows = [(n.name, n.summary, n.data_set, n.available() or "ready") for n in NETWORKS.values()]
    print_table("Networks", [(name, "left") for name in ("network", "what it is", "images", "state")], rows)


def split_names(context: click.Context, option: click.Parameter, value: str | None) -> list[str] | None:
    """Split a list of names at its commas."""
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]


@click.command()
@click.option("--network", type=NETWORK, default="digits", show_default=True, help="One of `silicodec networks`.")
@click.option("--weights-file", type=INPUT, metavar="FILE", help="Weights to use instead of the network's own.")
@click.option(
    "--codecs",
    type=CODEC,
    default="ebpc,bpc,zvc,zero-rle",
    show_default=True,
    callback=split_names,
    help="Some of `silicodec codecs`, with commas between.",
)
@click.option(
    "--images", "image_count", type=int, metavar="N", help="How many images.  [default: 20; 200 for --weights]"
)
@click.option("--folder", type=INPUT, metavar="DIR", help="Image files to use instead of the network's data set.")
@click.option(
    "--format",
    "number_formats",
    callback=split_names,
    help="Number formats, with commas between: fixed4, fixed8, fixed12, fixed16, float16, native.  "
    "[default: the network's own]",
)
@click.option(
    "--scale-rule",
    default="headroom",
    show_default=True,
    help="headroom: a layer's largest value at 0.75 of full range, as in the EBPC paper; or full-range.",
)
@click.option("--gradients", is_flag=True, help="Evaluate the gradient maps of a training step too.")
@click.option(
    "--weights",
    is_flag=True,
    help="Evaluate the weights instead, in 8 bits: as they are, and trimmed within budgets of accuracy.",
)
@click.option(
    "--budget",
    "budgets",
    type=float,
    multiple=True,
    default=(0, 0.005, 0.01),
    show_default=True,
    metavar="FRACTION",
    help="For --weights: accuracy that may be lost on the calibration images; may be repeated.",
)
@click.option(
    "--calibration",
    default=200,
    show_default=True,
    metavar="N",
    help="For --weights: how many images to choose trimmings on; the report is on others.",
)
@click.option(
    "--agreement",
    is_flag=True,
    help="For --weights: count as lost what falls into another class than before, whatever the true one.",
)
@click.option("--layers", is_flag=True, help="Show every layer.")
@click.option("--workers", type=int, metavar="N", help="Local processes.  [default: one for each processor]")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler to use instead, such as tcp://host:8786.")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the records there.")
@click.option("--parquet", "parquet_file", type=OUTPUT, metavar="FILE", help="Write the records there.")
def evaluate(
    network: str,
    weights_file: Path | None,
    image_count: int | None,
    weights: bool,
    budgets: tuple[float, ...],
    calibration: int,
    agreement: bool,
    layers: bool,
    json_file: Path | None,
    parquet_file: Path | None,
    **options: Any,
) -> None:
    """Measure how small codecs make the feature maps of a network, or how small trimming makes its weights.

    Example:

        silicodec evaluate --network resnet20 --codecs ebpc,zvc --images 100

        silicodec evaluate --network perceptron --weights --calibration 1000 --images 2000
    """
    from silicodec.models.evaluation.compression import evaluate
    from silicodec.models.networks import get_network

    found = get_network(network, weights_file)
    if weights:
        if options["gradients"] or parquet_file:
            raise click.UsageError("--weights goes with neither --gradients nor --parquet")
        settings = {key: options[key] for key in ("folder", "scale_rule")}
        settings |= {"budgets": budgets, "calibration": calibration, "by_agreement": agreement}
        evaluate_weights(found, 200 if image_count is None else image_count, json_file, layers=layers, **settings)
        return
    image_count = 20 if image_count is None else image_count
    with progress_bar(network) as progress:
        evaluation = evaluate(found, images=image_count, progress=progress, **options)
    print_records(f"{network}, {image_count} images", evaluation.records if layers else evaluation.totals)
    if json_file:
        evaluation.write_json(json_file)
    if parquet_file:
        evaluation.write_parquet(parquet_file)


def evaluate_weights(network: Any, images: int, json_file: Path | None, *, layers: bool, **settings: Any) -> None:
    """Measure trimmed weights, and print a table of ratios."""
    from silicodec.models.evaluation.weights import CODERS, measure_weights

    with progress_bar(network.name) as progress:
        records = measure_weights(network, images=images, progress=progress, **settings)
    coders = ("dictionary", *CODERS)
    numbers = ("top-1 %", "loss %", "agreement %", "zeros %", *coders)
    columns: Columns = [*((name, "left") for name in ("weights", "layer")), *((name, "right") for name in numbers)]
    rows = []
    for record in records:
        figures = [None if record[key] is None else f"{100 * record[key]:.2f}" for key in ("top1", "loss", "agreement")]
        rows.append((record["choice"], "all", *figures, *_weight_sizes(record, coders)))
        if layers:
            rows += [("", layer["layer"], "", "", "", *_weight_sizes(layer, coders)) for layer in record["layers"]]
    print_table(f"{network.name}, {images} images: ratios to 8-bit weights", columns, rows)
    if json_file:
        write_json(json_file, records)


def _weight_sizes(record: dict[str, Any], coders: tuple[str, ...]) -> list[str]:
    ratios = [record["bits"] / max(record[f"{coder}_bits"], 1) for coder in coders]
    return [f"{100 * record['zeros']:.1f}", *(f"{ratio:.2f}" for ratio in ratios)]


def print_records(title: str, records: list[dict[str, Any]]) -> None:
    """Print records of an evaluation as a table."""
    names = ("tensors", "format", "codec", "layer")
    numbers = ("words", "zeros %", "ratio", "frame mean", "deviation", "1st", "99th pct")
    columns: Columns = [*((name, "left") for name in names), *((name, "right") for name in numbers)]
    rows = [
        (
            *(record[key] for key in ("kind", "number_format", "codec")),
            record["layer"] or "all",
            f"{record['words']:,}",
            f"{100 * record['sparsity']:.1f}",
            *(f"{record[key]:.3f}" for key in ("ratio", "frame_mean", "frame_deviation", "frame_p1", "frame_p99")),
        )
        for record in records
    ]
    print_table(title, columns, rows)


@click.command()
@click.option("--network", type=NETWORK, default="digits", show_default=True, help="One of `silicodec networks`.")
@click.option("--weights-file", type=INPUT, metavar="FILE", help="Weights to use instead of the network's own.")
@click.option(
    "--scheme",
    default="dct",
    show_default=True,
    help="Lossy scheme: dct; dct-or-ebpc (EBPC for some layers); transform (PCA of the channels), transform-2x2 (of "
    "the channels of 2 x 2 pixels), or quantise (the same without PCA).",
)
@click.option(
    "--point",
    default="activation",
    show_default=True,
    help="Where maps are compressed: activation (its output), or convolution (its output, before the activation).",
)
@click.option(
    "--calibration", default=200, show_default=True, metavar="N", help="How many images to choose settings on."
)
@click.option("--images", default=200, show_default=True, metavar="N", help="How many other images to report on.")
@click.option(
    "--views", default=1, show_default=True, metavar="N", help="Views to make of each image, mirrored and shifted."
)
@click.option("--folder", type=INPUT, metavar="DIR", help="Image files to use instead of the network's data set.")
@click.option("--agreement", is_flag=True, help="Count agreement with the uncompressed network as accuracy.")
@click.option(
    "--uniform/--no-uniform", default=True, show_default=True, help="Whether to report each setting for all layers."
)
@click.option(
    "--budget",
    "budgets",
    type=float,
    multiple=True,
    default=(0.01,),
    show_default=True,
    metavar="FRACTION",
    help="Accuracy that may be lost on the calibration images; may be repeated.",
)
@click.option("--layers", is_flag=True, help="Show every layer, too.")
@click.option(
    "--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the records there, with each layer's setting."
)
def accuracy(network: str, weights_file: Path | None, layers: bool, json_file: Path | None, **options: Any) -> None:
    """Measure accuracy and ratio with feature maps that a lossy scheme compressed and restored.

    In each of its settings for all layers, and with a setting for each layer chosen for an accuracy budget. Example:

        silicodec accuracy --network resnet20 --budget 0.01
    """
    from silicodec.models.evaluation.accuracy import measure_accuracy
    from silicodec.models.networks import get_network

    with progress_bar(network) as progress:
        records = measure_accuracy(get_network(network, weights_file), progress=progress, **options)
    numbers = ("top-1 %", "loss %", "agreement %", "ratio", "entropy", "EBPC instead", "EBPC on coefficients")
    columns: Columns = [("choice", "left"), *((name, "right") for name in numbers)]
    rows = [
        (
            record["choice"],
            *(None if record[key] is None else f"{100 * record[key]:.2f}" for key in ("top1", "loss", "agreement")),
            *(f"{record[key]:.3f}" for key in ("ratio", "entropy_ratio", "ebpc_ratio", "sequence_ratio")),
        )
        for record in records
    ]
    print_table(f"{network}, {records[0]['images']} images", columns, rows)
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
@click.option("--network", type=NETWORK, default="digits", show_default=True, help="One of `silicodec networks`.")
@click.option("--weights-file", type=INPUT, metavar="FILE", help="Weights to use instead of the network's own.")
@click.option("--images", "image_count", default=20, show_default=True, metavar="N", help="How many images.")
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
    network: str,
    weights_file: Path | None,
    image_count: int,
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
    from silicodec.models.networks import get_network

    part = get_memory_part(part_name)
    codecs = [name for name, codec in CODECS.items() if codec.lossless and codec.stream_names]
    with progress_bar(network) as progress:
        evaluation = evaluate(get_network(network, weights_file), codecs, images=image_count, progress=progress)
    layers = {codec: [record for record in evaluation.layers if record["codec"] == codec] for codec in codecs}
    records = [energy_record(codec, part, of_codec, image_count) for codec, of_codec in layers.items()]
    for file in accuracy_files:
        records += [
            energy_record(f"{file.stem}, {choice['choice']}", part, choice["layers"], choice["images"])
            for choice in read_accuracy(file, network)
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
    print_table(f"{network}: {part.name}, {part.source}", columns, rows)
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


@click.command()
@click.option(
    "--network",
    type=NETWORK,
    help="One of `silicodec networks`.  [default: resnet20, or digits where SILICODEC_DATA is unset]",
)
@click.option("--images", "image_count", default=100, show_default=True, metavar="N", help="How many images.")
@click.option("--out", "folder", type=FOLDER, default=Path("build/demo"), show_default=True, help="Folder of the page.")
def demo(network: str | None, image_count: int, folder: Path) -> None:
    """Compress a network's feature maps in software and in simulated hardware, and write a page about it."""
    from silicodec.report.demo import default_network, write_demo

    page, match = write_demo(network or default_network(), image_count, folder, say=say)
    say(f"page: {page.resolve().as_uri()}")
    if not match:
        raise FailedRun("simulated hardware and software gave different bits")


COMMANDS: tuple[Any, ...] = (networks, evaluate, accuracy, energy, demo)
