"""Command `asic` and what belongs to it: run the flows, measure, compare."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.arrays import read_array
from silicodec.commands.asic_accelerator import NETLISTS, accelerator
from silicodec.commands.asic_layout import layout
from silicodec.design_options import Designs, design_options
from silicodec.files import FOLDER, INPUT, OUTPUT
from silicodec.flow_options import CHECKS, FULL_ADDERS, flow_options
from silicodec.output import Columns, print_table, say, write_json
from silicodec.program import BadInput, DefaultGroup, FailedRun

if TYPE_CHECKING:
    from silicodec.asic.block_proofs import BlockProofs
    from silicodec.asic.job import Job
    from silicodec.asic.measure import Measurement

BUILD = Path("build/asic")
"""Where flows leave what they build; their records go into `flows` there."""
PERIOD = click.option(
    "--period-ns", type=float, default=3.0, show_default=True, metavar="NS", help="Clock period to aim for."
)


@click.group(cls=DefaultGroup, default="run")
def asic() -> None:
    """Turn engines, or any Verilog, into a netlist or a layout on SkyWater 130, with what it costs.

    `silicodec asic ENGINE...` stands for `silicodec asic run ENGINE...`.
    """


@asic.command()
@design_options
@flow_options
@click.option("--allow", multiple=True, type=click.Choice(CHECKS), help="Do not fail on this; may be repeated.")
@click.option("--activity", type=INPUT, metavar="FILE.npy", help="Tensor to work on.  [default: a feature map]")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    help="Stop a layout after so long, and say how far it came.",
)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Designs to run side by side.")
@click.option("--scheduler", type=click.Choice(["slurm"]), help="Let SiliconCompiler hand its steps to a cluster.")
@click.option("--out", "folder", type=FOLDER, default=BUILD / "flows", show_default=True, help="Folder of records.")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write all records to this file as well.")
def run(
    designs: Designs,
    options: dict[str, Any],
    fastest: bool,
    allow: tuple[str, ...],
    activity: Path | None,
    minutes: float | None,
    jobs: int,
    scheduler: str | None,
    folder: Path,
    json_file: Path | None,
) -> None:
    """Run a flow and record what comes out.

    Takes engines of the catalog, or any Verilog with a top-level name:

        silicodec asic ebpc-encoder ebpc-decoder --clock-gating

        silicodec asic fifo.sv memory.sv -I include --top fifo --set DEPTH=16

    A design whose record is there already, of the same Verilog and options, is not run again. Ends with exit code 1 and
    a line for each fault: a netlist that differs from its Verilog, a clock or hold that is missed, slews or loads
    beyond what the cells allow, and design rules that a layout breaks.
    """
    from silicodec.asic.batch import run_batch
    from silicodec.asic.verdict import faults
    from silicodec.report.flow_tables import print_results

    if activity and designs.source:
        raise click.UsageError("--activity is for engines of the catalog: only their streams are known")
    if minutes and options["flow"] != "layout":
        raise click.UsageError("--minutes goes with --flow layout")
    listed = list(jobs_of(designs, activity, options))
    results, failures = [], []
    build = BUILD / "siliconcompiler"
    for outcome in run_batch(
        listed, build, folder, workers=jobs, scheduler=scheduler, minutes=minutes, fastest=fastest
    ):
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
    found = [(check, f"{one.name}: {said}") for one in results for check, said in faults(one) if check not in allow]
    for _, said in found:
        click.echo(said, err=True)
    if found:
        checks = " ".join(f"--allow {check}" for check in CHECKS if check in dict(found))
        raise FailedRun(f"what was made is not clean; {checks} would accept it")


def jobs_of(designs: Designs, activity: Path | None, options: dict[str, Any]) -> Iterable[Job]:
    """Make the jobs of the designs that were named; engines are simulated on a tensor first."""
    from silicodec.asic.job import Job
    from silicodec.rtl.convert import verilog
    from silicodec.rtl.source import Source
    from silicodec.workloads import default_tensor, prepare_work

    if designs.source:
        top = designs.source.top
        yield Job(top, designs.source, designs.clock_ports, designs.reset_port, **options)
        return
    name, tensor = (str(activity), read_array(activity)) if activity else default_tensor()
    for engine in designs.engines:
        work = prepare_work(engine, name, tensor, BUILD / "tensors", required=activity is not None)
        adders = {"full_adders": options["full_adders"] or engine.full_adders}
        yield Job(engine.name, Source(engine.top, text=verilog(engine)), **options | adders | work)


@asic.command()
@design_options
@PERIOD
@click.option("--clock-gating", is_flag=True, help="Gate clocks, as the DCT engines always have them.")
@FULL_ADDERS
@click.option("--blocks", is_flag=True, help="Synthesise an engine block by block, where the whole takes too long.")
@click.option("--booth", is_flag=True, help="With --blocks: take Yosys' Booth multipliers.")
@click.option("--routable", is_flag=True, help="With --blocks: for a layout, do without the cells that it cannot have.")
@click.option("--out", "folder", type=FOLDER, default=BUILD, show_default=True, help="Folder of records.")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write all figures to this file as well.")
def measure(
    designs: Designs,
    period_ns: float,
    clock_gating: bool,
    full_adders: int,
    blocks: bool,
    booth: bool,
    routable: bool,
    folder: Path,
    json_file: Path | None,
) -> None:
    """Measure area and critical paths at the typical corner, the way the figures of the README were measured.

    Takes engines of the catalog, or any Verilog with a top-level name:

        silicodec asic measure ebpc-encoder ebpc-decoder

        silicodec asic measure fifo.sv --top fifo --clock-port clk_i

        silicodec asic measure accelerator --blocks --booth --clock-gating

    Memories and modules without content are left outside, which is then said, with what memories are best made of.
    """
    from silicodec.asic.measure import measure as measure_source
    from silicodec.asic.pdk import CORNER
    from silicodec.asic.records import write_record
    from silicodec.report.figures import HEADINGS, IO_NOTE, describe_violations, left_outside, measured_figures
    from silicodec.rtl.convert import verilog
    from silicodec.rtl.source import Source

    if blocks:
        choices: dict[str, Any] = {"period_ns": period_ns, "clock_gating": clock_gating, "booth": booth}
        choices["routable"] = routable
        measure_by_blocks(designs, folder, json_file, full_adders=full_adders, **choices)
        return
    if booth or routable:
        raise click.UsageError(f"{'--booth' if booth else '--routable'} goes with --blocks")
    measurements: list[Measurement] = []
    if designs.source:
        options: dict[str, Any] = {"clock_ports": designs.clock_ports, "clock_gating": clock_gating}
        measurements.append(measure_source(designs.source, period_ns=period_ns, full_adders=full_adders, **options))
    for engine in designs.engines:
        click.echo(f"measuring {engine.name}", err=True)
        source = Source(engine.top, text=verilog(engine))
        options = {"clock_gating": clock_gating or engine.clock_gating}
        options |= {"full_adders": full_adders or engine.full_adders}
        measurements.append(measure_source(source, name=engine.name, period_ns=period_ns, **options))
        write_record(measurements[-1], folder)
    columns: Columns = [("design", "left"), *((heading, "right") for heading in HEADINGS)]
    print_table(CORNER, columns, [(described(m), *measured_figures(m)) for m in measurements])
    say(IO_NOTE)
    for measurement in measurements:
        for line in (*left_outside(measurement), *describe_violations(measurement)):
            say(line)
        write_record(measurement, folder)
    if len(designs.clock_ports) > 1:
        say("paths from one clock port to another are not timed")
    if json_file:
        write_json(json_file, [dataclasses.asdict(measurement) for measurement in measurements])


def measure_by_blocks(
    designs: Designs, folder: Path, json_file: Path | None, *, full_adders: int, **options: Any
) -> None:
    """Measure engines block by block, and print a table for each."""
    from silicodec.asic.blocks import measure_blocks, write_blocks
    from silicodec.report.figures import CORNER_HEADINGS, IO_NOTE, corner_figures, figure, memory_lines
    from silicodec.rtl.convert import verilog
    from silicodec.rtl.source import Source

    if designs.source:
        raise click.UsageError("--blocks is for engines of the catalog: only their blocks are known")
    found = []
    for engine in designs.engines:
        click.echo(f"measuring {engine.name}", err=True)
        source = Source(engine.top, text=verilog(engine))
        options |= {"full_adders": full_adders or engine.full_adders}
        found.append(measure_blocks(source, name=engine.name, keep=NETLISTS / engine.name, **options))
        write_blocks(found[-1], folder / "blocks")
    columns: Columns = [
        ("block", "left"),
        *((name, "right") for name in ("modules", "kGE", "share %", "flip-flops", "path ns")),
    ]
    for one in found:
        total = one.gate_equivalents
        rows = [
            (name, str(block.modules), figure(block.gate_equivalents / 1000, 1),
             figure(100 * block.gate_equivalents / total, 1), str(block.flip_flops), figure(block.path_ns, 2))
            for name, block in one.blocks.items()
        ]  # fmt: skip
        print_table(f"{one.name}, {one.corner}", columns, rows)
        multipliers = "Booth multipliers" if one.booth else "Yosys' own multipliers"
        clocks = "gated clocks" if one.clock_gating else "no gated clocks"
        adders = f", {one.full_adders} bits of full adders" if one.full_adders else ""
        say(f"sum of blocks {figure(total / 1000, 1)} kGE, {multipliers}, {clocks}{adders}")
        timed: Columns = [("corner", "left"), *((heading, "right") for heading in CORNER_HEADINGS)]
        print_table("Timing of the logic", timed, [(name, *corner_figures(at)) for name, at in one.corners.items()])
        say(IO_NOTE)
        if one.paths_with_access and any(memory.kind == "macros" for memory in one.memories):
            path = one.paths_with_access.register_to_register_ns
            say(f"with the access times of macros {figure(path, 2)} ns between registers at the typical corner")
        if one.memory_bits:
            say(f"{one.memory_bits:,} bits of memory take {one.memory_um2:,.0f} um2 more")
        for line in memory_lines(one.memories):
            say(f"  {line}")
    if json_file:
        write_json(json_file, [dataclasses.asdict(one) for one in found])


@asic.command()
@design_options
@PERIOD
@click.option("--clock-gating", is_flag=True, help="Gate clocks.")
@click.option("--booth", is_flag=True, help="Take Yosys' Booth multipliers.")
@FULL_ADDERS
@click.option("--block", "blocks", multiple=True, metavar="NAME", help="One of the engine's blocks.  [default: all]")
@click.option(
    "--cpu-seconds", type=click.IntRange(1), default=600, show_default=True, metavar="N",
    help="Processor time for each module.",
)  # fmt: skip
@click.option("--out", "folder", type=FOLDER, default=BUILD, show_default=True, help="Folder of records.")
def prove(
    designs: Designs, blocks: tuple[str, ...], cpu_seconds: int, folder: Path, full_adders: int, **options: Any
) -> None:
    """Prove the netlists of a large engine's blocks equal to their Verilog, each by itself.

    Blocks are those that `silicodec asic measure --blocks` synthesises, with the same options. Ends with exit code 1 if
    a netlist differs.

        silicodec asic prove accelerator --booth --clock-gating --block requantiser
    """
    from silicodec.asic.block_proofs import prove_blocks
    from silicodec.rtl.convert import verilog
    from silicodec.rtl.source import Source

    if designs.source:
        raise click.UsageError("only the blocks of engines of the catalog are known")
    columns: Columns = [("block", "left"), ("module", "left"), ("alike", "right"), ("equal", "left"), ("s", "right")]
    different = []
    for engine in designs.engines:
        click.echo(f"proving {engine.name}", err=True)
        source = Source(engine.top, text=verilog(engine))
        limits: dict[str, Any] = {"blocks": blocks, "cpu_seconds": cpu_seconds}
        limits["full_adders"] = full_adders or engine.full_adders
        record = partial(record_proofs, folder=folder / "blocks")
        proofs = prove_blocks(source, name=engine.name, progress=record, **limits, **options)
        found = proofs.modules
        rows = [(one.block, one.module, str(one.alike), one.finding, f"{one.cpu_seconds:.0f}") for one in found]
        print_table(f"{engine.name}: netlist against Verilog", columns, rows)
        different += [one.module for one in proofs.modules if one.proven is False]
    if different:
        raise FailedRun(f"netlists that differ from the Verilog: {', '.join(different)}")


def record_proofs(proofs: BlockProofs, folder: Path) -> None:
    """Write down and say what was found of modules, so that nothing is lost if the command is ended."""
    from silicodec.asic.block_proofs import write_proofs

    write_proofs(proofs, folder)
    for one in proofs.modules:
        click.echo(f"{one.module}: {one.finding}, {one.cpu_seconds:.0f} s", err=True)


def described(measurement: Measurement) -> str:
    """Return a measurement's name, and whether clocks were gated."""
    gated = ", gated clocks" if measurement.clock_gating else ""
    adders = f", {measurement.full_adders} bits of full adders" if measurement.full_adders else ""
    return f"{measurement.name}{gated}{adders}"


@asic.command()
@click.option("--out", "folder", type=INPUT, help="Folder of records.  [default: build/asic/flows, and shipped ones]")
@click.option("--html", "page", type=OUTPUT, metavar="FILE", help="Write a page with plots and layouts as well.")
def compare(folder: Path | None, page: Path | None) -> None:
    """Compare what the flows recorded with published figures."""
    from silicodec.asic.records import latest_records
    from silicodec.asic.results import present_results, read_results
    from silicodec.report.silicon import HEADINGS, comparison_rows, notes, outdated
    from silicodec.rtl.catalog import ENGINES

    order = {name: number for number, name in enumerate(ENGINES)}
    results = read_results(folder) if folder else present_results(BUILD / "flows")
    results.sort(key=lambda result: order.get(result.name, len(order)))
    if not results:
        raise BadInput(f"{folder or BUILD / 'flows'} holds no records: run `silicodec asic --all` first")
    old = outdated(results, latest_records())
    columns: Columns = [(heading, "left" if heading in ("design", "flow") else "right") for heading in HEADINGS]
    print_table("Engines in silicon, SkyWater 130", columns, comparison_rows(results, old))
    for note in notes(results, old):
        say(f"  {note}")
    if page:
        from silicodec.report.silicon_page import write_page

        write_page(results, old, folder or BUILD / "flows", page)
        say(page)


asic.add_command(accelerator)
asic.add_command(layout)
COMMANDS: tuple[Any, ...] = (asic,)
