"""Design-rule violations that a library's cells show by themselves, told from those of a layout's own shapes.

Beside the layout Magic checks every cell of the library that it uses, taken alone from the library's own file. A
violation in the layout is the library's if the bare cell shows one of the same rule there that covers it. Alone a cell
has no well taps in reach, which is the layout's to see to: what is gone between two tap cells does not count.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from klayout import db

from silicodec.asic.program_task import ProgramTask
from silicodec.asic.target import drawn_cells, magic_rules

CELL_RULES = "drc.cells"
"""Name of the step."""
REPORTS = Path("reports")
TAPPED = "__tapped"
"""What the name of a cell with tap cells at both sides ends in."""
OUTLINE = 81, 4
"""GDS layer of the cells' area in a row."""
Places = dict[str, list[db.DBox]]
"""Rule -> boxes that break it, in micrometres."""
_RULE = re.compile(r"^-+\n(.+)\n-+\n((?: .*\n)+)", re.MULTILINE)
_GRID_UM = 10.0
_EDGE_UM = 0.0005
"""Reports have three decimals."""
_SCRIPT = """\
if {{[lindex [tech lambda] 1] < 2}} {{ scalegrid 1 2 }}
drc euclidean on
tech load {rules}
snap lambda
cif istyle sky130(vendor)
gds noduplicates true
gds read cells.gds
drc style drc(full)
set scale [cif scale out]
foreach name {{{names}}} {{
  load $name
  select top cell
  drc check
  set report [open {reports}/$name.drc w]
  puts $report "$name\\n----"
  foreach {{rule places}} [drc listall why] {{
    puts $report "$rule\\n----"
    foreach place $places {{
      foreach side $place {{ puts -nonewline $report [format " %.3f" [expr {{$scale * $side}}]] }}
      puts $report ""
    }}
    puts $report ----
  }}
  close $report
}}
exit 0
"""


class CellRulesTask(ProgramTask):
    """Design rules of each of the library's cells that a layout uses, by itself."""

    program = __name__

    def tool(self) -> str:
        """Name of the tool."""
        return "magic"

    def task(self) -> str:
        """Name of the task."""
        return "cell_rules"

    def parse_version(self, stdout: str) -> str:
        """Version of Magic."""
        return stdout.strip()

    def setup(self) -> None:
        """Declare the layout and the library's."""
        super().setup()
        self.set_exe("magic", vswitch="--version")
        self.set_threads(1)
        self.add_input_file(ext="gds.gz")
        for library, *key in (drawn_cells(self.project), magic_rules(self.project)):
            self.add_required_key(library, *key)

    def pre_process(self) -> None:
        """Write the cells and the script."""
        super().pre_process()
        (cells,), (rules,) = (
            library.find_files(*key) for library, *key in (drawn_cells(self.project), magic_rules(self.project))
        )
        main = self.project.get_library(self.project.get("asic", "mainlib"))
        (tap,) = main.get("asic", "cells", "tap")
        names = take_cells(Path(cells), Path(f"inputs/{self.design_topmodule}.gds.gz"), tap, Path("cells.gds"))
        Path("script.tcl").write_text(cell_script(Path(rules), names))

    def runtime_options(self) -> list[str]:
        """Arguments of `magic`."""
        return ["-noconsole", "-dnull", "script.tcl"]


def cell_script(rules: Path, names: list[str]) -> str:
    """Return the script for Magic that checks cells of `cells.gds` one by one, by a technology's rules."""
    return _SCRIPT.format(rules=rules, names=" ".join(names), reports=REPORTS)


def take_cells(library: Path, layout: Path, tap: str, target: Path) -> list[str]:
    """Write the cells of a library that a layout uses, as the library draws them: each alone, and between tap cells.

    Parameters
    ----------
    library, layout : Path
        GDS, perhaps compressed.
    tap : str
        The library's tap cell.
    target : Path
        GDS to write.

    Returns
    -------
    list of str
        The names of what is to be checked.
    """
    design, cells = db.Layout(), db.Layout()
    design.read(str(layout))
    cells.read(str(library))
    outline = cells.layer(*OUTLINE)
    options = db.SaveLayoutOptions()
    options.clear_cells()
    names = []
    for name in sorted(cell.name for cell in design.each_cell()):
        if cell := cells.cell(name):
            tapped = cells.create_cell(name + TAPPED)
            width, beside = (one.bbox(outline).width() for one in (cell, cells.cell(tap)))
            for placed, left in ((cell.name, 0), (tap, -beside), (tap, width)):
                tapped.insert(db.CellInstArray(cells.cell(placed).cell_index(), db.Trans(left, 0)))
            options.add_cell(tapped.cell_index())
            names += [name, tapped.name]
    cells.write(str(target), options)
    return names


def read_cells(folder: Path) -> dict[str, Places]:
    """Read what rules cells break by themselves, between tap cells as well.

    Raises
    ------
    OSError, ValueError
        If a report is not there, or not whole.
    """
    found = {}
    for report in sorted(folder.glob(f"*{TAPPED}.drc")):
        name, tapped = report.stem.removesuffix(TAPPED), read_places(report)
        found[name] = {
            rule: [box for box in boxes if any(_within(box, other) for other in tapped.get(rule, ()))]
            for rule, boxes in read_places(folder / f"{name}.drc").items()
        }
    if not found:
        raise OSError(f"there are no reports of cells in {folder}")
    return found


def read_places(report: Path) -> Places:
    """Read where rules are broken from a report of Magic's.

    Raises
    ------
    OSError, ValueError
        If there is no such report, or it is not whole.
    """
    return {
        rule: [db.DBox(*map(float, place.split())) for place in places.splitlines()]
        for rule, places in _RULE.findall(report.read_text())
    }


def library_violations(layout: Path, places: Places, bare: Mapping[str, Places]) -> dict[str, Counter[str]]:
    """Count the violations of a layout that are its library's.

    Parameters
    ----------
    layout : Path
        GDS, perhaps compressed.
    places : Places
        Its violations.
    bare : mapping of str to Places
        The violations that cells of the library show by themselves, by name.

    Returns
    -------
    dict of str to Counter
        Cell to rule to number of violations; those that no cell shows are not there.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    if places and any(bare.values()):
        shown = _by_square(_placed(layout, bare))
        for rule, boxes in places.items():
            for box in boxes:
                for cell, of_cell in shown.get((rule, *_square(box.center())), ()):
                    if _within(box, of_cell):
                        found[cell][rule] += 1
                        break
    return dict(sorted(found.items()))


def _placed(layout: Path, bare: Mapping[str, Places]) -> Iterator[tuple[str, str, db.DBox]]:
    """Cell, rule and box of the violations that a layout has if each cell keeps those that it shows by itself."""
    design = db.Layout()
    design.read(str(layout))
    for top in design.top_cells():
        for at in top.begin_instances_rec():
            cell = at.inst_cell().name
            place = at.dtrans() * at.inst_dtrans()
            for rule, boxes in bare.get(cell, {}).items():
                yield from ((cell, rule, box.transformed(place)) for box in boxes)


def _within(box: db.DBox, other: db.DBox) -> bool:
    return bool(box.inside(other.enlarged(_EDGE_UM, _EDGE_UM)))


def _square(point: db.DPoint) -> tuple[int, int]:
    return int(point.x // _GRID_UM), int(point.y // _GRID_UM)


def _by_square(placed: Iterator[tuple[str, str, db.DBox]]) -> dict[tuple[str, int, int], list[tuple[str, db.DBox]]]:
    """Rule and square of a grid -> cells and boxes that reach into it."""
    squares: dict[tuple[str, int, int], list[tuple[str, db.DBox]]] = defaultdict(list)
    for cell, rule, box in placed:
        (left, bottom), (right, top) = _square(box.p1), _square(box.p2)
        for x in range(left, right + 1):
            for y in range(bottom, top + 1):
                squares[rule, x, y].append((cell, box))
    return squares
