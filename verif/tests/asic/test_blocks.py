"""Measurements block by block, next to those of the whole."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import pytest

from silicodec.asic.blocks import BUFFERS, SHIPPED, KeptNetlist, cut, measure_blocks, read_blocks, write_blocks
from silicodec.asic.macros import read_macros
from silicodec.asic.measure import measure
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.engines import accelerator_engine
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.convert import verilog
from silicodec.rtl.source import Source

MISSING = not (os.environ.get("SILICODEC_PDK") and importlib.util.find_spec("pyosys") and shutil.which("sta"))
needs_tools = pytest.mark.skipif(MISSING, reason="needs SILICODEC_PDK, pyosys and sta")

ARRAY = """module array (clk, a, b, x, y);
input clk;
input signed [7:0] a;
input signed [7:0] b;
output signed [15:0] x;
output signed [15:0] y;
reg signed [15:0] first;
reg signed [15:0] second;
reg signed [7:0] stage0_kept;

always @(posedge clk) begin: cells0_cell0_multiply
    first <= a * b;
end

always @(posedge clk) begin: cells0_cell1_multiply
    second <= a * stage0_kept;
end

always @(posedge clk) begin: stage0_keep
    stage0_kept <= b;
end

assign x = first;
assign y = second;
endmodule
"""

SHARED = """module shared (clk, a, b, y, z);
input clk;
input [3:0] a;
input b;
output [3:0] y;
output z;
wire [3:0] word;
reg [3:0] kept;
reg held;

assign word = (b ? kept : 0);

always @(posedge clk) begin: first0_keep
    kept <= a;
end

always @(posedge clk) begin: second0_read
    held <= (word == 3);
end

assign z = held;
assign y = word;
endmodule
"""


@pytest.mark.skipif(not importlib.util.find_spec("pyosys"), reason="pyosys is missing")
def test_a_net_that_is_an_output_reaches_the_blocks_that_read_it(tmp_path):
    Source("shared", text=SHARED).stage(tmp_path)
    subprocess.run([sys.executable, "-m", "silicodec.asic.split"], cwd=tmp_path, check=True, stdout=subprocess.PIPE)
    assert "input [3:0] word;" in (tmp_path / "shared_second.v").read_text()
    assert "output [3:0] y;" in (tmp_path / "shared_other.v").read_text()
    assert "output z;" in (tmp_path / "shared_second.v").read_text()


@needs_tools
def test_blocks_make_up_the_engine():
    engine = ENGINES["ebpc-encoder"]
    source = Source(engine.top, text=verilog(engine))
    whole, parts = measure(source), measure_blocks(source, name=engine.name)
    assert len(parts.blocks) > 2
    assert parts.memory_bits == whole.memory_bits
    assert sum(block.flip_flops for block in parts.blocks.values()) == pytest.approx(whole.flip_flops, rel=0.02)
    assert 0.95 * whole.gate_equivalents < parts.gate_equivalents < 1.25 * whole.gate_equivalents
    assert list(parts.corners) == ["slow", "typical", "fast"]
    slow, typical, fast = (timing.paths for timing in parts.corners.values())
    for kind in ("register_to_register_ns", "input_to_register_ns", "register_to_output_ns"):
        assert getattr(slow, kind) > 3 * getattr(typical, kind) > 3 * getattr(fast, kind) > 0
    assert all(timing.limits.violations == 0 for timing in parts.corners.values())
    path = parts.paths.register_to_register_ns
    assert path == typical.register_to_register_ns == max(block.path_ns or 0 for block in parts.blocks.values())
    assert 0.9 * whole.critical_path_ns < path < 2 * whole.critical_path_ns


@needs_tools
def test_cells_of_an_array_are_pieces_of_their_own(tmp_path):
    found = measure_blocks(Source("array", text=ARRAY), name="array")
    assert {name: (block.modules, block.flip_flops) for name, block in found.blocks.items()} == {
        "cells": (2, 32),
        "stage": (1, 8),
        BUFFERS: (0, 0),
    }
    record = json.loads(write_blocks(found, tmp_path).read_text())
    assert record["blocks"]["cells"]["area_um2"] == found.blocks["cells"].area_um2
    assert read_blocks(tmp_path / "array.json") == found
    booth = measure_blocks(Source("array", text=ARRAY), name="array", booth=True)
    assert booth.blocks["cells"].area_um2 != found.blocks["cells"].area_um2
    assert write_blocks(booth, tmp_path).name == "array-booth.json"


SELECTED = """module selected (clk, a, b, c, d, e, f, y);
input clk;
input [7:0] a;
input [7:0] b;
input [7:0] c;
input d;
input e;
input f;
output reg [7:0] y;

always @(posedge clk) begin: choice0_keep
    y <= ((a & {8{d}}) | (b & {8{e}}) | (c & {8{f}}));
end
endmodule
"""


@needs_tools
@pytest.mark.parametrize("routable", [False, True])
def test_blocks_for_a_layout_do_without_cells_that_are_hard_to_route(tmp_path, routable):
    source = Source("selected", text=SELECTED)
    found = measure_blocks(source, name="selected", routable=routable, keep=tmp_path / "kept")
    assert ("a222oi" in KeptNetlist(tmp_path / "kept").netlist) == (not routable)
    assert read_blocks(write_blocks(found, tmp_path)).routable == routable


def test_a_record_of_the_typical_corner_alone_is_read(tmp_path):
    record = json.loads((SHIPPED / "accelerator-booth.json").read_text())
    typical = record.pop("corners", {}).get("typical", record)
    (tmp_path / "old.json").write_text(json.dumps(record | {name: typical[name] for name in ("paths", "limits")}))
    old = read_blocks(tmp_path / "old.json")
    assert list(old.corners) == ["typical"]
    assert old.paths == read_blocks(SHIPPED / "accelerator-booth.json").paths
    assert old.corners["typical"].limits.violations == 0


STORE = """module store (clk, write, at, word, found);
input clk;
input write;
input [7:0] at;
input [63:0] word;
output reg [63:0] found;
reg [63:0] cells [0:255];
reg [7:0] place;
reg [63:0] data;

always @(posedge clk) begin: bank0_access
    if (write) cells[place] <= word;
    data <= cells[at];
end

always @(posedge clk) begin: bank0_count
    place <= place + at;
end

always @(posedge clk) begin: sums0_add
    found <= data + found;
end
endmodule
"""


@needs_tools
@pytest.mark.prove
def test_access_times_of_macros_count_beside_the_logic():
    if not read_macros():
        pytest.skip("SILICODEC_PDK has no macros")
    found = measure_blocks(Source("store", text=STORE), name="store")
    (memory,) = found.memories
    assert memory.macros == {"sram22_256x64m4w8": 2}
    more = found.paths_with_access.register_to_register_ns - found.paths.register_to_register_ns
    assert memory.access_ns - 0.5 < more < memory.access_ns + 0.5


@pytest.mark.skipif(not importlib.util.find_spec("pyosys"), reason="pyosys is missing")
@pytest.mark.parametrize("single_port", [False, True])
def test_banks_of_one_port_are_never_read_and_written_at_once(tmp_path, single_port):
    shape = AcceleratorShape(
        groups=1, banks=2, bank_depth=16, weight_words=64, tile_columns=2, packets=16, dct=False, products=True,
        serial_rows=True, lanes=1, single_port=single_port,
    )  # fmt: skip
    engine = accelerator_engine(shape)
    found = cut(Source(engine.top, text=verilog(engine)), tmp_path, engine.name)
    shared = [memory["shared_port"] for memory in found["memories"] if "pool_column" in memory["name"]]
    assert shared == [single_port] * 18
    others = [memory["shared_port"] for memory in found["memories"] if "pool_column" not in memory["name"]]
    assert sum(others) == single_port  # the table of packets
