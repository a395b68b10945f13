"""Accesses to memories counted in simulation, what they cost, and which memories can do with one port."""

import contextlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from silicodec.asic.accelerator_figures import (
    CODECS,
    MACROS,
    MEMORY_CELLS,
    PARTS,
    accelerator_record,
    areas_by_part,
    corner_record,
)
from silicodec.asic.accelerator_power import LogicPower
from silicodec.asic.blocks import SHIPPED, read_blocks
from silicodec.asic.limits import Limit, Limits
from silicodec.asic.macros import Macro
from silicodec.asic.memory_activity import Accesses, counting, memory_energies, read_accesses
from silicodec.asic.memory_build import access_constraints, build_memories
from silicodec.asic.power import PowerReport
from silicodec.asic.statistics import Statistics
from silicodec.asic.timing import Paths, Timing
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.convert import verilog
from silicodec.rtl.source import Source, read_staged
from silicodec.verif.simulate import simulate

MACRO = Macro("toy", 64, 32, 4, 1000.0, access_ns=3.0, setup_ns=0.3, period_ns=2.0, read_pj=5.0, idle_pj=1.0)
FIELDS = {"name": "cells", "words": 128, "bits": 32, "mask_bits": None, "shared_port": False, "usual": True}


def built(**fields):
    """Build one memory of the toy macro, whose cells take 10 um2."""
    (memory,) = build_memories([FIELDS | fields], lambda top, folder: Statistics(10.0, 0, 1, {}), {"toy": MACRO})
    return memory


def test_a_design_counts_the_accesses_to_its_memories(tmp_path):
    engine = ENGINES["stream-fifo"]
    text, names = counting(verilog(engine))
    assert names == ["memory0_cells"]
    words = np.arange(300) % 256
    with contextlib.chdir(tmp_path):
        result = simulate(engine, engine.stimulus([words]), backend="icarus", verilog=text)
    assert result.streams["sink"][0].tolist() == words.tolist()
    cycles, accesses = read_accesses(tmp_path, names)
    assert cycles >= 300
    assert (accesses["memory0_cells"].reads, accesses["memory0_cells"].writes) == (300, 300)
    assert 250 < accesses["memory0_cells"].both < 300


def test_memories_of_macros_have_areas_energies_and_constraints():
    memory = built()
    assert (memory.macros, memory.copies, memory.macro_area_um2, memory.cell_area_um2) == ({"toy": 4}, 2, 4000.0, 10.0)
    # The library has no energy of a write: a read's is taken. An access meets one row of one copy.
    assert (memory.idle_pj, memory.accessed_idle_pj, memory.read_pj, memory.write_pj) == (4.0, 1.0, 5.0, 5.0)
    assert memory.uncharacterised == ["toy"]
    assert built(shared_port=True).macros == {"toy": 2}
    assert access_constraints([FIELDS], [memory], "clk") == [
        "set_input_delay 3.0 -clock {clk} [get_ports -quiet from_memory_0_*]",
        "set_output_delay 0.3 -clock {clk} [get_ports -quiet to_memory_0_*]",
    ]
    (energy,) = memory_energies([memory], {"cells": Accesses(1_000_000, 500_000, 0)}, 2_000_000)
    assert (energy.clocked_uj, energy.gated_uj) == (8.0 + 1.5 * 4.0, 7.5)


def test_memories_of_other_ports_are_flip_flops():
    assert (built(usual=False).kind, built(usual=False).estimated) == ("flip-flops", True)


@pytest.mark.parametrize("name", ["accelerator", "accelerator-ebpc", "accelerator-single-port"])
def test_the_parts_of_the_accelerator_are_all_its_blocks(name):
    measurement = read_blocks(SHIPPED / f"{name}-booth.json")
    areas = areas_by_part(measurement)
    assert measurement.name == name
    assert areas.keys() == {*PARTS, MACROS, MEMORY_CELLS}
    logic = sum(block.area_um2 for block in measurement.blocks.values())
    assert sum(areas.values()) == pytest.approx(logic + measurement.memory_um2, abs=10)
    assert all(areas[part] > 0 for part in (*PARTS, MACROS))
    accesses = {name: Accesses(1, 1, 0) for memory in measurement.memories for name in memory.names}
    work = {"cycles": 100, "macs": 20_000, "peak_macs": 288}
    record = accelerator_record(measurement, memory_energies(measurement.memories, accesses, 100), work)
    assert record["codec_share_of_logic"] == pytest.approx(areas[CODECS] / logic)
    assert record["gops"] == pytest.approx(record["peak_gops"] * 200 / 288, abs=0.1)
    assert record["corners"].keys() == measurement.corners.keys()


def test_operations_a_second_follow_the_clock_at_each_corner():
    limits = Limits(Limit("a/Y", 2.0, 1.5, 3), None)
    timing = Timing(None, None, Paths(40.0, 33.0, 20.0, None), limits)
    assert corner_record(timing, {"cycles": 100, "macs": 20_000, "peak_macs": 288}) == {
        "registers": {"clock_ns": 40.0, "peak_gops": 14.4, "gops": 10.0},
        "with_ports": {"clock_ns": 44.0, "peak_gops": 13.1, "gops": 9.1},
        "limit_violations": 3,
    }


def test_energy_of_an_image_is_that_of_logic_and_accesses():
    measurement = read_blocks(SHIPPED / "accelerator-booth.json")
    of_blocks = {"mac_array": PowerReport(1.0, 2.0, 0.0), "peaks": PowerReport(0.5, 0.5, 0.0)}
    fields = {"period_ns": 10.0, "first_cycle": 0, "cycles": 100, "work": "toy", "corner": "", "opensta": "2.7.0"}
    logic = LogicPower(blocks=of_blocks, verilog_sha256=measurement.verilog_sha256, **fields)
    energies = memory_energies([built()], {"cells": Accesses(1_000_000, 500_000, 0)}, 1_000_000)
    work = {"cycles": 1_000_000, "macs": 100_000_000, "peak_macs": 288}
    record = accelerator_record(measurement, energies, work, logic)
    assert record["logic"]["mw_by_part"] == dict.fromkeys(PARTS, 0.0) | {"array and sums": 4.0}
    assert (record["logic"]["uj"], record["logic"]["pj_per_mac"]) == (40.0, 0.4)
    energy = record["energy"]
    assert (energy["uj"], energy["pj_per_mac"]) == (47.5, 0.475)
    assert energy["gops_per_watt"] == pytest.approx(2 / 0.475 * 1000, abs=0.1)
    assert energy["mw"] == pytest.approx(47.5e-6 / (1e6 * record["clock_ns"] * 1e-9) * 1e3, abs=0.01)
    assert energy["scaled"]["gops_per_watt"] > 10 * energy["gops_per_watt"]
    other = replace(logic, verilog_sha256="of other Verilog")
    assert accelerator_record(measurement, energies, work, other)["logic"] is None


PORTS = """module ports (input clk, write, read, input [5:0] at, input [7:0] word, output reg [7:0] found, seen);
  reg [7:0] either [0:63], both [0:63];
  always @(posedge clk) begin
    if (write) either[at] <= word;
    else if (read) found <= either[at];
    if (write) both[at] <= word;
    if (read) seen <= both[at];
  end
endmodule
"""


@pytest.mark.skipif(not importlib.util.find_spec("pyosys"), reason="pyosys is missing")
def test_one_port_is_enough_where_reads_and_writes_never_meet(tmp_path):
    from silicodec.asic.memories import find_shared_ports

    Source("ports", text=PORTS).stage(tmp_path)
    with contextlib.chdir(tmp_path):
        assert find_shared_ports(read_staged(Path()), Path()) == {"either"}
