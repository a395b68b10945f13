"""Commands about networks: networks, evaluate, demo."""

from __future__ import annotations

from typing import Any

import click

from .output import print_table


@click.command()
def networks() -> None:
    """List the networks, and what is missing for those that cannot be used here."""
    from silicodec.models.networks import NETWORKS

    rows = [(n.name, n.summary, n.data_set, n.available() or "ready") for n in NETWORKS.values()]
    print_table("Networks", [(name, "left") for name in ("network", "what it is", "images", "state")], rows)


COMMANDS: tuple[Any, ...] = (networks,)
