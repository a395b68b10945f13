"""How far slews and loads in a netlist are from what the cells' tables reach to; beyond it delays are extrapolated."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from silicodec.asic.cells import CLOCK_PINS, Library
from silicodec.asic.pdk import OUTPUT_LOAD_FF

CELL_OUTPUTS = ("GCLK", "Q", "Q_N", "X", "Y")
_ROW = re.compile(r"^(\S+)\s+(-?[\d.]+)\s+(-?[\d.]+)\s+(-?[\d.]+) \((MET|VIOLATED)\)", re.MULTILINE)
_CELL = re.compile(r"^\s*(sky130_fd_sc_hd__\w+)\s+(\\\S+|\w+)\s*\((.*?)\);", re.MULTILINE | re.DOTALL)
_PIN = re.compile(r"\.(\w+)\s*\(\s*((?:\\\S+\s+)?[^()\s]*?)\s*\)")
_ASSIGN = re.compile(r"^\s*assign (.+?)\s*= (.+?)\s*;", re.MULTILINE)
_PORT = re.compile(r"^\s*output\s+(?:\[(\d+):(\d+)\]\s+)?(\\\S+|\w+)\s*;", re.MULTILINE)


@dataclass(frozen=True)
class Limit:
    """What comes nearest to a limit, or goes farthest beyond it.

    Parameters
    ----------
    pin : str
        Where it is.
    worst, limit : float
        In nanoseconds, or in picofarads.
    violations : int
        Pins beyond their limits.
    """

    pin: str
    worst: float
    limit: float
    violations: int


@dataclass(frozen=True)
class Limits:
    """Slews and loads of a netlist at one corner; None where nothing is limited or known."""

    slew_ns: Limit | None
    capacitance_pf: Limit | None

    @property
    def violations(self) -> int:
        """Pins beyond their limits."""
        return sum(limit.violations for limit in (self.slew_ns, self.capacitance_pf) if limit)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any] | None) -> Limits | None:
        """Make what `dataclasses.asdict` took apart; None of None."""
        return cls(**{name: limit and Limit(**limit) for name, limit in fields.items()}) if fields else None


def clock_cells(netlist: str) -> list[str]:
    """Return the names of the cells that drive a clock, such as clock gates, in a flat netlist."""
    clocks: set[str] = set()
    drivers: dict[str, str] = {}
    for _, name, pins in _CELL.findall(netlist):
        for pin, net in _PIN.findall(pins):
            if pin in CLOCK_PINS:
                clocks.add(net)
            elif pin in CELL_OUTPUTS:
                drivers[net] = name
    return sorted(drivers[net].removeprefix("\\") for net in clocks & drivers.keys())


def limits_script(*, layout: bool, ideal: Sequence[str] = ()) -> str:
    """Return lines to follow a timing script that report slews, and of a layout loads.

    Before layout clocks are ideal: what the cells named in `ideal` would do to them is left out.
    """
    lines = [
        *(f"catch {{set_disable_timing [get_cells {{{name}}}]}}" for name in ideal),
        'puts "# slew"',
        # OpenSTA 2.0 has other names for it.
        "if {[catch {report_check_types -max_slew; report_check_types -max_slew -violators}]} {",
        "report_check_types -max_transition; report_check_types -max_transition -all_violators}",
        *(['puts "# capacitance"', "catch {report_check_types -max_capacitance -digits 4}"] if layout else []),
        *(["catch {report_check_types -max_capacitance -violators -digits 4}"] if layout else []),
    ]
    return "\n".join([*lines, ""])


def read_limit(report: str, name: str) -> Limit | None:
    """Read the worst pin, and the number of those beyond their limits, from a section of the report."""
    _, _, rest = report.partition(f"\n# {name}\n")
    rows = [(float(slack), pin, float(worst), float(limit)) for pin, limit, worst, slack, _ in
            _ROW.findall(rest.partition("\n# ")[0])]  # fmt: skip
    if not rows:
        return None
    _, pin, worst, limit = min(rows)
    return Limit(pin, worst, limit, len({pin for slack, pin, *_ in rows if slack < 0}))


def read_limits(report: str, loads: Limit | None) -> Limits:
    """Read what the script reported; `loads` stands in where the report has no loads."""
    return Limits(read_limit(report, "slew"), read_limit(report, "capacitance") or loads)


def worst_load(netlist: str, library: Library) -> Limit | None:
    """Find the load that comes nearest to its limit, before layout; clocks are left out.

    Parameters
    ----------
    netlist : str
        Flat Verilog of standard cells.
    library : Library
        The cells at a corner.
    """
    loads: dict[str, float] = defaultdict(float)
    drivers: dict[str, tuple[str, str, str]] = {}
    for kind, name, pins in _CELL.findall(netlist):
        for pin, net in _PIN.findall(pins):
            if (kind, pin) in library.limits:
                drivers[net] = kind, name, pin
            elif pin not in CLOCK_PINS:
                loads[net] += library.loads.get((kind, pin), 0.0)
    widths = {name: (int(high or 0), int(low or 0)) if high else None for high, low, name in _PORT.findall(netlist)}
    outputs = [bit for name, width in widths.items() for bit in _bits(name, width)]
    outputs += [
        source
        for target, of in _ASSIGN.findall(netlist)
        if target.partition("[")[0].strip() in widths
        for source in _bits(of, widths.get(of))
    ]
    for net in outputs:
        loads[net] += OUTPUT_LOAD_FF / 1000
    found = []
    for net, (kind, name, pin) in drivers.items():
        limit = library.limits[kind, pin]
        found.append((loads[net] / limit, f"{name}/{pin}", loads[net], limit))
    if not found:
        return None
    _, pin, worst, limit = max(found)
    return Limit(pin, round(worst, 4), round(limit, 4), sum(share > 1 for share, *_ in found))


def _bits(name: str, width: tuple[int, int] | None) -> Iterator[str]:
    if width is None:
        yield name
    else:
        high, low = max(width), min(width)
        yield from (f"{name}[{bit}]" for bit in range(low, high + 1))
