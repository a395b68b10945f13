"""Command `asic` and what belongs to it: run the flows, measure, compare."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.arrays import read_array
from silicodec.commands.engines import find_engine
from silicodec.files import FOLDER, INPUT, OUTPUT
from silicodec.names import ENGINE
from silicodec.output import Columns, print_table, say, write_json
from silicodec.program import BadInput, DefaultGroup, FailedRun
from silicodec.report.figures import HEADINGS, measured_figures

if TYPE_CHECKING:
    import numpy as np

    from silicodec.asic.flows import Job, Workload
    from silicodec.asic.measure import Measurement
    from silicodec.asic.results import Result
    from silicodec.rtl.engine import Engine

BUILD = Path("build/asic")
"""Where flows leave what they build; their records go into `flows` there."""
MOST_CYCLES = 20_000
"""Cycles that a netlist is simulated for by default: those of large engines take half a minute for a thousand."""


@click.group(cls=DefaultGroup, default="run")
def asic() -> None:
    """Turn engines, or any Verilog, into a netlist or a layout on SkyWater 130, with what it costs.

    `silicodec asic ENGINE...` stands for `silicodec asic run ENGINE...`.
    """


@asic.command()
@click.argument("names", metavar="[ENGINE]...", type=ENGINE, nargs=-1)
@click.option("--all", "every", is_flag=True, help="Run every engine of the catalog.")
@click.option("--verilog", "files", type=INPUT, multiple=True, metavar="FILE...", help="Run this design instead.")
@click.option("--top", help="Its top module.")
@click.option("--clock-port", default="clk", show_default=True, help="Its clock input.")
@click.option("--flow", type=click.Choice(["synthesis", "layout"]), default="synthesis", show_default=True)
@click.option(
    "--clock-ns", type=float, metavar="NS", help="Clock period.  [default: the engine's; 10 for other Verilog]"
)
@click.option("--fastest", is_flag=True, help="Search the shortest clock that meets timing, in at most 8 runs.")
@click.option(
    "--corner",
    type=click.Choice(["slow", "typical", "fast"]),
    help="Corner at which the clock is to be met.  [default: typical; slow for a layout]",
)
@click.option("--clock-gating", is_flag=True, help="Synthesise a second netlist, with gated clocks.")
@click.option("--activity", type=INPUT, metavar="FILE.npy", help="Tensor to work on.  [default: a feature map]")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Designs to run side by side.")
@click.option("--scheduler", type=click.Choice(["slurm"]), help="Let SiliconCompiler hand its steps to a cluster.")
@click.option("--out", "folder", type=FOLDER, default=BUILD / "flows", show_default=True, help="Folder of records.")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write all records to this file as well.")
def run(
    names: tuple[str, ...],
    every: bool,
    files: tuple[Path, ...],
    top: str | None,
    clock_port: str,
    flow: str,
    clock_ns: float | None,
    fastest: bool,
    corner: str | None,
    clock_gating: bool,
    activity: Path | None,
    jobs: int,
    scheduler: str | None,
    folder: Path,
    json_file: Path | None,
) -> None:
    """Run a flow and record what comes out.

    Takes engines of the catalog, or any Verilog with a top-level name:

        silicodec asic ebpc-encoder ebpc-decoder --clock-gating

        silicodec asic --verilog fifo.sv memory.sv --top fifo --clock-port clk_i --clock-ns 5

    A design whose record is there already, of the same Verilog and options, is not run again.
    """
    from silicodec.asic.batch import run_batch
    from silicodec.asic.flows import Job
    from silicodec.rtl.catalog import ENGINES

    if files:
        files, names = (*files, *map(Path, names)), ()
    check_choice(names, every, files, top)
    if fastest and clock_ns is not None:
        raise click.UsageError("--fastest searches the clock: leave --clock-ns out")
    if activity and files:
        raise click.UsageError("--activity is for engines of the catalog: only their streams are known")
    options: dict[str, Any] = {"flow": flow, "corner": corner or default_corner(flow), "clock_gating": clock_gating}
    listed: list[Job] = []
    if top:
        listed.append(Job(top, top, files, clock_port, 10.0 if clock_ns is None else clock_ns, **options))
    engines = list(ENGINES.values()) if every else [find_engine(name) for name in names]
    if engines:
        name, tensor = (str(activity), read_array(activity)) if activity else default_tensor()
        for engine in engines:
            work = prepare_work(engine, name, tensor, required=activity is not None)
            period = engine.clock_ns if clock_ns is None else clock_ns
            listed.append(engine_job(engine, period, {**options, **work}))
    results, failures = [], []
    build = BUILD / "siliconcompiler"
    for outcome in run_batch(listed, build, folder, workers=jobs, scheduler=scheduler, fastest=fastest):
        if outcome.result:
            results.append(outcome.result)
        else:
            failures.append(outcome.message)
        if outcome.result or len(listed) > 1:
            click.echo(f"{outcome.job.name}: {outcome.message}", err=True)
    print_results(results)
    if json_file and results:
        write_json(json_file, [dataclasses.asdict(result) for result in results])
    if failures:
        raise FailedRun(failures[0] if len(listed) == 1 else f"{len(failures)} of {len(listed)} designs failed")


def default_corner(flow: str) -> str:
    """Corner at which the clock is to be met unless the user says otherwise."""
    return "slow" if flow == "layout" else "typical"


def engine_job(engine: Engine, clock_ns: float, options: dict[str, Any]) -> Job:
    """Convert an engine and make its job."""
    from silicodec.asic.flows import Job
    from silicodec.rtl.convert import to_verilog

    file = to_verilog(engine, BUILD / "verilog")
    return Job(engine.name, engine.top, (file,), "clk", clock_ns, **options)


def default_tensor() -> tuple[str, np.ndarray]:
    """Take the first feature map of ResNet-20 where its weights are, or else of the embedded network."""
    from silicodec.models.networks import get_network
    from silicodec.models.networks.capture import feature_maps
    from silicodec.models.quantise import quantise

    name = "resnet20" if os.environ.get("SILICODEC_DATA") else "digits"
    network = get_network(name)
    layer = feature_maps(network.load(), network.images(1).batch)[0]
    return f"{layer.name} of {name}, first image, 8 bits", quantise(layer.values[0], "fixed8").values


def prepare_work(engine: Engine, name: str, tensor: np.ndarray, *, required: bool) -> dict[str, Any]:
    """Simulate an engine on a tensor, and return what its job is to know of that.

    An engine that takes long for the default tensor gets its first rows; one that cannot take it is run without.
    """
    try:
        workload = simulate_workload(engine, name, tensor)
        if workload.cycles > MOST_CYCLES and not required:
            rows = max(1, tensor.shape[-2] * MOST_CYCLES // workload.cycles)
            tensor = tensor[..., :rows, :]
            workload = simulate_workload(engine, f"{name}, first {rows} rows", tensor)
    except ValueError as error:
        if required:
            raise BadInput(f"{engine.name} cannot work on {name}: {error}") from None
        click.echo(f"{engine.name}: no power, it cannot work on {name}: {error}", err=True)
        return {}
    return {"workload": workload, "tensor": store_tensor(tensor, workload.sha256)}


def simulate_workload(engine: Engine, name: str, tensor: np.ndarray) -> Workload:
    """Count the cycles that an engine takes for a tensor, and hold its output to the reference."""
    from silicodec.asic.flows import Workload
    from silicodec.verif.compare import check

    packets = engine.stimulus([tensor])
    simulation = check(engine, packets)
    words = sum(packet.size for packet in (packets | simulation.streams)[engine.tensor])
    described = f"{tensor.dtype.str} {tensor.shape} ".encode()
    digest = hashlib.sha256(described + tensor.tobytes()).hexdigest()
    return Workload(tensor=name, sha256=digest, words=words, cycles=simulation.cycles)


def store_tensor(tensor: np.ndarray, digest: str) -> Path:
    """Write a tensor where the flows' steps find it, under a name that tells its content."""
    import numpy as np

    from silicodec.models.storage import written_whole

    path = (BUILD / "tensors" / f"{digest[:12]}.npy").resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.save(file, tensor)
    return path


def print_results(results: Sequence[Result]) -> None:
    """Print the table of results: a row for each netlist and corner."""
    headings = ("area um2", "kGE", "cells", "flip-flops")
    timing = ("setup slack ns", "hold slack ns", "path ns", "clock MHz")
    columns: Columns = [("design", "left"), *((h, "right") for h in headings), ("corner", "left")]
    columns = [*columns, *((heading, "right") for heading in timing)]
    rows: list[tuple[object, ...]] = []
    for result in results:
        for netlist, suffix in ((result.netlist, ""), (result.clock_gated, ", gated clocks")):
            if netlist is None:
                continue
            cells = (f"{netlist.area_um2:,.0f}", f"{netlist.gate_equivalents / 1000:.2f}", netlist.cells)
            lead: tuple[object, ...] = (f"{result.name}{suffix}", *cells, netlist.flip_flops)
            for corner, t in netlist.corners.items():
                slacks = (f"{t.setup_slack_ns:.2f}", f"{t.hold_slack_ns:.2f}")
                rows.append((*lead, corner, *slacks, f"{t.longest_path_ns:.2f}", f"{t.clock_mhz:.0f}"))
                lead = ("",) * len(lead)
    if rows:
        print_table("SkyWater 130, high-density cells", columns, rows)
    for result in results:
        work = result.workload
        rate = f", {work.cycles / work.words:.3f} cycles per word on {work.tensor}" if work else ""
        say(f"{result.name}: clock {result.clock_ns:g} ns, {describe_check(result)}{rate}")
        if result.flow == "layout":
            say(f"{result.name}: {describe_layout(result)}")
    print_power(results)


def print_power(results: Sequence[Result]) -> None:
    """Print the power of every netlist at the typical corner, and why some is not known."""
    rows: list[tuple[object, ...]] = []
    reasons = []
    for result in results:
        for netlist, suffix in ((result.netlist, ""), (result.clock_gated, ", gated clocks")):
            if netlist is None:
                continue
            power = netlist.power
            if power.reason:
                reasons.append(power.reason)
                continue
            figures = (f"{part:.3g}" for part in (*power.parts_mw, sum(power.parts_mw)))
            rows.append((f"{result.name}{suffix}", *figures, f"{power.energy_pj_per_word:.2f}"))
    if rows:
        headings = ("internal mW", "switching mW", "leakage mW", "total mW", "pJ per word")
        columns: Columns = [("design", "left"), *((heading, "right") for heading in headings)]
        print_table("Power at the typical corner, at work on the tensor", columns, rows)
    for reason in dict.fromkeys(reasons):
        say(f"no power figures: {reason}")


def describe_layout(result: Result) -> str:
    """Say how full a layout is, how long its wires are, and whether they break a design rule."""
    return (
        f"cells fill {result.utilisation_percent:.0f} % of the core, {result.wire_length_um:,.0f} um of wire, "
        f"{result.drc_violations} design-rule violations"
    )


def describe_check(result: Result) -> str:
    """Say what the formal check found."""
    if result.equivalence["proven"] is None:
        return "whether the netlist equals the Verilog was NOT DECIDED in time"
    if not result.equivalence["proven"]:
        return "the netlist DIFFERS from the Verilog"
    cycles = result.equivalence["cycles"]
    before = " before layout" if result.flow == "layout" else ""
    return f"netlist{before} proven equal to the Verilog" + (f" for {cycles} cycles after reset" if cycles else "")


def check_choice(names: Sequence[str], every: bool, files: Sequence[Path], top: str | None) -> None:
    """Refuse options that do not name designs in exactly one way."""
    if bool(files) != bool(top):
        raise click.UsageError("--verilog and --top go together")
    if bool(names) + every + bool(files) != 1:
        raise click.UsageError("name engines, or give --all, or --verilog and --top")


@asic.command()
@click.argument("names", metavar="[ENGINE]...", type=ENGINE, nargs=-1)
@click.option("--all", "every", is_flag=True, help="Measure every engine of the catalog.")
@click.option("--verilog", "files", type=INPUT, multiple=True, metavar="FILE", help="Measure this design instead.")
@click.option("--top", help="Its top module.")
@click.option("--clock-port", default="clk", show_default=True, help="Its clock input.")
@click.option("--period", default=3.0, show_default=True, metavar="NS", help="Clock period that synthesis aims for.")
@click.option("--out", "folder", type=FOLDER, default=Path("build/asic"), show_default=True, help="Folder of records.")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write all figures to this file as well.")
def measure(
    names: tuple[str, ...],
    every: bool,
    files: tuple[Path, ...],
    top: str | None,
    clock_port: str,
    period: float,
    folder: Path,
    json_file: Path | None,
) -> None:
    """Measure area and longest path at the typical corner, the way the figures of the README were measured.

    Takes engines of the catalog, or any Verilog with a top-level name:

        silicodec asic measure ebpc-encoder ebpc-decoder

        silicodec asic measure --verilog fifo.sv --top fifo --clock-port clk_i
    """
    from silicodec.asic.measure import measure as measure_verilog
    from silicodec.asic.pdk import CORNER
    from silicodec.asic.records import write_record
    from silicodec.rtl.catalog import ENGINES

    check_choice(names, every, files, top)
    chosen = list(ENGINES.values()) if every else [find_engine(name) for name in names]
    measurements = []
    if top:
        measurements.append(measure_verilog(files, top, clock_port=clock_port, period_ns=period))
    for engine in chosen:
        click.echo(f"measuring {engine.name}", err=True)
        measurements.append(measure_engine(engine, period))
    columns: Columns = [("design", "left"), *((heading, "right") for heading in HEADINGS)]
    print_table(CORNER, columns, [(m.name, *measured_figures(m)) for m in measurements])
    for measurement in measurements:
        write_record(measurement, folder)
    if json_file:
        write_json(json_file, [dataclasses.asdict(measurement) for measurement in measurements])


def measure_engine(engine: Engine, period_ns: float) -> Measurement:
    """Convert an engine and measure its Verilog."""
    import tempfile

    from silicodec.asic.measure import measure
    from silicodec.rtl.convert import to_verilog

    with tempfile.TemporaryDirectory(prefix="silicodec-") as folder:
        return measure([to_verilog(engine, Path(folder))], engine.top, name=engine.name, period_ns=period_ns)


@asic.command()
@click.option("--out", "folder", type=INPUT, help="Folder of records.  [default: build/asic/flows, and shipped ones]")
@click.option("--html", "page", type=OUTPUT, metavar="FILE", help="Write a page with plots and layouts as well.")
def compare(folder: Path | None, page: Path | None) -> None:
    """Compare what the flows recorded with published figures."""
    from silicodec.asic.results import present_results, read_results
    from silicodec.report.silicon import HEADINGS as COMPARED
    from silicodec.report.silicon import comparison_rows, notes, write_page
    from silicodec.rtl.catalog import ENGINES

    order = {name: number for number, name in enumerate(ENGINES)}
    results = read_results(folder) if folder else present_results(BUILD / "flows")
    results.sort(key=lambda result: order.get(result.name, len(order)))
    if not results:
        raise BadInput(f"{folder or BUILD / 'flows'} holds no records: run `silicodec asic --all` first")
    columns: Columns = [(heading, "left" if heading in ("design", "flow") else "right") for heading in COMPARED]
    print_table("Engines in silicon, SkyWater 130", columns, comparison_rows(results))
    for note in notes(results):
        say(f"  {note}")
    if page:
        write_page(results, folder or BUILD / "flows", page)
        say(page)


COMMANDS: tuple[Any, ...] = (asic,)
