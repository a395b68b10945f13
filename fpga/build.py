"""From Verilog to a bitstream, by edalize's flows for iCE40 and ECP5."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from silicodec.fpga.board_top import TOP, board_verilog
from silicodec.fpga.boards import Board
from silicodec.fpga.errors import BuildError
from silicodec.fpga.records import BuildRecord, Clock, Resource
from silicodec.fpga.tools import programs_on_path, versions
from silicodec.models.storage import written_whole
from silicodec.rtl.convert import verilog
from silicodec.rtl.engine import Engine


@dataclass(frozen=True)
class Design:
    """What to build.

    Parameters
    ----------
    name : str
        Name for the record.
    top : str
        The top module.
    verilog : str
        All of its Verilog.
    on_pins : bool
        Whether its ports go to the board's pins; otherwise nextpnr chooses pins, to measure the design alone.
    """

    name: str
    top: str
    verilog: str
    on_pins: bool = True

    @property
    def sha256(self) -> str:
        """Hash of the Verilog."""
        return hashlib.sha256(self.verilog.encode()).hexdigest()


def board_design(engine: Engine, board: Board) -> Design:
    """Return an engine with the board's UART."""
    return Design(engine.name, TOP, board_verilog(engine, board.divider))


def bare_design(engine: Engine) -> Design:
    """Return an engine alone, to measure it."""
    return Design(f"{engine.name}-bare", engine.top, verilog(engine), on_pins=False)


def file_design(files: Sequence[Path], top: str) -> Design:
    """Return anybody's Verilog, to measure it."""
    if not re.fullmatch(r"[A-Za-z_]\w*", top):
        raise BuildError(f"{top!r} is not the name of a Verilog module")
    return Design(top, top, "\n".join(file.read_text() for file in files), on_pins=False)


def build(design: Design, board: Board, folder: Path) -> BuildRecord:
    """Build a bitstream, `folder/DESIGN-BOARD.bin` (iCE40) or `.bit` (ECP5), and return its record.

    Raises
    ------
    BuildError
        If a program is missing or fails, or if the board's clock is not met; then there is no bitstream.
    """
    start = time.monotonic()
    with programs_on_path(board.family), tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
        work = Path(temporary)
        tools = versions(board.family)
        run_flow(design, board, work)
        report = json.loads((work / "report.json").read_text())
        check_clocks(report, board)
        product = next(path for suffix in ("bin", "bit") if (path := work / f"{design.top}.{suffix}").exists())
        bitstream = folder / f"{design.name}-{board.name}{product.suffix}"
        with written_whole(bitstream) as whole:
            whole.write_bytes(product.read_bytes())
        cells = cell_counts(work / f"{design.top}.json", design.top)
    return BuildRecord(
        design=design.name,
        board=board.name,
        resources=resources(report, cells, board.family),
        clocks={
            domain: Clock(round(figures["achieved"], 2), round(figures["constraint"], 2))
            for domain, figures in report["fmax"].items()
        },
        bitstream=bitstream.name,
        bitstream_bytes=bitstream.stat().st_size,
        seconds=round(time.monotonic() - start, 1),
        tools=tools,
        verilog_sha256=design.sha256,
    )


def run_flow(design: Design, board: Board, work: Path, *, place: bool = True) -> None:
    """Run edalize's flow in a folder; without `place` it ends after synthesis, with the netlist `TOP.json`.

    Raises
    ------
    BuildError
        If a program fails.
    """
    try:
        from edalize.flows.icestorm import Icestorm
        from edalize.flows.trellis import Trellis
    except ModuleNotFoundError:
        raise BuildError("edalize is missing: pip install 'silicodec[fpga]'") from None
    base, kind = {"ice40": (Icestorm, "PCF"), "ecp5": (Trellis, "LPF")}[board.family]
    # edalize writes a run's options into the class, where the next run would find them.
    flow_class = type(base.__name__, (base,), {"_flow": copy.deepcopy(base._flow)})

    source, pins = work / f"{design.top}.v", work / f"{board.name}.{kind.lower()}"
    source.write_text(design.verilog)
    pins.write_text(board.constraints())
    files = [{"name": source.name, "file_type": "verilogSource"}]
    if design.on_pins:
        files.append({"name": pins.name, "file_type": kind})
    nextpnr = [f"--{board.device}", "--package", board.package, "--freq", f"{board.clock_mhz:g}"]
    if board.family == "ecp5" and not design.on_pins:
        nextpnr.append("--lpf-allow-unconstrained")
    # Multipliers of ECP5 are inferred without being asked for.
    synthesis = ["-dsp"] if board.device == "up5k" else []
    edam: dict[str, Any] = {
        "name": design.top,
        "toplevel": design.top,
        "files": files,
        "flow_options": {
            "yosys_synth_options": synthesis,
            "nextpnr_options": [*nextpnr, "--timing-allow-fail", "--report", "report.json"],
            "pnr": "next" if place else "none",
        },
    }
    log = work / "flow.log"
    with log.open("w") as output, contextlib.redirect_stdout(output):
        flow = flow_class(edam, str(work))
        flow.stdout = flow.stderr = output
        flow.configure()
        try:
            flow.build()
        except RuntimeError as error:
            output.flush()
            raise BuildError(f"{design.name} on {board.name}: {_reason(log.read_text(), str(error))}") from None


def cell_counts(netlist: Path, top: str) -> dict[str, int]:
    """Count the cells of a netlist that Yosys wrote as JSON, by type."""
    counts: dict[str, int] = {}
    for cell in json.loads(netlist.read_text())["modules"][top]["cells"].values():
        counts[cell["type"]] = counts.get(cell["type"], 0) + 1
    return counts


def resources(report: dict[str, Any], cells: dict[str, int], family: str) -> dict[str, Resource]:
    """Collect what a design uses, and what the device has, from nextpnr's report and the netlist."""

    def of_report(name: str) -> Resource:
        figures = report["utilization"].get(name, {"used": 0, "available": 0})
        return Resource(figures["used"], figures["available"])

    if family == "ecp5":
        names = {"LUTs": "TRELLIS_COMB", "flip-flops": "TRELLIS_FF", "block RAMs": "DP16KD", "DSPs": "MULT18X18D"}
        return {name: of_report(cell) for name, cell in names.items()}
    logic = of_report("ICESTORM_LC")
    flip_flops = sum(count for cell, count in cells.items() if cell.startswith("SB_DFF"))
    return {
        "logic cells": logic,
        "LUTs": Resource(cells.get("SB_LUT4", 0), logic.available),
        "flip-flops": Resource(flip_flops, logic.available),
        "block RAMs": of_report("ICESTORM_RAM"),
        "DSPs": of_report("ICESTORM_DSP"),
    }


def check_clocks(report: dict[str, Any], board: Board) -> None:
    """Raise an error that names the path if a clock is slower than the board's."""
    for domain, figures in report["fmax"].items():
        if figures["achieved"] < figures["constraint"]:
            raise BuildError(
                f"{board.name}: clock {domain} reaches {figures['achieved']:.1f} of {figures['constraint']:.1f} MHz; "
                f"the path: {_path(report, domain)}"
            )


def _path(report: dict[str, Any], domain: str) -> str:
    """Describe the longest path of a clock domain, cell by cell."""
    for candidate in report["critical_paths"]:
        if domain in candidate["from"] and domain in candidate["to"]:
            steps = candidate["path"]
            cells = [steps[0]["from"]["cell"], *(step["to"]["cell"] for step in steps if step["type"] == "routing")]
            return f"{sum(step['delay'] for step in steps):.2f} ns, {' -> '.join(cells)}"
    return "unknown"


def _reason(log: str, otherwise: str) -> str:
    """Pick the failing program's own words."""
    errors = [line.strip() for line in log.splitlines() if "error" in line.lower() and not line.startswith("make")]
    return re.sub(r"^ERROR: ", "", errors[0]) if errors else otherwise
