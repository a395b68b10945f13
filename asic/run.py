"""Running a flow: from a job to its result, and the search for the fastest clock."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from siliconcompiler import ASIC

from silicodec.asic.cells import Library
from silicodec.asic.constraints import of_flow
from silicodec.asic.drawn import Drawn
from silicodec.asic.flows import BEFORE, LAYOUT_CHECK, job_folder, make_project, step_folder
from silicodec.asic.job import Job
from silicodec.asic.limits import worst_load
from silicodec.asic.lock import locked
from silicodec.asic.pdk import CORNERS, GATE_EQUIVALENT_UM2, MeasurementError
from silicodec.asic.power import read_power
from silicodec.asic.progress import OutOfTime, run_until
from silicodec.asic.results import Netlist, Power, Result
from silicodec.asic.signoff import signoff_of
from silicodec.asic.statistics import WITHOUT_LOGIC, area_by_class, count_cells, count_drives, read_statistics
from silicodec.asic.tasks import GATED, PLAIN
from silicodec.asic.timing import Timing, read_timing
from silicodec.asic.tools import check_tools
from silicodec.asic.verdict import faults

MOST_RUNS = 8
PRECISION = 0.02
"""The search for the fastest clock ends when it is known so well."""
ANTENNAS = "route.detailed_antenna_repair"
"""The last step that looks for nets which break an antenna rule."""
TIMING_STEPS = {corner: f"timing.{corner}" for corner in CORNERS}
LONGEST_SOCKET_FOLDER = 70
"""Characters of a temporary folder's path that leave room for a socket's name: the kernel takes 107 in all."""


def run_job(job: Job, folder: Path, scheduler: str | None = None, minutes: float | None = None) -> Result:
    """Run a flow; steps of an earlier run that are still right are not repeated.

    Parameters
    ----------
    job : Job
        What to run.
    folder : Path
        SiliconCompiler's build folder.
    scheduler : str, optional
        SiliconCompiler's scheduler, such as `slurm`.
    minutes : float, optional
        When to stop a layout; by default at its end.

    Raises
    ------
    MeasurementError
        If a tool or the process data is missing, another process runs the same job in the same folder, or a step fails;
        the message has the tool's reason and its log's path. `OutOfTime` if the time was up before the end.
    ValueError
        If the job cannot be run as it stands.
    """
    check_job(job)
    check_tools(job.flow)
    folder = folder.resolve()
    with locked(job_folder(job, folder)):
        return make_result(job, folder, *run_project(job, folder, scheduler, minutes))


def run_project(job: Job, folder: Path, scheduler: str | None, minutes: float | None) -> tuple[ASIC, ASIC]:
    """Run a flow's project; return it, and what SiliconCompiler recorded."""
    described = {"name": job.name, "period_ns": job.clock_ns, "verilog_sha256": job.source.sha256}
    project = make_project(job, folder, scheduler)
    progress, history = run_until(project, job_folder(job, folder), minutes, floorplan=job.floorplan, **described)
    if history is None:
        raise OutOfTime(progress)
    return project, history


@contextmanager
def short_temporary_folder() -> Iterator[None]:
    """Let Python's temporary files, and so SiliconCompiler's sockets, go to /tmp where TMPDIR is too long for them."""
    before = tempfile.tempdir
    if len(tempfile.gettempdir()) > LONGEST_SOCKET_FOLDER:
        tempfile.tempdir = "/tmp"
    try:
        yield
    finally:
        tempfile.tempdir = before


def check_job(job: Job) -> None:
    """Raise ValueError if a job cannot be run as it stands."""
    job.source.check()
    if job.period_ns is not None and not 0 < job.period_ns < 1000:
        raise ValueError(f"the clock period must be between 0 and 1000 ns, not {job.period_ns}")
    if job.seeds < 1 or (job.seeds > 1 and job.flow != "layout"):
        raise ValueError(f"a layout is made of one seed or more, other flows of one, not {job.seeds}")


def find_fastest(job: Job, run: Callable[[Job], Result]) -> Result:
    """Search the shortest clock that meets timing, in at most `MOST_RUNS` runs.

    Parameters
    ----------
    job : Job
        The job; its clock is where the search begins.
    run : callable
        Runs a job.

    Raises
    ------
    MeasurementError
        If no clock that was tried is met.
    """
    best: Result | None = None
    too_short, period_ns = 0.0, job.clock_ns
    for _ in range(MOST_RUNS):
        result = run(replace(job, period_ns=period_ns))
        critical = result.netlist.corners[job.corner].shortest_period_ns
        if critical is None:
            raise MeasurementError(f"{job.name} has no path between flip-flops, hence no fastest clock")
        if result.worst_slack_ns >= 0:
            best = result
        else:
            too_short = max(too_short, period_ns)
        if best and best.period_ns - too_short <= PRECISION * best.period_ns:
            break
        # The critical path of a netlist that failed is a clock that synthesis is likely to meet.
        if result is not best and too_short < round(critical, 2) < (best.period_ns if best else float("inf")):
            period_ns = round(critical, 2)
        else:
            period_ns = round((too_short + best.period_ns) / 2 if best else 1.05 * too_short, 2)
    if best is None:
        raise MeasurementError(f"{job.name} met no clock up to {too_short} ns at the {job.corner} corner")
    return best


def make_result(job: Job, folder: Path, project: ASIC, history: ASIC) -> Result:
    """Collect the result of a finished run."""
    flow = project.get_flow()
    nodes = flow.get_nodes()
    tools = {"siliconcompiler": history.get("record", "scversion", step=nodes[0][0], index=nodes[0][1])}
    for step, index in nodes:
        if version := history.get("record", "toolversion", step=step, index=index):
            tools[flow.get_graph_node(step, index).get("tool")] = version
    layout = job.flow == "layout"
    second = job.clock_gating and not layout
    first = GATED if layout and job.clock_gating else PLAIN
    before = synthesis_netlist(job, folder, first, BEFORE if layout else PLAIN)
    result = Result(
        name=job.name,
        top=job.top,
        flow=job.flow,
        clock_ports=list(job.clock_ports),
        reset_port=job.reset_port,
        period_ns=job.clock_ns,
        corner=job.corner,
        netlist=layout_netlist(job, folder, project, history) if layout else before,
        clock_gated=synthesis_netlist(job, folder, GATED, GATED) if second else None,
        workload=job.workload,
        equivalence=formal_check(job, folder, "equivalence", first),
        utilisation_percent=last_metric(project, history, "utilization"),
        wire_length_um=last_metric(project, history, "wirelength"),
        drc_violations=routing_violations(history) if layout else None,
        tools=dict(sorted(tools.items())),
        verilog_sha256=job.source.sha256,
        run_time_s=round(sum(metric(history, "exetime", *node) or 0 for node in nodes), 1),
        peak_memory_mb=round(max(metric(history, "memory", *node) or 0 for node in nodes) / 1e6, 1),
        constraints=of_flow(job.flow),
        floorplan=job.floorplan if layout else None,
        clock_gating=layout and job.clock_gating,
        gated_equivalence=formal_check(job, folder, "equivalence", GATED) if second else None,
        before_layout=before if layout else None,
        layout_equivalence=formal_check(job, folder, LAYOUT_CHECK, PLAIN) if layout else None,
        full_adders=job.full_adders,
    )
    if layout:
        result = replace(result, drawn=drawn_layout(job, folder, project, history))
        if job.signoff_fault is None:
            result = replace(result, signoff=signoff_of(job_folder(job, folder), job.top))
    return replace(result, clean=not faults(result))


def formal_check(job: Job, build: Path, step: str, index: str) -> dict[str, Any]:
    """Collect what a formal check found."""
    found: dict[str, Any] = json.loads((step_folder(job, build, step, index) / "equivalence.json").read_text())
    return found


def synthesis_netlist(job: Job, build: Path, index: str, analysed: str) -> Netlist:
    """Collect what is said of the netlist that synthesis made with one index, and that was analysed with another."""
    folder = step_folder(job, build, "synthesis", index)
    statistics = read_statistics(folder / "statistics.json")
    return Netlist(
        area_um2=round(statistics.area_um2, 1),
        gate_equivalents=round(statistics.area_um2 / GATE_EQUIVALENT_UM2, 1),
        cells=statistics.cells,
        flip_flops=statistics.flip_flops,
        area_by_class=area_by_class(statistics.cell_counts, (folder / "cells.lib").read_text()),
        corners=corner_timing(job, build, analysed, wires=False),
        power=measured_power(job, build, analysed),
    )


def layout_netlist(job: Job, folder: Path, project: ASIC, history: ASIC) -> Netlist:
    """Collect what SiliconCompiler's own steps say of the layout, and our timing steps after it."""
    area = last_metric(project, history, "cellarea")
    timed = step_folder(job, folder, "timing.typical")
    counts = count_cells((timed / "inputs" / f"{job.top}.lec.vg").read_text())
    areas = area_by_class(counts, (timed / "cells.lib").read_text())
    return Netlist(
        area_um2=round(area, 1),
        gate_equivalents=round(area / GATE_EQUIVALENT_UM2, 1),
        cells=last_metric(project, history, "cells"),
        flip_flops=last_metric(project, history, "registers"),
        area_by_class=areas | {WITHOUT_LOGIC: round(area - sum(areas.values()), 1)},
        corners=corner_timing(job, folder, PLAIN, wires=True),
        power=measured_power(job, folder, PLAIN),
    )


def drawn_layout(job: Job, folder: Path, project: ASIC, history: ASIC) -> Drawn:
    """Collect what else SiliconCompiler's own steps say of a layout."""
    found = {
        name: last_metric(project, history, of_theirs)
        for name, of_theirs in (
            ("die_um2", "totalarea"),
            ("ir_drop_mv", "irdrop"),
            ("setup_skew_ns", "setupskew"),
            ("hold_skew_ns", "holdskew"),
            ("setup_total_ns", "setuptns"),
            ("hold_total_ns", "holdtns"),
            ("vias", "vias"),
        )
    }
    known = {name: value and round(value, 4) for name, value in found.items()}
    routed = json.loads((step_folder(job, folder, ANTENNAS) / "reports" / "metrics.json").read_text())
    netlist = (step_folder(job, folder, "write.views") / "outputs" / f"{job.top}.lec.vg").read_text()
    return Drawn(
        **known,
        antenna_violations=routed.get("sc__step__antenna__violating__nets"),
        cells_by_drive=count_drives(count_cells(netlist)),
    )


def corner_timing(job: Job, build: Path, index: str, *, wires: bool) -> dict[str, Timing]:
    """Collect the timing at every corner from OpenSTA's reports; these have the loads of layouts alone."""
    found = {}
    for corner, step in TIMING_STEPS.items():
        folder = step_folder(job, build, step, index)
        loads = None
        if not wires:
            netlist = (folder / "inputs" / f"{job.top}.vg").read_text()
            loads = worst_load(netlist, Library((folder / "cells.lib").read_text()))
        found[corner] = read_timing((folder / f"{step}.log").read_text(), job.clock_ns, loads)
    return found


def measured_power(job: Job, folder: Path, index: str) -> Power:
    """Collect the power of a netlist, and the energy of a word of its workload."""
    if job.power_fault or job.workload is None:
        return Power.missing(job.power_fault)
    report = read_power((step_folder(job, folder, "power", index) / "power.log").read_text())
    return Power(
        internal_mw=report.internal_mw,
        switching_mw=report.switching_mw,
        leakage_mw=report.leakage_mw,
        energy_pj_per_word=round(report.total_mw * job.clock_ns * job.workload.cycles / job.workload.words, 2),
        reason=None,
    )


def metric(history: ASIC, name: str, step: str, index: str) -> Any:
    """Return a metric of a step, None if it has none."""
    return history.get("metric", name, step=step, index=index)


def routing_violations(history: ASIC) -> Any:
    """Return the number of design rules that OpenROAD's own check finds violated."""
    return metric(history, "drcs", "route.detailed", PLAIN)


def last_metric(project: ASIC, history: ASIC, name: str) -> Any:
    """Return a metric as the last step recorded it that did so, None if none did."""
    order = [node for level in project.get_flow().get_execution_order() for node in level]
    values = [value for node in order if (value := metric(history, name, *node)) is not None]
    return values[-1] if values else None
