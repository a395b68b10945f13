"""Programs that begin others, and end with all of them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO


def run_group(command: Sequence[str], folder: Path, output: IO[str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder; an interrupt ends it and whatever it has begun.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    folder : Path
        Its working folder. Temporary files go there as well, since Yosys takes no spaces in their path.
    output : file, optional
        Takes what it prints; by default that is in the result.

    Returns
    -------
    subprocess.CompletedProcess
        Its exit code, and what it printed on standard output and standard error.
    """
    sink = subprocess.PIPE if output is None else output
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "TMPDIR": "."},
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            printed, said = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, printed or "", said or "")
