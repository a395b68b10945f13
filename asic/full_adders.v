// Adders as chains of full adders, for Yosys' `techmap`. Each bit's carry goes to the next bit of the same cell.

(* techmap_celltype = "$alu" *)
module full_adder_chain (A, B, CI, BI, X, Y, CO);
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter B_WIDTH = 1;
  parameter Y_WIDTH = 1;

  (* force_downto *) input [A_WIDTH-1:0] A;
  (* force_downto *) input [B_WIDTH-1:0] B;
  input CI, BI;
  (* force_downto *) output [Y_WIDTH-1:0] X, Y, CO;

  (* force_downto *) wire [Y_WIDTH-1:0] a, b;
  \$pos #(.A_SIGNED(A_SIGNED), .A_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH)) extend_a (.A(A), .Y(a));
  \$pos #(.A_SIGNED(B_SIGNED), .A_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)) extend_b (.A(B), .Y(b));

  wire [Y_WIDTH:0] carry;
  assign carry[0] = CI;
  assign CO = carry[Y_WIDTH:1];
  assign X = a ^ b ^ {Y_WIDTH{BI}};
  \$fa #(.WIDTH(Y_WIDTH)) chain (
      .A(a), .B(b ^ {Y_WIDTH{BI}}), .C(carry[Y_WIDTH-1:0]), .X(carry[Y_WIDTH:1]), .Y(Y));
endmodule
