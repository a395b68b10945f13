"""The flows as SiliconCompiler projects: from Verilog to a netlist with its timing, or to a layout."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from siliconcompiler import ASIC, Design, Flowgraph, Task
from siliconcompiler.flows.asicflow import PNRFlow
from siliconcompiler.flows.signoffflow import SignoffFlow
from siliconcompiler.tools.openroad._apr import OpenROADDPLParameter, OpenROADGPLParameter, OpenROADRSZDRVParameter
from siliconcompiler.tools.openroad.global_route import GlobalRouteTask
from siliconcompiler.tools.openroad.repair_timing import RepairTimingTask

from silicodec.asic.cell_rules import CELL_RULES, CellRulesTask
from silicodec.asic.constraints import layout_constraints
from silicodec.asic.job import Job
from silicodec.asic.layout_tasks import CleanupTask, DrawnExportTask, FloorplanTask, ShuffleTask
from silicodec.asic.pdk import CORNERS
from silicodec.asic.signoff import DRC, EXTRACT, LVS, MagicExtractTask, MagicRulesTask, NetgenTask
from silicodec.asic.target import set_target
from silicodec.asic.tasks import (
    GATED,
    PLAIN,
    ActivityTask,
    EquivalenceTask,
    PowerTask,
    SynthesisTask,
    TimingTask,
)
from silicodec.models.storage import written_whole
from silicodec.rtl.source import Source, read_staged

FLOWS = ("synthesis", "layout")
PADDING = {45: 2, 60: 1}
"""Density in percent -> sites beside each cell that placement leaves free up to there; denser cores have no room."""
CORE_MARGIN_UM = 2.0
"""Micrometres between core and die: pins on metal 3 reach 0.8 um in, and a power strap may stand at the core's edge."""
WIRE_MARGIN = 20.0
"""Percent of their limits that repair leaves to slews and loads: extracted wires take some more than estimates."""
BEFORE = "2"
"""Index of the steps that analyse the netlist which goes into a layout."""
LAYOUT_CHECK = "equivalence.layout"
"""Step that checks the netlist which comes out of a layout."""


class CellFlow(Flowgraph):
    """Synthesis and the formal check; what makes the final netlist of it comes on top."""

    def __init__(self, name: str, indices: tuple[str, ...]) -> None:
        super().__init__(name)
        for index in indices:
            self.node("synthesis", SynthesisTask(), index=index)
            self.node("equivalence", EquivalenceTask(), index=index)
            self.edge("synthesis", "equivalence", tail_index=index, head_index=index)

    def analyse(self, step: str, made_by: str, index: str, *, power: bool) -> None:
        """Add timing at every corner, and power, of the netlist that the step of index `made_by` makes."""
        for corner in CORNERS:
            self.node(f"timing.{corner}", TimingTask(), index=index)
            self.edge(step, f"timing.{corner}", tail_index=made_by, head_index=index)
        if power:
            self.node("activity", ActivityTask(), index=index)
            self.node("power", PowerTask(), index=index)
            self.edge(step, "activity", tail_index=made_by, head_index=index)
            self.edge(step, "power", tail_index=made_by, head_index=index)
            self.edge("activity", "power", tail_index=index, head_index=index)


class SynthesisFlow(CellFlow):
    """From Verilog to a netlist, or to two with clock gating."""

    def __init__(self, *, clock_gating: bool = False, power: bool = False) -> None:
        indices = (PLAIN, GATED) if clock_gating else (PLAIN,)
        super().__init__("synthesis", indices)
        for index in indices:
            self.analyse("synthesis", index, index, power=power)


def place_and_route(flow: Flowgraph, netlist: str, index: str, *, macros: bool = False) -> None:
    """Add SiliconCompiler's steps from the netlist that a step makes to GDS."""
    flow.node("cleanup", CleanupTask())
    flow.edge(netlist, "cleanup", tail_index=index)
    flow.graph(PNRFlow())
    flow.edge("cleanup", "floorplan.init")
    flow.node("floorplan.init", FloorplanTask())
    if not macros:
        # It would be skipped when it starts, and a later run would begin again with it.
        flow.remove_node("floorplan.macro_placement")
    flow.node("write.gds", DrawnExportTask())


def add_signoff(flow: Flowgraph) -> None:
    """Add SiliconCompiler's sign-off of a layout, by Magic and Netgen."""
    flow.graph(SignoffFlow())
    flow.node(DRC, MagicRulesTask())
    flow.node(EXTRACT, MagicExtractTask())
    flow.node(LVS, NetgenTask())
    flow.node(CELL_RULES, CellRulesTask())
    flow.edge(CELL_RULES, "signoff")
    starts = (("write.gds", DRC), ("write.gds", CELL_RULES), ("write.gds", EXTRACT), ("write.views", LVS))
    for tail, head in starts:
        flow.edge(tail, head)


class LayoutFlow(CellFlow):
    """From Verilog to GDS: after our synthesis, with clock gating or without, SiliconCompiler's place and route.

    With `signoff` its sign-off follows.
    """

    def __init__(self, *, clock_gating: bool = False, power: bool = False, signoff: bool = False) -> None:
        index = GATED if clock_gating else PLAIN
        super().__init__("layout", (index,))
        self.analyse("synthesis", index, BEFORE, power=power)
        place_and_route(self, "synthesis", index)
        # Clean-up, repair and the clock tree have changed the netlist since it was checked.
        self.node(LAYOUT_CHECK, EquivalenceTask())
        self.edge("write.views", LAYOUT_CHECK)
        self.analyse("write.views", PLAIN, PLAIN, power=power)
        if signoff:
            add_signoff(self)


class SeedFlow(CellFlow):
    """From a netlist that is there to a further layout of it, without GDS, formal check and sign-off."""

    def __init__(self, *, power: bool = False) -> None:
        super().__init__("layout", ())
        self.node("shuffle", ShuffleTask())
        place_and_route(self, "shuffle", PLAIN)
        self.remove_node("write.gds")
        self.analyse("write.views", PLAIN, PLAIN, power=power)


def make_project(job: Job, folder: Path, scheduler: str | None = None) -> ASIC:
    """Set up a project.

    Parameters
    ----------
    job : Job
        What to run.
    folder : Path
        SiliconCompiler's build folder; the constraints go there as well.
    scheduler : str, optional
        SiliconCompiler's scheduler for the steps, such as `slurm`; by default they run on this machine.

    Raises
    ------
    MeasurementError
        If there is no process data.
    """
    folder = folder.resolve()
    staged = stage_source(job.source, folder / "sources")
    constraints = write_constraints(layout_constraints(job.clock_ports, job.clock_ns), folder)
    design = Design(job.top)
    with design.active_fileset("rtl"):
        design.set_topmodule(job.top)
        for file in read_staged(staged).files:
            design.add_file(str(staged / file))
    with design.active_fileset("sdc"):
        design.add_file(str(constraints))
    project = ASIC(design)
    project.add_fileset(["rtl", "sdc"])
    set_target(project)
    power = job.power_fault is None
    if job.flow == "layout":
        whole = {"clock_gating": job.clock_gating, "signoff": job.signoff_fault is None}
        project.set_flow(SeedFlow(power=power) if job.seed else LayoutFlow(power=power, **whole))
        set_floorplan(project, job)
        tune(project, job.floorplan.density)
    else:
        project.set_flow(SynthesisFlow(clock_gating=job.clock_gating, power=power))
    set_parameters(project, job, staged)
    if job.seed:
        set_seed(project, job, folder)
    set_folder(project, folder, job_name(job))
    if scheduler:
        project.option.scheduler.set_name(scheduler)
    return project


def tune(project: ASIC, density: float) -> None:
    """Change what SiliconCompiler's place and route does by default; `density` is that of the cells, in percent."""
    # To save power it makes buffers smaller than the loads that they were put in for ask.
    RepairTimingTask.find_task(project).set("var", "rsz_skip_recover_power", True)
    for task in OpenROADRSZDRVParameter.find_task(project):
        task.set_openroad_rszslewmargin(WIRE_MARGIN)
        task.set_openroad_rszcapmargin(WIRE_MARGIN)
    # Where cells touch, the router finds no way to some of their pins.
    padding = next((sites for most, sites in PADDING.items() if density <= most), 0)
    for task in OpenROADGPLParameter.find_task(project):
        task.set_openroad_padglobalplace(padding)
    for task in OpenROADDPLParameter.find_task(project):
        task.set_openroad_paddetailplace(padding)


def set_folder(project: ASIC, folder: Path, name: str) -> None:
    """Say where a project's steps go, and that its log goes to its files alone."""
    for handler in project.logger.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.addFilter(lambda record: False)
    project.option.set_builddir(str(folder))
    project.option.set_jobname(name)
    project.option.set_nodashboard(True)
    project.option.set_nodisplay(True)
    project.option.set_quiet(True)


def set_floorplan(project: ASIC, job: Job) -> None:
    """Say how large and how high the core is, and where pins go."""
    from silicodec.asic.ports import pins_by_side

    project.constraint.area.set_density(job.floorplan.density)
    project.constraint.area.set_aspectratio(job.floorplan.aspect)
    project.constraint.area.set_coremargin(CORE_MARGIN_UM)
    pins = pins_by_side(job.source, job.floorplan.pins) if job.floorplan.pins else {}
    for order, (pin, side) in enumerate(pins.items(), 1):
        constraint = project.constraint.pin.make_pinconstraint(pin)
        constraint.set_side(side)
        constraint.set_order(order)


def set_seed(project: ASIC, job: Job, folder: Path) -> None:
    """Say which netlist is laid out again, and what makes this layout another one."""
    made = step_folder(replace(job, seed=0), folder, "synthesis", GATED if job.clock_gating else PLAIN)
    shuffle = ShuffleTask.find_task(project)
    shuffle.set("var", "netlist", str(made / "outputs" / f"{job.top}.vg"))
    shuffle.set("var", "seed", job.seed)
    GlobalRouteTask.find_task(project).set("var", "grt_seed", job.seed)


def set_parameters(project: ASIC, job: Job, staged: Path) -> None:
    """Give our tasks their parameters. Timing and power are those of the design alone, whatever is around it."""
    clock: dict[str, Any] = {"clock_ports": list(job.clock_ports), "period_ns": job.clock_ns}
    values: dict[type[Task], dict[str, Any]] = {TimingTask: clock}
    if not job.seed:
        source = {"source": str(staged)}
        made = {"corner": job.corner, "full_adders": job.full_adders, "routable": job.flow == "layout"}
        values[SynthesisTask] = {**source, **made, **clock}
        values[EquivalenceTask] = {**source, "reset_port": job.reset_port or "", "full_adders": bool(job.full_adders)}
    if job.power_fault is None:
        stimulus = {"engine": job.name, "stimulus": str(job.stimulus), "period_ns": job.clock_ns}
        values |= {ActivityTask: stimulus, PowerTask: clock}
    for kind, parameters in values.items():
        task = kind.find_task(project)
        for name, value in parameters.items():
            task.set("var", name, value)


def stage_source(source: Source, folder: Path) -> Path:
    """Stage a source in a folder whose name tells its content, so that runs side by side share it or do not meet."""
    staged = folder / f"{source.top}-{source.sha256[:12]}"
    if not staged.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder, prefix="."))
        source.stage(temporary)
        try:
            temporary.rename(staged)
        except OSError:  # another run was quicker
            shutil.rmtree(temporary)
    return staged


def write_constraints(text: str, folder: Path) -> Path:
    """Write an SDC file whose name tells its content."""
    return write_named(folder / "constraints.sdc", text)


def write_named(path: Path, text: str) -> Path:
    """Write a file under a name that tells its content as well, and return its path.

    Runs side by side share it or do not meet, and one that is there already stays as it is: SiliconCompiler repeats
    steps whose files are newer than what they made.
    """
    path = path.with_stem(f"{path.stem}-{hashlib.sha256(text.encode()).hexdigest()[:12]}")
    if not path.is_file():
        with written_whole(path) as temporary:
            temporary.write_text(text)
    return path


def job_name(job: Job) -> str:
    """Name of a job's folder: runs with another clock, corner, adders or seed keep their results."""
    gating = "-gated" if job.clock_gating else ""
    adders = f"-fa{job.full_adders}" if job.full_adders else ""
    seed = f"-seed{job.seed}" if job.seed else ""
    return f"{job.flow}-{job.corner}-{job.clock_ns:g}ns{gating}{adders}{seed}".replace(".", "_")


def job_folder(job: Job, build: Path) -> Path:
    """Folder of a job in SiliconCompiler's build folder."""
    return build / job.top / job_name(job)


def step_folder(job: Job, build: Path, step: str, index: str = PLAIN) -> Path:
    """Folder of a step in SiliconCompiler's build folder."""
    return job_folder(job, build) / step / index
