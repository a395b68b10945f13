"""What the commands print and write."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
import rich.box
import rich.console
import rich.progress
import rich.table
from rich.cells import cell_len

Columns = Sequence[tuple[str, Literal["left", "right"]]]
"""Heading and alignment of every column of a table."""
WIDTH_OF_LOGS = 160
"""Characters a line where the output is not a terminal."""


def print_table(title: str, columns: Columns, rows: Iterable[Sequence[object]]) -> None:
    """Print a table as wide as the terminal, or several below each other where it takes more.

    No word and no number is broken: texts and headings wrap at spaces, and where that is not enough, columns go into
    further tables, which begin with the same labels.

    Parameters
    ----------
    title : str
        Line above it.
    columns : sequence of (str, str)
        Heading and alignment (`left` for texts, `right` for numbers) of every column.
    rows : iterable of sequence
        Cells; None is shown as an empty cell.
    """
    terminal = rich.console.Console(stderr=report_is_on_stderr())
    width = terminal.width if terminal.is_terminal else WIDTH_OF_LOGS
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    table = [_Column(*column, tuple(row[place] for row in cells)) for place, column in enumerate(columns)]
    say(title)
    text = io.StringIO()
    page = rich.console.Console(file=text, width=10_000)
    for part in _fit(table, width):
        page.print(_render(part, width), highlight=False, markup=False)
    for line in text.getvalue().splitlines():
        say(line.rstrip())


@dataclass(frozen=True)
class _Column:
    """A column of a table."""

    heading: str
    alignment: Literal["left", "right"]
    cells: tuple[str, ...]

    @property
    def width(self) -> int:
        """Characters of the widest cell."""
        return max(map(cell_len, (self.heading, *self.cells)))

    @property
    def wraps(self) -> bool:
        """Whether it holds texts of several words."""
        return any(" " in cell for cell in self.cells)

    @property
    def narrowest(self) -> int:
        """Characters of the longest part that must not be broken."""
        words = [*self.heading.split(), *self.cells]
        if self.alignment == "left":
            words = [word for text in words for word in text.split()]
        return max(map(cell_len, words), default=0)


def _total(widths: Iterable[int]) -> int:
    """Characters of a line of a table: the box around and between columns takes three for each, and one."""
    return sum(width + 3 for width in widths) + 1


def _fit(table: list[_Column], width: int) -> list[list[_Column]]:
    """Part columns into tables that fit a width, each with the labels in front."""
    if len(table) == 1 or _total(column.narrowest for column in table) <= width:
        return [table]
    more = itertools.takewhile(lambda column: column.alignment == "left" and not column.wraps, table[1:])
    labels = [table[0], *more]
    number = max((column.narrowest for column in table if column.alignment == "right"), default=0)
    if len(labels) == len(table) or _total([*(label.width for label in labels), number]) > width:
        labels = labels[:1]
    beside = [column.width for column in labels]
    room_beside = max(width - _total([*beside, 0]), 1)
    others = [
        column.narrowest if column.alignment == "right" else max(column.narrowest, min(column.width, room_beside))
        for column in table[len(labels) :]
    ]
    parts: list[list[_Column]] = []
    room = 0
    for column, taken in zip(table[len(labels) :], others, strict=True):
        room -= taken + 3
        if room < 0:
            parts.append(list(labels))
            room = width - _total([*beside, taken])
        parts[-1].append(column)
    return parts


def _render(columns: list[_Column], width: int) -> rich.table.Table:
    """Make a table that fits a width, where it can: headings of numbers wrap first, then the widest texts."""
    widths = [column.width for column in columns]
    narrowest = [column.narrowest for column in columns]
    numbers = [column.alignment == "right" for column in columns]
    while _total(widths) > width and widths != narrowest:
        room = [now > least for now, least in zip(widths, narrowest, strict=True)]
        widths[max(range(len(widths)), key=lambda place: (room[place], numbers[place], widths[place]))] -= 1
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column, column_width in zip(columns, widths, strict=True):
        table.add_column(column.heading, justify=column.alignment, width=column_width)
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*row)
    return table


def report_to_stderr(context: click.Context) -> None:
    """Let this command report on standard error, since its output file is standard output."""
    context.meta[_REPORT_TO_STDERR] = True


def report_is_on_stderr() -> bool:
    """Whether what the running command reports goes to standard error."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_REPORT_TO_STDERR))


_REPORT_TO_STDERR = "silicodec.report_to_stderr"


def say(message: object) -> None:
    """Print a line of a command's report."""
    click.echo(message, err=report_is_on_stderr())


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
