"""Layouts of netlists with SRAM macros: what goes into them, and how far they came when the time was up."""

import json
import os
import re
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("klayout")
pytest.importorskip("siliconcompiler")
pytest.importorskip("lambdapdk")

from klayout import db
from siliconcompiler.scheduler import SchedulerNode

from silicodec.asic.block_netlist import block_netlist, whole_netlist
from silicodec.asic.blocks import KeptNetlist
from silicodec.asic.drawn import Signoff
from silicodec.asic.flows import LAYOUT_CHECK
from silicodec.asic.job import Floorplan
from silicodec.asic.layout_views import keep_layout
from silicodec.asic.macros import macro_folder
from silicodec.asic.netlist_layout import NetlistJob, NetlistLayoutFlow, job_folder, lay_out, make_project
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.progress import (
    describe,
    read_all_progress,
    read_progress,
    run_until,
    steps_of,
    time_limit,
    write_progress,
)
from silicodec.asic.run import short_temporary_folder
from silicodec.asic.signoff import DRC, EXTRACT, LVS
from silicodec.asic.tasks import EquivalenceTask
from silicodec.asic.tools import signoff_fault
from silicodec.cli import main

needs_cells = pytest.mark.skipif("SILICODEC_PDK" not in os.environ, reason="SILICODEC_PDK is not set")
needs_macros = pytest.mark.skipif(macro_folder() is None, reason="SILICODEC_PDK holds no macros")
CELL = "sky130_fd_sc_hd__"
NETLIST = f"""module pair(clk, a, y);
  input clk;
  input a;
  output y;
  wire middle;
  wire turned;
  {CELL}dfxtp_1 pair_first___1_ (.CLK(clk), .D(a), .Q(middle));
  {CELL}inv_1 pair_second___1_ (.A(middle), .Y(turned));
  {CELL}dfxtp_1 pair_second___2_ (.CLK(clk), .D(turned), .Q(y));
endmodule
"""


@pytest.fixture
def kept(tmp_path):
    """A netlist of two blocks, one of an inverter and a register."""
    (tmp_path / "pair.v").write_text(NETLIST)
    found = KeptNetlist(tmp_path / "kept")
    found.write(
        tmp_path / "pair.v", {"modules": {"first": ["pair_first"], "second": ["pair_second"]}, "memories": []}, ""
    )
    return found


@needs_cells
def test_a_block_is_cut_out_with_the_nets_at_its_border_as_ports(kept):
    text = block_netlist(kept, "pair", "second")
    assert "module second(" in text
    assert "module pair" not in text
    assert text.count(CELL) == 2
    inputs = {line.split()[1].rstrip(";") for line in text.splitlines() if line.startswith("  input ")}
    assert inputs == {"clk", "middle"}
    with pytest.raises(MeasurementError, match="there is no block third: first, second"):
        block_netlist(kept, "pair", "third")


PORTS = {"wr_en": 1, "wr_addr": 6, "wr_data": 32, "rd_en": 1, "rd_addr": 6}


def with_memories(folder: Path) -> KeptNetlist:
    """A netlist that hands its ports on to memories of 64 words and of 4, with a port for each bit, as blocks have."""
    declared, assigned = ["input clk"], []
    for memory in (0, 1):
        for name, bits in PORTS.items():
            for bit in [f"_{bit}_" for bit in range(bits)] if bits > 1 else [""]:
                declared += [f"input {name}{memory}{bit}", f"output to_memory_{memory}_{name}{bit}"]
                assigned.append(f"assign to_memory_{memory}_{name}{bit} = {name}{memory}{bit};")
        for bit in range(32):
            declared += [f"output y{memory}_{bit}_", f"input from_memory_{memory}_rd_data_{bit}_"]
            assigned.append(f"assign y{memory}_{bit}_ = from_memory_{memory}_rd_data_{bit}_;")
    names = ", ".join(line.split()[-1] for line in declared)
    text = "\n".join([f"module words({names});", *(f"  {line};" for line in declared), *assigned, "endmodule"])
    (folder / "words.v").write_text(text)
    shape = {"bits": 32, "mask_bits": None, "shared_port": True, "usual": True}
    memories = [{"name": "large", "words": 64, **shape}, {"name": "small", "words": 4, **shape}]
    found = KeptNetlist(folder / "kept")
    found.write(folder / "words.v", {"modules": {}, "memories": memories}, "")
    return found


@needs_macros
def test_large_memories_become_macros_and_small_ones_cells(tmp_path):
    kept = with_memories(tmp_path)
    text, macros = whole_netlist(kept, "words")
    assert macros == ("sram22_64x32m4w8",)
    assert text.count("sram22_64x32m4w8 ") == 1
    assert "module sram22" not in text  # an empty module would stand for the macro
    assert text.count(f"{CELL}edfxtp_1 ") + text.count(f"{CELL}dfxtp_1 ") >= 4 * 32
    assert text.count("module ") == 1, "OpenROAD leaves open what a constant output of a module drives"
    (memory,) = re.findall(r"sram22_64x32m4w8 .*?;", text, re.DOTALL)
    assert re.search(r"\.rstb\(1'h?1\)", memory)
    assert [memory.count(f"wr_data0_{bit}_") for bit in range(32)] == [1] * 32


@needs_macros
@pytest.mark.prove
@pytest.mark.usefixtures("layout_tools")
def test_a_memory_goes_through_to_gds_and_is_proven(tmp_path):
    """The layout has the memory's shapes, and is the netlist's circuit, to Magic and Netgen as well."""
    text, macros = whole_netlist(with_memories(tmp_path), "words")
    job = NetlistJob("words", "words", text, macros, "", 40.0, floorplan=Floorplan(density=35))
    with short_temporary_folder():
        progress = lay_out(job, tmp_path / "build")
    assert (progress.reached, progress.faults, progress.macros) == (None, [], 1)
    assert progress.equivalence == {"proven": True, "cycles": None, "reset": None}
    if signoff_fault() is None:
        assert (progress.signoff.rules, progress.signoff.mismatches) == ({}, 0)
        assert progress.signoff.cells > 160, "its registers, for one"
    keep_layout(job_folder(job, tmp_path / "build"), "words", tmp_path / "words")
    drawn = db.Layout()
    drawn.read(str(tmp_path / "words.gds.gz"))
    assert not drawn.cell("sram22_64x32m4w8").bbox().empty()


@needs_macros
def test_project_with_macros_is_complete_for_siliconcompiler(tmp_path):
    job = NetlistJob("pair", "pair", NETLIST, ("sram22_64x32m4w8",), "", 36.0, floorplan=Floorplan(density=50))
    project = make_project(job, tmp_path / "build")
    assert project.check_manifest()
    assert "sram22_64x32m4w8" in project.get("asic", "asiclib")
    assert EquivalenceTask.find_task(project).get("var", "macros") == ["sram22_64x32m4w8"]
    assert project.get("constraint", "area", "density") == 50
    assert project.get("tool", "openroad", "task", "global_placement", "var", "gpl_timing_driven") is False
    assert project.get("tool", "openroad", "task", "repair_timing", "var", "rsz_hold_slack_margin") == 0.3
    left_free = dict(project.get_library("skywater130").get("tool", "openroad", "globalroutingderating"))
    assert left_free == {"li1": 1.0} | {f"met{number}": 0.2 for number in range(1, 6)}
    (rows,) = project.get("tool", "openroad", "task", "endcap_tapcell_insertion", "prescript")
    assert Path(rows).read_text() == "cut_rows -row_min_width 15.0\n"
    for step in ("antenna_repair", "detailed_route_antenna_repair"):
        assert project.get("tool", "openroad", "task", step, "var", "ant_margin") == 15
    for router in ("global_route", "antenna_repair"):
        assert project.get("tool", "openroad", "task", router, "var", "grt_allow_congestion") is True
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "build").rglob("*-*") if path.is_file()}
    abstracts = ["sram22_64x32m4w8"] * 2  # OpenROAD's and Magic's
    names = ["connections", "constraints", "pair", "power_grid", "rows", *abstracts]
    assert sorted(path.name.partition("-")[0] for path in files) == names
    make_project(job, tmp_path / "build")
    assert {path: path.stat().st_mtime_ns for path in files} == files  # newer files make SiliconCompiler begin anew


def step(folder: Path, name: str, metrics: dict[str, float] | None = None) -> None:
    """Leave what a step leaves that ended."""
    for place in ("outputs", "reports"):
        (folder / name / "0" / place).mkdir(parents=True)
    times = {"metric": {"tasktime": {"node": {name: {"0": {"value": 90.0}}}}}}
    (folder / name / "0" / "outputs" / "top.pkg.json").write_text(json.dumps(times))
    (folder / name / "0" / "outputs" / "top.odb.gz").touch()
    if metrics is not None:
        (folder / name / "0" / "reports" / "metrics.json").write_text(json.dumps(metrics))


def test_how_far_a_layout_came_is_read_from_its_steps(tmp_path):
    steps = steps_of(NetlistLayoutFlow(macros=True))
    assert steps[:2] == ["cleanup", "floorplan.init"]
    assert steps[-1] == "write.views"
    described = {
        "name": "top",
        "period_ns": 20.0,
        "floorplan": Floorplan(),
        "verilog_sha256": "",
        "minutes": 1.0,
        "tools": {},
    }
    step(tmp_path, "cleanup")
    for name in steps[1 : steps.index("route.detailed")]:
        step(tmp_path, name, {"sc__metric__design__die__area": 900.0, "sc__step__global_route__wirelength": 70})
    log = tmp_path / "route.detailed" / "0" / "route.detailed.log"
    (log.parent / "outputs").mkdir(parents=True)
    (log.parent / "outputs" / "top.pkg.json").touch()  # a step that was stopped leaves its manifest
    log.write_text("[INFO DRT-0199]   Number of violations = 20.\n[INFO DRT-0199]   Number of violations = 3.\n")
    found = read_progress(tmp_path, steps, **described)
    assert (found.reached, found.die_um2, found.planned_wire_um, found.violations) == ("route.detailed", 900.0, 70, 3)
    assert found.cells is None
    unfinished = "top: not finished in 1 minutes, which ended in route.detailed"
    assert describe(found) == unfinished
    planned = tmp_path / "route.global" / "0" / "route.global.log"
    planned.write_text("met5   5850   3149   53.83%   0 /  0 /  0\nTotal   148479   117055   78.84%   0 /  0 /  0\n")
    found = read_progress(tmp_path, steps, **described)
    advice = ", with 79 % of the routing tracks taken: a lower --density leaves more"
    assert describe(found) == unfinished + advice
    assert describe(replace(found, tracks_percent=32.4)) == describe(replace(found, tracks_percent=None)) == unfinished
    write_progress(found, tmp_path)
    assert read_all_progress(tmp_path) == [found]
    shutil.rmtree(log.parent)
    step(tmp_path, "route.detailed", {"sc__step__route__drc_errors": 0})
    for name in steps[steps.index("route.detailed") + 1 :]:
        if name != "route.repair_timing":  # which SiliconCompiler leaves out
            step(tmp_path, name)
    found = read_progress(tmp_path, steps, **described)
    assert found.reached is None
    assert found.violations == 0
    assert found.faults == []
    missed = replace(found, setup_slack_ns=0.1, hold_slack_ns=-0.25, violations=2)
    assert missed.faults == ["hold is missed by 0.25 ns", "2 violations of design rules"]
    signed = replace(found, signoff=Signoff({"licon.8a": 1}, 20, 30, 2, 0, {"a2111oi_0": {"licon.8a": 4}}))
    assert [fault.partition(" ")[0] for fault in signed.faults] == ["1", "the"]
    assert replace(signed, signoff=Signoff({}, 20, 30, 0, 0, {"a2111oi_0": {"licon.8a": 4}})).faults == []
    checked = {"proven": False, "cycles": 8, "reset": None}
    assert replace(found, equivalence=checked).faults == [
        "the netlist of the layout differs from the one that was laid out"
    ]
    assert replace(found, equivalence=checked | {"proven": None}).faults == [
        "the netlist of the layout could not be compared with the one that was laid out"
    ]
    write_progress(signed, tmp_path)
    assert read_all_progress(tmp_path) == [signed]


def test_a_layout_is_signed_off_with_macros_or_without():
    for macros in (False, True):
        steps = {step for step, _ in NetlistLayoutFlow(macros=macros, signoff=True).get_nodes()}
        assert {LAYOUT_CHECK, DRC, EXTRACT, LVS} <= steps
        unsigned = {step for step, _ in NetlistLayoutFlow(macros=macros).get_nodes()}
        assert LAYOUT_CHECK in unsigned
        assert not {DRC, EXTRACT, LVS} & unsigned


@needs_cells
def test_steps_of_sign_off_run_side_by_side(tmp_path, monkeypatch):
    """SiliconCompiler takes each to want every core, of which Magic and Netgen use one."""
    monkeypatch.setattr("silicodec.asic.netlist_layout.signoff_fault", lambda: None)
    project = make_project(NetlistJob("pair", "pair", NETLIST, (), "", 36.0), tmp_path)
    for step in (DRC, EXTRACT, LVS):
        node = SchedulerNode(project, step, "0")
        with node.runtime():
            node.setup()
            assert node.threads == 1


def test_a_layout_that_was_drawn_but_not_signed_off_says_so(tmp_path):
    """The time is up while sign-off runs."""
    steps = steps_of(NetlistLayoutFlow(macros=False, signoff=True))
    for name in steps:
        step(tmp_path, name)
        os.utime(tmp_path / name / "0" / "outputs" / "top.pkg.json", (0, 0))
    stopped = tmp_path / "drc" / "0" / "outputs" / "top.pkg.json"
    stopped.parent.mkdir(parents=True)
    stopped.write_text('{"metric": {"tasktime": {"node": {"write.gds": {"0": {"value": 90.0}}}}}}')
    os.utime(stopped, (0, 0))

    class Stopped:
        def run(self):
            time.sleep(5)

        def get_flow(self):
            return NetlistLayoutFlow(macros=False, signoff=True)

        def get(self, *_, **__):
            return None

    described = {"name": "top", "period_ns": 20.0, "floorplan": Floorplan(), "verilog_sha256": ""}
    progress, history = run_until(Stopped(), tmp_path, 0.01, **described)
    assert history is None
    assert progress.drawn
    assert progress.minutes == pytest.approx(1.5 * len(steps), abs=0.1), "steps of an earlier call count"
    assert describe(progress).endswith("minutes, which ended in analysis")


def test_time_that_is_up_interrupts_and_says_so():
    with pytest.raises(KeyboardInterrupt), time_limit(0.002) as limit:  # noqa: PT012
        assert not limit.over
        time.sleep(60)
    assert limit.over
    with time_limit(None) as limit:
        pass
    assert not limit.over


def test_time_is_up_in_the_background_too():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as of what a script runs with &
    try:
        with pytest.raises(KeyboardInterrupt), time_limit(0.002) as limit:
            time.sleep(60)
        assert limit.over
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_thread_without_a_limit_needs_no_signal():
    def enter():
        with time_limit(None) as limit:
            return limit.over

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(enter).result() is False


def test_an_engine_without_a_netlist_is_told_what_makes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["asic", "layout", "accelerator"])
    assert done.exit_code == 2
    assert "silicodec asic measure accelerator --blocks --routable makes it" in done.output
