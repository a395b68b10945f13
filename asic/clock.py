"""A clock that a design can meet, for flows that are not told one."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

from silicodec.asic.constraints import of_flow
from silicodec.asic.job import Job
from silicodec.asic.measure import synthesize, time_netlist
from silicodec.asic.pdk import PERIOD_NS, MeasurementError
from silicodec.asic.statistics import FLIP_FLOP
from silicodec.asic.target import liberty_of
from silicodec.asic.tasks import LIMITS_CORNER

BEGIN = {"slow": 5 * PERIOD_NS, "typical": PERIOD_NS, "fast": PERIOD_NS}
"""Corner -> period in nanoseconds to begin with: no shorter one is taken."""
MOST_TRIES = 5
LAYOUT = 1.3
"""How much longer a layout's clock is than a netlist's, for wires and the clock tree."""


def default_period(job: Job) -> float:
    """Find a clock period that the job's netlists meet at its corner, ports included.

    The synthesis is the flow's own, for longer and longer periods; a netlist that missed one tells the next.

    Returns
    -------
    float
        In nanoseconds; for a layout with `LAYOUT` in hand.

    Raises
    ------
    MeasurementError
        If the design cannot be timed, or meets no clock that was tried.
    """
    period_ns = max(needed_period(job, BEGIN[job.corner], options) for options in _netlists(job))
    return round(LAYOUT * period_ns, 1) if job.flow == "layout" else period_ns


def _netlists(job: Job) -> list[list[str]]:
    options = [f"--full-adders={job.full_adders}", *["--routable"] * (job.flow == "layout")]
    gated = [[*options, "--clock-gating"]] if job.clock_gating else []
    return gated if gated and job.flow == "layout" else [options, *gated]


def needed_period(job: Job, period_ns: float, options: list[str]) -> float:
    """Return the period from a first one on, in nanoseconds, that a netlist meets which is synthesised for it."""
    liberty, limits = liberty_of(job.corner), liberty_of(LIMITS_CORNER)
    for _ in range(MOST_TRIES):
        with tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
            folder = Path(temporary)
            job.source.stage(folder)
            cells = ["--liberty", str(liberty), "--limits", str(limits)]
            try:
                synthesize(job.top, folder, job.clock_ports, period_ns, *cells, *options, black_boxes=False)
            except MeasurementError:
                return period_ns  # the flow will fail as well, and name its log
            clocked = FLIP_FLOP.search((folder / "netlist.v").read_text())
            ports = job.clock_ports if clocked else ()
            constraints = of_flow("synthesis")
            timing, _ = time_netlist(job.top, folder, ports, period_ns, liberty=liberty, constraints=constraints)
        needed = timing.shortest_period_ns
        if needed is None or needed <= period_ns:
            return period_ns
        period_ns = math.ceil(10.2 * needed) / 10
    raise MeasurementError(f"{job.name} met no clock up to {period_ns} ns at the {job.corner} corner: give --clock-ns")
