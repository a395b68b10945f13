"""Cells of a layout have their drawn shapes."""

import gzip

import pytest

pytest.importorskip("klayout")

from klayout import db

from silicodec.asic.gds import draw_cells, leave_empty, name_ports

OUTLINE, GATE, METAL = (235, 4), (66, 20), (68, 20)


def write(path, cells, top=None):
    """Write a layout with a box on each of some layers in its cells, and perhaps one that places them all."""
    layout = db.Layout()
    made = [layout.create_cell(name) for name in cells]
    for cell, layers in zip(made, cells.values(), strict=True):
        for layer in layers:
            cell.shapes(layout.layer(*layer)).insert(db.Box(0, 0, 100, 200))
    if top:
        whole = layout.create_cell(top)
        whole.shapes(layout.layer(*METAL)).insert(db.Box(0, 0, 5, 500))
        for place, cell in enumerate(made):
            whole.insert(db.CellInstArray(cell.cell_index(), db.Trans(1000 * place, 0)))
    layout.write(str(path))


def layers_of(path):
    layout = db.Layout()
    layout.read(str(path))
    infos = [layout.get_info(index) for index in layout.layer_indexes()]
    return {
        cell.name: {(info.layer, info.datatype) for info in infos if cell.shapes(layout.layer(info)).size()}
        for cell in layout.each_cell()
    }


def test_outlines_give_way_to_what_the_library_draws(tmp_path):
    write(tmp_path / "library.gds", {"nand": [GATE, METAL], "nor": [GATE]})
    write(tmp_path / "design.gds.gz", {"nand": [OUTLINE], "via": [METAL]}, top="design")
    draw_cells(tmp_path / "design.gds.gz", tmp_path / "library.gds")
    assert layers_of(tmp_path / "design.gds.gz") == {"nand": {GATE, METAL}, "via": {METAL}, "design": {METAL}}


def test_what_is_left_empty_keeps_its_places(tmp_path):
    write(tmp_path / "design.gds.gz", {"memory": [GATE, METAL], "nand": [GATE]}, top="design")
    leave_empty(tmp_path / "design.gds.gz", ["memory", "absent"], tmp_path / "design.gds")
    assert layers_of(tmp_path / "design.gds") == {"memory": set(), "nand": {GATE}, "design": {METAL}}
    layout = db.Layout()
    layout.read(str(tmp_path / "design.gds"))
    assert {placed.cell.name: placed.trans.disp.x for placed in layout.cell("design").each_inst()} == {
        "memory": 0,
        "nand": 1000,
    }


def test_what_only_empty_cells_place_is_gone(tmp_path):
    write(tmp_path / "design.gds.gz", {"bit": [GATE]}, top="memory")
    leave_empty(tmp_path / "design.gds.gz", ["memory"], tmp_path / "design.gds")
    assert layers_of(tmp_path / "design.gds") == {"memory": set()}


PLACED = """UNITS DISTANCE MICRONS 2000 ;
PINS 3 ;
    - keep + NET net + DIRECTION OUTPUT + USE SIGNAL
      + PORT
        + LAYER met3 ( -400 -150 ) ( 400 150 )
        + PLACED ( 800 1040 ) N ;
    - last + NET net + DIRECTION OUTPUT + USE SIGNAL
      + PORT
        + LAYER met3 ( -400 -150 ) ( 400 150 )
        + PLACED ( 800 4000 ) N ;
    - valid + NET valid + DIRECTION OUTPUT + USE SIGNAL
      + PORT
        + LAYER met3 ( -400 -150 ) ( 400 150 )
        + PLACED ( 800 -40 ) N ;
END PINS
"""


def test_ports_have_their_own_names(tmp_path):
    """Where a port is a constant its net has another name, which KLayout takes."""
    layout = db.Layout()
    top = layout.create_cell("top")
    texts = {(400, 520): "net", (400, 2000): "net", (400, -20): "valid", (0, 0): "net"}
    for (x, y), name in texts.items():
        top.shapes(layout.layer(70, 5)).insert(db.Text(name, x, y))
    layout.write(str(tmp_path / "top.gds.gz"))
    (tmp_path / "top.def.gz").write_bytes(gzip.compress(PLACED.encode()))
    name_ports(tmp_path / "top.gds.gz", tmp_path / "top.def.gz")
    named = db.Layout()
    named.read(str(tmp_path / "top.gds.gz"))
    found = {(one.text.x, one.text.y): one.text_string for one in named.top_cell().shapes(named.layer(70, 5)).each()}
    assert found == texts | {(400, 520): "keep", (400, 2000): "last"}
