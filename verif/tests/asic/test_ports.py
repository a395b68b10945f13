"""Pins on the sides of a die: more than fit are told, side by side."""

import pytest

pytest.importorskip("pyosys")

from silicodec.asic.pdk import MeasurementError
from silicodec.asic.ports import crowded_sides

FLOORPLAN = """
UNITS DISTANCE MICRONS 1000 ;
DIEAREA ( 0 0 ) ( 4600 6800 ) ;
TRACKS X 230 DO 10 STEP 460 LAYER met2 ;
TRACKS Y 340 DO 10 STEP 680 LAYER met3 ;
PINS 4 ;
    - a[0] + NET a[0] + DIRECTION INPUT + USE SIGNAL
      + PORT
        + LAYER met3 ( -400 -150 ) ( 400 150 )
        + FIXED ( 400 340 ) N ;
    - b\\[0\\] + NET b + DIRECTION INPUT + PORT + LAYER met2 ( -70 -400 ) ( 70 400 ) + FIXED ( 230 400 ) N ;
"""


def pins(name, count, side):
    """So many pins of a port on a side."""
    return {f"{name}[{number}]": side for number in range(count)}


def layout(*placed):
    """Make the floorplan with these pins."""
    a, b = (FLOORPLAN[FLOORPLAN.index(f"    - {name}") :].partition(";\n")[0] + ";\n" for name in "ab")
    lines = [
        (b if side in ("north", "south") else a).replace("- a[0]", f"- {pin}").replace(r"- b\[0\]", f"- {pin}")
        for pins in placed
        for pin, side in pins.items()
    ]
    return FLOORPLAN[: FLOORPLAN.index("    - a")] + "".join(lines)


@pytest.mark.parametrize("side", ["west", "east", "north", "south"])
def test_a_side_takes_a_pin_less_than_it_has_tracks(side):
    fits, crowded = pins("x", 9, side), pins("x", 10, side)
    assert crowded_sides(layout(fits), fits) == []
    assert crowded_sides(layout(crowded), crowded) == [f"the {side} side takes 9 pins, 10 are to go there"]


def test_every_crowded_side_is_named():
    placed = pins("x", 10, "west") | pins("y", 3, "east") | pins("z", 12, "north")
    assert crowded_sides(layout(placed), placed) == [
        "the west side takes 9 pins, 10 are to go there",
        "the north side takes 9 pins, 12 are to go there",
    ]


def test_a_floorplan_without_an_outline_is_refused():
    with pytest.raises(MeasurementError, match="no outline"):
        crowded_sides("", {"a": "west"})
