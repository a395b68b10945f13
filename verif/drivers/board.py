"""A board without a board: its top level in a Verilog simulator, behind a pseudo-terminal."""

from __future__ import annotations

import os
import random
import select
import shutil
import subprocess
import tempfile
import threading
import tty
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from silicodec.models.errors import unknown_name
from silicodec.verif.cache import build_once, run_tool, tool_version
from silicodec.verif.errors import SimulationError

QUIET = 0x3FF
"""Ten bits of a line on which nothing is sent."""


VERILATOR_FLAGS = (
    *("--binary", "-Wno-fatal", "-O3"),
    *("-MAKEFLAGS", "OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O0"),
)


class Noise:
    """Flips bits of what goes over a line.

    Parameters
    ----------
    seed : int
        Seed of the random numbers.
    probability : float
        Of a flip, for each bit.
    """

    def __init__(self, seed: int, probability: float) -> None:
        self._random = random.Random(seed)
        self._probability = probability
        self.flips = 0

    def __call__(self, value: int, bits: int) -> int:
        """Return the bits, some of them flipped."""
        for position in range(bits):
            if self._random.random() < self._probability:
                value ^= 1 << position
                self.flips += 1
        return value


class SimulatedBoard:
    """Context manager that runs the simulation; `port` is the serial port to talk to.

    Parameters
    ----------
    verilog : sequence of str
        Texts of the Verilog files: the module `board_top`, and what it needs.
    divider : int
        Clock cycles per bit of its UART.
    backend : str
        `icarus` or `verilator`.
    noise : callable, optional
        Maps bits on the line and their number to what arrives; in both directions.
    """

    def __init__(
        self, verilog: Sequence[str], divider: int, *, backend: str = "icarus", noise: Callable[[int, int], int] | None
        = None,
    ) -> None:  # fmt: skip
        if backend not in _BUILDERS:
            raise ValueError(unknown_name("backend", backend, _BUILDERS))
        self._command = _BUILDERS[backend](verilog, divider)
        self._noise = noise or (lambda value, bits: value)
        self._stop = threading.Event()
        self.slots = 0
        self.port = ""

    def __enter__(self) -> SimulatedBoard:
        """Start the simulator and open the port."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._simulator = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, start_new_session=True
        )  # in a session of its own, Ctrl-C leaves its end to `__exit__`
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        """End the simulator and close the port."""
        self._stop.set()
        self._thread.join()
        self._simulator.communicate()
        os.close(self._master)
        os.close(self._slave)

    def _run(self) -> None:
        """Carry bytes between the pseudo-terminal and the simulator, slot by slot."""
        assert self._simulator.stdin is not None
        assert self._simulator.stdout is not None
        waiting = b""
        while not self._stop.is_set():
            if not waiting and select.select([self._master], [], [], 0)[0]:
                waiting = os.read(self._master, 4096)
            line = QUIET
            if waiting:
                line = self._noise(1 << 9 | waiting[0] << 1, 10)
                waiting = waiting[1:]
            self._simulator.stdin.write(f"{line:x}\n")
            answer = self._simulator.stdout.readline()
            self.slots += 1
            if not answer:
                return
            if answer[0] == "1":
                os.write(self._master, bytes([self._noise(int(answer[1:], 16), 8)]))


def _icarus(verilog: Sequence[str], divider: int) -> list[str]:
    def compile_with(directory: Path, names: Sequence[str], temporary: Path) -> None:
        flags = ("-g2005-sv", f"-Puart_bench.DIVIDER={divider}", "-s", "uart_bench")
        run_tool("iverilog", *flags, "-o", str(directory / "bench.vvp"), *names, cwd=temporary, package="iverilog")

    version = tool_version("iverilog", "-V", package="iverilog")
    return ["vvp", str(_build("icarus", version, verilog, divider, compile_with) / "bench.vvp")]


def _verilator(verilog: Sequence[str], divider: int) -> list[str]:
    def compile_with(directory: Path, names: Sequence[str], temporary: Path) -> None:
        parameters = (f"-GDIVIDER={divider}", "--top-module", "uart_bench", "-o", "bench")
        run_tool("verilator", *VERILATOR_FLAGS, *parameters, *names, cwd=temporary, package="verilator g++ make")
        shutil.copy2(temporary / "obj_dir" / "bench", directory)

    version = tool_version("verilator", "--version", package="verilator g++ make")
    return [str(_build("verilator", version, verilog, divider, compile_with) / "bench")]


def _build(
    backend: str,
    version: str,
    verilog: Sequence[str],
    divider: int,
    compile_with: Callable[[Path, Sequence[str], Path], None],
) -> Path:
    texts = [*verilog, files(__package__).joinpath("uart_bench.v").read_text()]

    def build(directory: Path) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            names = [f"file{number}.v" for number in range(len(texts))]
            for name, text in zip(names, texts, strict=True):
                Path(temporary, name).write_text(text)
            compile_with(directory, names, Path(temporary))

    return build_once(f"board-{backend}", [version, str(divider), *VERILATOR_FLAGS, *texts], build)


_BUILDERS: dict[str, Callable[[Sequence[str], int], list[str]]] = {"icarus": _icarus, "verilator": _verilator}


def cell_models(architecture: str) -> str:
    """Return the simulation models of the cells that the installed Yosys maps to, such as `ice40`.

    Raises
    ------
    SimulationError
        If Yosys is missing, or comes without them.
    """
    program = shutil.which("yosys")
    if program is None:
        raise SimulationError("yosys is not installed: apt-get install yosys")
    path = Path(program).resolve().parents[1] / "share" / "yosys" / architecture / "cells_sim.v"
    if not path.exists():
        raise SimulationError(f"Yosys comes without {path}: apt-get install yosys")
    return "`define NO_ICE40_DEFAULT_ASSIGNMENTS // which Icarus does not read\n" + path.read_text()
