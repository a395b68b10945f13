"""Area and timing of small designs whose answer is known, and designs that cannot be measured."""

import importlib.util
import os
import re
import shutil

import pytest

from silicodec.asic.measure import MeasurementError, failure, measure, time_netlist
from silicodec.asic.pdk import GATE_EQUIVALENT_UM2, liberty_file
from silicodec.rtl.source import Source

MISSING = [
    what
    for what, found in {
        "SILICODEC_PDK": os.environ.get("SILICODEC_PDK"),
        "pyosys": importlib.util.find_spec("pyosys"),
        "sta": shutil.which("sta"),
    }.items()
    if not found
]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")

COUNTER = """
module counter #(parameter BITS = 8) (input clock, input rst, output reg [BITS-1:0] count);
  always @(posedge clock) if (rst) count <= 0; else count <= count + 1;
endmodule
"""


@pytest.fixture
def counter(tmp_path):
    """Verilog of a counter, in a file whose name needs quoting."""
    path = tmp_path / "a counter.v"
    path.write_text(COUNTER)
    return path


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Figures of the counter: each measurement takes seconds."""
    path = tmp_path_factory.mktemp("measured") / "counter.v"
    path.write_text(COUNTER)
    return measure(Source("counter", (path,)), clock_ports=["clock"])


@needs_tools
def test_counter_has_its_eight_flip_flops_and_a_plausible_cost(measured):
    assert measured.flip_flops == 8
    assert 8 * 20.02 < measured.area_um2 < 2 * 8 * 20.02, "a dfxtp_1 has 20.02 um2"
    assert measured.gate_equivalents == pytest.approx(measured.area_um2 / GATE_EQUIVALENT_UM2, abs=0.1)
    assert 0.3 < measured.critical_path_ns < 3


@needs_tools
def test_wider_counter_is_larger_and_slower(counter, measured, tmp_path):
    wide = tmp_path / "wide.sv"
    wide.write_text("module wide(input logic clock, rst, output logic [31:0] count); counter #(32) c (.*); endmodule")
    wider = measure(Source("wide", (counter, wide)), clock_ports=["clock"])
    assert wider.flip_flops == 32
    assert wider.area_um2 > 3 * measured.area_um2
    assert wider.critical_path_ns > measured.critical_path_ns


@needs_tools
def test_memory_is_left_outside_but_its_logic_is_timed(tmp_path):
    design = tmp_path / "design.v"
    design.write_text("""
module table_of_sums (input clk, input write, input [3:0] at, input [11:0] word, output reg [11:0] sum);
  reg [11:0] words [0:15];
  reg [11:0] found;
  always @(posedge clk) begin
    if (write) words[at] <= word;
    found <= words[sum[3:0]];
    sum <= sum + found;
  end
endmodule
""")
    figures = measure(Source("table_of_sums", (design,)))
    assert figures.memory_bits == 16 * 12
    assert figures.flip_flops == 12
    assert figures.area_um2 < 1000
    (memory,) = figures.memories
    assert (memory.names, memory.words, memory.bits, memory.kind) == (["words"], 16, 12, "latches")
    assert not memory.shared_port
    assert memory.cell_area_um2 > 16 * 12 * 15
    assert figures.area_with_memories_um2 == pytest.approx(figures.area_um2 + memory.area_um2, abs=0.1)
    assert 1 < figures.critical_path_ns < 4


@needs_tools
def test_same_verilog_gives_the_same_figures_whatever_its_path(counter, measured):
    assert measure(Source("counter", (counter,)), clock_ports=["clock"]) == measured


@needs_tools
@pytest.mark.parametrize(
    ("verilog", "top", "clock", "message"),
    [
        (COUNTER, "nothing", "clock", "Module `nothing' not found"),
        (COUNTER, "counter", "clk", "counter has no input 'clk' for a clock; its inputs are clock, rst"),
        ("module x(;", "x", "clock", "design.v:1: syntax error"),
        ("module x(input clock, output y); missing m (clock, y); endmodule", "x", "clock", "missing"),
    ],
)
def test_design_that_cannot_be_measured_gives_the_reason_in_one_line(tmp_path, verilog, top, clock, message):
    design = tmp_path / "design.v"
    design.write_text(verilog)
    with pytest.raises(MeasurementError, match=re.escape(message)) as caught:
        measure(Source(top, (design,)), clock_ports=[clock])
    assert "\n" not in str(caught.value)


@pytest.mark.skipif("SILICODEC_PDK" not in os.environ, reason="needs SILICODEC_PDK")
def test_a_tool_that_the_system_killed_is_told_from_one_that_failed(tmp_path, monkeypatch):
    program = tmp_path / "sta"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "netlist.v").write_text("module m (a); input a; endmodule\n")
    with pytest.raises(MeasurementError, match="timing of m failed: killed by SIGKILL: perhaps memory ran out"):
        time_netlist("m", tmp_path, [], 3.0, liberty=liberty_file())


def test_missing_file_bad_top_and_bad_period_are_refused(counter):
    with pytest.raises(MeasurementError, match="no such Verilog file"):
        measure(Source("counter", (counter.with_name("absent.v"),)))
    with pytest.raises(MeasurementError, match="not the name of a Verilog module"):
        measure(Source("counter; shell", (counter,)))
    with pytest.raises(MeasurementError, match="clock period"):
        measure(Source("counter", (counter,)), period_ns=-1)


@pytest.mark.parametrize("folder", [None, "empty"])
def test_missing_process_data_says_how_to_get_it(counter, tmp_path, monkeypatch, folder):
    monkeypatch.delenv("SILICODEC_PDK", raising=False)
    if folder:
        monkeypatch.setenv("SILICODEC_PDK", str(tmp_path / folder))
    with pytest.raises(MeasurementError, match=r"SILICODEC_PDK.*lambdapdk"):
        measure(Source("counter", (counter,)))


@pytest.mark.parametrize(
    ("code", "exit_of_abc", "expected"),
    [
        (1, -1, "ABC, .* was killed"),
        (1, 137, "ABC, .* was killed"),
        (1, 1, "^ABC: execution"),
        (-9, 0, "^killed by SIGKILL"),
    ],
)
def test_a_killed_tool_is_told_from_one_that_failed(code, exit_of_abc, expected):
    said = f'ERROR: ABC: execution of script "./abc-a/abc.script" failed: return code {exit_of_abc} (errno=0)'
    assert re.search(expected, failure(code, said))
