"""The programs that the flows call: where they are, and which version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from silicodec.fpga.errors import BuildError

SOURCES = {
    "make": "apt-get install make",
    "yosys": "apt-get install yosys",
    "nextpnr-ice40": "apt-get install nextpnr-ice40",
    "icepack": "apt-get install fpga-icestorm",
    "nextpnr-ecp5": "pip install 'silicodec[fpga]', or the OSS CAD Suite",
    "ecppack": "pip install 'silicodec[fpga]', or the OSS CAD Suite",
    "openFPGALoader": "apt-get install openfpgaloader",
}
"""Program -> how to get it."""
FAMILIES = {
    "ice40": ("make", "yosys", "nextpnr-ice40", "icepack"),
    "ecp5": ("make", "yosys", "nextpnr-ecp5", "ecppack"),
}
"""Family of FPGAs -> the programs of its flow."""


@contextmanager
def programs_on_path(family: str) -> Iterator[None]:
    """Have all programs of a family's flow on the path; a YoWASP package stands in for one that is missing.

    Raises
    ------
    BuildError
        If one is missing altogether.
    """
    with tempfile.TemporaryDirectory(prefix="silicodec-") as folder:
        for program in FAMILIES[family]:
            if shutil.which(program) is None:
                Path(folder, program).symlink_to(_substitute(program))
        before = os.environ["PATH"]
        os.environ["PATH"] = os.pathsep.join([folder, before])
        try:
            yield
        finally:
            os.environ["PATH"] = before


def is_yowasp(program: str) -> bool:
    """Return whether the program on the path is of WebAssembly, which has one thread and no options for more."""
    path = shutil.which(program)
    return path is not None and Path(path).resolve().name.startswith("yowasp-")


def find_program(program: str) -> str:
    """Return the path of a program.

    Raises
    ------
    BuildError
        If it is missing.
    """
    if path := shutil.which(program):
        return path
    raise BuildError(f"{program} is missing: {SOURCES[program]}")


def versions(family: str) -> dict[str, str]:
    """Return the versions of the programs on the path that make a family's bitstreams, and of edalize."""
    try:
        found = {"edalize": version("edalize")}
    except PackageNotFoundError:
        raise BuildError("edalize is missing: pip install 'silicodec[fpga]'") from None
    for program in FAMILIES[family]:
        if program.startswith(("yosys", "nextpnr")):
            said = subprocess.run([program, "--version"], capture_output=True, text=True)
            number = re.search(r"\d+\.\d[\w.+-]*", said.stdout + said.stderr)
            found[program] = number[0] if number else "unknown"
    return found


def _substitute(program: str) -> Path:
    """Find the command of a YoWASP package that does what a native program does."""
    name = f"yowasp-{program}"
    path = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if path is None:
        raise BuildError(f"{program} is missing: {SOURCES[program]}")
    return Path(path).absolute()
