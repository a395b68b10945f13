"""SRAM22's macros as libraries of SiliconCompiler: outline, timing at the corners, shapes, and their supplies."""

from __future__ import annotations

import gzip
from pathlib import Path

from lambdapdk import LambdaLibrary
from lambdapdk.sky130 import Sky130PDK

from silicodec.asic.abstract import clear_pins, keep_outer_rails
from silicodec.asic.flows import write_named
from silicodec.asic.macros import CORNERS, macro_liberty

POWER_GRID = """\
define_pdn_grid -name {sram22} -voltage_domains {CORE} -macro -orient {R0 R180 MX MY} -halo {2.0 2.0 2.0 2.0} \\
    -cells {sram22_.*}
add_pdn_connect -grid {sram22} -layers {met2 met4}
"""
"""The macros have their supplies on met2, the core's straps are on met4."""
CONNECTIONS = """\
add_global_connection -net {VDD} -pin_pattern {vdd} -power
add_global_connection -net {VSS} -pin_pattern {vss} -ground
"""


class MacroLibrary(LambdaLibrary):
    """One macro.

    Parameters
    ----------
    name : str
        Its cell.
    macros : Path
        Folder of all macros.
    scripts : Path
        Folder that takes its abstract view, and the scripts for its supplies.
    """

    def __init__(self, name: str, macros: Path, scripts: Path) -> None:
        super().__init__()
        self.set_name(name)
        whole = gzip.decompress((macros / name / f"{name}.lef.gz").read_bytes()).decode()
        self._abstract = write_named(scripts / f"{name}.lef", keep_outer_rails(whole))
        self.add_asic_pdk(Sky130PDK())
        for corner in CORNERS:
            with self.active_fileset(f"models.timing.{corner}.nldm"):
                self.add_file(str(macro_liberty(macros, name, corner)))
                self.add_asic_libcornerfileset(corner, "nldm")
        with self.active_fileset("models.physical"):
            self.add_file(str(self._abstract))
            if (shapes := macros / name / f"{name}.gds.gz").is_file():
                self.add_file(str(shapes))
            self.add_asic_aprfileset()
        with self.active_fileset("openroad.powergrid"):
            self.add_file(str(write_named(scripts / "power_grid.tcl", POWER_GRID)))
            self.add_openroad_powergridfileset()
        with self.active_fileset("openroad.globalconnect"):
            self.add_file(str(write_named(scripts / "connections.tcl", CONNECTIONS)))
            self.add_openroad_globalconnectfileset()

    def write_abstract(self, folder: Path) -> Path:
        """Write the abstract view as Magic takes it, and return the file."""
        return write_named(folder / f"{self.name}.lef", clear_pins(self._abstract.read_text()))
