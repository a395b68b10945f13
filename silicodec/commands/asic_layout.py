"""Command `asic layout`: place and route an engine that was synthesised block by block, with SRAM macros."""

from __future__ import annotations

from pathlib import Path

import click

from silicodec.commands.asic_accelerator import NETLISTS
from silicodec.commands.engines import find_engine
from silicodec.files import FOLDER
from silicodec.names import ENGINE
from silicodec.output import say
from silicodec.program import BadInput, FailedRun
from silicodec.settings import set_option

BUILD = Path("build/asic")


@click.command()
@click.argument("name", metavar="ENGINE", type=ENGINE)
@set_option(help="Parameter of the engine; may be repeated.")
@click.option("--block", metavar="NAME", help="This block alone, without memories.")
@click.option(
    "--clock-ns", type=click.FloatRange(0, 1000, min_open=True, max_open=True), metavar="NS",
    help="Clock period to meet at the slow corner.  [default: 30 % more than the netlist needs without wires]",
)  # fmt: skip
@click.option(
    "--density",
    type=click.FloatRange(1, 100),
    default=40.0,
    show_default=True,
    metavar="PERCENT",
    help="Area of cells and macros in the core.",
)
@click.option(
    "--aspect",
    type=click.FloatRange(0.1, 10),
    default=1.0,
    show_default=True,
    metavar="RATIO",
    help="Height over width of the core.",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Stop after so long, and say how far it came.")
@click.option("--out", "folder", type=FOLDER, default=BUILD / "flows", show_default=True, help="Folder of records.")
def layout(
    name: str,
    settings: dict[str, str],
    block: str | None,
    clock_ns: float | None,
    density: float,
    aspect: float,
    minutes: float | None,
    folder: Path,
) -> None:
    """Place and route a large engine, with SRAM macros for its memories, or one of its blocks.

    Takes the netlist that `silicodec asic measure --blocks` left in build/asic/netlists. It needs OpenROAD and KLayout,
    as `silicodec asic ENGINE --flow layout` does. The layout is compared with the netlist that went in, and signed off
    where Magic and Netgen are on the path, macros as abstract views. A second call goes on after the last step that
    ended. Ends with exit code 1 if the layout is not finished, misses setup or hold at any corner, breaks design rules
    or is another circuit than its netlist.

        silicodec asic measure accelerator --blocks --booth --clock-gating --routable

        silicodec asic layout accelerator --block mac_array --minutes 60
    """
    from silicodec.asic.block_netlist import block_netlist, netlist_period, whole_netlist
    from silicodec.asic.blocks import KeptNetlist
    from silicodec.asic.job import Floorplan
    from silicodec.asic.layout_views import keep_layout
    from silicodec.asic.netlist_layout import NetlistJob, job_folder, lay_out
    from silicodec.asic.progress import describe, write_progress
    from silicodec.asic.run import short_temporary_folder
    from silicodec.asic.target import check_data
    from silicodec.asic.tools import check_tools
    from silicodec.report.flow_tables import describe_proof, describe_signoff

    engine = find_engine(name, settings)
    kept = KeptNetlist(NETLISTS / engine.name)
    if not kept.folder.is_dir():
        raise BadInput(f"{kept.folder} holds no netlist: silicodec asic measure {name} --blocks --routable makes it")
    check_tools("layout")
    check_data("layout")
    top = block or engine.top
    text, macros = (block_netlist(kept, engine.top, block), ()) if block else whole_netlist(kept, engine.top)
    job = NetlistJob(
        name=f"{engine.name}-{block}" if block else engine.name,
        top=top,
        netlist=text,
        macros=macros,
        verilog_sha256=kept.verilog_sha256,
        period_ns=clock_ns or netlist_period(text if block else kept.netlist, top),
        floorplan=Floorplan(density=density, aspect=aspect),
    )
    say(f"{job.name}: {', '.join(macros) or 'no macros'}, clock {job.period_ns:g} ns")
    with short_temporary_folder():
        progress = lay_out(job, BUILD / "siliconcompiler", minutes)
    record = write_progress(progress, folder)
    if progress.drawn:
        keep_layout(job_folder(job, BUILD / "siliconcompiler"), top, record.with_name(job.name))
    checked = []
    if progress.equivalence:
        checked.append(describe_proof(progress.equivalence, "netlist of the layout", "the one that was laid out"))
    if progress.signoff:
        checked.append(describe_signoff(progress.signoff))
    said = "; ".join([describe(progress), *checked, *progress.faults, f"recorded in {record}"])
    if progress.reached or progress.faults:
        raise FailedRun(said)
    say(said)
