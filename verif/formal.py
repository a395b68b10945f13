"""Proofs about an engine's streams, by Yosys' SAT solver: what is offered stays, and nothing is taken in reset.

Yosys runs in a process of its own. What memories hold is left open, so that a proof holds whatever it is.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from silicodec.rtl.convert import Pin, pins, signal_names
from silicodec.rtl.convert import verilog as convert
from silicodec.rtl.engine import Engine, Port
from silicodec.verif.cache import run_tool
from silicodec.verif.errors import SimulationError

PREPARE = (
    "read_verilog -formal rules.v",
    "hierarchy -check -top rules",
    "proc",
    "flatten",
    "chformal -lower",
    "opt -full",
    "delete t:$memrd* t:$memwr* t:$meminit*",
    "memory_map",
)
"""How Yosys reads the rules; the outputs of a deleted memory may have any value."""


def holds_for_ever(engine: Engine, *, steps: int = 4, verilog: str | None = None) -> bool:
    """Return whether `steps` cycles in order, from any state at all, make the next one so, which proves all cycles."""
    return _proven(engine, f"-tempinduct -maxsteps {steps}", verilog)


def holds_from_reset(engine: Engine, cycles: int, *, verilog: str | None = None) -> bool:
    """Return whether every run of so many cycles from reset, of all that inputs and outputs may do, is in order."""
    return _proven(engine, f"-seq {cycles} -set-at 1 rst 1", verilog)


def rules(engine: Engine, verilog: str) -> str:
    """Return a Verilog module that holds an engine's streams to their rules, with its module.

    It assumes of inputs what it asserts of outputs: a word on offer stays until the transfer, unless there is a reset.
    """
    ports = pins(engine)
    lines = ["module rules ("]
    lines.append(",\n".join(f"  {_declared(name, pin)}" for name, pin in ports.items()))
    lines += [");", f"{engine.top} engine ({', '.join(f'.{name}({name})' for name in ports)});"]
    lines += ["reg begun = 0;  // whether there was a reset", "always @(posedge clk) begun <= begun || rst;"]
    for port in engine.inputs:
        lines += _held(engine, port, "assume")
        lines.append(f"always @* if (rst) assert (!{port.name}_{signal_names(engine, port)['ready']});")
    for port in engine.outputs:
        lines += _held(engine, port, "assert")
    return "\n".join([*lines, "endmodule", "", verilog])


def _declared(name: str, pin: Pin) -> str:
    return f"{pin.direction} [{pin.bits - 1}:0] {name}"


def _held(engine: Engine, port: Port, claim: str) -> list[str]:
    """Claim that what a stream offers, and does not transfer, is still on offer in the next cycle."""
    signal = {role: f"{port.name}_{name}" for role, name in signal_names(engine, port).items()}
    word = f"{{{signal['data']}, {signal['last']}"
    if port.error:
        word += f", {signal['last']} & {signal['error']}"
    if port.keep:
        word += f", {signal['keep']}"
    word += "}"
    width = port.bits + 1 + port.error + port.keep * (port.bits // 8)
    return [
        f"reg {port.name}_waits = 0;",
        f"reg [{width - 1}:0] {port.name}_word;",
        "always @(posedge clk) begin",
        f"  {port.name}_waits <= begun && {signal['valid']} && !{signal['ready']} && !rst;",
        f"  {port.name}_word <= {word};",
        "end",
        f"always @* if (!rst && {port.name}_waits)",
        f"  {claim} ({signal['valid']} && {word} == {port.name}_word);",
    ]


def _proven(engine: Engine, mode: str, verilog: str | None) -> bool:
    """Return whether Yosys proves the rules's assertions; False if it finds a way to break them, or no proof."""
    commands = (*PREPARE, f"sat -prove-asserts -set-assumes {mode} rules")
    script = (
        "from pyosys import libyosys as yosys; design = yosys.Design()\n"
        f"for command in {commands!r}:\n"
        "    yosys.run_pass(f'tee -q -a log {command}', design)\n"
        "print(open('log').read())\n"
    )
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "rules.v").write_text(rules(engine, verilog or convert(engine)))
        log = run_tool(sys.executable, "-c", script, cwd=Path(directory), package="python3")
    if "SUCCESS!" in log:
        return True
    if "FAIL!" in log or "Reached maximum number of time steps" in log:
        return False
    raise SimulationError(f"{engine.name}: Yosys gave no verdict: {log[-200:]}")
