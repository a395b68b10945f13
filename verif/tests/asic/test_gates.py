"""Netlists simulated as gates: what comes out, and how often nets switch."""

import gzip
from types import SimpleNamespace

import numpy as np
import pytest

from silicodec.asic.gate_simulation import simulate_gates
from silicodec.asic.gates import read_library, read_netlist
from silicodec.asic.switching import write_saif
from silicodec.rtl.engine import Port

LIBERTY = """
    cell ("sky130_fd_sc_hd__inv_1") {
        pin ("A") {
        }
        pin ("Y") {
            function : "(!A)";
        }
    }
    cell ("sky130_fd_sc_hd__conb_1") {
        pin ("HI") {
            function : "1";
        }
        pin ("LO") {
            function : "0";
        }
    }
    cell ("sky130_fd_sc_hd__dfxtp_1") {
        ff ("IQ","IQ_N") {
            clocked_on : "CLK";
            next_state : "D";
        }
        pin ("Q") {
            function : "IQ";
        }
    }
    cell ("sky130_fd_sc_hd__dlxtp_1") {
        latch ("IQ","IQ_N") {
            data_in : "D";
        }
        pin ("Q") {
            function : "IQ";
        }
    }
"""
NETLIST = r"""module invert(clk, rst, a_data, a_valid, a_ready, a_last, b_data, b_valid, b_ready, b_last);
  input clk;
  input rst;
  input [1:0] a_data;
  input a_valid;
  output a_ready;
  input a_last;
  output [1:0] b_data;
  output b_valid;
  input b_ready;
  output b_last;
  wire \kept[0] ;
  sky130_fd_sc_hd__dlclkp_1 gate ( .CLK(clk), .GATE(a_valid), .GCLK(gated) );
  sky130_fd_sc_hd__dfxtp_1 low ( .CLK(gated), .D(a_data[0]), .Q(\kept[0] ) );
  sky130_fd_sc_hd__dfxtp_1 high ( .CLK(gated), .D(a_data[1]), .Q(kept_high) );
  sky130_fd_sc_hd__inv_1 not_low ( .A(\kept[0] ), .Y(b_data[0]) );
  sky130_fd_sc_hd__inv_1 not_high ( .A(kept_high), .Y(b_data[1]) );
  sky130_fd_sc_hd__dfxtp_1 valid ( .CLK(clk), .D(a_valid), .Q(b_valid) );
  sky130_fd_sc_hd__dfxtp_1 last ( .CLK(clk), .D(a_last), .Q(b_last) );
  assign a_ready = 1'h1;
endmodule
"""
ENGINE = SimpleNamespace(axi=False, inputs=(Port("a", 2),), outputs=(Port("b", 2),))
WORDS = np.array([0, 1, 3, 2, 3], np.uint8)


def simulate(cycles, text=NETLIST):
    netlist = read_netlist(text, read_library(LIBERTY), "clk")
    return netlist, *simulate_gates(netlist, ENGINE, {"a": [WORDS[:2], WORDS[2:]]}, (0, cycles))


def saif_of_cells(netlist, switching, folder):
    """The SAIF file's lines by cell, at 10 ns a cycle."""
    write_saif(netlist, switching, 10.0, folder / "activity.saif.gz")
    lines = gzip.decompress((folder / "activity.saif.gz").read_bytes()).decode().splitlines()
    return {line.split()[1]: line for line in lines if line.startswith("(INSTANCE ") and "NET" in line}


def test_a_netlist_does_what_its_cells_do():
    _, streams, _ = simulate(8)
    assert [packet.tolist() for packet in streams["b"]] == [[3, 2], [0, 1, 0]]


def test_what_switched_is_told_of_every_pin(tmp_path):
    netlist, _, switching = simulate(8)
    cells = saif_of_cells(netlist, switching, tmp_path)
    assert cells.keys() == {"gate", "low", "high", "not_low", "not_high", "valid", "last"}
    # Eight cycles of 10 ns; the enable is high in five. The low bit is 0, 1, 1, 0, 1, and stays.
    assert "(CLK (T0 40000000) (T1 40000000) (TC 16))" in cells["valid"]
    assert "(GCLK (T0 55000000) (T1 25000000) (TC 10))" in cells["gate"]
    assert "(CLK (T0 55000000) (T1 25000000) (TC 10))" in cells["low"]
    assert "(Q (T0 30000000) (T1 50000000) (TC 3))" in cells["low"]
    assert "(Y (T0 50000000) (T1 30000000) (TC 3))" in cells["not_low"]


def test_outputs_that_are_left_open_switch_as_well(tmp_path):
    """A layout has cells that only load its clock, and uses one output of the cells that tie a port."""
    open_ended = """  sky130_fd_sc_hd__inv_1 load ( .A(gated) );
  sky130_fd_sc_hd__conb_1 tie ( .HI(a_ready) );
"""
    netlist, streams, switching = simulate(8, NETLIST.replace("  assign a_ready = 1'h1;\n", open_ended))
    cells = saif_of_cells(netlist, switching, tmp_path)
    assert [packet.tolist() for packet in streams["b"]] == [[3, 2], [0, 1, 0]]
    assert "(Y (T0 55000000) (T1 25000000) (TC 10))" in cells["load"]
    assert "(HI (T0 0) (T1 80000000) (TC 0))" in cells["tie"]
    assert "(LO (T0 80000000) (T1 0) (TC 0))" in cells["tie"]


def test_only_what_switched_in_the_window_counts():
    netlist, *_ = simulate(8)
    words = {"a": [WORDS]}
    _, first = simulate_gates(netlist, ENGINE, words, (0, 3))
    _, rest = simulate_gates(netlist, ENGINE, words, (3, 5))
    _, whole = simulate_gates(netlist, ENGINE, words, (0, 8))
    assert (first.cycles, rest.cycles) == (3, 5)
    assert (first.ones + rest.ones).tolist() == whole.ones.tolist()
    assert (first.toggles + rest.toggles).tolist() == whole.toggles.tolist()


def wide_netlist(bits):
    """A register of so many bits, which its input port is written to."""
    ports = f"input clk; input rst; input [{bits - 1}:0] a_data; input a_valid; output a_ready; input a_last;"
    ports += f" output [{bits - 1}:0] b_data; output b_valid; input b_ready; output b_last;"
    flip_flops = [("valid", "a_valid", "b_valid"), ("last", "a_last", "b_last")]
    flip_flops += [(f"bit_{bit}", f"a_data[{bit}]", f"b_data[{bit}]") for bit in range(bits)]
    cells = [f"sky130_fd_sc_hd__dfxtp_1 {name} ( .CLK(clk), .D({d}), .Q({q}) );" for name, d, q in flip_flops]
    lines = [*ports.replace("; ", ";\n").splitlines(), *cells, "assign a_ready = 1'h1;"]
    return "module wide(clk, rst);\n" + "\n".join(f"  {line}" for line in lines) + "\nendmodule\n"


@pytest.mark.parametrize("bits", [64, 65, 128, 256])
def test_words_may_have_any_width(bits):
    engine = SimpleNamespace(axi=False, inputs=(Port("a", bits),), outputs=(Port("b", bits),))
    netlist = read_netlist(wide_netlist(bits), read_library(LIBERTY), "clk")
    words = [(1 << bits) - 1, 1, 1 << (bits - 1), 0, int("1001" * 64, 2) >> (256 - bits)]
    packets = [np.array(words[:2], engine.inputs[0].dtype), np.array(words[2:], engine.inputs[0].dtype)]
    streams, _ = simulate_gates(netlist, engine, {"a": packets}, (0, 8))
    assert [packet.tolist() for packet in streams["b"]] == [words[:2], words[2:]]


MEMORY = """module store(clk, rst, a_data, a_valid, a_ready, a_last, b_data, b_valid, b_ready, b_last,
    to_memory_0_wr_en, to_memory_0_wr_addr, to_memory_0_wr_data, to_memory_0_rd_en, to_memory_0_rd_addr,
    from_memory_0_rd_data);
  input clk;
  input rst;
  input [1:0] a_data;
  input a_valid;
  output a_ready;
  input a_last;
  output [1:0] b_data;
  output b_valid;
  input b_ready;
  output b_last;
  output to_memory_0_wr_en;
  output to_memory_0_wr_addr;
  output [1:0] to_memory_0_wr_data;
  output to_memory_0_rd_en;
  output to_memory_0_rd_addr;
  input [1:0] from_memory_0_rd_data;
  sky130_fd_sc_hd__dfxtp_1 valid ( .CLK(clk), .D(a_valid), .Q(b_valid) );
  sky130_fd_sc_hd__dfxtp_1 last ( .CLK(clk), .D(a_last), .Q(b_last) );
  assign a_ready = 1'h1;
  assign to_memory_0_wr_en = a_valid;
  assign to_memory_0_wr_addr = a_data[0];
  assign to_memory_0_wr_data = a_data;
  assign to_memory_0_rd_en = a_valid;
  assign to_memory_0_rd_addr = a_data[0];
  assign b_data = from_memory_0_rd_data;
endmodule
"""
"""The low bit of a word is the place where it is kept; what was there before comes out."""
FIELDS = {"name": "kept", "words": 2, "bits": 2, "mask_bits": None, "shared_port": False, "usual": True}


def test_memories_outside_the_netlist_keep_words():
    netlist = read_netlist(MEMORY, read_library(LIBERTY), "clk")
    streams, switching = simulate_gates(netlist, ENGINE, {"a": [WORDS]}, (0, 8), [FIELDS])
    assert [packet.tolist() for packet in streams["b"]] == [[0, 0, 1, 0, 3]]
    assert switching.ones[netlist.ports["from_memory_0_rd_data[1]"]] == 3  # the last word stays
    with pytest.raises(ValueError, match="memory kept cannot be simulated"):
        simulate_gates(netlist, ENGINE, {"a": [WORDS]}, (0, 8), [FIELDS | {"mask_bits": 1}])


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("dfxtp_1 low", "dlxtp_1 low", "cannot be simulated"),
        ("inv_1 not_low ( .A(\\kept[0] )", "inv_1 not_low ( .A(b_data[0])", "loop"),
        (".CLK(clk), .D(a_valid)", ".CLK(rst), .D(a_valid)", "valid is not clocked by clk"),
    ],
)
def test_what_cannot_be_simulated_is_refused(right, wrong, message):
    assert right in NETLIST
    with pytest.raises(ValueError, match=message):
        read_netlist(NETLIST.replace(right, wrong), read_library(LIBERTY), "clk")
