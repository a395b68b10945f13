"""Memories as macros, latches and flip-flops: facts of macros, plans, and Verilog against a plain memory."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from silicodec.asic.macros import Macro, parse_liberty, read_macros
from silicodec.asic.memory_plan import FLIP_FLOPS, LATCHES, MACROS, MemoryShape, plan_memory
from silicodec.asic.memory_verilog import macro_model, memory_verilog
from silicodec.asic.pdk import MeasurementError

TOYS = {
    macro.name: macro
    for macro in (
        Macro("toy_16x8", 16, 8, masks=2, area_um2=100.0),
        Macro("toy_16x4", 16, 4, masks=2, area_um2=70.0),
        Macro("toy_8x4", 8, 4, masks=2, area_um2=50.0),
    )
}
MODELS = """
module sky130_fd_sc_hd__dlclkp_1 (input CLK, GATE, output GCLK);
  reg enabled;
  always @* if (!CLK) enabled = GATE;
  assign GCLK = CLK & enabled;
endmodule
module sky130_fd_sc_hd__dlxtp_1 (input D, GATE, output reg Q);
  always @* if (GATE) Q = D;
endmodule
"""
BENCH = """
module bench;
  reg clk = 0, read = 0;
  reg [{parts}-1:0] write = 0;
  reg [{bits}-1:0] write_data = 0;
  reg [{address}-1:0] write_address = 0, read_address = 0;
  wire [{bits}-1:0] read_data;
  {name} memory (clk, write, write_address, write_data, read, read_address, read_data);
  reg [{bits}-1:0] words [0:{words}-1];
  reg [{words}-1:0] known = 0;
  reg [{bits}-1:0] expected;
  reg valid = 0;
  integer n, p, checked = 0, both = 0;
  initial begin
    {start}
    for (n = 0; n < 3000; n = n + 1) begin
      #5 write = $random; read = $random; write_data = {{8{{$random}}}};
      write_address = {{$random}} % {words}; read_address = {{$random}} % {words};
      if (!known[write_address] && write) write = ~0;
      if ({shared} && read) write = 0;
      // A word that is written on the same edge may be read as either.
      if (write && read_address == write_address) read = 0;
      both = both + (write && read);
      #5 clk = 1;
      if (read) begin expected = words[read_address]; valid = known[read_address]; end
      for (p = 0; p < {parts}; p = p + 1)
        if (write[p]) words[write_address][p * {part} +: {part}] = write_data[p * {part} +: {part}];
      if (write) known[write_address] = 1;
      #5 if (valid && read_data !== expected) begin
        $display("cycle %0d: %h, not %h", n, read_data, expected);
        $finish;
      end
      checked = checked + valid;
      #5 clk = 0;
    end
    $display("checked %0d, both %0d", checked, both);
    $finish;
  end
endmodule
"""


def simulate(verilog: str, shape: MemoryShape, folder: Path, *, macros: bool) -> str:
    """Compare a memory's module with an array of words over random accesses, and return what the bench said."""
    parts = shape.bits // (shape.mask_bits or shape.bits)
    bench = BENCH.format(
        name=shape.name, words=shape.words, bits=shape.bits, parts=parts, part=shape.bits // parts,
        address=(shape.words - 1).bit_length(), shared=int(shape.shared_port),
        # Gates wake up as 0 or 1, not as X.
        start="for (n = 0; n < WORDS; n = n + 1) memory.live[n] = $random;".replace("WORDS", str(shape.words))
        if macros and not shape.shared_port else "",
    )  # fmt: skip
    (folder / "bench.v").write_text(verilog + "".join(macro_model(toy) for toy in TOYS.values()) + MODELS + bench)
    subprocess.run(["iverilog", "-g2012", "-s", "bench", "-o", "bench", "bench.v"], cwd=folder, check=True)
    return subprocess.run(["vvp", "-n", "bench"], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(not shutil.which("iverilog"), reason="Icarus is missing")
@pytest.mark.parametrize("kind", [MACROS, LATCHES, FLIP_FLOPS])
@pytest.mark.parametrize(
    "shape",
    [
        MemoryShape(16, 8),
        MemoryShape(40, 11),
        MemoryShape(7, 3),
        MemoryShape(24, 12, shared_port=True),
        MemoryShape(16, 12, mask_bits=4, shared_port=True),
    ],
    ids=lambda shape: shape.name,
)
def test_memories_keep_their_words(shape, kind, tmp_path):
    plan = plan_memory(shape, TOYS, kinds=[kind])
    said = simulate(memory_verilog(plan), shape, tmp_path, macros=kind == MACROS)
    words = said.replace(",", "").split()
    assert words[0] == "checked", said
    assert int(words[1]) > 1000
    assert (int(words[3]) > 300) != shape.shared_port


def test_plans_take_the_least_area_and_then_the_fewest_bits():
    plan = plan_memory(MemoryShape(40, 12, shared_port=True), TOYS, kinds=[MACROS])
    assert [(row.first, [macro.name for macro in row.macros]) for row in plan.rows] == [
        (0, ["toy_16x8", "toy_16x4"]),
        (16, ["toy_16x8", "toy_16x4"]),
        (32, ["toy_8x4"] * 3),
    ]
    assert (plan.macro_area_um2, plan.leftover_bits) == (490.0, 0)
    alike = {**TOYS, "wider": Macro("wider", 16, 9, area_um2=100.0)}
    assert plan_memory(MemoryShape(16, 8, shared_port=True), alike, kinds=[MACROS]).macros == {"toy_16x8": 1}


def test_two_ports_take_two_copies_and_parts_of_words_then_take_no_macros():
    one, two = (plan_memory(MemoryShape(16, 8, shared_port=shared), TOYS) for shared in (True, False))
    assert (one.macros, two.macros) == ({"toy_16x8": 1}, {"toy_16x8": 2})
    assert plan_memory(MemoryShape(16, 8, mask_bits=4), TOYS).kind != MACROS
    with pytest.raises(ValueError, match="16 words of 8 bits cannot be made of macros"):
        plan_memory(MemoryShape(16, 8, mask_bits=4), TOYS, kinds=[MACROS])


def test_facts_of_macros_are_those_of_their_files():
    macros = read_macros()
    if not macros:
        pytest.skip("SILICODEC_PDK has no macros")
    macro = macros["sram22_256x64m4w8"]
    assert (macro.words, macro.bits, macro.masks, macro.area_um2) == (256, 64, 8, 201267.0)
    assert (macro.width_um, macro.height_um, macro.has_layout) == (690.12, 291.64, False)
    # Both edges at the power rail: reads 8.10668 + 1.08691; of writes the library has no energy at the rising edge.
    assert (macro.read_pj, macro.write_pj, macro.idle_pj) == (9.1936, None, 1.8073)
    assert (macro.access_ns, macro.period_ns, macro.setup_ns) == (3.49327, 2.82858, 0.328559)
    assert {macro.name for macro in macros.values() if macro.has_layout} == {
        f"sram22_{name}" for name in ("64x24m4w8", "64x32m4w8", "128x16m4w8", "128x24m4w8", "128x32m4w8", "256x8m8w1",
                                      "256x16m8w8", "512x8m8w1")
    }  # fmt: skip


def test_a_broken_liberty_file_is_refused():
    with pytest.raises(MeasurementError, match="not whole"):
        parse_liberty("library (a) {\n  cell (b) {\n")
