"""Formal check of layouts with memories, whose netlists have modules without content."""

import gzip
import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

from silicodec.asic.pdk import liberty_file
from silicodec.rtl.source import Source

pytestmark = pytest.mark.skipif(
    not os.environ.get("SILICODEC_PDK") or importlib.util.find_spec("pyosys") is None,
    reason="needs SILICODEC_PDK and pyosys",
)

BOX = "(* blackbox *) module ram (input clk, we, input [1:0] d, output [1:0] q); endmodule\n"
WITH_MEMORY = r"""
module top (clk, a, y);
  input clk, a; output y;
  wire given, taken, _1_, \memory.open , \memory.held , \memory.kept , \memory.read[0] , \memory.read[1] ;
  sky130_fd_sc_hd__inv_1 _2_ (.A(a), .Y(_1_));
  sky130_fd_sc_hd__dfxtp_1 _3_ (.CLK(clk), .D(_1_), .Q(given));
  sky130_fd_sc_hd__dfxtp_1 _4_ (.CLK(clk), .D(taken), .Q(y));
  ram \memory.cells (.clk(clk), .we(given), .d({\memory.held , \memory.kept }),
    .q({\memory.read[1] , \memory.read[0] }));
  sky130_fd_sc_hd__dlclkp_1 \memory.gate (.CLK(clk), .GATE(given), .GCLK(\memory.open ));
  sky130_fd_sc_hd__dlxtp_1 \memory.latch (.D(\memory.read[0] ), .GATE(\memory.open ), .Q(\memory.held ));
  sky130_fd_sc_hd__dfxtp_1 \memory._5_ (.CLK(clk), .D(\memory.read[1] ), .Q(\memory.kept ));
  sky130_fd_sc_hd__nand2_1 \memory._6_ (.A(\memory.kept ), .B(\memory.held ), .Y(taken));
endmodule
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (None, None),
        ("A(a)", "A(taken)"),
        (r"A(\memory.kept )", "A(a)"),
        ("we(given)", "we(a)"),
        (r"{\memory.read[1] , \memory.read[0] }", r"{\memory.read[0] , \memory.read[1] }"),
        (r"{\memory.held , \memory.kept }", r"{\memory.kept , \memory.held }"),
        (r"D(\memory.read[0] )", r"D(\memory.read[1] )"),
        (r"GATE(\memory.open )", "GATE(tree)"),
        ("GATE(given)", "GATE(a)"),
    ],
)
def test_the_netlist_of_a_layout_is_compared_with_the_one_that_was_laid_out(tmp_path, right, wrong):
    """Memories, latches and their clock gates are to get the same, whatever they give."""
    Source("top", text=WITH_MEMORY).stage(tmp_path)
    (tmp_path / "cells.lib").write_bytes(gzip.decompress(liberty_file().read_bytes()))
    (tmp_path / "boxes.v").write_text(BOX)
    tree = "wire tree, net1; sky130_fd_sc_hd__clkbuf_4 leaf (.A(clk), .X(tree));"
    buffer = "sky130_fd_sc_hd__buf_2 output1 (.A(net1), .X(y));\nendmodule"
    layout = re.sub(r"(CLK|clk)\(clk\)", r"\1(tree)", WITH_MEMORY).replace("Q(y)", "Q(net1)")
    layout = (
        re.sub(r"(inv|dlclkp)_1", r"\1_2", layout)
        .replace("output y;", f"output y; {tree}")
        .replace("endmodule", buffer)
    )
    changed = layout.replace(right, wrong) if right else layout
    assert (changed == layout) == (right is None)
    (tmp_path / "netlist.v").write_text(changed)
    subprocess.run([sys.executable, "-m", "silicodec.asic.equivalence", "--gates"], cwd=tmp_path, check=True)
    found = json.loads((tmp_path / "equivalence.json").read_text())
    assert found == {"proven": right is None, "cycles": None, "reset": None}


def test_nothing_is_claimed_of_netlists_whose_registers_do_not_match(tmp_path):
    """Cycles of a whole accelerator, which could tell, take more memory than there is."""
    Source("top", text=WITH_MEMORY).stage(tmp_path)
    (tmp_path / "cells.lib").write_bytes(gzip.decompress(liberty_file().read_bytes()))
    (tmp_path / "boxes.v").write_text(BOX)
    late = "wire late; sky130_fd_sc_hd__dfxtp_1 late_register (.CLK(clk), .D(a), .Q(late));"
    changed = WITH_MEMORY.replace(".A(a)", ".A(late)").replace("output y;", f"output y; {late}")
    (tmp_path / "netlist.v").write_text(changed)
    subprocess.run([sys.executable, "-m", "silicodec.asic.equivalence", "--gates"], cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "equivalence.json").read_text()) == {"proven": None, "cycles": 0, "reset": None}
