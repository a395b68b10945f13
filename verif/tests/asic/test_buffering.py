"""Buffers on nets of a large load, and what is said of slews and loads."""

import gzip
import importlib.util
import os
import re
from collections import Counter

import pytest

from silicodec.asic.cells import Library
from silicodec.asic.limits import Limit, clock_cells, read_limits, worst_load
from silicodec.asic.pdk import OUTPUT_LOAD_FF, liberty_file

MISSING = not (os.environ.get("SILICODEC_PDK") and importlib.util.find_spec("pyosys"))
needs_cells = pytest.mark.skipif(MISSING, reason="needs SILICODEC_PDK and pyosys")

SLEW = """
# slew
max_transition

Pin                                    Limit   Trans   Slack
------------------------------------------------------------
_0949_/Y                                1.48    1.67   -0.19 (VIOLATED)

max_transition

Pin                                    Limit   Trans   Slack
------------------------------------------------------------
_0949_/Y                                1.48    1.67   -0.19 (VIOLATED)
an_instance_with_a_name_that_is_longer_than_a_column/A1
                                        1.50    1.67   -0.17 (VIOLATED)

# end
"""


@pytest.fixture(scope="module")
def library():
    """Cells at the typical corner."""
    return Library(gzip.decompress(liberty_file().read_bytes()).decode())


def buffered(verilog, library, folder):
    """Buffer a netlist; returns its text and the square micrometres that were added."""
    from pyosys import libyosys as yosys

    from silicodec.asic.buffering import Buffering
    from silicodec.asic.yosys_log import pass_runner

    (folder / "plain.v").write_text(verilog)
    design = yosys.Design()
    run = pass_runner(design, folder)
    run(f"read_verilog {folder / 'plain.v'}")
    run("hierarchy -top m")
    buffering = Buffering(design.top_module(), library)
    buffering.repair()
    run(f"write_verilog -noattr -noexpr -nohex -nodec -simple-lhs {folder / 'netlist.v'}")
    return (folder / "netlist.v").read_text(), buffering.added_um2


def cells_of(netlist):
    """Kind, name and nets of every cell."""
    found = re.findall(r"^  (sky130\w+) (\S+) +\((.*?)\);", netlist, re.MULTILINE | re.DOTALL)
    return [(kind, name, dict(re.findall(r"\.(\w+)\(([^)]+)\)", pins))) for kind, name, pins in found]


@needs_cells
def test_nets_of_a_large_load_get_buffers(library, tmp_path):
    from silicodec.asic.buffering import LOAD_PF

    inverters = "".join(f"sky130_fd_sc_hd__inv_1 i{n} (.A(q), .Y(y[{n}]));\n" for n in range(300))
    text = f"""module m(input clk, input d, output z, output zz, output [299:0] y); wire q; assign z = q; assign zz = q;
    sky130_fd_sc_hd__dfxtp_1 \\a[3].b (.CLK(clk), .D(d), .Q(q));\n{inverters} endmodule"""
    netlist, added = buffered(text, library, tmp_path)
    cells = cells_of(netlist)
    flip_flop = next(cell for cell in cells if "dfxtp" in cell[0])
    assert flip_flop[1] == "\\a[3].b"
    assert flip_flop[0] in ("sky130_fd_sc_hd__dfxtp_2", "sky130_fd_sc_hd__dfxtp_4")
    before = {nets["X"]: nets["A"] for kind, _, nets in cells if "X" in nets}
    before |= dict(re.findall(r"assign (\w+) = (\w+);", netlist))
    loads = Counter()
    for kind, _, nets in cells:
        if "A" in nets:
            loads[nets["A"]] += library.loads[kind, "A"]
    assert max(loads.values()) <= LOAD_PF
    assert added > len(before) * library.areas["sky130_fd_sc_hd__buf_1"]
    for net in ("z", "zz", *(nets["A"] for kind, _, nets in cells if kind.endswith("inv_1"))):
        while net in before:
            net = before[net]
        assert net == flip_flop[2]["Q"]


@needs_cells
def test_a_weak_cell_gets_help_with_an_output(library, tmp_path):
    weak = "sky130_fd_sc_hd__a2111oi_0"
    text = f"""module m(a, y);
    input a;
    output y;
    {weak} weak (.A1(a), .A2(a), .B1(a), .C1(a), .D1(a), .Y(y));
    endmodule"""
    loaded = worst_load(text, library)
    assert loaded == Limit("weak/Y", OUTPUT_LOAD_FF / 1000, round(library.limits[weak, "Y"], 4), 1)
    netlist, _ = buffered(text, library, tmp_path)
    limit = worst_load(netlist, library)
    assert limit.violations == 0
    assert next(nets for kind, _, nets in cells_of(netlist) if "buf" in kind)["X"] == "y"


def test_slews_are_read_from_the_report():
    loads = Limit("x/Y", 0.1, 0.2, 0)
    limits = read_limits(SLEW, loads)
    assert limits.slew_ns == Limit("_0949_/Y", 1.67, 1.48, 2)
    assert limits.capacitance_pf == loads
    assert limits.violations == 2
    assert read_limits("# end", None).violations == 0


def test_cells_that_drive_a_clock_are_found():
    gate = "  sky130_fd_sc_hd__dlclkp_1 _7_ (.CLK(clk), .GATE(go), .GCLK(gated));\n"
    flip_flop = "  sky130_fd_sc_hd__dfxtp_1 _8_ (\n    .CLK(gated),\n    .D(d),\n    .Q(q)\n  );\n"
    assert clock_cells(gate + flip_flop + flip_flop.replace("gated", "clk")) == ["_7_"]
