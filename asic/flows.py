"""The flows as SiliconCompiler projects: from Verilog to a netlist with its timing, or to a layout."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from siliconcompiler import ASIC, Design, Flowgraph
from siliconcompiler.flows.asicflow import ASICFlow
from siliconcompiler.tools.slang.elaborate import Elaborate

from silicodec.models.storage import written_whole

from .target import CORNERS, layout_constraints, set_target, synthesis_constraints
from .tasks import GATED, PLAIN, Equivalence, Synthesis, Timing

FLOWS = ("synthesis", "layout")
UTILISATION = 40
"""Cell area of a layout in percent of its core."""


@dataclass(frozen=True)
class Workload:
    """What an engine was simulated on: the tensor, its number of words, and the clock cycles that they took."""

    tensor: str
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


class SynthesisFlow(Flowgraph):
    """Elaboration, synthesis, timing at every corner, and the formal check; twice with clock gating."""

    def __init__(self, *, clock_gating: bool = False) -> None:
        super().__init__("synthesis")
        self.node("elaborate", Elaborate())
        for index in (PLAIN, GATED) if clock_gating else (PLAIN,):
            self.node("synthesis", Synthesis(), index=index)
            self.edge("elaborate", "synthesis", head_index=index)
            for corner in CORNERS:
                self.node(f"timing.{corner}", Timing(), index=index)
                self.edge("synthesis", f"timing.{corner}", tail_index=index, head_index=index)
        self.node("equivalence", Equivalence())
        self.edge("elaborate", "equivalence")
        self.edge("synthesis", "equivalence")


class LayoutFlow(ASICFlow):
    """SiliconCompiler's flow from Verilog to GDS, and the timing of the extracted layout at every corner."""

    def __init__(self) -> None:
        super().__init__("layout")
        for corner in CORNERS:
            self.node(f"timing.{corner}", Timing())
            self.edge("write.views", f"timing.{corner}")


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
    if job.flow == "layout":
        project.set_flow(LayoutFlow())
        project.constraint.area.set_density(UTILISATION)
        project.constraint.area.set_coremargin(1)
    else:
        project.set_flow(SynthesisFlow(clock_gating=job.clock_gating))
        set_synthesis(project, job)
    timing = Timing.find_task(project)
    timing.set("var", "clock_ns", job.clock_ns)
    timing.set("var", "constraints", str(constraints))
    project.option.set_builddir(str(folder))
    project.option.set_jobname(job_name(job))
    project.option.set_nodashboard(True)
    project.option.set_nodisplay(True)
    project.option.set_quiet(True)
    if scheduler:
        project.option.scheduler.set_name(scheduler)
    return project


def set_synthesis(project: ASIC, job: Job) -> None:
    """Give the synthesis its parameters."""
    synthesis = Synthesis.find_task(project)
    synthesis.set("var", "clock_port", job.clock_port)
    synthesis.set("var", "clock_ns", job.clock_ns)
    synthesis.set("var", "corner", job.corner)


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
