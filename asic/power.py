"""Power of a netlist at work: OpenSTA's script, and what its report says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from silicodec.asic.constraints import surroundings

_TOTAL = re.compile(r"^Total +(\S+) +(\S+) +(\S+) +(\S+) +100\.0%", re.MULTILINE)
_UNANNOTATED = re.compile(r"^unannotated +(\d+)", re.MULTILINE)
_CELL = re.compile(r"^ *(\d\S*) +(\d\S*) +(\d\S*) +\d\S* +([^\s%]+)$", re.MULTILINE)

SCOPE = "top"
"""The netlist's name in a SAIF file."""
SCRIPT = """\
read_liberty {{{liberty}}}
read_verilog {{{netlist}}}
link_design {top}
{surroundings}
{parasitics}
read_saif -scope {scope} {{{activity}}}
report_activity_annotation -report_unannotated
"""
TOTAL = "report_power -digits 6\n"
EACH_CELL = "report_power -instances [get_cells *] -digits 6\n"
"""What to report at the end of the script."""


@dataclass(frozen=True)
class PowerReport:
    """Mean power in milliwatts: inside cells, for charging nets, and leakage."""

    internal_mw: float
    switching_mw: float
    leakage_mw: float

    @property
    def total_mw(self) -> float:
        """All of it."""
        return self.internal_mw + self.switching_mw + self.leakage_mw


def power_script(
    *,
    liberty: str,
    netlist: str,
    top: str,
    clock_ports: Sequence[str],
    period_ns: float,
    activity: str,
    parasitics: str | None = None,
    wanted: str = TOTAL,
) -> str:
    """Return the Tcl script that reports the power of a netlist, or of a layout with its parasitics (SPEF).

    Takes what `silicodec.asic.timing.timing_script` does, and the activity (SAIF) of the netlist at work. What is
    `wanted` is `TOTAL` or `EACH_CELL`.
    """
    layout = f"set_propagated_clock [all_clocks]\nread_spef {{{parasitics}}}" if parasitics else ""
    files = {"liberty": liberty, "netlist": netlist, "activity": activity, "scope": SCOPE}
    constraints = surroundings(clock_ports, period_ns)
    return SCRIPT.format(top=top, surroundings=constraints, parasitics=layout, **files) + wanted


def read_power(report: str) -> PowerReport:
    """Read what the script printed.

    Raises
    ------
    ValueError
        If there are no figures, or the activity of a pin is not known and would have been a guess.
    """
    total = _TOTAL.search(report)
    _check_annotation(report)
    if total is None:
        raise ValueError("error: OpenSTA reports no power")
    internal, switching, leakage = (float(f"{float(watts) * 1000:.4g}") for watts in total.groups()[:3])
    return PowerReport(internal, switching, leakage)


def read_cells_power(report: str, group: Callable[[str], str]) -> dict[str, PowerReport]:
    """Sum the power of groups of cells, in a report of `EACH_CELL`; `group` names that of a cell by its name.

    Raises
    ------
    ValueError
        As `read_power`.
    """
    _check_annotation(report)
    sums: dict[str, list[float]] = {}
    for internal, switching, leakage, cell in _CELL.findall(report):
        some = sums.setdefault(group(cell), [0.0, 0.0, 0.0])
        for place, watts in enumerate((internal, switching, leakage)):
            some[place] += float(watts) * 1000
    if not sums:
        raise ValueError("error: OpenSTA reports no power")
    return {name: PowerReport(*some) for name, some in sums.items()}


def _check_annotation(report: str) -> None:
    """Make sure that no pin's activity is a guess."""
    unannotated = _UNANNOTATED.search(report)
    if unannotated is None:
        raise ValueError("error: OpenSTA reports no power")
    if guessed := int(unannotated[1]):
        raise ValueError(f"error: the simulation says nothing of {guessed} pins")
