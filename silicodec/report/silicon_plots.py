"""Plots of flow records, a panel for each scheme, with published figures beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from silicodec.asic.pdk import GATE_EQUIVALENT_UM2
from silicodec.asic.results import Netlist, Result
from silicodec.asic.statistics import CLASSES, WITHOUT_LOGIC
from silicodec.report.plots import EMPHASIS, OTHERS, STYLE, as_svg
from silicodec.rtl.catalog import ENGINES

COLOURS = (EMPHASIS, *OTHERS)
REST = "#d0d0d0"
SCHEMES = {
    "ebpc": "EBPC",
    "dct": "DCT",
    "transform": "PCA and Huffman",
    "dictionary": "Trimming and dictionary",
    "lanes": "Dictionary in lanes",
    "systolic": "Systolic arrays",
    "blocks": "Blocks",
    "accelerator": "Accelerator",
}
"""Wing of `rtl` -> what a panel is called."""
OTHER = "Other designs"
Row = tuple[str, Netlist]


def by_scheme(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Group results by their scheme, in the order of `SCHEMES`; designs that are no engines come last."""
    groups: dict[str, list[Result]] = {title: [] for title in (*SCHEMES.values(), OTHER)}
    for result in results:
        engine = ENGINES.get(result.name)
        wing = engine.block.__module__.split(".")[2] if engine else ""
        groups[SCHEMES.get(wing, OTHER)].append(result)
    return {title: group for title, group in groups.items() if group}


def area_plot(results: Sequence[Result]) -> str:
    """Draw the area of every design as a bar, divided by class of cells, with published areas as marks."""

    def draw(axes: Axes, rows: Sequence[Row]) -> None:
        parts = [*CLASSES, WITHOUT_LOGIC]
        left = [0.0] * len(rows)
        for part, colour in zip(parts, (*COLOURS[: len(CLASSES)], REST), strict=True):
            widths = [netlist.area_by_class.get(part, 0.0) / GATE_EQUIVALENT_UM2 / 1000 for _, netlist in rows]
            axes.barh([name for name, _ in rows], widths, 0.6, left=left, color=colour, label=part)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        mark_published(axes, rows)

    return panels(results, "cell area on SkyWater 130 HD, kGE", draw)


def mark_published(axes: Axes, rows: Sequence[Row]) -> None:
    """Mark published areas on the rows of the engines that they belong to."""
    for label, marker, areas in (
        ("public RTL, same flow", "D", [(name, published_area(name)) for name, _ in rows]),
        ("paper", "v", [(name, published_kge(name)) for name, _ in rows]),
    ):
        known = [(kge, name) for name, kge in areas if kge]
        if known:
            values, names = zip(*known, strict=True)
            axes.plot(values, names, marker, color="#222222", markerfacecolor="white", label=label, zorder=3)


def published_area(row: str) -> float | None:
    """Area of public hardware that a row is compared with, in thousands of gate equivalents."""
    engine = ENGINES.get(row.partition(",")[0])
    areas = [published.area_um2 for published in engine.published if published.area_um2] if engine else []
    return areas[0] / GATE_EQUIVALENT_UM2 / 1000 if areas else None


def published_kge(row: str) -> float | None:
    """Return published gate equivalents, in thousands, that a row is compared with."""
    engine = ENGINES.get(row.partition(",")[0])
    known = [one.kilo_gate_equivalents for one in engine.published if one.kilo_gate_equivalents] if engine else []
    return known[0] if known else None


def energy_plot(results: Sequence[Result]) -> str:
    """Draw the energy per word of the netlists for which it is known, divided by where it goes."""

    def draw(axes: Axes, rows: Sequence[Row]) -> None:
        left = [0.0] * len(rows)
        for index, part in enumerate(("internal", "switching", "leakage")):
            energies = [
                netlist.power.parts_mw[index] / sum(netlist.power.parts_mw) * (netlist.power.energy_pj_per_word or 0)
                for _, netlist in rows
            ]
            axes.barh([name for name, _ in rows], energies, 0.6, left=left, color=COLOURS[index], label=part)
            left = [start + energy for start, energy in zip(left, energies, strict=True)]

    known = [result for result in results if result.netlist.power.energy_pj_per_word]
    return panels(known, "energy per word at the typical corner, pJ", draw)


def rows_of(results: Sequence[Result]) -> list[Row]:
    """Name every netlist of some results."""
    rows: list[Row] = []
    for result in results:
        layout = ", layout" if result.flow == "layout" else ""
        rows.append((result.title + layout, result.netlist))
        if result.clock_gated:
            rows.append((f"{result.name}, gated clocks", result.clock_gated))
    return rows


def panels(results: Sequence[Result], unit: str, draw: Callable[[Axes, Sequence[Row]], None]) -> str:
    """Draw rows of bars in a panel for each scheme, each with a scale of its own and one legend for all."""
    groups = {title: rows_of(group) for title, group in by_scheme(results).items()}
    heights = [len(rows) + 1.6 for rows in groups.values()]
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure = Figure(figsize=(9, 0.8 + 0.3 * sum(heights)), layout="constrained")
        shares = {"height_ratios": heights}
        for axes, (title, rows) in zip(
            figure.subplots(len(groups), squeeze=False, gridspec_kw=shares)[:, 0], groups.items(), strict=True
        ):
            draw(axes, rows)
            axes.invert_yaxis()
            axes.set_xlim(left=0)
            axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
        axes.set_xlabel(unit)
        handles = {label: handle for axes in figure.axes for handle, label in zip(*handles_of(axes), strict=True)}
        figure.legend(list(handles.values()), list(handles), frameon=False, ncols=4, loc="outside upper left")
        return as_svg(figure)


def handles_of(axes: Axes) -> tuple[list[Artist], list[str]]:
    """Return handles and labels of a panel's legend."""
    handles, labels = axes.get_legend_handles_labels()
    return list(handles), labels


def clock_plot(results: Sequence[Result]) -> str:
    """Draw the area of every netlist against its shortest clock period at the corner that its clock is for.

    A panel for each scheme, with a scale of its own.
    """
    groups = {title: points_of(group) for title, group in by_scheme(results).items()}
    rows = -(-len(groups) // 2)
    with mpl.rc_context(STYLE | {"axes.grid.axis": "both"}):
        figure = Figure(figsize=(9, 0.6 + 3.2 * rows), layout="constrained")
        grid = figure.subplots(rows, 2, squeeze=False).ravel()
        for axes, (title, points) in zip(grid, groups.items(), strict=False):
            for _, period, area, marker in points:
                axes.plot(period, area, marker, color="#222222" if marker == "D" else EMPHASIS, markerfacecolor="white")
            axes.margins(0.12)
            axes.set_xlim(0, 1.7 * axes.get_xlim()[1])
            axes.set_ylim(bottom=0)
            label_points(axes, points)
            axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
        for axes in grid[len(groups) :]:
            axes.remove()
        figure.supxlabel("shortest clock period, ns", fontsize=10)
        figure.supylabel("cell area, kGE", fontsize=10)
        return as_svg(figure)


def label_points(axes: Axes, points: Sequence[tuple[str, float, float, str]]) -> None:
    """Write names to the right of points, from the bottom up, each as low as it stands free of those before."""
    height, character = 0.055, 0.017  # of a label and of one of its letters, as parts of the axes
    to_axes = axes.transScale + axes.transLimits
    placed: list[tuple[float, float, float]] = []
    for name, x, y, _ in sorted(points, key=lambda point: point[2]):
        left, low = to_axes.transform((x, y))
        right = left + character * len(name)
        for other_left, other_right, other_low in sorted(placed, key=lambda label: label[2]):
            if abs(low - other_low) < height and left < other_right and other_left < right:
                low = other_low + height
        placed.append((left, right, low))
        axes.annotate(
            name,
            (x, y),
            (left + 0.03, low),
            textcoords="axes fraction",
            fontsize=7,
            verticalalignment="center",
            arrowprops={"arrowstyle": "-", "color": "#bbbbbb", "linewidth": 0.6},
        )


def points_of(results: Sequence[Result]) -> list[tuple[str, float, float, str]]:
    """Name, period in nanoseconds, area in thousands of gate equivalents and mark of every netlist of some results."""
    points: list[tuple[str, float, float, str]] = []
    for result in results:
        own = ", gated" if result.clock_gating else ""
        for netlist, what in ((result.netlist, own), (result.clock_gated, ", gated")):
            period = netlist.corners[result.corner].shortest_period_ns if netlist else None
            if netlist and period:
                place = f", {result.corner} corner" if result.corner != "typical" else ""
                marker = "^" if result.flow == "layout" else "s" if what else "o"
                name = f"{result.name}{what}{place}"
                points.append((name, period, netlist.gate_equivalents / 1000, marker))
        engine = ENGINES.get(result.name)
        for published in engine.published if engine else ():
            if published.area_um2 and published.shortest_period_ns:
                point = (published.shortest_period_ns, published.area_um2 / GATE_EQUIVALENT_UM2 / 1000)
                if point not in [known[1:3] for known in points]:
                    points.append((f"public RTL of {result.name}", *point, "D"))
    return points
