"""Which side of a layout each pin goes to.

Yosys knows the pins of a design's ports, in a program of its own. Usage, in the folder of a staged source:

    python -m silicodec.asic.ports

writes their names, `a` or `a[3]`, a line each, in the order of the ports, to the file `pins`: Yosys prints its log.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.measure import failure
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.yosys_log import pass_runner
from silicodec.models.processes import run_group
from silicodec.rtl.source import Source, read_staged

PINS = "pins"
SIDES = ("north", "east", "south", "west")
_DIE = re.compile(r"^DIEAREA \( \S+ \S+ \) \( (\d+) (\d+) \)", re.MULTILINE)
_TRACKS = re.compile(r"^TRACKS ([XY]) \S+ DO \d+ STEP (\d+) LAYER (\S+)", re.MULTILINE)
_PIN = re.compile(r"^\s*- (\S+) \+ NET[^;]*?\+ LAYER (\S+)", re.MULTILINE)


def pins_by_side(source: Source, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the side of each pin that a pattern names, in the order of the ports.

    Parameters
    ----------
    source : Source
        The design.
    wanted : mapping of str to str
        Side by name of a port or pin, or by a pattern; of several the first that matches counts.

    Raises
    ------
    MeasurementError
        If a pattern matches no port, or the design cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
        source.stage(Path(temporary))
        done = run_group([sys.executable, "-m", "silicodec.asic.ports"], Path(temporary))
        if done.returncode:
            raise MeasurementError(f"reading {source.top} failed: {failure(done.returncode, done.stderr)}")
        pins = Path(temporary, PINS).read_text().split()
    placed: dict[str, str] = {}
    for pattern, side in wanted.items():
        found = [pin for pin in pins if any(fnmatchcase(name, pattern) for name in (pin, pin.partition("[")[0]))]
        if not found:
            raise MeasurementError(f"{source.top} has no port {pattern!r} to put on the {side} side")
        placed = {**dict.fromkeys(found, side), **placed}
    return {pin: placed[pin] for pin in pins if pin in placed}


def crowded_sides(layout: str, placed: Mapping[str, str]) -> list[str]:
    """Say of which sides of a die pins would not keep the distance of a routing track, and so run past its corners.

    Parameters
    ----------
    layout : str
        The floorplan (DEF), with its tracks and pins.
    placed : mapping of str to str
        Side by pin, as `pins_by_side` returns it.

    Returns
    -------
    list of str
        What is wrong, a line a side.
    """
    found = _DIE.search(layout)
    if not found:
        raise MeasurementError("the floorplan has no outline")
    edges = {"X": int(found[1]), "Y": int(found[2])}
    steps = {(axis, layer): int(step) for axis, step, layer in _TRACKS.findall(layout)}
    layers = {pin.replace("\\", ""): layer for pin, layer in _PIN.findall(layout)}
    faults = []
    for side, needed in Counter(placed.values()).items():
        axis = "X" if side in ("north", "south") else "Y"
        layer = next(layers[pin] for pin in placed if placed[pin] == side)
        available = edges[axis] // steps[axis, layer] - 1
        if needed > available:
            faults.append(f"the {side} side takes {available} pins, {needed} are to go there")
    return faults


def main() -> None:
    """Write the pins of the design in the working folder."""
    source = read_staged(Path())
    design = yosys.Design()
    run = pass_runner(design, Path())
    for command in source.yosys_commands():
        run(command)
    top = design.top_module()
    pins: list[str] = []
    for name in top.ports:
        wire = top.wire(name)
        bits = range(wire.start_offset, wire.start_offset + wire.width)
        plain = name.str().removeprefix("\\")
        pins += [plain] if wire.width == 1 and not wire.start_offset else [f"{plain}[{bit}]" for bit in bits]
    Path(PINS).write_text("\n".join(pins))


if __name__ == "__main__":
    main()
