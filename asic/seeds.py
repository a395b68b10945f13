"""Further layouts of one netlist, for how far a layout's figures spread.

Where cells come to lie depends on their order, and where wires run on a seed of the router, and neither says anything
of a design: one layout is a sample. Further ones are made of the same netlist with its cells in another order
(`silicodec.asic.shuffle`) and with another seed. They are timed and simulated as the first one is; but no GDS is
written of them, and they are neither signed off nor compared with the Verilog.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from pathlib import Path

from silicodec.asic.drawn import SeedLayout
from silicodec.asic.flows import job_folder
from silicodec.asic.job import Job
from silicodec.asic.lock import locked
from silicodec.asic.results import Result
from silicodec.asic.run import last_metric, layout_netlist, routing_violations, run_project


def run_seeds(
    job: Job, result: Result, folder: Path, scheduler: str | None = None, minutes: float | None = None
) -> Result:
    """Lay a netlist out as often as its job says, and return the result of the first layout with what all came to.

    Parameters
    ----------
    job, folder, scheduler, minutes
        As of `silicodec.asic.run.run_job`, which left its steps in the folder.
    result : Result
        What that returned.

    Raises
    ------
    MeasurementError
        As of `run_job`.
    """
    if job.seeds == 1:
        return result
    layouts = [result, *further_layouts(job, result, folder.resolve(), scheduler, minutes)]
    return replace(result, seeds=[seed_layout(seed, one) for seed, one in enumerate(layouts)])


def further_layouts(
    job: Job, result: Result, folder: Path, scheduler: str | None, minutes: float | None
) -> Iterator[Result]:
    """Make the layouts after the first one; yield its result with the figures of each."""
    for seed in range(1, job.seeds):
        one = replace(job, seed=seed)
        with locked(job_folder(one, folder)):
            project, history = run_project(one, folder, scheduler, minutes)
            yield replace(
                result,
                netlist=layout_netlist(one, folder, project, history),
                wire_length_um=last_metric(project, history, "wirelength"),
                drc_violations=routing_violations(history),
            )


def seed_layout(seed: int, result: Result) -> SeedLayout:
    """Take from a layout's result what is told of each seed."""
    netlist, slack = result.netlist, result.worst_slack_ns
    return SeedLayout(
        seed=seed,
        area_um2=netlist.area_um2,
        wire_length_um=result.wire_length_um or 0.0,
        drc_violations=result.drc_violations or 0,
        periods_ns={corner: timing.shortest_period_ns for corner, timing in netlist.corners.items()},
        worst_slack_ns=slack if isfinite(slack) else None,
        power_mw=None if netlist.power.reason else round(sum(netlist.power.parts_mw), 4),
        energy_pj_per_word=netlist.power.energy_pj_per_word,
    )
