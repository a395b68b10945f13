"""The layout flow: its set-up everywhere, and a small design through to GDS where OpenROAD is."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("klayout")
pytest.importorskip("siliconcompiler")
pytest.importorskip("lambdapdk")

from klayout import db

from silicodec.asic.flows import job_folder, make_project
from silicodec.asic.job import Floorplan, Job
from silicodec.asic.layout_views import keep_layout
from silicodec.asic.pdk import CORNERS, LIBERTY, MeasurementError
from silicodec.asic.run import run_job, short_temporary_folder
from silicodec.asic.seeds import run_seeds
from silicodec.asic.statistics import WITHOUT_LOGIC
from silicodec.asic.target import check_data
from silicodec.rtl.source import Source

needs_cells = pytest.mark.skipif("SILICODEC_PDK" not in os.environ, reason="SILICODEC_PDK is not set")


POLYSILICON = 66, 20
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
    return Job("counter", Source("counter", (path,)), period_ns=36.0, flow="layout", corner="slow")


@needs_cells
def test_project_is_complete_for_siliconcompiler(job, tmp_path):
    project = make_project(job, tmp_path / "build")
    assert project.check_manifest()
    assert project.get("asic", "pdk") == "skywater130"
    assert project.get("tool", "pyosys", "task", "synthesis", "var", "routable")
    constraints = [path.read_text() for path in tmp_path.glob("build/constraints-*.sdc")]
    (text,) = constraints
    assert "create_clock -name {clk} -period 36.0 [get_ports {clk}]" in text
    assert "set_input_delay 9.0" in text
    assert "set_max_fanout 40 [current_design]" in text
    assert "sky130_fd_sc_hd__buf_16" in project.get_library("sky130hd").get("asic", "cells", "dontuse")


@needs_cells
@pytest.mark.parametrize("flow", ["synthesis", "layout"])
def test_both_sides_of_the_formal_check_have_adders_alike(job, tmp_path, flow):
    for bits in (0, 6):
        project = make_project(replace(job, flow=flow, full_adders=bits), tmp_path / "build")
        assert project.get("tool", "pyosys", "task", "synthesis", "var", "full_adders") == bits
        assert project.get("tool", "pyosys", "task", "equivalence", "var", "full_adders") is (bits > 0)


@needs_cells
def test_floorplan_and_extraction_reach_siliconcompiler(job, tmp_path):
    wanted = Floorplan(density=55.0, aspect=2.0, pins={"value": "east", "*": "north"})
    project = make_project(replace(job, floorplan=wanted), tmp_path / "build")
    assert project.get("tool", "openroad", "task", "repair_timing", "var", "rsz_skip_recover_power") is True
    for margin in ("rsz_slew_margin", "rsz_cap_margin"):
        assert project.get("tool", "openroad", "task", "repair_design", "var", margin) == 20
    assert (project.constraint.area.get_density(), project.constraint.area.get_aspectratio()) == (55.0, 2.0)
    sides = {pin: project.get("constraint", "pin", pin, "side") for pin in project.getkeys("constraint", "pin")}
    assert sides == {"clk": 2, "rst": 2, **{f"value[{bit}]": 3 for bit in range(8)}}
    rules = {corner: project.get("constraint", "timing", "scenario", corner, "pexcorner") for corner in CORNERS}
    assert rules == {"slow": "maximum", "typical": "typical", "fast": "minimum"}
    with pytest.raises(MeasurementError, match="counter has no port 'val' to put on the west side"):
        make_project(replace(job, floorplan=Floorplan(pins={"val": "west"})), tmp_path / "build")


@needs_cells
@pytest.mark.parametrize(("density", "sites"), [(40, 2), (50, 1), (70, 0)])
def test_sites_are_left_free_where_a_core_has_room(job, tmp_path, density, sites):
    project = make_project(replace(job, floorplan=Floorplan(density=density)), tmp_path / "build")
    assert project.get("tool", "openroad", "task", "global_placement", "var", "pad_global_place") == sites
    assert project.get("tool", "openroad", "task", "detailed_placement", "var", "pad_detail_place") == sites


SELECTED = """
module selected (input clk, input [7:0] a, b, c, input d, e, f, output reg [7:0] y);
  always @(posedge clk) y <= (a & {8{d}}) | (b & {8{e}}) | (c & {8{f}});
endmodule
"""


@needs_cells
@pytest.mark.parametrize("routable", [False, True])
def test_layouts_do_without_cells_that_are_hard_to_route(tmp_path, routable):
    Source("selected", text=SELECTED).stage(tmp_path)
    options = ["--routable"] if routable else []
    command = [sys.executable, "-m", "silicodec.asic.synthesis", "--clock-port=clk", *options]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.PIPE)
    assert ("a222oi" in (tmp_path / "netlist.v").read_text()) == (not routable)


@needs_cells
def test_cells_without_the_scripts_of_a_layout_are_named(tmp_path, monkeypatch):
    cells = Path(LIBERTY).parent
    (tmp_path / cells.parent).mkdir(parents=True)
    (tmp_path / cells).symlink_to(Path(os.environ["SILICODEC_PDK"]).resolve() / cells)
    monkeypatch.setenv("SILICODEC_PDK", str(tmp_path))
    check_data("synthesis")
    with pytest.raises(MeasurementError, match=r"does not hold .*pdngen.tcl, which a layout needs: git clone"):
        check_data("layout")


@needs_cells
@pytest.mark.usefixtures("layout_tools")
def test_more_pins_than_fit_on_a_side_end_the_flow_at_the_floorplan(job, tmp_path):
    many = COUNTER.replace("counter (", "counter (input [199:0] unused, ")
    job = replace(job, source=Source("counter", text=many), floorplan=Floorplan(pins={"unused": "west"}))
    with pytest.raises(
        MeasurementError, match=r"floorplan.init of counter failed: the west side takes \d+ pins, 200 are"
    ):
        run_job(job, tmp_path / "build")


@needs_cells
@pytest.mark.usefixtures("layout_tools")
def test_counter_goes_through_to_gds(job, tmp_path):
    result = run_job(job, tmp_path / "build")
    (layout,) = tmp_path.glob("build/counter/*/write.gds/0/outputs/counter.gds*")
    drawn = db.Layout()
    drawn.read(str(layout))
    gates = db.Region(drawn.top_cell().begin_shapes_rec(drawn.layer(*POLYSILICON)))
    assert gates.area() > 0, "cells have their transistors"
    assert result.netlist.flip_flops == 8
    assert 8 * 20.02 < result.netlist.area_um2 < 1000, "a dfxtp_1 has 20.02 um2"
    assert sum(result.netlist.area_by_class.values()) == pytest.approx(result.netlist.area_um2, abs=0.5)
    assert result.netlist.area_by_class["flip-flops"] >= 8 * 20.02
    assert result.netlist.area_by_class[WITHOUT_LOGIC] >= 0
    assert result.drc_violations == 0
    assert 0 < result.utilisation_percent < 100
    assert result.wire_length_um > 0
    assert result.worst_slack_ns >= 0
    slow, typical, fast = (result.netlist.corners[name].shortest_period_ns for name in ("slow", "typical", "fast"))
    assert slow > typical > fast
    keep_layout(job_folder(job, tmp_path / "build"), "counter", tmp_path / "counter.layout")
    netlist = (tmp_path / "counter.layout" / "counter.v").read_text()
    delays = (tmp_path / "counter.layout" / "counter.typical.sdf").read_text()
    instances = set(re.findall(r"\(INSTANCE (\S+)\)", delays))
    assert len(instances) > 8
    assert all(f" {name} (" in netlist for name in instances)


@needs_cells
@pytest.mark.prove
@pytest.mark.usefixtures("layout_tools")
def test_a_stopped_layout_goes_on_where_it_stopped(job, tmp_path):
    ended = {}
    for last in ("floorplan.power_grid", "place.global", "cts.clock_tree_synthesis"):
        project = make_project(job, tmp_path)
        project.option.add_to(last)
        with short_temporary_folder():
            assert project.run()
        manifests = job_folder(job, tmp_path).glob("*/*/outputs/*.pkg.json")
        written = {path.parts[-4]: path.stat().st_mtime_ns for path in manifests}
        assert last in written
        assert written == written | ended, "a step that had ended was run again"
        ended = written


@needs_cells
@pytest.mark.prove
@pytest.mark.usefixtures("layout_tools")
def test_another_seed_makes_another_layout_and_the_same_seed_the_same(job, tmp_path):
    first = run_job(job, tmp_path)
    job = replace(job, seeds=2)
    result = run_seeds(job, first, tmp_path)
    one, other = result.seeds
    assert (one.area_um2, one.wire_length_um) == (first.netlist.area_um2, first.wire_length_um)
    assert other.wire_length_um != one.wire_length_um
    assert other.area_um2 == pytest.approx(one.area_um2, rel=0.2)
    assert other.periods_ns["slow"] == pytest.approx(one.periods_ns["slow"], rel=0.3)
    assert other.drc_violations == 0
    shutil.rmtree(job_folder(replace(job, seed=1), tmp_path))
    assert run_seeds(job, first, tmp_path) == result
