"""What the flows compute from reports and metrics, without running a tool."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("siliconcompiler")
pytest.importorskip("lambdapdk")
pytest.importorskip("klayout")

from klayout import db

from silicodec.asic.cell_rules import CELL_RULES
from silicodec.asic.constraints import Constraints, layout_constraints, of_flow, surroundings
from silicodec.asic.drawn import Drawn
from silicodec.asic.flows import LAYOUT_CHECK, LayoutFlow, SynthesisFlow, job_name
from silicodec.asic.job import Floorplan, Job, Workload
from silicodec.asic.limits import Limit, Limits
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.recipe import PROGRAMS, source_files
from silicodec.asic.results import (
    SHIPPED,
    Netlist,
    Power,
    Result,
    present_results,
    read_result,
    read_results,
    write_result,
)
from silicodec.asic.run import MOST_RUNS, find_fastest
from silicodec.asic.signoff import DRC, EXTRACT, LVS, read_signoff
from silicodec.asic.statistics import CLASSES
from silicodec.asic.timing import Paths, Timing
from silicodec.asic.verdict import CHECKS, faults
from silicodec.flow_options import CHECKS as OPTION_CHECKS
from silicodec.flow_options import SIDES as OPTION_SIDES
from silicodec.report.silicon import FLOW, notes, outdated
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.source import Source

DRAWN = Drawn(1000.0, 0.5, 0.01, 0.01, 0.0, 0.0, 99, 0, {"1": 4})


def result_at(period_ns, path_ns, hold_ns=0.3, **fields):
    """Result of a run whose netlist has this critical path at every corner."""
    timing = Timing(period_ns - path_ns, hold_ns, Paths(path_ns, None, None, None))
    corners = dict.fromkeys(("slow", "typical", "fast"), timing)
    netlist = Netlist(100.0, 26.6, 10, 4, dict.fromkeys(CLASSES, 1.0), corners, Power.missing("because"))
    return Result(
        **{
            "name": "x-y",
            "top": "x_y",
            "flow": "synthesis",
            "clock_ports": ["clk"],
            "reset_port": None,
            "period_ns": period_ns,
            "corner": "typical",
            "netlist": netlist,
            "clock_gated": None,
            "workload": Workload("noise", "0" * 64, 10, 11),
            "equivalence": {"proven": True, "cycles": None, "reset": None},
            "utilisation_percent": None,
            "wire_length_um": None,
            "drc_violations": None,
            "tools": {"pencil": "1"},
            "verilog_sha256": "0" * 64,
            "run_time_s": 1.5,
            "peak_memory_mb": 2.5,
            "constraints": of_flow(fields.get("flow", "synthesis")),
            **fields,
        }
    )


def test_record_reads_back_whole(tmp_path):
    plain = result_at(4.0, 3.5)
    gated = replace(plain, name="z", clock_gated=plain.netlist, workload=None, flow="layout")
    assert write_result(plain, tmp_path).name == "x-y.synthesis.json"
    write_result(gated, tmp_path)
    assert read_results(tmp_path) == [plain, gated]
    assert json.loads((tmp_path / "x-y.synthesis.json").read_text())["netlist"]["power"]["internal_mw"] is None
    (tmp_path / "bad.synthesis.json").write_text("{}")
    with pytest.raises(MeasurementError, match=r"bad\.synthesis\.json is not a record of a flow"):
        read_result(tmp_path / "bad.synthesis.json")


def test_layouts_with_gated_clocks_and_without_have_records_side_by_side(tmp_path):
    plain = result_at(4.0, 3.5, flow="layout")
    gated = replace(plain, clock_gating=True)
    assert write_result(plain, tmp_path).name == "x-y.layout.json"
    assert write_result(gated, tmp_path).name == "x-y.gated.layout.json"
    assert sorted(present_results(tmp_path, tmp_path), key=lambda one: one.title) == [plain, gated]
    job = Job("x-y", Source("x_y"), period_ns=4.0, flow="layout", workload=plain.workload)
    given = {"verilog_sha256": job.source.sha256, "floorplan": job.floorplan}
    for result, wanted in ((plain, job), (gated, replace(job, clock_gating=True))):
        assert [
            replace(result, **given).is_of(one)
            for one in (wanted, replace(wanted, clock_gating=not wanted.clock_gating))
        ] == [True, False]


def test_shipped_record_stands_in_for_one_that_is_not_there(tmp_path):
    old, new = result_at(4.0, 3.9), result_at(4.0, 3.5)
    write_result(old, tmp_path / "shipped")
    write_result(replace(old, name="z"), tmp_path / "shipped")
    write_result(new, tmp_path / "local")
    assert present_results(tmp_path / "local", tmp_path / "shipped") == [new, replace(old, name="z")]


def test_shipped_records_are_of_engines_whose_netlist_is_proven():
    results = read_results(SHIPPED)
    assert {result.name for result in results} <= set(ENGINES)
    for result in results:
        assert result.top == ENGINES[result.name].top
        assert result.equivalence["proven"]
        assert result.netlist.power.reason is None


def test_what_is_wrong_with_a_result_is_told_check_by_check():
    assert faults(result_at(4.0, 3.5)) == []
    assert faults(result_at(4.0, 4.25)) == [("setup", "the clock of 4 ns is missed by 0.25 ns at the typical corner")]
    assert [check for check, _ in faults(result_at(4.0, 3.5, hold_ns=-0.1))] == ["hold"] * 3
    slow = Timing(0.5, 0.3, Paths(3.5, None, None, None), Limits(Limit("a/Y", 2.0, 1.5, 7), Limit("b/Y", 0.1, 0.2, 0)))
    plain = result_at(4.0, 3.5)
    corners = plain.netlist.corners | {"slow": slow}
    gated = replace(plain, clock_gated=replace(plain.netlist, corners=corners))
    said = "7 slew violations at the slow corner, the worst 2 ns where 1.5 is allowed, gated clocks"
    assert faults(gated) == [("slew", said)]
    differs = {"proven": False, "cycles": 8, "reset": "rst"}
    assert [check for check, _ in faults(replace(plain, equivalence=differs, drc_violations=3))] == [
        "equivalence",
        "drc",
    ]
    assert faults(replace(plain, layout_equivalence=differs, gated_equivalence=differs)) == [
        ("equivalence", "the netlist with gated clocks differs from the Verilog"),
        ("equivalence", "the netlist of the layout differs from the Verilog"),
    ]


def test_ports_leave_a_quarter_of_the_clock_to_others():
    assert Paths(3.0, 2.0, 3.3, 1.0).shortest_period_ns == 4.4
    assert Paths(3.0, 2.0, 2.0, 1.6).shortest_period_ns == 3.2
    assert Paths(None, None, None, None).shortest_period_ns is None
    assert result_at(4.0, 3.5).netlist.corners["slow"].worst_slack_ns(4.0) == 0.5


def test_a_job_without_a_clock_matches_a_record_whose_clock_was_left_to_us():
    job = Job("x-y", Source("x_y"), workload=Workload("noise", "0" * 64, 10, 11))
    result = replace(result_at(4.0, 3.5), verilog_sha256=job.source.sha256)
    assert not result.is_of(job)
    assert result.is_of(replace(job, period_ns=4.0))
    assert replace(result, default_clock=True).is_of(job)
    for constraints in (None, Constraints(derate=0.1)):
        assert not replace(result, constraints=constraints).is_of(replace(job, period_ns=4.0)), "made with others"
    assert not result.is_of(replace(job, period_ns=4.0, full_adders=16)), "made of gates"
    assert replace(result, full_adders=16).is_of(replace(job, period_ns=4.0, full_adders=16))
    layout = replace(result, flow="layout", floorplan=Floorplan(density=50.0), constraints=of_flow("layout"))
    assert not layout.is_of(replace(job, period_ns=4.0, flow="layout"))
    assert layout.is_of(replace(job, period_ns=4.0, flow="layout", floorplan=Floorplan(density=50.0)))


def test_what_sets_up_a_flow_is_part_of_its_recipe():
    of_synthesis = {file.stem for file in source_files(PROGRAMS["synthesis"])}
    of_all = {file.stem for file in source_files(FLOW)}
    assert {"clock", "constraints", "flows", "layout_tasks", "target", "verdict"} <= of_all
    assert "flows" not in of_synthesis, "a change of the one does not make the other run again"


def test_records_of_other_constraints_or_verilog_are_outdated():
    layout = result_at(4.0, 3.5, flow="layout")
    results = [result_at(4.0, 3.5), layout, replace(layout, name="z", constraints=None)]
    assert outdated(results, {}) == {("z", "layout", False)}
    measured = SimpleNamespace(verilog_sha256="1" * 64)
    assert outdated(results, {"x-y": measured}) == {result.key for result in results}
    assert any("other constraints" in note for note in notes(results, outdated(results, {})))
    made = [note for note in notes(results, set()) if note.startswith("by other programs")]
    assert made == ["by other programs of the flow than those here: x-y, z"]


def test_worst_slack_takes_hold_at_every_corner():
    assert result_at(4.0, 3.5).worst_slack_ns == pytest.approx(0.3)
    assert result_at(4.0, 3.5, hold_ns=0.7).worst_slack_ns == pytest.approx(0.5)
    assert result_at(4.0, 3.5, hold_ns=-0.1).worst_slack_ns == pytest.approx(-0.1)


@pytest.mark.parametrize(("begin", "limit"), [(1.0, 3.0), (3.0, 3.0), (20.0, 3.0), (5.0, 0.5)])
def test_search_ends_near_the_shortest_clock_that_is_met(begin, limit):
    clocks = []

    def run(job):
        clocks.append(job.period_ns)
        return result_at(job.period_ns, max(limit, 0.99 * job.period_ns))

    best = find_fastest(Job("x-y", Source("x_y"), period_ns=begin), run)
    assert len(clocks) <= MOST_RUNS
    assert limit <= best.period_ns == min(clock for clock in clocks if clock >= limit)
    assert best.period_ns < max(1.03 * limit, begin / 2**6)


def test_search_that_meets_no_clock_says_so():
    with pytest.raises(MeasurementError, match="x-y met no clock"):
        find_fastest(Job("x-y", Source("x_y"), period_ns=3.0), lambda job: result_at(job.period_ns, 2 * job.period_ns))


def test_layout_gives_a_quarter_of_the_clock_to_ports():
    text = layout_constraints(["clk_i"], 36.0)
    assert text.startswith(surroundings(["clk_i"], 36.0))
    assert "-period 36.0 [get_ports {clk_i}]" in text
    assert "set_clock_uncertainty -hold 0.1 [all_clocks]" in text
    assert "set_timing_derate -late 1.05" in text
    assert text.count("9.0") == 2


def test_flows_time_every_corner():
    corners = {"timing.slow", "timing.typical", "timing.fast"}
    assert corners <= {step for step, _ in SynthesisFlow().get_nodes()}
    assert {(step, "1") for step in (*corners, "equivalence")} <= set(SynthesisFlow(clock_gating=True).get_nodes())
    layout = LayoutFlow()
    steps = corners | {"equivalence", "place.global", "route.detailed", "write.gds"}
    assert steps <= {step for step, _ in layout.get_nodes()}
    for step in ("timing.slow", LAYOUT_CHECK):
        assert layout.get_graph_node(step, "0").get("input") == [("write.views", "0")]
    assert layout.get_graph_node("timing.slow", "2").get("input") == [("synthesis", "0")]
    gated = LayoutFlow(clock_gating=True)
    assert {node for node in gated.get_nodes() if node[0] in ("synthesis", "equivalence")} == {
        ("synthesis", "1"),
        ("equivalence", "1"),
    }
    assert gated.get_graph_node("cleanup", "0").get("input") == [("synthesis", "1")]


@pytest.mark.parametrize("flow", [SynthesisFlow, LayoutFlow])
def test_flows_simulate_the_netlist_that_they_time(flow):
    assert not {"activity", "power"} & {step for step, _ in flow().get_nodes()}
    nodes = flow(power=True)
    (made,) = nodes.get_graph_node("timing.typical", "0").get("input")
    assert nodes.get_graph_node("activity", "0").get("input") == [made]
    assert nodes.get_graph_node("power", "0").get("input") == [made, ("activity", "0")]


def test_sign_off_follows_the_layout_that_was_written():
    flow = LayoutFlow(signoff=True)
    for step in (DRC, CELL_RULES):
        assert flow.get_graph_node(step, "0").get("input") == [("write.gds", "0")]
    assert (CELL_RULES, "0") in flow.get_graph_node("signoff", "0").get("input")
    assert set(flow.get_graph_node(LVS, "0").get("input")) == {(EXTRACT, "0"), ("write.views", "0")}
    assert flow.get_graph_node(DRC, "0").get("taskmodule") == "silicodec.asic.signoff/MagicRulesTask"
    assert not {DRC, LVS} & {step for step, _ in LayoutFlow().get_nodes()}


RULES = """counter
----------------------------------------
Local interconnect spacing < 0.17um (li.3)
----------------------------------------
 0.290 1.205 0.410 1.235
 0.290 1.235 0.410 1.300
----------------------------------------
poly contact to N+ diffusion < 0.235um (licon.8a)
----------------------------------------
 1.150 0.255 1.180 1.070
----------------------------------------
[INFO]: COUNT: 3
[INFO]: Should be divided by 3 or 4
"""


def place_cell(layout, name, at=(0, 0)):
    """Write a layout with one cell of 2 x 2 um."""
    made = db.Layout()
    cell, top = made.create_cell(name), made.create_cell("top")
    cell.shapes(made.layer(66, 20)).insert(db.Box(0, 0, 2000, 2000))
    top.insert(db.CellInstArray(cell.cell_index(), db.Trans(*at)))
    made.write(str(layout))


def test_reports_of_sign_off_are_read_and_judged(tmp_path):
    (tmp_path / "rules").write_text(RULES)
    (tmp_path / "cells").mkdir()
    layout = tmp_path / "layout.gds"
    place_cell(layout, "nand")
    top = {"devices": [[["nor2", 3], ["inv", 1]], [["nor2", 3], ["inv", 1]]], "nets": [7, 6], "pins": [["a"], ["b"]]}
    (tmp_path / "comparison").write_text(json.dumps([{}, top]))
    reports = (tmp_path / "rules", tmp_path / "cells", layout, tmp_path / "comparison")
    with pytest.raises(MeasurementError, match="sign-off left no whole report: there are no reports of cells"):
        read_signoff(*reports)
    for name in ("nand", "nand__tapped"):
        (tmp_path / "cells" / f"{name}.drc").write_text(f"{name}\n----\n")
    signoff = read_signoff(*reports)
    assert (signoff.cells, signoff.nets, signoff.mismatches, signoff.pin_mismatches) == (4, 7, 1, 1)
    assert list(signoff.rules.values()) == [2, 1]
    assert signoff.library_rules == {}
    result = result_at(4.0, 3.5, flow="layout", signoff=signoff, drawn=DRAWN)
    assert [check for check, _ in faults(result)] == ["drc", "drc", "lvs", "lvs"]
    assert faults(result)[0][1] == "2 violations by Magic: Local interconnect spacing < 0.17um (li.3)"
    assert faults(result)[-1][1] == "1 ports of the drawn circuit are not the netlist's by Netgen"
    write_result(result, tmp_path)
    assert read_results(tmp_path) == [result]
    with pytest.raises(MeasurementError, match="sign-off left no whole report"):
        read_signoff(*reports[:3], tmp_path / "absent")


def test_what_the_librarys_cells_break_by_themselves_does_not_make_a_layout_unclean(tmp_path):
    (tmp_path / "rules").write_text(RULES)
    (tmp_path / "cells").mkdir()
    for name in ("nand", "nand__tapped"):
        (tmp_path / "cells" / f"{name}.drc").write_text(RULES.replace("counter", name))
    top = {"devices": [[["nand", 1]], [["nand", 1]]], "nets": [3, 3], "pins": [["a"], ["a"]]}
    (tmp_path / "comparison").write_text(json.dumps([{}, top]))
    layout = tmp_path / "layout.gds"
    reports = (tmp_path / "rules", tmp_path / "cells", layout, tmp_path / "comparison")
    place_cell(layout, "nand")
    signoff = read_signoff(*reports)
    assert (signoff.rules, signoff.in_library) == ({}, 3)
    assert [sorted(rules.values()) for rules in signoff.library_rules.values()] == [[1, 2]]
    result = result_at(4.0, 3.5, flow="layout", signoff=signoff, drawn=DRAWN)
    assert faults(result) == []
    write_result(result, tmp_path)
    assert read_results(tmp_path) == [result]
    (tmp_path / "cells" / "nand__tapped.drc").write_text(RULES.replace("0.290 1.235", "0.290 1.240"))
    assert list(read_signoff(*reports).rules.values()) == [1], "what is gone between tap cells is the layout's"
    place_cell(layout, "nand", at=(500, 0))
    moved = read_signoff(*reports)
    assert (sum(moved.rules.values()), moved.in_library) == (3, 0)
    assert [check for check, _ in faults(replace(result, signoff=moved))] == ["drc", "drc"]


def test_jobs_with_other_clocks_do_not_share_a_folder():
    job = Job("x-y", Source("x_y"), period_ns=3.5)
    others = ({"period_ns": 3.51}, {"clock_gating": True}, {"full_adders": 16}, {"full_adders": 6})
    assert len({job_name(replace(job, **other)) for other in ({}, *others)}) == 5


def test_options_name_what_the_flows_know():
    from silicodec.asic.ports import SIDES

    assert tuple(CHECKS) == OPTION_CHECKS
    assert SIDES == OPTION_SIDES
