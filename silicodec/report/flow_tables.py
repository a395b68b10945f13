"""What the flows measured, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from silicodec.output import Columns, print_table, say
from silicodec.report.figures import IO_NOTE, PATH_HEADINGS, describe_limits, describe_seeds, figure, path_figures

if TYPE_CHECKING:
    from silicodec.asic.drawn import Signoff
from silicodec.asic.results import Netlist, Result


def netlists(results: Sequence[Result]) -> Iterator[tuple[str, Netlist]]:
    """Yield every netlist with what a table calls it."""
    for result in results:
        yield result.title, result.netlist
        if result.clock_gated:
            yield f"{result.name}, gated clocks", result.clock_gated


def print_results(results: Sequence[Result]) -> None:
    """Print the table of results: a row for each netlist and corner."""
    headings = ("area um2", "kGE", "cells", "flip-flops")
    columns: Columns = [("design", "left"), *((heading, "right") for heading in headings)]
    rows: list[tuple[object, ...]] = []
    for name, netlist in netlists(results):
        cells = (f"{netlist.area_um2:,.0f}", f"{netlist.gate_equivalents / 1000:.2f}", netlist.cells)
        rows.append((name, *cells, netlist.flip_flops))
    if rows:
        print_table("SkyWater 130, high-density cells", columns, rows)
        print_timing(results)
    for result in results:
        work = result.workload
        rate = f", {work.cycles / work.words:.3f} cycles per word on {work.origin}" if work else ""
        adders = f", {result.full_adders} bits of full adders" if result.full_adders else ""
        say(f"{result.title}: clock {result.period_ns:g} ns{adders}, {describe_check(result)}{rate}")
        if result.flow == "layout":
            say(f"{result.title}: {describe_layout(result)}")
            for said in describe_seeds(result):
                say(said)
    print_power(results)


def print_timing(results: Sequence[Result]) -> None:
    """Print slacks and critical paths at every corner."""
    headings = ("setup slack ns", "hold slack ns", "clock MHz", *PATH_HEADINGS)
    columns: Columns = [("design", "left"), ("corner", "left")]
    columns = [*columns, *((heading, "right") for heading in headings)]
    rows = []
    for result in results:
        for name, netlist in netlists([result]):
            for corner, timing in netlist.corners.items():
                slacks = (timing.worst_slack_ns(result.period_ns), timing.hold_slack_ns)
                known = (*map(figure, slacks), figure(timing.clock_mhz, 0))
                rows.append((name, corner, *known, *path_figures(timing.paths)))
                name = ""
    print_table("Timing, critical paths in ns", columns, rows)
    say(IO_NOTE)
    for name, netlist in netlists(results):
        for said in describe_limits(netlist.corners):
            say(f"{name}, {said}")
    if any(len(result.clock_ports) > 1 for result in results):
        say("paths from one clock port to another are not timed")


def print_power(results: Sequence[Result]) -> None:
    """Print the power of every netlist at the typical corner, and why some is not known."""
    rows: list[tuple[object, ...]] = []
    reasons = []
    for name, netlist in netlists(results):
        power = netlist.power
        if power.reason:
            reasons.append(power.reason)
            continue
        figures = (f"{part:.3g}" for part in (*power.parts_mw, sum(power.parts_mw)))
        rows.append((name, *figures, f"{power.energy_pj_per_word:.2f}"))
    if rows:
        headings = ("internal mW", "switching mW", "leakage mW", "total mW", "pJ per word")
        columns: Columns = [("design", "left"), *((heading, "right") for heading in headings)]
        print_table("Power at the typical corner, at work on the tensor", columns, rows)
    for reason in dict.fromkeys(reasons):
        say(f"no power figures: {reason}")


def describe_layout(result: Result) -> str:
    """Say how full a layout is, how long its wires are, and whether they break a design rule."""
    said = (
        f"cells fill {result.utilisation_percent:.0f} % of the core, {result.wire_length_um:,.0f} um of wire, "
        f"{result.drc_violations} design-rule violations"
    )
    if (drawn := result.drawn) and drawn.ir_drop_mv is not None:
        said += f", supplies drop by {drawn.ir_drop_mv:.2g} mV, clock skew {drawn.setup_skew_ns or 0:.2g} ns"
    if result.signoff:
        said += f"; {describe_signoff(result.signoff)}"
    return said


def describe_signoff(signoff: Signoff) -> str:
    """Say what Magic and Netgen find in a layout."""
    cells = ", ".join(signoff.library_rules)
    of_cells = f" and {signoff.in_library} that cells of the library show by themselves ({cells})" if cells else ""
    return (
        f"Magic finds {sum(signoff.rules.values())} violations{of_cells}, "
        f"Netgen {signoff.mismatches} differences in {signoff.cells:,} cells and {signoff.nets:,} nets"
    )


def describe_check(result: Result) -> str:
    """Say what the formal checks found."""
    first = "netlist before layout" if result.flow == "layout" else "netlist"
    checks = {
        first: result.equivalence,
        "netlist with gated clocks": result.gated_equivalence,
        "netlist of the layout": result.layout_equivalence,
    }
    return "; ".join(describe_proof(check, netlist) for netlist, check in checks.items() if check)


def describe_proof(check: Mapping[str, Any], netlist: str, other: str = "the Verilog") -> str:
    """Say what a formal check found of a netlist beside another design."""
    if check["proven"] is None and check["reset"] is None and check["cycles"] is not None:
        return f"whether the {netlist} equals {other} is NOT KNOWN: no reset was found; name it with --reset-port"
    if check["proven"] is None:
        return f"whether the {netlist} equals {other} was NOT DECIDED in time"
    said = "proven equal to" if check["proven"] else "DIFFERS from"
    if check["cycles"] is None:
        return f"{netlist} {said} {other}"
    start = f"after reset by {check['reset']}" if check["reset"] else "from registers that hold 0"
    return f"{netlist} {said} {other}, for {check['cycles']} cycles {start}"
