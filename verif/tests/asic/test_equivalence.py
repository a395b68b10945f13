"""The formal check proves what is the same, and finds what is not."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.convert import verilog

pytestmark = pytest.mark.skipif(
    not os.environ.get("SILICODEC_PDK") or importlib.util.find_spec("pyosys") is None,
    reason="needs SILICODEC_PDK and pyosys",
)

COUNTER = """
module counter (input clk, rst, enable, output reg [3:0] count, output wrap);
  assign wrap = count == 4'd9 && enable;
  always @(posedge clk) if (rst) count <= 0; else if (enable) count <= wrap ? 0 : count + 1;
endmodule
"""


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    """Folder with the netlist of the counter."""
    folder = tmp_path_factory.mktemp("counter")
    synthesise("counter", COUNTER, folder)
    return folder


def synthesise(top, text, folder):
    (folder / "design.v").write_text(text)
    run("synthesis", top, "clk", "3.5", ".", "design.v", cwd=folder)


def run(program, *arguments, cwd):
    command = [sys.executable, "-m", f"silicodec.asic.{program}", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def equivalence(top, folder, text):
    (folder / "design.v").write_text(text)
    run("equivalence", top, ".", "design.v", cwd=folder)
    return json.loads((folder / "equivalence.json").read_text())


def test_a_counter_is_proven_from_any_state(counter):
    assert equivalence("counter", counter, COUNTER) == {"proven": True, "cycles": None}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("4'd9", "4'd2"), ("count + 1", "count + 3"), ("rst)", "rst && enable)"), ("&& enable;", "|| enable;")],
)
def test_a_netlist_of_other_verilog_is_found_out(counter, right, wrong):
    assert COUNTER.count(right) == 1
    assert not equivalence("counter", counter, COUNTER.replace(right, wrong))["proven"]


def test_a_difference_beyond_the_cycles_that_were_checked_is_not_claimed_to_be_proven_for_ever(counter):
    late = COUNTER.replace("4'd9", "4'd12")
    assert equivalence("counter", counter, late) == {"proven": True, "cycles": 8}


def test_an_asynchronous_reset_is_no_obstacle(tmp_path):
    text = COUNTER.replace("posedge clk)", "posedge clk or posedge rst)")
    synthesise("counter", text, tmp_path)
    assert "dfrtp" in (tmp_path / "netlist.v").read_text()
    assert equivalence("counter", tmp_path, text) == {"proven": True, "cycles": None}
    assert not equivalence("counter", tmp_path, text.replace("count <= 0", "count <= 1"))["proven"]


def test_a_design_without_reset_is_checked_from_zero(tmp_path):
    text = "module free (input clk, input [1:0] a, output reg [3:0] q); always @(posedge clk) q <= q + a; endmodule"
    synthesise("free", text, tmp_path)
    assert not equivalence("free", tmp_path, text.replace("q + a", "q - a"))["proven"]


TABLE = """
module rows (input clk, write, input [2:0] address, input [3:0] value, output reg [3:0] q);
  reg [3:0] cells [0:4];
  always @(posedge clk) begin
    if (write) cells[address] <= value;
    q <= cells[address];
  end
endmodule
"""
ROUNDING = """
module rounding (input clk, input signed [3:0] a, b, output reg [3:0] q, r);
  reg signed [7:0] product;
  wire signed [7:0] named = product + 0;
  wire signed [7:0] rounded = named + 8;
  always @(posedge clk) begin
    product <= a * b;
    q <= rounded[7:4];
    r <= named[3:0];
  end
endmodule
"""
SPARE = """
module spare (input clk, a, output reg q);
  reg always_zero;
  always @(posedge clk) begin
    always_zero <= 0;
    q <= a ^ always_zero;
  end
endmodule
"""


@pytest.mark.parametrize(
    ("text", "right", "wrong", "cycles"),
    [
        pytest.param(
            TABLE, "q <= cells[address]", "q <= cells[address ^ 1]", None, id="rows that a memory has not got"
        ),
        pytest.param(ROUNDING, "+ 8", "+ 4", None, id="registers under other names"),
        pytest.param(SPARE, "always_zero <= 0", "always_zero <= a", 8, id="a register that the netlist has not got"),
    ],
)
def test_registers_are_found_and_undefined_values_are_free(tmp_path, text, right, wrong, cycles):
    top = text.split()[1]
    synthesise(top, text, tmp_path)
    assert text.count(right) == 1
    assert equivalence(top, tmp_path, text) == {"proven": True, "cycles": cycles}
    assert equivalence(top, tmp_path, text.replace(right, wrong)) == {"proven": False, "cycles": 8}


@pytest.mark.parametrize("engine", ["ebpc-encoder", "ebpc-decoder"])
def test_gates_of_the_engines_are_proven_from_any_state(tmp_path, engine):
    engine = ENGINES[engine]
    synthesise(engine.top, verilog(engine), tmp_path)
    assert equivalence(engine.top, tmp_path, verilog(engine)) == {"proven": True, "cycles": None}


def test_what_takes_too_long_is_not_decided(tmp_path):
    ports = "input clk, input [15:0] a, b, output reg [31:0] p"
    text = f"module product ({ports}); always @(posedge clk) p <= a * b; endmodule"
    synthesise("product", text, tmp_path)
    (tmp_path / "design.v").write_text(text.replace("a * b", "((a * b[15:8]) << 8) + a * b[7:0]"))
    hurried = "from pathlib import Path; from silicodec.asic import equivalence as e; e.SECONDS = 1; "
    command = hurried + "open('result', 'w').write(str(e.check('product', Path(), ['design.v'])))"
    subprocess.run([sys.executable, "-c", command], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "result").read_text() == "{'proven': None, 'cycles': 0}"
