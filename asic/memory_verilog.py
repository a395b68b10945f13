"""Verilog of memories as they are built: of SRAM macros, of latches, or of flip-flops, and the macros' models.

A memory's module has the ports of `silicodec.rtl.blocks.memory.MemoryPorts`; `write` has a bit for each part of a word.
"""

from __future__ import annotations

from collections.abc import Iterable

from silicodec.asic.macros import Macro
from silicodec.asic.memory_plan import FLIP_FLOPS, LATCHES, MemoryShape, Plan, Row
from silicodec.asic.pdk import CLOCK_GATE

LATCH = "sky130_fd_sc_hd__dlxtp_1"
CELLS = f"""\
(* blackbox *) module {CLOCK_GATE} (input CLK, GATE, output GCLK); endmodule
(* blackbox *) module {LATCH} (input D, GATE, output Q); endmodule
"""
"""The cells that a memory of latches is made of."""


def memory_verilog(plan: Plan) -> str:
    """Return the module of a memory, named as its shape."""
    shape = plan.shape
    body = {FLIP_FLOPS: _flip_flops, LATCHES: _latches}.get(plan.kind, _macros)
    parts = shape.bits // (shape.mask_bits or shape.bits)
    address = _range((shape.words - 1).bit_length())
    return "\n".join(
        [
            f"module {shape.name} (",
            f"  input clk, input {_range(parts)} write, input {address} write_address,",
            f"  input {_range(shape.bits)} write_data, input read, input {address} read_address,",
            f"  output {_range(shape.bits)} read_data",
            ");",
            *(f"  {line}" for line in body(plan)),
            "endmodule",
            "",
        ]
    )


def macro_boxes(macros: Iterable[Macro]) -> str:
    """Return macros as modules without content."""
    return "".join(f"(* blackbox *) {_heading(macro)}\nendmodule\n" for macro in macros)


def macro_model(macro: Macro) -> str:
    """Return a macro's behaviour, without delays; what it holds at first is random, as in a chip."""
    part = macro.bits // macro.masks
    return "\n".join(
        [
            _heading(macro),
            f"  reg {_range(macro.bits)} words [0:{macro.words - 1}];",
            f"  reg {_range(macro.bits)} data;",
            "  assign dout = data;",
            "  integer i;",
            "  initial begin",
            "    data = $random;",
            f"    for (i = 0; i < {macro.words}; i = i + 1) words[i] = {{{(macro.bits + 31) // 32}{{$random}}}};",
            "  end",
            "  always @(posedge clk) if (rstb && ce && !we) data <= words[addr];",
            "  always @(posedge clk) if (rstb && ce && we)",
            f"    for (i = 0; i < {macro.masks}; i = i + 1)",
            f"      if (wmask[i]) words[addr][i * {part} +: {part}] <= din[i * {part} +: {part}];",
            "endmodule",
            "",
        ]
    )


def _heading(macro: Macro) -> str:
    return (
        f"module {macro.name} (input clk, rstb, ce, we, input {_range(macro.masks)} wmask, "
        f"input {_range(macro.address_bits)} addr, input {_range(macro.bits)} din, "
        f"output {_range(macro.bits)} dout);"
    )


def _range(bits: int) -> str:
    return f"[{bits - 1}:0]"


def _part_of(shape: MemoryShape) -> int:
    return shape.mask_bits or shape.bits


def _flip_flops(plan: Plan) -> list[str]:
    """Return a memory that synthesis turns into flip-flops."""
    shape, part = plan.shape, _part_of(plan.shape)
    return [
        f"reg {_range(shape.bits)} words [0:{shape.words - 1}];",
        f"reg {_range(shape.bits)} data;",
        "assign read_data = data;",
        "always @(posedge clk) if (read) data <= words[read_address];",
        "always @(posedge clk) begin",
        *(
            f"  if (write[{low // part}]) words[write_address][{low + part - 1}:{low}] <= "
            f"write_data[{low + part - 1}:{low}];"
            for low in range(0, shape.bits, part)
        ),
        "end",
    ]


def _latches(plan: Plan) -> list[str]:
    """Return a memory of latches: data wait in a register, and a word's clock gate opens its latches while high."""
    shape, part = plan.shape, _part_of(plan.shape)
    parts = shape.bits // part
    lines = [
        f"reg {_range(shape.bits)} given, data;",
        "assign read_data = data;",
        *(
            f"always @(posedge clk) if (write[{n}]) given[{n * part} +: {part}] <= write_data[{n * part} +: {part}];"
            for n in range(parts)
        ),
        "always @(posedge clk) if (read) data <= level0_0;",
    ]
    for word in range(shape.words):
        lines.append(f"wire {_range(shape.bits)} word{word}; wire {_range(parts)} open{word};")
        lines += [
            f"{CLOCK_GATE} gate{word}_{n} (.CLK(clk), .GATE(write[{n}] && write_address == {word}), "
            f".GCLK(open{word}[{n}]));"
            for n in range(parts)
        ]
        lines += [
            f"{LATCH} latch{word}_{bit} (.D(given[{bit}]), .GATE(open{word}[{bit // part}]), .Q(word{word}[{bit}]));"
            for bit in range(shape.bits)
        ]
    return lines + _tree([f"word{word}" for word in range(shape.words)], shape.bits)


def _tree(words: list[str], bits: int) -> list[str]:
    """Return multiplexers that choose one of some words: a tree over the bits of the address, the highest bit last."""
    lines: list[str] = []
    height = (len(words) - 1).bit_length()
    for level in range(height):
        pairs = [words[n : n + 2] for n in range(0, len(words), 2)]
        names = [f"level{height - 1 - level}_{n}" for n in range(len(pairs))]
        for name, pair in zip(names, pairs, strict=True):
            # An address beyond the last word reads anything.
            chosen = f"read_address[{level}] ? {pair[1]} : {pair[0]}" if len(pair) == 2 else pair[0]
            lines.append(f"wire {_range(bits)} {name} = {chosen};")
        words = names
    return lines


def _macros(plan: Plan) -> list[str]:
    """Return a memory of macros: of one copy where ports are shared, else of two and a table."""
    shape = plan.shape
    some_write = "|write"
    if shape.shared_port:
        lines = [f"wire enable_write0 = {some_write}, enable_read0 = read;"]
    else:
        lines = [
            f"reg live [0:{shape.words - 1}];  // which copy holds a word",
            "reg from;",
            "wire source = live[read_address];",
            "wire target = read & ~source;",
            f"wire enable_write0 = {some_write} & ~target, enable_write1 = {some_write} & target;",
            "wire enable_read0 = read & ~source, enable_read1 = read & source;",
            f"always @(posedge clk) if ({some_write}) live[write_address] <= target;",
            "always @(posedge clk) if (read) from <= source;",
        ]
    for copy in range(plan.copies):
        lines += _copy(plan, copy)
    data = "data0" if plan.copies == 1 else "from ? data1 : data0"
    return [*lines, f"assign read_data = {data};"]


def _copy(plan: Plan, copy: int) -> list[str]:
    """Return all rows of one copy."""
    shape = plan.shape
    bits = (shape.words - 1).bit_length()
    lines = [f"wire {_range(bits)} address{copy} = enable_write{copy} ? write_address : read_address;"]
    for number, row in enumerate(plan.rows):
        name, low = f"{copy}_{number}", (row.words - 1).bit_length()
        here = "1'b1" if bits <= low else f"address{copy}[{bits - 1}:{low}] == {row.first >> low}"
        if len(plan.rows) == 1:
            here = "1'b1"
        lines.append(f"wire here{name} = {here};")
        lines += _row(plan, row, copy, name)
    if len(plan.rows) == 1:
        return [*lines, f"wire {_range(shape.bits)} data{copy} = row{copy}_0;"]
    chosen = f"row{copy}_0"
    for number in range(1, len(plan.rows)):
        lines += [
            f"reg in{copy}_{number};",
            f"always @(posedge clk) if (enable_read{copy}) in{copy}_{number} <= here{copy}_{number};",
        ]
        chosen = f"in{copy}_{number} ? row{copy}_{number} : {chosen}"
    return [*lines, f"wire {_range(shape.bits)} data{copy} = {chosen};"]


def _row(plan: Plan, row: Row, copy: int, name: str) -> list[str]:
    """Return the macros of one row."""
    shape = plan.shape
    address_bits = (shape.words - 1).bit_length()
    lines = [f"wire {_range(shape.bits)} row{name};"]
    low = 0
    for number, macro in enumerate(row.macros):
        used = min(macro.bits, shape.bits - low)
        padding = "" if used == macro.bits else f"{macro.bits - used}'b0, "
        if macro.address_bits <= address_bits:
            address = f"address{copy}[{macro.address_bits - 1}:0]"
        else:
            address = f"{{{macro.address_bits - address_bits}'b0, address{copy}}}"
        lines += [
            f"wire {_range(macro.bits)} dout{name}_{number};",
            f"assign row{name}[{low + used - 1}:{low}] = dout{name}_{number}[{used - 1}:0];",
            f"{macro.name} macro{name}_{number} (.clk(clk), .rstb(1'b1), ",
            f"  .ce(here{name} & (enable_write{copy} | enable_read{copy})), .we(enable_write{copy}),",
            f"  .wmask({_mask(shape, macro, low, used)}), .addr({address}),",
            f"  .din({{{padding}write_data[{low + used - 1}:{low}]}}), .dout(dout{name}_{number}));",
        ]
        low += used
    return lines


def _mask(shape: MemoryShape, macro: Macro, low: int, used: int) -> str:
    """Return the write mask of a macro that holds so many bits from `low` on."""
    if shape.mask_bits is None:
        return f"{{{macro.masks}{{1'b1}}}}"
    part = macro.bits // macro.masks
    of_bits = [
        f"write[{(low + bit) // shape.mask_bits}]" if bit < used else "1'b0" for bit in range(0, macro.bits, part)
    ]
    return f"{{{', '.join(reversed(of_bits))}}}"
