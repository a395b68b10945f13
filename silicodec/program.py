"""How the command line ends: one line for every error, and the exit codes.

0 success, 1 a run that failed, 2 bad usage or input, 130 interrupted.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from silicodec.models.errors import unknown_name

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
    "onnx": "onnx",
    "onnx2pytorch": "onnx",
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


class _ToStderr(logging.Handler):
    """Shows what the packages below tell about long work."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message."""
        click.echo(record.getMessage(), err=True)


def show_messages() -> None:
    """Show what the packages below tell about long work, such as a build that the user waits for."""
    logger = logging.getLogger("silicodec")
    if not any(isinstance(handler, _ToStderr) for handler in logger.handlers):
        logger.addHandler(_ToStderr())
        logger.setLevel(logging.INFO)


class Program(click.Group):
    """A group of commands that turns every exception into one line and an exit code, unless run with `--debug`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sections: dict[str, list[str]] = {}

    def add_section(self, title: str, commands: Iterable[click.Command]) -> None:
        """Add commands, listed under a title of their own in the help text."""
        for command in commands:
            self.add_command(command)
            self._sections.setdefault(title, []).append(command.name or "")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands in their sections, in the order in which one uses them."""
        for title, names in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(200)) for name in names])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command that the arguments begin with, or say which was probably meant."""
        if args[0] not in self.commands and get_close_matches(args[0], self.commands):
            raise click.UsageError(unknown_name("command", args[0], self.commands), ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; SIGTERM ends it as Ctrl-C does, with all that it has begun."""
        show_messages()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            # Workers that it forks are ended by SIGTERM, and have nothing to say of it.
            os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
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


class DefaultGroup(click.Group):
    """A group of commands one of which may be left out; without arguments it shows its help.

    Parameters
    ----------
    default : str
        Name of the command that is meant where none is named.
    """

    def __init__(self, *args: Any, default: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default in front of what is not a command, nor nearly one, but may be a file."""
        if args and args[0] not in (*self.commands, *self.get_help_option_names(ctx)):
            if get_close_matches(args[0], self.commands, cutoff=0.75) and not os.path.exists(args[0]):
                raise click.UsageError(unknown_name("command", args[0], self.commands), ctx)
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands, and what the default takes as its arguments."""
        items = super().shell_complete(ctx, incomplete)
        for parameter in self.commands[self._default].params:
            if isinstance(parameter, click.Argument):
                items += parameter.shell_complete(ctx, incomplete)
        return items


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
