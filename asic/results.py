"""Records of flows: what a run of a job measured, one JSON file a design and flow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from silicodec.asic.constraints import Constraints, of_flow
from silicodec.asic.drawn import Drawn, SeedLayout, Signoff
from silicodec.asic.job import Floorplan, Job, Workload
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.timing import Timing
from silicodec.models.storage import written_whole

SHIPPED = Path(__file__).parent / "records" / "flows"
"""Records of the catalog's engines, as shipped."""
RECIPE = "silicodec recipe"
"""What the hash of this package's programs is called among a record's tools."""
VOLATILE = ("run_time_s", "peak_memory_mb")
"""What differs from run to run of the same job."""


ResultKey = tuple[str, str, bool]
"""Name, flow, and whether the clocks of a layout are gated."""


@dataclass(frozen=True)
class Power:
    """Power at the typical corner, or why there is none.

    Parameters
    ----------
    internal_mw, switching_mw, leakage_mw : float or None
        In milliwatts.
    energy_pj_per_word : float or None
        Energy of a tensor word, in picojoules.
    reason : str or None
        Why the figures are missing.
    """

    internal_mw: float | None
    switching_mw: float | None
    leakage_mw: float | None
    energy_pj_per_word: float | None
    reason: str | None

    @classmethod
    def missing(cls, reason: str | None) -> Power:
        """Make the record of figures that are not known."""
        return cls(None, None, None, None, reason)

    @property
    def parts_mw(self) -> tuple[float, float, float]:
        """Internal, switching and leakage power in milliwatts; all are 0 if they are not known."""
        return self.internal_mw or 0.0, self.switching_mw or 0.0, self.leakage_mw or 0.0


@dataclass(frozen=True)
class Netlist:
    """What a netlist or a layout is, and how fast.

    Parameters
    ----------
    area_um2 : float
        Cell area in square micrometres.
    gate_equivalents : float
        The same in areas of `nand2_1`.
    cells, flip_flops : int
        Number of cells, and of flip-flops among them.
    area_by_class : dict of str to float
        Square micrometres, by the classes of `silicodec.asic.statistics.CLASSES`.
    corners : dict of str to Timing
        By corner.
    power : Power
        Power, or why it is not known.
    """

    area_um2: float
    gate_equivalents: float
    cells: int
    flip_flops: int
    area_by_class: dict[str, float]
    corners: dict[str, Timing]
    power: Power


@dataclass(frozen=True)
class Result:
    """What a run of a flow measured.

    Parameters
    ----------
    name, top, flow : str
        The design, its top module, and the flow.
    clock_ports, reset_port : list of str, str or None
        Its clock inputs, and its reset if that was named.
    period_ns, corner : float, str
        The clock period in nanoseconds, and the corner at which it is to be met.
    netlist : Netlist
        Area, timing and power.
    clock_gated : Netlist or None
        The same with clock gating, if that was wanted.
    workload : Workload or None
        What the engine was simulated on, with the cycles that it took.
    equivalence : dict
        Formal check of `netlist`: what `silicodec.asic.equivalence.check` says.
    utilisation_percent, wire_length_um, drc_violations : float or None
        Of a layout.
    tools : dict of str to str
        Tool to version.
    verilog_sha256 : str
        `Source.sha256`.
    run_time_s, peak_memory_mb : float
        Sum over the steps, and largest of the steps.
    default_clock : bool
        Whether the clock was left to silicodec.
    constraints : Constraints or None
        What timing took into account; None in records that do not say.
    floorplan : Floorplan or None
        What a layout was asked for.
    clock_gating : bool
        Whether the clocks of a layout are gated.
    gated_equivalence : dict or None
        Formal check of `clock_gated`, if there is one.
    before_layout : Netlist or None
        The netlist that went into the layout.
    layout_equivalence : dict or None
        Formal check of the netlist that a layout ends with, if there is one.
    drawn : Drawn or None
        What is known of a layout besides.
    signoff : Signoff or None
        What Magic and Netgen say of a layout; None where they were not there.
    clean : bool or None
        Whether every check of `silicodec.asic.verdict` passed; None in records that do not say.
    full_adders : int
        How many bits of each adder are made of the library's full adder cells, the lowest ones.
    seeds : list of SeedLayout
        This layout and further ones of the same netlist; empty where there are none.
    """

    name: str
    top: str
    flow: str
    clock_ports: list[str]
    reset_port: str | None
    period_ns: float
    corner: str
    netlist: Netlist
    clock_gated: Netlist | None
    workload: Workload | None
    equivalence: dict[str, Any]
    utilisation_percent: float | None
    wire_length_um: float | None
    drc_violations: int | None
    tools: dict[str, str]
    verilog_sha256: str
    run_time_s: float
    peak_memory_mb: float
    default_clock: bool = False
    constraints: Constraints | None = None
    floorplan: Floorplan | None = None
    clock_gating: bool = False
    gated_equivalence: dict[str, Any] | None = None
    before_layout: Netlist | None = None
    layout_equivalence: dict[str, Any] | None = None
    drawn: Drawn | None = None
    signoff: Signoff | None = None
    clean: bool | None = None
    full_adders: int = 0
    seeds: list[SeedLayout] = field(default_factory=list)

    @property
    def key(self) -> ResultKey:
        """What tells records apart in a folder."""
        return self.name, self.flow, self.clock_gating

    @property
    def title(self) -> str:
        """The design's name, and whether the clocks of its layout are gated."""
        return self.name + (", gated clocks" if self.clock_gating else "")

    @property
    def worst_slack_ns(self) -> float:
        """Worst of the setup slack at the job's corner, ports included, and the hold slack at every corner.

        Infinite without any.
        """
        holds = (timing.hold_slack_ns for timing in self.netlist.corners.values())
        slacks = (self.netlist.corners[self.corner].worst_slack_ns(self.period_ns), *holds)
        return min((slack for slack in slacks if slack is not None), default=inf)

    def is_of(self, job: Job) -> bool:
        """Whether this is the result of a job, of the same Verilog and with the constraints of today."""
        same = all(
            getattr(self, name) == getattr(job, name)
            for name in ("name", "top", "flow", "reset_port", "corner", "workload", "full_adders")
        )
        clock = self.default_clock if job.period_ns is None else self.period_ns == job.period_ns
        gated = (self.clock_gated is not None or self.clock_gating) == job.clock_gating
        clocks = tuple(self.clock_ports) == job.clock_ports
        floorplan = job.flow != "layout" or self.floorplan == job.floorplan
        seeds = job.seeds == 1 or job.seeds <= len(self.seeds)
        settings = clock and gated and clocks and floorplan and seeds and self.constraints == of_flow(job.flow)
        return same and settings and self.verilog_sha256 == job.source.sha256


def write_result(result: Result, folder: Path) -> Path:
    """Write a record as `folder/NAME.FLOW.json`, at once and whole, and return the path."""
    path = result_path(result, folder)
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(asdict(result), indent=2, allow_nan=False) + "\n")
    return path


def result_path(job: Job | Result, folder: Path) -> Path:
    """Where the record of a job or its result lies in a folder of records."""
    gated = ".gated" if job.flow == "layout" and job.clock_gating else ""
    return folder / f"{job.name}{gated}.{job.flow}.json"


def read_result(path: Path) -> Result:
    """Read a record.

    Raises
    ------
    MeasurementError
        If the file is not one.
    """
    try:
        fields = json.loads(path.read_text())
        fields["netlist"] = _netlist(fields["netlist"])
        for name in ("clock_gated", "before_layout"):
            fields[name] = fields.get(name) and _netlist(fields[name])
        for name, kind in (
            ("workload", Workload),
            ("constraints", Constraints),
            ("floorplan", Floorplan),
            ("drawn", Drawn),
            ("signoff", Signoff),
        ):
            fields[name] = fields.get(name) and kind(**fields[name])
        fields["seeds"] = [SeedLayout(**one) for one in fields.get("seeds", [])]
        return Result(**fields)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise MeasurementError(f"{path} is not a record of a flow: {error}; remove it") from None


def read_results(folder: Path) -> list[Result]:
    """Read all records of a folder, in the order of their names."""
    return [read_result(path) for flow in ("synthesis", "layout") for path in sorted(folder.glob(f"[!.]*.{flow}.json"))]


def present_results(local: Path, shipped: Path = SHIPPED) -> list[Result]:
    """Read the records of a folder, and shipped ones of the designs and flows for which it has none."""
    both = (*read_results(shipped), *read_results(local))
    return list({result.key: result for result in both}.values())


def _netlist(fields: Mapping[str, Any]) -> Netlist:
    corners = {corner: Timing.from_fields(timing) for corner, timing in fields["corners"].items()}
    return Netlist(**{**fields, "corners": corners, "power": Power(**fields["power"])})
