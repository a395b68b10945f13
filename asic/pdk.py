"""Where the SkyWater 130 data is, and what of it a measurement uses."""

from __future__ import annotations

import os
from pathlib import Path

CORNER = "sky130_fd_sc_hd, typical corner, 1.8 V, 25 C"
CORNERS = {
    "slow": "1.40 V, -40 C",
    "typical": "1.80 V, 25 C",
    "fast": "1.95 V, 100 C",
}
"""Corner -> its supply and temperature."""
LIBERTIES = {
    corner: f"lambdapdk/sky130/libs/sky130hd/nldm/sky130_fd_sc_hd__{conditions}.lib.gz"
    for corner, conditions in zip(CORNERS, ("ss_n40C_1v40", "tt_025C_1v80", "ff_100C_1v95"), strict=True)
}
LIBERTY = LIBERTIES["typical"]
SIGNOFF_FILES = (
    "lambdapdk/sky130/base/setup/magic/sky130A.tech",
    "lambdapdk/sky130/base/setup/netgen/lvs_setup.tcl",
)
"""What Magic and Netgen read of the process."""
GATE_EQUIVALENT_UM2 = 3.7536
"""Area of `nand2_1`, in square micrometres."""
DRIVING_CELL = "sky130_fd_sc_hd__buf_4"
OUTPUT_LOAD_FF = 33.0
PERIOD_NS = 3.0
"""Clock period that synthesis aims for unless another is asked for: one for all designs, so that areas compare."""
HOW_TO_GET = "git clone https://github.com/siliconcompiler/lambdapdk, and set SILICODEC_PDK to the clone"
CLOCK_GATE = "sky130_fd_sc_hd__dlclkp_1"
HARD_TO_ROUTE = ("sky130_fd_sc_hd__a222oi_1",)
"""Six inputs side by side: where many of them share nets, a router leaves short circuits between these."""
BREAK_A_RULE = tuple(
    f"sky130_fd_sc_hd__{name}" for name in ("a2111oi_0", "buf_16", "clkdlybuf4s15_1", "clkdlybuf4s18_1")
)
"""As lambdapdk draws them, they break a design rule of Magic's by themselves (licon.8a)."""
NOT_IN_LAYOUTS = HARD_TO_ROUTE + BREAK_A_RULE
TO_MEMORY, FROM_MEMORY = "to_memory_", "from_memory_"
"""What the names of ports begin with that stand for a memory outside the netlist."""
BOXES = "boxes.v"
"""File with the modules without content that a netlist has, such as memories."""


class MeasurementError(Exception):
    """A design that cannot be measured, or a missing tool or process data; the message says which and why."""


def liberty_file(corner: str = "typical") -> Path:
    """Path of the cells' liberty file (gzip) of a corner, in the folder that `SILICODEC_PDK` names.

    Raises
    ------
    MeasurementError
        If the variable is unset or the folder holds no such file.
    """
    root = os.environ.get("SILICODEC_PDK")
    if not root:
        raise MeasurementError(f"SILICODEC_PDK is not set: {HOW_TO_GET}")
    path = Path(root) / LIBERTIES[corner]
    if not path.is_file():
        raise MeasurementError(
            f"SILICODEC_PDK={root} does not hold {LIBERTIES[corner]}: set it to a clone of lambdapdk"
        )
    return path.resolve()
