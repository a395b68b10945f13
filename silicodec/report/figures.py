"""Figures of engines as text for tables, measured ones beside published ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from silicodec.asic.constraints import IO_SHARE
from silicodec.asic.pdk import CORNERS

if TYPE_CHECKING:
    from silicodec.asic.measure import Measurement
    from silicodec.asic.memory_build import BuiltMemory
    from silicodec.asic.results import Result
    from silicodec.asic.timing import Paths, Timing
    from silicodec.rtl.engine import Engine

PATH_HEADINGS = ("register to register", "input to register", "register to output", "input to output")
CLOCK_HEADING = "MHz slow / typical / fast"
HEADINGS = (
    "area um2",
    "kGE",
    "kGE with memories",
    *(f"{kind} ns" for kind in PATH_HEADINGS),
    CLOCK_HEADING,
    "flip-flops",
)
IO_NOTE = f"clock: all paths met, {IO_SHARE:.0%} of the period outside at inputs and at outputs each"
NOT_MEASURED = "not measured"


def figure(value: float | None, digits: int = 2) -> str:
    """Format a figure that may be unknown."""
    return "" if value is None else f"{value:,.{digits}f}"


def spread(values: Iterable[float | None], digits: int) -> str:
    """Format the least and the largest of figures that may be unknown.

    Examples
    --------
    >>> spread([1.32, 1.28, 1.3], 2), spread([7.0, 7.01], 1), spread([None, None], 1)
    ('1.28..1.32', '7.0', '')
    """
    known = [value for value in values if value is not None]
    ends = [figure(end(known), digits) for end in (min, max)] if known else []
    return "..".join(dict.fromkeys(ends))


def describe_seeds(result: Result) -> Iterator[str]:
    """Say how far the figures of several layouts of one netlist are apart, if there are several."""
    if layouts := result.seeds:
        energy = spread((one.energy_pj_per_word for one in layouts), 2)
        yield (
            f"{result.title}, {len(layouts)} layouts of the same netlist: "
            f"{spread((one.clock_mhz('slow') for one in layouts), 1)} MHz at the slow corner, "
            f"{spread((one.area_um2 for one in layouts), 0)} um2, "
            f"{spread((one.wire_length_um for one in layouts), 0)} um of wire"
            + (f", {energy} pJ a word" if energy else "")
            + f", {spread((one.drc_violations for one in layouts), 0)} design-rule violations"
        )


def path_figures(paths: Paths) -> tuple[str, str, str, str]:
    """Format critical paths in the order of `PATH_HEADINGS`."""
    return (
        figure(paths.register_to_register_ns),
        figure(paths.input_to_register_ns),
        figure(paths.register_to_output_ns),
        figure(paths.input_to_output_ns),
    )


def clock_figures(corners: Mapping[str, Timing]) -> str:
    """Format the fastest clock at every corner, in MHz, in the order of `CLOCK_HEADING`."""
    return " / ".join(figure(corners[corner].clock_mhz, 0) for corner in CORNERS)


CORNER_HEADINGS = (*(f"{kind} ns" for kind in PATH_HEADINGS), "MHz", "MHz with ports", "beyond limits")


def corner_figures(timing: Timing) -> tuple[str, ...]:
    """Format critical paths, clock without and with ports, slews and loads beyond limits, as `CORNER_HEADINGS` says."""
    beyond = "" if timing.limits is None else str(timing.limits.violations)
    clocks = (timing.clock_between_registers_mhz, timing.clock_mhz)
    return (*path_figures(timing.paths), *(figure(clock, 0) for clock in clocks), beyond)


def describe_limits(corners: Mapping[str, Timing]) -> Iterator[str]:
    """Say how far slews and loads are from their limits at every corner that knows of them."""
    for corner, timing in corners.items():
        if limits := timing.limits:
            known = (
                (what, limit) for what, limit in (("slew, ns", limits.slew_ns), ("load, pF", limits.capacitance_pf))
            )
            worst = [f"{what} {limit.worst:.3g} of {limit.limit:.3g} ({limit.pin})" for what, limit in known if limit]
            yield f"{corner} corner: worst {', '.join(worst)}; {limits.violations} violations"


def describe_violations(record: Measurement) -> Iterator[str]:
    """Say where slews and loads of a measurement are beyond their limits, for which delays are extrapolated."""
    if record.limit_violations:
        yield from (f"{record.name}, {said}" for said in describe_limits(record.corners))


def measured_figures(record: Measurement | None) -> tuple[str, ...]:
    """Format a measurement in the order of `HEADINGS`."""
    if record is None:
        return (NOT_MEASURED, *[""] * (len(HEADINGS) - 1))
    return (
        figure(record.area_um2, 0),
        figure(record.gate_equivalents / 1000),
        with_memories(record),
        *path_figures(record.paths),
        clock_figures(record.corners),
        f"{record.flip_flops:,}",
    )


def with_memories(record: Measurement) -> str:
    """Format the gate equivalents, in thousands, of logic and memories together."""
    return figure(record.area_with_memories_um2 / record.area_um2 * record.gate_equivalents / 1000)


def left_outside(record: Measurement) -> Iterator[str]:
    """Say what is not in a measurement's figures."""
    if record.memories:
        yield (
            f"{record.name}: left outside: {record.memory_bits:,} bits of memory, "
            f"with which it has {record.area_with_memories_um2:,.0f} um2"
        )
        yield from (f"  {line}" for line in memory_lines(record.memories))
    if record.black_boxes:
        named = ", ".join(f"{count} x {name}" for name, count in record.black_boxes.items())
        yield f"{record.name}: left outside, with the paths to and from them: modules without content, {named}"


def memory_lines(memories: Iterable[BuiltMemory]) -> Iterator[str]:
    """Say what memories are made of, what they take, and the energy of an access where it is known."""
    for memory in memories:
        made = ", ".join(f"{count} x {name}" for name, count in memory.macros.items()) or memory.kind
        copies = ", in two copies" if memory.copies == 2 else ""
        line = (
            f"{len(memory.names)} x {memory.words:,} words of {memory.bits} bits: {made}{copies}, "
            f"{memory.area_um2:,.0f} um2{' (estimated)' if memory.estimated else ''} each"
        )
        if memory.macros:
            line += f"; read {memory.read_pj:.1f} pJ, write {memory.write_pj:.1f} pJ, neither {memory.idle_pj:.1f} pJ"
        yield line


def published_figures(engine: Engine) -> tuple[str, str, str]:
    """Format the published area, kGE and critical path that an engine is compared with; empty where there is none."""
    area = next((p.area_um2 for p in engine.published if p.area_um2), None)
    kilo = next((p.kilo_gate_equivalents for p in engine.published if p.kilo_gate_equivalents), None)
    path = next((p.critical_path_ns for p in engine.published if p.critical_path_ns), None)
    return (f"{area:,.0f}" if area else "", f"{kilo:.2f}" if kilo else "", f"{path:.2f}" if path else "")


def sources(engines: Iterable[Engine]) -> list[str]:
    """Say where the published figures of some engines come from, each source once."""
    texts = []
    for published in (p for engine in engines for p in engine.published):
        given = {
            "area": published.area_um2,
            "kGE": published.kilo_gate_equivalents,
            "critical path": published.critical_path_ns,
        }
        figures = " and ".join(name for name, figure in given.items() if figure)
        if figures:
            texts.append(f"{figures}: {published.source}, {published.conditions}")
    return list(dict.fromkeys(texts))
