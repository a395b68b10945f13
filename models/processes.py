"""Programs that begin others, and end with all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import IO


def run_group(command: Sequence[str], folder: Path, output: IO[str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder; an interrupt ends it and whatever it has begun, before it is passed on.

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
    # Every process of the group holds the pipe open for as long as it runs.
    alive, held = os.pipe()
    with open(alive, "rb") as pipe:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "TMPDIR": "."},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                text=True,
                errors="replace",
                start_new_session=True,
                pass_fds=(held,),
            )
        finally:
            os.close(held)
        with process:
            try:
                printed, said = process.communicate()
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                pipe.read()
                raise
    return subprocess.CompletedProcess(command, process.returncode, printed or "", said or "")


def describe_exit(code: int) -> str:
    """Say how a program ended that failed.

    Parameters
    ----------
    code : int
        Its exit code; after a signal, less than 0.

    Examples
    --------
    >>> describe_exit(3)
    'exit code 3'
    >>> describe_exit(-9)
    'killed by SIGKILL: perhaps memory ran out'
    """
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"killed by {name}" + (": perhaps memory ran out" if name == "SIGKILL" else "")


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Start processes that leave Ctrl-C to this one; one that comes meanwhile takes effect when they have started."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # With the first process Python starts its resource tracker, and unblocks the signal in the thread that does.
    resource_tracker.ensure_running()
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    # Threads and processes that start meanwhile inherit the mask. A thread from before takes the signal all the same.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
