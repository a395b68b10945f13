"""Files and folders that commands take as arguments and options; `-` is standard input or output."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from silicodec.models.storage import check_writable, check_writable_folder, is_standard_output
from silicodec.output import report_to_stderr


class Place(click.Path):
    """Type of an argument that names a file or folder.

    Parameters
    ----------
    dash : str, optional
        What `-` stands for.
    check : callable, optional
        Raises OSError for a path that cannot be used: before the work, whose result would be lost otherwise.
    """

    def __init__(self, dash: str | None = None, check: Callable[[Path], None] | None = None) -> None:
        super().__init__()
        self._dash = dash
        self._check = check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Turn what the user wrote into a path."""
        path = Path(os.fsdecode(super().convert(self._dash if self._dash and value == "-" else value, param, ctx)))
        if self._check:
            self._check(path)
            if ctx and is_standard_output(path):
                report_to_stderr(ctx)
        return path


INPUT = Place("/dev/stdin")
"""A file or folder to read."""
OUTPUT = Place("/dev/stdout", check_writable)
"""A file to write."""
FOLDER = Place(check=check_writable_folder)
"""A folder to write files into, made where it is missing."""

LIST_AS_JSON = click.option(
    "--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the list to this file instead; - prints it as JSON."
)
"""Option of commands that list things."""
