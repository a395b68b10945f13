"""Which designs a command works on: engines of the catalog, or anybody's Verilog, named alike for ASIC and FPGA."""

from __future__ import annotations

import functools
import glob
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.commands.engines import find_engine
from silicodec.files import INPUT
from silicodec.names import ENGINE
from silicodec.settings import set_option

if TYPE_CHECKING:
    from silicodec.rtl.engine import Engine
    from silicodec.rtl.source import Source

_PORT = re.compile(r"!?[A-Za-z_][\w$]*")


@dataclass(frozen=True)
class Designs:
    """What was named.

    Parameters
    ----------
    engines : tuple of Engine
        Engines of the catalog; none if `source` is given.
    source : Source or None
        Other Verilog.
    clock_ports : tuple of str
        Its clock inputs.
    reset_port : str or None
        Its reset, after `!` if it is active low.
    """

    engines: tuple[Engine, ...]
    source: Source | None
    clock_ports: tuple[str, ...] = ("clk",)
    reset_port: str | None = None


def design_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments and options that name designs; it takes them as `designs`, of type `Designs`."""

    @functools.wraps(command)
    def with_designs(
        names: tuple[str, ...],
        every: bool,
        files: tuple[Path, ...],
        top: str | None,
        include_folders: tuple[Path, ...],
        defines: tuple[str, ...],
        settings: dict[str, str],
        front_end: str,
        clock_ports: tuple[str, ...],
        reset_port: str | None,
        **options: Any,
    ) -> None:
        from silicodec.rtl.source import Source

        source = None
        if top:
            found = expanded((*map(str, files), *names))
            source = Source(top, found, "", include_folders, defines, tuple(settings.items()), front_end)
            if not found or every:
                raise click.UsageError("--top goes with Verilog files, and with nothing else")
            source.check()
        elif files or include_folders or defines:
            raise click.UsageError("Verilog files and their options go with --top")
        elif bool(names) == every:
            raise click.UsageError("name engines, or give --all, or Verilog files and --top")
        for port in (*clock_ports, *([reset_port] if reset_port else [])):
            if not _PORT.fullmatch(port):
                raise click.UsageError(f"{port!r} is not the name of a port")
        command(
            designs=Designs(() if top else find_engines(names, every, settings), source, clock_ports, reset_port),
            **options,
        )

    for option in reversed(OPTIONS):
        with_designs = option(with_designs)
    return with_designs


OPTIONS = (
    click.argument("names", metavar="[ENGINE]... | [FILE]...", type=ENGINE, nargs=-1),
    click.option("--all", "every", is_flag=True, help="Every engine of the catalog."),
    click.option("--top", help="Top module of the Verilog files that are given instead of engines."),
    click.option("--verilog", "files", type=INPUT, multiple=True, metavar="FILE...", help="The same files; optional."),
    click.option("-I", "include_folders", type=INPUT, multiple=True, metavar="FOLDER", help="Look for includes there."),
    click.option("-D", "defines", multiple=True, metavar="NAME[=VALUE]", help="Define a macro of the Verilog."),
    set_option(help="Parameter of the top module, or of the engines; may be repeated."),
    click.option(
        "--front-end",
        type=click.Choice(["yosys", "slang"]),
        default="yosys",
        show_default=True,
        help="What reads the Verilog: slang knows all of SystemVerilog, Yosys a part.",
    ),
    click.option(
        "--clock-port",
        "clock_ports",
        multiple=True,
        default=("clk",),
        metavar="NAME",
        help="Clock input of the top module; may be repeated.  [default: clk]",
    ),
    click.option(
        "--reset-port",
        metavar="[!]NAME",
        help="Its reset, after ! if 0 resets, for the formal check.  [default: is looked for]",
    ),
)


def find_engines(names: Sequence[str], every: bool, settings: Mapping[str, str]) -> tuple[Engine, ...]:
    """Find engines of the catalog, and change the parameters that `--set` named."""
    from silicodec.rtl.catalog import ENGINES

    if every and settings:
        raise click.UsageError("--set goes with the names of engines, not with --all")
    return tuple(ENGINES.values()) if every else tuple(find_engine(name, settings) for name in names)


def expanded(patterns: Sequence[str]) -> tuple[Path, ...]:
    """Expand what a shell left of patterns such as `rtl/*.sv`."""
    files: list[Path] = []
    for pattern in patterns:
        path = Path(pattern)
        found = [path] if path.exists() or not glob.has_magic(pattern) else sorted(map(Path, glob.glob(pattern)))
        if not found:
            raise click.UsageError(f"{pattern}: no such files")
        files += found
    return tuple(files)
