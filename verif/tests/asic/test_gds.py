"""Cells of a layout have their drawn shapes."""

import pytest

pytest.importorskip("klayout")

from klayout import db

from silicodec.asic.gds import draw_cells

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
