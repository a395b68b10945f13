"""The AXI4-Stream engines under cocotb with cocotbext-axi's drivers, as an outside client sees them.

pytest runs the test functions below; each starts the simulator, which imports this file and runs a coroutine.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import cocotb
import numpy as np
import pytest
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from cocotbext.axi import AxiStreamBus, AxiStreamSink, AxiStreamSource

from silicodec.models.ebpc import EBPC
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.convert import to_verilog
from silicodec.rtl.ebpc.engines import framed_length

CODEC = EBPC(word_bits=8, block_size=8)


def packets() -> list[np.ndarray]:
    """Return packets of all kinds: smooth, sparse, one word, zeros only."""
    random = np.random.default_rng(2)
    sparse = random.integers(0, 256, 300, dtype=np.uint8) * (random.random(300) < 0.4)
    smooth = np.cumsum(random.integers(-2, 3, 200)).astype(np.uint8)
    return [smooth, np.array([7], np.uint8), np.zeros(50, np.uint8), sparse.astype(np.uint8), smooth[:17]]


def pauses(seed: int):
    """Pause in two of five cycles."""
    random = Random(seed)
    while True:
        yield random.random() < 0.4


def sources(dut, *names: str) -> list[AxiStreamSource]:
    """Return a driver that pauses now and then for each input stream."""
    drivers = [AxiStreamSource(AxiStreamBus.from_prefix(dut, name), dut.clk, dut.rst, byte_lanes=1) for name in names]
    for seed, driver in enumerate(drivers):
        driver.set_pause_generator(pauses(seed))
    return drivers


def sinks(dut, *names: str) -> list[AxiStreamSink]:
    """Return a receiver that pauses now and then for each output stream."""
    receivers = [AxiStreamSink(AxiStreamBus.from_prefix(dut, name), dut.clk, dut.rst, byte_lanes=1) for name in names]
    for seed, receiver in enumerate(receivers):
        receiver.set_pause_generator(pauses(100 + seed))
    return receivers


async def start(dut) -> None:
    """Start the clock and reset the engine."""
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def encoder(dut) -> None:
    """The encoder gives the reference's streams, and no more."""
    (words,) = sources(dut, "s_axis")
    znz, bpc = sinks(dut, "m_axis_znz", "m_axis_bpc")
    await start(dut)
    for packet in packets():
        await words.send(packet.tolist())
    for packet in packets():
        expected = CODEC.encode_words(packet)
        assert list((await znz.recv()).tdata) == expected["znz"].tolist()
        assert list((await bpc.recv()).tdata) == (expected["bpc"].tolist() or [0])
    await ClockCycles(dut.clk, 50)
    assert znz.empty()
    assert znz.idle()
    assert bpc.empty()
    assert bpc.idle()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def decoder(dut) -> None:
    """The decoder gives the packets that were encoded, and no more."""
    znz, bpc, length = sources(dut, "s_axis_znz", "s_axis_bpc", "s_axis_length")
    (words,) = sinks(dut, "m_axis")
    await start(dut)
    for packet in packets():
        streams = CODEC.encode_words(packet)
        await znz.send(streams["znz"].tolist())
        await bpc.send(streams["bpc"].tolist() or [0])
        await length.send(framed_length(packet.size).tolist())
    for packet in packets():
        assert list((await words.recv()).tdata) == packet.tolist()
    await ClockCycles(dut.clk, 50)
    assert words.empty()
    assert words.idle()


@pytest.mark.parametrize(("engine", "coroutine"), [("ebpc-encoder-axis", "encoder"), ("ebpc-decoder-axis", "decoder")])
def test_axi_stream_engine(tmp_path, monkeypatch, engine, coroutine):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    top = ENGINES[engine].top
    runner = get_runner("icarus")
    source = to_verilog(ENGINES[engine], tmp_path)
    runner.build(sources=[source], hdl_toplevel=top, build_dir=tmp_path, timescale=("1ns", "1ps"))
    results = runner.test(
        test_module=Path(__file__).stem,
        testcase=coroutine,
        hdl_toplevel=top,
        build_dir=tmp_path,
        extra_env={"COCOTB_REWRITE_ASSERTION_FILES": Path(__file__).name},  # by default every module, numba's, too
    )
    assert get_results(results) == (1, 0)
