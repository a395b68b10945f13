"""Programs end with all that they have begun."""

import os
import signal
import subprocess
import sys
import time

import pytest

from silicodec.models.processes import interrupts_deferred, run_group

PARENT = "from pathlib import Path; from silicodec.models.processes import run_group\n"
PARENT += "run_group(['sh', '-c', 'sleep 600 & echo $! >begun; wait'], Path())"


def test_what_a_program_prints_and_its_exit_code_come_back(tmp_path):
    done = run_group(["sh", "-c", "echo out; echo err >&2; echo $TMPDIR >inside; exit 3"], tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert (tmp_path / "inside").read_text() == ".\n"
    with (tmp_path / "log").open("w") as log:
        assert run_group(["echo", "text"], tmp_path, log).returncode == 0
    assert (tmp_path / "log").read_text() == "text\n"


def test_an_interrupt_ends_the_program_and_what_it_has_begun(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: (tmp_path / "begun").exists() and (tmp_path / "begun").read_text().strip())
        child = int((tmp_path / "begun").read_text())
        os.kill(parent.pid, signal.SIGINT)
        parent.wait(timeout=60)
    finally:
        parent.kill()
    assert wait_until(lambda: not running(child), seconds=1)


def test_a_program_that_cannot_be_begun_leaves_no_file_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        run_group(["no-such-program"], tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def wait_until(condition, seconds=60):
    """Poll a condition; tells whether it came true."""
    for _ in range(10 * seconds):
        if condition():
            return True
        time.sleep(0.1)
    return False


def running(pid):
    """Whether a process is there and not just waiting to be collected."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in ("", "Z")


def test_ctrl_c_while_processes_start_takes_effect_when_they_have_started():
    reached = []

    def start():
        with interrupts_deferred():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("end")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert reached == ["end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


DEFERRED = """
import multiprocessing, signal
from concurrent.futures import ProcessPoolExecutor
from silicodec.models.processes import interrupts_deferred
if __name__ == "__main__":
    with interrupts_deferred(), ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        print(signal.SIGINT in pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result())
"""


def test_processes_leave_ctrl_c_to_the_one_that_starts_them(tmp_path):
    program = tmp_path / "deferred.py"
    program.write_text(DEFERRED)
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
