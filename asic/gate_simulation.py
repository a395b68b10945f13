"""A netlist simulated cycle by cycle, without delays, and counts of how often its nets switch.

Gates are evaluated one after the other in compiled loops. That begins at once, where a simulator that compiles a large
netlist takes longer for that than for the simulation, and counts take the place of a waveform of gigabytes. What a net
does between two rising edges of the clock but for its last value, glitches that is, does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from silicodec.asic.gates import GateNetlist
from silicodec.asic.pdk import FROM_MEMORY, TO_MEMORY
from silicodec.rtl.convert import signal_names
from silicodec.rtl.engine import Engine, Packets, Port

RESET_CYCLES = 3
NO_NET = 0
"""A net that is always 0, where there is none."""
PART_BITS = 64
"""Words are kept in parts of so many bits."""
PART = (1 << PART_BITS) - 1


class Streams(NamedTuple):
    """Nets and words of all streams of one direction; bits of `data` beyond a word's width are `NO_NET`.

    Words of stream n are rows `words[first[n] : end[n]]`, in parts of 64 bits, the low one first; `last` marks those
    that end a packet.
    """

    data: np.ndarray
    valid: np.ndarray
    ready: np.ndarray
    last: np.ndarray
    words: np.ndarray
    flags: np.ndarray
    first: np.ndarray
    end: np.ndarray


class Memories(NamedTuple):
    """Nets of memories outside the netlist, and their cells, a byte a bit."""

    write: np.ndarray
    read: np.ndarray
    write_address: np.ndarray
    read_address: np.ndarray
    to: np.ndarray
    back: np.ndarray
    first: np.ndarray
    bits: np.ndarray
    cells: np.ndarray
    found: np.ndarray


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
    window: tuple[int, int],
    memories: Sequence[Mapping[str, Any]] = (),
) -> tuple[dict[str, list[np.ndarray]], Switching]:
    """Simulate an engine's netlist without stalls, from reset to the end of a window of cycles.

    Parameters
    ----------
    netlist : GateNetlist
        The netlist.
    engine : Engine
        What it was made from.
    inputs : dict of str to sequence of ndarray
        Packets of each input stream.
    window : int, int
        The first clock cycle after the reset that counts, and how many do.
    memories : sequence of dict
        Fields of `silicodec.asic.memories.OutsideMemory`, of the memories outside the netlist.

    Returns
    -------
    dict of str to list of ndarray
        Packets of each output stream, the last of which may not be whole.
    Switching
        How often nets switched in the window.
    """
    cycles = sum(window)
    sources = _streams(netlist, engine, engine.inputs, inputs, 0)
    sinks = _streams(netlist, engine, engine.outputs, {}, cycles)
    arrays = _memories(netlist, memories)
    values = np.zeros(netlist.net_count, np.uint8)
    values[1] = 1
    for port in engine.inputs:
        if port.keep:  # words are whole
            values[_nets(netlist, f"{port.name}_{signal_names(engine, port)['keep']}", port.bits // 8)] = 1
    ones, toggles = (np.zeros(netlist.net_count, np.int64) for _ in range(2))
    reset = netlist.ports["rst"]
    _run(
        values,
        (netlist.gates, netlist.registers),
        (sources, sinks, arrays),
        (reset, window[0], cycles),
        (ones, toggles),
    )
    streams = {}
    for number, port in enumerate(engine.outputs):
        some = slice(number * cycles, sinks.end[number])
        words, ends = _joined(sinks.words[some], port), np.flatnonzero(sinks.flags[some]) + 1
        parts = np.split(words, ends)
        streams[port.name] = parts if parts[-1].size else parts[:-1]
    return streams, Switching(window[1], ones, toggles)


def _nets(netlist: GateNetlist, name: str, bits: int) -> list[int]:
    """Return the nets of a port, the lowest bit first, whether it is one port or was split into ports of a bit."""
    if bits == 1 and name in netlist.ports:
        return [netlist.ports[name]]
    split = f"{name}_0_" in netlist.ports
    return [netlist.ports[f"{name}_{bit}_" if split else f"{name}[{bit}]"] for bit in range(bits)]


def _streams(
    netlist: GateNetlist, engine: Engine, ports: Sequence[Port], packets: Mapping[str, Packets], room: int
) -> Streams:
    """Lay the streams of one direction out; outputs get room for so many words."""
    names = [{role: f"{port.name}_{name}" for role, name in signal_names(engine, port).items()} for port in ports]
    valid, ready, last = (
        np.array([_nets(netlist, name[role], 1)[0] for name in names], np.int32) for role in ("valid", "ready", "last")
    )
    parts = max(-(-port.bits // PART_BITS) for port in ports)
    data = np.zeros((len(ports), PART_BITS * parts), np.int32)
    for number, (port, name) in enumerate(zip(ports, names, strict=True)):
        data[number, : port.bits] = _nets(netlist, name["data"], port.bits)
    words, flags, sizes = [np.zeros((0, parts), np.uint64)], [np.zeros(0, np.uint8)], []
    for port in ports:
        some = [np.asarray(packet) for packet in packets.get(port.name, ())]
        size = sum(packet.size for packet in some)
        words += [_split(packet, parts) for packet in some]
        flags += [np.arange(1, packet.size + 1) == packet.size for packet in some]
        sizes.append(size or room)
    first = np.cumsum([0, *sizes])[:-1]
    if room:
        return Streams(data, valid, ready, last, *_room(len(ports) * room, parts), first, first.copy())
    return Streams(
        data, valid, ready, last, np.concatenate(words), np.concatenate(flags).astype(np.uint8), first, first + sizes
    )


def _room(words: int, parts: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((words, parts), np.uint64), np.zeros(words, np.uint8)


def _split(packet: np.ndarray, parts: int) -> np.ndarray:
    """Return words in so many parts, (words, parts)."""
    if packet.dtype.kind != "O":
        return np.pad(packet.astype(np.uint64)[:, np.newaxis], ((0, 0), (0, parts - 1)))
    return np.stack([packet >> PART_BITS * part & PART for part in range(parts)], axis=1).astype(np.uint64)


def _joined(words: np.ndarray, port: Port) -> np.ndarray:
    """Return words of a port from their parts."""
    if port.dtype.kind != "O":
        return words[:, 0].astype(port.dtype)
    places = PART_BITS * np.arange(words.shape[1])
    return (words.astype(object) << places.astype(object)).sum(axis=1)


def _memories(netlist: GateNetlist, memories: Sequence[Mapping[str, Any]]) -> Memories:
    """Lay out memories of one port each to write and read."""
    count = len(memories)
    most = max((one["bits"] for one in memories), default=0)
    places = max(((one["words"] - 1).bit_length() for one in memories), default=0)
    nets = {pin: np.zeros((count, size), np.int32) for pin, size in (("wr_addr", places), ("rd_addr", places))}
    nets |= {pin: np.zeros((count, most), np.int32) for pin in ("wr_data", "rd_data")}
    enables = {pin: np.zeros(count, np.int32) for pin in ("wr_en", "rd_en")}
    for number, one in enumerate(memories):
        if one["mask_bits"] or not one["usual"]:
            raise ValueError(f"memory {one['name']} cannot be simulated: it writes parts of words, or has other ports")
        bits, address = one["bits"], (one["words"] - 1).bit_length()
        sizes = {"wr_addr": address, "rd_addr": address, "wr_data": bits, "rd_data": bits}
        for pin, size in sizes.items():
            side = FROM_MEMORY if pin == "rd_data" else TO_MEMORY
            nets[pin][number, :size] = _nets(netlist, f"{side}{number}_{pin}", size)
        for pin, array in enables.items():
            (array[number],) = _nets(netlist, f"{TO_MEMORY}{number}_{pin}", 1)
    first = np.cumsum([0, *(one["words"] * one["bits"] for one in memories)])
    return Memories(
        *(enables["wr_en"], enables["rd_en"], nets["wr_addr"], nets["rd_addr"], nets["wr_data"], nets["rd_data"]),
        *(first[:-1], np.array([one["bits"] for one in memories], np.int64)),
        *(np.zeros(first[-1], np.uint8), np.zeros((count, most), np.uint8)),
    )


@njit(cache=True)
def _run(values, logic, outside, times, counts):  # type: ignore[no-untyped-def]
    gates, registers = logic
    sources, sinks, memories = outside
    reset, begin, cycles = times
    ones, toggles = counts
    before = values.copy()
    for cycle in range(-RESET_CYCLES, cycles):
        values[reset] = cycle < 0
        _drive(values, sources, sinks, cycle >= 0)
        _evaluate(values, gates)
        if cycle >= begin:
            for net in range(values.size):
                ones[net] += values[net]
                toggles[net] += values[net] ^ before[net]
        before[:] = values
        if cycle >= 0:
            _transfer(values, sources, sinks)
        _clock(values, registers, memories)


@njit(cache=True)
def _evaluate(values, gates):  # type: ignore[no-untyped-def]
    tables, inputs, outputs = gates
    # Without a loop over `MOST_INPUTS`, and with unsigned numbers of nets, this takes less than half the time.
    for gate in range(tables.size):
        place = values[inputs[gate, 0]] | values[inputs[gate, 1]] << 1 | values[inputs[gate, 2]] << 2
        place |= values[inputs[gate, 3]] << 3 | values[inputs[gate, 4]] << 4 | values[inputs[gate, 5]] << 5
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
                part = sources.words[place, bit // PART_BITS]
                values[sources.data[number, bit]] = part >> np.uint64(bit % PART_BITS) & np.uint64(1)
    for number in range(sinks.ready.size):
        values[sinks.ready[number]] = 1


@njit(cache=True)
def _transfer(values, sources, sinks):  # type: ignore[no-untyped-def]
    for number in range(sources.valid.size):
        if values[sources.valid[number]] and values[sources.ready[number]]:
            sources.first[number] += 1
    for number in range(sinks.valid.size):
        if values[sinks.valid[number]]:
            word = sinks.words[sinks.end[number]]
            for bit in range(sinks.data.shape[1]):
                word[bit // PART_BITS] |= np.uint64(values[sinks.data[number, bit]]) << np.uint64(bit % PART_BITS)
            sinks.flags[sinks.end[number]] = values[sinks.last[number]]
            sinks.end[number] += 1


@njit(cache=True)
def _clock(values, registers, memories):  # type: ignore[no-untyped-def]
    for number in range(memories.write.size):
        bits, first = memories.bits[number], memories.first[number]
        if values[memories.read[number]]:
            place = first + bits * _address(values, memories.read_address[number])
            memories.found[number, :bits] = memories.cells[place : place + bits]
        if values[memories.write[number]]:
            place = first + bits * _address(values, memories.write_address[number])
            for bit in range(bits):
                memories.cells[place + bit] = values[memories.to[number, bit]]
    for register in range(registers.state.size):
        if values[registers.enable[register]]:
            values[registers.state[register]] = values[registers.following[register]]
    for number in range(memories.write.size):
        if values[memories.read[number]]:
            for bit in range(memories.bits[number]):
                values[memories.back[number, bit]] = memories.found[number, bit]


@njit(cache=True)
def _address(values, nets):  # type: ignore[no-untyped-def]
    address = 0
    for bit in range(nets.size):
        address |= values[nets[bit]] << bit
    return address
