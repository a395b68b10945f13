"""Anybody's Verilog to a bitstream: all that `silicodec asic` reads, and an interrupt that leaves nothing behind."""

import importlib.util
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from silicodec.cli import main
from silicodec.fpga.records import read_record

INCLUDING = """`include "width.vh"
module including #(parameter BITS = `W) (input clk, input [BITS-1:0] d, output reg [BITS-1:0] q);
  always @(posedge clk) q <= q + d;
endmodule
"""
TABLE = """
module lookup (input clk, input [1:0] a, output reg [7:0] q, output reg [7:0] s);
  reg [7:0] rom [0:3];
  initial $readmemh("rom.hex", rom);
  always @(posedge clk) begin q <= rom[a]; s <= s + q; end
endmodule
"""
CAST = """
module cast (input logic clk, input logic [7:0] d, output logic [7:0] q);
  typedef enum logic [1:0] {A, B, C} state;
  state s;
  always_ff @(posedge clk) begin s <= (s == C) ? A : state'(s + 2'd1); q <= q + d + 8'(s); end
endmodule
"""
LATIN = """// r\xe9sum\xe9
module latin (input clk, input [7:0] d, output reg [7:0] q);
  always @(posedge clk) q <= q + d;
endmodule
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a space in its name and a few designs."""
    folder = tmp_path / "my designs"
    (folder / "include").mkdir(parents=True)
    (folder / "including.v").write_text(INCLUDING)
    (folder / "width.vh").write_bytes(b"\xef\xbb\xbf`define W 4\n")
    (folder / "lookup.v").write_text(TABLE)
    (folder / "rom.hex").write_text("0a\n1b\n2c\n3d\n")
    (folder / "cast.sv").write_text(CAST)
    (folder / "latin.v").write_bytes(LATIN.encode("latin-1"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.parametrize(
    ("arguments", "top", "flip_flops"),
    [
        (["including.v"], "including", 4),
        (["incl*.v", "--set", "BITS=6"], "including", 6),
        (["lookup.v"], "lookup", 16),
        (["latin.v"], "latin", 8),
        pytest.param(
            ["cast.sv"],
            "cast",
            10,
            marks=pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="needs pyosys"),
        ),
    ],
)
def test_what_asic_reads_becomes_a_bitstream(folder, arguments, top, flip_flops):
    command = ["fpga", "build", *arguments, "--top", top, "--board", "hx8k", "--out", "out"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.stderr
    record = read_record(folder / f"out/{top}-hx8k.json")
    used = record.resources["flip-flops"].used + 8 * record.resources["block RAMs"].used
    assert used == pytest.approx(flip_flops, abs=8 if top == "lookup" else 0)


def test_includes_and_macros_of_the_command_line(folder):
    (folder / "width.vh").rename(folder / "include/width.vh")
    (folder / "including.v").write_text(INCLUDING.replace("q + d", "q + d + `STEP"))
    command = ["fpga", "build", "including.v", "-I", "include", "-D", "STEP=3", "--top", "including", "--board", "hx8k"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.stderr


SLOW = """
module slow (input clk, input [63:0] a, b, output reg [63:0] q);
  always @(posedge clk) q <= (a * b) * q + (a % b);
endmodule
"""


def test_an_interrupt_of_this_process_alone_ends_the_programs_that_it_runs(folder):
    (folder / "slow.v").write_text(SLOW)
    command = ["-c", "from silicodec.cli import main; main()", "fpga", "build", "slow.v", "--top", "slow"]
    run = subprocess.Popen([sys.executable, *command, "--board", "hx8k"], stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while not (programs := descendants(run.pid)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert programs
        os.kill(run.pid, signal.SIGINT)
        error = run.communicate(timeout=20)[1]
    finally:
        run.kill()
    assert run.returncode == 130
    assert error.splitlines()[-1] == "silicodec: interrupted"
    # Their files are closed by now; the last of it takes the system a moment.
    time.sleep(0.5)
    assert not [pid for pid in programs if runs(pid)]


def runs(pid):
    """Whether a process is there and more than a zombie, which only waits for its parent."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descendants(parent):
    """Yosys among the processes that a process has begun, with their make."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
    processes = [line.split(None, 2) for line in listed.splitlines()]
    found, news = [], {str(parent)}
    while news:
        children = [(pid, comm) for pid, ppid, comm in processes if ppid in news]
        found += children
        news = {pid for pid, _ in children}
    return [pid for pid, comm in found if "yosys" in comm] and [pid for pid, _ in found]
