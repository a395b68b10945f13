"""SkyWater 130 as a SiliconCompiler target: process data, cells, corners and constraints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lambdapdk import LambdaLibrary, LambdaPDK
from lambdapdk.sky130.libs.sky130sc import Sky130_SCHDLibrary
from siliconcompiler import ASIC

from silicodec.asic.pdk import CORNERS, HOW_TO_GET, NOT_IN_LAYOUTS, MeasurementError

CHECKS = {"slow": "setup", "typical": "power", "fast": "hold"}
"""Corner -> what SiliconCompiler's own steps check there."""
EXTRACTION = {"slow": "maximum", "typical": "typical", "fast": "minimum"}
"""Corner -> the rules that its wires' resistances and capacitances are extracted by."""
PDK = "skywater130"
FileKey = tuple[Any, str, str, str, str]
"""A library or a process of SiliconCompiler's, and its key of some files."""


def set_target(project: ASIC) -> None:
    """Give a project its process, cells and corners.

    The data comes from the folder in `SILICODEC_PDK`, else lambdapdk downloads it.

    Raises
    ------
    MeasurementError
        If there is no data.
    """
    library = Sky130_SCHDLibrary()
    library.add_asic_celllist("dontuse", list(NOT_IN_LAYOUTS))
    project.set_mainlib(library)
    project.set_pdk(PDK)
    project.set_asic_delaymodel("nldm")
    for name in (library.name, PDK):
        use_local_data(project.get_library(name))
    for corner, check in CHECKS.items():
        scenario = project.constraint.timing.make_scenario(corner)
        scenario.add_libcorner([corner, "generic"])
        scenario.set_pexcorner(EXTRACTION[corner])
        scenario.add_check(check)
    check_data()


def use_local_data(data: LambdaLibrary | LambdaPDK) -> None:
    """Let a library or a process read its data from the folder in `SILICODEC_PDK`, if that is set."""
    if root := os.environ.get("SILICODEC_PDK"):
        data.set("dataroot", "lambdapdk", "path", str(Path(root).resolve()))


def drawn_cells(project: ASIC) -> FileKey:
    """Where the cells' drawn shapes are (GDS)."""
    library = project.get_library(project.get("asic", "mainlib"))
    (fileset,) = (one for one in library.get("asic", "aprfileset") if library.has_file(fileset=one, filetype="gds"))
    return library, "fileset", fileset, "file", "gds"


def magic_rules(project: ASIC) -> FileKey:
    """Where the process' design rules for Magic are."""
    process = project.get_library(project.get("asic", "pdk"))
    (fileset,) = process.get("pdk", "drc", "runsetfileset", "magic", "basic")
    return process, "fileset", fileset, "file", "tech"


def check_data(flow: str = "synthesis") -> None:
    """Find the cells' data that a flow reads, which is to be there before any work begins.

    Raises
    ------
    MeasurementError
        If it is not where it should be, or cannot be downloaded.
    """
    library = Sky130_SCHDLibrary()
    use_local_data(library)
    for corner in CORNERS:
        check_liberty(library, corner)
    if flow == "layout":
        check_layout_scripts(library)


def check_layout_scripts(library: Sky130_SCHDLibrary) -> None:
    """Find the cells' scripts for OpenROAD: well taps, power grid and its connections."""
    keys = [("fileset", f"openroad.{name}", "file", "tcl") for name in ("powergrid", "globalconnect")]
    for key in (*keys, ("tool", "openroad", "tapcells")):
        found = library.find_files(*key, missing_ok=True)
        if None in (found if isinstance(found, list) else [found]):
            named = library.get(*key)
            file = named[0] if isinstance(named, list) else named
            root = os.environ.get("SILICODEC_PDK", "lambdapdk's data")
            raise MeasurementError(f"{root} does not hold {file}, which a layout needs: {HOW_TO_GET}")


def liberty_of(corner: str) -> Path:
    """Path of the cells' liberty file (gzip) of a corner, which lambdapdk downloads if need be.

    Raises
    ------
    MeasurementError
        If it is not where it should be, or cannot be downloaded.
    """
    library = Sky130_SCHDLibrary()
    use_local_data(library)
    return check_liberty(library, corner)


def check_liberty(library: Sky130_SCHDLibrary, corner: str) -> Path:
    """Find the cells' liberty file of a corner."""
    (fileset,) = library.get("asic", "libcornerfileset", corner, "nldm")
    root = os.environ.get("SILICODEC_PDK")
    try:
        (found,) = library.find_files("fileset", fileset, "file", "liberty", missing_ok=True)
    except (OSError, RuntimeError, ValueError):
        found = None  # no download
    if found is None and root:
        raise MeasurementError(f"SILICODEC_PDK={root} does not hold the cells' {corner} corner: {HOW_TO_GET}")
    if found is None:
        raise MeasurementError(f"SILICODEC_PDK is not set, and lambdapdk's data cannot be downloaded: {HOW_TO_GET}")
    return Path(found)
