"""FuseSoC takes an engine's core, and its generator makes the engine that a project asks for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from silicodec.fpga.boards import BOARDS
from silicodec.fpga.fusesoc import generate, write_core, write_generator
from silicodec.rtl.catalog import find_engine
from silicodec.rtl.convert import to_verilog
from silicodec.verif.drivers.vectors import write_bench

PROJECT = """CAPI=2:
name: "example:soc:top:1.0"
filesets:
  rtl: {files: [top.v], file_type: verilogSource, depend: ["silicodec:generators:engine"]}
generate:
  slice:
    generator: silicodec
    parameters: {engine: register-slice, set: {word_bits: 3, axi: true}}
targets:
  default: {filesets: [rtl], generate: [slice], toplevel: top}
  lint: {filesets: [rtl], generate: [slice], toplevel: top, flow: lint, flow_options: {tool: verilator}}
"""
TOP = """module top (
  input clk, input rst, input [7:0] data, input valid, output ready, output [7:0] result, output done
);
  register_slice_axi_word_bits_3 slice (
    .clk(clk), .rst(rst), .s_axis_tdata(data), .s_axis_tvalid(valid), .s_axis_tready(ready), .s_axis_tlast(valid),
    .m_axis_tdata(result), .m_axis_tvalid(done), .m_axis_tready(1'b1), .m_axis_tlast());
endmodule
"""


def fusesoc(folder, target, core):
    pytest.importorskip("fusesoc")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", str(folder), "run", "--target", target, core]
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "target",
    ["lint", *(pytest.param(name, marks=pytest.mark.prove) for name in ("sim", *(f"synth-{b}" for b in BOARDS)))],
)
def test_targets_of_an_engine(tmp_path, target):
    engine = find_engine("weight-trimmer-entry-size-1")
    to_verilog(engine, tmp_path)
    write_bench(engine, tmp_path)
    write_core(engine, tmp_path)
    said = fusesoc(tmp_path, target, "silicodec:engines:weight_trimmer_entry_size_1")
    if target == "sim":
        assert "TESTS=2 PASS=2 FAIL=0" in said


def test_a_project_asks_for_an_engine(tmp_path):
    write_generator(tmp_path)
    (tmp_path / "top.core").write_text(PROJECT)
    (tmp_path / "top.v").write_text(TOP)
    fusesoc(tmp_path, "lint", "example:soc:top")
    assert list(tmp_path.glob("build/**/src/**/register_slice_axi_word_bits_3.v"))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"engine": "registr-slice"}, "did you mean register-slice"),
        ({"engine": "register-slice", "set": {"bits": 3}}, "unknown parameter 'bits'"),
        ({"engine": "register-slice", "set": {"word_bits": 65}}, "word_bits must be an integer from 1 to 64, not 65"),
        ({"name": "register-slice"}, "takes `engine`"),
        (None, "takes `engine`"),
    ],
)
def test_what_cannot_be_made_is_told(tmp_path, parameters, message):
    with pytest.raises(ValueError, match=message):
        generate({"vlnv": "a:b:c:1.0", "parameters": parameters}, tmp_path)
    assert list(tmp_path.iterdir()) == []
