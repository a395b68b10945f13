"""What a design is asked for: its clock, what its ports leave to others, and what timing keeps in hand.

Records state it. Slew and load are limited by the cells' liberty files, corner by corner; setup is checked at the
corner that a clock is for, and hold at every corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from silicodec.asic.pdk import DRIVING_CELL, OUTPUT_LOAD_FF

IO_SHARE = 0.25
"""Part of the clock period that is spent outside before inputs arrive, and after outputs leave."""
MAX_FANOUT = 40
"""Inputs that a cell of a layout drives at most: the estimate of slews does not see a long wire's resistance."""


@dataclass(frozen=True)
class Constraints:
    """What timing takes into account.

    Parameters
    ----------
    io_share : float
        Part of the clock period that is spent outside, at inputs and at outputs each.
    setup_uncertainty_ns, hold_uncertainty_ns : float
        What jitter and what is not known of the clock may take from setup and hold, in nanoseconds.
    derate : float
        By how much late paths may be slower, and early ones faster, than the cells' tables say: 0.05 stands for 5 %.
    """

    io_share: float = IO_SHARE
    setup_uncertainty_ns: float = 0.0
    hold_uncertainty_ns: float = 0.0
    derate: float = 0.0

    def script(self) -> str:
        """Return what of it is a matter of commands (SDC), after the clocks are created."""
        lines = []
        if self.setup_uncertainty_ns or self.hold_uncertainty_ns:
            lines.append(f"set_clock_uncertainty -setup {self.setup_uncertainty_ns} [all_clocks]\n")
            lines.append(f"set_clock_uncertainty -hold {self.hold_uncertainty_ns} [all_clocks]\n")
        if self.derate:
            lines.append(f"set_timing_derate -early {1 - self.derate}\nset_timing_derate -late {1 + self.derate}\n")
        return "".join(lines)


BARE = Constraints()
"""Of measurements: paths as the cells' tables have them."""
_FLOWS = {
    # The clock tree is not there yet; what it does to hold is mended when it is.
    "synthesis": Constraints(setup_uncertainty_ns=0.25, derate=0.05),
    "layout": Constraints(setup_uncertainty_ns=0.25, hold_uncertainty_ns=0.1, derate=0.05),
}


def of_flow(flow: str) -> Constraints:
    """Return the constraints of a flow."""
    return _FLOWS[flow]


def surroundings(clock_ports: Sequence[str], period_ns: float) -> str:
    """Return constraints (SDC): the clocks, what drives the other inputs, what the outputs drive."""
    clocks = " ".join(f"{{{port}}}" for port in clock_ports)
    return "".join(
        [
            *(f"create_clock -name {{{port}}} -period {period_ns} [get_ports {{{port}}}]\n" for port in clock_ports),
            # OpenSTA 2.0 has no `all_inputs -no_clocks`.
            "foreach port [all_inputs] {\n",
            f"  if {{[lsearch -exact {{{clocks}}} [get_property $port full_name]] < 0}} {{\n",
            f"    set_driving_cell -lib_cell {DRIVING_CELL} $port\n  }}\n}}\n",
            f"set_load {OUTPUT_LOAD_FF / 1000} [all_outputs]\n",
        ]
    )


def layout_constraints(clock_ports: Sequence[str], period_ns: float) -> str:
    """Constraints (SDC) of a layout."""
    outside = IO_SHARE * period_ns
    return (
        surroundings(clock_ports, period_ns)
        + f"set_input_delay {outside} -clock {clock_ports[0]} [all_inputs -no_clocks]\n"
        + f"set_output_delay {outside} -clock {clock_ports[0]} [all_outputs]\n"
        + f"set_max_fanout {MAX_FANOUT} [current_design]\n"
        + of_flow("layout").script()
    )
