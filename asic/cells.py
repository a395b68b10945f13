"""What matters of the standard cells: areas, loads, and what each may drive."""

from __future__ import annotations

import re

from silicodec.asic.statistics import read_cell_areas

CLOCK_PINS = ("CLK", "CLK_N")
_LIBERTY = re.compile(
    r'^\s*(?:cell \("(?P<cell>\w+)"\)|pin \("(?P<pin>\w+)"\)|capacitance : (?P<load>[\d.]+)'
    r"|max_capacitance : (?P<most>[\d.]+))",
    re.MULTILINE,
)


class Library:
    """Areas in square micrometres, and by cell and pin loads of inputs and what outputs may drive, in picofarads.

    Parameters
    ----------
    liberty : str
        Text of the cells' liberty file.
    """

    def __init__(self, liberty: str) -> None:
        self.areas = read_cell_areas(liberty)
        self.loads: dict[tuple[str, str], float] = {}
        self.limits: dict[tuple[str, str], float] = {}
        cell = pin = ""
        for found in _LIBERTY.finditer(liberty):
            cell, pin = found["cell"] or cell, found["pin"] or ("" if found["cell"] else pin)
            if pin and found["load"]:
                self.loads.setdefault((cell, pin), float(found["load"]))
            elif pin and found["most"]:
                self.limits[cell, pin] = float(found["most"])
