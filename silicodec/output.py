"""What the commands print and write."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import click
import rich.box
import rich.console
import rich.progress
import rich.table

Columns = Sequence[tuple[str, Literal["left", "right"]]]
"""Heading and alignment of every column of a table."""
WIDTH_OF_LOGS = 160
"""Characters a line where the output is not a terminal."""


def print_table(title: str, columns: Columns, rows: Iterable[Sequence[object]]) -> None:
    """Print a table.

    Parameters
    ----------
    title : str
        Line above it.
    columns : sequence of (str, str)
        Heading and alignment (`left` or `right`) of every column.
    rows : iterable of sequence
        Cells; None is shown as an empty cell.
    """
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for heading, alignment in columns:
        table.add_column(heading, justify=alignment, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    terminal = rich.console.Console()
    click.echo(title)
    text = io.StringIO()
    page = rich.console.Console(file=text, width=terminal.width if terminal.is_terminal else WIDTH_OF_LOGS)
    page.print(table, highlight=False, markup=False)
    for line in text.getvalue().splitlines():
        click.echo(line.rstrip())


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function (done, total) that shows progress: a bar on a terminal, a line each tenth in a log."""
    console = rich.console.Console(stderr=True)
    if not console.is_terminal:
        yield log_progress(description)
        return
    with rich.progress.Progress(*rich.progress.Progress.get_default_columns(), console=console) as progress:
        task = progress.add_task(description)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def log_progress(description: str) -> Callable[[int, int], None]:
    """Make a function (done, total) that prints a line each tenth of the way."""
    shown = 0

    def show(done: int, total: int) -> None:
        nonlocal shown
        tenths = 10 * done // total
        if tenths > shown:
            shown = tenths
            click.echo(f"{description}: {10 * tenths} %", err=True)

    return show


def write_json(path: Path, record: Any) -> None:
    """Write a record as JSON, whole or not at all."""
    from silicodec.models.storage import written_whole

    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n")
