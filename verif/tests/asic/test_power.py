"""Power from switching activity: the waveform of a netlist at work, and what OpenSTA makes of it."""

import gzip
import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from silicodec.asic.accelerator_power import measure_power, read_logic_power, same_beginning, write_power
from silicodec.asic.activity import record_activity
from silicodec.asic.blocks import KeptNetlist
from silicodec.asic.pdk import PERIOD_NS
from silicodec.asic.power import power_script, read_cells_power, read_power
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
unannotated    12
Unannotated pins:
""" + "".join(f" _{i}_/A\n" for i in range(12))


def test_power_with_guessed_activity_is_refused():
    with pytest.raises(ValueError, match="simulation says nothing of 12 pins"):
        read_power(REPORT.replace("unannotated     0\n", UNANNOTATED))
    with pytest.raises(ValueError, match="reports no power"):
        read_power(REPORT.partition("Group")[0])


CELLS = """\
unannotated     0
     Internal    Switching      Leakage        Total
        Power        Power        Power        Power (Watts)
----------------------------------------------------
 2.000000e-05 1.000000e-05 9.000000e-12 3.000001e-05 first__1_
 1.000000e-05 2.000000e-05 8.000000e-12 3.000001e-05 second__1_
 3.000000e-05 0.000000e+00 7.000000e-12 3.000001e-05 first__2_
"""


def test_power_of_cells_is_summed_in_groups():
    found = read_cells_power(CELLS, lambda cell: cell.partition("__")[0])
    assert {name: round(power.internal_mw, 6) for name, power in found.items()} == {"first": 0.05, "second": 0.01}
    assert found["second"].total_mw == pytest.approx(0.03)
    with pytest.raises(ValueError, match="says nothing of 3 pins"):
        read_cells_power(CELLS.replace("unannotated     0", "unannotated     3"), str)


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


NOISE = np.random.default_rng(1).integers(-128, 128, 512).astype(np.int8)


def power(netlist, tensor):
    files = {"liberty": "cells.lib", "netlist": "netlist.v", "activity": str(record(netlist, tensor))}
    script = power_script(top=ENGINE.top, clock_ports=["clk"], period_ns=PERIOD_NS, **files)
    (netlist / "power.tcl").write_text(script)
    command = ["sta", "-no_init", "-exit", "power.tcl"]
    return read_power(subprocess.run(command, cwd=netlist, check=True, capture_output=True, text=True).stdout)


@needs_cells
@pytest.mark.skipif(bool(FAULT), reason=str(FAULT))
def test_noise_takes_more_power_than_zeros(netlist):
    noise = power(netlist, NOISE)
    zeros = power(netlist, np.zeros(512, np.int8))
    assert noise.switching_mw > 2 * zeros.switching_mw
    assert noise.internal_mw > zeros.internal_mw > 0
    assert noise.leakage_mw == pytest.approx(zeros.leakage_mw, rel=0.5)


@needs_cells
@pytest.mark.skipif(bool(FAULT), reason=str(FAULT))
def test_power_by_block_is_that_of_the_whole(netlist, tmp_path):
    inputs = ENGINE.stimulus([NOISE])
    kept = KeptNetlist(tmp_path / "kept")
    kept.write(netlist / "netlist.v", {"memories": [], "modules": {}}, "of its Verilog")
    cycles = simulate(ENGINE, inputs, backend="verilator").cycles
    described = {"period_ns": PERIOD_NS, "work": "noise"}
    found, streams = measure_power(kept, ENGINE, inputs, (0, cycles), **described)
    assert found.total_mw == pytest.approx(power(netlist, NOISE).total_mw, rel=0.002)
    assert found.pj_per_cycle == pytest.approx(found.total_mw * PERIOD_NS)
    for name, wanted in ENGINE.reference(inputs).items():
        (words,) = streams[name]
        assert same_beginning(wanted, [words], whole=True)
        assert same_beginning(wanted, [words[:1]], whole=False)
        assert not same_beginning(wanted, [words[:-1]], whole=True)
        assert not same_beginning(wanted, [words[:1] ^ 1], whole=False)
    write_power(found, tmp_path)
    assert read_logic_power(tmp_path) == found
    assert read_logic_power(tmp_path / "kept") is None


def test_long_words_are_compared_in_all_bits():
    words = np.array([2**63, 2**53], np.uint64)
    assert same_beginning([words], [words], whole=True)
    assert not same_beginning([words], [words ^ np.uint64(1)], whole=True)
    assert not same_beginning([words], [words[:1] ^ np.uint64(1)], whole=False)
    assert same_beginning([words], [], whole=False)
    assert not same_beginning([words], [], whole=True)
