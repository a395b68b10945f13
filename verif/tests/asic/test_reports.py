"""Areas and timing as the tools tell them, and their scaling to other technologies, without running a tool."""

import pytest

pytest.importorskip("siliconcompiler")

from silicodec.asic.scaling import delay_at_65_nm, energy_at_65_nm, energy_factor, scaled_area
from silicodec.asic.statistics import area_by_class, count_cells, read_cell_areas
from silicodec.asic.timing import Paths, read_timing, timing_script
from silicodec.report.flow_tables import describe_proof

LIBERTY = """
    cell ("sky130_fd_sc_hd__dfxtp_1") {
        ff ("IQ","IQ_N") {
            clocked_on : "CLK";
        }
        area :  20.019200000;
    }
    cell ("sky130_fd_sc_hd__nor2_1") {
        area : 3.7536000000;
    }
    cell ("sky130_fd_sc_hd__xnor2_1") {
        area : 8.7584000000;
    }
"""
REPORT = """
# max registers rise registers rise
Startpoint: a
          -0.2317   slack (VIOLATED)

# min registers rise registers rise
           0.4289   slack (MET)

# max registers rise registers fall
           1.0000   slack (MET)

# max ports rise registers rise
          -1.5000   slack (VIOLATED)

# max ports rise ports rise
No paths found.

# end
"""


def test_timing_is_read_section_by_section():
    timing = read_timing(REPORT, 3.5)
    assert (timing.setup_slack_ns, timing.hold_slack_ns) == (-0.2317, 0.4289)
    assert timing.paths == Paths(3.7317, 5.0, None, None)
    assert timing.clock_mhz == pytest.approx(1000 / (5.0 / 0.75), rel=1e-4), "a quarter of the period is outside"
    assert timing.worst_slack_ns(3.5) == pytest.approx(3.5 - 5.0 / 0.75, abs=1e-4)
    with pytest.raises(ValueError, match="did not finish"):
        read_timing(REPORT.replace("# end", ""), 3.5)


def test_half_a_period_counts_twice():
    timing = read_timing(REPORT.replace("1.0000   slack (MET)", "-0.5000   slack (VIOLATED)"), 3.5)
    assert timing.paths.register_to_register_ns == 2 * (3.5 / 2 + 0.5)
    assert timing.setup_slack_ns == -0.5


def test_parasitics_go_with_a_propagated_clock():
    design = {"liberty": "l", "netlist": "n", "top": "t", "clock_ports": ["clk"], "period_ns": 3.0}
    assert "read_spef" not in timing_script(**design)
    assert "set_propagated_clock [all_clocks]\nread_spef {p}" in timing_script(**design, parasitics="p")


NETLIST = """
module top (input a, input clk, output y);
 sky130_fd_sc_hd__dfxtp_1 _0_ (.D(a), .CLK(clk), .Q(q));
 sky130_fd_sc_hd__dfxtp_1 \\x[1]  (.D(q), .CLK(clk), .Q(p));
 sky130_fd_sc_hd__nor2_1 _2_ (.A(p),
    .B(q), .Y(n));
 sky130_fd_sc_hd__xnor2_1 _3_ (.A(n), .B(q), .Y(y));
endmodule
"""


def test_area_is_divided_by_class():
    assert read_cell_areas(LIBERTY)["sky130_fd_sc_hd__dfxtp_1"] == 20.0192
    counts = count_cells(NETLIST)
    assert counts == {"sky130_fd_sc_hd__dfxtp_1": 2, "sky130_fd_sc_hd__nor2_1": 1, "sky130_fd_sc_hd__xnor2_1": 1}
    areas = area_by_class(counts, LIBERTY)
    assert {name: area for name, area in areas.items() if area} == {
        "flip-flops": 40.0,
        "exclusive or and adders": 8.8,
        "other logic": 3.8,
    }


def test_area_scales_by_the_published_factor():
    assert scaled_area(1000, 65) == pytest.approx(230)
    with pytest.raises(ValueError, match="no factor for 28 nm"):
        scaled_area(1000, 28)


def test_energy_scales_as_in_the_authors_corrected_example():
    assert energy_factor(32, 0.9) == pytest.approx(0.4571, abs=1e-4)
    assert energy_factor(65, 1.3) == pytest.approx(2.604, abs=1e-3)
    assert 0.1 < energy_at_65_nm(1.0) < 0.3, "a quarter of the capacitance, and 1.2 V in place of 1.8 V"
    assert 0.5 < delay_at_65_nm(1.0) < 1


@pytest.mark.parametrize(
    ("proven", "cycles", "said"),
    [
        (True, None, "netlist proven equal to the Verilog"),
        (False, None, "netlist DIFFERS from the Verilog"),
        (False, 8, "netlist DIFFERS from the Verilog, for 8 cycles from registers that hold 0"),
        (None, None, "whether the netlist equals the Verilog was NOT DECIDED in time"),
        (None, 0, "no reset was found; name it with --reset-port"),
    ],
)
def test_a_formal_check_says_no_more_than_it_found(proven, cycles, said):
    assert describe_proof({"proven": proven, "cycles": cycles, "reset": None}, "netlist").endswith(said)
