"""What a flow is to run: a design, its clock, and what it is simulated on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from silicodec.asic.tools import power_fault, signoff_fault
from silicodec.rtl.source import Source


@dataclass(frozen=True)
class Workload:
    """What an engine was simulated on, and the clock cycles that it took.

    Parameters
    ----------
    origin : str
        Where the tensor comes from.
    sha256 : str
        Hash of its values.
    words : int
        Number of words.
    cycles : int
        Clock cycles from the first transfer to the last one.
    """

    origin: str
    sha256: str
    words: int
    cycles: int


@dataclass(frozen=True)
class Floorplan:
    """What a layout is asked for.

    Parameters
    ----------
    density : float
        Cell area in percent of the core, to begin with.
    aspect : float
        Height of the core over its width.
    pins : dict of str to str
        Port, or pattern such as `s_*`, to the side that its pins go to: `north`, `east`, `south` or `west`. Other pins
        are placed where wires get short.

    Raises
    ------
    ValueError
        If there is no such density or aspect.
    """

    density: float = 40.0
    aspect: float = 1.0
    pins: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that there can be such a core."""
        if not 1 <= self.density <= 100:
            raise ValueError(f"cells may fill 1 to 100 percent of the core, not {self.density:g}")
        if not 0.1 <= self.aspect <= 10:
            raise ValueError(f"the aspect ratio must be between 0.1 and 10, not {self.aspect:g}")


@dataclass(frozen=True)
class Job:
    """One run of a flow.

    Parameters
    ----------
    name : str
        What is built: the engine's name, or the top module of other Verilog.
    source : Source
        Its Verilog.
    clock_ports : tuple of str
        The top module's clock inputs; paths between two of them are not timed.
    reset_port : str or None
        Its reset, after `!` if it is active low, for the formal check; by default it is looked for.
    period_ns : float or None
        Clock period, in nanoseconds; by default one that can be met, which `silicodec.asic.clock` finds.
    flow : str
        `synthesis` or `layout`.
    corner : str
        Corner at which the clock is to be met: `slow`, `typical` or `fast`.
    clock_gating : bool
        Whether to synthesise a second netlist, with gated clocks.
    full_adders : int
        How many bits of each adder are made of the library's full adder cells, the lowest ones.
    workload : Workload or None
        What the design was simulated on, for its record.
    stimulus : Path or None
        The workload's tensor, a `.npy` file: the netlist is simulated on it for its power. `name` is then an engine's.
    floorplan : Floorplan
        What a layout is asked for.
    seeds : int
        How many layouts to make; `silicodec.asic.seeds` says how they differ.
    seed : int
        Which of them this is.
    """

    name: str
    source: Source
    clock_ports: tuple[str, ...] = ("clk",)
    reset_port: str | None = None
    period_ns: float | None = None
    flow: str = "synthesis"
    corner: str = "typical"
    clock_gating: bool = False
    full_adders: int = 0
    workload: Workload | None = None
    stimulus: Path | None = None
    floorplan: Floorplan = field(default_factory=Floorplan)
    seeds: int = 1
    seed: int = 0

    @property
    def clock_ns(self) -> float:
        """The clock period, which is known when a flow runs."""
        if self.period_ns is None:
            raise ValueError(f"{self.name} has no clock period yet")
        return self.period_ns

    @property
    def top(self) -> str:
        """The top module."""
        return self.source.top

    @property
    def signoff_fault(self) -> str | None:
        """Why a layout is not signed off, or None if it is."""
        if self.seed:
            return "the first layout alone is signed off"
        return signoff_fault() if self.flow == "layout" else "there is no layout"

    @property
    def power_fault(self) -> str | None:
        """Why the flow reports no power, or None if it does."""
        return power_fault() if self.stimulus else "there is no simulation to take switching activity from"
