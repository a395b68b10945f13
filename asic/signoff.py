"""Sign-off of a layout by SiliconCompiler's own steps, with Magic and Netgen.

Magic reads what KLayout wrote, cells with their transistors, and checks design rules. Netgen compares the circuit that
Magic finds there with the netlist of the layout, cells taken as black boxes. Neither uses more than one processor core,
so that steps of theirs run side by side.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from siliconcompiler.tools.magic import MagicTask
from siliconcompiler.tools.magic.drc import DRCTask
from siliconcompiler.tools.magic.extspice import ExtractTask
from siliconcompiler.tools.netgen.count_lvs import count_lvs_failures
from siliconcompiler.tools.netgen.lvs import LVSTask

from silicodec.asic.cell_rules import CELL_RULES, library_violations, read_cells, read_places
from silicodec.asic.drawn import Signoff
from silicodec.asic.gds import leave_empty
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.program_task import ProgramTask

DRC, EXTRACT, LVS = "drc", "extspice", "lvs"
"""SiliconCompiler's names of the steps."""
WELLS = {"VPWR": "VPB", "VGND": "VNB"}
"""Pin of a supply -> the well's pin on the same net, which the drawn cells have and lambdapdk's LEF has not."""
_MACRO = re.compile(r"^\s*MACRO (\w+)", re.MULTILINE)
_SUPPLY = re.compile(r"\.(VPWR|VGND) ?\(([^)]*)\)")


class PackedLayoutTask(ProgramTask, MagicTask):
    """A step of Magic's that takes a compressed layout, and what `read_lef` has as abstracts with pins."""

    program = __name__

    def setup(self) -> None:
        """Declare the layout."""
        super().setup()
        self.set_threads(1, clobber=True)
        self.add_input_file(ext="gds.gz")

    def pre_process(self) -> None:
        """Unpack the layout to where SiliconCompiler's scripts look for it."""
        super().pre_process()
        packed = Path(f"inputs/{self.design_topmodule}.gds.gz")
        abstracts = [_MACRO.findall(Path(file).read_text())[0] for file in self.find_files("var", "read_lef")]
        leave_empty(packed, abstracts, packed.with_suffix(""))


class MagicRulesTask(PackedLayoutTask, DRCTask):
    """Design rules, within cells as well."""


class MagicExtractTask(PackedLayoutTask, ExtractTask):
    """The circuit that is drawn (SPICE)."""


class NetgenTask(LVSTask):
    """The drawn circuit against the layout's netlist."""

    def setup(self) -> None:
        """Declare the netlist with its supplies."""
        super().setup()
        self.set_threads(1, clobber=True)
        self.add_input_file(ext="lvs.vg")

    def pre_process(self) -> None:
        """Write the netlist as the drawn cells have it, where SiliconCompiler's script looks for it."""
        super().pre_process()
        netlist = Path(f"inputs/{self.design_topmodule}.vg")
        netlist.unlink(missing_ok=True)  # it may be a link to another step's
        netlist.write_text(with_wells(netlist.with_suffix(".lvs.vg").read_text()))


def with_wells(netlist: str) -> str:
    """Connect the wells of every cell to its supplies.

    Examples
    --------
    >>> with_wells("sky130_fd_sc_hd__inv_1 a (.A(a), .VPWR(VPWR), .Y(y));")
    'sky130_fd_sc_hd__inv_1 a (.A(a), .VPB(VPWR), .VPWR(VPWR), .Y(y));'
    """
    return _SUPPLY.sub(lambda pin: f".{WELLS[pin[1]]}({pin[2]}), {pin[0]}", netlist)


def signoff_of(job: Path, top: str) -> Signoff:
    """Read what Magic and Netgen say of a layout, in SiliconCompiler's folder of its job.

    Raises
    ------
    MeasurementError
        If a report is not there or not whole.
    """
    rules, of_cells, comparison = (job / step / "0" / "reports" for step in (DRC, CELL_RULES, LVS))
    layout = job / "write.gds" / "0" / "outputs" / f"{top}.gds.gz"
    return read_signoff(rules / f"{top}.drc", of_cells, layout, comparison / f"{top}.lvs.json")


def read_signoff(rules: Path, of_cells: Path, layout: Path, comparison: Path) -> Signoff:
    """Read Magic's reports of design rules and Netgen's comparison.

    Parameters
    ----------
    rules : Path
        Report of the layout.
    of_cells : Path
        Folder of reports of the library's cells, each by itself.
    layout : Path
        The layout (GDS).
    comparison : Path
        Netgen's comparison (JSON).

    Raises
    ------
    MeasurementError
        If a report is not there or not whole.
    """
    try:
        places = read_places(rules)
        by_cell = library_violations(layout, places, read_cells(of_cells))
        found = Counter({rule: len(boxes) for rule, boxes in places.items()})
        found.subtract(sum(by_cell.values(), Counter()))
        top = json.loads(comparison.read_text())[-1]
        failures, _, _, pins, *_ = count_lvs_failures(str(comparison))
        return Signoff(
            rules=dict(+found),
            cells=sum(count for _, count in top["devices"][0]),
            nets=top["nets"][0],
            mismatches=failures - pins,
            pin_mismatches=pins,
            library_rules={cell: dict(counts) for cell, counts in by_cell.items()},
        )
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise MeasurementError(f"sign-off left no whole report: {error}") from None
