"""Area and critical paths of any Verilog on SkyWater 130, before layout."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

from silicodec.asic.cells import Library
from silicodec.asic.constraints import BARE, Constraints
from silicodec.asic.limits import clock_cells, limits_script, worst_load
from silicodec.asic.memory_build import BuiltMemory, build_memories
from silicodec.asic.pdk import CORNER, CORNERS, GATE_EQUIVALENT_UM2, PERIOD_NS, MeasurementError, liberty_file
from silicodec.asic.statistics import Statistics, read_statistics
from silicodec.asic.timing import Paths, Timing, ends_script, read_ends, read_timing, timing_script, whole_script
from silicodec.models.processes import describe_exit, run_group
from silicodec.rtl.source import Source, SourceError


@dataclass(frozen=True)
class Measurement:
    """Figures of one design, of the netlist of its logic: memories and black boxes are left outside.

    Parameters
    ----------
    name : str
        What was measured: the engine's name, or the top module of other Verilog.
    top : str
        The top module.
    area_um2 : float
        Cell area of the logic after synthesis and sizing, in square micrometres.
    gate_equivalents : float
        The same in areas of `nand2_1`.
    area_with_memories_um2 : float
        Area of logic and memories together, in square micrometres.
    memories : list of BuiltMemory
        What the memories are made of, which were left outside, and what they take.
    flip_flops : int
        Number of flip-flops in the logic.
    buffers : int
        Buffers that nets of a large load got after synthesis, among the cells.
    corners : dict of str to Timing
        By corner: critical paths, those to and from memories among those of registers, slews and loads.
    constraints : Constraints
        What timing takes into account, and what the shortest clock period leaves to ports.
    period_ns : float
        The clock period that synthesis aimed for, in nanoseconds.
    corner : str
        Cell library and operating conditions that synthesis maps to.
    tools : dict
        Tool name to version.
    verilog_sha256 : str
        `Source.sha256`.
    black_boxes : dict
        Modules without content that were left outside, each with its number.
    clock_gating : bool
        Whether registers with an enable got a gated clock.
    full_adders : int
        How many bits of each adder are made of the library's full adder cells, the lowest ones.
    """

    name: str
    top: str
    area_um2: float
    gate_equivalents: float
    area_with_memories_um2: float
    memories: list[BuiltMemory]
    flip_flops: int
    buffers: int
    corners: dict[str, Timing]
    constraints: Constraints
    period_ns: float
    corner: str
    tools: dict[str, str]
    verilog_sha256: str
    black_boxes: dict[str, int] = field(default_factory=dict)
    clock_gating: bool = False
    full_adders: int = 0

    @property
    def memory_bits(self) -> int:
        """Bits of the memories that were left outside."""
        return sum(memory.total_bits for memory in self.memories)

    @property
    def paths(self) -> Paths:
        """Critical paths at the typical corner."""
        return self.corners["typical"].paths

    @property
    def critical_path_ns(self) -> float | None:
        """Critical path between registers at the typical corner, setup time included; None without such a path."""
        return self.paths.register_to_register_ns

    @property
    def limit_violations(self) -> int:
        """Slews and loads beyond their limits, at all corners."""
        return sum(timing.limits.violations for timing in self.corners.values() if timing.limits)


def measure(
    source: Source,
    *,
    name: str | None = None,
    clock_ports: Sequence[str] = ("clk",),
    period_ns: float = PERIOD_NS,
    clock_gating: bool = False,
    full_adders: int = 0,
) -> Measurement:
    """Synthesise a design with Yosys and ABC, and time the netlist with OpenSTA.

    Inputs are driven by `buf_4` and outputs loaded with 33 fF. The same Verilog gives the same figures every time, but
    ABC is sensitive: a change of names alone moves area by some 3 % and the path by up to 15 %.

    Memories that the design writes to are left outside: of the paths to and from them the part in the logic counts, and
    their access time does not. They are built apart, of what takes the least area, as `build_memories` says.

    Parameters
    ----------
    source : Source
        The design.
    name : str, optional
        Name for the record; by default the top module's.
    clock_ports : sequence of str
        The top module's clock inputs; all have the same period, and paths between two of them are not timed.
    period_ns : float
        The clock period to aim for, in nanoseconds.
    clock_gating : bool
        Whether registers with an enable get a gated clock.
    full_adders : int
        How many bits of each adder are made of the library's full adder cells, the lowest ones.

    Returns
    -------
    Measurement
        The figures.

    Raises
    ------
    MeasurementError
        If a tool or the process data is missing, or the design cannot be read, synthesised or timed.
    """
    if not 0 < period_ns < 1000:
        raise MeasurementError(f"the clock period must be between 0 and 1000 ns, not {period_ns}")
    liberty_file()  # if it is missing, say so before any work
    tools = tool_versions()
    with tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
        folder = Path(temporary)
        try:
            source.stage(folder)
        except SourceError as error:
            raise MeasurementError(str(error)) from None
        gating = ["--clock-gating"] if clock_gating else []
        options = ["--memories-outside", *gating, f"--full-adders={full_adders}"]
        statistics = synthesize(source.top, folder, clock_ports, period_ns, *options)
        outside = json.loads((folder / "outside.json").read_text())
        clocked = statistics.flip_flops or outside["memories"] or outside["black_boxes"]
        ports = clock_ports if clocked else ()
        corners = {
            corner: time_netlist(source.top, folder, ports, period_ns, liberty=liberty_file(corner))[0]
            for corner in CORNERS
        }
        memories = build_memories(
            outside["memories"], lambda top, place: synthesize(top, place, ("clk",), period_ns, *gating)
        )
    return Measurement(
        name=name or source.top,
        top=source.top,
        area_um2=round(statistics.area_um2, 1),
        gate_equivalents=round(statistics.area_um2 / GATE_EQUIVALENT_UM2, 1),
        area_with_memories_um2=round(statistics.area_um2 + sum(memory.total_um2 for memory in memories), 1),
        memories=memories,
        flip_flops=statistics.flip_flops,
        buffers=outside["buffers"],
        corners=corners,
        constraints=BARE,
        period_ns=period_ns,
        corner=CORNER,
        tools=tools,
        verilog_sha256=source.sha256,
        black_boxes=outside["black_boxes"],
        clock_gating=clock_gating,
        full_adders=full_adders,
    )


def tool_versions() -> dict[str, str]:
    """Versions of the tools that a measurement uses.

    Raises
    ------
    MeasurementError
        If one of them is missing.
    """
    try:
        pyosys = version("pyosys")
    except PackageNotFoundError:
        raise MeasurementError("pyosys is missing: pip install 'silicodec[asic]'") from None
    if shutil.which("sta") is None:
        raise MeasurementError("OpenSTA's command `sta` is missing: on Debian, apt-get install opensta")
    opensta = subprocess.run(["sta", "-version"], capture_output=True, text=True).stdout.strip()
    return {"pyosys": pyosys, "opensta": opensta}


def synthesize(
    top: str, folder: Path, clock_ports: Sequence[str], period_ns: float, *options: str, black_boxes: bool = True
) -> Statistics:
    """Run `silicodec.asic.synthesis` in a process of its own, in the folder of a staged source."""
    command = [sys.executable, "-m", "silicodec.asic.synthesis", "--period-ns", str(period_ns), *options]
    command += ["--black-boxes"] * black_boxes
    command += [f"--clock-port={port}" for port in clock_ports]
    (folder / "netlist.v").unlink(missing_ok=True)
    done = run_group(command, folder)
    if done.returncode != 0:
        log = folder / "log"
        said = done.stderr + (log.read_text(errors="replace") if log.exists() else "")
        raise MeasurementError(f"synthesis of {top} failed: {failure(done.returncode, said)}")
    return read_statistics(folder / "statistics.json")


def time_netlist(
    top: str,
    folder: Path,
    clock_ports: Sequence[str],
    period_ns: float,
    *,
    liberty: Path,
    constraints: Constraints = BARE,
    ends: Mapping[str, Sequence[str]] = MappingProxyType({}),
    further: Sequence[str] = (),
) -> tuple[Timing, dict[str, float | None]]:
    """Time the netlist in a folder with OpenSTA.

    Parameters
    ----------
    liberty : Path
        The cells' liberty file (gzip) of a corner.
    constraints : Constraints
        What timing takes into account.
    ends : dict of str to sequence of str
        Patterns of names of cells, for each name under which the critical path to them is wanted.
    further : sequence of str
        Further constraints (SDC).

    Returns
    -------
    Timing, dict of str to float or None
        Of the whole; and between registers, to each of `ends`.
    """
    cells = gzip.decompress(liberty.read_bytes()).decode()
    (folder / "corner.lib").write_text(cells)
    netlist = (folder / "netlist.v").read_text()
    script = timing_script(
        liberty="corner.lib",
        netlist="netlist.v",
        top=top,
        clock_ports=clock_ports,
        period_ns=period_ns,
        constraints=constraints,
        further=further,
    )
    ideal = clock_cells(netlist)
    (folder / "timing.tcl").write_text(
        whole_script(script, ends_script(ends, clock_ports), limits_script(layout=False, ideal=ideal))
    )
    done = run_group(["sta", "-no_init", "-exit", "timing.tcl"], folder)
    if done.returncode < 0:
        raise MeasurementError(f"timing of {top} failed: {describe_exit(done.returncode)}")
    loads = worst_load(netlist, Library(cells))
    try:
        said = done.stderr + done.stdout
        return read_timing(said, period_ns, loads), read_ends(said, ends, period_ns)
    except ValueError as error:
        raise MeasurementError(f"timing of {top} failed: {str(error).removeprefix('error: ')}") from None


ABC_KILLED = re.compile(r"ABC: execution of script .* failed: return code (-1|1[3-9]\d)\b")
"""What Yosys says when a signal ended ABC: -1, or 128 more than the signal's number where a shell stood between."""


def failure(code: int, said: str) -> str:
    """Say why a program failed, from its exit code and what it printed."""
    if ABC_KILLED.search(said):
        return "ABC, its logic optimiser, was killed: perhaps memory ran out"
    return describe_exit(code) if code < 0 else reason(said) or describe_exit(code)


def reason(said: str) -> str:
    """Pick the tool's own words for its failure: its first line with an error, or else the last line that it wrote."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return re.sub(r"\bERROR: ", "", (errors or lines[-1:] or [""])[0])
