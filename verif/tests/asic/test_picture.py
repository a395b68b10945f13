"""The picture of a layout shows what is in it, where it is."""

import pytest

pytest.importorskip("klayout")
pytest.importorskip("matplotlib")

from klayout import db
from matplotlib import image

from silicodec.asic.picture import draw_layout

LAYERS = """<?xml version="1.0" encoding="utf-8"?>
<layer-properties>
 <properties>
  <frame-color>#ff0000</frame-color><fill-color>#ff0000</fill-color><dither-pattern>I0</dither-pattern>
  <visible>true</visible><source>68/20</source>
 </properties>
 <properties>
  <frame-color>#00ff00</frame-color><fill-color>#00ff00</fill-color><dither-pattern>I0</dither-pattern>
  <visible>true</visible><source>81/4</source>
 </properties>
</layer-properties>
"""


@pytest.mark.parametrize("name", ["two.gds", "two.gds.gz"])
def test_picture_has_the_wires_of_the_layout_and_not_what_marks_areas(tmp_path, name):
    layout = db.Layout()
    shapes = layout.create_cell("two").shapes(layout.layer(68, 20))
    shapes.insert(db.DBox(0, 0, 4, 10))
    shapes.insert(db.DBox(16, 0, 20, 10))
    layout.top_cell().shapes(layout.layer(81, 4)).insert(db.DBox(0, 0, 20, 10))
    layout.write(str(tmp_path / name))
    (tmp_path / "layers.lyp").write_text(LAYERS)
    draw_layout(tmp_path / name, tmp_path / "layers.lyp", tmp_path / "two.png", pixels=200)
    picture = image.imread(tmp_path / "two.png")
    assert picture.shape[:2] == (100, 200)
    left, middle, right = (picture[50, column, :3].tolist() for column in (20, 100, 180))
    assert left == right == [1, 0, 0]
    assert middle == [1, 1, 1]
