"""Steps go to a cluster through SiliconCompiler: here Slurm's commands are scripts that run a step at once."""

import importlib.util
import os
import shutil
import sys

import pytest

pytest.importorskip("siliconcompiler")

from silicodec.asic.batch import run_batch
from silicodec.asic.flows import SynthesisFlow
from silicodec.asic.job import Job
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.tools import check_scheduler
from silicodec.rtl.source import Source

needs = {
    "SILICODEC_PDK": os.environ.get("SILICODEC_PDK"),
    "pyosys": importlib.util.find_spec("pyosys"),
    "sta": shutil.which("sta"),
}
needs_tools = pytest.mark.skipif(not all(needs.values()), reason=f"needs {', '.join(needs)}")

COUNTER = """
module counter (input clk, input rst, output reg [7:0] value);
  always @(posedge clk) if (rst) value <= 0; else value <= value + 1;
endmodule
"""
SINFO = "echo 'debug*'"
SRUN = """echo "$@" >> "$SUBMITTED"
while [ $# -gt 1 ]; do [ "$1" = --output ] && log=$2; shift; done
exec "$1" > "$log" 2>&1"""


def add_command(folder, name, script):
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def job(tmp_path):
    """Synthesis of a counter."""
    path = tmp_path / "counter.v"
    path.write_text(COUNTER)
    return Job("counter", Source("counter", (path,)), period_ns=4.0)


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Slurm's commands on the path; returns the file of what was submitted."""
    folder, submitted = tmp_path / "bin", tmp_path / "submitted"
    folder.mkdir()
    add_command(folder, "sinfo", SINFO)
    add_command(folder, "srun", SRUN)
    path = os.pathsep.join([str(folder), os.path.dirname(sys.executable), os.environ["PATH"]])
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("SUBMITTED", str(submitted))
    monkeypatch.chdir(tmp_path)
    return submitted


@needs_tools
def test_every_step_is_a_job_of_the_cluster(job, cluster, tmp_path):
    (outcome,) = run_batch([job], tmp_path / "build", tmp_path / "flows", scheduler="slurm", fastest=False)
    assert outcome.result is not None, outcome.message
    assert outcome.result.netlist.flip_flops == 8
    jobs = cluster.read_text().splitlines()
    assert all(f"--partition debug --chdir {tmp_path} " in line for line in jobs)
    for step, index in SynthesisFlow().get_nodes():
        assert sum(f"_{step}_{index} " in line for line in jobs) == 1
    assert len(jobs) == len(SynthesisFlow().get_nodes())


@needs_tools
def test_step_that_fails_on_the_cluster_is_named(job, cluster, tmp_path):
    add_command(tmp_path / "bin", "srun", "exit 1")
    (outcome,) = run_batch([job], tmp_path / "build", tmp_path / "flows", scheduler="slurm", fastest=False)
    assert outcome.result is None
    assert "synthesis of counter failed" in outcome.message


@pytest.mark.parametrize("missing", ["srun", "sinfo"])
def test_commands_that_are_not_there_are_named(tmp_path, monkeypatch, missing):
    for name in {"srun", "sinfo"} - {missing}:
        add_command(tmp_path, name, "true")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MeasurementError, match=f"{missing} is missing"):
        check_scheduler("slurm")
    check_scheduler(None)
