"""SIGTERM ends a command as Ctrl-C does, and the workers that it forks without a word."""

import signal
import subprocess
import sys

PROGRAM = """
import multiprocessing, time
import click
from silicodec.program import Program

@click.group(cls=Program)
@click.option("--debug", is_flag=True)
def main(debug): pass

@main.command()
def work():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(abs, range(5))
        print("worked", flush=True)
    time.sleep(60)

main()
"""


def test_sigterm_ends_a_command_in_one_line_and_its_workers_without_any():
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", PROGRAM, "work"], **pipes) as run:
        assert run.stdout.readline() == "worked\n"
        run.send_signal(signal.SIGTERM)
        said = run.communicate(timeout=20)[1]
    assert said == "silicodec: interrupted\n"
    assert run.returncode == 130
