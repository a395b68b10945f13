// SkyWater 130's clock gates: `clock_gating_integrated_cell : "latch_posedge"` in the liberty file, which gives them a
// state table in place of a function. A layout takes a larger one where a gate's load asks for it.

module sky130_fd_sc_hd__dlclkp_1 (input CLK, GATE, output GCLK);
  reg enabled;
  always @* if (!CLK) enabled = GATE;
  assign GCLK = CLK & enabled;
endmodule

module sky130_fd_sc_hd__dlclkp_2 (input CLK, GATE, output GCLK);
  sky130_fd_sc_hd__dlclkp_1 gate (.CLK(CLK), .GATE(GATE), .GCLK(GCLK));
endmodule

module sky130_fd_sc_hd__dlclkp_4 (input CLK, GATE, output GCLK);
  sky130_fd_sc_hd__dlclkp_1 gate (.CLK(CLK), .GATE(GATE), .GCLK(GCLK));
endmodule
