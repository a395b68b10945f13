"""Power of the accelerator's logic by block: its netlist simulated on an image, and OpenSTA's report of that."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from silicodec.asic.blocks import SHIPPED, KeptNetlist
from silicodec.asic.gate_simulation import Switching, simulate_gates
from silicodec.asic.gates import GateNetlist, read_library, read_netlist
from silicodec.asic.measure import failure
from silicodec.asic.pdk import CORNER, MeasurementError, liberty_file
from silicodec.asic.power import EACH_CELL, PowerReport, power_script, read_cells_power
from silicodec.asic.switching import write_saif
from silicodec.asic.tools import OPENSTA, power_fault
from silicodec.models.processes import run_group
from silicodec.models.storage import written_whole
from silicodec.rtl.engine import Engine, Packets

RECORD = "accelerator-power.json"
CLOCK_PORT = "clk"


@dataclass(frozen=True)
class LogicPower:
    """Mean power of a netlist at work.

    Parameters
    ----------
    blocks : dict of str to PowerReport
        By block.
    period_ns : float
        Clock period in nanoseconds.
    first_cycle, cycles : int
        The cycles that counted, from the end of the reset on.
    work, corner : str
        What it worked on, and the cells.
    opensta, verilog_sha256 : str
        Version, and `Source.sha256` of what the netlist was made from.
    """

    blocks: dict[str, PowerReport]
    period_ns: float
    first_cycle: int
    cycles: int
    work: str
    corner: str
    opensta: str
    verilog_sha256: str

    @property
    def total_mw(self) -> float:
        """Power of all blocks in milliwatts."""
        return sum(block.total_mw for block in self.blocks.values())

    @property
    def pj_per_cycle(self) -> float:
        """Energy of a clock cycle in picojoules."""
        return self.total_mw * self.period_ns


def measure_power(
    kept: KeptNetlist, engine: Engine, inputs: Mapping[str, Packets], window: tuple[int, int], **described: Any
) -> tuple[LogicPower, dict[str, list[np.ndarray]]]:
    """Simulate a netlist that was kept, and let OpenSTA tell its power.

    Parameters
    ----------
    kept : KeptNetlist
        The netlist.
    engine : Engine
        What it was made from.
    inputs : dict of str to sequence of ndarray
        Packets of each input stream.
    window : int, int
        First cycle that counts, and how many do.
    described
        `period_ns` and `work` of the result.

    Returns
    -------
    LogicPower
        The power.
    dict of str to list of ndarray
        What the netlist gave until then.

    Raises
    ------
    MeasurementError
        If OpenSTA is missing or too old, or fails.
    """
    if fault := power_fault():
        raise MeasurementError(fault)
    cells = gzip.decompress(liberty_file().read_bytes()).decode()
    netlist = read_netlist(kept.netlist, read_library(cells), CLOCK_PORT)
    streams, switching = simulate_gates(netlist, engine, inputs, window, kept.memories)
    blocks = _report(kept, engine.top, (netlist, switching), cells, described["period_ns"])
    power = LogicPower(
        blocks=blocks,
        first_cycle=window[0],
        cycles=window[1],
        corner=CORNER,
        opensta=str(OPENSTA.version()),
        verilog_sha256=kept.verilog_sha256,
        **described,
    )
    return power, streams


def _report(
    kept: KeptNetlist, top: str, simulated: tuple[GateNetlist, Switching], cells: str, period_ns: float
) -> dict[str, PowerReport]:
    """Return the power of each block."""
    with tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
        folder = Path(temporary)
        (folder / "cells.lib").write_text(cells)
        (folder / "netlist.v").write_text(kept.netlist)
        write_saif(*simulated, period_ns, folder / "activity.saif.gz")
        script = power_script(
            liberty="cells.lib",
            netlist="netlist.v",
            top=top,
            clock_ports=[CLOCK_PORT],
            period_ns=period_ns,
            activity="activity.saif.gz",
            wanted=EACH_CELL,
        )
        (folder / "power.tcl").write_text(script)
        done = run_group(["sta", "-no_init", "-exit", "power.tcl"], folder)
    try:
        return read_cells_power(done.stdout, kept.block_of_cell)
    except ValueError as error:
        said = failure(done.returncode, done.stderr + done.stdout)
        raise MeasurementError(f"{str(error).removeprefix('error: ')}: {said}") from None


def same_beginning(wanted: Sequence[np.ndarray], found: Sequence[np.ndarray], *, whole: bool) -> bool:
    """Whether packets are the first words of other packets, or all of them where they are to be whole."""
    # Without a type in common: NumPy makes words of 64 bits and signed numbers floats of 53.
    expected, got = (np.concatenate(packets) if packets else np.zeros(0, np.uint64) for packets in (wanted, found))
    return np.array_equal(expected if whole else expected[: got.size], got)


def write_power(power: LogicPower, folder: Path) -> Path:
    """Write the record `folder/RECORD`."""
    path = folder / RECORD
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(asdict(power), indent=2) + "\n")
    return path


def read_logic_power(folder: Path = SHIPPED) -> LogicPower | None:
    """Read the record in a folder, by default the shipped one; None if there is none."""
    path = folder / RECORD
    if not path.is_file():
        return None
    fields = json.loads(path.read_text())
    blocks = {name: PowerReport(**block) for name, block in fields.pop("blocks").items()}
    return LogicPower(blocks=blocks, **fields)
