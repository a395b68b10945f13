"""The page of a network on the accelerator, from the record of `silicodec accelerate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from silicodec.models.storage import written_whole
from silicodec.report.plots import EMPHASIS, OTHERS, STYLE, as_svg

LIMITS = ("array", "weights", "reader", "writer")


def write_page(path: Path, record: dict[str, Any], columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write the page, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    record : dict
        Of `silicodec.models.accelerator.study.Study.record`, and what the command adds.
    columns, rows
        The table of layers.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("silicodec.report"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("accelerator.html").render(
        record=record,
        columns=columns,
        rows=rows,
        utilisation_plot=utilisation_plot(record),
        memory_plot=memory_plot(record),
    )
    with written_whole(path) as temporary:
        temporary.write_text(page)


def utilisation_plot(record: dict[str, Any]) -> str:
    """Draw the multiplications a cycle of each layer over time; the colour is what limits it."""
    peak = record["macs_per_cycle"] / record["utilisation"]
    with mpl.rc_context(STYLE):
        figure, axes, edges = _over_time(record)
        rates = [layer["macs_per_cycle"] for layer in record["layers"]]
        for limit, colour in zip(LIMITS, (EMPHASIS, *OTHERS), strict=False):
            shown = [
                rate if layer["limit"] == limit else 0 for rate, layer in zip(rates, record["layers"], strict=True)
            ]
            if any(shown):
                axes.stairs(shown, edges, fill=True, color=colour, label=f"limited by the {limit}")
        axes.set_ylabel("multiplications a cycle")
        return _finished(figure, axes, peak, f"{peak:.0f} multipliers")


def memory_plot(record: dict[str, Any]) -> str:
    """Draw what is in the memory over time, with maps as they are stored and as they would be raw."""
    with mpl.rc_context(STYLE):
        figure, axes, edges = _over_time(record)
        for name, label, colour in (("raw", "maps raw", OTHERS[0]), ("stored", "maps as stored", EMPHASIS)):
            kib = [(layer["strip_bits"] + layer[f"live_{name}_bits"]) / 8192 for layer in record["layers"]]
            axes.stairs(kib, edges, color=colour, linewidth=2, label=f"{label}, and strips")
        axes.set_ylabel("KiB in use")
        memory = record["shape"]["memory_bytes"] / 1024
        return _finished(figure, axes, memory, f"memory, {memory:.0f} KiB")


def _over_time(record: dict[str, Any]) -> tuple[Figure, Axes, np.ndarray]:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel("cycle")
    axes.xaxis.set_major_formatter(lambda cycle, _: f"{cycle:,.0f}")
    return figure, axes, np.cumsum([0, *(layer["cycles"] for layer in record["layers"])])


def _finished(figure: Figure, axes: Axes, limit: float, label: str) -> str:
    """Draw a line at what the hardware has, and fit the axes to what is drawn."""
    axes.axhline(limit, color="#444444", linewidth=1, linestyle="--", label=label)
    axes.margins(x=0)
    axes.autoscale()
    axes.set_ylim(0, 1.05 * axes.dataLim.y1)
    axes.legend(frameon=False, ncols=5, loc="lower left", bbox_to_anchor=(0, 1), fontsize=9, columnspacing=1.2)
    return as_svg(figure)
