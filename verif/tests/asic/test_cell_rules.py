"""Violations that the library's cells show by themselves are told from the layout's own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("klayout")
pytest.importorskip("siliconcompiler")
pytest.importorskip("lambdapdk")

from klayout import db

from silicodec.asic.cell_rules import OUTLINE, cell_script, library_violations, read_cells, read_places, take_cells
from silicodec.asic.pdk import BREAK_A_RULE, SIGNOFF_FILES
from silicodec.asic.tools import signoff_fault

DRAWN_CELLS = "lambdapdk/sky130/libs/sky130hd/gds/sky130_fd_sc_hd.gds"
WITH_FAULT = "sky130_fd_sc_hd__a2111oi_0"
TAP = "sky130_fd_sc_hd__tapvpwrvgnd_1"
NEVER_TAKEN = {"probe_p_8", "tapvgnd_1", "tapvgnd2_1"}
"""Cells that break a rule by themselves, but that neither synthesis nor a layout takes in any case."""
METAL_1 = 68, 20
CONTACT, SPACING = "poly contact < 0.235um (licon.8a)", "spacing < 0.17um (li.3)"
BARE = {"nand": {CONTACT: [db.DBox(1.0, 0.5, 1.2, 0.9)]}, "nor": {}}


@pytest.fixture
def layout(tmp_path):
    """Two of the cells that break a rule, one of them mirrored, in a block, and one that does not."""
    made = db.Layout()
    nand, nor, block, top = (made.create_cell(name) for name in ("nand", "nor", "block", "top"))
    block.insert(db.CellInstArray(nand.cell_index(), db.Trans(10_000, 0)))
    block.insert(db.CellInstArray(nor.cell_index(), db.Trans(30_000, 0)))
    top.insert(db.CellInstArray(block.cell_index(), db.Trans(0, 2_720)))
    top.insert(db.CellInstArray(nand.cell_index(), db.Trans(db.Trans.M0, 10_000, 2_720)))
    for cell in (nand, nor):
        cell.shapes(made.layer(66, 20)).insert(db.Box(0, 0, 2_000, 2_720))
    path = tmp_path / "layout.gds.gz"
    made.write(str(path))
    return path


@pytest.mark.parametrize(
    ("rule", "box", "of_library"),
    [
        (CONTACT, (11.0, 3.22, 11.2, 3.62), True),
        (CONTACT, (11.0, 1.82, 11.2, 2.22), True),  # mirrored at its lower edge
        (CONTACT, (11.0, 3.22, 11.1, 3.62), True),  # a part of what the cell shows
        (CONTACT, (11.01, 3.22, 11.21, 3.62), False),  # reaches out of it
        (CONTACT, (11.0, 3.22, 11.2, 3.63), False),
        (CONTACT, (31.0, 3.22, 31.2, 3.62), False),  # in a cell that shows nothing by itself
        (CONTACT, (1.0, 0.5, 1.2, 0.9), False),  # where no cell is
        (SPACING, (11.0, 3.22, 11.2, 3.62), False),  # another rule
    ],
)
def test_a_violation_is_the_librarys_where_the_bare_cell_shows_it(layout, rule, box, of_library):
    found = library_violations(layout, {rule: [db.DBox(*box)]}, BARE)
    assert found == ({"nand": {rule: 1}} if of_library else {})


def test_every_violation_counts_once(layout):
    boxes = [db.DBox(11.0, 3.22, 11.2, 3.62), db.DBox(11.0, 1.82, 11.2, 2.22), db.DBox(0, 0, 1, 1)]
    twice = {**BARE, "nor": {CONTACT: [db.DBox(-19.0, 0.5, -18.8, 0.9)]}}
    assert library_violations(layout, {CONTACT: boxes}, twice) == {"nand": {CONTACT: 2}}
    assert library_violations(layout, {CONTACT: boxes}, {"nand": {}, "nor": {}}) == {}


def test_cells_are_taken_from_the_library_as_it_draws_them(layout, tmp_path):
    library = db.Layout()
    for name, width in (("nand", 500), ("nor", 600), ("xor", 700), ("tap", 100)):
        library.create_cell(name).shapes(library.layer(*OUTLINE)).insert(db.Box(0, 0, width, 100))
    library.write(str(tmp_path / "library.gds"))
    names = take_cells(tmp_path / "library.gds", layout, "tap", tmp_path / "cells.gds")
    assert names == ["nand", "nand__tapped", "nor", "nor__tapped"]
    taken = db.Layout()
    taken.read(str(tmp_path / "cells.gds"))
    sides = {cell.name: (cell.bbox().left, cell.bbox().right) for cell in taken.each_cell()}
    alone = {"nand": (0, 500), "nor": (0, 600), "tap": (0, 100)}
    assert sides == {**alone, "nand__tapped": (-100, 600), "nor__tapped": (-100, 700)}


needs_magic = pytest.mark.skipif(
    signoff_fault() is not None or "SILICODEC_PDK" not in os.environ, reason="needs Magic and its rules"
)


@needs_magic
def test_layouts_have_no_cell_that_breaks_a_rule_by_itself(tmp_path):
    cells = Path(os.environ["SILICODEC_PDK"]).resolve() / DRAWN_CELLS
    check_cells(tmp_path, take_cells(cells, cells, TAP, tmp_path / "cells.gds"))
    broken = {name for name, rules in read_cells(tmp_path / "reports").items() if any(rules.values())}
    assert set(BREAK_A_RULE) < broken
    assert {name.split("__")[1] for name in broken - set(BREAK_A_RULE)} == NEVER_TAKEN


@needs_magic
@pytest.mark.parametrize(("neighbour", "own"), [(TAP, ["met1.1"]), (WITH_FAULT, ["LU.2", "LU.3", "met1.1", "nwell.4"])])
def test_magic_finds_in_a_layout_what_it_finds_in_the_bare_cell(tmp_path, neighbour, own):
    """A cell beside a tap, and one beside another cell, where the missing tap is the layout's; and a narrow wire."""
    root = Path(os.environ["SILICODEC_PDK"]).resolve()
    made = db.Layout()
    made.read(str(root / DRAWN_CELLS))
    cell, beside, top = made.cell(WITH_FAULT), made.cell(neighbour), made.create_cell("top")
    reach = sum(one.bbox(made.layer(*OUTLINE)).width() for one in (cell, beside))
    top.insert(db.CellInstArray(beside.cell_index(), db.Trans(0, 0)))
    top.insert(db.CellInstArray(cell.cell_index(), db.Trans(db.Trans.M90, reach, 0)))
    top.shapes(made.layer(*METAL_1)).insert(db.Box(0, 5_000, 100, 8_000))
    options = db.SaveLayoutOptions()
    options.clear_cells()
    options.add_cell(top.cell_index())
    layout = tmp_path / "layout.gds"
    made.write(str(layout), options)
    names = take_cells(root / DRAWN_CELLS, layout, TAP, tmp_path / "cells.gds")
    for cells, some in ((tmp_path / "cells.gds", names), (layout, ["top"])):
        folder = tmp_path / some[0]
        folder.mkdir()
        shutil.copy(cells, folder / "cells.gds")
        check_cells(folder, some)
    places = read_places(tmp_path / "top" / "reports" / "top.drc")
    of_library = library_violations(layout, places, read_cells(tmp_path / names[0] / "reports"))
    (found,) = (of_library[name] for name in of_library)
    assert {rule_name(rule): count for rule, count in found.items()} == {"licon.8a": 1 + (neighbour == WITH_FAULT)}
    assert sorted(rule_name(rule) for rule in places if rule not in found) == own


def check_cells(folder, names):
    """Check some cells of a folder's `cells.gds`."""
    rules = Path(os.environ["SILICODEC_PDK"]).resolve() / SIGNOFF_FILES[0]
    (folder / "reports").mkdir()
    (folder / "script.tcl").write_text(cell_script(rules, names))
    subprocess.run(["magic", "-noconsole", "-dnull", "script.tcl"], cwd=folder, check=True, timeout=120)


def rule_name(rule):
    """Return the short name that ends a rule's text."""
    return rule.rpartition("(")[2].rstrip(")")
