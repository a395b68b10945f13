"""Comparison of flow records with published figures: one table for the terminal, one page with plots."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from pathlib import Path

import jinja2
import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from silicodec.asic.records import verilog_hash
from silicodec.asic.results import Result, result_path
from silicodec.asic.scaling import SOURCE, delay_at_65_nm, energy_at_65_nm, scaled_area
from silicodec.asic.statistics import CLASSES, WITHOUT_LOGIC
from silicodec.models.storage import written_whole
from silicodec.report.plots import EMPHASIS, OTHERS, STYLE, as_svg
from silicodec.rtl.catalog import ENGINES

TECHNOLOGY_NM = 65
COLOURS = (EMPHASIS, *OTHERS)
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


def comparison_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Format a row of `HEADINGS` for every result; what is not known is empty."""
    rows: list[tuple[str, ...]] = []
    for result in results:
        engine = ENGINES.get(result.name)
        published = engine.published if engine else ()
        kilo = next((p.kilo_gate_equivalents for p in published if p.kilo_gate_equivalents), None)
        area = next((p.area_um2 for p in published if p.area_um2), None)
        work, energy = result.workload, result.netlist.power.energy_pj_per_word
        path = result.netlist.corners["typical"].longest_path_ns
        rows.append(
            (
                result.name + (" *" if is_outdated(result) else ""),
                result.flow,
                f"{result.clock_ns:g}",
                f"{result.netlist.gate_equivalents / 1000:.2f}",
                f"{kilo:.2f}" if kilo else "",
                f"{result.netlist.area_um2:,.0f}",
                f"{area:,.0f}" if area else "",
                f"{path:.2f}",
                f"{work.cycles / work.words:.3f}" if work else "",
                "" if energy is None else f"{energy:.2f}",
                f"{scaled_area(result.netlist.area_um2, TECHNOLOGY_NM):,.0f}",
                f"{delay_at_65_nm(path):.1f}",
                "" if energy is None else f"{energy_at_65_nm(energy):.1f}",
            )
        )
    return rows


def notes(results: Sequence[Result]) -> list[str]:
    """Say where the figures come from and why some are missing."""
    names = [result.name for result in results if result.name in ENGINES]
    published = [f"{p.source}: {p.conditions}" for name in names for p in ENGINES[name].published]
    tensors = [f"cycles per word: {result.workload.tensor}" for result in results if result.workload]
    power = [f"no energy: {result.netlist.power.reason}" for result in results if result.netlist.power.reason]
    own = [
        "path: longest at the typical corner, 1.8 V; public RTL: synthesised for 3 ns",
        f"at {TECHNOLOGY_NM} nm: by {SOURCE}, for 1.2 V; area to two digits, delay and energy to a factor of two",
    ]
    outdated = ["* recorded before the engine's Verilog changed"] if any(map(is_outdated, results)) else []
    return list(dict.fromkeys([*outdated, *(f"published: {text}" for text in published), *own, *tensors, *power]))


def is_outdated(result: Result) -> bool:
    """Whether a record is of an engine whose Verilog has changed since."""
    return result.name in ENGINES and verilog_hash(ENGINES[result.name]) != result.verilog_sha256


def write_page(results: Sequence[Result], folder: Path, path: Path) -> None:
    """Write the page, whole or not at all; pictures of layouts lie in the folder of records."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("silicodec.report"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    energies = [result.netlist.power.energy_pj_per_word for result in results]
    page = environment.get_template("asic.html").render(
        headings=HEADINGS,
        rows=comparison_rows(results),
        notes=notes(results),
        area_plot=breakdown_plot(results),
        clock_plot=clock_plot(results),
        energy_plot=energy_plot(results) if any(energy is not None for energy in energies) else None,
        layouts=[(result.name, as_data(picture)) for result in results if (picture := layout_picture(result, folder))],
    )
    with written_whole(path) as temporary:
        temporary.write_text(page)


def layout_picture(result: Result, folder: Path) -> Path | None:
    """Find the picture of a layout."""
    picture = result_path(result, folder).with_suffix(".png")
    return picture if result.flow == "layout" and picture.is_file() else None


def as_data(picture: Path) -> str:
    """Turn a PNG into a data URI."""
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()


def breakdown_plot(results: Sequence[Result]) -> str:
    """Draw the area of every design as a bar, divided by class of cells."""
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure = Figure(figsize=(9, 1.2 + 0.45 * len(results)), layout="constrained")
        axes = figure.subplots()
        names = [f"{result.name}, {result.flow}" for result in results]
        left = [0.0] * len(results)
        for name, colour in zip(CLASSES, COLOURS, strict=False):
            widths = [result.netlist.area_by_class.get(name, 0.0) for result in results]
            axes.barh(names, widths, 0.6, left=left, color=colour, label=name)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        rest = [result.netlist.area_um2 - start for result, start in zip(results, left, strict=True)]
        if max(rest, default=0) > 1:
            axes.barh(names, rest, 0.6, left=left, color="#d0d0d0", label=WITHOUT_LOGIC)
        axes.invert_yaxis()
        axes.set_xlabel("cell area on SkyWater 130 HD, µm²")
        figure.legend(frameon=False, ncols=4, loc="outside upper left")
        return as_svg(figure)


def clock_plot(results: Sequence[Result]) -> str:
    """Draw the area of every netlist against its longest path at the corner that its clock is for."""
    kinds: dict[str, list[tuple[float, float, str]]] = {}
    for result in results:
        where = f"{result.flow}, {result.corner} corner"
        for netlist, suffix in ((result.netlist, ""), (result.clock_gated, ", gated clocks")):
            if netlist:
                path = netlist.corners[result.corner].longest_path_ns
                kinds.setdefault(where + suffix, []).append((path, netlist.area_um2, result.name))
    with mpl.rc_context(STYLE | {"axes.grid.axis": "both"}):
        figure = Figure(figsize=(9, 7), layout="constrained")
        axes = figure.subplots()
        axes.loglog()
        for (kind, points), colour in zip(kinds.items(), itertools.cycle(COLOURS)):
            axes.plot(*zip(*(point[:2] for point in points), strict=True), "o", color=colour, label=kind)
        axes.set_xlim(right=1.6 * axes.get_xlim()[1])
        label_points(axes, [point for points in kinds.values() for point in points])
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}")
        axes.set_xlabel("longest path, ns")
        axes.set_ylabel("cell area, µm²")
        figure.legend(frameon=False, ncols=3, loc="outside upper left")
        return as_svg(figure)


def label_points(axes: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Write names beside points, from the bottom up, each as low as it stands free of those before."""
    height, character = 0.022, 0.0085  # of a label and of one of its letters, as parts of the axes
    to_axes = axes.transScale + axes.transLimits
    placed: list[tuple[float, float, float]] = []
    for x, y, name in sorted(points, key=lambda point: point[1]):
        left, low = to_axes.transform((x, y))
        right = left + character * len(name)
        for other_left, other_right, other_low in sorted(placed, key=lambda label: label[2]):
            if abs(low - other_low) < height and left < other_right and other_left < right:
                low = other_low + height
        placed.append((left, right, low))
        axes.annotate(
            name,
            (x, y),
            (left + 0.012, low),
            textcoords="axes fraction",
            fontsize=7,
            verticalalignment="center",
            arrowprops={"arrowstyle": "-", "color": "#bbbbbb", "linewidth": 0.6},
        )


def energy_plot(results: Sequence[Result]) -> str:
    """Draw the energy per word of the netlists for which it is known, divided by where it goes."""
    known = [
        (f"{result.name}, {result.flow}{suffix}", netlist.power, netlist.power.energy_pj_per_word)
        for result in results
        for netlist, suffix in ((result.netlist, ""), (result.clock_gated, ", gated clocks"))
        if netlist and netlist.power.energy_pj_per_word
    ]
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure = Figure(figsize=(9, 1.2 + 0.45 * len(known)), layout="constrained")
        axes = figure.subplots()
        left = [0.0] * len(known)
        for index, (part, colour) in enumerate(zip(("internal", "switching", "leakage"), COLOURS, strict=False)):
            energies = [power.parts_mw[index] / sum(power.parts_mw) * energy for _, power, energy in known]
            axes.barh([name for name, _, _ in known], energies, 0.6, left=left, color=colour, label=part)
            left = [start + energy for start, energy in zip(left, energies, strict=True)]
        axes.invert_yaxis()
        axes.set_xlabel("energy per word at the typical corner, pJ")
        figure.legend(frameon=False, ncols=3, loc="outside upper left")
        return as_svg(figure)
