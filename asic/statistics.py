"""Yosys' statistics of a mapped netlist."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

FLIP_FLOP = re.compile(r"sky130_fd_sc_hd__(df|edf|sdf|sedf)\w+")


@dataclass(frozen=True)
class Statistics:
    """Cell area in square micrometres and number of flip-flops of a netlist."""

    area_um2: float
    flip_flops: int


def read_statistics(file: Path) -> Statistics:
    """Read what `stat -json -liberty` wrote."""
    design = json.loads(file.read_text())["design"]
    cells = design["num_cells_by_type"]
    return Statistics(
        area_um2=float(design["area"]),
        flip_flops=sum(int(count) for cell, count in cells.items() if FLIP_FLOP.fullmatch(cell)),
    )
