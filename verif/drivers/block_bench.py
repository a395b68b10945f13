"""A bench for blocks that are no engines: the same cycles in the MyHDL simulator and, converted, in Icarus Verilog."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from myhdl import ConcatSignal, Signal, ToVerilogWarning, always_comb, block, delay, instance, instances, intbv

from silicodec.rtl.elaboration import elaboration
from silicodec.verif.cache import run_tool

Values = Sequence[int | None]
"""A value for each cycle; None is X in Icarus Verilog, and all ones in the MyHDL simulator, which knows no X."""


def trace_myhdl(
    top: Callable[..., Any], ports: Mapping[str, Any], inputs: Mapping[str, Values]
) -> dict[str, list[int | None]]:
    """Run a block in the MyHDL simulator.

    Parameters
    ----------
    top : callable
        The MyHDL block, `top(clk, **ports)`.
    ports : mapping
        Its Signals by name. Those without `inputs` are outputs.
    inputs : mapping
        Values of each input, one a cycle.

    Returns
    -------
    dict of list
        Values of each output, in two's complement, as they are before the clock edge at the end of each cycle.
    """
    outputs: dict[str, list[int | None]] = {name: [] for name in ports if name not in inputs}

    @block
    def bench() -> Any:
        clk = Signal(bool(0))

        @instance
        def drive() -> Any:
            for values in zip(*inputs.values(), strict=True):
                for name, value in zip(inputs, values, strict=True):
                    port = ports[name]
                    bits = (-1 if value is None else int(value)) & ((1 << len(port)) - 1)
                    port.next = bits if port.min in (None, 0) else _signed(bits, len(port))
                yield delay(1)
                for name, seen in outputs.items():
                    seen.append(int(ports[name].val) & ((1 << len(ports[name])) - 1))
                clk.next = True
                yield delay(1)
                clk.next = False

        return top(clk, **ports), drive

    with elaboration():
        test = bench()
        test.run_sim(quiet=1)
        test.quit_sim()
    return outputs


def trace_icarus(
    top: Callable[..., Any], ports: Mapping[str, Any], inputs: Mapping[str, Values]
) -> dict[str, list[int | None]]:
    """Run a block's Verilog in Icarus Verilog; otherwise like `trace_myhdl`."""
    outputs = [name for name in ports if name not in inputs]
    cycles = len(next(iter(inputs.values())))
    declarations = [f"wire [{len(ports[name]) - 1}:0] {name};" for name in outputs]
    loads, drives = [], []
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        with elaboration(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ToVerilogWarning)
            device = top(Signal(bool(0)), **ports)
            device.convert(hdl="Verilog", path=temporary, name="device", testbench=False)
        for name, values in inputs.items():
            bits = len(ports[name])
            lines = ["x" if value is None else f"{int(value) & ((1 << bits) - 1):x}" for value in values]
            (directory / f"{name}.hex").write_text("\n".join(lines))
            declarations.append(f"reg [{bits - 1}:0] {name}; reg [{bits - 1}:0] {name}_values [0:{cycles - 1}];")
            loads.append(f'$readmemh("{name}.hex", {name}_values);')
            drives.append(f"{name} = {name}_values[cycle];")
        connections = ", ".join(f".{name}({name})" for name in ("clk", *ports))
        (directory / "bench.v").write_text(
            f"module bench; reg clk = 0; integer cycle; {' '.join(declarations)}\n"
            f"device device({connections});\n"
            f"initial begin {' '.join(loads)}\n"
            f"for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin {' '.join(drives)}\n"
            f'#1 $display("{" ".join(["%h"] * len(outputs))}", {", ".join(outputs)});\n'
            "clk = 1; #1 clk = 0; end end endmodule\n"
        )
        run_tool("iverilog", "-g2005", "-o", "bench.vvp", "device.v", "bench.v", cwd=directory, package="iverilog")
        shown = run_tool("vvp", "-n", "bench.vvp", cwd=directory, package="iverilog")
    rows = [[None if "x" in word else int(word, 16) for word in line.split()] for line in shown.splitlines()]
    return {name: [row[number] for row in rows] for number, name in enumerate(outputs)}


TRACES = {"myhdl": trace_myhdl, "icarus": trace_icarus}


@block
def split(bits: Any, items: Sequence[Any]) -> Any:
    """Drive signals with the parts of a wide one, the first with its least significant bits."""
    width, count = len(items[0]), len(items)
    mask = (1 << width) - 1

    if items[0].min < 0:

        @always_comb
        def drive() -> None:
            value = intbv(0)[width:]
            for i in range(count):
                value[:] = (bits >> (width * i)) & mask
                items[i].next = value.signed()
    else:

        @always_comb
        def drive() -> None:
            for i in range(count):
                items[i].next = (bits >> (width * i)) & mask

    return instances()


@block
def join(items: Sequence[Any], bits: Any) -> Any:
    """Drive a wide signal with several, the first with its least significant bits."""
    together = ConcatSignal(*reversed(items))

    @always_comb
    def drive() -> None:
        bits.next = together

    return instances()


def packed(values: Sequence[int], width: int) -> int:
    """Return the value of a wide signal whose parts have these values, in two's complement."""
    return sum((int(value) & ((1 << width) - 1)) << (width * number) for number, value in enumerate(values))


def unpacked(bits: int, width: int, count: int) -> list[int]:
    """Return the values of a wide signal's parts, read as two's complement."""
    return [_signed(bits >> (width * number) & ((1 << width) - 1), width) for number in range(count)]


def _signed(bits: int, width: int) -> int:
    sign = 1 << (width - 1)
    return (bits ^ sign) - sign
