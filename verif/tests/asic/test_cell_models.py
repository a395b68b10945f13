"""Models of cells, and other files of the package that Yosys reads."""

import importlib.util
import shutil
import subprocess
import sys

import pytest

from silicodec.asic.cell_models import CLOCK_GATE_MODEL

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")

LIBERTY = """library (cells) {
  cell (inverter) { area: 1; pin (A) { direction: input; } pin (Y) { direction: output; function: "!A"; } }
}
"""
PROGRAM = """
from pathlib import Path
from pyosys import libyosys as yosys
from silicodec.asic import cell_models, full_adders
from silicodec.asic.yosys_log import pass_runner

cell_models.CLOCK_GATE_MODEL = Path("a b/clock_gate.v").resolve()
full_adders.TEMPLATE = Path("a b/full_adders.v").resolve()
cells, sums = yosys.Design(), yosys.Design()
cell_models.read_cells(pass_runner(cells, Path()), Path("cells.lib"))
print(sorted(str(name) for name in cells.modules_))
run = pass_runner(sums, Path())
for command in ("read_verilog sums.v", "hierarchy -top sums", "alumacc"):
    run(command)
full_adders.chain_adders(sums, run)
print({cell.type.str() for cell in sums.top_module().selected_cells()})
"""


def test_files_of_the_package_may_lie_in_a_folder_with_a_space(tmp_path):
    folder = tmp_path / "a b"
    folder.mkdir()
    for file in CLOCK_GATE_MODEL.parent.glob("*.v"):
        shutil.copy(file, folder)
    (tmp_path / "cells.lib").write_text(LIBERTY)
    (tmp_path / "sums.v").write_text("module sums (input [11:0] a, b, output [11:0] y); assign y = a + b; endmodule")
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "inverter" in done.stdout
    assert "sky130_fd_sc_hd__dlclkp_1" in done.stdout
    assert "$fa" in done.stdout
