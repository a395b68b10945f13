"""Figures of engines as text for tables, measured ones beside published ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from silicodec.asic.measure import Measurement
    from silicodec.rtl.engine import Engine

HEADINGS = ("area um2", "kGE", "longest path ns", "flip-flops")


def measured_figures(record: Measurement | None) -> tuple[str, str, str, str]:
    """Format a measurement in the order of `HEADINGS`."""
    if record is None:
        return ("not measured", "", "", "")
    return (
        f"{record.area_um2:,.0f}",
        f"{record.gate_equivalents / 1000:.2f}",
        f"{record.longest_path_ns:.2f}",
        str(record.flip_flops),
    )


def published_figures(engine: Engine) -> tuple[str, str, str]:
    """Format the published area, kGE and longest path that an engine is compared with; empty where there is none."""
    area = next((p.area_um2 for p in engine.published if p.area_um2), None)
    kilo = next((p.kilo_gate_equivalents for p in engine.published if p.kilo_gate_equivalents), None)
    path = next((p.longest_path_ns for p in engine.published if p.longest_path_ns), None)
    return (f"{area:,.0f}" if area else "", f"{kilo:.2f}" if kilo else "", f"{path:.2f}" if path else "")


def sources(engines: Iterable[Engine]) -> list[str]:
    """Say where the published figures of some engines come from, each source once."""
    texts = []
    for published in (p for engine in engines for p in engine.published):
        given = {
            "area": published.area_um2,
            "kGE": published.kilo_gate_equivalents,
            "longest path": published.longest_path_ns,
        }
        figures = " and ".join(name for name, figure in given.items() if figure)
        if figures:
            texts.append(f"{figures}: {published.source}, {published.conditions}")
    return list(dict.fromkeys(texts))
