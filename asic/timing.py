"""Static timing of a netlist at one corner: OpenSTA's script, and what its report says.

The clocks of the clock ports launch and capture flip-flops; inputs and outputs belong to a clock of their own without
a port, so that the two clocks of a path tell of which kind it is. Paths between two clock ports are not timed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from silicodec.asic.constraints import BARE, IO_SHARE, Constraints, surroundings
from silicodec.asic.limits import Limit, Limits, read_limits
from silicodec.asic.pdk import FROM_MEMORY, TO_MEMORY

REGISTERS, PORTS = "registers", "ports"
EDGES = ("rise", "fall")
_SLACK = re.compile(r"^\s*(-?[\d.]+)\s+slack", re.MULTILINE)
_ERROR = re.compile(r"^Error: (.*)", re.MULTILINE)
_SECTION = re.compile(r"^# (\w+) (\w+) (\w+) (\w+) (\w+)\n(.*?)(?=^# )", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Paths:
    """Critical path of each kind in nanoseconds, from an edge of the clock to the end of the setup time.

    A kind is None where there is no such path. Between registers a path that has to end within half of a period counts
    twice. Inputs change at the rising edge.
    """

    register_to_register_ns: float | None
    input_to_register_ns: float | None
    register_to_output_ns: float | None
    input_to_output_ns: float | None

    @property
    def shortest_period_ns(self) -> float | None:
        """The shortest clock period that all paths leave, with `IO_SHARE` of it outside at each port; None without any.

        Examples
        --------
        >>> Paths(3.0, 2.0, 3.3, 1.0).shortest_period_ns
        4.4
        """
        shares = (
            (self.register_to_register_ns, 1.0),
            (self.input_to_register_ns, 1 - IO_SHARE),
            (self.register_to_output_ns, 1 - IO_SHARE),
            (self.input_to_output_ns, 1 - 2 * IO_SHARE),
        )
        return max((round(path / share, 4) for path, share in shares if path is not None), default=None)


@dataclass(frozen=True)
class Timing:
    """Timing of a netlist at one corner; slacks in nanoseconds, between flip-flops, None without such a path.

    `limits` is None in records that know nothing of slews and loads.
    """

    setup_slack_ns: float | None
    hold_slack_ns: float | None
    paths: Paths
    limits: Limits | None = None

    @property
    def shortest_period_ns(self) -> float | None:
        """The shortest clock period, ports included; None without a path."""
        return self.paths.shortest_period_ns

    @property
    def clock_mhz(self) -> float | None:
        """The fastest clock, ports included; None without a path."""
        return 1000 / self.shortest_period_ns if self.shortest_period_ns else None

    @property
    def clock_between_registers_mhz(self) -> float | None:
        """The fastest clock that paths between registers leave; None without one."""
        path = self.paths.register_to_register_ns
        return 1000 / path if path else None

    def worst_slack_ns(self, period_ns: float) -> float | None:
        """Worst setup slack at a clock period, ports included; None without a path."""
        return None if self.shortest_period_ns is None else round(period_ns - self.shortest_period_ns, 4)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Timing:
        """Make what `dataclasses.asdict` took apart."""
        limits = Limits.from_fields(fields.get("limits"))
        return cls(**{**fields, "paths": Paths(**fields["paths"]), "limits": limits})


def timing_script(
    *,
    liberty: str,
    netlist: str,
    top: str,
    clock_ports: Sequence[str],
    period_ns: float,
    parasitics: str | None = None,
    constraints: Constraints = BARE,
    further: Iterable[str] = (),
) -> str:
    """Return the Tcl script that reports the timing of a netlist, or of a layout with its parasitics (SPEF).

    Parameters
    ----------
    liberty, netlist, parasitics : str
        Files.
    top : str
        The netlist's module.
    clock_ports : sequence of str
        Its clock inputs; none for a netlist without flip-flops. Memories outside count as registers of the first.
    period_ns : float
        The period of all clocks, in nanoseconds.
    constraints : Constraints
        What else timing takes into account; what ports leave to others does not change the paths.
    further : iterable of str
        Further constraints.
    """
    lines = [f"read_liberty {{{liberty}}}", f"read_verilog {{{netlist}}}", f"link_design {top}"]
    lines.append(surroundings(clock_ports, period_ns))
    if parasitics:
        lines += ["set_propagated_clock [all_clocks]", f"read_spef {{{parasitics}}}"]
    lines += [
        f"create_clock -name {PORTS} -period {period_ns}\n{constraints.script()}",
        f"set_input_delay 0 -clock {PORTS} [all_inputs]",
        f"set_output_delay 0 -clock {PORTS} [all_outputs]",
    ]
    for port in clock_ports[:1]:
        lines += [
            f"set_input_delay 0 -clock {{{port}}} [get_ports -quiet {FROM_MEMORY}*]",
            f"set_output_delay 0 -clock {{{port}}} [get_ports -quiet {TO_MEMORY}*]",
        ]
    lines += further
    if len(clock_ports) > 1:
        lines.append("set_clock_groups -asynchronous " + " ".join(f"-group {{{port}}}" for port in clock_ports))
    clocks = {REGISTERS: " ".join(f"{{{port}}}" for port in clock_ports), PORTS: PORTS}
    for check, launch, launch_edge, capture, capture_edge in _sections(clock_ports):
        lines += [
            f'puts "# {check} {launch} {launch_edge} {capture} {capture_edge}"',
            f"report_checks -path_delay {check} -{launch_edge}_from [get_clocks {{{clocks[launch]}}}] "
            f"-{capture_edge}_to [get_clocks {{{clocks[capture]}}}] -digits 4",
        ]
    return "\n".join([*lines, ""])


def whole_script(*parts: str) -> str:
    """Return the parts of a script as one, with what tells that it came to its end."""
    return "".join([*parts, 'puts "# end"\n'])


def _sections(clock_ports: Sequence[str]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the kinds of paths: what is checked, then launching and capturing clock with their edges."""
    ends = [(REGISTERS, edge) for edge in EDGES if clock_ports] + [(PORTS, "rise")]
    for launch, launch_edge in ends:
        for capture, capture_edge in ends:
            yield "max", launch, launch_edge, capture, capture_edge
            if launch == capture == REGISTERS:
                yield "min", launch, launch_edge, capture, capture_edge


def read_timing(report: str, period_ns: float, loads: Limit | None = None) -> Timing:
    """Read what the script printed; `loads` is the worst load before layout.

    Raises
    ------
    ValueError
        If OpenSTA reports an error, after which it goes on, or the script did not come to its end.
    """
    if errors := dict.fromkeys(_ERROR.findall(report)):
        raise ValueError(f"error: OpenSTA: {'; '.join(errors)}")
    if "\n# end" not in report:
        raise ValueError("error: OpenSTA did not finish its report")
    slacks: dict[str, list[float]] = {"max": [], "min": []}
    paths: dict[tuple[str, str], list[float]] = {}
    for check, launch, launch_edge, capture, capture_edge, said in _SECTION.findall(report):
        for slack in map(float, _SLACK.findall(said)):
            if launch == capture == REGISTERS:
                slacks[check].append(slack)
            if check == "max":
                budget = period_ns if launch_edge == capture_edge else period_ns / 2
                # What has half a period between flip-flops bounds the whole period.
                share = period_ns / budget if launch == capture == REGISTERS else 1
                paths.setdefault((launch, capture), []).append(round(share * (budget - slack), 4))

    def longest(launch: str, capture: str) -> float | None:
        return max(paths.get((launch, capture), []), default=None)

    return Timing(
        setup_slack_ns=min(slacks["max"], default=None),
        hold_slack_ns=min(slacks["min"], default=None),
        paths=Paths(
            register_to_register_ns=longest(REGISTERS, REGISTERS),
            input_to_register_ns=longest(PORTS, REGISTERS),
            register_to_output_ns=longest(REGISTERS, PORTS),
            input_to_output_ns=longest(PORTS, PORTS),
        ),
        limits=read_limits(report, loads),
    )


def ends_script(ends: Mapping[str, Sequence[str]], clock_ports: Sequence[str]) -> str:
    """Return lines to follow `timing_script`, which report the critical path to some cells.

    Parameters
    ----------
    ends : dict of str to sequence of str
        Patterns of names of cells, for each name under which the critical path to their registers is reported.
    clock_ports : sequence of str
        Of these clocks the paths begin.
    """
    clocks = " ".join(f"{{{port}}}" for port in clock_ports)
    return 'puts "# ends"\n' + "".join(
        f'puts "## {name}"\ncatch {{report_checks -from [get_clocks {{{clocks}}}] '
        f"-to [get_cells {{{' '.join(cells)}}}] -digits 4}}\n"
        for name, cells in ends.items()
    )


def read_ends(report: str, ends: Iterable[str], period_ns: float) -> dict[str, float | None]:
    """Read the critical path to each of `ends` in nanoseconds, None where nothing ends."""
    result: dict[str, float | None] = {}
    for name in ends:
        _, _, rest = report.partition(f"\n## {name}\n")
        slack = _SLACK.search(re.split(r"\n##? ", rest, maxsplit=1)[0])
        result[name] = round(period_ns - float(slack[1]), 4) if slack else None
    return result
