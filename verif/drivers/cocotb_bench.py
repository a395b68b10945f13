# SPDX-License-Identifier: Apache-2.0
"""Run an engine on packets of its reference under cocotb; needs nothing of silicodec but the file of vectors beside it.

`TOP_vectors.json` holds the names of the streams' signals, and the packets of every input and output.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

PERIOD_NS = 10
IDLE_CYCLES = 100
"""So long nothing more may come after the last packet."""


def pauses(seed: int, chance: float) -> Iterator[bool]:
    """Tell cycle by cycle whether a stream pauses."""
    random = Random(seed)
    while True:
        yield random.random() < chance


async def send(dut: Any, stream: dict[str, Any], pause: Iterator[bool]) -> None:
    """Offer the words of a stream's packets; once it is offered a word stays until it is taken."""
    signal = {role: getattr(dut, name) for role, name in stream["signals"].items()}
    for packet in stream["packets"]:
        for position, word in enumerate(packet, start=1):
            signal["valid"].value = 0
            while next(pause):
                await RisingEdge(dut.clk)
            signal["data"].value = word
            signal["last"].value = position == len(packet)
            signal["valid"].value = 1
            await RisingEdge(dut.clk)
            while not int(signal["ready"].value):
                await RisingEdge(dut.clk)
    signal["valid"].value = 0


async def receive(dut: Any, name: str, stream: dict[str, Any], pause: Iterator[bool]) -> None:
    """Take the words of a stream and compare them with the reference's."""
    signal = {role: getattr(dut, name) for role, name in stream["signals"].items()}
    waiting = None
    for number, packet in enumerate(stream["packets"]):
        for position, word in enumerate(packet):
            where = f"stream {name}, packet {number}, word {position}"
            taken = False
            while not taken:
                taken = not next(pause)
                signal["ready"].value = taken
                await RisingEdge(dut.clk)
                offer = None
                if int(signal["valid"].value):
                    offer = int(signal["data"].value), bool(int(signal["last"].value))
                assert waiting is None or offer == waiting, f"{where}: what was offered did not stay"
                taken = taken and offer is not None
                waiting = None if taken else offer
            assert offer == (word, position == len(packet) - 1), f"{where}: {offer}, not {word}"
        if "error" in signal:
            assert not int(signal["error"].value), f"stream {name}, packet {number}: error"
    signal["ready"].value = 1
    for _ in range(IDLE_CYCLES):
        await RisingEdge(dut.clk)
        assert not int(signal["valid"].value), f"stream {name}: more than {len(stream['packets'])} packets"


async def run(dut: Any, chance: float) -> None:
    """Reset the engine, send all packets, and wait until those of the reference have come."""
    vectors = json.loads(Path(__file__).with_name(f"{dut._name}_vectors.json").read_text())
    dut.rst.value = 1
    for stream in vectors["inputs"].values():
        getattr(dut, stream["signals"]["valid"]).value = 0
        if "keep" in stream["signals"]:  # packets of whole words
            keep = getattr(dut, stream["signals"]["keep"])
            keep.value = (1 << len(keep)) - 1
    for stream in vectors["outputs"].values():
        getattr(dut, stream["signals"]["ready"]).value = 0
    Clock(dut.clk, PERIOD_NS, "ns").start()
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    for seed, stream in enumerate(vectors["inputs"].values()):
        cocotb.start_soon(send(dut, stream, pauses(seed, chance)))
    receivers = [
        cocotb.start_soon(receive(dut, name, stream, pauses(100 + seed, chance)))
        for seed, (name, stream) in enumerate(vectors["outputs"].items())
    ]
    for receiver in receivers:
        await receiver


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def at_full_speed(dut: Any) -> None:
    """Send packets back to back, with every output always ready."""
    await run(dut, 0)


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def with_pauses(dut: Any) -> None:
    """Let every stream pause in two of five cycles, each in others."""
    await run(dut, 0.4)
