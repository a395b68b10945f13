"""The formal check proves what is the same, and finds what is not."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.convert import verilog
from silicodec.rtl.source import Source

pytestmark = pytest.mark.skipif(
    not os.environ.get("SILICODEC_PDK") or importlib.util.find_spec("pyosys") is None,
    reason="needs SILICODEC_PDK and pyosys",
)

COUNTER = """
module counter (input clk, rst, enable, output reg [3:0] count, output wrap);
  assign wrap = count == 4'd9 && enable;
  always @(posedge clk) if (rst) count <= 0; else if (enable) count <= wrap ? 0 : count + 1;
endmodule
"""


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    """Folder with the netlist of the counter."""
    folder = tmp_path_factory.mktemp("counter")
    synthesise("counter", COUNTER, folder)
    return folder


def synthesise(top, text, folder, *options):
    Source(top, text=text).stage(folder)
    run("synthesis", "--clock-port=clk", *options, cwd=folder)


def run(program, *arguments, cwd):
    command = [sys.executable, "-m", f"silicodec.asic.{program}", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def equivalence(top, folder, text, *reset):
    Source(top, text=text).stage(folder)
    run("equivalence", *reset, cwd=folder)
    return json.loads((folder / "equivalence.json").read_text())


FOREVER = {"proven": True, "cycles": None, "reset": None}


def test_a_counter_is_proven_from_any_state(counter):
    assert equivalence("counter", counter, COUNTER) == FOREVER


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("4'd9", "4'd2"), ("count + 1", "count + 3"), ("rst)", "rst && enable)"), ("&& enable;", "|| enable;")],
)
def test_a_netlist_of_other_verilog_is_found_out(counter, right, wrong):
    assert COUNTER.count(right) == 1
    assert not equivalence("counter", counter, COUNTER.replace(right, wrong))["proven"]


def test_a_difference_beyond_the_cycles_that_were_checked_is_not_claimed_to_be_proven_for_ever(counter):
    late = COUNTER.replace("4'd9", "4'd12")
    assert equivalence("counter", counter, late) == {"proven": True, "cycles": 8, "reset": "rst"}


def test_an_asynchronous_reset_is_no_obstacle(tmp_path):
    text = COUNTER.replace("posedge clk)", "posedge clk or posedge rst)")
    synthesise("counter", text, tmp_path)
    assert "dfrtp" in (tmp_path / "netlist.v").read_text()
    assert equivalence("counter", tmp_path, text) == FOREVER
    assert not equivalence("counter", tmp_path, text.replace("count <= 0", "count <= 1"))["proven"]


def test_a_design_without_reset_is_checked_from_zero(tmp_path):
    text = "module free (input clk, input [1:0] a, output reg [3:0] q); always @(posedge clk) q <= q + a; endmodule"
    synthesise("free", text, tmp_path)
    assert not equivalence("free", tmp_path, text.replace("q + a", "q - a"))["proven"]


TABLE = """
module rows (input clk, write, input [2:0] address, input [3:0] value, output reg [3:0] q);
  reg [3:0] cells [0:4];
  always @(posedge clk) begin
    if (write) cells[address] <= value;
    q <= cells[address];
  end
endmodule
"""
ROUNDING = """
module rounding (input clk, input signed [3:0] a, b, output reg [3:0] q, r);
  reg signed [7:0] product;
  wire signed [7:0] named = product + 0;
  wire signed [7:0] rounded = named + 8;
  always @(posedge clk) begin
    product <= a * b;
    q <= rounded[7:4];
    r <= named[3:0];
  end
endmodule
"""
SPARE = """
module spare (input clk, a, output reg q);
  reg always_zero;
  always @(posedge clk) begin
    always_zero <= 0;
    q <= a ^ always_zero;
  end
endmodule
"""


@pytest.mark.parametrize(
    ("text", "right", "wrong", "cycles"),
    [
        pytest.param(
            TABLE, "q <= cells[address]", "q <= cells[address ^ 1]", None, id="rows that a memory has not got"
        ),
        pytest.param(ROUNDING, "+ 8", "+ 4", None, id="registers under other names"),
        pytest.param(SPARE, "always_zero <= 0", "always_zero <= a", None, id="a register that the netlist has not got"),
    ],
)
def test_registers_are_found_and_undefined_values_are_free(tmp_path, text, right, wrong, cycles):
    top = text.split()[1]
    synthesise(top, text, tmp_path)
    assert text.count(right) == 1
    assert equivalence(top, tmp_path, text) == {"proven": True, "cycles": cycles, "reset": None}
    found = equivalence(top, tmp_path, text.replace(right, wrong))
    # Without a reset, states of a design with more registers than the netlist are not known to belong together.
    assert found["proven"] is (None if top == "spare" else False)


STATES = """
module states (input clk, reset, go, output y);
  reg [1:0] s;
  always @(posedge clk)
    if (reset) s <= 0; else case (s) 0: if (go) s <= 1; 1: s <= 2; default: s <= 0; endcase
  assign y = s == 2;
endmodule
"""


@pytest.mark.parametrize(("declared", "condition"), [("reset", "reset"), ("rst_i", "rst_i"), ("rst_n", "!rst_n")])
def test_a_state_machine_coded_anew_is_checked_after_its_reset_whatever_its_name(tmp_path, declared, condition):
    text = STATES.replace("reset, go", f"{declared}, go").replace("(reset)", f"({condition})")
    synthesise("states", text, tmp_path)
    assert equivalence("states", tmp_path, text) == {"proven": True, "cycles": 8, "reset": condition}
    assert equivalence("states", tmp_path, text.replace("s <= 2", "s <= 3"))["proven"] is False
    assert equivalence("states", tmp_path, text, condition)["reset"] == condition


def test_a_state_machine_without_reset_is_not_said_to_differ(tmp_path):
    text = STATES.replace("reset, ", "").replace("if (reset) s <= 0; else", "")
    synthesise("states", text, tmp_path)
    assert equivalence("states", tmp_path, text)["proven"] is not False


@pytest.mark.parametrize(("right", "wrong"), [("a | b", "a & b"), ("a & b", "a | b")])
def test_a_one_in_place_of_a_zero_is_a_difference_like_the_other_way_round(tmp_path, right, wrong):
    """A solver without undefined values takes the zeros of the Verilog for undefined."""
    text = f"module gate (input clk, a, b, output reg q); always @(posedge clk) q <= {right}; endmodule"
    synthesise("gate", text, tmp_path)
    assert equivalence("gate", tmp_path, text.replace(right, wrong))["proven"] is False


TWINS = """
module twins (input clk, rst, a, b, output reg p, q, r);
  reg x, y, z;
  always @(posedge clk) if (rst) {x, y, z, p, q, r} <= 0; else begin
    x <= a & b; y <= b & a; z <= ~(~a | ~b); p <= x ^ a; q <= y ^ b; r <= z;
  end
endmodule
"""


def test_registers_that_the_netlist_has_once_are_no_obstacle(tmp_path):
    synthesise("twins", TWINS, tmp_path)
    assert equivalence("twins", tmp_path, TWINS)["proven"] is True
    assert equivalence("twins", tmp_path, TWINS.replace("x ^ a", "x | a"))["proven"] is False


HALVES = """
module halves (input clk, rst, load, input [3:0] a, b, output reg [3:0] y);
  reg [3:0] total, difference;
  always @(posedge clk) if (load) begin total <= a + b; difference <= a - b; end
  always @(posedge clk) if (rst) y <= 0; else y <= {total[3:1], difference[0]} & {difference[3:1], total[0] | load};
endmodule
"""
"""The lowest bits of `total` and `difference` are the same."""


def test_registers_that_are_one_only_after_logic_is_optimised_are_no_obstacle(tmp_path):
    synthesise("halves", HALVES, tmp_path)
    assert "total[0]" not in (tmp_path / "netlist.v").read_text()
    assert equivalence("halves", tmp_path, HALVES) == FOREVER
    assert equivalence("halves", tmp_path, HALVES.replace("a - b", "a | b"))["proven"] is False


PORTS = """
module ports (input clk, rst, load, input [3:0] d, output reg [3:0] y, output [1:0] low, output [3:0] same);
  reg [3:0] value, other;
  assign low = value[1:0];
  assign same = other;
  always @(posedge clk) if (load) begin value <= d; other <= d; end
  always @(posedge clk) if (rst) y <= 0; else y <= value ^ {other[0], other[3:1]};
endmodule
"""
"""Registers that are one drive two outputs, and have the names of both in the netlist."""


def test_a_register_may_have_the_names_of_the_outputs_that_it_drives(tmp_path):
    synthesise("ports", PORTS, tmp_path)
    assert "assign same[0] = low[0];" in (tmp_path / "netlist.v").read_text()
    assert equivalence("ports", tmp_path, PORTS) == FOREVER
    for right, wrong in (("same = other", "same = value ^ 1"), ("other <= d", "other <= ~d")):
        assert equivalence("ports", tmp_path, PORTS.replace(right, wrong))["proven"] is False


SPLITTER = """
module splitter (input clk, rst, take, input [31:0] word, output reg [7:0] q, output reg p);
  reg [1:0] filled;
  reg [31:0] held;
  reg [3:0] length, data;
  integer place;
  always @(posedge clk) begin
    q <= word[7:0] ^ word[31:24];
    for (place = 0; place < 4; place = place + 1) if (place < filled) q <= held[8 * place +: 8];
    if (take) held <= word;
    length <= take ? 4'd10 : 4'd1;
    data <= {take, word[2:0]};
    p <= ^length ^ (&data);
    filled <= rst ? 0 : filled + take;
  end
endmodule
"""
"""The last byte of `held` is never read, as `filled` is 3 at most; bits of `length` and of `data` are the same."""


def test_registers_that_are_never_read_or_always_the_same_are_no_obstacle(tmp_path):
    synthesise("splitter", SPLITTER, tmp_path)
    netlist = (tmp_path / "netlist.v").read_text()
    assert "held[23]" in netlist
    assert "held[24]" not in netlist
    assert equivalence("splitter", tmp_path, SPLITTER) == FOREVER
    for right, wrong in (("place < filled", "place + 1 < filled"), ("take ? 4'd10", "!take ? 4'd10")):
        assert equivalence("splitter", tmp_path, SPLITTER.replace(right, wrong))["proven"] is False


COPIES = """
module copies (input clk, rst, s, load, input [3:0] d, output reg [3:0] y);
  reg [3:0] value;
  wire [5:0] _0002_, _0001_;
  assign _0002_ = s ? {value[0], value[1], value[2], 3'b001} : {value[0], value[1], value[2], value[3], 2'b00};
  assign _0001_ = d[0] ? 6'hxx : _0002_;
  always @(posedge clk) if (rst) value <= 0; else if (load) value <= d;
  always @(posedge clk) y <= _0001_[5:2] ^ _0001_[3:0];
endmodule
"""
"""Verilog as Yosys writes it: to synthesis three bits of both wires are those of `value`, in another order."""


def test_registers_go_by_their_own_names_where_wires_copy_them(tmp_path):
    synthesise("copies", COPIES, tmp_path)
    assert "_0001_[3]" in (tmp_path / "netlist.v").read_text()
    assert equivalence("copies", tmp_path, COPIES) == FOREVER
    assert equivalence("copies", tmp_path, COPIES.replace("s ? {value[0]", "s ? {value[3]"))["proven"] is False


HELD = """
module held (input clk, load, spare, input [3:0] d, output reg [3:0] q);
  always @(posedge clk) if (load) q <= d ^ {4{spare}};
endmodule
"""


def test_gated_clocks_are_proven_with_the_buffers_of_a_clock_tree(tmp_path):
    synthesise("held", HELD, tmp_path, "--clock-gating")
    netlist = (tmp_path / "netlist.v").read_text()
    (gated,) = re.findall(r"\.GCLK\((.*?)\)", netlist)
    clock = f".CLK({gated})"
    assert netlist.count(clock) == 4
    load = f"sky130_fd_sc_hd__clkbuf_4 clkload (.A({gated}));"
    buffer = f"  wire tree; sky130_fd_sc_hd__clkbuf_4 leaf (.A({gated}), .X(tree)); {load}\nendmodule"
    tree = netlist.replace(clock, ".CLK(tree)", 2).replace("endmodule", buffer).replace("dlclkp_1", "dlclkp_4")
    (tmp_path / "netlist.v").write_text(tree)
    assert equivalence("held", tmp_path, HELD) == FOREVER
    assert tree.count(".GATE(load)") == 1
    (tmp_path / "netlist.v").write_text(tree.replace(".GATE(load)", ".GATE(spare)"))
    assert equivalence("held", tmp_path, HELD)["proven"] is False


LAST = """
module last (input clk, rst, input [2:0] d, output reg done, output reg [2:0] q);
  always @(posedge clk) begin
    done <= !rst && (done ^ (d == 5));
    q <= done ? d : q + 1;
  end
endmodule
"""


def test_an_output_may_have_a_buffer_after_its_register(tmp_path):
    """As a layout has it: the register's net has a name that the Verilog does not know."""
    synthesise("last", LAST, tmp_path)
    netlist = (tmp_path / "netlist.v").read_text()
    pins = re.compile(r"\(done\)")
    assert len(pins.findall(netlist)) > 1, "logic reads the register as well"
    buffer = "  wire net7; sky130_fd_sc_hd__buf_2 output7 (.A(net7), .X(done));\nendmodule"
    buffered = pins.sub("(net7)", netlist).replace("endmodule", buffer)
    (tmp_path / "netlist.v").write_text(buffered)
    assert equivalence("last", tmp_path, LAST) == FOREVER
    (tmp_path / "netlist.v").write_text(buffered.replace("buf_2", "inv_2").replace(".X(done)", ".Y(done)"))
    assert equivalence("last", tmp_path, LAST)["proven"] is False


def test_a_netlist_is_compared_with_another_one(tmp_path):
    """As of a block that is laid out: names of cells and nets begin with the block's."""
    synthesise("last", LAST, tmp_path)
    netlist = re.sub(r"\b(_\d+_)", r"block__\1", (tmp_path / "netlist.v").read_text())
    Source("last", text=netlist).stage(tmp_path)
    buffer = "  wire net7; sky130_fd_sc_hd__buf_2 output7 (.A(net7), .X(done));\nendmodule"
    buffered = re.sub(r"\(done\)", "(net7)", netlist).replace("endmodule", buffer)
    for text, proven in ((buffered, True), (buffered.replace("nand2_1", "nor2_1", 1), False)):
        assert proven == (text == buffered)
        (tmp_path / "netlist.v").write_text(text)
        run("equivalence", "--gates", cwd=tmp_path)
        found = json.loads((tmp_path / "equivalence.json").read_text())
        assert found["proven"] is proven
        assert not proven or found == FOREVER


@pytest.mark.parametrize("engine", ["ebpc-encoder", pytest.param("ebpc-decoder", marks=pytest.mark.prove)])
def test_gates_of_the_engines_are_proven_from_any_state(tmp_path, engine):
    engine = ENGINES[engine]
    synthesise(engine.top, verilog(engine), tmp_path)
    assert equivalence(engine.top, tmp_path, verilog(engine)) == FOREVER


def test_what_takes_too_long_is_not_decided(tmp_path):
    ports = "input clk, input [11:0] a, b, output reg [23:0] p"
    text = f"module product ({ports}); always @(posedge clk) p <= a * b; endmodule"
    synthesise("product", text, tmp_path)
    Source("product", text=text.replace("a * b", "((a * b[11:6]) << 6) + a * b[5:0]")).stage(tmp_path)
    hurried = "from pathlib import Path; from silicodec.asic import equivalence as e; e.SECONDS = 1; "
    command = hurried + "open('result', 'w').write(str(e.check(e.read_staged(Path()), Path())))"
    subprocess.run([sys.executable, "-c", command], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "result").read_text() == "{'proven': None, 'cycles': 0, 'reset': None}"


MARK = """
module mark (input clk, load, clear, d, output reg seen, output reg q);
  always @(posedge clk) begin
    if (load) begin seen <= 1; q <= d; end
    CLEAR
  end
endmodule
"""


def test_a_register_that_keeps_what_it_is_loaded_with_counts_as_that_constant(tmp_path):
    text = MARK.replace("CLEAR", "")
    synthesise("mark", text, tmp_path)
    assert "assign seen = 1'b1" in (tmp_path / "netlist.v").read_text(), "synthesis takes it for one"
    assert equivalence("mark", tmp_path, text) == FOREVER
    assert equivalence("mark", tmp_path, MARK.replace("CLEAR", "if (clear) seen <= 0;"))["proven"] is not True


def test_a_proof_has_half_of_the_memory():
    from silicodec.asic.equivalence import within_memory

    def take_all() -> bool:
        return bool(bytearray(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4))

    def fail() -> bool:
        raise ValueError("not a matter of memory")

    assert [within_memory(lambda found=found: found) for found in (True, False, None)] == [True, False, None]
    assert within_memory(take_all) is None
    with pytest.raises(RuntimeError):
        within_memory(fail)
    assert len(bytearray(1 << 20)) == 1 << 20, "this process has no limit"
