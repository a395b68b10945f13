"""Comparison of flow records with published figures, as a table; from records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from silicodec.asic.constraints import of_flow
from silicodec.asic.measure import Measurement
from silicodec.asic.recipe import PROGRAMS, recipe
from silicodec.asic.results import RECIPE, Result, ResultKey
from silicodec.asic.scaling import SOURCE, delay_at_65_nm, energy_at_65_nm, scaled_area
from silicodec.report.figures import describe_seeds, figure
from silicodec.rtl.catalog import ENGINES

TECHNOLOGY_NM = 65
FLOW = "silicodec.asic.batch"
"""The module that runs flows: what it imports is behind every record."""
HEADINGS = (
    "design",
    "flow",
    "clock ns",
    "kGE",
    "published kGE",
    "area um2",
    "public RTL um2",
    "path ns",
    "cycles per word",
    "pJ per word",
    f"at {TECHNOLOGY_NM} nm: um2",
    "ns",
    "pJ",
)


def comparison_rows(results: Sequence[Result], old: Set[ResultKey]) -> list[tuple[str, ...]]:
    """Format a row of `HEADINGS` for every result; what is not known is empty, and what is outdated has a star."""
    rows: list[tuple[str, ...]] = []
    for result in results:
        engine = ENGINES.get(result.name)
        published = engine.published if engine else ()
        kilo = next((p.kilo_gate_equivalents for p in published if p.kilo_gate_equivalents), None)
        area = next((p.area_um2 for p in published if p.area_um2), None)
        work, energy = result.workload, result.netlist.power.energy_pj_per_word
        path = result.netlist.corners["typical"].shortest_period_ns
        rows.append(
            (
                result.title + (" *" if result.key in old else ""),
                result.flow,
                f"{result.period_ns:g}",
                f"{result.netlist.gate_equivalents / 1000:.2f}",
                f"{kilo:.2f}" if kilo else "",
                f"{result.netlist.area_um2:,.0f}",
                f"{area:,.0f}" if area else "",
                figure(path),
                f"{work.cycles / work.words:.3f}" if work else "",
                "" if energy is None else f"{energy:.2f}",
                f"{scaled_area(result.netlist.area_um2, TECHNOLOGY_NM):,.0f}",
                figure(path and delay_at_65_nm(path), 1),
                "" if energy is None else f"{energy_at_65_nm(energy):.1f}",
            )
        )
    return rows


def notes(results: Sequence[Result], old: Set[ResultKey]) -> list[str]:
    """Say where the figures come from and why some are missing."""
    names = [result.name for result in results if result.name in ENGINES]
    published = [f"{p.source}: {p.conditions}" for name in names for p in ENGINES[name].published]
    tensors = [f"cycles per word: {result.workload.origin}" for result in results if result.workload]
    power = [f"no energy: {result.netlist.power.reason}" for result in results if result.netlist.power.reason]
    own = [
        "path: critical path between registers at the typical corner, 1.8 V; public RTL: synthesised for 3 ns",
        f"at {TECHNOLOGY_NM} nm: by {SOURCE}, for 1.2 V; area to two digits, delay and energy to a factor of two",
    ]
    star = "* of other Verilog than the engine's measurement, which `silicodec engines` shows, or of other constraints"
    present = recipe(*PROGRAMS, FLOW)
    others = [result.title for result in results if result.tools.get(RECIPE) != present]
    made = f"by other programs of the flow than those here: {', '.join(dict.fromkeys(others))}"
    marks = [text for text, found in ((star, old), (made, others)) if found]
    seeds = [said for result in results for said in describe_seeds(result)]
    return list(dict.fromkeys([*marks, *seeds, *(f"published: {text}" for text in published), *own, *tensors, *power]))


def outdated(results: Sequence[Result], measured: Mapping[str, Measurement]) -> set[ResultKey]:
    """Keys of the results of other Verilog than the latest measurement of the same engine, or of other constraints."""
    return {
        result.key
        for result in results
        if result.constraints != of_flow(result.flow)
        or (result.name in measured and measured[result.name].verilog_sha256 != result.verilog_sha256)
    }
