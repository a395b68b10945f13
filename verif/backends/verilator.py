"""Backend `verilator`: the engine's Verilog compiled to native code, for millions of words."""

from __future__ import annotations

import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

import numpy as np

from silicodec.rtl.convert import signal_names
from silicodec.rtl.convert import verilog as convert
from silicodec.rtl.engine import Engine, Port, from_word_bytes, word_bytes
from silicodec.verif.backends.waveform import check_ending, write_groups
from silicodec.verif.cache import build_once, run_tool, tool_version
from silicodec.verif.drivers.stimulus import Recording, Stimulus

PACKAGE = "verilator g++ make"
COMMON_FLAGS = ("--cc", "--exe", "--build", "-CFLAGS", "-std=c++17")
RUNTIME_FLAGS = (*COMMON_FLAGS, "--prefix", "Vruntime", "-MAKEFLAGS", "OPT_GLOBAL=-O0")
FLAGS = (
    *(*COMMON_FLAGS, "--prefix", "Vengine", "-O3", "--x-assign", "fast", "--noassert", "-o", "harness"),
    *("-Wno-fatal", "-Werror-LATCH", "-Werror-MULTIDRIVEN"),
)
# Only what runs every cycle is worth optimising; the library of all engines is linked, not compiled each time, and its
# headers, which cost more than the code of a small engine, are compiled before.
MAKE_FLAGS = "OPT_FAST=-O1 OPT_SLOW=-O0 VK_GLOBAL_OBJS="
LINK_FLAGS = ("-LDFLAGS", "../runtime/runtime.o")
UNTRACED_FLAGS = ("-MAKEFLAGS", MAKE_FLAGS, *LINK_FLAGS, "-CFLAGS", "-include ../runtime/headers.h")
TRACED_FLAGS = {
    ".vcd": ("--trace", "-MAKEFLAGS", f"{MAKE_FLAGS}verilated_vcd_c.o OPT_GLOBAL=-O0", *LINK_FLAGS),
    ".fst": ("--trace-fst", "-MAKEFLAGS", f"{MAKE_FLAGS}verilated_fst_c.o OPT_GLOBAL=-O0", *LINK_FLAGS),
}
"""What writes a waveform, by the ending of its name."""


def run(engine: Engine, stimulus: Stimulus, verilog: str | None) -> Recording:
    """Compile the Verilog with the harness, unless that was done before, and run the stimulus through it."""
    waveform, verilog = stimulus.waveform, verilog or convert(engine)
    if waveform:
        check_ending(waveform, *TRACED_FLAGS)
        write_groups(engine, waveform, verilog, f"TOP.{engine.top}")
    ports = {port.name: port for port in engine.inputs}
    harness = _build(engine, verilog, waveform.suffix if waveform else "")
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        for name, source in stimulus.sources.items():
            (directory / f"{name}.words").write_bytes(word_bytes(source.words, _word_size(ports[name])))
            source.flags.tofile(directory / f"{name}.flags")
            source.stall.tofile(directory / f"{name}.stall")
        for name, stall in stimulus.sinks.items():
            stall.tofile(directory / f"{name}.stall")
        limits = (int(stimulus.ready_after_valid), stimulus.idle_cycles, stimulus.max_cycles, stimulus.reset_after)
        traced = ("env", f"WAVEFORM={waveform.absolute()}") if waveform else ()
        report = run_tool(*traced, str(harness), temporary, *map(str, limits), package="verilator")
        return _recording(engine, report, directory)


def _build(engine: Engine, verilog: str, waveform: str) -> Path:
    """Return the executable for this Verilog and the engine's streams; `waveform` is the ending of what it writes."""
    texts = {"engine.v": verilog, "harness.cpp": _source("harness.cpp"), "ports.h": _ports_header(engine)}
    flags = FLAGS + (TRACED_FLAGS[waveform] if waveform else UNTRACED_FLAGS)
    if waveform:
        texts["ports.h"] += '#include "traced.h"\n'
        texts["traced.h"] = _source("traced.h")
    version, runtime = _version(), _runtime()

    def build(directory: Path) -> None:
        place = None if " " in str(directory) else directory  # where `make` refuses to work
        with tempfile.TemporaryDirectory(dir=place) as temporary:
            for name, text in texts.items():
                Path(temporary, name).write_text(text)
            Path(temporary, "runtime").symlink_to(runtime)
            command = ("verilator", *flags, "--top-module", engine.top, "engine.v", "harness.cpp")
            run_tool(*command, cwd=Path(temporary), package=PACKAGE)
            shutil.copy2(Path(temporary, "obj_dir", "harness"), directory)

    contents = (*texts.values(), version, *RUNTIME_FLAGS, *flags)
    return build_once(f"verilator-{engine.top}", contents, build) / "harness"


def _runtime() -> Path:
    """Return the folder of what is the same for every engine: Verilator's library, one object, and the headers."""
    headers = [
        *(line for line in _source("harness.cpp").splitlines() if line.startswith("#include <")),
        '#include "verilated.h"\n',
    ]

    def build(directory: Path) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            (folder / "runtime.v").write_text("module runtime; endmodule\n")
            (folder / "main.cpp").write_text("int main() {}\n")
            run_tool("verilator", *RUNTIME_FLAGS, "runtime.v", "main.cpp", cwd=folder, package=PACKAGE)
            objects = sorted(str(path) for path in folder.glob("obj_dir/verilated*.o"))
            run_tool("ld", "-r", "-o", str(directory / "runtime.o"), *objects, package="binutils")
            (folder / "headers.h").write_text("\n".join(headers))
            (folder / "headers.h.gch").mkdir()
            # A compiled header is taken only where the options are the same, so Verilator's makefile gives them.
            for level in ("-O0", "-O1"):
                compile_headers = f"$(CXX) $(CXXFLAGS) $(CPPFLAGS) {level} -x c++-header ../headers.h"
                rule = f"--eval=headers: ; {compile_headers} -o ../headers.h.gch/{level[1:]}"
                run_tool("make", "-C", str(folder / "obj_dir"), "-f", "Vruntime.mk", rule, "headers", package=PACKAGE)
            shutil.copy2(folder / "headers.h", directory)
            shutil.copytree(folder / "headers.h.gch", directory / "headers.h.gch")

    return build_once("verilator-runtime", (_version(), *headers, *RUNTIME_FLAGS), build)


def _source(name: str) -> str:
    """Return a source of the program that drives an engine."""
    return files(__package__).joinpath(name).read_text()


def _version() -> str:
    """Return what is known of the programs that build."""
    programs = ("verilator", "g++")
    return "".join(tool_version(program, "--version", package=PACKAGE) for program in programs)


def _ports_header(engine: Engine) -> str:
    """Return the part of the harness that depends on the engine."""
    sources = ", ".join(_source_of(engine, port) for port in engine.inputs)
    sinks = ", ".join(
        f'Sink("{port.name}", {_members(engine, port, "data", "valid", "ready", "last", "error")})'
        for port in engine.outputs
    )
    return f"#define SOURCES {sources}\n#define SINKS {sinks}\n"


def _source_of(engine: Engine, port: Port) -> str:
    source = f'Source("{port.name}", {port.bits}, {_members(engine, port, "data", "valid", "ready", "last")})'
    if port.keep:  # whole words
        return f"({_members(engine, port, 'keep')} = {(1 << (port.bits // 8)) - 1}, {source})"
    return source


def _members(engine: Engine, port: Port, *roles: str) -> str:
    names = signal_names(engine, port)
    return ", ".join(f"engine.{port.name}_{names[role]}" if role in names else "no_error" for role in roles)


def _recording(engine: Engine, report: str, directory: Path) -> Recording:
    numbers: dict[str, int] = {}
    taken: dict[str, int] = {}
    violation = None
    for line in report.splitlines():
        key, *values = line.split(" ", 2)
        if key == "taken":
            taken[values[0]] = int(values[1])
        elif key == "violation":
            violation = violation or (values[0], values[1])
        else:
            numbers[key] = int(values[0])
    return Recording(
        cycles=numbers["cycles"],
        first_input=numbers.get("first_input"),
        last_output=numbers.get("last_output"),
        taken=taken,
        words={
            port.name: from_word_bytes((directory / f"{port.name}.words").read_bytes(), _word_size(port), port.dtype)
            for port in engine.outputs
        },
        flags={port.name: np.fromfile(directory / f"{port.name}.flags", np.uint8) for port in engine.outputs},
        violation=violation,
    )


def _word_size(port: Port) -> int:
    """Return the bytes in which Verilator holds a word: above 64 bits several parts of 32."""
    return port.dtype.itemsize if port.bits <= 64 else -(-port.bits // 32) * 4
