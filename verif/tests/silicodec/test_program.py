"""The program as a whole: help, errors, interruption."""

import os
import signal
import subprocess
import sys
import time

import click
import pytest
from click.testing import CliRunner

from silicodec.cli import main
from silicodec.program import Program

SILICODEC = [sys.executable, "-c", "from silicodec.cli import main; main(prog_name='silicodec')"]


def test_every_command_has_help():
    for name in main.commands:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0
        assert "Usage:" in result.stdout


def test_help_loads_no_heavy_package():
    code = (
        "import sys, click.testing, silicodec.cli;"
        "click.testing.CliRunner().invoke(silicodec.cli.main, ['--help']);"
        "print([name for name in ('numpy', 'numba', 'torch', 'myhdl', 'matplotlib') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_unknown_command_is_one_line():
    done = subprocess.run([*SILICODEC, "shrink"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "silicodec: No such command 'shrink' (see `silicodec --help`)\n"


@pytest.fixture
def failing():
    """Make a program whose one command raises the given exception."""

    def program(error):
        @click.group(cls=Program)
        @click.option("--debug", is_flag=True)
        def group(debug):
            pass

        @group.command()
        def fail():
            raise error

        return group

    return program


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("bits must be 8"), 2, "silicodec: bits must be 8\n"),
        (
            FileNotFoundError(2, "No such file or directory", "x.npy"),
            2,
            "silicodec: x.npy: No such file or directory\n",
        ),
        (KeyboardInterrupt(), 130, "silicodec: interrupted\n"),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            1,
            "silicodec: torch is missing: pip install 'silicodec[networks]'\n",
        ),
        (
            ZeroDivisionError("two\nlines"),
            1,
            "silicodec: ZeroDivisionError: two lines (run `silicodec --debug ...` for a traceback)\n",
        ),
    ],
)
def test_exception_becomes_one_line_and_an_exit_code(failing, error, code, message):
    result = CliRunner().invoke(failing(error), ["fail"])
    assert (result.exit_code, result.stderr) == (code, message)


def test_debug_lets_the_exception_through(failing):
    result = CliRunner().invoke(failing(ZeroDivisionError("why")), ["--debug", "fail"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_reader_that_leaves_early_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*SILICODEC, "--help"], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert "Traceback" not in done.stderr


def open_when_read(fifo, process):
    """Open a named pipe for writing as soon as the process reads from it."""
    while process.poll() is None:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.01)
    raise AssertionError(process.stderr.read())


def test_interrupt_leaves_no_output_file(tmp_path):
    fifo = tmp_path / "input.npy"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        [*SILICODEC, "compress", str(fifo), str(tmp_path / "output")], stderr=subprocess.PIPE, text=True
    )
    writer = open_when_read(fifo, process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    os.close(writer)
    assert process.returncode == 130
    assert error == "silicodec: interrupted\n"
    assert list(tmp_path.iterdir()) == [fifo]
