"""Names that commands take: of engines, codecs, networks, boards and backends; shells complete them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem


class Name(click.ParamType):
    """One of a list of names, which is loaded when a shell completes one; the command looks into what it got.

    Parameters
    ----------
    kind : str
        What the names are of.
    names : callable
        Returns them.
    """

    def __init__(self, kind: str, names: Callable[[], Iterable[str]]) -> None:
        self.name = kind
        self._names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Complete a name, or the last one of several with commas between."""
        before, comma, start = incomplete.rpartition(",")
        return [CompletionItem(before + comma + name) for name in self._names() if name.startswith(start)]


def _engines() -> Iterable[str]:
    from silicodec.rtl.catalog import ENGINES

    return ENGINES


def _codecs() -> Iterable[str]:
    from silicodec.models.catalog import CODECS

    return CODECS


def _networks() -> Iterable[str]:
    from silicodec.models.networks import NETWORKS

    return NETWORKS


def _boards() -> Iterable[str]:
    from silicodec.fpga.boards import BOARDS

    return BOARDS


def _backends() -> Iterable[str]:
    from silicodec.verif.backends import BACKENDS

    return BACKENDS


ENGINE = Name("engine", _engines)
CODEC = Name("codec", _codecs)
NETWORK = Name("network", _networks)
BOARD = Name("board", _boards)
BACKEND = Name("backend", _backends)
