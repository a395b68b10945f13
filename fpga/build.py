"""From Verilog to a bitstream, by edalize's flows for iCE40 and ECP5."""

from __future__ import annotations

import contextlib
import copy
import json
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from silicodec.fpga.board_top import TOP, board_verilog
from silicodec.fpga.boards import Board
from silicodec.fpga.errors import BuildError
from silicodec.fpga.records import BuildRecord, Clock, Resource
from silicodec.fpga.tools import is_yowasp, programs_on_path, versions
from silicodec.models.processes import run_group
from silicodec.models.storage import written_whole
from silicodec.rtl.convert import verilog
from silicodec.rtl.engine import Engine
from silicodec.rtl.source import Source, parameter_value

NAMELESS_SYNTHESIS = """\
yosys -import
source edalize_yosys_procs.tcl
verilog_defaults -push
verilog_defaults -add -defer
set_defines
set_incdirs
read_files
set_params
verilog_defaults -pop
synth $top
blackbox =A:whitebox
write_json $name.json
"""
"""Synthesis in edalize's terms, whose options leave out the last step of `synth_ecp5`.

That step begins with `autoname`, which comes to no end on a design of the accelerator's size in Yosys 0.23; only names
depend on it.
"""
LARGE = 300_000
"""Characters of Verilog of a design that fills a good part of an ECP5."""


@dataclass(frozen=True)
class Design:
    """What to build.

    Parameters
    ----------
    name : str
        Name for the record.
    source : Source
        Its Verilog.
    on_pins : bool
        Whether its ports go to the board's pins; otherwise nextpnr chooses pins, to measure the design alone.
    any_collision : bool
        Whether its memories may give any word where one is written and read at once, as those of
        `silicodec.rtl.blocks.memory` may: then no logic stands around block RAMs for that.
    """

    name: str
    source: Source
    on_pins: bool = True
    any_collision: bool = False

    @property
    def top(self) -> str:
        """The top module."""
        return self.source.top

    @property
    def sha256(self) -> str:
        """Hash of the Verilog."""
        return self.source.sha256


def board_design(engine: Engine, board: Board) -> Design:
    """Return an engine behind the board's UART."""
    return Design(engine.name, Source(TOP, text=board_verilog(engine, board.divider)), any_collision=True)


def bare_design(engine: Engine) -> Design:
    """Return an engine alone, to measure it."""
    return Design(f"{engine.name}-bare", Source(engine.top, text=verilog(engine)), on_pins=False, any_collision=True)


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

    source = plain_verilog(design.source.stage(work), work)
    pins = work / f"{board.name}.{kind.lower()}"
    pins.write_text(board.constraints())
    files = edalize_files(source)
    if design.on_pins:
        files.append({"name": pins.name, "file_type": kind})
    nextpnr = [f"--{board.device}", "--package", board.package, "--freq", f"{board.clock_mhz:g}"]
    if board.family == "ecp5":
        nextpnr += ecp5_options(design)
    edam: dict[str, Any] = {
        "name": design.top,
        "toplevel": design.top,
        "files": files,
        "parameters": edalize_parameters(source),
        "flow_options": {
            **(
                nameless_synthesis(design, work)
                if board.family == "ecp5"
                else {"yosys_synth_options": synthesis_options(board)}
            ),
            "nextpnr_options": [*nextpnr, "--timing-allow-fail", "--report", "report.json"],
        },
    }
    log = work / "flow.log"
    with log.open("w") as output, contextlib.redirect_stdout(output):
        flow = flow_class(edam, str(work))
        flow.configure()
        command, arguments = flow.build_runner.get_build_command()
        target = [] if place else [f"{design.top}.json"]
        code = run_group([command, *arguments, *target], work, output).returncode
    if code:
        reason = reason_of(log.read_text(errors="replace"), f"{command} ended with exit code {code}")
        raise BuildError(f"{design.name} on {board.name}: {reason}")


def synthesis_options(board: Board) -> list[str]:
    """Return the options of Yosys' synthesis for a board: multipliers of ECP5 are inferred without being asked for."""
    return ["-dsp"] if board.device == "up5k" else []


def ecp5_options(design: Design) -> list[str]:
    """Return nextpnr's options for a design on ECP5: those with which the accelerator is routed.

    Its placer `static` needs two thirds of the wire of the default one, but ends with an error on small designs.
    """
    options, native = ["--router", "router2"], not is_yowasp("nextpnr-ecp5")
    if len(design.source.text) >= LARGE:
        options += ["--placer", "static", "--no-tmdriv", *(["--threads", "1"] if native else [])]
    elif native:
        options += ["--threads", "2", "--parallel-refine"]
    if not design.on_pins:
        options.append("--lpf-allow-unconstrained")
    return options


def nameless_synthesis(design: Design, work: Path) -> dict[str, Any]:
    """Return edalize's options of synthesis for ECP5 without names of cells, whose template goes into the folder.

    LUTs have four inputs: with those of up to seven, joined by multiplexers, the accelerator takes a tenth more LUTs,
    and an eighth more pins are to be connected.
    """
    (work / "synthesis.tcl").write_text(NAMELESS_SYNTHESIS)
    options = ["-nowidelut", *(["-no-rw-check"] if design.any_collision else []), "-run", "begin:check"]
    return {"yosys_synth_options": options, "yosys_template": "synthesis.tcl"}


def plain_verilog(source: Source, folder: Path) -> Source:
    """Turn a staged source into one of plain Verilog where it is SystemVerilog, as pyosys reads it.

    The Yosys on the path may be older than the language: that of Debian 12 knows less of it, and no slang. Without
    pyosys the source stays as it is.
    """
    if source.front_end == "yosys" and (all(file.suffix == ".v" for file in source.files) or not find_spec("pyosys")):
        return source
    if find_spec("pyosys") is None:
        raise BuildError("the front end slang comes with pyosys: pip install 'silicodec[asic]'")
    done = run_group([sys.executable, "-m", "silicodec.fpga.elaborate"], folder)
    if done.returncode:
        raise BuildError(f"{source.top}: {reason_of(done.stderr + done.stdout, 'it cannot be read')}")
    return Source(source.top, (Path("elaborated.v"),))


def edalize_files(source: Source) -> list[dict[str, Any]]:
    """Return a staged source's files as edalize takes them; a folder of included files is one too."""
    kinds = {".v": "verilogSource", ".sv": "systemVerilogSource"}
    files: list[dict[str, Any]] = [{"name": str(file), "file_type": kinds[file.suffix]} for file in source.files]
    for folder in map(str, source.include_folders):
        files.append({"name": folder, "file_type": "verilogSource", "is_include_file": True, "include_path": folder})
    return files


def edalize_parameters(source: Source) -> dict[str, dict[str, object]]:
    """Return the macros and parameters of a source as edalize takes them; Yosys knows no negative ones."""
    values: dict[str, dict[str, object]] = {}
    for define in source.defines:
        name, _, text = define.partition("=")
        values[name] = {"datatype": "str", "paramtype": "vlogdefine", "default": text or "1"}
    for name, text in source.parameters:
        value = parameter_value(text)
        number = {"datatype": "int", "default": value % 2**32} if isinstance(value, int) else None
        values[name] = {"paramtype": "vlogparam", **(number or {"datatype": "str", "default": value})}
    return values


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
    """Describe the critical path of a clock domain, cell by cell."""
    for candidate in report["critical_paths"]:
        if domain in candidate["from"] and domain in candidate["to"]:
            steps = candidate["path"]
            cells = [steps[0]["from"]["cell"], *(step["to"]["cell"] for step in steps if step["type"] == "routing")]
            return f"{sum(step['delay'] for step in steps):.2f} ns, {' -> '.join(cells)}"
    return "unknown"


def reason_of(log: str, otherwise: str) -> str:
    """Pick the failing program's own words."""
    lines = [line.strip() for line in log.splitlines() if not line.startswith("make")]
    errors = [line for line in lines if re.search(r"\berror:", line, re.IGNORECASE)]
    errors = errors or [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)]
    return re.sub(r"^ERROR: ", "", errors[0]) if errors else otherwise
