"""Backend `icarus`: the engine's Verilog in Icarus Verilog, through MyHDL's co-simulation interface."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import files
from pathlib import Path
from typing import Any

from myhdl import Cosimulation

from silicodec.rtl.convert import pins, signal_names
from silicodec.rtl.convert import verilog as convert
from silicodec.rtl.engine import Engine
from silicodec.verif.backends.waveform import check_ending, write_groups
from silicodec.verif.cache import build_once, run_tool, tool_version
from silicodec.verif.drivers import bench
from silicodec.verif.drivers.stimulus import Recording, Stimulus

DUMP = """
module waveform;
  reg [8 * 1024:1] file;
  initial if ($value$plusargs("waveform=%s", file)) begin
    $dumpfile(file);
    $dumpvars(0, testbench.engine);
  end
  // In every cycle, because MyHDL ends the simulator without a chance to write the rest.
  always @(negedge testbench.clk) $dumpflush;
endmodule
"""
"""A second top module, which writes the waveform of the engine's instances."""


def run(engine: Engine, stimulus: Stimulus, verilog: str | None) -> Recording:
    """Simulate the Verilog under the bench of the MyHDL simulator."""
    verilog = verilog or convert(engine)
    if stimulus.waveform:
        check_ending(stimulus.waveform, ".vcd")
        write_groups(engine, stimulus.waveform, verilog, "testbench.engine")
        verilog += DUMP
    command = ["vvp", "-M", str(_interface()), "-m", "myhdl", str(_build(engine, verilog))]
    command += [f"+waveform={stimulus.waveform}"] if stimulus.waveform else []

    def device(clk: Any, rst: Any, streams: Mapping[str, Any], unknown: Mapping[str, Any]) -> Any:
        signals = {"clk": clk, "rst": rst}
        for port in (*engine.inputs, *engine.outputs):
            for attribute in signal_names(engine, port).values():
                signals[f"{port.name}_{attribute}"] = getattr(streams[port.name], attribute)
        signals.update({f"{name}_unknown": signal for name, signal in unknown.items()})
        return Cosimulation(command, **signals)

    return bench.run(engine, stimulus, device)


def _interface() -> Path:
    """Return the directory of MyHDL's co-simulation module for Icarus, `myhdl.vpi`."""
    sources = [
        Path(str(file.locate()))
        for file in files("myhdl") or ()
        if file.match("cosimulation/icarus/*.c") and file.name in ("myhdl.c", "myhdl_table.c")
    ]

    def build(directory: Path) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            for source in sources:
                shutil.copy(source, temporary)
            names = sorted(source.name for source in sources)
            run_tool("iverilog-vpi", *names, cwd=Path(temporary), package="iverilog g++")
            shutil.move(Path(temporary, "myhdl.vpi"), directory)

    return build_once("icarus-myhdl", [_version(), *(source.read_text() for source in sources)], build)


def _build(engine: Engine, verilog: str) -> Path:
    """Return the compiled engine and test bench."""
    testbench = _testbench(engine)

    def build(directory: Path) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            Path(temporary, "engine.v").write_text(verilog)
            Path(temporary, "testbench.v").write_text(testbench)
            command = ("iverilog", "-g2005", "-o", str(directory / "testbench.vvp"), "engine.v", "testbench.v")
            run_tool(*command, cwd=Path(temporary), package="iverilog")

    return build_once(f"icarus-{engine.top}", [_version(), verilog, testbench], build) / "testbench.vvp"


def _version() -> str:
    return tool_version("iverilog", "-V", package="iverilog")


def _testbench(engine: Engine) -> str:
    """Return a module that joins the engine's ports to MyHDL's signals.

    MyHDL knows no X. Each stream has a signal here that says whether an output of it is X: `ready`; or `valid`, or a
    word on offer. An input that is not valid shows X.
    """
    ports = pins(engine)
    inputs = [name for name, pin in ports.items() if pin.direction == "input"]
    outputs = [name for name, pin in ports.items() if pin.direction == "output"]
    connections = {name: name for name in ports}
    declarations = [
        f"{'reg' if pin.direction == 'input' else 'wire'} [{pin.bits - 1}:0] {name};" for name, pin in ports.items()
    ]
    for port in engine.inputs:
        signal = {role: f"{port.name}_{name}" for role, name in signal_names(engine, port).items()}
        for name in (signal["data"], signal["last"]):
            connections[name] = f"{signal['valid']} ? {name} : {ports[name].bits}'bx"
        declarations.append(f"wire {port.name}_unknown = {signal['ready']} === 1'bx;")
        outputs.append(f"{port.name}_unknown")
    for port in engine.outputs:
        signal = {role: f"{port.name}_{name}" for role, name in signal_names(engine, port).items()}
        error = f", {signal['last']} & {signal['error']}" if port.error else ""
        offer = f"^{{{signal['data']}, {signal['last']}{error}}}"
        unknown = f"(^{signal['valid']} === 1'bx) || ({signal['valid']} && ({offer} === 1'bx))"
        declarations.append(f"wire {port.name}_unknown = {unknown};")
        outputs.append(f"{port.name}_unknown")
    return "\n".join(
        [
            "module testbench;",
            *declarations,
            "initial begin",
            f"  $from_myhdl({', '.join(inputs)});",
            f"  $to_myhdl({', '.join(outputs)});",
            "end",
            f"{engine.top} engine ({', '.join(f'.{name}({driver})' for name, driver in connections.items())});",
            "endmodule",
            "",
        ]
    )
