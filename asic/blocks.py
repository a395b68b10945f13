"""Area and critical paths of a large engine that is synthesised block by block."""

from __future__ import annotations

import gzip
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from silicodec.asic.limits import Limits
from silicodec.asic.measure import failure, synthesize, time_netlist, tool_versions
from silicodec.asic.memory_build import BuiltMemory, access_constraints, build_memories
from silicodec.asic.pdk import CORNER, CORNERS, GATE_EQUIVALENT_UM2, PERIOD_NS, MeasurementError, liberty_file
from silicodec.asic.statistics import Statistics
from silicodec.asic.timing import Paths, Timing
from silicodec.models.processes import run_group
from silicodec.models.storage import written_whole
from silicodec.rtl.source import Source

SHIPPED = Path(__file__).parent / "records" / "blocks"
"""Records as shipped."""
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"\\\S+|[A-Za-z_$][\w$]*")


BUFFERS = "buffers between blocks"


@dataclass(frozen=True)
class Block:
    """One block.

    Parameters
    ----------
    modules : int
        How many modules it was cut into.
    area_um2 : float
        Their cell area, in square micrometres.
    flip_flops : int
        Their flip-flops.
    path_ns : float or None
        Critical path that ends in the block, from a register or memory of any block, in nanoseconds.
    """

    modules: int
    area_um2: float
    flip_flops: int
    path_ns: float | None = None

    @property
    def gate_equivalents(self) -> float:
        """Area in areas of `nand2_1`."""
        return self.area_um2 / GATE_EQUIVALENT_UM2


@dataclass(frozen=True)
class BlockMeasurement:
    """Figures of an engine that was synthesised block by block, with its memories, which are built apart.

    Nothing is optimised across the borders of blocks, so that area is rather more than that of the whole. Nets between
    blocks are buffered, and the whole is timed, as `assembly` says.

    Parameters
    ----------
    name : str
        The engine's.
    blocks : dict of str to Block
        By name; `BUFFERS` is what `assembly` adds.
    corners : dict of str to Timing
        By corner: critical paths of the whole, those to and from memories among those of registers, slews and loads.
        Access times do not count. Older records have the typical corner alone.
    paths_with_access : Paths or None
        Critical paths at the typical corner with access and setup times of macros; what chooses between copies and rows
        does not count. At other corners no library of the macros matches.
    memories : list of BuiltMemory
        What the memories are made of, and what they take.
    period_ns, corner, tools, verilog_sha256, clock_gating
        As of `Measurement`.
    booth : bool
        Whether multipliers are Yosys' Booth multipliers.
    full_adders : int
        As of `Measurement`.
    routable : bool
        Whether it is for a layout, which does without some cells (`NOT_IN_LAYOUTS`).
    """

    name: str
    blocks: dict[str, Block]
    corners: dict[str, Timing]
    paths_with_access: Paths | None
    memories: list[BuiltMemory]
    period_ns: float
    corner: str
    tools: dict[str, str]
    verilog_sha256: str
    clock_gating: bool
    booth: bool
    full_adders: int = 0
    routable: bool = False

    @property
    def paths(self) -> Paths:
        """Critical paths at the typical corner, where access times do not count."""
        return self.corners["typical"].paths

    @property
    def gate_equivalents(self) -> float:
        """Sum over all blocks."""
        return sum(block.gate_equivalents for block in self.blocks.values())

    @property
    def memory_bits(self) -> int:
        """Bits of all memories."""
        return sum(memory.total_bits for memory in self.memories)

    @property
    def memory_um2(self) -> float:
        """Area of all memories in square micrometres."""
        return sum(memory.total_um2 for memory in self.memories)


@dataclass(frozen=True)
class KeptNetlist:
    """The netlist of all blocks together, kept in a folder.

    Parameters
    ----------
    folder : Path
        Where it is.
    """

    folder: Path

    @property
    def netlist(self) -> str:
        """Verilog."""
        return gzip.decompress((self.folder / "netlist.v.gz").read_bytes()).decode()

    @cached_property
    def _described(self) -> dict[str, Any]:
        described: dict[str, Any] = json.loads((self.folder / "blocks.json").read_text())
        return described

    @property
    def memories(self) -> list[dict[str, Any]]:
        """Fields of `silicodec.asic.memories.OutsideMemory`, in the order of the ports."""
        memories: list[dict[str, Any]] = self._described["memories"]
        return memories

    @property
    def verilog_sha256(self) -> str:
        """`Source.sha256` of what it was made from."""
        return str(self._described["verilog_sha256"])

    @property
    def blocks(self) -> dict[str, list[str]]:
        """Modules of each block."""
        modules: dict[str, list[str]] = self._described["modules"]
        return modules

    @cached_property
    def _blocks(self) -> dict[str, str]:
        return {module: block for block, some in self.blocks.items() for module in some}

    def block_of_cell(self, cell: str) -> str:
        """Return the block of a cell by its name."""
        return self._blocks.get(cell.partition("__")[0], BUFFERS)

    def write(self, netlist: Path, found: dict[str, Any], verilog_sha256: str) -> None:
        """Keep a netlist with the list of its modules and memories, as `silicodec.asic.split` leaves it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with written_whole(self.folder / "netlist.v.gz") as temporary:
            temporary.write_bytes(gzip.compress(netlist.read_bytes(), 1))
        with written_whole(self.folder / "blocks.json") as temporary:
            temporary.write_text(json.dumps({**found, "verilog_sha256": verilog_sha256}) + "\n")


def measure_blocks(
    source: Source,
    *,
    name: str,
    clock_ports: Sequence[str] = ("clk",),
    period_ns: float = PERIOD_NS,
    clock_gating: bool = False,
    booth: bool = False,
    full_adders: int = 0,
    routable: bool = False,
    keep: Path | None = None,
) -> BlockMeasurement:
    """Synthesise the blocks of an engine one by one, and time the whole.

    Of modules that are alike but for names, one is synthesised.

    Parameters
    ----------
    source : Source
        Verilog that MyHDL made: one module.
    name, clock_ports, period_ns, clock_gating, full_adders
        As of `measure`.
    booth : bool
        Whether multipliers are Yosys' Booth multipliers.
    routable : bool
        Whether it is for a layout, which does without some cells (`NOT_IN_LAYOUTS`).
    keep : Path, optional
        Folder that takes the whole netlist (`KeptNetlist`).

    Raises
    ------
    MeasurementError
        As of `measure`.
    """
    liberty_file()  # if it is missing, say so before any work
    tools = tool_versions()
    gating = ["--clock-gating"] * clock_gating
    options = [*gating, *["--booth"] * booth, *["--routable"] * routable, f"--full-adders={full_adders}"]
    with tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
        folder = Path(temporary)
        found = cut(source, folder, name)
        parts: dict[str, list[Statistics]] = {}
        known: dict[str, tuple[Module, Statistics]] = {}
        netlists = []
        for block, modules in found["modules"].items():
            parts[block] = []
            for name_of_module in modules:
                module = Module(name_of_module, (folder / f"{name_of_module}.v").read_text())
                if module.alike not in known:
                    known[module.alike] = module, synthesised(module, folder, clock_ports, period_ns, options)
                    netlists.append((folder / "blocks" / module.name / "netlist.v").read_text())
                else:
                    netlists.append(module.as_other(known[module.alike][0]))
                parts[block].append(known[module.alike][1])
        netlists.append((folder / f"{source.top}.v").read_text())
        whole = folder / "whole"
        added = _assemble(source.top, whole, netlists, liberty=next(folder.glob("blocks/*/cells.lib")))
        if keep:
            KeptNetlist(keep).write(whole / "netlist.v", found, source.sha256)
        time = partial(time_netlist, source.top, whole, clock_ports, period_ns)
        corners = {corner: time(liberty=liberty_file(corner))[0] for corner in CORNERS if corner != "typical"}
        corners["typical"], ends = time(liberty=liberty_file(), ends=_ends(found["modules"]))
        memories = build_memories(
            found["memories"], lambda top, place: synthesize(top, place, ("clk",), period_ns, *gating)
        )
        further = access_constraints(found["memories"], memories, clock_ports[0])
        with_access, _ = time(liberty=liberty_file(), further=further)
    blocks = {
        block: Block(
            len(some),
            round(sum(one.area_um2 for one in some), 1),
            sum(one.flip_flops for one in some),
            ends[block],
        )
        for block, some in parts.items()
    }
    blocks[BUFFERS] = Block(0, round(added, 1), 0)
    return BlockMeasurement(
        name=name,
        blocks=dict(sorted(blocks.items(), key=lambda item: -item[1].area_um2)),
        corners={corner: corners[corner] for corner in CORNERS},
        paths_with_access=with_access.paths,
        memories=memories,
        period_ns=period_ns,
        corner=CORNER,
        tools=tools,
        verilog_sha256=source.sha256,
        clock_gating=clock_gating,
        booth=booth,
        full_adders=full_adders,
        routable=routable,
    )


def cut(source: Source, folder: Path, name: str) -> dict[str, Any]:
    """Cut an engine up in a folder: its memories, and the names of each block's modules, as `split` leaves them."""
    source.stage(folder)
    done = run_group([sys.executable, "-m", "silicodec.asic.split"], folder)
    if done.returncode != 0:
        raise MeasurementError(f"cutting up {name} failed: {failure(done.returncode, done.stderr)}")
    found: dict[str, Any] = json.loads((folder / "blocks.json").read_text())
    return found


class Module:
    """A module as it was cut out, and a text that it has in common with those that only differ in names."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = _COMMENT.sub("", text)
        self._numbers: dict[str, str] = {}
        self.alike = _WORD.sub(lambda match: self._numbers.setdefault(match[0], f"n{len(self._numbers)}"), self.text)

    def as_other(self, other: Module) -> str:
        """Return this module as an instance of another one that is alike."""
        names = {number: name for name, number in other._numbers.items()}
        heading = self.text[self.text.index("(") : self.text.index(";") + 1]
        ports = re.findall(r"^\s*((?:input|output)\b[^;]*?)(\S+)\s*;$", self.text, re.MULTILINE)
        declared = "".join(f"  {way}{port} ;\n" for way, port in ports)
        wired = ", ".join(f".{names[self._numbers[port]]} ({port} )" for _, port in ports)
        return f"module {self.name} {heading}\n{declared}  {other.name} whole ({wired});\nendmodule\n"


def _ends(modules: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return patterns of the names of each block's cells."""
    return {block: [f"{module}__*" for module in some] for block, some in modules.items()}


def _assemble(top: str, folder: Path, netlists: Sequence[str], *, liberty: Path) -> float:
    """Connect the blocks in a folder, and return the area that buffers between them take."""
    folder.mkdir()
    (folder / "blocks.v").write_text("\n".join(netlists))
    (folder / "cells.lib").write_bytes(liberty.read_bytes())
    done = run_group([sys.executable, "-m", "silicodec.asic.assembly", top], folder)
    if done.returncode != 0:
        raise MeasurementError(f"connecting the blocks of {top} failed: {failure(done.returncode, done.stderr)}")
    return float(json.loads((folder / "repair.json").read_text())["area_um2"])


def synthesised(
    module: Module, folder: Path, clock_ports: Sequence[str], period_ns: float, options: list[str]
) -> Statistics:
    """Synthesise a module in `folder/blocks/NAME`, and return statistics of its netlist."""
    place = folder / "blocks" / module.name
    place.mkdir(parents=True)
    Source(module.name, text=module.text).stage(place)
    clocks = [port for port in clock_ports if re.search(rf"\binput {port};", module.text)]
    return synthesize(module.name, place, clocks, period_ns, *options)


def write_blocks(measurement: BlockMeasurement, folder: Path) -> Path:
    """Write a measurement as `folder/NAME.json`, or with Booth multipliers `folder/NAME-booth.json`."""
    path = folder / f"{measurement.name}{'-booth' if measurement.booth else ''}.json"
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(asdict(measurement), indent=2) + "\n")
    return path


def read_blocks(path: Path) -> BlockMeasurement:
    """Read a measurement that `write_blocks` wrote."""
    fields = json.loads(path.read_text())
    blocks = {name: Block(**block) for name, block in fields.pop("blocks").items()}
    memories = [BuiltMemory(**memory) for memory in fields.pop("memories")]
    with_access = fields.pop("paths_with_access")
    return BlockMeasurement(
        blocks=blocks,
        corners=_read_corners(fields),
        paths_with_access=with_access and Paths(**with_access),
        memories=memories,
        **fields,
    )


def _read_corners(fields: dict[str, Any]) -> dict[str, Timing]:
    """Take the timing at each corner out of a record's fields; older ones have that of the typical corner alone."""
    if "corners" in fields:
        return {corner: Timing.from_fields(timing) for corner, timing in fields.pop("corners").items()}
    limits = Limits.from_fields(fields.pop("limits", None))
    return {"typical": Timing(None, None, Paths(**fields.pop("paths")), limits)}
