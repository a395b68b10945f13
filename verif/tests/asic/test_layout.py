"""The layout flow: its set-up everywhere, and a small design through to GDS where OpenROAD is."""

import os

import pytest

pytest.importorskip("siliconcompiler")
pytest.importorskip("lambdapdk")

from silicodec.asic.flows import Job, make_project
from silicodec.asic.run import run_job
from silicodec.asic.tools import TOOLS

FAULTS = [fault for tool in TOOLS["layout"] if (fault := tool.fault())]
needs_cells = pytest.mark.skipif("SILICODEC_PDK" not in os.environ, reason="SILICODEC_PDK is not set")

COUNTER = """
module counter (input clk, input rst, output reg [7:0] value);
  always @(posedge clk) if (rst) value <= 0; else value <= value + 1;
endmodule
"""


@pytest.fixture
def job(tmp_path):
    """Layout of a counter, with a clock that is easily met at the slow corner."""
    path = tmp_path / "counter.v"
    path.write_text(COUNTER)
    return Job("counter", "counter", (path,), "clk", 36.0, flow="layout", corner="slow")


@needs_cells
def test_project_is_complete_for_siliconcompiler(job, tmp_path):
    project = make_project(job, tmp_path / "build")
    assert project.check_manifest()
    assert project.get("asic", "pdk") == "skywater130"
    (constraints,) = tmp_path.glob("build/constraints-*.sdc")
    assert "create_clock -name clk -period 36.0 [get_ports clk]" in constraints.read_text()


@needs_cells
@pytest.mark.skipif(bool(FAULTS), reason="; ".join(FAULTS))
def test_counter_goes_through_to_gds(job, tmp_path):
    result = run_job(job, tmp_path / "build")
    assert list(tmp_path.glob("build/counter/*/write.gds/0/outputs/counter.gds*"))
    assert result.netlist.flip_flops == 8
    assert 8 * 20.02 < result.netlist.area_um2 < 1000, "a dfxtp_1 has 20.02 um2"
    assert result.drc_violations == 0
    assert 0 < result.utilisation_percent < 100
    assert result.wire_length_um > 0
    assert result.worst_slack_ns >= 0
    slow, typical, fast = (result.netlist.corners[name].longest_path_ns for name in ("slow", "typical", "fast"))
    assert slow > typical > fast
