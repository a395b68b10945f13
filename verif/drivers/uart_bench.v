// A board's top level with its UART on standard input and output.
//
// Time goes in slots, each as long as a byte on the line. A slot begins with a line of input, the ten bits on the line
// to the board in hexadecimal, first bit lowest: 3ff is a quiet line. It ends with a line of output: 1 and the byte
// that was received from the board in this slot, or 0.
module uart_bench;
    parameter DIVIDER = 12;
    localparam STDIN = 32'h8000_0000;
    localparam STDOUT = 32'h8000_0001;

    reg clk = 0;
    reg rx = 1;
    wire tx;

    reg [9:0] sending = 10'h3ff;
    integer bit_timer = 0;
    integer bits = 0;
    integer scanned;

    reg [7:0] receiving = 0;
    reg [7:0] received_byte = 0;
    reg received = 0;
    integer sample_timer = 0;
    integer samples = 0;

    board_top board (.clk(clk), .rx(rx), .tx(tx));

    always #1 clk = !clk;

    always @(negedge clk) begin
        if (bit_timer == 0 && bits == 0) begin
            scanned = $fscanf(STDIN, "%h", sending);
            if (scanned != 1) $finish;
            received = 0;
        end
        rx = sending[bits];
        bit_timer = bit_timer + 1;
        if (bit_timer == DIVIDER) begin
            bit_timer = 0;
            bits = bits + 1;
        end

        if (samples == 0) begin
            if (tx === 1'b0) begin
                samples = 9;
                sample_timer = DIVIDER + DIVIDER / 2;
            end
        end else if (sample_timer != 0) begin
            sample_timer = sample_timer - 1;
        end else begin
            sample_timer = DIVIDER - 1;
            samples = samples - 1;
            if (samples == 0) begin
                received = 1;
                received_byte = receiving;
            end else receiving = {tx, receiving[7:1]};
        end

        if (bits == 10) begin
            bits = 0;
            if (received) $fwrite(STDOUT, "1%h\n", received_byte);
            else $fwrite(STDOUT, "0\n");
            $fflush(STDOUT);
        end
    end
endmodule
