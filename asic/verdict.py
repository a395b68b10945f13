"""What is wrong with a netlist or a layout, so that nobody takes it for finished."""

from __future__ import annotations

from collections.abc import Iterator

from silicodec.asic.drawn import Signoff
from silicodec.asic.results import Netlist, Result

CHECKS = {
    "equivalence": "the netlist does what the Verilog says",
    "setup": "the clock asked for is met at its corner, ports included",
    "hold": "hold is met at every corner",
    "slew": "slews are within what the cells' tables reach to, at every corner",
    "load": "loads are within what the cells may drive, at every corner",
    "drc": "the layout breaks no design rule",
    "lvs": "the drawn circuit is the layout's netlist",
}
"""Check -> what holds where it passes."""


def faults(result: Result) -> list[tuple[str, str]]:
    """Return the checks that a result does not pass, each with a line that says how.

    Records that know nothing of slews and loads have no faults in these.
    """
    found = [("equivalence", f"the {netlist} differs from the Verilog") for netlist in _differing(result)]
    for kind, netlist in (("", result.netlist), (", gated clocks", result.clock_gated)):
        if netlist:
            found += [(check, said + kind) for check, said in _timing_faults(result, netlist)]
    if result.drc_violations:
        found.append(("drc", f"{result.drc_violations} design-rule violations"))
    if result.drawn and result.drawn.antenna_violations:
        found.append(("drc", f"{result.drawn.antenna_violations} nets break an antenna rule"))
    if result.signoff:
        found += signoff_faults(result.signoff)
    return found


def signoff_faults(signoff: Signoff) -> list[tuple[str, str]]:
    """Return what Magic and Netgen find wrong with a layout."""
    found = [("drc", f"{count} violations by Magic: {rule}") for rule, count in signoff.rules.items()]
    if signoff.mismatches:
        found.append(("lvs", f"the drawn circuit differs from the netlist in {signoff.mismatches} places by Netgen"))
    if signoff.pin_mismatches:
        found.append(("lvs", f"{signoff.pin_mismatches} ports of the drawn circuit are not the netlist's by Netgen"))
    return found


def _differing(result: Result) -> Iterator[str]:
    checks = {
        "netlist": result.equivalence,
        "netlist with gated clocks": result.gated_equivalence,
        "netlist of the layout": result.layout_equivalence,
    }
    yield from (netlist for netlist, check in checks.items() if check and check["proven"] is False)


def _timing_faults(result: Result, netlist: Netlist) -> Iterator[tuple[str, str]]:
    setup = netlist.corners[result.corner].worst_slack_ns(result.period_ns)
    if setup is not None and setup < 0:
        yield (
            "setup",
            f"the clock of {result.period_ns:g} ns is missed by {-setup:.2f} ns at the {result.corner} corner",
        )
    for corner, timing in netlist.corners.items():
        if timing.hold_slack_ns is not None and timing.hold_slack_ns < 0:
            yield "hold", f"hold is missed by {-timing.hold_slack_ns:.2f} ns at the {corner} corner"
        limits = timing.limits
        for check, unit, limit in (
            ("slew", "ns", limits and limits.slew_ns),
            ("load", "pF", limits and limits.capacitance_pf),
        ):
            if limit and limit.violations:
                worst = f"the worst {limit.worst:.3g} {unit} where {limit.limit:.3g} is allowed"
                yield check, f"{limit.violations} {check} violations at the {corner} corner, {worst}"
