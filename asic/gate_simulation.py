"""A netlist simulated cycle by cycle, without delays, and counts of how often its nets switch.

Gates are evaluated one after the other in compiled loops. That begins at once, where a simulator that compiles a large
netlist takes longer for that than for the simulation, and counts take the place of a waveform of gigabytes. What a net
does between two rising edges of the clock but for its last value, glitches that is, does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from silicodec.asic.gates import GateNetlist
from silicodec.rtl.convert import signal_names
from silicodec.rtl.engine import Engine, Packets, Port

RESET_CYCLES = 3
NO_NET = 0
"""A net that is always 0, where there is none."""


class Streams(NamedTuple):
    """Nets and words of all streams of one direction; bits of `data` beyond a word's width are `NO_NET`.

    Words of stream n are `words[first[n] : end[n]]`; `last` marks those that end a packet.
    """

    data: np.ndarray
    valid: np.ndarray
    ready: np.ndarray
    last: np.ndarray
    words: np.ndarray
    flags: np.ndarray
    first: np.ndarray
    end: np.ndarray


@dataclass(frozen=True)
class Switching:
    """What a simulation counted.

    Parameters
    ----------
    cycles : int
        Clock cycles that counted.
    ones, toggles : ndarray of int64
        For each net the cycles in which it was 1, and its changes.
    """

    cycles: int
    ones: np.ndarray
    toggles: np.ndarray


def simulate_gates(
    netlist: GateNetlist,
    engine: Engine,
    inputs: Mapping[str, Packets],
    cycles: int,
) -> tuple[dict[str, list[np.ndarray]], Switching]:
    """Simulate an engine's netlist without stalls, in reset at first, and count what switches after that.

    Parameters
    ----------
    netlist : GateNetlist
        The netlist.
    engine : Engine
        What it was made from.
    inputs : dict of str to sequence of ndarray
        Packets of each input stream.
    cycles : int
        Clock cycles after the reset.

    Returns
    -------
    dict of str to list of ndarray
        Packets of each output stream, the last of which may not be whole.
    Switching
        How often nets switched.
    """
    sources = _streams(netlist, engine, engine.inputs, inputs, 0)
    sinks = _streams(netlist, engine, engine.outputs, {}, cycles)
    values = np.zeros(netlist.net_count, np.uint8)
    values[1] = 1
    ones, toggles = (np.zeros(netlist.net_count, np.int64) for _ in range(2))
    times = netlist.ports["rst"], cycles
    _run(values, (netlist.gates, netlist.registers), (sources, sinks), times, (ones, toggles))
    streams = {}
    for number, port in enumerate(engine.outputs):
        some = slice(number * cycles, sinks.end[number])
        words, ends = sinks.words[some].astype(port.dtype), np.flatnonzero(sinks.flags[some]) + 1
        parts = np.split(words, ends)
        streams[port.name] = parts if parts[-1].size else parts[:-1]
    return streams, Switching(cycles, ones, toggles)


def _nets(netlist: GateNetlist, name: str, bits: int) -> list[int]:
    """Return the nets of a port, the lowest bit first."""
    return [netlist.ports[name]] if bits == 1 else [netlist.ports[f"{name}[{bit}]"] for bit in range(bits)]


def _streams(
    netlist: GateNetlist, engine: Engine, ports: Sequence[Port], packets: Mapping[str, Packets], room: int
) -> Streams:
    """Lay the streams of one direction out; outputs get room for so many words."""
    names = [{role: f"{port.name}_{name}" for role, name in signal_names(engine, port).items()} for port in ports]
    valid, ready, last = (
        np.array([_nets(netlist, name[role], 1)[0] for name in names], np.int32) for role in ("valid", "ready", "last")
    )
    data = np.zeros((len(ports), 64), np.int32)
    for number, (port, name) in enumerate(zip(ports, names, strict=True)):
        data[number, : port.bits] = _nets(netlist, name["data"], port.bits)
    words, flags, sizes = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint8)], []
    for port in ports:
        some = [np.asarray(packet) for packet in packets.get(port.name, ())]
        size = sum(packet.size for packet in some)
        words += [packet.astype(np.uint64) for packet in some]
        flags += [np.arange(1, packet.size + 1) == packet.size for packet in some]
        sizes.append(size or room)
    first = np.cumsum([0, *sizes])[:-1]
    if room:
        return Streams(data, valid, ready, last, *_room(len(ports) * room), first, first.copy())
    return Streams(
        data, valid, ready, last, np.concatenate(words), np.concatenate(flags).astype(np.uint8), first, first + sizes
    )


def _room(words: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(words, np.uint64), np.zeros(words, np.uint8)


@njit(cache=True)
def _run(values, logic, outside, times, counts):  # type: ignore[no-untyped-def]
    gates, registers = logic
    sources, sinks = outside
    reset, cycles = times
    ones, toggles = counts
    before = values.copy()
    for cycle in range(-RESET_CYCLES, cycles):
        values[reset] = cycle < 0
        _drive(values, sources, sinks, cycle >= 0)
        _evaluate(values, gates)
        if cycle >= 0:
            for net in range(values.size):
                ones[net] += values[net]
                toggles[net] += values[net] ^ before[net]
        before[:] = values
        if cycle >= 0:
            _transfer(values, sources, sinks)
        _clock(values, registers)


@njit(cache=True)
def _evaluate(values, gates):  # type: ignore[no-untyped-def]
    tables, inputs, outputs = gates
    for gate in range(tables.size):
        place = 0
        for pin in range(inputs.shape[1]):
            place |= values[inputs[gate, pin]] << pin
        values[outputs[gate]] = tables[gate] >> np.uint64(place) & np.uint64(1)


@njit(cache=True)
def _drive(values, sources, sinks, running):  # type: ignore[no-untyped-def]
    for number in range(sources.valid.size):
        place = sources.first[number]
        offered = running and place < sources.end[number]
        values[sources.valid[number]] = offered
        values[sources.last[number]] = offered and sources.flags[place]
        for bit in range(sources.data.shape[1]):
            if sources.data[number, bit] and offered:
                values[sources.data[number, bit]] = sources.words[place] >> np.uint64(bit) & np.uint64(1)
    for number in range(sinks.ready.size):
        values[sinks.ready[number]] = 1


@njit(cache=True)
def _transfer(values, sources, sinks):  # type: ignore[no-untyped-def]
    for number in range(sources.valid.size):
        if values[sources.valid[number]] and values[sources.ready[number]]:
            sources.first[number] += 1
    for number in range(sinks.valid.size):
        if values[sinks.valid[number]]:
            word = np.uint64(0)
            for bit in range(sinks.data.shape[1]):
                word |= np.uint64(values[sinks.data[number, bit]]) << np.uint64(bit)
            sinks.words[sinks.end[number]] = word
            sinks.flags[sinks.end[number]] = values[sinks.last[number]]
            sinks.end[number] += 1


@njit(cache=True)
def _clock(values, registers):  # type: ignore[no-untyped-def]
    for register in range(registers.state.size):
        if values[registers.enable[register]]:
            values[registers.state[register]] = values[registers.following[register]]
