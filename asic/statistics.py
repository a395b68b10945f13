"""Yosys' statistics of a mapped netlist."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FLIP_FLOP = re.compile(r"sky130_fd_sc_hd__(df|edf|sdf|sedf)\w+")
CLASSES = {
    "flip-flops": FLIP_FLOP,
    "latches and clock gates": re.compile(r"sky130_fd_sc_hd__s?dl[rxc]\w+"),
    "inverters and buffers": re.compile(r"sky130_fd_sc_hd__(buf|bufinv|clkbuf|clkinv|inv|dly\w+)_\d+"),
    "multiplexers": re.compile(r"sky130_fd_sc_hd__mux\w+"),
    "exclusive or and adders": re.compile(r"sky130_fd_sc_hd__(xnor|xor|fa|ha|maj)\w+"),
    "other logic": re.compile(r".*"),
}
"""Class of cells -> what their names match; the first match counts."""
WITHOUT_LOGIC = "well taps and fill"
"""Class of what a layout has beside its netlist."""
_CELL = re.compile(r"^ *(sky130_fd_sc_hd__\w+) \S+ +\(", re.MULTILINE)
_CELL_AREA = re.compile(r'^    cell \("(\w+)"\)|^        area : +([\d.]+);', re.MULTILINE)


@dataclass(frozen=True)
class Statistics:
    """What a netlist is made of.

    Parameters
    ----------
    area_um2 : float
        Cell area in square micrometres.
    flip_flops, cells : int
        Number of flip-flops, and of all cells.
    cell_counts : dict of str to int
        By cell type.
    """

    area_um2: float
    flip_flops: int
    cells: int
    cell_counts: dict[str, int]


def read_statistics(file: Path) -> Statistics:
    """Read what `stat -json -liberty` wrote."""
    design = json.loads(file.read_text())["design"]
    counts = {cell: int(count) for cell, count in design["num_cells_by_type"].items()}
    return Statistics(
        area_um2=float(design.get("area", 0)),
        flip_flops=sum(count for cell, count in counts.items() if FLIP_FLOP.fullmatch(cell)),
        cells=sum(counts.values()),
        cell_counts=counts,
    )


def count_cells(netlist: str) -> dict[str, int]:
    """Count the cells in a netlist that OpenROAD wrote, by type."""
    return dict(Counter(_CELL.findall(netlist)))


def count_drives(cell_counts: Mapping[str, int]) -> dict[str, int]:
    """Count cells by how strong they drive, which is the last part of their names, from weak to strong.

    Examples
    --------
    >>> count_drives({"sky130_fd_sc_hd__inv_4": 2, "sky130_fd_sc_hd__buf_1": 1, "sky130_fd_sc_hd__nor2_1": 3})
    {'1': 4, '4': 2}
    """
    counts: Counter[str] = Counter()
    for cell, count in cell_counts.items():
        counts[cell.rpartition("_")[2]] += count
    return dict(sorted(counts.items(), key=lambda one: (len(one[0]), one[0])))


def area_by_class(cell_counts: Mapping[str, int], liberty: str) -> dict[str, float]:
    """Cell area in square micrometres of every class in `CLASSES`.

    Parameters
    ----------
    cell_counts : dict of str to int
        By cell type.
    liberty : str
        Text of the cells' liberty file.
    """
    areas = dict.fromkeys(CLASSES, 0.0)
    cell_areas = read_cell_areas(liberty)
    for cell, count in cell_counts.items():
        name = next(name for name, pattern in CLASSES.items() if pattern.fullmatch(cell))
        areas[name] += count * cell_areas[cell]
    return {name: round(area, 1) for name, area in areas.items()}


def read_cell_areas(liberty: str) -> dict[str, float]:
    """Area of every cell in a liberty file of SkyWater's layout, in square micrometres."""
    areas = {}
    name = ""
    for cell, area in _CELL_AREA.findall(liberty):
        name = cell or name
        if area:
            areas[name] = float(area)
    return areas
