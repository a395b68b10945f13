"""Backend `netlist`: the engine synthesised to SkyWater 130 cells, in Icarus.

Importing this module adds the backend to `silicodec.verif.backends.BACKENDS`. Synthesis is a program that runs on its
own, like the simulators: `python -m silicodec.asic.memory_netlist`. Memories are what takes the least area.
"""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from silicodec.rtl.convert import verilog as convert
from silicodec.rtl.engine import Engine
from silicodec.rtl.source import Source
from silicodec.verif.backends import BACKENDS, icarus
from silicodec.verif.cache import run_tool
from silicodec.verif.drivers.stimulus import Recording, Stimulus
from silicodec.verif.errors import SimulationError


def run(engine: Engine, stimulus: Stimulus, verilog: str | None) -> Recording:
    """Synthesise the Verilog, and simulate the netlist without delays."""
    return icarus.run(engine, stimulus, _gates(engine.top, verilog or convert(engine)))


@cache
def _gates(top: str, verilog: str) -> str:
    """Return the netlist of a design with the models of its cells and macros.

    Not kept on disk, because the recipe and the cells' data are not known here; what Icarus compiles of it is.
    """
    if find_spec("pyosys") is None:
        raise SimulationError("pyosys is missing: pip install 'silicodec[asic]'")
    program = (sys.executable, "-m", "silicodec.asic.memory_netlist", "--clock-port=clk")
    with tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
        Source(top, text=verilog).stage(Path(temporary))
        run_tool(*program, cwd=Path(temporary), package="python3")
        return Path(temporary, "gates.v").read_text()


BACKENDS["netlist"] = run
