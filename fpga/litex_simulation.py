"""Run an engine in a LiteX system, in LiteX's own Verilator flow: packets in memory, and DMAs that read and write them.

There is no processor: a bus master does what its firmware would, and prints what is in memory in the end. Needs the
extra `litex`, Verilator, and the headers of libevent and json-c.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from litex.build.generic_platform import Pins
from litex.build.io import CRG
from litex.build.sim import SimPlatform
from litex.build.sim.config import SimConfig
from litex.gen import LiteXModule
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import wishbone
from migen import FSM, Case, Display, Finish, If, Memory, NextState, NextValue, Signal

from silicodec.fpga.litex_engine import EngineDMA, counted_bits, element_bits
from silicodec.rtl.engine import Engine, Port, from_word_bytes, word_bytes
from silicodec.verif.cache import run_tool
from silicodec.verif.errors import SimulationError

MEMORY = 0x4000_0000
CLOCK_HZ = 1_000_000
WRITE, WAIT, SHOW, END = range(4)
JUNK = bytes.fromhex("a55ac33c96690ff05aa53cc36996f00f")
"""Stands behind a packet in memory, up to a whole word of the widest stream."""
Step = tuple[int, int, int]
"""What the master does, an address, and data: write a word, wait until it has certain bits, print it, or end."""


class Master(LiteXModule):
    """A bus master that goes through steps."""

    def __init__(self, bus: Any, count: int) -> None:
        self.steps: list[int] = []
        memory = Memory(66, count, init=self.steps)
        port = memory.get_port(async_read=True)
        self.specials += memory, port
        kind, address, data = port.dat_r[64:66], port.dat_r[32:64], port.dat_r[:32]
        cycles, step = Signal(32), Signal(max=count + 1)
        done = bus.stb & bus.ack
        self.sync += cycles.eq(cycles + 1)
        self.comb += [
            port.adr.eq(step),
            bus.cyc.eq(bus.stb),
            bus.we.eq(kind == WRITE),
            bus.adr.eq(address[2:]),
            bus.dat_w.eq(data),
            bus.sel.eq(0xF),
        ]
        next_step = [NextValue(step, step + 1), NextState("REST")]
        self.fsm = fsm = FSM(reset_state="REST")
        fsm.act("REST", NextState("ACT"))
        fsm.act(
            "ACT",
            bus.stb.eq(kind != END),
            If(done, If((kind != WAIT) | ((bus.dat_r & data) == data), *next_step).Else(NextState("REST"))),
        )
        self.sync += [
            If(fsm.ongoing("ACT"), Case(kind, {SHOW: If(done, Display("%08x", bus.dat_r)), END: Finish()})),
        ]

    def go_through(self, steps: Sequence[Step]) -> None:
        """Set the steps, the last of which is END."""
        self.steps[:] = [kind << 64 | address << 32 | data for kind, address, data in steps]


class EngineSystem(SoCMini):
    """A system of an engine, memory, and a master that runs it."""

    def __init__(self, platform: Any, engine: Engine, contents: list[int], steps: int, folder: Path) -> None:
        self.crg = CRG(platform.request("sys_clk"))
        super().__init__(platform, clk_freq=CLOCK_HZ, ident="", ident_version=False)
        self.add_ram("main_ram", MEMORY, 4 * len(contents), contents=contents)

        def make_bus() -> Any:
            return wishbone.Interface(data_width=32, adr_width=30)

        self.engine = EngineDMA(platform, engine, make_bus, folder)
        for name, bus in self.engine.buses.items():
            self.bus.add_master(name, master=bus)
        master_bus = make_bus()
        self.master = Master(master_bus, steps)
        self.bus.add_master("master", master=master_bus)

    def register(self, name: str) -> int:
        """Return the address of one of the engine's registers, once the system is finished."""
        region = self.csr_regions["engine"]
        place = 0
        for register in region.obj:
            if register.name == name:
                return int(region.origin) + place
            place += 4 * -(-register.size // 32)
        raise KeyError(name)


def simulate_in_litex(
    engine: Engine, inputs: Mapping[str, np.ndarray], folder: Path, *, room: int = 1 << 12
) -> dict[str, np.ndarray]:
    """Run one packet of each stream through an engine in a LiteX system.

    Parameters
    ----------
    engine : Engine
        An engine with `axi`.
    inputs : mapping of str to numpy.ndarray
        A packet for each input: its words, or its bytes (uint8) for a stream with `tkeep`.
    folder : Path
        Where the system is built.
    room : int
        Bytes for a packet of each output, a multiple of 16.

    Returns
    -------
    dict of str to numpy.ndarray
        A packet of each output, as the inputs.

    Raises
    ------
    SimulationError
        If a tool fails, or an output has an error flag or too little room.
    """
    folder.mkdir(parents=True, exist_ok=True)
    memory, places = bytearray(), {}
    for port in engine.inputs:
        places[port.name] = MEMORY + len(memory)
        memory += _bytes(port, inputs[port.name])
    for port in engine.outputs:
        places[port.name] = MEMORY + len(memory)
        memory += bytes(room)
    contents = np.frombuffer(bytes(memory), "<u4").tolist()
    shown = room // 4 + 2
    count = 2 * len(places) + 2 + shown * len(engine.outputs) + 1

    platform = SimPlatform("SIM", [("sys_clk", 0, Pins(1)), ("sys_rst", 0, Pins(1))])
    system = EngineSystem(platform, engine, contents, count, folder.resolve())
    system.finalize()
    system.master.go_through(_steps(system, engine, inputs, places, room))
    config = SimConfig()
    config.add_clocker("sys_clk", freq_hz=CLOCK_HZ)
    platform.build(system, build_dir=str(folder), sim_config=config, jobs=os.cpu_count(), run=False)
    # Only the clock of LiteX's simulation modules is needed, which saves building the others.
    environment = ["env", "MAKEFLAGS=MODULES=clocker", f"PATH={os.environ['PATH']}"]
    run_tool(*environment, "bash", "build_sim.sh", cwd=folder, package="verilator, libevent-dev, libjson-c-dev")
    said = run_tool("obj_dir/Vsim", cwd=folder, package="verilator")
    words = [int(word, 16) for word in re.findall("^[0-9a-f]{8}$", said, re.MULTILINE)]
    if len(words) != shown * len(engine.outputs):
        raise SimulationError(f"{engine.name}: the simulation in LiteX ended early: {said[-200:]}")
    return {
        port.name: _packet(engine, port, words[shown * index : shown * (index + 1)])
        for index, port in enumerate(engine.outputs)
    }


def _count(port: Port) -> str:
    return "bytes" if port.keep else "words"


def _bytes(port: Port, packet: np.ndarray) -> bytes:
    data = word_bytes(packet, counted_bits(port) // 8)
    # What follows a packet in memory is nobody's zeros.
    return data + JUNK[: -len(data) % len(JUNK)]


def _steps(
    system: EngineSystem, engine: Engine, inputs: Mapping[str, np.ndarray], places: Mapping[str, int], room: int
) -> list[Step]:
    """Return what the master does: set the registers, run the engine, wait, and print the packets."""
    steps: list[Step] = []
    for port in engine.inputs:
        name = port.name.removeprefix("s_axis_")
        steps.append((WRITE, system.register(f"{name}_base"), places[port.name]))
        steps.append((WRITE, system.register(f"{name}_{_count(port)}"), inputs[port.name].size))
    for port in engine.outputs:
        name = port.name.removeprefix("m_axis_")
        steps.append((WRITE, system.register(f"{name}_base"), places[port.name]))
        steps.append((WRITE, system.register(f"{name}_room"), room))
    steps += [(WRITE, system.register("control"), 1), (WAIT, system.register("status"), 1)]
    for port in engine.outputs:
        name = port.name.removeprefix("m_axis_")
        steps += [(SHOW, system.register(f"{name}_{register}"), 0) for register in (_count(port), "flags")]
        steps += [(SHOW, places[port.name] + offset, 0) for offset in range(0, room, 4)]
    return [*steps, (END, 0, 0)]


def _packet(engine: Engine, port: Port, shown: Sequence[int]) -> np.ndarray:
    count, flags, *words = shown
    if flags != 1:
        raise SimulationError(f"{engine.name}: {port.name} has an error, or too little room (flags {flags})")
    data = np.array(words, "<u4").tobytes()
    if port.keep:
        return np.frombuffer(data, np.uint8)[:count]
    return from_word_bytes(data, element_bits(port) // 8, port.dtype)[:count]
