"""Buffers on nets of a large load, and flip-flops sized for what they drive, in a netlist of standard cells.

ABC buffers and sizes what lies between registers, and sees these as ports: to it a flip-flop drives as well as an
input does, and however many flip-flops an enable goes to, they are the load of one output. Nor does it know how much a
cell may drive. Clocks are left alone: they get a tree in a layout.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from pyosys import libyosys as yosys

from silicodec.asic.cells import CLOCK_PINS, Library
from silicodec.asic.pdk import OUTPUT_LOAD_FF
from silicodec.asic.statistics import FLIP_FLOP

LOAD_PF = 0.12
"""Load of a net from which on it gets buffers, whatever drives it."""
SHARE = 0.8
"""How much of the load that its driver may have a net gets at most: what arrives slowly leaves slowly, too."""
BUFFERS_PF = (("buf_8", 0.06), ("buf_4", 0.03), ("buf_2", 0.015), ("buf_1", 0.0))
FLIP_FLOPS_PF = (("_4", 0.05), ("_2", 0.015), ("_1", 0.0))
"""Sizes of buffers and flip-flops, and the load from which on each is taken."""
PREFIX = "sky130_fd_sc_hd__"


@dataclass(frozen=True)
class Sink:
    """What a net drives: a pin of a cell, or an output that is another name of the net; its load in picofarads."""

    end: yosys.Cell | int
    pin: str
    load: float


Net = tuple[str, int]
"""A wire's name, and the number of a bit of it."""


class Buffering:
    """A flat module of mapped cells whose nets can be buffered.

    Parameters
    ----------
    module : Module
        What Yosys holds.
    library : Library
        Its cells.
    """

    def __init__(self, module: yosys.Module, library: Library) -> None:
        self._module, self._library = module, library
        self.buffers = 0
        self.added_um2 = 0.0
        self._signals: dict[Net, yosys.SigSpec] = {}
        self._drivers: dict[Net, tuple[yosys.Cell, str]] = {}
        self._sinks: dict[Net, list[Sink]] = defaultdict(list)
        self._outputs = {wire.name.str() for wire in module.selected_wires() if wire.port_output}
        self._aliases = [
            (yosys.SigSpec(to, 1), of)
            for pair in module.connections()
            for to, of in zip(*(side.to_sigbit_vector() for side in pair), strict=True)
        ]
        for number, (to, of) in enumerate(self._aliases):
            (name,) = (bit.wire.name.str() for bit in to.to_sigbit_vector())
            if of.is_wire() and name in self._outputs:
                self._sinks[self._net(of)].append(Sink(number, "", OUTPUT_LOAD_FF / 1000))
        self._aliased = [(to, yosys.SigSpec(of, 1)) for to, of in self._aliases]
        for cell in module.selected_cells():
            self._connect(cell)

    def _net(self, bit: yosys.SigBit) -> Net:
        net = bit.wire.name.str(), bit.offset
        if net not in self._signals:
            self._signals[net] = yosys.SigSpec(bit, 1)
        return net

    def _connect(self, cell: yosys.Cell) -> None:
        kind = cell.type.str().removeprefix("\\")
        for name, signal in dict(cell.connections()).items():
            place = kind, name.str().removeprefix("\\")
            for bit in signal.to_sigbit_vector():
                if bit.is_wire() and place in self._library.limits:
                    self._drivers[self._net(bit)] = cell, place[1]
                elif bit.is_wire() and place in self._library.loads and place[1] not in CLOCK_PINS:
                    self._sinks[self._net(bit)].append(Sink(cell, place[1], self._library.loads[place]))

    def repair(self) -> None:
        """Buffer the nets of too large a load, and take larger flip-flops."""
        for net in dict.fromkeys([*self._drivers, *self._sinks]):
            driver, sinks = self._drivers.get(net), self._sinks[net]
            own = OUTPUT_LOAD_FF / 1000 if net[0] in self._outputs else 0.0
            if driver is None:
                self._buffered(net, sinks, LOAD_PF - own)
                continue
            cell, pin = driver
            kind = cell.type.str().removeprefix("\\")
            if flip_flop := FLIP_FLOP.fullmatch(kind):
                # What is too large for the smallest one may suit a larger one.
                kind = self._sized(kind, min(own + total_load(sinks), LOAD_PF))
            most = min(LOAD_PF, SHARE * self._library.limits[kind, pin])
            if own > most:
                self._follow(cell, pin, net, own + total_load(sinks))
                most = LOAD_PF
            left = own + self._buffered(net, sinks, most - own)
            if flip_flop:
                self._replace(cell, self._sized(kind, left))
        pairs = yosys.SigsigVector()
        for pair in self._aliased:
            pairs.append(pair)
        self._module.new_connections(pairs)

    def _buffered(self, net: Net, sinks: list[Sink], most: float) -> float:
        """Put levels of buffers between a net and its sinks, and return the load that is left, in picofarads."""
        while (load := total_load(sinks)) > most:
            parts: list[list[Sink]] = [[]]
            for sink in sinks:
                if parts[-1] and total_load([*parts[-1], sink]) > LOAD_PF:
                    parts.append([])
                parts[-1].append(sink)
            behind = [self._buffer(net, part) for part in parts]
            if total_load(behind) >= load:
                break
            sinks = behind
        return load

    def _buffer(self, net: Net, sinks: list[Sink]) -> Sink:
        """Put a buffer between a net and some of its sinks."""
        output = self._wire()
        for sink in sinks:
            if isinstance(sink.end, int):
                self._aliased[sink.end] = self._aliased[sink.end][0], output
            else:
                sink.end.setPort(yosys.IdString(f"\\{sink.pin}"), output)
        return self._add(self._signals[net], output, total_load(sinks))

    def _follow(self, cell: yosys.Cell, pin: str, net: Net, load: float) -> None:
        """Put a buffer between a net and the cell that drives it."""
        wire = self._wire()
        cell.setPort(yosys.IdString(f"\\{pin}"), wire)
        self._add(wire, self._signals[net], min(load, LOAD_PF))

    def _wire(self) -> yosys.SigSpec:
        return yosys.SigSpec(self._module.addWire(yosys.IdString(f"$buffered${self.buffers}"), 1))

    def _add(self, source: yosys.SigSpec, target: yosys.SigSpec, load: float) -> Sink:
        """Add a buffer of the size for a load, and return what it is to its source."""
        kind = PREFIX + next(name for name, least in BUFFERS_PF if load >= least)
        cell = self._module.addCell(yosys.IdString(f"$buffer${self.buffers}"), yosys.IdString(f"\\{kind}"))
        cell.setPort(yosys.IdString("\\A"), source)
        cell.setPort(yosys.IdString("\\X"), target)
        self.buffers += 1
        self.added_um2 += self._library.areas[kind]
        return Sink(cell, "A", self._library.loads[kind, "A"])

    def _sized(self, kind: str, load: float) -> str:
        """Return the size of a flip-flop for a load, if it has that size; never a smaller one."""
        size = next(size for size, least in FLIP_FLOPS_PF if load >= least)
        larger = kind[:-2] + size
        return max(kind, larger) if larger in self._library.areas else kind

    def _replace(self, cell: yosys.Cell, kind: str) -> None:
        before = cell.type.str().removeprefix("\\")
        self.added_um2 += self._library.areas[kind] - self._library.areas[before]
        cell.type = yosys.IdString(f"\\{kind}")


def total_load(sinks: list[Sink]) -> float:
    """Load of sinks in picofarads."""
    return sum(sink.load for sink in sinks)
