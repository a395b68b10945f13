"""Yosys passes with a log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pyosys import libyosys as yosys

PassRunner = Callable[..., None]


def pass_runner(design: yosys.Design, folder: Path) -> PassRunner:
    """Return a function that runs a Yosys command on the design and keeps what it prints in a file of `folder`.

    The file is `log` unless the call names another `output`. Yosys ends its process on an error.
    """

    def run(command: str, output: str = "log") -> None:
        # Always by `tee`: passes that it calls count for the names that Yosys generates, hence for ABC's result.
        yosys.run_pass(f"tee -q -o {folder / output} {command}", design)

    return run
