"""Which side of a layout each pin goes to.

Yosys knows the pins of a design's ports, in a program of its own. Usage, in the folder of a staged source:

    python -m silicodec.asic.ports

writes their names, `a` or `a[3]`, a line each, in the order of the ports, to the file `pins`: Yosys prints its log.
"""

from __future__ import annotations

import sys
import tempfile
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
