"""Two processes do not run the same job in the same folder."""

import subprocess
import sys

import pytest

from silicodec.asic.lock import locked
from silicodec.asic.pdk import MeasurementError

HOLD = "import sys; from pathlib import Path; from silicodec.asic.lock import locked\n"
HOLD += "with locked(Path('job')): print('held', flush=True); sys.stdin.readline()"


def test_a_folder_in_use_names_the_process_and_is_free_when_that_ends(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(MeasurementError, match=f"job is in use by process {holder.pid}"), locked(tmp_path / "job"):
            pass
    finally:
        holder.kill()
        holder.wait()
    with locked(tmp_path / "job"):
        assert (tmp_path / "job.lock").exists()
    with locked(tmp_path / "job"):
        pass
