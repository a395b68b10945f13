"""How often a simulated design reads and writes its memories, and the energy that this takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from silicodec.asic.memory_build import BuiltMemory

FILE = "memory_accesses"
"""What the counting design writes, into the working folder."""
EVERY = 64
"""Cycles between two times that it does."""
_ACCESS = re.compile(
    r"^always @\(posedge (?P<clock>\w+)\) begin: \w+\n"
    r"    if \((?P<write>\w+)\) begin\n        (?P<cells>\w+)\[\w+\] <= \w+;\n    end\n"
    r"    if \((?P<read>\w+)\) begin\n        \w+ <= (?P=cells)\[\w+\];\n    end\nend$",
    re.MULTILINE,
)
"""The process of a memory of `silicodec.rtl.blocks.memory` as MyHDL converts it."""


@dataclass(frozen=True)
class Accesses:
    """Cycles in which a memory was read, written, and both."""

    reads: int
    writes: int
    both: int


def counting(verilog: str) -> tuple[str, list[str]]:
    """Let a converted design count the accesses to its memories, without a change to what it does.

    Parameters
    ----------
    verilog : str
        The design, one module.

    Returns
    -------
    str, list of str
        The design that writes `FILE` every so often, and the names of its memories in the order of that file.
    """
    found = list(_ACCESS.finditer(verilog))
    if not found:
        return verilog, []
    lines = [f"integer accesses [0:{3 * len(found)}];", "integer access_number;"]
    lines += [f"initial for (access_number = 0; access_number <= {3 * len(found)}; access_number = access_number + 1)"]
    lines += ["    accesses[access_number] = 0;", f"always @(posedge {found[0]['clock']}) begin"]
    for number, one in enumerate(found):
        conditions = (one["read"], one["write"], f"{one['read']} && {one['write']}")
        for place, condition in enumerate(conditions, start=3 * number + 1):
            lines.append(f"    if ({condition}) accesses[{place}] = accesses[{place}] + 1;")
    lines += ["    accesses[0] = accesses[0] + 1;"]
    lines += [f'    if (accesses[0] % {EVERY} == 0) $writememh("{FILE}", accesses);', "end", ""]
    head, _, tail = verilog.rpartition("endmodule")
    return head + "\n".join(lines) + "endmodule" + tail, [one["cells"] for one in found]


def read_accesses(folder: Path, names: Sequence[str]) -> tuple[int, dict[str, Accesses]]:
    """Read what a counting design wrote: the cycles that it counted, and the accesses to each memory."""
    text = re.sub(r"//.*|@\w+", "", (folder / FILE).read_text())
    cycles, *counts = (int(word, 16) for word in text.split())
    parts = (Accesses(*counts[3 * number : 3 * number + 3]) for number in range(len(names)))
    return cycles, dict(zip(names, parts, strict=True))


@dataclass(frozen=True)
class MemoryEnergy:
    """Accesses to the memories of one shape, and the energy of their macros.

    Parameters
    ----------
    memory : BuiltMemory
        The memories.
    accesses : Accesses
        To all of them.
    clocked_uj, gated_uj : float or None
        Energy of the macros in microjoules: clocked in every cycle, and clocked for accesses alone. None for memories
        of cells.
    """

    memory: BuiltMemory
    accesses: Accesses
    clocked_uj: float | None
    gated_uj: float | None


def memory_energies(
    memories: Sequence[BuiltMemory], accesses: Mapping[str, Accesses], cycles: int
) -> list[MemoryEnergy]:
    """Combine the energy of an access with the number of accesses.

    Parameters
    ----------
    memories : sequence of BuiltMemory
        The memories, whose names are in `accesses`.
    accesses : dict of str to Accesses
        By memory.
    cycles : int
        Clock cycles.
    """
    result = []
    for memory in memories:
        some = [accesses[name] for name in memory.names]
        total = Accesses(*(sum(getattr(one, field) for one in some) for field in ("reads", "writes", "both")))
        idle, of_accessed, read, write = (
            memory.idle_pj,
            memory.accessed_idle_pj,
            memory.read_pj,
            memory.write_pj,
        )
        clocked = gated = None
        if idle is not None and of_accessed is not None and read is not None and write is not None:
            gated = total.reads * read + total.writes * write
            clocked = gated + idle * len(memory.names) * cycles - of_accessed * (total.reads + total.writes)
            gated, clocked = round(gated / 1e6, 3), round(clocked / 1e6, 3)
        result.append(MemoryEnergy(memory, total, clocked, gated))
    return result
