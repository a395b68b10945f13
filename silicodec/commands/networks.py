"""Commands about networks: networks, evaluate, quantise, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.commands.network_options import (
    CALIBRATION_HELP,
    ImageChoice,
    calibration_and_images,
    described,
    images_option,
    network_options,
)
from silicodec.files import FOLDER, INPUT, LIST_AS_JSON, OUTPUT
from silicodec.names import CODEC, NETWORK
from silicodec.output import Columns, print_table, progress_bar, say, write_json
from silicodec.program import FailedRun

if TYPE_CHECKING:
    from silicodec.models.networks import Network


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
@network_options()
@click.option(
    "--codecs",
    type=CODEC,
    default="ebpc,bpc,zvc,zero-rle",
    show_default=True,
    callback=split_names,
    help="Some of `silicodec codecs`, and the bounds entropy and huffman, with commas between.",
)
@images_option()
@click.option(
    "--tensors",
    type=INPUT,
    metavar="PLACE",
    help="Evaluate saved tensors instead, without a network: FILE.npy, FILE.npz, or a folder of such files.",
)
@click.option(
    "--format",
    "number_formats",
    callback=split_names,
    help="Number formats, with commas between: fixed4, fixed8, fixed12, fixed16, float16, native, native16.  "
    "[default: the network's own]",
)
@click.option(
    "--scale-rule",
    default="headroom",
    show_default=True,
    help="headroom: a layer's largest value at 0.75 of full range, as in the EBPC paper; or full-range.",
)
@click.option(
    "--rule",
    default="project",
    show_default=True,
    help="How sizes are counted: project; or authors, as the EBPC paper's authors did, with all images as one batch in "
    "training mode.",
)
@click.option("--gradients", is_flag=True, help="Evaluate the gradient maps of a training step too.")
@click.option("--layers", is_flag=True, help="Show every layer.")
@click.option("--workers", type=int, metavar="N", help="Local processes.  [default: one for each processor]")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler to use instead, such as tcp://host:8786.")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the records there.")
@click.option("--parquet", "parquet_file", type=OUTPUT, metavar="FILE", help="Write the records there.")
def evaluate(
    network: Network,
    images: ImageChoice | None,
    tensors: Path | None,
    layers: bool,
    json_file: Path | None,
    parquet_file: Path | None,
    **options: Any,
) -> None:
    """Measure how small codecs make the feature maps of a network, or tensors that were saved.

    Examples
    --------
        silicodec evaluate --network resnet20 --codecs ebpc,zvc --images 100

        silicodec evaluate --network model.tflite --images photographs/ --layers

        silicodec evaluate --tensors maps.npz --codecs ebpc,entropy

        silicodec evaluate --network alexnet --images 200 --rule authors
    """
    from silicodec.models.evaluation.compression import evaluate
    from silicodec.models.evaluation.tensors import evaluate_tensors, read_tensors

    if tensors is not None:
        chosen = {key: options[key] for key in ("codecs", "number_formats", "scale_rule", "rule")}
        evaluation = evaluate_tensors(read_tensors(tensors), source=str(tensors), **chosen)
        title = str(tensors)
    else:
        choice = images or ImageChoice(20, None)
        with progress_bar(network.name) as progress:
            evaluation = evaluate(network, images=choice.count, folder=choice.place, progress=progress, **options)
        title = f"{network.name}, {evaluation.conditions['images']} images"
    print_records(title, evaluation.records if layers else evaluation.totals)
    if json_file:
        evaluation.write_json(json_file)
    if parquet_file:
        evaluation.write_parquet(parquet_file)


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
@network_options()
@click.option("--out", type=OUTPUT, required=True, metavar="FILE.npz", help="Where to write the network.")
@images_option("--calibration", CALIBRATION_HELP)
@images_option()
@click.option("--method", default="min-max", show_default=True, help="How ranges are found: min-max or percentile.")
@click.option("--percentile", default=99.99, show_default=True, help="For percentile: how much a range holds, in %.")
def quantise(
    network: Network,
    out: Path,
    calibration: ImageChoice | None,
    images: ImageChoice | None,
    method: Any,
    percentile: float,
) -> None:
    """Turn a network in floating point into one in 8-bit integers, and write it to a file.

    The ranges of its maps come from calibration images, what it loses from others. Examples:

        silicodec quantise --network resnet20 --out resnet20-int8.npz

        silicodec quantise --network model.py:build --shape 3,32,32 --calibration train/ --images test/ --out model.npz
    """
    from silicodec.models.evaluation.budget import calibration_and_test
    from silicodec.models.evaluation.statistics import accuracy_record
    from silicodec.models.networks import NetworkError
    from silicodec.models.networks.custom import module_network
    from silicodec.models.networks.quantised import Calibration, quantise_network
    from silicodec.models.networks.tflite import IntegerGraph
    from silicodec.models.networks.tflite.archive import Preparation, save_graph

    how = Calibration(method, percentile)
    model = network.load()
    if isinstance(model, IntegerGraph):
        raise NetworkError(f"network {network.name} is in integers already")
    first, rest = calibration_and_test(network, **calibration_and_images(network, calibration, images))
    graph = quantise_network(model, first.batch, how)
    before = network.classify(rest.batch)
    after = module_network(graph, network.input_shape).classify(rest.batch)
    record = accuracy_record(before, after, rest.labels)
    save_graph(out, graph, Preparation(network.mean, network.deviation))
    say(f"{out}: {len(graph.operators)} operators, calibrated on {len(first.batch)} images")
    say(f"on {record['images']} other images: {described(record)}")


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


COMMANDS: tuple[Any, ...] = (networks, evaluate, quantise, demo)
