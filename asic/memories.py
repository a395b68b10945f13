"""Memories of a design, left outside so that its logic alone is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.asic.pdk import FROM_MEMORY, TO_MEMORY
from silicodec.asic.yosys_log import PassRunner, pass_runner
from silicodec.rtl.source import Source

TO_MEMORIES = (
    *("proc", "flatten", "opt_expr", "opt_clean"),
    # Without what `opt_dff` leaves unused, memories take their read registers in.
    *("opt_dff", "opt_clean", "memory -nomap", "opt_clean"),
)
"""Commands that find the memories of a design that was read."""
_DRIVEN = ("WR_ADDR", "WR_DATA", "WR_EN", "RD_ADDR", "RD_EN")
"""Pins of a memory that the logic drives."""
_REGISTERS = ("$dff", "$dffe", "$adff", "$adffe", "$sdff", "$sdffe", "$sdffce", "$aldff", "$aldffe")
Bit = tuple[str, int]
"""A bit of a wire: the wire's name, and the bit's place in it."""
_IMPOSSIBLE = "no model found"
_SECONDS = 20
"""How long the solver may take; without an answer ports count as not shared."""
_CONE = "cone"
"""Attribute of cells that some pins depend on, and the selection of these cells."""


@dataclass(frozen=True)
class OutsideMemory:
    """A memory whose pins are ports of the netlist.

    Parameters
    ----------
    name : str
        Its name in the Verilog.
    words, bits : int
        Words, and bits of each.
    mask_bits : int or None
        So many bits are written or kept together, where that is not the whole word.
    shared_port : bool
        Whether no state and no input makes it be written and read in one cycle.
    usual : bool
        Whether it has one port for writing and one for reading, both clocked, and no contents to begin with.
    """

    name: str
    words: int
    bits: int
    mask_bits: int | None
    shared_port: bool
    usual: bool


def has_memories(design: yosys.Design) -> bool:
    """Whether the design, as it was read, has arrays of words."""
    return any(dict(module.memories) for module in design.selected_modules())


def take_out_memories(design: yosys.Design, order: Sequence[str] = ()) -> list[OutsideMemory]:
    """Replace every memory that is written to by ports of the top module.

    Ports must be collected already (`memory -nomap`). Read-only memories remain: they are logic. Whether a port is
    shared is not looked into here; see `find_shared_ports`.

    Parameters
    ----------
    design : yosys.Design
        The design, flat.
    order : sequence of str
        Names of memories in the order of their ports; others follow as they are found.
    """
    top = design.top_module()
    nets = Nets(top)
    cells = [cell for cell in top.selected_cells() if cell.type.str() == "$mem_v2" and _parameter(cell, "WR_PORTS")]
    places = {name: place for place, name in enumerate(order)}
    cells.sort(key=lambda cell: places.get(cell.name.str().lstrip("\\"), len(places)))
    found = []
    for number, cell in enumerate(cells):
        bits = _parameter(cell, "WIDTH")
        usual = _is_usual(cell)
        mask_bits = None
        for pin in _DRIVEN:
            signal = cell.getPort(yosys.IdString(f"\\{pin}"))
            if pin == "WR_EN" and usual:
                # A write enable comes once for each bit of a word.
                mask_bits = part_of([nets.function(bit) for bit in nets.bits(signal)])
                signal = yosys.SigSpec(signal.to_sigbit_vector()[:: mask_bits or bits])
            elif pin == "WR_EN":
                signal.sort_and_unify()
            wire = top.addWire(yosys.IdString(f"\\{TO_MEMORY}{number}_{pin.lower()}"), signal.size())
            wire.port_output = True
            top.connect(yosys.SigSpec(wire), signal)
        signal = cell.getPort(yosys.IdString("\\RD_DATA"))
        wire = top.addWire(yosys.IdString(f"\\{FROM_MEMORY}{number}_rd_data"), signal.size())
        wire.port_input = True
        top.connect(signal, yosys.SigSpec(wire))
        name = cell.name.str().lstrip("\\")
        found.append(OutsideMemory(name, _parameter(cell, "SIZE"), bits, mask_bits, False, usual))
        top.remove(cell)
    top.fixup_ports()
    return found


def find_shared_ports(source: Source, folder: Path) -> set[str]:
    """Return the names of the memories that one port is enough for.

    The design is read once more for this, because passes that run before synthesis change ABC's result.

    Parameters
    ----------
    source : Source
        The design, staged in `folder`, which is the working folder.
    folder : Path
        Takes the logs.
    """
    design = yosys.Design()
    run = pass_runner(design, folder)
    for command in (*source.yosys_commands(), *TO_MEMORIES):
        run(command)
    found = take_out_memories(design)
    logic = _Logic(design.top_module(), run)
    return {one.name for number, one in enumerate(found) if one.usual and logic.excludes(number, one)}


class _Logic:
    """What drives the pins of memories, to be asked whether two can be high at once."""

    def __init__(self, top: yosys.Module, run: PassRunner) -> None:
        self._top, self._run = top, run
        self._nets = Nets(top)

    def excludes(self, number: int, memory: OutsideMemory) -> bool:
        """Whether a memory is never written and read at once: proven for any state of the registers."""
        write, read = (f"{TO_MEMORY}{number}_{pin}_en" for pin in ("wr", "rd"))
        self._mark(write, read)
        self._run(f"select -set {_CONE} a:{_CONE}")
        parts = memory.bits // (memory.mask_bits or memory.bits)
        for part in range(parts):
            pin = write if parts == 1 else f"{write}[{part}]"
            self._run(
                f"sat -timeout {_SECONDS} -ignore_unknown_cells -set {pin} 1 -set {read} 1 @{_CONE}", output="exclusive"
            )
            if _IMPOSSIBLE not in Path("exclusive").read_text():
                break
        else:
            return True
        return False

    def _mark(self, *names: str) -> None:
        """Mark the cells that some wires depend on without a register between, and no others."""
        mark = yosys.IdString(f"\\{_CONE}")
        for cell in self._top.selected_cells():
            cell.set_bool_attribute(mark, False)
        seen: set[Bit] = set()
        wires = [self._top.wire(yosys.IdString(f"\\{name}")) for name in names]
        waiting = [bit for wire in wires for bit in self._nets.bits(yosys.SigSpec(wire))]
        while waiting:
            bit = waiting.pop()
            cell = self._nets.driver(bit)
            if bit in seen or cell is None:
                continue
            seen.add(bit)
            if not cell.get_bool_attribute(mark):
                cell.set_bool_attribute(mark, True)
                inputs = (signal for port, signal in dict(cell.connections_).items() if not cell.output(port))
                waiting += [bit for signal in inputs for bit in self._nets.bits(signal)]


class Nets:
    """The bits of a module's signals, each by one name, whatever wires are connected.

    Parameters
    ----------
    module : yosys.Module
        The module, as it is now.
    """

    def __init__(self, module: yosys.Module) -> None:
        self._sources: dict[Bit, Bit] = {}
        for target, source in module.connections():
            self._sources.update(zip(_names(target), _names(source), strict=True))
        self._functions: dict[Bit, int] = {}
        self._numbers: dict[object, int] = {}
        self._drivers: dict[Bit, tuple[yosys.Cell, int]] = {}
        for cell in module.selected_cells():
            for port, signal in dict(cell.connections_).items():
                if cell.output(port) and cell.type.str() not in _REGISTERS:
                    self._drivers.update((bit, (cell, place)) for place, bit in enumerate(self.bits(signal)))

    def bits(self, signal: yosys.SigSpec) -> list[Bit]:
        """Return the name of each bit: its wire's and its place in that, or a constant's and -1."""
        result = []
        for bit in _names(signal):
            while bit in self._sources:
                bit = self._sources[bit]
            result.append(bit)
        return result

    def driver(self, bit: Bit) -> yosys.Cell | None:
        """Return the cell that drives a bit, if that is no register."""
        return self._drivers.get(bit, (None, 0))[0]

    def function(self, bit: Bit) -> int:
        """Return a number that is the same for bits that multiplexers make alike, as those of one write enable."""
        if bit not in self._functions:
            made: object = bit
            cell, place = self._drivers.get(bit, (None, 0))
            if cell is not None and cell.type.str() == "$mux":
                first, second, select = (self.bits(cell.getPort(yosys.IdString(f"\\{pin}"))) for pin in "ABS")
                made = self.function(first[place]), self.function(second[place]), select[0]
            self._functions[bit] = self._numbers.setdefault(made, len(self._numbers))
        return self._functions[bit]


def _names(signal: yosys.SigSpec) -> list[Bit]:
    return [
        (bit.wire.name.str(), bit.offset) if bit.is_wire() else (bit.data.name, -1) for bit in signal.to_sigbit_vector()
    ]


def part_of(enables: Sequence[object]) -> int | None:
    """Return how many bits of a word have a write enable in common; None if all have.

    Examples
    --------
    >>> part_of([("low", 0)] * 4 + [("high", 0)] * 4)
    4
    """
    ends = [n for n in range(1, len(enables)) if enables[n] != enables[n - 1]]
    if not ends:
        return None
    part = ends[0]
    return part if len(enables) % part == 0 and all(end % part == 0 for end in ends) else 1


def _is_usual(cell: yosys.Cell) -> bool:
    ports = all(_parameter(cell, name) == 1 for name in ("WR_PORTS", "RD_PORTS", "WR_CLK_ENABLE", "RD_CLK_ENABLE"))
    clock = all(_parameter(cell, name) == 1 for name in ("WR_CLK_POLARITY", "RD_CLK_POLARITY"))
    plain = not any(_parameter(cell, name) for name in ("RD_TRANSPARENCY_MASK", "OFFSET"))
    resets = [cell.getPort(yosys.IdString(f"\\RD_{reset}")) for reset in ("ARST", "SRST")]
    contents = cell.getParam(yosys.IdString("\\INIT")).is_fully_undef()
    return ports and clock and plain and contents and all(reset.is_fully_zero() for reset in resets)


def _parameter(cell: yosys.Cell, name: str) -> int:
    return int(cell.getParam(yosys.IdString(f"\\{name}")).as_int())
