"""One run at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from silicodec.asic.pdk import MeasurementError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the operating system lets it go when the process ends, however it ends.

    Raises
    ------
    MeasurementError
        If another process holds it; the message says which.
    """
    path = folder.with_name(f"{folder.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise MeasurementError(f"{folder} is in use by {holder}: wait for it, or run in another folder") from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield
