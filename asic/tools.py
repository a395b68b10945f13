"""The programs that the flows call: whether they are there, and new enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from silicodec.asic.pdk import SIGNOFF_FILES, MeasurementError


@dataclass(frozen=True)
class Tool:
    """A program, its oldest version that will do, and how a user gets it.

    Parameters
    ----------
    command : str
        Name on the path.
    switch : str
        Option that makes it print its version.
    oldest : str
        Oldest version.
    source : str
        How to get it.
    """

    command: str
    switch: str
    oldest: str
    source: str

    def fault(self) -> str | None:
        """Say what is wrong with the tool and what to do, or None if it will do."""
        present = self.version()
        if present is not None and numbers(present) >= numbers(self.oldest):
            return None
        found = "is missing" if present is None else f"is {present}"
        return f"{self.command} {found}, {self.oldest} or newer is needed: {self.source}"

    def version(self) -> str | None:
        """Version of the program on the path, or None if there is no such program."""
        if shutil.which(self.command) is None:
            return None
        command, nothing = [self.command, self.switch], subprocess.DEVNULL
        done = subprocess.run(command, stdin=nothing, capture_output=True, text=True, check=False)
        found = re.search(r"\d+(Q\d|(\.\d+)+)(-\d+(-g\w+)?)?", done.stdout + done.stderr)
        return found[0] if found else "of unknown version"


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers in a version, for comparison, but for the commit that OpenROAD adds.

    Examples
    --------
    >>> numbers("26Q2") > numbers("26Q1-932-g45ec48c3") == numbers("26Q1-932") > numbers("26Q1")
    True
    """
    found = tuple(int(number) for number in re.findall(r"\d+", version.partition("-g")[0]))
    # Where the quarter's tag is not known, OpenROAD counts from its 2.0 on.
    return (26, 1, found[2] - COMMITS_TO_26Q1) if found[:2] == (2, 0) and found[2:] >= (COMMITS_TO_26Q1,) else found


COMMITS_TO_26Q1 = 27801
"""OpenROAD 26Q1 is also v2.0-27801."""


OPENSTA = Tool("sta", "-version", "2.0.17", "on Debian, apt-get install opensta")
OPENSTA_WITH_POWER = Tool(
    "sta", "-version", "2.6", "OpenROAD's build has it, or build https://github.com/parallaxsw/OpenSTA"
)
MAGIC = Tool("magic", "--version", "8.3.196", "build it from https://github.com/RTimothyEdwards/magic")
NETGEN = Tool("netgen", "-batch", "1.5.192", "build it from https://github.com/RTimothyEdwards/netgen")
TOOLS = {
    "synthesis": (OPENSTA,),
    "layout": (
        OPENSTA,
        Tool("openroad", "-version", "26Q1-932", "build it from https://github.com/The-OpenROAD-Project/OpenROAD"),
        Tool("klayout", "-v", "0.28.5", "on Debian, apt-get install klayout"),
    ),
}
"""Programs that a flow calls, with versions that are known to take it to its end."""


def check_tools(flow: str) -> None:
    """Check the tools of a flow before it begins.

    Raises
    ------
    MeasurementError
        If one is missing or too old; every such tool is named, with how to get it.
    """
    faults = [fault for tool in TOOLS[flow] if (fault := tool.fault())]
    if find_spec("pyosys") is None:
        faults.append("pyosys is missing: pip install 'silicodec[asic]'")
    if faults:
        raise MeasurementError(f"the {flow} flow cannot run: {'; '.join(faults)}")


def check_scheduler(scheduler: str | None) -> None:
    """Raise MeasurementError if the steps cannot be handed to a scheduler from this machine."""
    for command in ("srun", "sinfo") if scheduler == "slurm" else ():
        if shutil.which(command) is None:
            place = "run this where Slurm's commands are, in a folder the cluster shares"
            raise MeasurementError(f"{command} is missing: {place}")


def tool_versions(flow: str, *, signoff: bool = False) -> dict[str, str | None]:
    """Versions that a record of this flow, with sign-off or without, must have to be of the present tools."""
    versions: dict[str, str | None] = {"siliconcompiler": version("siliconcompiler")}
    versions |= {"pyosys": version("pyosys"), "opensta": OPENSTA.version()}
    others = [tool for tool in TOOLS[flow] if tool is not OPENSTA] + ([MAGIC, NETGEN] if signoff else [])
    return versions | {tool.command: tool.version() for tool in others}


def signoff_fault() -> str | None:
    """Say why a layout is not signed off by Magic and Netgen, or None if it is."""
    faults = [fault for tool in (MAGIC, NETGEN) if (fault := tool.fault())]
    if root := os.environ.get("SILICODEC_PDK"):
        faults += [f"{root} does not hold {file}" for file in SIGNOFF_FILES if not Path(root, file).is_file()]
    return "; ".join(faults) or None


def power_fault() -> str | None:
    """Say why OpenSTA's power figures cannot be used, or None if they can."""
    fault = OPENSTA_WITH_POWER.fault()
    return f"OpenSTA has to know internal power: {fault}" if fault else None
