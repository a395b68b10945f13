"""Abstract views of macros (LEF) as a layout takes them."""

from __future__ import annotations

import re
from collections import defaultdict

from klayout import db

_OBSTRUCTIONS = re.compile(r"^ *OBS\b.*?^ *END *$", re.MULTILINE | re.DOTALL)
_SHAPE = re.compile(r"^ *(?:LAYER (\w+)|RECT ([-\d. ]+?)) *;", re.MULTILINE)
_SIZE = re.compile(r"^ *SIZE ([\d.]+) BY", re.MULTILINE)
_PIN = re.compile(r"^ *PIN (\S+).*?^ *END \1", re.MULTILINE | re.DOTALL)
_SUPPLY = re.compile(r"^ *USE (?:POWER|GROUND)\b", re.MULTILINE)
_RECTANGLE = re.compile(r"^ *RECT ([-\d. ]+?) *;.*\n", re.MULTILINE)
_GRID_UM = 0.005
_RAIL = 0.8
"""Share of the macro's width that a rail has at least."""


def keep_outer_rails(lef: str) -> str:
    """Leave of each supply of a macro its lowest and its highest rail.

    SRAM22's macros have a line of each supply every few micrometres, on metal 2. Where the core's straps cross them,
    vias to all of them leave no way for wires on metal 3.

    Parameters
    ----------
    lef : str
        A macro, with rectangles. Supplies without two rails stay as they are.
    """
    width = float(_SIZE.findall(lef)[0])

    def outer(pin: re.Match[str]) -> str:
        sides = {corners: [*map(float, corners.split())] for corners in _RECTANGLE.findall(pin[0])}
        rails = sorted((y, corners) for corners, (x, y, right, _) in sides.items() if right - x > _RAIL * width)
        if len(rails) < 2 or not _SUPPLY.search(pin[0]):
            return pin[0]
        kept = {corners for _, corners in (rails[0], rails[-1])}
        return _RECTANGLE.sub(lambda one: one[0] if one[1] in kept else "", pin[0])

    return _PIN.sub(outer, lef)


def clear_pins(lef: str) -> str:
    r"""Cut pins out of a macro's obstructions.

    In LEF a pin may lie in an obstruction, as those of SRAM22's macros do, and is free to be connected to. Magic paints
    the obstruction over it, and then finds no connection.

    Parameters
    ----------
    lef : str
        A macro, of rectangles.

    Examples
    --------
    >>> pin = "PIN a\n PORT\n LAYER met1 ;\n RECT 0 0 1 1 ;\n END\nEND a\n"
    >>> print(clear_pins(pin + "OBS\n LAYER met1 ;\n RECT 0 0 3 1 ;\nEND\n"), end="")
    PIN a
     PORT
     LAYER met1 ;
     RECT 0 0 1 1 ;
     END
    END a
    OBS
    LAYER met1 ;
    RECT 1.000 0.000 3.000 1.000 ;
    END
    """
    found = _OBSTRUCTIONS.search(lef)
    if found is None:
        return lef
    pins = _shapes(lef[: found.start()])
    lines = []
    for layer, covered in _shapes(found[0]).items():
        lines.append(f"LAYER {layer} ;")
        for part in (covered - pins[layer]).decompose_trapezoids_to_region().each():
            box = part.bbox()
            corners = (box.left, box.bottom, box.right, box.top)
            lines.append(f"RECT {' '.join(f'{corner * _GRID_UM:.3f}' for corner in corners)} ;")
    return lef[: found.start()] + "\n".join(["OBS", *lines, "END"]) + lef[found.end() :]


def _shapes(lef: str) -> defaultdict[str, db.Region]:
    """Layer -> its rectangles, in steps of the grid."""
    found: defaultdict[str, db.Region] = defaultdict(db.Region)
    layer = ""
    for named, corners in _SHAPE.findall(lef):
        if named:
            layer = named
        else:
            found[layer].insert(db.Box(*(round(float(corner) / _GRID_UM) for corner in corners.split())))
    return found
