"""What is kept of a layout is what its steps made, by names that say whose it is."""

import pytest

pytest.importorskip("klayout")
pytest.importorskip("siliconcompiler")

from klayout import db

from silicodec.asic.layout_views import keep_layout

MADE = ("small.lef", "small.slow.lib", "small.slow.sdf", "small.slow.spef", "small.vg", "small.odb", "small.sdc")


@pytest.fixture
def steps(tmp_path):
    """What the steps of a layout left, with a layout that is compressed."""
    drawn, views = (tmp_path / "job" / step / "0" / "outputs" for step in ("write.gds", "write.views"))
    drawn.mkdir(parents=True)
    views.mkdir(parents=True)
    layout = db.Layout()
    layout.create_cell("small").shapes(layout.layer(68, 20)).insert(db.DBox(0, 0, 4, 10))
    layout.write(str(drawn / "small.gds.gz"))
    (drawn / "small.lyp").write_text("<layer-properties/>")
    for name in MADE:
        (views / name).write_text(f"this is {name}")
    return tmp_path / "job"


def test_layout_picture_and_macro_lie_beside_the_record(steps, tmp_path):
    beside = tmp_path / "records" / "engine.gated.layout"
    keep_layout(steps, "small", beside)
    assert {path.name for path in beside.parent.iterdir()} == {
        "engine.gated.layout",
        "engine.gated.layout.gds.gz",
        "engine.gated.layout.png",
    }
    made = steps / "write.gds" / "0" / "outputs" / "small.gds.gz"
    assert beside.with_name("engine.gated.layout.gds.gz").read_bytes() == made.read_bytes()
    assert {path.name: path.read_text() for path in beside.iterdir()} == {
        **{name: f"this is {name}" for name in MADE[:4]},
        "small.v": "this is small.vg",
    }


def test_a_second_layout_takes_the_place_of_the_first(steps, tmp_path):
    keep_layout(steps, "small", tmp_path / "engine.layout")
    (steps / "write.views" / "0" / "outputs" / "small.vg").write_text("another netlist")
    keep_layout(steps, "small", tmp_path / "engine.layout")
    assert (tmp_path / "engine.layout" / "small.v").read_text() == "another netlist"
