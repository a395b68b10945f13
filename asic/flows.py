"""The flows as SiliconCompiler projects: from Verilog to a netlist with its timing, or to a layout."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from siliconcompiler import ASIC, Design, Flowgraph
from siliconcompiler.flows.asicflow import PNRFlow
from siliconcompiler.tools.slang.elaborate import Elaborate

from silicodec.asic.target import CORNERS, layout_constraints, set_target, synthesis_constraints
from silicodec.asic.tasks import GATED, PLAIN, Activity, Cleanup, Equivalence, Power, Synthesis, Timing
from silicodec.asic.tools import power_fault
from silicodec.models.storage import written_whole

FLOWS = ("synthesis", "layout")
UTILISATION = 40
"""Cell area of a layout in percent of its core."""


@dataclass(frozen=True)
class Workload:
    """What an engine was simulated on, and the clock cycles that it took.

    Parameters
    ----------
    tensor : str
        Where it comes from.
    sha256 : str
        Hash of its values.
    words : int
        Number of words.
    cycles : int
        Clock cycles from the first transfer to the last one.
    """

    tensor: str
    sha256: str
    words: int
    cycles: int


@dataclass(frozen=True)
class Job:
    """One run of a flow.

    Parameters
    ----------
    name : str
        What is built: the engine's name, or the top module of other Verilog.
    top : str
        The top module.
    files : tuple of Path
        Its Verilog or SystemVerilog files.
    clock_port : str
        The top module's clock input.
    clock_ns : float
        Clock period, in nanoseconds.
    flow : str
        `synthesis` or `layout`.
    corner : str
        Corner at which the clock is to be met: `slow`, `typical` or `fast`.
    clock_gating : bool
        Whether to synthesise a second netlist, with gated clocks.
    workload : Workload or None
        What the design was simulated on, for its record.
    tensor : Path or None
        The workload's tensor, a `.npy` file: the netlist is simulated on it for its power. `name` is then an engine's.
    """

    name: str
    top: str
    files: tuple[Path, ...]
    clock_port: str
    clock_ns: float
    flow: str = "synthesis"
    corner: str = "typical"
    clock_gating: bool = False
    workload: Workload | None = None
    tensor: Path | None = None

    @property
    def power_fault(self) -> str | None:
        """Why the flow reports no power, or None if it does."""
        return power_fault() if self.tensor else "there is no simulation to take switching activity from"


class CellFlow(Flowgraph):
    """Elaboration, synthesis and the formal check; what makes the final netlist of it comes on top."""

    def __init__(self, name: str, indices: tuple[str, ...] = (PLAIN,)) -> None:
        super().__init__(name)
        self.node("elaborate", Elaborate())
        for index in indices:
            self.node("synthesis", Synthesis(), index=index)
            self.edge("elaborate", "synthesis", head_index=index)
        self.node("equivalence", Equivalence())
        self.edge("elaborate", "equivalence")
        self.edge("synthesis", "equivalence")

    def analyse(self, step: str, index: str, *, power: bool) -> None:
        """Add timing at every corner, and power, of the netlist that a step makes."""
        for corner in CORNERS:
            self.node(f"timing.{corner}", Timing(), index=index)
            self.edge(step, f"timing.{corner}", tail_index=index, head_index=index)
        if power:
            self.node("activity", Activity(), index=index)
            self.node("power", Power(), index=index)
            self.edge(step, "activity", tail_index=index, head_index=index)
            self.edge(step, "power", tail_index=index, head_index=index)
            self.edge("activity", "power", tail_index=index, head_index=index)


class SynthesisFlow(CellFlow):
    """From Verilog to a netlist, or to two with clock gating."""

    def __init__(self, *, clock_gating: bool = False, power: bool = False) -> None:
        indices = (PLAIN, GATED) if clock_gating else (PLAIN,)
        super().__init__("synthesis", indices)
        for index in indices:
            self.analyse("synthesis", index, power=power)


class LayoutFlow(CellFlow):
    """From Verilog to GDS: after our synthesis, SiliconCompiler's place and route."""

    def __init__(self, *, power: bool = False) -> None:
        super().__init__("layout")
        self.node("cleanup", Cleanup())
        self.edge("synthesis", "cleanup")
        self.graph(PNRFlow())
        self.edge("cleanup", "floorplan.init")
        self.analyse("write.views", PLAIN, power=power)


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
    make_constraints = layout_constraints if job.flow == "layout" else synthesis_constraints
    constraints = write_constraints(make_constraints(job.clock_port, job.clock_ns), folder)
    # Our timing and power are those of the engine alone, whatever is around it.
    without_surroundings = write_constraints(synthesis_constraints(job.clock_port, job.clock_ns), folder)
    design = Design(job.top)
    with design.active_fileset("rtl"):
        design.set_topmodule(job.top)
        for file in job.files:
            design.add_file(str(file.resolve()))
    with design.active_fileset("sdc"):
        design.add_file(str(constraints))
    project = ASIC(design)
    for handler in project.logger.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.addFilter(lambda record: False)  # SiliconCompiler's log goes to its files alone
    project.add_fileset(["rtl", "sdc"])
    set_target(project)
    power = job.power_fault is None
    if job.flow == "layout":
        project.set_flow(LayoutFlow(power=power))
        project.constraint.area.set_density(UTILISATION)
        project.constraint.area.set_coremargin(1)
    else:
        project.set_flow(SynthesisFlow(clock_gating=job.clock_gating, power=power))
    set_parameters(project, job, without_surroundings)
    project.option.set_builddir(str(folder))
    project.option.set_jobname(job_name(job))
    project.option.set_nodashboard(True)
    project.option.set_nodisplay(True)
    project.option.set_quiet(True)
    if scheduler:
        project.option.scheduler.set_name(scheduler)
    return project


def set_parameters(project: ASIC, job: Job, constraints: Path) -> None:
    """Give our tasks their parameters."""
    synthesis = Synthesis.find_task(project)
    synthesis.set("var", "clock_port", job.clock_port)
    synthesis.set("var", "clock_ns", job.clock_ns)
    synthesis.set("var", "corner", job.corner)
    analyses = [Timing.find_task(project)]
    if job.power_fault is None:
        analyses.append(Power.find_task(project))
        activity = Activity.find_task(project)
        activity.set("var", "engine", job.name)
        activity.set("var", "tensor", str(job.tensor))
        activity.set("var", "clock_ns", job.clock_ns)
    for task in analyses:
        task.set("var", "clock_ns", job.clock_ns)
        task.set("var", "constraints", str(constraints))


def write_constraints(text: str, folder: Path) -> Path:
    """Write an SDC file whose name tells its content, so that runs side by side share it or do not meet."""
    path = folder / f"constraints-{hashlib.sha256(text.encode()).hexdigest()[:12]}.sdc"
    with written_whole(path) as temporary:
        temporary.write_text(text)
    return path


def job_name(job: Job) -> str:
    """Name of a job's folder: runs with another clock or corner keep their results."""
    gating = "-gated" if job.clock_gating else ""
    return f"{job.flow}-{job.corner}-{job.clock_ns:g}ns{gating}".replace(".", "_")


def step_folder(job: Job, build: Path, step: str, index: str = PLAIN) -> Path:
    """Folder of a step in SiliconCompiler's build folder."""
    return build / job.top / job_name(job) / step / index
