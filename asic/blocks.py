"""Area of a large engine, block by block."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from silicodec.asic.measure import reason, synthesize, tool_versions
from silicodec.asic.pdk import CORNER, GATE_EQUIVALENT_UM2, PERIOD_NS, MeasurementError, liberty_file
from silicodec.asic.statistics import Statistics
from silicodec.models.processes import run_group
from silicodec.models.storage import written_whole
from silicodec.rtl.source import Source

SHIPPED = Path(__file__).parent / "records" / "blocks"
"""Records as shipped."""
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"\\\S+|[A-Za-z_$][\w$]*")


@dataclass(frozen=True)
class Block:
    """One block: how many modules it was cut into, their cell area in square micrometres, and flip-flops."""

    modules: int
    area_um2: float
    flip_flops: int

    @property
    def gate_equivalents(self) -> float:
        """Area in areas of `nand2_1`."""
        return self.area_um2 / GATE_EQUIVALENT_UM2


@dataclass(frozen=True)
class BlockMeasurement:
    """Figures of an engine that was synthesised block by block, memories left outside.

    Nothing is optimised across the borders of blocks, so that area is rather more than that of the whole. Paths are not
    timed: many cross a border, where nets have no buffers.

    Parameters
    ----------
    name : str
        The engine's.
    blocks : dict of str to Block
        By name.
    memory_bits : int
        Bits of the memories that were left outside.
    period_ns, corner, tools, verilog_sha256, clock_gating
        As of `Measurement`.
    booth : bool
        Whether multipliers are Yosys' Booth multipliers.
    """

    name: str
    blocks: dict[str, Block]
    memory_bits: int
    period_ns: float
    corner: str
    tools: dict[str, str]
    verilog_sha256: str
    clock_gating: bool
    booth: bool

    @property
    def gate_equivalents(self) -> float:
        """Sum over all blocks."""
        return sum(block.gate_equivalents for block in self.blocks.values())


def measure_blocks(
    source: Source,
    *,
    name: str,
    clock_ports: Sequence[str] = ("clk",),
    period_ns: float = PERIOD_NS,
    clock_gating: bool = False,
    booth: bool = False,
) -> BlockMeasurement:
    """Synthesise the blocks of an engine one by one.

    Of modules that are alike but for names, one is synthesised.

    Parameters
    ----------
    source : Source
        Verilog that MyHDL made: one module.
    name, clock_ports, period_ns, clock_gating
        As of `measure`.
    booth : bool
        Whether multipliers are Yosys' Booth multipliers.

    Raises
    ------
    MeasurementError
        As of `measure`.
    """
    liberty_file()  # if it is missing, say so before any work
    tools = tool_versions()
    options = ["--clock-gating"] * clock_gating + ["--booth"] * booth
    with tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
        folder = Path(temporary)
        source.stage(folder)
        done = run_group([sys.executable, "-m", "silicodec.asic.split"], folder)
        if done.returncode != 0:
            raise MeasurementError(f"cutting up {name} failed: {reason(done.stderr)}")
        found = json.loads((folder / "blocks.json").read_text())
        blocks: dict[str, Block] = {}
        known: dict[str, Statistics] = {}
        for block, modules in found["modules"].items():
            statistics = []
            for module in modules:
                text = _COMMENT.sub("", (folder / f"{module}.v").read_text())
                alike = _alike(text)
                if alike not in known:
                    known[alike] = _synthesised(module, text, folder, clock_ports, period_ns, options)
                statistics.append(known[alike])
            area = round(sum(one.area_um2 for one in statistics), 1)
            blocks[block] = Block(len(modules), area, sum(one.flip_flops for one in statistics))
    return BlockMeasurement(
        name=name,
        blocks=dict(sorted(blocks.items(), key=lambda item: -item[1].area_um2)),
        memory_bits=sum(found["memory_bits"].values()),
        period_ns=period_ns,
        corner=CORNER,
        tools=tools,
        verilog_sha256=source.sha256,
        clock_gating=clock_gating,
        booth=booth,
    )


def _alike(text: str) -> str:
    """Return a text that modules have in common which only differ in names."""
    numbers: dict[str, str] = {}
    return _WORD.sub(lambda match: numbers.setdefault(match[0], f"n{len(numbers)}"), text)


def _synthesised(
    module: str, text: str, folder: Path, clock_ports: Sequence[str], period_ns: float, options: list[str]
) -> Statistics:
    """Return statistics of a module's netlist."""
    place = folder / "blocks" / module
    place.mkdir(parents=True)
    Source(module, text=text).stage(place)
    clocks = [port for port in clock_ports if re.search(rf"\binput {port};", text)]
    return synthesize(module, place, clocks, period_ns, *options)


def write_blocks(measurement: BlockMeasurement, folder: Path) -> Path:
    """Write a measurement as `folder/NAME.json`, or with Booth multipliers `folder/NAME-booth.json`."""
    path = folder / f"{measurement.name}{'-booth' if measurement.booth else ''}.json"
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(asdict(measurement), indent=2) + "\n")
    return path
