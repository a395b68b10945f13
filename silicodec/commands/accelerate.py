"""The command accelerate: a network on the accelerator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.accelerator_options import SET_HELP, shape_of
from silicodec.commands.network_options import (
    CALIBRATION_HELP,
    IMAGES_HELP,
    ImageChoice,
    calibration_and_images,
    described,
    images_option,
    network_options,
)
from silicodec.files import OUTPUT
from silicodec.names import BACKEND
from silicodec.output import Columns, print_table, progress_bar, say, write_json
from silicodec.program import FailedRun
from silicodec.settings import set_option

if TYPE_CHECKING:
    from silicodec.models.networks import Network

CALIBRATION_IMAGES = 10


@click.command()
@network_options("digits-int8")
@click.option(
    "--codec",
    default="raw",
    show_default=True,
    help="How maps are stored: raw; dct, all with the same step; ebpc, without loss; or auto, each by what saves most.",
)
@click.option("--step", default=4, show_default=True, metavar="N", help="Quantisation step of dct: 1, 2, 4 or 8.")
@click.option(
    "--budget", default=0.01, show_default=True, metavar="FRACTION", help="Accuracy that auto may lose on calibration."
)
@click.option(
    "--weights",
    default="plain",
    show_default=True,
    help="How weights are sent: plain, or dictionary where it is smaller.",
)
@images_option("--calibration", CALIBRATION_HELP.replace("200", str(CALIBRATION_IMAGES)))
@images_option("--images", f"{IMAGES_HELP}  [default: 1]")
@click.option(
    "--simulate", "simulations", type=click.IntRange(1), metavar="N",
    help="Simulate the first N of the images alone: accuracy and sizes of maps are told of all.  [default: all]",
)  # fmt: skip
@set_option(help=SET_HELP)
@click.option("--plan", "plan_only", is_flag=True, help="Only the plan: do not simulate.")
@click.option("--backend", type=BACKEND, default="verilator", show_default=True, help="Simulator.")
@click.option("--page", "page", type=OUTPUT, metavar="FILE", help="Write a page of HTML there.")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the record there.")
def accelerate(
    network: Network,
    calibration: ImageChoice | None,
    images: ImageChoice | None,
    simulations: int | None,
    settings: dict[str, str],
    plan_only: bool,
    backend: str,
    page: Path | None,
    json_file: Path | None,
    **choice: Any,
) -> None:
    """Run a network in integers on the accelerator: cycles, memory and traffic of every layer.

    The network is compiled, computed by the reference and simulated, and the simulation is compared with the reference
    word by word. Codecs and the memory's division are chosen on calibration images, which are not among the others.

    Example:

        silicodec accelerate --network resnet20-int8 --codec dct --step 8 --images 2

        silicodec accelerate --network resnet56-int8 --codec auto --calibration 200 --images 500 --simulate 1

        silicodec accelerate --network mobilenetv2-int8 --plan --set memory_kib=256
    """
    from silicodec.models.accelerator.shape import AcceleratorShape
    from silicodec.models.accelerator.study import Choice, integer_graph, study
    from silicodec.models.evaluation.budget import calibration_and_test

    chosen = Choice(**choice)
    needed = {codec: "true" for codec in ("dct", "ebpc") if chosen.codec in (codec, "auto")}
    needed |= {"weight_codec": chosen.weights} if chosen.weights != "plain" else {}
    shape = shape_of(needed | settings, AcceleratorShape)
    integer_graph(network)
    images = images or ImageChoice(1, None)
    choose_on = None
    if chosen.codec == "raw":
        report_on = images.read(network)
    else:
        given = calibration_and_images(network, calibration or ImageChoice(CALIBRATION_IMAGES, None), images)
        choose_on, report_on = calibration_and_test(network, **given)
    with progress_bar("images") as progress:
        found = study(
            network, shape, chosen, report_on, choose_on, runs=1 if plan_only else simulations, progress=progress
        )
    record = found.record() | {"codec": vars(chosen)}
    record["summary"] = summary(record)
    shape_text = f"{shape.groups} groups and {shape.memory_bytes // 1024} KiB"
    print_table(f"{network.name} on an accelerator of {shape_text}", COLUMNS, layer_rows(record))
    for line in record["summary"]:
        say(f"  {line}")
    if not plan_only:
        record["simulation"] = simulated(found, backend)
    if json_file:
        write_json(json_file, record)
    if page:
        from silicodec.report.accelerator import write_page

        write_page(page, record, [heading for heading, _ in COLUMNS], layer_rows(record))
    if not plan_only and record["simulation"]["differing"]:
        raise FailedRun(f"the simulation differs from the reference in {', '.join(record['simulation']['differing'])}")


def simulated(found: Any, backend: str) -> dict[str, Any]:
    """Simulate all images, and say how it went."""
    from silicodec.verif.network_run import run_network

    pixels = [found.pixels(number) for number in range(len(found.images))]
    run = run_network(found.program, pixels, found.runs, backend=backend)
    planned = sum(layer.cycles for layer in found.layers)
    first = int(run.layer_cycles[0].sum())
    if not run.differing:
        say(
            f"  {backend}: {len(pixels)} images in {run.cycles:,} cycles, every word as the reference has it; "
            f"first image {first:,} cycles, planned {planned:,}"
        )
    return {
        "backend": backend,
        "cycles": run.cycles,
        "layer_cycles": run.layer_cycles.tolist(),
        "differing": run.differing,
    }


COLUMNS: Columns = (
    *((heading, "left") for heading in ("layer", "output", "limit", "codec")),
    *((heading, "right") for heading in ("MACs", "cycles", "MACs a cycle", "raw KiB", "stored KiB", "strips KiB")),
    *((heading, "right") for heading in ("region KiB", "spilled KiB")),
)


def layer_rows(record: dict[str, Any]) -> list[tuple[str, ...]]:
    """Give a row of `COLUMNS` for each layer."""
    return [
        (
            layer["name"],
            "x".join(map(str, layer["output"])),
            layer["limit"],
            layer["codec"],
            f"{layer['macs']:,}",
            f"{layer['cycles']:,}",
            f"{layer['macs_per_cycle']:.1f}",
            *(kib(layer[f"{name}_bits"]) for name in ("raw", "stored", "strip", "region", "spilled")),
        )
        for layer in record["layers"]
    ]


def summary(record: dict[str, Any]) -> list[str]:
    """Say the sums of a record in some lines."""
    stored, images = record["mean_stored_bits"], record["images"]
    ratio = record["raw_bits"] / stored if stored else 1
    of_all = f", on average of {images} images" if images > 1 else ""
    return [
        f"{record['cycles']:,} cycles an image, {record['macs_per_cycle']:.1f} MACs a cycle, "
        f"{100 * record['utilisation']:.1f} % of the multipliers",
        f"maps between layers: {kib(record['raw_bits'])} KiB raw, {kib(stored)} KiB stored, "
        f"{ratio:.2f} times smaller{of_all}",
        f"weights: {kib(record['plain_weight_bits'])} KiB plain, {kib(record['weight_bits'])} KiB sent",
        f"external memory: {kib(record['spilled_bits'])} KiB written and {kib(record['refilled_bits'])} KiB read, "
        f"{1e6 * record['joules']:.1f} uJ ({record['memory']})",
        described(record["accuracy"]),
    ]


def kib(bits: float) -> str:
    """Write bits in KiB."""
    return f"{bits / 8192:,.1f}"


COMMANDS = (accelerate,)
