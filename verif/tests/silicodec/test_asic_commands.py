"""`silicodec asic`: its choices, its records, and what it says when a run fails."""

import dataclasses
import functools
import importlib.util
import json
import os
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from silicodec import workloads
from silicodec.cli import main
from silicodec.commands import asic_accelerator
from silicodec.commands.asic import jobs_of
from silicodec.design_options import Designs
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.models.networks import get_network
from silicodec.rtl.catalog import ENGINES

MISSING = [
    what
    for what, found in {
        "SILICODEC_PDK": os.environ.get("SILICODEC_PDK"),
        "pyosys": importlib.util.find_spec("pyosys"),
        "siliconcompiler": importlib.util.find_spec("siliconcompiler"),
        "sta": shutil.which("sta"),
    }.items()
    if not found
]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")

COUNTER = """
module counter (input clk, input rst, output [7:0] value);
  bits b (.clk(clk), .rst(rst), .value(value));
endmodule
"""
BITS = """
module bits (input clk, input rst, output reg [7:0] value);
  always @(posedge clk) if (rst) value <= 0; else value <= value + 1;
endmodule
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `silicodec asic` in a folder with the files of a counter; returns exit code, output and error lines."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counter.v").write_text(COUNTER)
    (tmp_path / "bits.v").write_text(BITS)
    (tmp_path / "notes.txt").write_text("no Verilog")

    def invoke(*arguments):
        result = CliRunner().invoke(main, ["asic", *map(str, arguments)])
        return result.exit_code, result.stdout, result.stderr.splitlines()

    return invoke


DESIGN = ["--verilog", "counter.v", "bits.v", "--top", "counter", "--period-ns", 4, "--clock-gating"]


@needs_tools
def test_third_party_design_is_not_run_twice(run, tmp_path):
    code, output, error = run(*DESIGN, "--json", "all.json")
    assert (code, error) == (0, ["counter: recorded in build/asic/flows/counter.synthesis.json"])
    assert "netlist proven equal to the Verilog" in output
    assert "no power figures: " in output
    text = (tmp_path / "build/asic/flows/counter.synthesis.json").read_text()
    assert json.loads((tmp_path / "all.json").read_text()) == [json.loads(text)]
    code, again, error = run(*DESIGN)
    assert (code, again) == (0, output)
    assert error == ["counter: as recorded in build/asic/flows/counter.synthesis.json"]


@needs_tools
@pytest.mark.prove
def test_adders_are_of_full_adder_cells_where_that_is_asked_for(run, tmp_path):
    (tmp_path / "wide.v").write_text(
        BITS.replace("value + 1", "value + more").replace("rst,", "rst, input [7:0] more,")
    )
    code, output, error = run("wide.v", "--top", "bits", "--clock-ns", 6, "--full-adders", 6)
    assert (code, error) == (0, ["bits: recorded in build/asic/flows/bits.synthesis.json"])
    assert "netlist proven equal to the Verilog" in output
    assert "6 bits of full adders" in output
    assert json.loads((tmp_path / "build/asic/flows/bits.synthesis.json").read_text())["full_adders"] == 6
    (job,) = tmp_path.glob("build/asic/siliconcompiler/bits/*-fa6")
    assert (job / "synthesis/0/netlist.v").read_text().count("__fa_1 ") == 6
    assert "silicodec.asic.equivalence --full-adders" in (job / "equivalence/0/replay.sh").read_text()


def test_engines_are_built_of_the_adders_that_they_are_measured_with(monkeypatch):
    pytest.importorskip("siliconcompiler")
    monkeypatch.setattr(workloads, "default_tensor", lambda: ("noise", np.zeros((1, 8, 8))))
    monkeypatch.setattr(workloads, "prepare_work", lambda *_, **__: {})
    monkeypatch.setattr("silicodec.rtl.convert.verilog", lambda engine: "")
    designs = Designs((ENGINES["dct-decoder-fast"], ENGINES["register-slice"]), None)
    measured = ENGINES["dct-decoder-fast"].full_adders
    assert measured > 0
    for given, built in ((0, [measured, 0]), (3, [3, 3])):
        assert [job.full_adders for job in jobs_of(designs, None, {"full_adders": given})] == built


@needs_tools
@pytest.mark.prove
def test_clock_that_is_missed_ends_with_exit_code_1_unless_it_is_allowed(run, tmp_path):
    design = ["bits.v", "--top", "bits"]
    code, _, error = run(*design, "--clock-ns", 0.5)
    assert code == 1
    assert "bits: the clock of 0.5 ns is missed by" in error[1]
    assert error[2] == "silicodec: what was made is not clean; --allow setup would accept it"
    assert run(*design, "--clock-ns", 0.5, "--allow", "setup")[0] == 0
    record = tmp_path / "build/asic/flows/bits.synthesis.json"
    assert json.loads(record.read_text())["clean"] is False
    assert run(*design)[0] == 0
    assert json.loads(record.read_text())["clean"] is True


@needs_tools
@pytest.mark.prove
def test_third_party_design_gets_the_same_record_again(run, tmp_path):
    from silicodec.asic.results import VOLATILE

    records = []
    for _ in range(2):
        assert run(*DESIGN)[0] == 0
        records.append(json.loads((tmp_path / "build/asic/flows/counter.synthesis.json").read_text()))
        shutil.rmtree(tmp_path / "build")
    first, second = ({**record, **dict.fromkeys(VOLATILE)} for record in records)
    assert first == second


@needs_tools
@pytest.mark.parametrize(
    ("verilog", "arguments", "reason"),
    [
        (COUNTER, ["--top", "nothing"], "Module `nothing' not found"),
        (COUNTER, ["--top", "counter"], "bits"),
        (BITS, ["--top", "bits", "--clock-port", "clock"], "bits has no input 'clock' for a clock; its inputs are"),
        (BITS.replace("value +", "valve +"), ["--top", "bits"], "valve is not declared"),
        (BITS.replace("@(posedge clk) if", "@* if"), ["--top", "bits"], "combinational loop"),
        (BITS.replace("@(posedge clk) if (rst)", "@* if (rst)").replace("else value <= value + 1", ""), None, "latch"),
    ],
)
def test_failure_is_one_line_with_the_tool_s_reason_and_its_log(run, tmp_path, verilog, arguments, reason):
    (tmp_path / "bad.v").write_text(verilog)
    options = [*arguments, "--clock-ns", 4] if arguments else ["--top", "bits"]  # a synthesis finds a clock first
    code, output, error = run("--verilog", "bad.v", *options)
    assert (code, output, len(error)) == (1, "", 1)
    assert reason in error[0]
    log = error[0].rpartition("(log: ")[2].removesuffix(")")
    assert os.path.isfile(log)
    assert not list(tmp_path.glob("build/asic/flows/*"))


@pytest.mark.skipif(shutil.which("openroad") is not None, reason="openroad is on the path")
def test_layout_without_its_tools_names_each_and_how_to_get_it(run):
    code, _, error = run("--verilog", "bits.v", "--top", "bits", "--flow", "layout")
    assert (code, len(error)) == (1, 1)
    assert "openroad is missing, 26Q1-932 or newer is needed: build it from https://github.com/" in error[0]


@pytest.mark.skipif(shutil.which("srun") is not None, reason="srun is on the path")
def test_scheduler_that_is_not_there_is_named(run):
    pytest.importorskip("siliconcompiler")
    code, _, error = run("--verilog", "bits.v", "--top", "bits", "--scheduler", "slurm")
    assert (code, len(error)) == (1, 1)
    assert "srun is missing" in error[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all", "ebpc-encoder"], "name engines, or give --all"),
        (["--verilog", "bits.v"], "Verilog files and their options go with --top"),
        (["--top", "bits"], "--top goes with Verilog files"),
        (["measure", "--top", "bits"], "--top goes with Verilog files"),
        (["ebpc-encoder", "-D", "W=3"], "Verilog files and their options go with --top"),
        (["ebpc-encoder", "--set", "W=3"], "unknown parameter 'W'"),
        (["--all", "--set", "W=3"], "--set goes with the names of engines"),
        (["bits.v", "--top", "bits", "--clock-port", "a b"], "'a b' is not the name of a port"),
        (["rtl/*.v", "--top", "bits"], "rtl/*.v: no such files"),
        (["bits.v", "-I", "absent", "--top", "bits"], "absent: no such folder of included files"),
        (["gzip"], "unknown engine 'gzip': known are ebpc-encoder"),
        (["ebpc-encodr"], "unknown engine 'ebpc-encodr': did you mean ebpc-encoder"),
        (["ebpc-encoder", "--activity", "absent.npy"], "absent.npy"),
        (["--verilog", "bits.v", "--top", "bits", "--activity", "x.npy"], "--activity is for engines"),
        (["--verilog", "absent.v", "--top", "bits"], "absent.v: no such Verilog file"),
        (["--verilog", "notes.txt", "--top", "bits"], "notes.txt: the name of a Verilog file ends in .v or .sv"),
        (["--verilog", "bits.v", "--top", "bits; ls"], "'bits; ls' is not the name of a Verilog module"),
        (["--verilog", "bits.v", "--top", "bits", "--clock-ns", "0"], "0.0 is not in the range 0<x<1000"),
        (["--verilog", "bits.v", "--top", "bits", "--clock-ns", "nan"], "between 0 and 1000 ns, not nan"),
        (["bits.v", "--top", "bits", "--density", "50"], "--density goes with --flow layout"),
        (["bits.v", "--top", "bits", "--flow", "layout", "--pins", "value=up"], "'value=up' is not PORT=SIDE"),
        (["bits.v", "--top", "bits", "--flow", "layout", "--density", "0"], "1 to 100 percent of the core, not 0"),
        (["bits.v", "--top", "bits", "--flow", "layout", "--aspect", "nan"], "between 0.1 and 10, not nan"),
        (["bits.v", "--top", "bits", "--flow", "layout", "--seeds", "0"], "0 is not in the range x>=1"),
        (["bits.v", "--top", "bits", "--seeds", "3"], "--seeds goes with --flow layout"),
        (["bits.v", "--top", "bits", "--flow", "layout", "--seeds", "3", "--fastest"], "not go with --fastest"),
    ],
)
def test_bad_choice_is_one_line(run, arguments, message):
    code, _, error = run(*arguments)
    assert (code, len(error)) == (2, 1)
    assert message in error[0]


@pytest.mark.parametrize("command", [[], ["measure"]])
def test_missing_process_data_says_how_to_get_it(run, tmp_path, monkeypatch, command):
    if shutil.which("sta") is None:
        pytest.skip("needs sta")
    monkeypatch.setenv("SILICODEC_PDK", str(tmp_path))
    code, _, error = run(*command, "ebpc-encoder")
    assert code == 1
    assert f"SILICODEC_PDK={tmp_path} does not hold" in error[-1]
    assert "git clone" in error[-1] or "clone of lambdapdk" in error[-1]


def make_result(power, **fields):
    """Result for the encoder, without what a comparison does not show."""
    from silicodec.asic.constraints import of_flow
    from silicodec.asic.job import Workload
    from silicodec.asic.results import Netlist, Result
    from silicodec.asic.timing import Paths, Timing

    areas = {"flip-flops": 3000.0, "other logic": 5000.0}
    timing = Timing(0.1, 0.2, Paths(3.4, 2.5, 2.4, 1.7))
    netlist = Netlist(8000.0, 2131.3, 900, 150, areas, {"typical": timing}, power)
    missing = dict.fromkeys(("utilisation_percent", "wire_length_um", "drc_violations"))
    common = {
        "name": "ebpc-encoder", "top": "ebpc_encoder", "flow": "synthesis", "clock_ports": ["clk"], "period_ns": 3.5,
        "reset_port": None, "corner": "typical", "clock_gated": None, "workload": Workload("noise", "", 1000, 1250),
        "equivalence": {"proven": True, "cycles": None, "reset": None}, "tools": {}, "verilog_sha256": "",
        "run_time_s": 1.0, "peak_memory_mb": 1.0, "constraints": of_flow(fields.get("flow", "synthesis")),
    }  # fmt: skip
    return Result(netlist=netlist, **{**missing, **common, **fields})


def test_comparison_has_published_figures_and_the_reason_for_missing_ones(run, tmp_path):
    pytest.importorskip("siliconcompiler")
    from silicodec.asic.records import SHIPPED, read_records
    from silicodec.asic.results import Power, write_result

    present = read_records(SHIPPED)["ebpc-encoder"].verilog_sha256
    result = make_result(Power.missing("no meter"), workload=None, verilog_sha256=present)
    write_result(result, tmp_path / "records")
    code, output, _ = run("compare", "--out", "records", "--html", "page.html")
    assert code == 0
    row = next(line.split() for line in output.splitlines() if line.strip().startswith("ebpc-encoder"))
    assert row == ["ebpc-encoder", "synthesis", "3.5", "2.13", "2.80", "8,000", "15,258", "3.40", "1,840", "2.3"]
    assert "no energy: no meter" in output
    assert "*" not in output
    page = (tmp_path / "page.html").read_text()
    assert "15,258" in page
    assert page.count("data:image/svg+xml") == 2


def test_comparison_shows_the_energy_of_a_word(run, tmp_path):
    pytest.importorskip("siliconcompiler")
    from silicodec.asic.results import Power, write_result

    result = make_result(Power(2.0, 0.5, 0.001, 10.94, None))
    write_result(dataclasses.replace(result, clock_gated=result.netlist), tmp_path / "records")
    code, output, _ = run("compare", "--out", "records", "--html", "page.html")
    assert code == 0
    row = next(line.split() for line in output.splitlines() if line.strip().startswith("ebpc-encoder"))
    assert row[-6:] == ["3.40", "1.250", "10.94", "1,840", "2.3", "1.6"]
    assert row[:2] == ["ebpc-encoder", "*"], "its hash is not that of the measurement"
    assert "* of other Verilog than the engine's measurement" in output
    assert (tmp_path / "page.html").read_text().count("data:image/svg+xml") == 3


def test_comparison_shows_the_layouts_that_lie_beside_their_records(run, tmp_path):
    pytest.importorskip("siliconcompiler")
    from silicodec.asic.results import Power, write_result

    result = make_result(Power.missing("no meter"), flow="layout")
    path = write_result(result, tmp_path / "records")
    path.with_suffix(".png").write_bytes(b"picture")
    assert run("compare", "--out", "records", "--html", "page.html")[0] == 0
    page = (tmp_path / "page.html").read_text()
    assert "Layout of ebpc-encoder" in page
    assert "data:image/png;base64,cGljdHVyZQ==" in page


def test_comparison_without_records_says_what_to_do(run):
    code, _, error = run("compare", "--out", "nowhere")
    assert code == 2
    assert "nowhere holds no records: run `silicodec asic --all` first" in error[0]


def test_a_long_default_tensor_is_cut_to_its_first_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(workloads, "MOST_CYCLES", 300)
    tensor = np.random.default_rng(0).integers(1, 128, (1, 1, 32, 32)).astype(np.int8)
    engine = ENGINES["ebpc-encoder"]
    work = functools.partial(workloads.prepare_work, engine, "noise", tensor, tmp_path)
    cut, whole = (work(required=required) for required in (False, True))
    rows = cut["workload"].words // 32
    assert 1 < rows < 32
    assert cut["workload"].cycles <= 300 < whole["workload"].cycles
    assert cut["workload"].origin == f"noise, first {rows} rows"
    assert np.array_equal(np.load(cut["stimulus"]), tensor[..., :rows, :])
    assert np.array_equal(np.load(whole["stimulus"]), tensor)


@pytest.mark.parametrize(
    ("codec", "parameter", "name"),
    [
        ("dct", "", "accelerator"),
        ("ebpc", "ebpc", "accelerator-ebpc"),
        ("dct", "single_port", "accelerator-single-port"),
    ],
)
def test_power_of_the_accelerator_without_a_netlist_names_what_makes_it(run, codec, parameter, name):
    setting = f"{parameter}=true"
    options = ["--set", setting] if parameter == "single_port" else []
    code, output, error = run("accelerator", "--codec", codec, *options, "--activity", "image")
    assert (code, output) == (2, "")
    assert f"{name} holds no netlist: silicodec asic measure accelerator --blocks" in error[-1]
    assert error[-1].count("--set") == bool(parameter)
    assert (setting in error[-1]) == bool(parameter)


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is missing")
def test_power_is_that_of_the_netlists_own_top_module(tmp_path, monkeypatch):
    class Reached(Exception):
        pass

    def reach(kept, engine, *_, **__):
        raise Reached(engine.top)

    monkeypatch.setattr("silicodec.asic.accelerator_power.measure_power", reach)
    netlist = tmp_path / "accelerator-ebpc"
    netlist.mkdir()
    (netlist / "blocks.json").write_text('{"verilog_sha256": "that"}')
    found = asic_accelerator.studied(get_network("digits-int8"), "raw", 4, AcceleratorShape(ebpc=True))
    work = {"verilog_sha256": "that", "cycles": 9, "period_ns": 9.0, "network": "digits-int8", "codec": "raw"}
    with pytest.raises(Reached, match=r"^accelerator_ebpc$"):
        asic_accelerator.logic_at_work(found, netlist, (0, 9), work)
