"""How the command line ends: one line for every error, and the exit codes.

0 success, 1 a run that failed, 2 bad usage or input, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, NoReturn

import click

EXTRAS = {
    "dask": "evaluate",
    "distributed": "evaluate",
    "pyarrow": "evaluate",
    "jinja2": "report",
    "matplotlib": "report",
    "myhdl": "hardware",
    "pyosys": "asic",
    "siliconcompiler": "asic",
    "klayout": "asic",
    "lambdapdk": "asic",
    "edalize": "fpga",
    "serial": "fpga",
    "torch": "networks",
    "sklearn": "networks",
    "PIL": "networks",
    "torchvision": "torchvision",
    "ai_edge_litert": "tflite",
    "zstandard": "software",
}
"""Optional package -> the extra of this project that installs it."""


class FailedRun(click.ClickException):
    """A run that ended without the wanted result."""

    exit_code = 1


class BadInput(click.ClickException):
    """Input or an option that cannot be used."""

    exit_code = 2


class Interrupted(click.ClickException):
    """Ended by Ctrl-C."""

    exit_code = 130


class Program(click.Group):
    """A group of commands that turns every exception into one line and an exit code, unless run with `--debug`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if ctx.params["debug"] or is_broken_pipe(error):
                raise
            raise explained(error) from error

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run the program and exit."""
        options["standalone_mode"] = False
        try:
            code = super().main(*args, **options)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            code = 2
        except click.ClickException as error:
            message = " ".join(error.format_message().split()).removesuffix(".")
            if isinstance(error, click.UsageError) and error.ctx:
                message += f" (see `{error.ctx.command_path} --help`)"
            click.echo(f"silicodec: {message}", err=True)
            code = error.exit_code
        except click.Abort:
            click.echo("silicodec: interrupted", err=True)
            code = 130
        except OSError as error:
            if not is_broken_pipe(error):
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        sys.exit(code if isinstance(code, int) else 0)


def is_broken_pipe(error: BaseException) -> bool:
    """Whether the reader of the output has gone, as with `| head`."""
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def explained(error: Exception) -> click.ClickException:
    """Turn an exception of the libraries below into one line with the right exit code."""
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package in EXTRAS:
            return FailedRun(f"{package} is missing: pip install 'silicodec[{EXTRAS[package]}]'")
    if isinstance(error, OSError) and error.strerror:
        return BadInput(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    if isinstance(error, (ValueError, OSError)):
        return BadInput(str(error))
    if type(error).__module__.startswith("silicodec"):
        return FailedRun(str(error))
    return FailedRun(f"{type(error).__name__}: {error} (run `silicodec --debug ...` for a traceback)")
