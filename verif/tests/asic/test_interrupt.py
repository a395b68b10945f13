"""Ctrl-C and SIGTERM leave no half-written record, and no process behind."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

needs = {
    "SILICODEC_PDK": os.environ.get("SILICODEC_PDK"),
    "siliconcompiler": importlib.util.find_spec("siliconcompiler"),
    "sta": shutil.which("sta"),
}
pytestmark = pytest.mark.skipif(not all(needs.values()), reason=f"needs {', '.join(needs)}")

COUNTER = """
module counter (input clk, input rst, output reg [63:0] value);
  always @(posedge clk) if (rst) value <= 0; else value <= value * 5 + 1;
endmodule
"""


def wait_until(condition, seconds=180):
    """Poll a condition; tells whether it came true."""
    for _ in range(10 * seconds):
        if condition():
            return True
        time.sleep(0.1)
    return False


CLOCK = ["--clock-ns", "4"]  # without one, a synthesis comes first that finds it
ONE = ["--verilog", "counter.v", "--top", "counter", *CLOCK]
MORE_THAN_AT_ONCE = ["register-slice", "stream-narrower", "stream-widener", "--jobs", "2", *CLOCK]


def interrupt(run):
    """Ctrl-C, which all processes in the foreground get."""
    os.killpg(run.pid, signal.SIGINT)


def terminate(run):
    """End the process that was begun, which knows of the others."""
    run.terminate()


@pytest.mark.parametrize(
    ("designs", "end"),
    [(ONE, interrupt), (MORE_THAN_AT_ONCE, interrupt), (MORE_THAN_AT_ONCE, terminate)],
    ids=["one", "many", "terminated"],
)
def test_interrupted_run_ends_at_once_without_a_record(designs, end, tmp_path):
    (tmp_path / "counter.v").write_text(COUNTER)
    command = [sys.executable, "-c", "from silicodec.cli import main; main()", "asic", *designs]
    run = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert wait_until(lambda: list(tmp_path.glob("build/asic/siliconcompiler/*/*/synthesis/0/cells.lib")))
        end(run)
        error = run.communicate(timeout=20)[1]
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 130
    assert error.splitlines()[-1] == "silicodec: interrupted"
    assert "Traceback" not in error
    assert not list(tmp_path.glob("build/asic/flows/*"))
    assert wait_until(lambda: not running_in(run.pid))


def running_in(session):
    """Processes of a session."""
    done = subprocess.run(["ps", "-o", "pid=", "-s", str(session)], capture_output=True, text=True, check=False)
    return done.stdout.split()
