"""Standard cells' drawn shapes in a layout."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from klayout import db

from silicodec.models.storage import written_whole


def leave_empty(layout: Path, cells: Iterable[str], target: Path) -> None:
    """Write a layout anew, in which some cells are empty wherever they are placed.

    Parameters
    ----------
    layout : Path
        GDS, perhaps compressed.
    cells : iterable of str
        Names of the cells.
    target : Path
        GDS to write.
    """
    design = db.Layout()
    design.read(str(layout))
    for cell in filter(None, map(design.cell, cells)):
        cell.prune_subcells()
        cell.clear()
    design.write(str(target))


def draw_cells(layout: Path, library: Path) -> None:
    """Give the cells of a layout the shapes that a library has for them.

    KLayout takes a cell from the library by itself only where its LEF says `FOREIGN`; in others it draws no more than
    the pins and the outline.

    Parameters
    ----------
    layout : Path
        GDS, perhaps compressed, which is written anew.
    library : Path
        GDS of the cells.
    """
    design, cells = db.Layout(), db.Layout()
    design.read(str(layout))
    cells.read(str(library))
    for cell in list(design.each_cell()):
        if drawn := cells.cell(cell.name):
            cell.clear()
            cell.copy_tree(drawn)
    options = db.SaveLayoutOptions()
    options.set_format_from_filename(layout.name)
    options.gds2_write_timestamps = False
    with written_whole(layout) as temporary:
        design.write(str(temporary), options)
