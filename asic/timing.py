"""Static timing of a netlist at one corner: OpenSTA's script, and what its report says."""

from __future__ import annotations

import re
from dataclasses import dataclass

SECTIONS = ("setup", "hold", "ports")
_SLACK = re.compile(r"^\s*(-?[\d.]+)\s+slack", re.MULTILINE)

SCRIPT = """\
read_liberty {liberty}
read_verilog {netlist}
link_design {top}
read_sdc {constraints}
{parasitics}
puts "# setup"
report_checks -path_delay max -digits 4
puts "# hold"
report_checks -path_delay min -digits 4
set_input_delay 0 -clock [all_clocks] [all_inputs]
set_output_delay 0 -clock [all_clocks] [all_outputs]
puts "# ports"
report_checks -path_delay max -digits 4
puts "# end"
"""
"""Paths between flip-flops, and then those from and to ports as well, as if these were flip-flops without delay."""


@dataclass(frozen=True)
class Timing:
    """Timing of a netlist at one corner, all in nanoseconds.

    Parameters
    ----------
    setup_slack_ns, hold_slack_ns : float
        Worst slack between flip-flops.
    longest_path_ns : float
        Longest path between flip-flops, setup time included: the shortest clock period.
    longest_port_path_ns : float
        The same with paths from inputs and to outputs.
    """

    setup_slack_ns: float
    hold_slack_ns: float
    longest_path_ns: float
    longest_port_path_ns: float


def timing_script(*, liberty: str, netlist: str, top: str, constraints: str, parasitics: str | None = None) -> str:
    """Return the Tcl script that reports the timing of a netlist, or of a layout with its parasitics (SPEF)."""
    layout = f"set_propagated_clock [all_clocks]\nread_spef {parasitics}" if parasitics else ""
    return SCRIPT.format(liberty=liberty, netlist=netlist, top=top, constraints=constraints, parasitics=layout)


def read_timing(report: str, clock_ns: float) -> Timing:
    """Read what the script printed.

    Raises
    ------
    ValueError
        If there is a section without a path.
    """
    slacks = {}
    for name in SECTIONS:
        section = report.partition(f"# {name}\n")[2].partition("\n# ")[0]
        found = _SLACK.findall(section)
        if not found:
            raise ValueError(f"error: no {name} path between flip-flops that the clock reaches")
        slacks[name] = float(found[-1])
    return Timing(
        setup_slack_ns=slacks["setup"],
        hold_slack_ns=slacks["hold"],
        longest_path_ns=round(clock_ns - slacks["setup"], 4),
        longest_port_path_ns=round(clock_ns - slacks["ports"], 4),
    )
