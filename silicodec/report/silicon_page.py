"""Comparison of flow records with published figures, as a page with plots."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence, Set
from pathlib import Path

import jinja2
import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from silicodec.asic.results import Result, result_path
from silicodec.asic.statistics import CLASSES, WITHOUT_LOGIC
from silicodec.models.storage import written_whole
from silicodec.report.plots import EMPHASIS, OTHERS, STYLE, as_svg
from silicodec.report.silicon import HEADINGS, comparison_rows, notes

COLOURS = (EMPHASIS, *OTHERS)


def write_page(results: Sequence[Result], outdated: Set[str], folder: Path, path: Path) -> None:
    """Write the page, whole or not at all; pictures of layouts lie in the folder of records."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("silicodec.report"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    energies = [result.netlist.power.energy_pj_per_word for result in results]
    page = environment.get_template("asic.html").render(
        headings=HEADINGS,
        rows=comparison_rows(results, outdated),
        notes=notes(results, outdated),
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
    """Draw the area of every netlist against its critical path at the corner that its clock is for."""
    kinds: dict[str, list[tuple[float, float, str]]] = {}
    for result in results:
        where = f"{result.flow}, {result.corner} corner"
        for netlist, suffix in ((result.netlist, ""), (result.clock_gated, ", gated clocks")):
            if netlist and (path := netlist.corners[result.corner].critical_path_ns):
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
        axes.set_xlabel("critical path, ns")
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
