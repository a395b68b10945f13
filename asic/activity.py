"""Switching activity of an engine's netlist at work, for power analysis.

Simulation of a netlist is a program that runs on its own. Usage:

    python -m silicodec.asic.activity ENGINE STIMULUS NETLIST LIBERTY PERIOD_NS TARGET

STIMULUS is a `.npy` file that the engine works on, NETLIST the engine in standard cells, LIBERTY the text of the cells'
liberty file. TARGET takes the waveform of every cell's ports (VCD, gzip) from reset to the last transfer, with times as
at a clock period of PERIOD_NS nanoseconds; the engine is the instance `testbench/engine` there.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from silicodec.rtl.catalog import find_engine
from silicodec.rtl.engine import Engine
from silicodec.verif.cache import run_tool
from silicodec.verif.compare import check
from silicodec.verif.errors import SimulationError

RESET_CYCLES = 2
PERIOD = 3000
"""Clock period in the waveform: MyHDL's bench takes three units a cycle, each 1000 in Icarus."""


def record_activity(
    engine: Engine, tensor: np.ndarray, netlist: Path, liberty: Path, period_ns: float, target: Path
) -> None:
    """Simulate a netlist on a tensor, hold its output to the reference, and write its waveform.

    Parameters
    ----------
    engine : Engine
        What the netlist was made from.
    tensor : ndarray
        Integers that the engine's `stimulus` takes.
    netlist, liberty : Path
        Verilog of standard cells, and the cells' liberty file.
    period_ns : float
        Clock period in nanoseconds.
    target : Path
        File to write.

    Raises
    ------
    AssertionError
        If the netlist does not do what the reference does.
    SimulationError
        If a tool fails.
    """
    with tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
        gates, waveform = Path(temporary, "gates.v"), Path(temporary, "waveform.vcd")
        program = (sys.executable, "-m", "silicodec.asic.cell_models")
        run_tool(*program, str(netlist), str(liberty), engine.top, str(gates), package="python3")
        inputs, verilog = engine.stimulus([tensor]), gates.read_text()
        simulation = check(engine, inputs, backend="icarus", verilog=verilog, waveform=waveform)
        cycles = RESET_CYCLES + simulation.cycles
        with waveform.open() as lines, gzip.open(target, "wt", compresslevel=1) as output:
            output.writelines(at_clock(lines, period_ns, cycles))


def at_clock(lines: Iterable[str], period_ns: float, cycles: int) -> Iterator[str]:
    """Cut a waveform off after so many cycles, and let its clock have this period."""
    lines = iter(lines)
    for line in lines:
        yield line
        if line.startswith("$timescale"):
            next(lines)
            yield f"\t{round(1e6 * period_ns / PERIOD)} fs\n"
        if line.startswith("#") and int(line[1:]) >= cycles * PERIOD:
            return


def main() -> None:
    """Read the arguments and record."""
    name, stimulus, netlist, liberty, period_ns, target = sys.argv[1:]
    try:
        array = np.load(stimulus, allow_pickle=False)
        record_activity(find_engine(name), array, Path(netlist), Path(liberty), float(period_ns), Path(target))
    except (AssertionError, SimulationError) as error:
        sys.exit(f"ERROR: {error}")


if __name__ == "__main__":
    main()
