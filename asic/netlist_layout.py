"""Layout of a netlist that is there already, with SRAM macros: of an engine that is synthesised block by block."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from siliconcompiler import ASIC, Design, Flowgraph, Task
from siliconcompiler.tools.openroad._apr import OpenROADANTCheckParameter, OpenROADGPLParameter, OpenROADGRTParameter
from siliconcompiler.tools.openroad.endcap_tapcell_insertion import EndCapTapCellTask
from siliconcompiler.tools.openroad.macro_placement import MacroPlacementTask
from siliconcompiler.tools.openroad.repair_timing import RepairTimingTask

from silicodec.asic.constraints import layout_constraints
from silicodec.asic.flows import (
    LAYOUT_CHECK,
    add_signoff,
    place_and_route,
    set_folder,
    stage_source,
    tune,
    write_constraints,
    write_named,
)
from silicodec.asic.job import Floorplan
from silicodec.asic.lock import locked
from silicodec.asic.macro_library import MacroLibrary
from silicodec.asic.macros import macro_folder
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.progress import Progress, run_until
from silicodec.asic.signoff import MagicExtractTask, MagicRulesTask, signoff_of
from silicodec.asic.target import set_target, use_local_data
from silicodec.asic.tasks import EquivalenceTask
from silicodec.asic.tools import signoff_fault
from silicodec.rtl.source import Source

NETLIST = "netlist"
HALO_UM = 10.0
"""Micrometres around a macro that are left to wires."""
SHORTEST_ROW_UM = 15.0
"""Micrometres of a row beside a macro, at least: in shorter ones lambdapdk's script puts no well tap."""
OVERFLOW_PASSES = 10
"""Passes of global routing over what is too full; what stays so, as between macros, is left to detailed routing."""
TRACKS_LEFT_FREE = 0.2
"""Share of a layer's tracks that global routing leaves to detailed routing: with the 0.3 and 0.4 of lambdapdk it found
none for a net of a macro after antenna diodes were put in."""
ANTENNA_MARGIN = 15.0
"""Percent of their limits that repair leaves to antennas: after each round of diodes the router starts anew."""
HOLD_MARGIN_NS = 0.3
"""By how much more hold times are repaired than needed: around macros cells are moved far when they are placed anew."""


@dataclass(frozen=True)
class NetlistJob:
    """A netlist to be laid out.

    Parameters
    ----------
    name : str
        Of the layout and its record.
    top : str
        The top module.
    netlist : str
        Verilog of cells and macros.
    macros : tuple of str
        The macros in it.
    verilog_sha256 : str
        `Source.sha256` of what it was made from.
    period_ns : float
        Clock period in nanoseconds, to be met at the slow corner.
    clock_port : str
        The clock.
    floorplan : Floorplan
        What is asked for; macros count as cells in its density.
    """

    name: str
    top: str
    netlist: str
    macros: tuple[str, ...]
    verilog_sha256: str
    period_ns: float
    clock_port: str = "clk"
    floorplan: Floorplan = field(default_factory=Floorplan)


class GivenNetlistTask(Task):
    """Hands a file of the design on as a netlist."""

    def tool(self) -> str:
        """Name of the tool, which SiliconCompiler takes to be itself."""
        return "builtin"

    def task(self) -> str:
        """Name of the task."""
        return NETLIST

    def setup(self) -> None:
        """Declare the file."""
        super().setup()
        self.add_output_file(ext="vg")
        self.add_required_key(self.project.design, "fileset", "rtl", "file", "verilog")

    def run(self) -> int:
        """Copy it."""
        (file,) = self.project.design.get_file(fileset="rtl", filetype="verilog")
        shutil.copy(file, f"outputs/{self.design_topmodule}.vg")
        return 0


class NetlistLayoutFlow(Flowgraph):
    """From a netlist to GDS, by SiliconCompiler's steps, with a formal check of what comes out, and its sign-off."""

    def __init__(self, *, macros: bool, signoff: bool = False) -> None:
        super().__init__("netlist_layout")
        self.node(NETLIST, GivenNetlistTask())
        place_and_route(self, NETLIST, "0", macros=macros)
        self.node(LAYOUT_CHECK, EquivalenceTask())
        self.edge("write.views", LAYOUT_CHECK)
        if signoff:
            add_signoff(self)


def lay_out(job: NetlistJob, build: Path, minutes: float | None = None) -> Progress:
    """Place and route a netlist, as far as that goes in some minutes.

    Parameters
    ----------
    job : NetlistJob
        What to lay out.
    build : Path
        SiliconCompiler's build folder; steps of an earlier run that are still right are not repeated.
    minutes : float, optional
        When to stop; by default at the end.

    Returns
    -------
    Progress
        What the last step that ended says.

    Raises
    ------
    MeasurementError
        If a step fails, or macros or process data are missing.
    """
    folder = job_folder(job, build)
    described = {"name": job.name, "period_ns": job.period_ns, "floorplan": job.floorplan}
    with locked(folder):
        project = make_project(job, build.resolve())
        progress, history = run_until(project, folder, minutes, verilog_sha256=job.verilog_sha256, **described)
        if history and signoff_fault() is None:
            progress = replace(progress, signoff=signoff_of(folder, job.top))
        if history:
            found = json.loads((folder / LAYOUT_CHECK / "0" / "equivalence.json").read_text())
            progress = replace(progress, equivalence=found)
    return progress


def job_folder(job: NetlistJob, build: Path) -> Path:
    """Folder of a job in SiliconCompiler's build folder."""
    return build.resolve() / job.top / f"netlist-{job.period_ns:g}ns".replace(".", "_")


def make_project(job: NetlistJob, build: Path) -> ASIC:
    """Set up SiliconCompiler's project of a job."""
    design = Design(job.top)
    with design.active_fileset("rtl"):
        design.set_topmodule(job.top)
        design.add_file(str(write_named(build / "sources" / f"{job.top}.v", job.netlist)))
    with design.active_fileset("sdc"):
        design.add_file(str(write_constraints(layout_constraints([job.clock_port], job.period_ns), build)))
    project = ASIC(design)
    project.add_fileset(["rtl", "sdc"])
    set_target(project)
    abstracts = []
    for library in macro_libraries(job.macros, build):
        use_local_data(library)
        project.add_asiclib(library)
        abstracts.append(str(library.write_abstract(build / "sources")))
    signoff = signoff_fault() is None
    project.set_flow(NetlistLayoutFlow(macros=bool(job.macros), signoff=signoff))
    for magic in (MagicRulesTask, MagicExtractTask) if signoff else ():
        magic.find_task(project).set("var", "read_lef", abstracts)
    check = EquivalenceTask.find_task(project)
    check.set("var", "source", str(stage_source(Source(job.top, text=job.netlist), build / "sources")))
    check.set("var", "gates", True)
    check.set("var", "macros", list(job.macros))
    project.constraint.area.set_density(job.floorplan.density)
    project.constraint.area.set_aspectratio(job.floorplan.aspect)
    project.constraint.area.set_coremargin(HALO_UM)
    if job.macros:
        tune_around_macros(project, build)
    tune(project, 0.0 if job.macros else job.floorplan.density)  # around macros there is room
    set_folder(project, build, job_folder(job, build).name)
    return project


def tune_around_macros(project: ASIC, scripts: Path) -> None:
    """Change what SiliconCompiler's place and route does by default where macros divide the core."""
    rows = write_named(scripts / "rows.tcl", f"cut_rows -row_min_width {SHORTEST_ROW_UM}\n")
    EndCapTapCellTask.find_task(project).add_prescript(str(rows))
    MacroPlacementTask.find_task(project).set("var", "macro_place_halo", (HALO_UM, HALO_UM))
    for place in OpenROADGPLParameter.find_task(project):
        # At 60 % it diverged after its second timing-driven pass, which had added buffers.
        place.set_openroad_gpltimingdriven(False)
    RepairTimingTask.find_task(project).set("var", "rsz_hold_slack_margin", HOLD_MARGIN_NS)
    process = project.get_library(project.get("asic", "pdk"))
    shares = process.get("tool", "openroad", "globalroutingderating")
    shares = [(layer, min(share, TRACKS_LEFT_FREE) if share < 1 else share) for layer, share in shares]
    process.set("tool", "openroad", "globalroutingderating", shares)
    for repair in OpenROADANTCheckParameter.find_task(project):
        repair.set_openroad_antmargin(ANTENNA_MARGIN)
    for route in OpenROADGRTParameter.find_task(project):
        route.set_openroad_grtoverflowiter(OVERFLOW_PASSES)
        route.set_openroad_grtallowcongestion(True)


def macro_libraries(names: Iterable[str], scripts: Path) -> list[MacroLibrary]:
    """Return the libraries of some macros.

    Raises
    ------
    MeasurementError
        If the process data has no macros.
    """
    folder = macro_folder()
    if names and folder is None:
        raise MeasurementError("SILICODEC_PDK does not hold the folder sram22 of macros")
    return [MacroLibrary(name, folder.resolve(), scripts) for name in names] if folder else []
