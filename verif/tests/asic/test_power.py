"""Power from switching activity: the waveform of a netlist at work, and what OpenSTA makes of it."""

import gzip
import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from silicodec.asic.activity import record_activity
from silicodec.asic.pdk import PERIOD_NS
from silicodec.asic.power import power_script, read_power
from silicodec.asic.tools import OPENSTA_WITH_POWER
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.convert import verilog
from silicodec.rtl.source import Source
from silicodec.verif.errors import SimulationError
from silicodec.verif.simulate import simulate

needs_cells = pytest.mark.skipif(
    not os.environ.get("SILICODEC_PDK") or importlib.util.find_spec("pyosys") is None,
    reason="needs SILICODEC_PDK and pyosys",
)
FAULT = OPENSTA_WITH_POWER.fault()
ENGINE = ENGINES["ebpc-encoder"]
REPORT = """\
Annotated 3084 pin activities.
vcd          3084
unannotated     0
Group                    Internal    Switching      Leakage        Total
                            Power        Power        Power        Power (Watts)
------------------------------------------------------------------------
Sequential           2.085653e-03 9.835234e-05 1.405568e-09 2.184007e-03  78.0%
Combinational        2.878112e-04 3.267912e-04 1.788474e-09 6.146042e-04  22.0%
Clock                0.000000e+00 0.000000e+00 0.000000e+00 0.000000e+00   0.0%
------------------------------------------------------------------------
Total                2.373463e-03 4.251435e-04 3.194042e-09 2.798610e-03 100.0%
                            84.8%        15.2%         0.0%
"""
"""What OpenSTA 2.7.0 prints."""


def test_power_is_the_report_s_total_in_milliwatts():
    power = read_power(REPORT)
    assert (power.internal_mw, power.switching_mw, power.leakage_mw) == (2.373, 0.4251, 3.194e-06)


UNANNOTATED = """\
unannotated    14
Unannotated pins:
 clkload0/A
 clkload0/Y
""" + "".join(f" _{i}_/A\n" for i in range(12))


def test_power_with_guessed_activity_is_refused():
    with pytest.raises(ValueError, match="simulation says nothing of 12 pins"):
        read_power(REPORT.replace("unannotated     0\n", UNANNOTATED))
    with pytest.raises(ValueError, match="reports no power"):
        read_power(REPORT.partition("Group")[0])


def test_loads_that_balance_the_clock_tree_are_no_guess():
    known = UNANNOTATED.partition(" _0_")[0].replace("14", " 2")
    assert read_power(REPORT.replace("unannotated     0\n", known)) == read_power(REPORT)


@pytest.fixture(scope="module")
def netlist(tmp_path_factory):
    """Folder with the netlist of the encoder and its cells."""
    folder = tmp_path_factory.mktemp("netlist")
    Source(ENGINE.top, text=verilog(ENGINE)).stage(folder)
    subprocess.run([sys.executable, "-m", "silicodec.asic.synthesis", "--clock-port=clk"], cwd=folder, check=True)
    return folder


def record(netlist, tensor):
    target = netlist / "activity.saif.gz"
    record_activity(ENGINE, tensor, netlist / "netlist.v", netlist / "cells.lib", PERIOD_NS, target)
    return target


@needs_cells
def test_activity_is_that_of_every_clock_cycle_and_cell(netlist):
    tensor = np.arange(64, dtype=np.int8).reshape(8, 8)
    with gzip.open(record(netlist, tensor), "rt") as activity:
        text = activity.read()
    cycles = simulate(ENGINE, ENGINE.stimulus([tensor]), backend="verilator").cycles
    assert re.search(r"\(clk \(T0 \d+\) \(T1 \d+\) \(TC (\d+)\)\)", text)[1] == str(2 * cycles)
    assert text.count("(INSTANCE ") == 1 + (netlist / "netlist.v").read_text().count("  sky130_fd_sc_hd__")


@needs_cells
def test_netlist_that_does_something_else_is_found_out(netlist):
    wrong = netlist / "wrong.v"
    text = (netlist / "netlist.v").read_text()
    wrong.write_text(text.replace("sky130_fd_sc_hd__xnor2_1 ", "sky130_fd_sc_hd__xor2_1 "))
    assert wrong.read_text() != text
    tensor = np.arange(64, dtype=np.int8)
    with pytest.raises((AssertionError, SimulationError)):
        record_activity(ENGINE, tensor, wrong, netlist / "cells.lib", PERIOD_NS, netlist / "x.saif.gz")


@needs_cells
@pytest.mark.skipif(bool(FAULT), reason=str(FAULT))
def test_noise_takes_more_power_than_zeros(netlist):
    def power(tensor):
        files = {"liberty": "cells.lib", "netlist": "netlist.v", "activity": str(record(netlist, tensor))}
        script = power_script(top=ENGINE.top, clock_ports=["clk"], period_ns=PERIOD_NS, **files)
        (netlist / "power.tcl").write_text(script)
        command = ["sta", "-no_init", "-exit", "power.tcl"]
        return read_power(subprocess.run(command, cwd=netlist, check=True, capture_output=True, text=True).stdout)

    noise = power(np.random.default_rng(1).integers(-128, 128, 512).astype(np.int8))
    zeros = power(np.zeros(512, np.int8))
    assert noise.switching_mw > 2 * zeros.switching_mw
    assert noise.internal_mw > zeros.internal_mw > 0
    assert noise.leakage_mw == pytest.approx(zeros.leakage_mw, rel=0.5)
