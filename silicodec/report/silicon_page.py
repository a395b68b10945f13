"""Comparison of flow records with published figures, as a page with plots."""

from __future__ import annotations

import base64
from collections.abc import Sequence, Set
from pathlib import Path

import jinja2

from silicodec.asic.results import Result, ResultKey, result_path
from silicodec.models.storage import written_whole
from silicodec.report.silicon import HEADINGS, comparison_rows, notes
from silicodec.report.silicon_plots import area_plot, clock_plot, energy_plot


def write_page(results: Sequence[Result], old: Set[ResultKey], folder: Path, path: Path) -> None:
    """Write the page, whole or not at all; pictures of layouts lie in the folder of records."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("silicodec.report"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    energies = [result.netlist.power.energy_pj_per_word for result in results]
    page = environment.get_template("asic.html").render(
        headings=HEADINGS,
        rows=comparison_rows(results, old),
        notes=notes(results, old),
        area_plot=area_plot(results),
        clock_plot=clock_plot(results),
        energy_plot=energy_plot(results) if any(energy is not None for energy in energies) else None,
        layouts=[(result.title, as_data(picture)) for result in results if (picture := layout_picture(result, folder))],
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
