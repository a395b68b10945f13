"""The synthesised gates do what the engines do: published streams, stalls, malformed input."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from silicodec.asic.netlist import _gates
from silicodec.models.ebpc import EBPC
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.convert import verilog
from silicodec.rtl.ebpc.engines import length_words
from silicodec.rtl.source import Source
from silicodec.verif.compare import check, first_difference
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.drivers.vectors import sample_packets
from silicodec.verif.errors import SimulationError
from silicodec.verif.simulate import simulate

needs_cells = pytest.mark.skipif(
    not os.environ.get("SILICODEC_PDK") or importlib.util.find_spec("pyosys") is None,
    reason="needs SILICODEC_PDK and pyosys",
)


def packets():
    """Short packets: one word, zeros only, zeros between smooth and between random words."""
    random = np.random.default_rng(1)
    smooth = np.cumsum(random.integers(-2, 3, 30)).astype(np.uint8)
    sparse = (random.integers(0, 256, 40) * (random.random(40) < 0.5)).astype(np.uint8)
    return [np.array([7], np.uint8), np.zeros(20, np.uint8), smooth, sparse, np.array([0, 255], np.uint8)]


@needs_cells
@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("engine", ["ebpc-encoder", "ebpc-decoder-checked"])
def test_gates_give_the_reference_s_words_in_the_cycles_of_the_rtl(engine, stalls):
    engine = ENGINES[engine]
    inputs = engine.stimulus(packets())
    gates = check(engine, inputs, backend="netlist", stalls=stalls)
    assert gates.cycles == check(engine, inputs, backend="icarus", stalls=stalls).cycles


@needs_cells
@pytest.mark.skipif("SILICODEC_DATA" not in os.environ, reason="SILICODEC_DATA is not set")
def test_gates_give_and_take_the_streams_of_the_public_hardware():
    with np.load(Path(os.environ["SILICODEC_DATA"], "golden/ebpc/rtl_vectors_w8.npz")) as vectors:
        names = sorted({key.split("/")[0] for key in vectors if vectors[key].size <= 600 and key.endswith("/words")})
        words, znz, bpc = ([vectors[f"{name}/{part}"] for name in names] for part in ("words", "znz", "bpc"))
    assert len(names) >= 5
    bpc = [packet for packet in bpc if packet.size]
    length = [length_words(packet.size, has_planes=bool(packet.any())) for packet in words]
    encoded = simulate(ENGINES["ebpc-encoder"], {"words": words}, backend="netlist")
    assert first_difference({"znz": znz, "bpc": bpc}, encoded.streams) is None
    decoded = simulate(ENGINES["ebpc-decoder-checked"], {"znz": znz, "bpc": bpc, "length": length}, backend="netlist")
    assert first_difference({"words": words}, decoded.streams) is None


@needs_cells
def test_gates_flag_a_malformed_packet_and_take_the_next_one():
    engine = ENGINES["ebpc-decoder-checked"]
    words = packets()[3]
    streams = EBPC().encode_words(words)
    znz, bpc = streams["znz"], streams["bpc"]
    length = length_words(words.size, has_planes=True)
    inputs = {"znz": [znz, znz], "bpc": [bpc[:-2], bpc], "length": [length, length]}
    result = simulate(engine, inputs, backend="netlist", stalls=Stalls(seed=1))
    assert result.errors["words"] == [True, False]
    assert np.array_equal(result.streams["words"][-1], words)


@needs_cells
def test_the_netlist_is_made_of_library_cells_that_the_liberty_file_describes():
    engine = ENGINES["ebpc-encoder"]
    gates = _gates(engine.top, verilog(engine))
    top, _, models = gates.partition("endmodule")
    cells = re.findall(r"^  (\w+) \S+ \($", top, re.MULTILINE)
    assert all(cell.startswith("sky130_fd_sc_hd__") for cell in cells)
    assert sum("dfxtp" in cell for cell in cells) > 64, "a block alone has 64 bits"
    assert "always" not in top
    assert "module sky130_fd_sc_hd__nand2_1(A, B, Y)" in models


@needs_cells
def test_a_fault_in_the_verilog_shows_in_the_gates():
    engine = ENGINES["register-slice"]
    good = verilog(engine)
    faulty = good.replace("sink_data <= source_data;", "sink_data <= source_data ^ 8'd1;")
    assert faulty != good
    with pytest.raises(AssertionError, match="register-slice on netlist: stream"):
        check(engine, sample_packets(engine, 3), backend="netlist", verilog=faulty)


@needs_cells
def test_a_failed_synthesis_gives_the_tool_s_reason():
    engine = ENGINES["ebpc-encoder"]
    other = verilog(engine).replace("module ebpc_encoder", "module other", 1)
    with pytest.raises(SimulationError, match="ebpc_encoder"):
        simulate(engine, engine.stimulus(packets()), backend="netlist", verilog=other)


def test_missing_cell_data_says_how_to_get_it(monkeypatch):
    pytest.importorskip("pyosys")
    monkeypatch.delenv("SILICODEC_PDK", raising=False)
    engine = ENGINES["ebpc-encoder"]
    other = verilog(engine) + "// not in memory\n"
    with pytest.raises(SimulationError, match=r"SILICODEC_PDK is not set.*lambdapdk"):
        simulate(engine, engine.stimulus(packets()), backend="netlist", verilog=other)


@needs_cells
def test_gated_clocks_change_nothing_but_the_gates(tmp_path):
    engine = ENGINES["ebpc-decoder"]
    Source(engine.top, text=verilog(engine)).stage(tmp_path)
    program = [sys.executable, "-m", "silicodec.asic.synthesis", "--models", "--clock-gating", "--clock-port=clk"]
    subprocess.run(program, cwd=tmp_path, check=True, capture_output=True)
    gates = (tmp_path / "gates.v").read_text()
    assert gates.count("sky130_fd_sc_hd__dlclkp_1 ") > 1
    check(engine, engine.stimulus(packets()), backend="icarus", verilog=gates, stalls=Stalls(seed=1))
