"""Width converters with packets that end within a wide word, under cocotb with cocotbext-axi's drivers.

pytest runs the test function below; it starts the simulator, which imports this file and runs the coroutine.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from cocotbext.axi import AxiStreamBus, AxiStreamSink, AxiStreamSource

from silicodec.rtl.catalog import find_engine
from silicodec.rtl.convert import to_verilog


def pauses(seed: int):
    """Pause in two of five cycles."""
    random = Random(seed)
    while True:
        yield random.random() < 0.4


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def packets_of_any_number_of_words_pass(dut) -> None:
    """The bytes that come out are those that went in, packet by packet."""
    source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    step = min(len(dut.s_axis_tdata), len(dut.m_axis_tdata)) // 8
    for seed, paused in enumerate((False, True)):
        if paused:
            source.set_pause_generator(pauses(1))
            sink.set_pause_generator(pauses(2))
        packets = [Random(seed + count).randbytes(step * count) for count in range(1, 20)]
        for packet in packets:
            await source.send(packet)
        for packet in packets:
            assert bytes((await sink.recv()).tdata) == packet
    await ClockCycles(dut.clk, 20)
    assert sink.empty()
    assert sink.idle()


@pytest.mark.parametrize(
    "name",
    [
        "stream-widener-axi",
        "stream-narrower-axi",
        *(
            pytest.param(name, marks=pytest.mark.prove)
            for name in ("stream-widener-wide-bits-64-axi-registered", "stream-narrower-word-bits-16-wide-bits-64-axi")
        ),
    ],
)
def test_packets_may_end_within_a_word(tmp_path, monkeypatch, name):
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
        extra_env={"COCOTB_REWRITE_ASSERTION_FILES": Path(__file__).name},
    )
    assert get_results(results) == (1, 0)


def test_words_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="wide_bits must be more than word_bits, 32, not 32"):
        find_engine("stream-widener", {"word_bits": 32})
