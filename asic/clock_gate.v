// SkyWater 130's clock gate: `clock_gating_integrated_cell : "latch_posedge"` in the liberty file, which gives it a state
// table in place of a function.

module sky130_fd_sc_hd__dlclkp_1 (input CLK, GATE, output GCLK);
  reg enabled;
  always @* if (!CLK) enabled = GATE;
  assign GCLK = CLK & enabled;
endmodule
