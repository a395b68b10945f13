"""The netlist of a design with its memories as they are built, as a program of its own.

In the folder of a staged source

    python -m silicodec.asic.memory_netlist [--clock-port PORT] [--kinds KIND,...]

leaves `logic.v`, the netlist of the logic with ports for the memories, which `memories.json` describes; `netlist.v`, in
which these are modules of cells and macros; and `gates.v`, that with models of cells and macros, for simulation.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from silicodec.asic.cell_models import add_models
from silicodec.asic.macros import Macro, read_macros
from silicodec.asic.measure import synthesize
from silicodec.asic.memory_plan import KINDS, MemoryShape, Plan, plan_memory
from silicodec.asic.memory_verilog import CELLS, macro_boxes, macro_model, memory_verilog
from silicodec.asic.pdk import FROM_MEMORY, PERIOD_NS, TO_MEMORY, MeasurementError
from silicodec.rtl.source import Source, read_staged

LOGIC = "_logic"
"""What the name of the logic's module ends in."""
_PORT = re.compile(r"^  (input|output) (\[[^\]]+\] )?(\S+) ?;$", re.MULTILINE)


def write_netlists(
    top: str, folder: Path, clock_ports: Sequence[str], *, period_ns: float = PERIOD_NS, kinds: Sequence[str] = KINDS
) -> None:
    """Synthesise the source that is staged in a folder, and its memories.

    Parameters
    ----------
    top : str
        The top module.
    folder : Path
        Holds the source, and takes the results. The working folder.
    clock_ports : sequence of str
        The clock inputs; memories are clocked by the first.
    period_ns : float
        The period that synthesis aims for, in nanoseconds.
    kinds : sequence of str
        What memories may be made of.

    Raises
    ------
    MeasurementError
        If synthesis fails, or a memory has other ports than one for writing and one for reading.
    """
    synthesize(top, folder, clock_ports, period_ns, "--memories-outside")
    memories = json.loads((folder / "outside.json").read_text())["memories"]
    (folder / "memories.json").write_text(json.dumps(memories))
    logic = (folder / "netlist.v").read_text()
    (folder / "logic.v").write_text(logic)
    macros: dict[str, Macro] = {}
    if memories:
        plans = plan_memories(memories, kinds)
        macros = macros_of(plans.values())
        whole = [*with_memories(logic, top, memories, clock_ports[0], plans, period_ns), macro_boxes(macros.values())]
        (folder / "netlist.v").write_text("\n".join(whole))
    add_models(folder / "netlist.v", folder / "cells.lib", top, folder / "gates.v")
    with (folder / "gates.v").open("a") as gates:
        gates.writelines(macro_model(macro) for macro in macros.values())


def with_memories(
    logic: str,
    top: str,
    memories: Sequence[Mapping[str, Any]],
    clock_port: str,
    plans: Mapping[str, Plan],
    period_ns: float = PERIOD_NS,
) -> list[str]:
    """Return the modules of a netlist with its memories: what `connect` does, and those of `plans`, synthesised."""
    return [connect(logic, top, memories, clock_port), *(_netlist(plan, period_ns) for plan in plans.values())]


def macros_of(plans: Iterable[Plan]) -> dict[str, Macro]:
    """Return the macros that memories are made of, by name."""
    return {macro.name: macro for plan in plans for row in plan.rows for macro in row.macros}


def plan_memories(
    memories: Iterable[Mapping[str, Any]], kinds: Sequence[str] = KINDS, macros: Mapping[str, Macro] | None = None
) -> dict[str, Plan]:
    """Plan memories, by the names of their modules.

    Parameters
    ----------
    memories : iterable of dict
        Fields of `silicodec.asic.memories.OutsideMemory`.
    kinds : sequence of str
        What they may be made of.
    macros : dict of str to Macro, optional
        By default those in the folder of `SILICODEC_PDK`.

    Raises
    ------
    MeasurementError
        If a memory has other ports than one for writing and one for reading, or can be made of none of these kinds.
    """
    macros, plans = read_macros() if macros is None else macros, {}
    for memory in memories:
        if not memory["usual"]:
            raise MeasurementError(f"memory {memory['name']} has other ports than a clocked one each to write and read")
        shape = shape_of(memory)
        if shape.name not in plans:
            try:
                plans[shape.name] = plan_memory(shape, macros, kinds=kinds)
            except ValueError as error:
                raise MeasurementError(str(error)) from None
    return plans


def shape_of(memory: Mapping[str, Any]) -> MemoryShape:
    """Return the shape of a memory by the fields of `silicodec.asic.memories.OutsideMemory`."""
    return MemoryShape(memory["words"], memory["bits"], memory["mask_bits"], memory["shared_port"])


def connect(logic: str, top: str, memories: Sequence[Mapping[str, Any]], clock_port: str) -> str:
    """Return the logic's netlist, and a module with its name in which its memories are connected to it.

    Parameters
    ----------
    logic : str
        The netlist, with ports for the memories.
    top : str
        Its module.
    memories : sequence of dict
        Fields of `silicodec.asic.memories.OutsideMemory`, in the order of the ports.
    clock_port : str
        What clocks the memories.
    """
    ports = _PORT.findall(logic)
    outer = [port for port in ports if not port[2].startswith((TO_MEMORY, FROM_MEMORY))]
    lines = [f"module {top} ({', '.join(name for _, _, name in outer)});"]
    lines += [f"  {way if (way, size, name) in outer else 'wire'} {size}{name};" for way, size, name in ports]
    lines.append(f"  {top}{LOGIC} logic ({', '.join(f'.{name}({name})' for _, _, name in ports)});")
    names = {name for _, _, name in ports}
    for number, memory in enumerate(memories):
        shape = shape_of(memory)
        address = (shape.words - 1).bit_length()
        parts = shape.bits // (shape.mask_bits or shape.bits)
        wired = [
            ("write", f"{TO_MEMORY}{number}_wr_en", parts),
            ("write_address", f"{TO_MEMORY}{number}_wr_addr", address),
            ("write_data", f"{TO_MEMORY}{number}_wr_data", shape.bits),
            ("read", f"{TO_MEMORY}{number}_rd_en", 1),
            ("read_address", f"{TO_MEMORY}{number}_rd_addr", address),
            ("read_data", f"{FROM_MEMORY}{number}_rd_data", shape.bits),
        ]
        connected = ", ".join(f".{pin}({_signal(name, bits, names)})" for pin, name, bits in wired)
        lines.append(f"  {shape.name} memory_{number} (.clk({clock_port}), {connected});")
    renamed = re.sub(rf"\bmodule {re.escape(top)}\b", f"module {top}{LOGIC}", logic)
    return "\n".join([renamed, *lines, "endmodule", ""])


def _signal(name: str, bits: int, names: Collection[str]) -> str:
    """Return a signal of some bits: `name`, or where netlists have a port for each bit, all of these."""
    if name in names:
        return name
    return f"{{{', '.join(f'{name}_{bit}_' for bit in reversed(range(bits)))}}}"


def _netlist(plan: Plan, period_ns: float) -> str:
    """Synthesise a memory's module."""
    macros = macros_of([plan])
    with tempfile.TemporaryDirectory(prefix="silicodec-") as place:
        folder = Path(place)
        text = memory_verilog(plan) + CELLS + macro_boxes(macros.values())
        Source(plan.shape.name, text=text).stage(folder)
        synthesize(plan.shape.name, folder, ("clk",), period_ns)
        return (folder / "netlist.v").read_text()


def main() -> None:
    """Read the arguments and write the netlists."""
    parser = argparse.ArgumentParser(prog="python -m silicodec.asic.memory_netlist")
    parser.add_argument("--clock-port", dest="clock_ports", action="append", default=[])
    parser.add_argument("--kinds", default=",".join(KINDS))
    given = parser.parse_args()
    try:
        top = read_staged(Path()).top
        write_netlists(top, Path(), given.clock_ports or ["clk"], kinds=given.kinds.split(","))
    except MeasurementError as error:
        sys.exit(f"ERROR: {error}")


if __name__ == "__main__":
    main()
