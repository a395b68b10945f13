"""Proofs of netlists block by block."""

import importlib.util
import os
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from silicodec.asic.block_proofs import prove_blocks, prove_netlist, read_proofs, write_proofs
from silicodec.asic.blocks import Module, synthesised
from silicodec.asic.pdk import MeasurementError
from silicodec.cli import main
from silicodec.rtl.source import Source

pytestmark = pytest.mark.skipif(
    not (os.environ.get("SILICODEC_PDK") and importlib.util.find_spec("pyosys")),
    reason="needs SILICODEC_PDK and pyosys",
)

SIGNED_SUM = """module signed_sum (clk, a, b, c, y, zero);
input clk;
input signed [3:0] a;
input signed [3:0] b;
input signed [3:0] c;
output signed [7:0] y;
output [1:0] zero;
reg signed [6:0] sum;
reg signed [7:0] y;
reg [1:0] zero;

always @(posedge clk) begin: cells0_add
    sum <= 7'd104 + {~a[3], a[2:0]} + {~b[3], b[2:0]} + {~c[3], c[2:0]};
    zero <= (a != b);
    y <= y + sum;
end
endmodule
"""
"""The highest bit of `sum` is a copy of the next lower one, and that of `zero` is constant."""
COUNTER = """module counter (clk, go, y);
input clk;
input go;
output y;
reg [5:0] count;

always @(posedge clk) begin: cells0_count
    if (go) count <= count + 1;
end

assign y = count[0] & go;
endmodule
"""
"""Of `count` the higher bits count on, and nobody reads them."""
PRODUCTS = """module products (clk, a, b, c, x, y);
input clk;
input signed [5:0] a;
input signed [5:0] b;
input signed [5:0] c;
output signed [11:0] x;
output signed [11:0] y;
reg signed [11:0] first;
reg signed [11:0] second;

always @(posedge clk) begin: cells0_cell0_multiply
    first <= a * b;
end

always @(posedge clk) begin: cells0_cell1_multiply
    second <= a * c;
end

assign x = first;
assign y = second;
endmodule
"""


def prove(text, **options):
    source = Source(text.split()[1], text=text)
    return prove_blocks(source, name=source.top, **options)


@pytest.mark.parametrize("booth", [False, True])
def test_cells_of_an_array_are_proven_for_every_state(booth):
    found = prove(PRODUCTS, booth=booth, blocks=["cells"])
    assert sum(one.alike for one in found.modules) == 2
    assert {(one.block, one.finding) for one in found.modules} == {("cells", "for every state")}
    assert all(one.cpu_seconds > 0 for one in found.modules)


@pytest.mark.parametrize("full_adders", [0, 99])
def test_copies_of_a_sign_and_constant_registers_are_no_obstacle(full_adders):
    found = prove(SIGNED_SUM, full_adders=full_adders)
    assert [one.finding for one in found.modules] == ["for every state"]
    assert found.full_adders == full_adders
    assert not found.same_netlist(replace(found, full_adders=1))


def test_high_bits_of_a_counter_that_nobody_reads_are_no_obstacle():
    assert [one.finding for one in prove(COUNTER).modules if one.block == "cells"] == ["for every state"]


def test_a_gate_that_is_swapped_is_found_out(tmp_path):
    module = Module("products", PRODUCTS)
    synthesised(module, tmp_path, ("clk",), 3.0, [])
    netlist = tmp_path / "blocks/products/netlist.v"
    text = netlist.read_text()
    swapped = re.sub("sky130_fd_sc_hd__nand2_1 ", "sky130_fd_sc_hd__nor2_1 ", text, count=1)
    assert swapped != text
    netlist.write_text(swapped)
    assert prove_netlist(netlist.parent, [], 60)["proven"] is False


def test_a_proof_that_takes_too_long_ends_without_result(tmp_path):
    module = Module("products", PRODUCTS.replace("[5:0]", "[15:0]").replace("[11:0]", "[31:0]"))
    synthesised(module, tmp_path, ("clk",), 3.0, ["--booth"])
    found = prove_netlist(tmp_path / "blocks/products", [], 3)
    assert (found["proven"], found["cycles"]) == (None, None)


def test_an_unknown_block_is_named():
    with pytest.raises(MeasurementError, match="products has no block walls: it has cells"):
        prove(PRODUCTS, blocks=["walls"])


def test_proofs_of_one_netlist_are_kept_together(tmp_path):
    told = []
    found = prove(PRODUCTS, blocks=["cells"], progress=told.append)
    assert [one for proofs in told for one in proofs.modules] == found.modules
    one = found.modules[0]
    other = replace(found, modules=[replace(one, block="walls")])
    write_proofs(found, tmp_path)
    assert read_proofs(write_proofs(other, tmp_path)).modules == [*found.modules, *other.modules]
    unknown = replace(found, modules=[replace(one, proven=None)])
    assert read_proofs(write_proofs(unknown, tmp_path)).modules == [*found.modules, *other.modules]
    assert read_proofs(write_proofs(replace(other, verilog_sha256="0"), tmp_path)).modules == other.modules


def test_the_command_prints_what_it_proved(tmp_path):
    arguments = ["asic", "prove", "register-slice", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "for every state" in done.output
    assert all(one.proven for one in read_proofs(tmp_path / "blocks/register-slice-proofs.json").modules)
