"""What the commands print and write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import rich.box
import rich.console
import rich.table

NUMERIC = "right"


def print_table(title: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]]) -> None:
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
    table = rich.table.Table(title=title, title_justify="left", box=rich.box.SIMPLE_HEAD)
    for heading, alignment in columns:
        table.add_column(heading, justify="right" if alignment == NUMERIC else "left")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console = rich.console.Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def write_json(path: Path, record: Any) -> None:
    """Write a record as JSON, whole or not at all."""
    from silicodec.models.storage import written_whole

    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n")
