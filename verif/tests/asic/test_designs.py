"""Designs of all kinds through `silicodec asic` and `asic measure`: right figures, or a reason in one line."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from silicodec.asic.measure import MeasurementError, measure, synthesize, time_netlist
from silicodec.asic.pdk import liberty_file
from silicodec.cli import main
from silicodec.rtl.source import Source

needs = {
    "SILICODEC_PDK": os.environ.get("SILICODEC_PDK"),
    "pyosys": importlib.util.find_spec("pyosys"),
    "siliconcompiler": importlib.util.find_spec("siliconcompiler"),
    "sta": shutil.which("sta"),
}
pytestmark = pytest.mark.skipif(not all(needs.values()), reason=f"needs {', '.join(needs)}")

TWO_CLOCKS = """
module two (input clk, input clk2, input [7:0] d, output reg q, output reg [7:0] y);
  reg r;
  always @(posedge clk) begin r <= d[0]; q <= r; end
  always @(posedge clk2) y <= y * d + y;
endmodule
"""
DIVIDED = """
module divided (input clk, input [7:0] d, output reg [7:0] y);
  reg half = 0;
  always @(posedge clk) half <= ~half;
  always @(posedge half) y <= y + d;
endmodule
"""
LATCH = """
module latch (input clk, en, input [3:0] d, output reg [3:0] q, output [3:0] y);
  reg [3:0] held;
  always @* if (en) held = d;
  always @(posedge clk) q <= held ^ q;
  assign y = held;
endmodule
"""
LOOP = """
module loop (input clk, a, output reg q);
  wire x = ~(y & a); wire y = ~(x & q);
  always @(posedge clk) q <= x;
endmodule
"""
PAD = """
module pad (input clk, oe, input [3:0] d, inout [3:0] bus, output reg [3:0] q);
  assign bus = oe ? d : 4'bz;
  always @(posedge clk) q <= q + bus;
endmodule
"""
NO_OUTPUT = "module deaf (input clk, input [7:0] d); reg [7:0] q; always @(posedge clk) q <= q + d; endmodule"
UNDECLARED = "module typo (input clk, output reg q); always @(posedge clk) q <= p; endmodule"
MEMORY = """
module memory (input clk, input [3:0] a, input we, input [3:0] d, output reg [3:0] q);
  reg [3:0] words [0:15];
  always @(posedge clk) begin if (we) words[a] <= d; q <= q + words[a]; end
endmodule
"""
BLACK_BOX = """
(* blackbox *) module macro (input clk, input [7:0] a, output [7:0] q); endmodule
module boxed (input clk, input [7:0] d, output reg [7:0] y);
  wire [7:0] q;
  macro m (.clk(clk), .a(y), .q(q));
  always @(posedge clk) y <= q + d;
endmodule
"""
HALF = """
module half (input clk, input [7:0] d, output reg [7:0] y);
  reg [7:0] x;
  always @(posedge clk) x <= d;
  always @(negedge clk) y <= x * 5;
endmodule
"""
ACCUMULATOR = """
module accumulator (input clk, input [7:0] d, output reg [7:0] q);
`ifdef SYNTHESIS
  always @(posedge clk) q <= q + d;
`else
  always @(posedge clk) q <= q * d;
`endif
endmodule
"""


def invoke(*arguments):
    """Run `silicodec asic`; returns exit code, output and the last line on standard error."""
    result = CliRunner().invoke(main, ["asic", *map(str, arguments)])
    return result.exit_code, result.stdout, (result.stderr.splitlines() or [""])[-1]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`invoke`, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return invoke


@pytest.fixture(scope="module")
def accumulator(tmp_path_factory):
    """A folder where the flow took the accumulator, which takes some seconds: not for every test anew."""
    folder = tmp_path_factory.mktemp("accumulator")
    (folder / "accumulator.v").write_text(ACCUMULATOR)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        assert invoke("accumulator.v", "--top", "accumulator", "--json", "flow.json")[0] == 0
    return folder


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TWO_CLOCKS, "two: y is clocked by clk2, which no clock port drives: give --clock-port clk2 as well"),
        (DIVIDED, "divided: y is clocked by half, which a register drives: such a clock is not timed"),
        (LATCH, "held is a latch: give it a value in every branch, or clock it"),
        (LOOP, "loop has a combinational loop through"),
        (PAD, "bus is a tri-state signal: split it into an input, an output and its enable"),
        (NO_OUTPUT, "deaf is empty after synthesis: nothing in it reaches an output"),
        (UNDECLARED, "p is not declared"),
    ],
)
def test_what_would_give_wrong_figures_is_refused(text, reason):
    top = text.split("module ")[1].split()[0]
    with pytest.raises(MeasurementError) as caught:
        measure(Source(top, text=text))
    assert reason in str(caught.value)


def test_several_clocks_are_timed_each_by_itself():
    first = measure(Source("two", text=TWO_CLOCKS), clock_ports=["clk", "clk2"]).paths
    accumulator = TWO_CLOCKS.replace("always @(posedge clk) begin r <= d[0]; q <= r; end", "")
    alone = measure(Source("two", text=accumulator), clock_ports=["clk2"]).paths
    assert first.register_to_register_ns == pytest.approx(alone.register_to_register_ns, rel=0.2)
    assert first.register_to_register_ns > 2


def test_a_path_of_half_a_period_counts_twice_whatever_the_period(tmp_path):
    Source("half", text=HALF).stage(tmp_path)
    synthesize("half", tmp_path, ["clk"], 3.0)
    short, long = (
        time_netlist("half", tmp_path, ["clk"], period, liberty=liberty_file())[0].paths.register_to_register_ns
        for period in (2, 9)
    )
    assert short == pytest.approx(long, abs=1e-3)
    whole = measure(Source("half", text=HALF.replace("negedge", "posedge"))).critical_path_ns
    assert short == pytest.approx(2 * whole, rel=0.2)


def test_a_design_without_registers_has_its_area_and_its_port_path():
    figures = measure(Source("inverter", text="module inverter (input a, output y); assign y = ~a; endmodule"))
    assert figures.flip_flops == 0
    assert 3 < figures.area_um2 < 30
    assert figures.critical_path_ns is None
    assert 0 < figures.paths.input_to_output_ns < 1
    shift = "module shift (input clk, d, output reg q); always @(posedge clk) q <= d; endmodule"
    paths = measure(Source("shift", text=shift)).paths
    assert paths.register_to_register_ns is None
    assert 0 < paths.input_to_register_ns < paths.register_to_output_ns < 1


def test_outputs_some_bits_of_which_are_constant_are_timed(tmp_path):
    """Yosys assigns such bits to a concatenation, which OpenSTA does not read: it goes on without the netlist."""
    text = "module mask (input clk, input [7:0] d, output reg [7:0] q); always @(posedge clk) q <= d & 8'h77; endmodule"
    assert 0 < measure(Source("mask", text=text)).paths.input_to_register_ns < 1
    Source("mask", text=text).stage(tmp_path)
    synthesize("mask", tmp_path, ["clk"], 3.0)
    (tmp_path / "netlist.v").write_text("module mask (q); output [1:0] q; assign {q[1], q[0]} = 2'b01; endmodule\n")
    with pytest.raises(MeasurementError, match=r"OpenSTA: netlist\.v, line 1 syntax error"):
        time_netlist("mask", tmp_path, ["clk"], 3.0, liberty=liberty_file())


def test_what_is_left_outside_is_said(run, tmp_path):
    (tmp_path / "memory.v").write_text(MEMORY)
    code, output, _ = run("measure", "memory.v", "--top", "memory")
    assert code == 0
    assert "memory: left outside: 64 bits of memory, with which it has " in output
    (tmp_path / "boxed.v").write_text(BLACK_BOX)
    code, output, _ = run("measure", "boxed.v", "--top", "boxed")
    assert code == 0
    assert "boxed: left outside, with the paths to and from them: modules without content, 1 x macro" in output
    code, _, error = run("boxed.v", "--top", "boxed")
    assert code == 1
    assert "holds modules without content (macro)" in error


def test_flow_and_measurement_see_one_design(run, accumulator):
    """By the same front end, with the same macros, for the same clock."""
    assert run("measure", accumulator / "accumulator.v", "--top", "accumulator", "--json", "measured.json")[0] == 0
    (measured,), (flow,) = (json.loads(path.read_text()) for path in (Path("measured.json"), accumulator / "flow.json"))
    assert flow["netlist"]["area_um2"] == measured["area_um2"]
    path, bare = (of["corners"]["typical"]["paths"]["register_to_register_ns"] for of in (flow["netlist"], measured))
    kept = flow["constraints"]["setup_uncertainty_ns"]
    assert bare + kept < path < (1 + flow["constraints"]["derate"]) * bare + kept + 1e-3, "more is kept in hand"
    assert flow["verilog_sha256"] == measured["verilog_sha256"]


def test_folders_with_spaces_includes_data_and_a_second_run_after_a_change(run, tmp_path, monkeypatch):
    folder = tmp_path / "a b"
    temporary = folder / f"c d {'x' * 60}"  # a folder in which no socket's name has room
    temporary.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    text = """`include "width.vh"
// r\xe9sum\xe9
module rom (input clk, input [1:0] a, output reg [`W-1:0] q);
  reg [7:0] words [0:3];
  initial $readmemh("rom.hex", words);
  always @(posedge clk) q <= q + words[a][`W-1:0];
endmodule
"""
    (folder / "rom.v").write_bytes(text.encode("latin-1"))
    (folder / "rom.hex").write_text("0a\n1b\n2c\n3d\n")
    (folder / "width.vh").write_bytes(b"\xef\xbb\xbf`define W 4\n")
    assert run("measure", "*.v", "--top", "rom")[0] == 0
    code, output, error = run("rom.v", "--top", "rom")
    assert (code, error) == (0, "rom: recorded in build/asic/flows/rom.synthesis.json"), error
    assert "netlist proven equal to the Verilog" in output
    assert run("rom.v", "--top", "rom")[2].startswith("rom: as recorded")
    (folder / "width.vh").write_text("`define W 8\n")
    _, wider, error = run("rom.v", "--top", "rom", "--clock-ns", "5")
    assert error.startswith("rom: recorded")
    assert wider != output


PACKAGE = """
package kinds; typedef enum logic [1:0] {A, B, C} state; endpackage
module element #(type T = logic) (input logic clk, input T d, output T q); always_ff @(posedge clk) q <= d; endmodule
"""
USER = """
module user #(parameter int W = 3) (input logic clk, input logic [W-1:0] d, output logic [W-1:0] q);
  import kinds::*;
  state s;
  always_ff @(posedge clk) s <= (s == C) ? A : state'(s + 2'd1);
  logic [W-1:0] held;
  element #(.T(logic [W-1:0])) e (.clk, .d, .q(held));
  assign q = held + W'(s);
endmodule
"""


def test_slang_reads_packages_and_type_parameters_and_takes_parameters(run, tmp_path):
    (tmp_path / "kinds.sv").write_text(PACKAGE)
    (tmp_path / "user.sv").write_text(USER)
    design = ["measure", "kinds.sv", "user.sv", "--top", "user", "--json", "user.json"]
    assert run(*design)[0] == 1, "Yosys knows no type parameters"
    code, _, error = run(*design, "--front-end", "slang", "--set", "W=5")
    assert code == 0, error
    assert json.loads((tmp_path / "user.json").read_text())[0]["flip_flops"] == 2 + 5


def test_a_netlist_that_differs_ends_with_an_error(run, accumulator, tmp_path):
    from silicodec.asic import results

    shutil.copytree(accumulator, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "build/asic/flows/accumulator.synthesis.json"
    record = json.loads(path.read_text())
    record["equivalence"] = {"proven": False, "cycles": 8, "reset": None}
    path.write_text(json.dumps(record))
    assert results.read_result(path).equivalence["proven"] is False
    code, output, error = run("accumulator.v", "--top", "accumulator")
    assert code == 1
    assert "netlist DIFFERS from the Verilog, for 8 cycles from registers that hold 0" in output
    assert error == "silicodec: what was made is not clean; --allow equivalence would accept it"


LONG_FOLDER = """
import multiprocessing, tempfile
from silicodec.asic.run import short_temporary_folder
with short_temporary_folder():
    multiprocessing.Manager().shutdown()
print(tempfile.gettempdir())
"""


def test_temporary_folder_too_long_for_a_socket(tmp_path):
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    environment = os.environ | {"TMPDIR": str(folder)}
    command = [sys.executable, "-c", LONG_FOLDER]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(folder)
