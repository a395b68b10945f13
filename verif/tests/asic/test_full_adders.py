"""Adders of full adder cells: where they are used, what they save, and that the netlist is what the Verilog says."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

from silicodec.asic.blocks import KeptNetlist, measure_blocks
from silicodec.asic.gates import read_library, read_netlist, truth_table
from silicodec.asic.statistics import read_statistics
from silicodec.rtl.source import Source

pytestmark = pytest.mark.skipif(
    not os.environ.get("SILICODEC_PDK") or importlib.util.find_spec("pyosys") is None,
    reason="needs SILICODEC_PDK and pyosys",
)

CELL = "sky130_fd_sc_hd__fa_1"
SUMS = """
module sums (input clk, input signed [11:0] a, b, c, input signed [7:0] d,
    output reg signed [13:0] total, output reg signed [12:0] difference, output reg signed [15:0] multiple,
    output reg [6:0] rounded, output reg less);
  wire signed [12:0] sum = b + c + 32;
  always @(posedge clk) begin
    total <= a + b + c + d;
    difference <= a - b;
    multiple <= (c <<< 3) + c;
    rounded <= sum[12:6];
    less <= a < c;
  end
endmodule
"""


def synthesise(folder, text, *options):
    folder.mkdir(exist_ok=True)
    Source("sums", text=text).stage(folder)
    run("synthesis", "--clock-port=clk", *options, cwd=folder)
    return read_statistics(folder / "statistics.json"), (folder / "netlist.v").read_text()


def run(program, *arguments, cwd):
    command = [sys.executable, "-m", f"silicodec.asic.{program}", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder with the netlist of the sums."""
    folder = tmp_path_factory.mktemp("sums")
    synthesise(folder, SUMS, "--full-adders=99")
    return folder


def test_adders_are_smaller_with_full_adder_cells(folder, tmp_path):
    plain, _ = synthesise(tmp_path, SUMS)
    chained = read_statistics(folder / "statistics.json")
    assert CELL not in plain.cell_counts
    assert chained.cell_counts[CELL] > 50
    assert chained.area_um2 < 0.95 * plain.area_um2


def test_ports_are_such_as_opensta_reads(folder):
    assert "input signed" in SUMS
    assert "input [11:0] a;" in (folder / "netlist.v").read_text()


def test_every_full_adder_has_three_operands_and_two_results(folder):
    netlist = (folder / "netlist.v").read_text()
    cells = [
        dict(re.findall(r"\.(\w+)\((.*?)\)[,\n]", body))
        for body in re.findall(rf"{CELL} \S+ \((.*?)\);", netlist, re.S)
    ]
    assert cells
    for pins in cells:
        assert pins.keys() == {"A", "B", "CIN", "COUT", "SUM"}
        assert len(set(pins.values())) == 5
        assert not any("'h" in net for net in pins.values())
        assert all(netlist.count(f"({pins[pin]})") > 1 for pin in ("COUT", "SUM")), "something reads it"


def test_comparisons_have_none(tmp_path):
    text = "module sums (input clk, input [11:0] a, c, output reg less); always @(posedge clk) less <= a < c; endmodule"
    statistics, _ = synthesise(tmp_path, text, "--full-adders=99")
    assert CELL not in statistics.cell_counts


def test_as_many_bits_of_an_adder_are_cells_as_is_wanted(folder, tmp_path):
    wide = (
        "module sums (input clk, input [15:0] a, b, output reg [15:0] q); always @(posedge clk) q <= a + b; endmodule"
    )
    statistics, _ = synthesise(tmp_path, wide, "--full-adders=6")
    assert statistics.cell_counts[CELL] == 6


@pytest.mark.prove
def test_blocks_have_them_too(tmp_path):
    wide = SUMS.replace("always @(posedge clk) begin", "always @(posedge clk) begin: sums_add")
    assert measure_blocks(Source("sums", text=wide), name="sums", full_adders=99, keep=tmp_path).full_adders == 99
    assert KeptNetlist(tmp_path).netlist.count(f"{CELL} ") > 50


def test_gates_of_a_netlist_are_sum_and_carry(folder):
    """A simulation for power reads them so."""
    library = read_library((folder / "cells.lib").read_text())
    tables = {pin: truth_table(function) for pin, function in library[CELL].functions.items()}
    assert tables == {"COUT": (("A", "B", "CIN"), 0b11101000), "SUM": (("A", "B", "CIN"), 0b10010110)}
    text = (folder / "netlist.v").read_text()
    netlist = read_netlist(text, library, "clk")
    places = {output: place for place, output in enumerate(netlist.gates.outputs)}
    adders = [netlist.pins[name] for name in re.findall(rf"{CELL} (\S+) \(", text)]
    for pins in adders:
        for pin, (inputs, table) in tables.items():
            place = places[pins[pin]]
            assert netlist.gates.tables[place] == table
            assert netlist.gates.inputs[place][:3].tolist() == [pins[name] for name in inputs]
    assert len(adders) > 50


@pytest.mark.parametrize("option", [[], ["--full-adders"]])
def test_the_netlist_is_proven_however_the_verilog_is_built(folder, option):
    run("equivalence", *option, cwd=folder)
    assert json.loads((folder / "equivalence.json").read_text()) == {"proven": True, "cycles": None, "reset": None}


@pytest.mark.parametrize(
    ("right", "wrong"), [("+ d;", "- d;"), ("<<< 3) + c", "<<< 3) - c"), ("+ 32", "+ 31"), ("a < c", "a <= c")]
)
def test_a_netlist_of_other_sums_is_found_out(folder, right, wrong):
    assert SUMS.count(right) == 1
    other = folder.parent / "other"
    other.mkdir(exist_ok=True)
    Source("sums", text=SUMS.replace(right, wrong)).stage(other)
    for name in ("cells.lib", "netlist.v"):
        (other / name).write_bytes((folder / name).read_bytes())
    run("equivalence", "--full-adders", cwd=other)
    assert json.loads((other / "equivalence.json").read_text())["proven"] is False
