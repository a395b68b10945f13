"""Command `cache`: what is kept for later runs."""

from __future__ import annotations

from typing import Any

import click

from silicodec.models.storage import cache_entries, cache_folder
from silicodec.output import print_table, say


@click.command()
@click.option("--clear", is_flag=True, help="Remove it all; what is needed again is made again.")
def cache(clear: bool) -> None:
    """Show, or clear, what is kept for later runs: compiled engines and trained networks.

    It lies in the folder SILICODEC_CACHE, or else in `silicodec` in the user's cache folder. Other files there stay.
    """
    entries = cache_entries()
    total = f"{sum(entry.size for entry in entries) / 1e6:,.1f} MB in {len(entries)} entries"
    if clear:
        for entry in entries:
            entry.remove()
        say(f"{cache_folder()}: {total} removed")
        return
    rows = [(entry.path.name, f"{entry.size:,}") for entry in entries]
    print_table(f"{cache_folder()}: {total}", [("entry", "left"), ("bytes", "right")], rows)


COMMANDS: tuple[Any, ...] = (cache,)
