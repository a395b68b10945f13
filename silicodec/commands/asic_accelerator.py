"""Command `asic accelerator`: area of its parts with memories, clock, and the energy of its memories at work."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.commands.network_options import ImageChoice, calibration_and_images, network_options
from silicodec.files import FOLDER, OUTPUT
from silicodec.output import Columns, print_table, say, write_json
from silicodec.program import FailedRun

if TYPE_CHECKING:
    from silicodec.asic.blocks import BlockMeasurement
    from silicodec.models.networks import Network

RECORD = "accelerator-booth.json"
CALIBRATION_IMAGES = 5
MEASURE = "silicodec asic measure accelerator --blocks --booth --clock-gating"


@click.command()
@network_options
@click.option("--codec", default="dct", show_default=True, help="How maps are stored: raw or dct.")
@click.option("--step", default=4, show_default=True, metavar="N", help="Quantisation step of dct: 1, 2, 4 or 8.")
@click.option(
    "--records", "folder", type=FOLDER, default=Path("build/asic"), show_default=True, metavar="FOLDER",
    help="Folder of the measurement; without one there, the shipped one counts.",
)  # fmt: skip
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the record there.")
def accelerator(network: Network, codec: str, step: int, folder: Path, json_file: Path | None) -> None:
    """Say what the accelerator costs in silicon, while it computes one image.

    Areas and the clock are those that `silicodec asic measure accelerator --blocks --booth --clock-gating` recorded.
    Accesses to the memories are counted in a simulation of the Verilog, which is compared with the reference, and take
    the energy that the macros' libraries say.

    Example:

        silicodec asic accelerator --network resnet20-int8 --codec dct
    """
    from silicodec.asic.accelerator_figures import accelerator_record
    from silicodec.asic.blocks import SHIPPED, read_blocks
    from silicodec.asic.memory_activity import memory_energies

    path = folder / "blocks" / RECORD
    measurement = read_blocks(path if path.is_file() else SHIPPED / RECORD)
    work, accesses = simulated(network, codec, step)
    if {name for memory in measurement.memories for name in memory.names} != accesses.keys():
        raise FailedRun(f"the measurement has other memories than the engine: {MEASURE}")
    record = accelerator_record(measurement, memory_energies(measurement.memories, accesses, work["cycles"]), work)
    show(record, measurement)
    if measurement.verilog_sha256 != work["verilog_sha256"]:
        say(f"areas and clock are of the engine as it was when it was measured last: {MEASURE}")
    if json_file:
        write_json(json_file, record)


def simulated(network: Network, codec: str, step: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Simulate one image: what it took, and the accesses to each memory."""
    from silicodec.asic.memory_activity import counting, read_accesses
    from silicodec.models.accelerator.program import PIXELS, TAPS
    from silicodec.models.accelerator.shape import AcceleratorShape
    from silicodec.models.accelerator.study import Choice, study
    from silicodec.models.evaluation.budget import calibration_and_test
    from silicodec.rtl.accelerator.engines import accelerator_engine
    from silicodec.rtl.convert import verilog
    from silicodec.rtl.source import Source
    from silicodec.verif.network_run import run_network

    images, choose_on = ImageChoice(1, None), None
    if codec == "raw":
        report_on = images.read(network)
    else:
        given = calibration_and_images(network, ImageChoice(CALIBRATION_IMAGES, None), images)
        choose_on, report_on = calibration_and_test(network, **given)
    shape = AcceleratorShape()
    found = study(network, shape, Choice(codec=codec, step=step), report_on, choose_on)
    engine = accelerator_engine(shape)
    plain = verilog(engine)
    text, names = counting(plain)
    with tempfile.TemporaryDirectory(prefix="silicodec-") as place, contextlib.chdir(place):
        run = run_network(found.program, [found.pixels(0)], found.runs, verilog=text)
        counted, accesses = read_accesses(Path(place), names)
    if run.differing:
        raise FailedRun(f"the simulation differs from the reference in {', '.join(run.differing)}")
    macs = sum(layer.macs for layer in found.layers)
    work = {
        "network": network.name,
        "codec": codec if codec == "raw" else f"{codec}, step {step}",
        "cycles": run.cycles,
        "counted_cycles": counted,
        "macs": macs,
        "verilog_sha256": Source(engine.top, text=plain).sha256,
        "peak_macs": shape.groups * PIXELS * TAPS,
    }
    return work, accesses


def show(record: dict[str, Any], measurement: BlockMeasurement) -> None:
    """Print areas, clock and energies."""
    total = record["total_um2"]
    columns: Columns = [("part", "left"), ("mm2", "right"), ("share %", "right")]
    rows = [(part, f"{area / 1e6:.3f}", f"{100 * area / total:.1f}") for part, area in record["areas_um2"].items()]
    print_table(
        f"{measurement.name}, {measurement.corner}, before layout", columns, [*rows, ("sum", f"{total / 1e6:.3f}", "")]
    )
    say(f"codecs: {record['codec_share_of_logic']:.1%} of the logic, {record['codec_share']:.1%} with memories")
    counted = "counts" if record["access_times_count"] else "does not count"
    say(f"clock {record['clock_ns']:.2f} ns; the macros' access time {counted}; peak {record['peak_gops']:.0f} GOPS")
    work = record["work"]
    say(
        f"{work['network']}, maps {work['codec']}: {work['cycles']:,} cycles, {record['gops']:.0f} GOPS, "
        f"{record['images_per_second']:.0f} images a second"
    )
    energies: Columns = [
        ("memories", "left"),
        *((name, "right") for name in ("reads", "writes", "both", "uJ clocked", "uJ gated")),
    ]
    print_table("an image", energies, [memory_row(one) for one in record["memories"]])
    microjoules, of_mac = record["memory_uj"], record["memory_pj_per_mac"]
    for name, text in (("clocked", "in every cycle"), ("gated", "for accesses alone")):
        say(f"macros clocked {text}: {microjoules[name]:.1f} uJ an image, {of_mac[name]:.2f} pJ a multiply-accumulate")
    say(f"energy of the logic: {record['logic_energy']}")


def memory_row(one: dict[str, Any]) -> tuple[str, ...]:
    """Return a row of the table of memories."""
    memory, accesses = one["memory"], one["accesses"]
    name = f"{len(memory['names'])} x {memory['words']:,} words of {memory['bits']} bits, {memory['kind']}"
    counts = (f"{accesses[field]:,}" for field in ("reads", "writes", "both"))
    energies = ("" if one[field] is None else f"{one[field]:.1f}" for field in ("clocked_uj", "gated_uj"))
    return (name, *counts, *energies)
