"""Tools of other programs, and what they built, kept by content."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from silicodec.models.processes import describe_exit
from silicodec.models.storage import cache_entries, cache_folder
from silicodec.verif.errors import SimulationError

LOGGER = logging.getLogger(__name__)


def build_once(name: str, contents: Sequence[str], build: Callable[[Path], None]) -> Path:
    """Return the directory that `build` filled for these contents, building it if there is none yet.

    It is built under a temporary name and then renamed, so that no process ever sees half of it; a process that wants
    what another one builds waits for it. What a process left behind that was killed while it built is removed.
    """
    digest = hashlib.sha256("\0".join(contents).encode()).hexdigest()[:24]
    root = cache_folder()
    directory = root / f"{name}-{digest}"
    if directory.exists():
        return directory
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root.resolve() / directory.name):
        if directory.exists():  # another process built it meanwhile
            return directory
        for entry in cache_entries():
            if entry.abandoned:
                entry.remove()
        LOGGER.info("building %s, once: it is kept in %s", name, root)
        temporary = Path(tempfile.mkdtemp(prefix=f".{name}-{os.getpid()}-", dir=root))
        try:
            build(temporary)
            temporary.rename(directory)
        except OSError:
            if not directory.exists():  # as when a machine that shares the folder, but no lock, was faster
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return directory


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a path among the processes of this machine; one that is killed lets go of it.

    It is a name in Linux's abstract name space of sockets, which leaves no file.
    """
    name = b"\0silicodec-" + hashlib.sha256(os.fsencode(path)).hexdigest().encode()
    with socket.socket(socket.AF_UNIX) as lock:
        while True:
            try:
                lock.bind(name)
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                time.sleep(0.1)
        yield


def run_tool(*command: str, package: str, cwd: Path | None = None) -> str:
    """Run a program and return what it printed.

    Raises
    ------
    SimulationError
        If it is not installed, or fails.
    """
    try:
        result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SimulationError(f"{command[0]} is not installed: apt-get install {package}") from None
    if result.returncode:
        said = result.stderr or result.stdout
        said = describe_exit(result.returncode) if result.returncode < 0 or not said else said
        raise SimulationError(f"{' '.join(command)} failed:\n{said}")
    return result.stdout


@cache
def tool_version(*command: str, package: str) -> str:
    """Return what a program prints about its version."""
    return run_tool(*command, package=package)
