"""Engines with AXI4-Stream's names under cocotb with cocotbext-axi's drivers, as an outside client sees them.

pytest runs the test function below; it starts the simulator, which imports this file and runs the coroutine.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import cocotb
import numpy as np
import pytest
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from silicodec.rtl.catalog import find_engine
from silicodec.rtl.convert import to_verilog
from silicodec.rtl.engine import Port


def tensors() -> list[np.ndarray]:
    """Return tensors of all kinds: smooth, sparse, a few values, zeros only."""
    random = np.random.default_rng(2)
    sparse = random.integers(-128, 128, (10, 24)) * (random.random((10, 24)) < 0.4)
    smooth = np.cumsum(random.integers(-2, 3, (8, 24)), axis=1)
    kinds = (smooth, np.full((1, 8), 7), np.zeros((2, 24)), sparse, smooth[:3], smooth[:1, :13], sparse[:3, :3])
    return [values.astype(np.int8) for values in kinds]


def pauses(seed: int):
    """Pause in two of five cycles."""
    random = Random(seed)
    while True:
        yield random.random() < 0.4


def ends(dut, kind, ports) -> dict:
    """Return drivers or receivers that pause now and then, by stream."""
    made = {port.name: kind(AxiStreamBus.from_prefix(dut, port.name), dut.clk, dut.rst) for port in ports}
    for seed, end in enumerate(made.values()):
        end.set_pause_generator(pauses(seed + 100 * (kind is AxiStreamSink)))
    return made


def to_bytes(packet: np.ndarray, port: Port) -> bytes:
    """Return the bytes of a packet's words, the lowest first."""
    return b"".join(word.to_bytes(port.bits // 8, "little") for word in packet.tolist())


def frame_of(data: bytes, size: int) -> AxiStreamFrame:
    """Return a packet of which only some bytes count, before junk."""
    return AxiStreamFrame(data[:size].ljust(len(data), b"\xa5"), tkeep=[int(i < size) for i in range(len(data))])


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def engine_gives_the_packets_of_its_reference(dut) -> None:
    """The engine gives the packets of its reference, and no more."""
    engine = find_engine(os.environ["ENGINE"])
    inputs = engine.stimulus(tensors())
    sources, sinks = ends(dut, AxiStreamSource, engine.inputs), ends(dut, AxiStreamSink, engine.outputs)
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    sizes = [tensor.size for tensor in tensors()]
    for port in engine.inputs:
        for packet, size in zip(inputs[port.name], sizes, strict=False):
            data = to_bytes(packet, port)
            await sources[port.name].send(frame_of(data, size) if port.keep else data)
    expected = engine.reference(inputs)
    for port in engine.outputs:
        for packet, size in zip(expected[port.name], sizes, strict=False):
            frame = await sinks[port.name].recv()
            assert bytes(frame.tdata) == to_bytes(packet, port)[: size if port.keep else None]
            assert not frame.tuser or not frame.tuser[-1]  # it counts with `tlast`
    await ClockCycles(dut.clk, 50)
    assert all(sink.empty() and sink.idle() for sink in sinks.values())


@pytest.mark.parametrize(
    "name",
    [
        "ebpc-decoder-checked-w16-axi-registered",
        "huffman-decoder-checked-axi",
        "ebpc-decoder-l8-axi",
        *(
            pytest.param(name, marks=pytest.mark.prove)
            for name in (
                *("ebpc-encoder-axis", "ebpc-decoder-axis", "dictionary-decoder-axi-registered", "weight-trimmer-axi"),
                *("ebpc-encoder-l8-axi", "ebpc-decoder-l8-lanes-16-axi-registered", "ebpc-encoder-l8-lanes-4-axi"),
                *("lanes-decoder-axi", "lanes-decoder-lanes-2-axi-registered"),
            )
        ),
    ],
)
def test_axi_stream_engine(tmp_path, monkeypatch, name):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    engine = find_engine(name)
    runner = get_runner("icarus")
    source = to_verilog(engine, tmp_path)
    runner.build(sources=[source], hdl_toplevel=engine.top, build_dir=tmp_path, timescale=("1ns", "1ps"))
    results = runner.test(
        test_module=Path(__file__).stem,
        hdl_toplevel=engine.top,
        build_dir=tmp_path,
        # By default assertions are rewritten in every module, numba's, too.
        extra_env={"COCOTB_REWRITE_ASSERTION_FILES": Path(__file__).name, "ENGINE": name},
    )
    assert get_results(results) == (1, 0)
