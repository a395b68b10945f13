"""Abstract views of macros: what is left of their supplies, and where their pins can be reached."""

import gzip
import re
from pathlib import Path

import pytest

pytest.importorskip("klayout")

from klayout import db

from silicodec.asic.abstract import clear_pins, keep_outer_rails
from silicodec.asic.macros import macro_folder

LEF = """MACRO memory
    SIZE 100.000 BY 50.000 ;
    PIN vdd
        USE POWER ;
        PORT
            LAYER met2 ;
                RECT 1.000 1.000 99.000 2.000 ;
                RECT 1.000 10.000 60.000 11.000 ;
                RECT 1.000 20.000 99.000 21.000 ;
                RECT 1.000 48.000 99.000 49.000 ;
        END
    END vdd
    PIN vss
        USE GROUND ;
        PORT
            LAYER met2 ;
                RECT 1.000 30.000 60.000 31.000 ;
                RECT 1.000 40.000 60.000 41.000 ;
        END
    END vss
    PIN d[0]
        PORT
            LAYER met2 ;
                RECT 0.000 0.000 100.000 0.140 ;
                RECT 0.000 5.000 100.000 5.140 ;
                RECT 0.000 6.000 100.000 6.140 ;
        END
    END d[0]
    OBS
        LAYER met2 ;
            RECT 0.000 0.000 100.000 50.000 ;
    END
END memory
"""


def rectangles(lef: str, pin: str) -> list[str]:
    return re.findall(r"RECT (.*?) ;", lef[lef.index(f"PIN {pin}") : lef.index(f"END {pin}")])


def test_of_a_supply_the_outer_rails_are_left():
    found = keep_outer_rails(LEF)
    assert rectangles(found, "vdd") == ["1.000 1.000 99.000 2.000", "1.000 48.000 99.000 49.000"]
    assert rectangles(found, "vss") == rectangles(LEF, "vss"), "it has no rail as long as the macro is wide"
    assert rectangles(found, "d[0]") == rectangles(LEF, "d[0]"), "it is no supply"
    assert found.replace(" ", "").count("\n") == LEF.count("\n") - 2


def covered(lef: str) -> float:
    """Area of obstructions in square micrometres, if none overlap."""
    part = re.search(r"^ *OBS.*?^ *END *$", lef, re.MULTILINE | re.DOTALL)[0]
    area = 0.0
    for corners in re.findall(r"RECT (.*?) ;", part):
        left, bottom, right, top = map(float, corners.split())
        area += (right - left) * (top - bottom)
    return area


def test_obstructions_are_left_but_where_pins_are():
    pins = 98 * 1 * 3 + 59 * 1 + 59 * 1 * 2 + 100 * 0.14 * 3
    assert covered(clear_pins(LEF)) == pytest.approx(5000 - pins)
    assert clear_pins(LEF).count("OBS") == 1
    assert clear_pins("MACRO none\nEND none\n") == "MACRO none\nEND none\n"


@pytest.mark.skipif(macro_folder() is None, reason="SILICODEC_PDK holds no macros")
def test_every_macro_has_two_rails_of_each_supply():
    files = sorted(macro_folder().glob("*/*.lef.gz"))
    assert files
    for file in files:
        lef = keep_outer_rails(gzip.decompress(file.read_bytes()).decode())
        for supply in ("vdd", "vss"):
            low, high = (list(map(float, corners.split())) for corners in rectangles(lef, supply))
            assert low[3] < high[1], file
            assert low[2] - low[0] == high[2] - high[0], file


DRAWN = sorted((macro_folder() or Path("absent")).glob("*/*.gds.gz"))
METALS = ((68, 20), (68, 44), (69, 20), (69, 44), (70, 20))
"""GDS layers of metal 1 to 3, with the vias between them."""


@pytest.mark.skipif(macro_folder() is None, reason="SILICODEC_PDK holds no macros")
@pytest.mark.parametrize("file", DRAWN, ids=lambda file: file.parent.name)
def test_rails_that_are_left_supply_the_whole_macro(file):
    """Within the macro metal connects them to all the lines that are left out."""
    name = file.parent.name
    layout = db.Layout()
    layout.read(str(file))
    drawn = db.LayoutToNetlist(db.RecursiveShapeIterator(layout, layout.cell(name), []))
    layers = [drawn.make_layer(layout.layer(*metal)) for metal in METALS]
    for layer, above in zip(layers, [*layers[1:], None], strict=True):
        drawn.connect(layer)
        if above:
            drawn.connect(layer, above)
    drawn.extract_netlist()
    lef = gzip.decompress((file.parent / f"{name}.lef.gz").read_bytes()).decode()
    nets = {}
    for supply in ("vdd", "vss"):
        lines = [list(map(float, corners.split())) for corners in rectangles(lef, supply)]
        places = [db.DPoint((x + right) / 2, (y + top) / 2) for x, y, right, top in lines]
        nets[supply] = {drawn.probe_net(layers[2], place).expanded_name() for place in places}
        assert len(places) > 400
    assert [len(found) for found in nets.values()] == [1, 1]
    assert nets["vdd"] != nets["vss"]
