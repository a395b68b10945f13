"""Combinational paths of an engine: from which ports a signal can change another one within a cycle.

Yosys, in a process of its own, turns the Verilog into gates and registers; the paths between them are followed here.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from silicodec.rtl.convert import signal_names
from silicodec.rtl.convert import verilog as convert
from silicodec.rtl.engine import Engine, Port
from silicodec.verif.cache import run_tool

PASSES = "read_verilog engine.v; hierarchy -top {top}; proc; flatten; memory -nomap; opt -full; simplemap; opt -full"
"""How Yosys makes gates of one bit; memories stay as they are, with their registers."""

_FORCING = {"$_AND_": "0", "$_OR_": "1"}
"""Gates with the level of one input that decides their output."""


class Gates:
    """The gates between the registers of an engine.

    Parameters
    ----------
    engine : Engine
        The engine.
    """

    def __init__(self, engine: Engine) -> None:
        module = _netlist(engine.top, convert(engine))
        self.engine = engine
        self._ports = {name: port["bits"] for name, port in module["ports"].items()}
        # Registers end a path, and so do the memories, which are read on a clock edge.
        gates = [cell for cell in module["cells"].values() if not re.match(r"\$(_\w*DFF|mem)", cell["type"])]
        self._readers = defaultdict(list)
        for gate in gates:
            for name, bits in gate["connections"].items():
                if gate["port_directions"][name] == "input":
                    for bit in bits:
                        self._readers[bit].append(gate)

        self.reset: int = self._ports["rst"][0]

    def bits(self, port: Port, *roles: str) -> list[int]:
        """Return the bits of a stream's signals: `data`, `valid`, `ready`, `last`, and `error` where there is one."""
        names = signal_names(self.engine, port)
        return [bit for role in roles if role in names for bit in self._ports[f"{port.name}_{names[role]}"]]

    def reached(self, sources: Iterable[int], given: Mapping[int, str] | None = None) -> set[int]:
        """Return the bits that change with some others within a cycle, while bits have the `given` levels."""
        levels = self.levels(given or {})
        reached = set(sources) - levels.keys()
        waiting = list(reached)
        while waiting:
            bit = waiting.pop()
            for gate in self._readers[bit]:
                for output in self._followers(gate, bit, levels):
                    if output not in reached and output not in levels:
                        reached.add(output)
                        waiting.append(output)
        return reached

    def levels(self, given: Mapping[int, str]) -> dict[Any, str]:
        """Return the bits that are constant while bits have the `given` levels, `0` or `1`, with their level."""
        levels: dict[Any, str] = {"0": "0", "1": "1", **given}
        waiting = list(levels)
        while waiting:
            for gate in self._readers[waiting.pop()]:
                level = _output(gate, levels)
                bit = gate["connections"].get("Y", [None])[0]
                if level is not None and bit not in levels:
                    levels[bit] = level
                    waiting.append(bit)
        return levels

    @staticmethod
    def _followers(gate: dict[str, Any], bit: int, levels: Mapping[Any, str]) -> list[int]:
        """Return the outputs of a gate, unless it passes the bit over."""
        pins, selected = gate["connections"], None
        if gate["type"] == "$_MUX_":
            selected = levels.get(pins["S"][0])
        if selected is not None and bit not in pins["B" if selected == "1" else "A"]:
            return []
        return [output for name, bits in pins.items() if gate["port_directions"][name] == "output" for output in bits]


def _output(gate: dict[str, Any], levels: Mapping[Any, str]) -> str | None:
    """Return the level of a gate's output, as far as the levels of its inputs tell it."""
    kind, pins = gate["type"], {name: bits[0] for name, bits in gate["connections"].items()}
    inputs = {name: levels.get(bit) for name, bit in pins.items() if name != "Y"}
    if kind == "$_NOT_":
        return None if inputs["A"] is None else "10"[int(inputs["A"])]
    if kind == "$_MUX_":
        if inputs["S"] is None:
            return inputs["A"] if inputs["A"] == inputs["B"] else None
        return inputs["B" if inputs["S"] == "1" else "A"]
    if kind == "$_XOR_" and None not in inputs.values():
        return "01"[inputs["A"] != inputs["B"]]
    if kind in _FORCING:
        forcing = _FORCING[kind]
        if forcing in inputs.values():
            return forcing
        return None if None in inputs.values() else "10"[int(forcing)]
    return None


def _netlist(top: str, verilog: str) -> Any:
    """Return Yosys' netlist of a module, as a tree of its JSON file."""
    script = (
        "from pyosys import libyosys as yosys; design = yosys.Design()\n"
        f"for command in {[*PASSES.format(top=top).split('; '), 'write_json netlist.json']!r}:\n"
        "    yosys.run_pass(f'tee -q -o log {command}', design)\n"
    )
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "engine.v").write_text(verilog)
        run_tool(sys.executable, "-c", script, cwd=Path(directory), package="python3")
        return json.loads(Path(directory, "netlist.json").read_text())["modules"][top]
