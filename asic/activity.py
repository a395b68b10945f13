"""Switching activity of an engine's netlist at work, for power analysis.

Simulation of a netlist is a program that runs on its own. Usage:

    python -m silicodec.asic.activity ENGINE STIMULUS NETLIST LIBERTY PERIOD_NS TARGET

STIMULUS is a `.npy` file that the engine works on, NETLIST the engine in standard cells, LIBERTY the text of the cells'
liberty file. TARGET takes how often every pin of every cell switched (SAIF, gzip) from the end of the reset to the last
transfer, with times as at a clock period of PERIOD_NS nanoseconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from silicodec.asic.gate_simulation import simulate_gates
from silicodec.asic.gates import read_library, read_netlist
from silicodec.asic.switching import write_saif
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.engine import Engine
from silicodec.verif.compare import first_difference
from silicodec.verif.errors import SimulationError
from silicodec.verif.simulate import simulate

CLOCK_PORT = "clk"


def record_activity(
    engine: Engine, tensor: np.ndarray, netlist: Path, liberty: Path, period_ns: float, target: Path
) -> None:
    """Simulate a netlist on a tensor, hold its output to the reference, and write how often its pins switched.

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
    inputs = engine.stimulus([tensor])
    cycles = simulate(engine, inputs, backend="verilator").cycles
    gates = read_netlist(netlist.read_text(), read_library(liberty.read_text()), CLOCK_PORT)
    streams, switching = simulate_gates(gates, engine, inputs, (0, cycles))
    if difference := first_difference(engine.reference(inputs), streams):
        raise AssertionError(f"the netlist of {engine.name}: {difference}")
    write_saif(gates, switching, period_ns, target)


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
