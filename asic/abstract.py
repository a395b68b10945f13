"""Abstract views of macros (LEF) as Magic takes them."""

from __future__ import annotations

import re
from collections import defaultdict

from klayout import db

_OBSTRUCTIONS = re.compile(r"^ *OBS\b.*?^ *END *$", re.MULTILINE | re.DOTALL)
_SHAPE = re.compile(r"^ *(?:LAYER (\w+)|RECT ([-\d. ]+?)) *;", re.MULTILINE)
_GRID_UM = 0.005


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
