"""FuseSoC: an engine as a core (CAPI2), and a generator that makes the engine that a project asks for."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from silicodec.fpga.boards import BOARDS
from silicodec.fpga.build import synthesis_options
from silicodec.models.errors import unknown_name
from silicodec.models.storage import written_whole
from silicodec.rtl.catalog import find_engine, find_family
from silicodec.rtl.convert import to_verilog
from silicodec.rtl.engine import Engine
from silicodec.verif.drivers.vectors import bench_files

GENERATOR = "silicodec_generator.py"


def write_core(engine: Engine, folder: Path) -> Path:
    """Write the core file of an engine whose Verilog and test bench are in the folder, and return its path."""
    name = f"silicodec:engines:{engine.top}:{version('silicodec')}"
    return _write(folder / f"{engine.top}.core", core(engine, name))


def core(engine: Engine, name: str, *, bench: bool = True) -> dict[str, Any]:
    """Describe an engine as a core.

    Its targets are `lint` (Verilator), `sim` (the cocotb test bench, on Icarus Verilog), and for each board
    `synth-BOARD`: synthesis by Yosys for its FPGA, since not every engine's ports fit on the pins.

    Parameters
    ----------
    engine : Engine
        The engine.
    name : str
        Vendor, library, name and version, with colons between.
    bench : bool
        Whether it has the test bench.
    """
    rtl = {"filesets": ["rtl"], "toplevel": engine.top}
    targets = {
        "default": {"filesets": ["rtl"]},
        "lint": {**rtl, "flow": "lint", "flow_options": {"tool": "verilator", "verilator_options": ["-Wall"]}},
    }
    filesets: dict[str, Any] = {"rtl": {"files": [f"{engine.top}.v"], "file_type": "verilogSource"}}
    scripts = {}
    if bench:
        makefile = "cocotb.mk"  # there is a Makefile of Edalize's where the tools run
        places = {name: makefile if name == "Makefile" else name for name in (f"{engine.top}.v", *bench_files(engine))}
        filesets["bench"] = {
            "files": [{name: {"copyto": place}} for name, place in places.items()],
            "file_type": "user",
        }
        # Edalize 0.6.8 starts no cocotb 2.1, and would not see its tests fail: the bench's own Makefile does both.
        scripts["bench"] = {"cmd": ["make", "-f", makefile]}
        targets["sim"] = {
            **rtl,
            "filesets": ["rtl", "bench"],
            "flow": "sim",
            "flow_options": {"tool": "icarus"},
            "hooks": {"pre_run": ["bench"]},
        }
    for board in BOARDS.values():
        options: dict[str, Any] = {"tool": "yosys", "arch": board.family, "output_format": "json"}
        options["yosys_synth_options"] = synthesis_options(board)
        targets[f"synth-{board.name}"] = {**rtl, "flow": "generic", "flow_options": options}
    return {
        "name": name,
        "description": engine.summary,
        "license": "Apache-2.0",
        "filesets": filesets,
        "scripts": scripts,
        "targets": targets,
    }


def write_generator(folder: Path) -> list[Path]:
    """Write the core of the generator `silicodec`, and its program, which runs in a Python that has silicodec.

    A project that depends on `silicodec:generators:engine` asks it for engines: `engine` is a name of the catalog, and
    `set`, where given, holds parameters.
    """
    generator = {"interpreter": "python3", "command": GENERATOR, "description": "Any engine of silicodec's catalog"}
    description = {
        "name": f"silicodec:generators:engine:{version('silicodec')}",
        "description": "Hardware compression engines for neural-network tensors, in any size",
        "license": "Apache-2.0",
        "generators": {"silicodec": generator},
    }
    program = folder / GENERATOR
    with written_whole(program) as temporary:
        temporary.write_text(
            "# SPDX-License-Identifier: Apache-2.0\n"
            '"""FuseSoC calls this with a file that tells which engine to make."""\n\n'
            "from silicodec.fpga.fusesoc import main\n\nmain()\n"
        )
    return [_write(folder / "silicodec_generator.core", description), program]


def generate(request: Mapping[str, Any], folder: Path) -> Path:
    """Write the engine that FuseSoC asks for, its Verilog and a core, and return the core's path.

    Raises
    ------
    ValueError
        If there is no such engine, or a parameter is wrong.
    """
    parameters = dict(request.get("parameters") or {})
    if set(parameters) - {"engine", "set"} or "engine" not in parameters:
        raise ValueError("the generator silicodec takes `engine`, a name of the catalog, and `set`, its parameters")
    engine_name, settings = parameters["engine"], parameters.get("set") or {}
    known = vars(find_family(engine_name)[1]) if settings else {}
    for parameter in settings:
        if parameter not in known:
            raise ValueError(f"{engine_name}: {unknown_name('parameter', parameter, known)}")
    engine = find_engine(engine_name, settings)
    to_verilog(engine, folder)
    name = request["vlnv"]
    return _write(folder / f"{name.split(':')[2]}.core", core(engine, name, bench=False))


def main() -> None:
    """Make the engine that the file named on the command line tells of; end with a line if that cannot be."""
    import yaml  # it comes with FuseSoC

    try:
        generate(yaml.safe_load(Path(sys.argv[1]).read_text()), Path())
    except ValueError as error:
        sys.exit(f"silicodec: {error}")


def _write(path: Path, description: Mapping[str, Any]) -> Path:
    """Write a core file; what JSON can say, YAML says alike."""
    with written_whole(path) as temporary:
        temporary.write_text(f"CAPI=2:\n{_yaml(description)}")
    return path


def _yaml(values: Mapping[str, Any], indent: str = "") -> str:
    """Write a tree as YAML: a line for each key, and lists and texts as in JSON."""
    lines = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            lines.append(f"{indent}{key}:\n{_yaml(value, indent + '  ')}")
        else:
            lines.append(f"{indent}{key}: {json.dumps(value)}\n")
    return "".join(lines)
