"""What KLayout leaves to be done in a layout that it wrote: cells' drawn shapes, and names of ports."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from pathlib import Path

from klayout import db

from silicodec.models.storage import written_whole

_UNITS = re.compile(r"^ *UNITS DISTANCE MICRONS (\d+)", re.MULTILINE)
_PIN = re.compile(r"^ *- (\S+) \+ NET (\S+)(.*?);", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"\+ (?:PLACED|FIXED) \( (-?\d+) (-?\d+) \)")


def name_ports(layout: Path, routed: Path) -> None:
    """Give each port of a layout its own name, where KLayout gave it that of the net there.

    They differ where a port is a constant, whose net is named after nothing.

    Parameters
    ----------
    layout : Path
        GDS, perhaps compressed, which is written anew if a name changes.
    routed : Path
        Compressed DEF that the layout is of.
    """
    text = gzip.decompress(routed.read_bytes()).decode()
    names = {
        (net, int(x), int(y)): port
        for port, net, rest in _PIN.findall(text)
        if port != net
        for x, y in _PLACE.findall(rest)
    }
    if not names:
        return
    (units,) = map(int, _UNITS.findall(text))
    design = db.Layout()
    design.read(str(layout))
    scale = units * design.dbu
    for layer in design.layer_indexes():
        for shape in list(design.top_cell().shapes(layer).each(db.Shapes.STexts)):
            place = shape.text_string, round(shape.text.x * scale), round(shape.text.y * scale)
            if port := names.get(place):
                shape.text_string = port
    _write(design, layout)


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
    _write(design, layout)


def _write(design: db.Layout, layout: Path) -> None:
    options = db.SaveLayoutOptions()
    options.set_format_from_filename(layout.name)
    options.gds2_write_timestamps = False
    with written_whole(layout) as temporary:
        design.write(str(temporary), options)
