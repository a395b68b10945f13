"""Command `asic accelerator`: area of its parts with memories, clock, and energy at work."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.accelerator_options import SET_HELP, shape_of
from silicodec.commands.network_options import ImageChoice, calibration_and_images, network_options
from silicodec.files import FOLDER, OUTPUT
from silicodec.output import Columns, print_table, say, write_json
from silicodec.program import BadInput, FailedRun
from silicodec.settings import set_option

if TYPE_CHECKING:
    from silicodec.asic.accelerator_power import LogicPower
    from silicodec.asic.blocks import BlockMeasurement
    from silicodec.models.accelerator.shape import AcceleratorShape
    from silicodec.models.accelerator.study import Study
    from silicodec.models.networks import Network

CALIBRATION_IMAGES = 5
NETLISTS = Path("build/asic/netlists")
"""Where `asic measure --blocks` leaves netlists."""
MEASURE = "silicodec asic measure accelerator --blocks --booth --clock-gating"
MEASURED_APART = ("ebpc", "single_port")
"""Parameters with which the accelerator has records of its own."""


@click.command()
@network_options("digits-int8")
@set_option(help=SET_HELP)
@click.option("--codec", default="dct", show_default=True, help="How maps are stored: raw, dct or ebpc.")
@click.option("--step", default=4, show_default=True, metavar="N", help="Quantisation step of dct: 1, 2, 4 or 8.")
@click.option(
    "--records", "folder", type=FOLDER, default=Path("build/asic"), show_default=True, metavar="FOLDER",
    help="Folder of the measurement; without one there, the shipped one counts.",
)  # fmt: skip
@click.option("--activity", type=click.Choice(["image"]), help="Measure the logic's power: simulate its netlist.")
@click.option(
    "--window", type=(click.IntRange(0), click.IntRange(1)), default=(8_000, 20_000), show_default=True,
    metavar="FIRST COUNT", help="With --activity: the cycles of the image whose power is taken.",
)  # fmt: skip
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the record there.")
def accelerator(
    network: Network,
    settings: dict[str, str],
    codec: str,
    step: int,
    folder: Path,
    activity: str | None,
    window: tuple[int, int],
    json_file: Path | None,
) -> None:
    """Say what the accelerator costs in silicon, while it computes one image.

    Areas and the clock are those that `silicodec asic measure accelerator --blocks --booth --clock-gating` recorded.
    Accesses to the memories are counted in a simulation of the Verilog, which is compared with the reference, and take
    the energy that the macros' libraries say. The power of the logic is the recorded one. With --activity it is
    measured anew, of the netlist that the same command left in build/asic/netlists, and recorded. An accelerator with
    EBPC, or with memories of one port, has its own area and netlist if that command was run with `--set ebpc=true`, or
    `--set single_port=true`.

    Example:

        silicodec asic accelerator --network resnet20-int8 --codec dct

        silicodec asic accelerator --network resnet20-int8 --codec dct --activity image
    """
    from silicodec.asic.accelerator_figures import accelerator_record, longest_path
    from silicodec.asic.accelerator_power import read_logic_power, write_power
    from silicodec.asic.blocks import SHIPPED, read_blocks
    from silicodec.asic.memory_activity import memory_energies
    from silicodec.models.accelerator.shape import AcceleratorShape

    shape = shape_of(({"ebpc": "true"} if codec == "ebpc" else {}) | settings, AcceleratorShape)
    chosen = [parameter for parameter in MEASURED_APART if getattr(shape, parameter)]
    name = "-".join(["accelerator", *chosen]).replace("_", "-")
    measure = MEASURE + "".join(f" --set {parameter}=true" for parameter in chosen)
    kept = NETLISTS / name
    if activity and not kept.is_dir():
        raise BadInput(f"{kept} holds no netlist: {measure} makes it")
    places = [place / f"{one}-booth.json" for one in (name, "accelerator") for place in (folder / "blocks", SHIPPED)]
    measurement = read_blocks(next(path for path in places if path.is_file()))
    found = studied(network, codec, step, shape)
    work, accesses = simulated(found, name, codec, step)
    logic: LogicPower | None = None
    if activity:
        logic = logic_at_work(found, kept, window, work | {"period_ns": longest_path(measurement)})
        write_power(logic, folder / "blocks")
    elif measurement.name == name:
        logic = next(filter(None, map(read_logic_power, (folder / "blocks", SHIPPED))), None)
    if {one for memory in measurement.memories for one in memory.names} != accesses.keys():
        raise FailedRun(f"the measurement has other memories than the engine: {measure}")
    energies = memory_energies(measurement.memories, accesses, work["cycles"])
    record = accelerator_record(measurement, energies, work, logic)
    show(record, measurement)
    if measurement.name != name:
        say(f"areas and clock are of {measurement.name}; those of {name}: {measure}")
    elif measurement.verilog_sha256 != work["verilog_sha256"]:
        say(f"areas and clock are of the engine as it was when it was measured last: {measure}")
    if json_file:
        write_json(json_file, record)


def studied(network: Network, codec: str, step: int, shape: AcceleratorShape) -> Study:
    """Compile the network, and compute an image with the reference."""
    from silicodec.models.accelerator.study import Choice, study
    from silicodec.models.evaluation.budget import calibration_and_test

    images, choose_on = ImageChoice(1, None), None
    if codec == "raw":
        report_on = images.read(network)
    else:
        given = calibration_and_images(network, ImageChoice(CALIBRATION_IMAGES, None), images)
        choose_on, report_on = calibration_and_test(network, **given)
    return study(network, shape, Choice(codec=codec, step=step), report_on, choose_on)


def simulated(found: Study, name: str, codec: str, step: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Simulate one image: what it took, and the accesses to each memory; measurements know the engine by `name`."""
    from silicodec.asic.memory_activity import counting, read_accesses
    from silicodec.rtl.accelerator.engines import accelerator_engine
    from silicodec.rtl.convert import verilog
    from silicodec.rtl.source import Source
    from silicodec.verif.network_run import run_network

    engine = accelerator_engine(found.program.shape)
    plain = verilog(engine)
    text, names = counting(plain)
    with tempfile.TemporaryDirectory(prefix="silicodec-") as place, contextlib.chdir(place):
        run = run_network(found.program, [found.pixels(0)], found.runs, verilog=text)
        counted, accesses = read_accesses(Path(place), names)
    if run.differing:
        raise FailedRun(f"the simulation differs from the reference in {', '.join(run.differing)}")
    macs = sum(layer.macs for layer in found.layers)
    named = replace(engine, name=name)
    work = {
        "network": found.name,
        "codec": f"{codec}, step {step}" if codec == "dct" else codec,
        "cycles": run.cycles,
        "counted_cycles": counted,
        "macs": macs,
        "layer_cycles": run.layer_cycles[0].tolist(),
        "verilog_sha256": Source(named.top, text=plain if name == engine.name else verilog(named)).sha256,
        "peak_macs": found.program.shape.multipliers,
    }
    return work, accesses


def logic_at_work(found: Study, netlist: Path, window: tuple[int, int], work: dict[str, Any]) -> LogicPower:
    """Measure the power of a netlist in a window of cycles of the image."""
    import numpy as np

    from silicodec.asic.accelerator_power import measure_power, same_beginning
    from silicodec.asic.blocks import KeptNetlist
    from silicodec.models.accelerator.streams import input_packets, output_packets
    from silicodec.rtl.accelerator.engines import accelerator_engine
    from silicodec.verif.network_run import TIMING_WORDS

    kept = KeptNetlist(netlist)
    if kept.verilog_sha256 != work["verilog_sha256"]:
        raise BadInput(f"the netlist in {kept.folder} is of other Verilog: measure it anew")
    if window[0] + window[1] > work["cycles"]:
        raise click.UsageError(f"--window ends after the image, which takes {work['cycles']:,} cycles")
    run, program = found.runs[0], found.program
    inputs = input_packets(program, [found.pixels(0)], [run])
    described = {"period_ns": work["period_ns"], "work": f"{work['network']}, maps {work['codec']}"}
    engine = replace(accelerator_engine(program.shape), name=netlist.name)
    power, given = measure_power(kept, engine, inputs, window, **described)
    given["timing"] = [packet[::TIMING_WORDS] for packet in given["timing"]]
    expected = output_packets([run]) | {"timing": [np.array(work["layer_cycles"])]}
    whole = sum(window) == work["cycles"]
    if wrong := [name for name, packets in expected.items() if not same_beginning(packets, given[name], whole=whole)]:
        raise FailedRun(f"the netlist differs from the reference in {', '.join(wrong)}")
    return power


def show(record: dict[str, Any], measurement: BlockMeasurement) -> None:
    """Print areas, clock and energies."""
    from silicodec.report.figures import IO_NOTE

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
    clocks: Columns = [
        ("corner", "left"),
        *((name, "right") for name in ("MHz", "peak GOPS", "GOPS", "MHz with ports", "peak GOPS", "GOPS")),
    ]
    print_table("clock of the logic alone", clocks, [corner_row(*one) for one in record["corners"].items()])
    say(IO_NOTE)
    energies: Columns = [
        ("memories", "left"),
        *((name, "right") for name in ("reads", "writes", "both", "uJ clocked", "uJ gated")),
    ]
    print_table("an image", energies, [memory_row(one) for one in record["memories"]])
    microjoules, of_mac = record["memory_uj"], record["memory_pj_per_mac"]
    for name, text in (("clocked", "in every cycle"), ("gated", "for accesses alone")):
        say(f"macros clocked {text}: {microjoules[name]:.1f} uJ an image, {of_mac[name]:.2f} pJ a multiply-accumulate")
    show_energy(record)


def show_energy(record: dict[str, Any]) -> None:
    """Print the energy of the logic, and of all."""
    logic, energy = record["logic"], record["energy"]
    if logic is None or energy is None:
        say("energy of the logic: not measured for this engine; --activity image does")
        return
    columns: Columns = [("part", "left"), ("mW", "right"), ("share %", "right")]
    rows = [(part, f"{mw:.1f}", f"{100 * mw / logic['mw']:.1f}") for part, mw in logic["mw_by_part"].items()]
    first, count = logic["first_cycle"], logic["cycles"]
    print_table(
        f"logic at {logic['period_ns']:.2f} ns, cycles {first:,} to {first + count:,} of {logic['work']}",
        columns,
        [*rows, ("sum", f"{logic['mw']:.1f}", "")],
    )
    say(f"logic: {logic['uj']:.1f} uJ an image, {logic['pj_per_mac']:.2f} pJ a multiply-accumulate")
    say(
        f"with macros clocked for accesses alone: {energy['uj']:.1f} uJ an image, {energy['pj_per_mac']:.2f} pJ a "
        f"multiply-accumulate, {energy['mw']:.0f} mW, {energy['gops_per_watt']:.0f} GOPS/W"
    )
    scaled = energy["scaled"]
    say(
        f"scaled to {scaled['nanometres']} nm at {scaled['volts']} V, good to a factor of two: "
        f"{scaled['pj_per_mac']:.2f} pJ a multiply-accumulate, {scaled['gops_per_watt']:,.0f} GOPS/W"
    )


def corner_row(corner: str, at: dict[str, Any]) -> tuple[str, ...]:
    """Return a row of the table of corners: the clock between registers and with ports, with what each gives."""
    clocks = (
        (1000 / at[name]["clock_ns"], at[name]["peak_gops"], at[name]["gops"]) for name in ("registers", "with_ports")
    )
    return (corner, *(f"{value:.0f}" for clock in clocks for value in clock))


def memory_row(one: dict[str, Any]) -> tuple[str, ...]:
    """Return a row of the table of memories."""
    memory, accesses = one["memory"], one["accesses"]
    name = f"{len(memory['names'])} x {memory['words']:,} words of {memory['bits']} bits, {memory['kind']}"
    counts = (f"{accesses[field]:,}" for field in ("reads", "writes", "both"))
    energies = ("" if one[field] is None else f"{one[field]:.1f}" for field in ("clocked_uj", "gated_uj"))
    return (name, *counts, *energies)
