"""Area and longest path of any Verilog on SkyWater 130, before layout."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from silicodec.asic.pdk import (
    CORNER,
    DRIVING_CELL,
    FROM_MEMORY,
    GATE_EQUIVALENT_UM2,
    OUTPUT_LOAD_FF,
    TO_MEMORY,
    MeasurementError,
    liberty_file,
)
from silicodec.asic.statistics import read_statistics


@dataclass(frozen=True)
class Measurement:
    """Figures of one design, area and path of the same netlist.

    Parameters
    ----------
    name : str
        What was measured: the engine's name, or the top module of other Verilog.
    top : str
        The top module.
    area_um2 : float
        Cell area after synthesis and sizing, in square micrometres.
    gate_equivalents : float
        The same in areas of `nand2_1`.
    flip_flops : int
        Number of flip-flops.
    longest_path_ns : float
        Longest path between flip-flops, setup time included, in nanoseconds.
    period_ns : float
        The clock period that synthesis aimed for, in nanoseconds.
    corner : str
        Cell library and operating conditions.
    tools : dict
        Tool name to version.
    verilog_sha256 : str
        Hash of the Verilog files' contents, in order.
    memory_bits : int
        Bits of the memories that were left outside.
    """

    name: str
    top: str
    area_um2: float
    gate_equivalents: float
    flip_flops: int
    longest_path_ns: float
    period_ns: float
    corner: str
    tools: dict[str, str]
    verilog_sha256: str
    memory_bits: int = 0


def measure(
    verilog_files: Sequence[str | Path],
    top: str,
    *,
    name: str | None = None,
    clock_port: str = "clk",
    period_ns: float = 3.0,
) -> Measurement:
    """Synthesise a design with Yosys and ABC, and time the netlist with OpenSTA.

    Inputs are driven by `buf_4` and outputs loaded with 33 fF. The same Verilog gives the same figures every time, but
    ABC is sensitive: a change of names alone moves area by some 3 % and the path by up to 15 %.

    Memories that the design writes to are left outside: of the paths to and from them the part in the logic counts, and
    their own area and access time do not.

    Parameters
    ----------
    verilog_files : sequence of path
        Verilog or SystemVerilog files.
    top : str
        The top module.
    name : str, optional
        Name for the record; by default the top module's.
    clock_port : str
        The top module's clock input.
    period_ns : float
        The clock period to aim for, in nanoseconds.

    Returns
    -------
    Measurement
        The figures.

    Raises
    ------
    MeasurementError
        If a tool or the process data is missing, or the design cannot be read, synthesised or timed.
    """
    if not re.fullmatch(r"[A-Za-z_][\w$]*", top):
        raise MeasurementError(f"{top!r} is not the name of a Verilog module")
    if not 0 < period_ns < 1000:
        raise MeasurementError(f"the clock period must be between 0 and 1000 ns, not {period_ns}")
    files = [Path(file).resolve() for file in verilog_files]
    for file in files:
        if not file.is_file():
            raise MeasurementError(f"{file}: no such Verilog file")
    liberty_file()  # if it is missing, say so before any work
    tools = tool_versions()
    with tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
        folder = Path(temporary)
        synthesize(files, top, clock_port, period_ns, folder)
        statistics = read_statistics(folder / "statistics.json")
        memory_bits = read_memory_bits(folder / "memories.json")
        path_ns = longest_path(folder, top, clock_port, period_ns)
    return Measurement(
        name=name or top,
        top=top,
        area_um2=round(statistics.area_um2, 1),
        gate_equivalents=round(statistics.area_um2 / GATE_EQUIVALENT_UM2, 1),
        flip_flops=statistics.flip_flops,
        longest_path_ns=path_ns,
        period_ns=period_ns,
        corner=CORNER,
        tools=tools,
        verilog_sha256=hash_files(files),
        memory_bits=memory_bits,
    )


def read_memory_bits(file: Path) -> int:
    """Add up the bits of the memories that synthesis left outside."""
    return sum(json.loads(file.read_text()).values()) if file.exists() else 0


def hash_files(files: Sequence[Path]) -> str:
    """SHA-256 over the contents of the files, in order."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


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


def synthesize(files: Sequence[Path], top: str, clock_port: str, period_ns: float, folder: Path) -> None:
    """Run `silicodec.asic.synthesis` in a process of its own."""
    command = [sys.executable, "-m", "silicodec.asic.synthesis", "--memories-outside"]
    done = subprocess.run(
        [*command, top, clock_port, str(period_ns), str(folder), *map(str, files)], capture_output=True, text=True
    )
    if done.returncode != 0 or not (folder / "netlist.v").exists():
        log = folder / "log"
        said = done.stderr + (log.read_text() if log.exists() else "")
        raise MeasurementError(f"synthesis of {top} failed: {reason(said) or f'exit code {done.returncode}'}")


def longest_path(folder: Path, top: str, clock_port: str, period_ns: float) -> float:
    """Longest path of the netlist between flip-flops and outside memories, in nanoseconds, by OpenSTA."""
    script = folder / "timing.tcl"
    script.write_text(
        f"read_liberty {folder / 'cells.lib'}\n"
        f"read_verilog {folder / 'netlist.v'}\n"
        f"link_design {top}\n"
        f"create_clock -name clk -period {period_ns} [get_ports {clock_port}]\n"
        f"set_driving_cell -lib_cell {DRIVING_CELL} [all_inputs]\n"
        f"set_load {OUTPUT_LOAD_FF / 1000} [all_outputs]\n"
        f"set_input_delay 0 -clock clk [get_ports -quiet {FROM_MEMORY}*]\n"
        f"set_output_delay 0 -clock clk [get_ports -quiet {TO_MEMORY}*]\n"
        "report_checks -path_delay max\n"
    )
    done = subprocess.run(["sta", "-exit", str(script)], capture_output=True, text=True)
    slacks = re.findall(r"(-?[\d.]+)\s+slack", done.stdout)
    if not slacks:
        if "No paths found" in done.stdout:
            raise MeasurementError(f"{top} has no path between flip-flops clocked by {clock_port!r}")
        raise MeasurementError(f"timing of {top} failed: {reason(done.stderr + done.stdout)}")
    return round(period_ns - float(slacks[-1]), 2)


def reason(said: str) -> str:
    """Pick the tool's own words for its failure: its first line with an error, or else the last line that it wrote."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return re.sub(r"\bERROR: ", "", (errors or lines[-1:] or [""])[0])
