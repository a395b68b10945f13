"""Why a run of SiliconCompiler failed, in one line."""

from __future__ import annotations

import re
from pathlib import Path

from siliconcompiler import ASIC

from silicodec.models.processes import describe_exit

_PREFIX = re.compile(r"^\|.*?\| (?:\d+ )?\| (?=\S)")
_REASON = re.compile(r"^.*\b(?:error|Error|ERROR): .*$|^.*\[ERROR.*$", re.MULTILINE)


def explain_failure(folder: Path, project: ASIC, otherwise: str) -> str:
    """Say in one line which step failed, why in the tool's own words, and where its log is.

    Parameters
    ----------
    folder : Path
        That of the run, in which each step has its own.
    project : ASIC
        The project that ran.
    otherwise : str
        The reason, if it was no step's.
    """
    top = project.design.name
    for step, index in project.get_flow().get_nodes():
        if project.get("record", "status", step=step, index=index) == "error":
            code = project.get("record", "toolexitcode", step=step, index=index) or 0
            if code < 0:
                return f"{step} of {top} failed: {describe_exit(code)}"
            logs = [f"{step}.log", "log", "proof", f"sc_{step}_{index}.log"]
            for log in (folder / step / index / name for name in logs):
                lines = log.read_text(errors="replace").splitlines() if log.exists() else []
                reason = _REASON.search("\n".join(_PREFIX.sub("", line) for line in lines))
                if reason:
                    said = re.sub(r"\b(?:error|ERROR|Error): ", "", reason[0]).strip()
                    return f"{step} of {top} failed: {said} (log: {log})"
            log = folder / step / index / f"{step}.log"
            written = log.read_text(errors="replace").splitlines() if log.exists() else []
            last = next((line.strip() for line in reversed(written) if line.strip()), "it says no reason")
            return f"{step} of {top} failed: {last} (log: {log})"
    return f"{project.get_flow().name} of {top} failed: {otherwise}"
