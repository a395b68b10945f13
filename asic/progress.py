"""How far a layout came in the time that it had: the step that it reached, and what was known of it by then."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from siliconcompiler import ASIC, Flowgraph

from silicodec.asic.drawn import Signoff
from silicodec.asic.failures import explain_failure
from silicodec.asic.job import Floorplan
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.results import SHIPPED
from silicodec.asic.verdict import signoff_faults
from silicodec.models.storage import written_whole

ENDING = ".reached.json"
"""What the names of records end in."""
PLANNING, ROUTING = "route.global", "route.detailed"
LAST = "write.views"
"""The last step of a layout before what analyses it."""
ANALYSIS = "analysis"
"""What follows `LAST`, and sign-off."""
_METRICS = {
    "die_um2": "sc__metric__design__die__area",
    "cells": "sc__metric__design__instance__count__stdcell",
    "cell_um2": "sc__metric__design__instance__area__stdcell",
    "macros": "sc__metric__design__instance__count__macros",
    "macro_um2": "sc__metric__design__instance__area__macros",
    "setup_slack_ns": "sc__metric__timing__setup__ws",
    "hold_slack_ns": "sc__metric__timing__hold__ws",
    "planned_wire_um": "sc__step__global_route__wirelength",
    "wire_um": "sc__step__route__wirelength",
    "violations": "sc__step__route__drc_errors",
}
_VIOLATIONS_SO_FAR = "Number of violations = "
_TRACKS = re.compile(r"^Total +\d+ +\d+ +([\d.]+)%", re.MULTILINE)
CROWDED_PERCENT = 60
"""Share of the routing tracks from which on a layout may well get stuck: `dct-encoder` takes 32 %, and is clean."""


@dataclass(frozen=True)
class Progress:
    """How far a layout came.

    Parameters
    ----------
    name : str
        The layout's.
    period_ns : float
        Clock period in nanoseconds, asked for at the slow corner.
    floorplan : Floorplan
        What was asked for.
    verilog_sha256 : str
        `Source.sha256` of what it was made from.
    reached : str or None
        The step that the time did not suffice for; None if all ended.
    minutes : float
        Time that it took, in all calls together but for steps that an earlier call stopped.
    die_um2, cell_um2, macro_um2, cells, macros : float or None
        Area of the die, of standard cells and macros in square micrometres, and how many there are, after the last step
        that says so.
    setup_slack_ns, hold_slack_ns : float or None
        Worst slack over all corners in nanoseconds, after that step.
    planned_wire_um, wire_um : float or None
        Length of all wires in micrometres, as planned by global routing, and as drawn.
    violations : int or None
        Violations of design rules, by OpenROAD, after the last pass of detailed routing that ended.
    tools : dict of str to str
        Versions.
    signoff : Signoff or None
        What Magic and Netgen say of the finished layout; None without them, and with macros.
    equivalence : dict or None
        What the formal check of the finished layout against the netlist says, as `silicodec.asic.equivalence` does.
    tracks_percent : float or None
        Share of all routing tracks that global routing takes, in percent.
    """

    name: str
    period_ns: float
    floorplan: Floorplan
    verilog_sha256: str
    reached: str | None
    minutes: float
    die_um2: float | None
    cell_um2: float | None
    macro_um2: float | None
    cells: int | None
    macros: int | None
    setup_slack_ns: float | None
    hold_slack_ns: float | None
    planned_wire_um: float | None
    wire_um: float | None
    violations: int | None
    tools: dict[str, str]
    signoff: Signoff | None = None
    equivalence: dict[str, Any] | None = None
    tracks_percent: float | None = None

    @property
    def drawn(self) -> bool:
        """Whether there is a layout, perhaps without sign-off."""
        return self.reached in (None, ANALYSIS)

    @property
    def faults(self) -> list[str]:
        """What is wrong with it so far, a text for each fault; what is not known is none."""
        slacks = {"setup": self.setup_slack_ns, "hold": self.hold_slack_ns}
        found = [f"{kind} is missed by {-slack:.2f} ns" for kind, slack in slacks.items() if slack and slack < 0]
        if self.violations:
            found.append(f"{self.violations} violations of design rules")
        if self.equivalence and not self.equivalence["proven"]:
            compared = "differs from" if self.equivalence["proven"] is False else "could not be compared with"
            found.append(f"the netlist of the layout {compared} the one that was laid out")
        return found + [said for _, said in signoff_faults(self.signoff)] if self.signoff else found


class OutOfTime(MeasurementError):
    """The time was up before a layout was finished; its argument is how far it came."""

    @property
    def progress(self) -> Progress:
        """How far it came."""
        found: Progress = self.args[0]
        return found

    def __str__(self) -> str:
        """Say so in a line."""
        return describe(self.progress)


class Limit:
    """Whether the time is up."""

    over = False


@contextmanager
def time_limit(minutes: float | None) -> Iterator[Limit]:
    """Interrupt this process, as Ctrl-C does, when some minutes are over, and tell that from a real Ctrl-C.

    SiliconCompiler ends its steps, and the programs that they run, when it is interrupted.
    """
    limit = Limit()
    if minutes is None:  # and then in any thread, where signals are the main one's
        yield limit
        return

    def stop(*_: object) -> None:
        limit.over = True
        raise KeyboardInterrupt

    # A signal of its own: what a script runs in the background ignores SIGINT.
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 60 * minutes)
    try:
        yield limit
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_until(project: ASIC, folder: Path, minutes: float | None, **described: Any) -> tuple[Progress, ASIC | None]:
    """Run a layout's project, at most for some minutes.

    Parameters
    ----------
    project : ASIC
        What to run.
    folder : Path
        Where its steps have their folders.
    minutes : float or None
        When to stop; None for at the end.
    described
        Fields of `Progress`.

    Returns
    -------
    Progress
        How far it came.
    ASIC or None
        The finished run, None if it was stopped.

    Raises
    ------
    MeasurementError
        If a step fails.
    """
    begun = time.time()
    history = None
    with time_limit(minutes) as limit:
        try:
            history = project.run()
        except RuntimeError as error:
            if not limit.over:
                raise MeasurementError(explain_failure(folder, project, str(error))) from None
        except (SystemExit, KeyboardInterrupt):  # SiliconCompiler's answer to Ctrl-C while steps are running
            if not limit.over:
                raise KeyboardInterrupt from None
    flow = project.get_flow()
    taken = time.time() - begun + sum(earlier_seconds(folder, [step for step, _ in flow.get_nodes()], begun))
    tools = {}
    for step, index in flow.get_nodes():
        if version := (history or project).get("record", "toolversion", step=step, index=index):
            tools[flow.get_graph_node(step, index).get("tool")] = version
    known = {"minutes": round(taken / 60, 1), "tools": dict(sorted(tools.items()))}
    progress = read_progress(folder, steps_of(flow), **known, **described)
    if history is None and progress.reached is None:
        progress = replace(progress, reached=ANALYSIS)
    return progress, history


def read_progress(folder: Path, steps: Iterable[str], **described: Any) -> Progress:
    """Read from the folders of some steps how far a layout came; the rest is `described`."""
    found: dict[str, Any] = dict.fromkeys(_METRICS)
    steps = list(steps)
    # SiliconCompiler leaves a manifest of a step that it stopped as well.
    ended = [
        step for step in steps if any(file.suffix != ".json" for file in (folder / step / "0" / "outputs").glob("*"))
    ]
    for step in ended:
        reports = folder / step / "0" / "reports" / "metrics.json"
        metrics = json.loads(reports.read_text()) if reports.is_file() else {}
        found |= {name: metrics[key] for name, key in _METRICS.items() if key in metrics}
    # Steps that are left out, as SiliconCompiler does with some, have no folder.
    waiting = steps[steps.index(ended[-1]) + 1 :] if ended else steps
    reached = next((step for step in waiting if (folder / step).is_dir()), waiting[0]) if waiting else None
    if PLANNING in ended:
        found["tracks_percent"] = tracks_taken(folder / PLANNING / "0" / f"{PLANNING}.log")
    if reached == ROUTING:
        found["violations"] = violations_so_far(folder / ROUTING / "0" / f"{ROUTING}.log")
    return Progress(reached=reached, **found, **described)


def earlier_seconds(folder: Path, steps: Iterable[str], begun: float) -> Iterator[float]:
    """Yield how long each step took that had ended at a time, by SiliconCompiler's manifests.

    A step that was stopped has a manifest that says nothing of it.
    """
    for step in steps:
        for manifest in (folder / step / "0" / "outputs").glob("*.pkg.json"):
            if manifest.stat().st_mtime < begun:
                times = json.loads(manifest.read_text())["metric"]["tasktime"]["node"]
                yield times.get(step, {}).get("0", {}).get("value") or 0.0


def steps_of(flow: Flowgraph) -> list[str]:
    """Return the steps of place and route, in their order; none of a flow that ends with a netlist."""
    order = [step for level in flow.get_execution_order() for step, _ in level]
    return order[order.index("cleanup") : order.index(LAST) + 1] if LAST in order else []


def violations_so_far(log: Path) -> int | None:
    """Return how many violations the last pass of detailed routing that ended left, by its log."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    found = [line.partition(_VIOLATIONS_SO_FAR)[2] for line in lines if _VIOLATIONS_SO_FAR in line]
    return int(found[-1].rstrip(".")) if found else None


def tracks_taken(log: Path) -> float | None:
    """Return the share of the routing tracks that global routing takes, in percent, by its log."""
    found = _TRACKS.findall(log.read_text(errors="replace")) if log.is_file() else []
    return float(found[-1]) if found else None


def describe(progress: Progress) -> str:
    """Say in a line how far a layout came.

    Examples
    --------
    >>> import inspect
    >>> fields = dict.fromkeys(inspect.signature(Progress).parameters)
    >>> describe(Progress(**fields | {"name": "engine", "reached": "place.global", "minutes": 60}))
    'engine: not finished in 60 minutes, which ended in place.global'
    """
    if progress.reached is None:
        return f"{progress.name}: finished in {progress.minutes:.0f} minutes"
    said = f"{progress.name}: not finished in {progress.minutes:.0f} minutes, which ended in {progress.reached}"
    if progress.reached == ROUTING and (progress.tracks_percent or 0) >= CROWDED_PERCENT:
        said += f", with {progress.tracks_percent:.0f} % of the routing tracks taken: a lower --density leaves more"
    return said


def write_progress(progress: Progress, folder: Path) -> Path:
    """Write a record as `folder/NAME.reached.json`, and return the path."""
    path = folder / f"{progress.name}{ENDING}"
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(asdict(progress), indent=2, allow_nan=False) + "\n")
    return path


def read_all_progress(folder: Path = SHIPPED) -> list[Progress]:
    """Read all records of a folder, in the order of their names."""
    records = [json.loads(path.read_text()) for path in sorted(folder.glob(f"[!.]*{ENDING}"))]
    return [_from_fields(**fields) for fields in records]


def _from_fields(floorplan: dict[str, Any], signoff: dict[str, Any] | None = None, **fields: Any) -> Progress:
    return Progress(floorplan=Floorplan(**floorplan), signoff=Signoff(**signoff) if signoff else None, **fields)
