"""Further layouts of one netlist: what makes them others, and how far their figures are apart."""

import os
import re
from dataclasses import replace

import pytest

pytest.importorskip("siliconcompiler")
pytest.importorskip("lambdapdk")

from silicodec.asic import seeds
from silicodec.asic.constraints import of_flow
from silicodec.asic.drawn import SeedLayout
from silicodec.asic.flows import LAYOUT_CHECK, LayoutFlow, SeedFlow, job_name, make_project
from silicodec.asic.job import Job
from silicodec.asic.recipe import PROGRAMS
from silicodec.asic.results import Netlist, Power, Result, read_result, write_result
from silicodec.asic.run import check_job
from silicodec.asic.shuffle import main, shuffle_cells
from silicodec.asic.timing import Paths, Timing
from silicodec.report.silicon import notes
from silicodec.rtl.source import Source

NETLIST = r"""module m(clk, a, y);
  sky130_fd_sc_hd__dfxtp_1 \kept[0]  (
    .CLK(clk),
    .D(a),
    .Q(q)
  );
  sky130_fd_sc_hd__inv_1 _0_ (
    .A(q),
    .Y(n)
  );
  sky130_fd_sc_hd__buf_2 _1_ ( .A(n), .X(x) );
  sram22_64x32m4w8 memory ( .clk(clk) );
  sky130_fd_sc_hd__inv_1 _2_ ( .A(x), .Y(y) );
endmodule
"""
NO_POWER = Power.missing("no meter")
JOB = Job("m", Source("m", text=NETLIST), period_ns=20.0, flow="layout", corner="slow")


def result_of(netlist, **fields):
    """Result of the job's layout."""
    named = {name: getattr(JOB, name) for name in ("name", "top", "flow", "period_ns", "corner", "reset_port")}
    empty = dict.fromkeys(("clock_gated", "workload", "utilisation_percent"))
    return Result(
        **named, **empty, clock_ports=["clk"], netlist=netlist, equivalence={"proven": True}, wire_length_um=900.0,
        drc_violations=0, tools={}, verilog_sha256="", run_time_s=1.0, peak_memory_mb=1.0, **fields,
    )  # fmt: skip


def netlist_of(path_ns, area_um2, power=NO_POWER):
    """Layout with a path of so many nanoseconds at the slow corner, a quarter of that at others."""
    corners = {
        name: Timing(1.0, 0.3, Paths(path_ns / speed, None, None, None))
        for name, speed in (("slow", 1), ("typical", 4), ("fast", 4))
    }
    return Netlist(area_um2, area_um2 / 3.75, 4, 1, {}, corners, power)


def test_the_same_cells_get_each_others_names(tmp_path):
    (tmp_path / "netlist.v").write_text(NETLIST)
    names = re.compile(r"(?<=_[12] )(\S+)(?= *\()")
    found = set()
    for seed in range(1, 9):
        shuffled = shuffle_cells(NETLIST, seed)
        assert shuffled == shuffle_cells(NETLIST, seed)
        assert names.sub("", shuffled) == names.sub("", NETLIST), "connections and all else stay"
        assert sorted(names.findall(shuffled)) == sorted(names.findall(NETLIST))
        assert "sram22_64x32m4w8 memory (" in shuffled
        found.add(tuple(names.findall(shuffled)))
    assert len(found) > 4


def test_the_program_writes_what_the_step_hands_on(tmp_path, monkeypatch):
    (tmp_path / "netlist.v").write_text(NETLIST)
    monkeypatch.setattr("sys.argv", ["shuffle", str(tmp_path / "netlist.v"), "3", str(tmp_path / "other.v")])
    main()
    assert (tmp_path / "other.v").read_text() == shuffle_cells(NETLIST, 3) != NETLIST


def test_further_layouts_begin_with_the_netlist_and_end_with_timing_and_power():
    flow = SeedFlow(power=True)
    steps = {step for step, _ in flow.get_nodes()}
    assert flow.get_graph_node("cleanup", "0").get("input") == [("shuffle", "0")]
    assert {"route.detailed", "timing.slow", "timing.typical", "timing.fast", "activity", "power"} <= steps
    assert not {"synthesis", "equivalence", LAYOUT_CHECK, "write.gds", "signoff"} & steps
    assert flow.get_graph_node("timing.slow", "0").get("input") == [("write.views", "0")]
    assert ("timing.slow", "2") not in flow.get_nodes()
    laid = {node for node in flow.get_nodes() if node != ("shuffle", "0")}
    assert laid < set(LayoutFlow(power=True).get_nodes())


@pytest.mark.skipif("SILICODEC_PDK" not in os.environ, reason="SILICODEC_PDK is not set")
def test_what_differs_is_the_order_of_cells_and_the_seed_of_routing(tmp_path):
    job = replace(JOB, seeds=3)
    first, other = (make_project(replace(job, seed=seed), tmp_path) for seed in (0, 2))
    shuffle = "tool", "python", "task", "shuffle", "var"
    routing = "tool", "openroad", "task", "global_route", "var", "grt_seed"
    assert (first.get(*routing), other.get(*routing)) == (None, 2)
    assert other.get(*shuffle, "seed") == 2
    made = tmp_path / "m" / job_name(job) / "synthesis" / "0" / "outputs" / "m.vg"
    assert other.get(*shuffle, "netlist") == str(made)
    assert job_name(JOB) == job_name(job) != job_name(replace(job, seed=2))
    assert first.option.get_jobname() == job_name(job)
    assert PROGRAMS["shuffle"] == "silicodec.asic.shuffle"


def test_each_seed_is_told_beside_the_first(tmp_path, monkeypatch):
    paths = {1: (12.5, 520.0, Power(0.2, 0.1, 0.0, 4.0, None)), 2: (8.0, 480.0, Power(0.3, 0.1, 0.0, 5.0, None))}
    made = []

    def run_project(job, folder, scheduler, minutes):
        made.append((job.seed, folder, scheduler, minutes))
        return job, job

    monkeypatch.setattr(seeds, "run_project", run_project)
    monkeypatch.setattr(seeds, "layout_netlist", lambda job, *_: netlist_of(*paths[job.seed]))
    monkeypatch.setattr(seeds, "last_metric", lambda project, history, name: 1000.0 + project.seed)
    monkeypatch.setattr(seeds, "routing_violations", lambda history: history.seed)
    first = result_of(netlist_of(10.0, 500.0, Power(0.1, 0.1, 0.0, 4.5, None)))
    assert seeds.run_seeds(JOB, first, tmp_path) is first
    result = seeds.run_seeds(replace(JOB, seeds=3), first, tmp_path, "slurm", 5)
    assert made == [(1, tmp_path, "slurm", 5), (2, tmp_path, "slurm", 5)]
    assert replace(result, seeds=[]) == first, "the record is that of the first layout"
    periods = {"slow": 12.5, "typical": 3.125, "fast": 3.125}
    assert result.seeds[1] == SeedLayout(1, 520.0, 1001.0, 1, periods, 0.3, 0.3, 4.0)
    assert [one.seed for one in result.seeds] == [0, 1, 2]
    assert [round(one.clock_mhz("slow")) for one in result.seeds] == [100, 80, 125]
    assert read_result(write_result(result, tmp_path)) == result
    said = "m, 3 layouts of the same netlist: 80.0..125.0 MHz at the slow corner, 480..520 um2, 900..1,002 um of wire"
    assert f"{said}, 4.00..5.00 pJ a word, 0..2 design-rule violations" in notes([result], set())
    assert not any("layouts of the same netlist" in note for note in notes([first], set()))


def test_a_record_of_fewer_layouts_than_are_wanted_does_not_do():
    constraints = of_flow("layout")
    alone = replace(result_of(netlist_of(10.0, 500.0)), constraints=constraints, floorplan=JOB.floorplan)
    alone = replace(alone, verilog_sha256=JOB.source.sha256)
    layouts = [SeedLayout(seed, 1.0, 1.0, 0, {}, None, None, None) for seed in range(3)]
    for result, wanted in ((alone, [True, False, False]), (replace(alone, seeds=layouts), [True, True, False])):
        assert [result.is_of(replace(JOB, seeds=count)) for count in (1, 3, 4)] == wanted


@pytest.mark.parametrize(("flow", "count"), [("layout", 0), ("synthesis", 2)])
def test_seeds_that_make_no_sense_are_refused(flow, count):
    check_job(replace(JOB, seeds=2))
    with pytest.raises(ValueError, match=f"not {count}"):
        check_job(replace(JOB, flow=flow, seeds=count))
