"""A netlist of standard cells as arrays of gates, registers and nets, for a simulation without delays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

CLOCK_GATE = "sky130_fd_sc_hd__dlclkp_"
"""What the names of clock gates begin with."""
CONSTANTS = 2
"""The first nets are the constants 0 and 1."""
MOST_INPUTS = 6
"""So many inputs a truth table of 64 bits has."""
_CELL = re.compile(r'^    cell \("(\w+)"\)', re.MULTILINE)
_PIN = re.compile(r'^        pin \("(\w+)"\) \{(.*?)^        \}', re.MULTILINE | re.DOTALL)
_FUNCTION = re.compile(r'^            function : "([^"]*)"', re.MULTILINE)
_FLIP_FLOP = re.compile(r'^        ff \("IQ","IQ_N"\) \{(.*?)^        \}', re.MULTILINE | re.DOTALL)
_ATTRIBUTE = re.compile(r'(\w+) : "([^"]*)"')
_INSTANCE = re.compile(r"^ *(sky130_fd_sc_hd__\w+) (\S+) *\((.*?)\) *;", re.MULTILINE | re.DOTALL)
_CONNECTION = re.compile(r"\.(\w+) *\( *([^)]*?) *\)")
_DECLARED = re.compile(r"^ *(input|output|wire) (?:\[(\d+):(\d+)\] )?(\S+?) ?;", re.MULTILINE)
_ASSIGNED = re.compile(r"^ *assign (.+?) = (.+?) ?;$", re.MULTILINE)
_SIGNAL = re.compile(r"(\S+?) ?(?:\[(\d+)(?::(\d+))?\])?$")
_CONSTANT = re.compile(r"(\d+)'([bdh])(\w+)$")
_BASES = {"b": 2, "d": 10, "h": 16}
_TOKEN = re.compile(r"\w+|[!&|()]")


class Cell(NamedTuple):
    """What a cell does: a function of each output, and what a flip-flop takes at the clock's edge, if it is one."""

    functions: dict[str, str]
    next_state: str | None


class _Instance(NamedTuple):
    """A cell of a netlist, with the nets at its pins."""

    kind: str
    name: str
    pins: dict[str, int]


class Gates(NamedTuple):
    """Gates in an order in which each comes after those that it reads.

    Gate n has the inputs `inputs[n]`, the first of which is the lowest bit of the place in its truth table `tables[n]`;
    what it has fewer than `MOST_INPUTS` is net 0.
    """

    tables: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray


class Registers(NamedTuple):
    """Nets of registers: where `enable` is 1, `state` becomes what `following` is."""

    state: np.ndarray
    following: np.ndarray
    enable: np.ndarray


@dataclass(frozen=True)
class GateNetlist:
    """A netlist.

    Parameters
    ----------
    gates : Gates
        Combinational logic.
    registers : Registers
        Flip-flops, all of one clock.
    net_count : int
        Number of nets.
    ports : dict of str to int
        Net of each bit of each port, as `data[3]`, or `ready`.
    pins : dict of str to dict of str to int
        Net of each pin of each cell.
    clocks : dict of int to int
        For each net that is the clock, or the clock behind a gate, the net of its enable.
    """

    gates: Gates
    registers: Registers
    net_count: int
    ports: dict[str, int]
    pins: dict[str, dict[str, int]]
    clocks: dict[int, int]


def read_library(liberty: str) -> dict[str, Cell]:
    """Read the functions of all cells from the text of a liberty file."""
    begins = [*_CELL.finditer(liberty)]
    ends = [*(found.start() for found in begins[1:]), len(liberty)]
    library = {}
    for found, end in zip(begins, ends, strict=True):
        text = liberty[found.start() : end]
        pins = {pin: _FUNCTION.search(body) for pin, body in _PIN.findall(text)}
        flip_flop = _FLIP_FLOP.search(text)
        state = dict(_ATTRIBUTE.findall(flip_flop[1])) if flip_flop else {}
        simple = state.keys() == {"clocked_on", "next_state"} and state["clocked_on"] == "CLK"
        library[found[1]] = Cell(
            {pin: function[1] for pin, function in pins.items() if function}, state["next_state"] if simple else None
        )
    return library


@cache
def truth_table(function: str) -> tuple[tuple[str, ...], int]:
    """Return the inputs of a function in liberty's notation, and its values, a bit for each combination of inputs.

    Examples
    --------
    >>> truth_table("(A&!B) | C")
    (('A', 'B', 'C'), 242)
    """
    tokens = _TOKEN.findall(function)
    names = tuple(dict.fromkeys(token for token in tokens if token[0].isalpha()))
    table = 0
    for place, values in enumerate(product((0, 1), repeat=len(names))):
        given = {"0": 0, "1": 1} | dict(zip(reversed(names), values, strict=True))
        table |= _value(iter([*tokens, ")"]), given) << place
    return names, table


def _value(tokens: Iterator[str], given: Mapping[str, int]) -> int:
    """Return the value of tokens up to the parenthesis that ends them; `!` binds most, then `&`, then `|`."""
    either, both, inverted = 0, 1, 0
    for token in tokens:
        if token == "!":
            inverted ^= 1
        elif token in "|)":
            either, both = either | both, 1
            if token == ")":
                return either
        elif token != "&":
            both &= (_value(tokens, given) if token == "(" else given[token]) ^ inverted
            inverted = 0
    raise ValueError("a parenthesis is missing")


def read_netlist(text: str, library: Mapping[str, Cell], clock_port: str) -> GateNetlist:
    """Read a netlist.

    Parameters
    ----------
    text : str
        Verilog of one module of cells, as Yosys writes it.
    library : dict of str to Cell
        The cells.
    clock_port : str
        The clock input.

    Raises
    ------
    ValueError
        If the netlist has what cannot be simulated, such as a latch, or a loop.
    """
    return _Reader(library, clock_port).read(text)


class _Reader:
    def __init__(self, library: Mapping[str, Cell], clock_port: str) -> None:
        self._library, self._clock_port = library, clock_port
        self._nets: dict[str, int] = {}
        self._aliases: dict[str, str] = {}
        self._buses: dict[str, tuple[int, int]] = {}
        self._gates: list[tuple[int, tuple[int, ...], int]] = []
        self._registers: list[tuple[int, int, int]] = []
        self._count = CONSTANTS

    def read(self, text: str) -> GateNetlist:
        declared = [(way, int(last or 0), int(first or 0), name) for way, last, first, name in _DECLARED.findall(text)]
        for _, last, first, name in declared:
            if last != first:
                self._buses[name.lstrip("\\")] = last, first
        for to, of in _ASSIGNED.findall(text):
            self._aliases.update(zip(self._bits(to), self._bits(of), strict=True))
        names = [bit for way, _, _, name in declared if way != "wire" for bit in self._bits(name)]
        ports = {name: self._net(name) for name in names}
        cells = [
            _Instance(kind, name.lstrip("\\"), self._connections(kind, body))
            for kind, name, body in _INSTANCE.findall(text)
        ]
        clocks = self._clocks(cells)
        for cell in cells:
            if not cell.kind.startswith(CLOCK_GATE):
                self._add(cell, clocks)
        return GateNetlist(
            gates=self._ordered(),
            registers=Registers(*np.array(self._registers, np.uint32).reshape(-1, 3).T.copy()),
            net_count=self._count,
            ports=ports,
            pins={cell.name: cell.pins for cell in cells},
            clocks=clocks,
        )

    def _bits(self, signal: str) -> list[str]:
        """Return the names of a signal's bits, the highest first."""
        signal = signal.strip()
        if signal.startswith("{"):
            return [bit for part in signal.strip("{}").split(",") for bit in self._bits(part)]
        if constant := _CONSTANT.match(signal):
            value = int(constant[3].replace("x", "0"), _BASES[constant[2]])
            return [str(value >> bit & 1) for bit in reversed(range(int(constant[1])))]
        found = _SIGNAL.match(signal)
        if found is None:
            raise ValueError(f"{signal} is no signal that can be read")
        name = found[1].lstrip("\\")
        if found[2] is None and name not in self._buses:
            return [name]
        last, first = self._buses[name] if found[2] is None else (int(found[2]), int(found[3] or found[2]))
        return [f"{name}[{bit}]" for bit in range(last, first - 1, -1)]

    def _connections(self, kind: str, body: str) -> dict[str, int]:
        """Return the nets of a cell's pins; outputs that are left open have nets of their own."""
        found = {pin: self._net(*self._bits(signal)) for pin, signal in _CONNECTION.findall(body) if signal}
        outputs = self._library[kind].functions if kind in self._library else {}
        return {**{pin: self._new() for pin in outputs if pin not in found}, **found}

    def _net(self, name: str) -> int:
        while name in self._aliases:
            name = self._aliases[name]
        if name in ("0", "1"):
            return int(name)
        if name not in self._nets:
            self._nets[name] = self._new()
        return self._nets[name]

    def _new(self) -> int:
        self._count += 1
        return self._count - 1

    def _clocks(self, cells: Sequence[_Instance]) -> dict[int, int]:
        """Return the nets that are the clock, through gates and through the buffers of a tree, with their enables."""
        clocks = {self._net(self._clock_port): 1}
        steps: list[tuple[int, int, int | None]] = []
        for cell in cells:
            pins = cell.pins
            functions = self._library[cell.kind].functions if cell.kind in self._library else {}
            if cell.kind.startswith(CLOCK_GATE):
                steps.append((pins["CLK"], pins["GCLK"], pins["GATE"]))
            elif len(functions) == 1 and functions.keys() <= pins.keys() and pins.keys() - functions.keys() == {"A"}:
                steps.append((pins["A"], pins[next(iter(functions))], None))
        found = True
        while found:
            found = False
            for of, to, enable in steps:
                if of in clocks and to not in clocks:
                    clocks[to], found = clocks[of] if enable is None else enable, True
        return clocks

    def _add(self, instance: _Instance, clocks: Mapping[int, int]) -> None:
        """Add a cell's gates, and its register."""
        cell = self._library.get(instance.kind, Cell({}, None))
        known = dict(instance.pins)
        if cell.next_state is not None:
            if known["CLK"] not in clocks:
                raise ValueError(f"{instance.name} is not clocked by {self._clock_port}")
            known["IQ"], following = self._new(), self._new()
            self._gate(cell.next_state, known, following)
            self._registers.append((known["IQ"], following, clocks[known["CLK"]]))
        for pin, function in cell.functions.items():
            if known[pin] not in clocks:
                if "IQ" in function and "IQ" not in known:
                    raise ValueError(f"{instance.name}, a {instance.kind}, cannot be simulated")
                self._gate(function.replace("IQ_N", "(!IQ)"), known, known[pin])

    def _gate(self, function: str, known: Mapping[str, int], output: int) -> None:
        names, table = truth_table(function)
        self._gates.append((table, tuple(known[name] for name in names), output))

    def _ordered(self) -> Gates:
        """Sort the gates."""
        drivers = {output: number for number, (_, _, output) in enumerate(self._gates)}
        order: list[int] = []
        done, entered = ([False] * len(self._gates) for _ in range(2))
        for first in range(len(self._gates)):
            waiting = [first]
            while waiting:
                gate = waiting[-1]
                needed = (drivers[net] for net in self._gates[gate][1] if net in drivers)
                missing = [] if done[gate] else [one for one in needed if not done[one]]
                if missing and entered[gate]:
                    raise ValueError("the netlist has a combinational loop")
                entered[gate] = True
                waiting += missing
                if not missing:
                    waiting.pop()
                    if not done[gate]:
                        done[gate] = True
                        order.append(gate)
        inputs = np.zeros((len(order), MOST_INPUTS), np.uint32)
        for place, gate in enumerate(order):
            inputs[place, : len(self._gates[gate][1])] = self._gates[gate][1]
        tables = np.array([self._gates[gate][0] for gate in order], np.uint64)
        return Gates(tables, inputs, np.array([self._gates[gate][2] for gate in order], np.uint32))
