"""Register slice and FIFO: latency, throughput, capacity, and no path through them."""

import importlib.util

import numpy as np
import pytest
from myhdl import ResetSignal, Signal, block, intbv

from silicodec.rtl.blocks.stream import Stream
from silicodec.rtl.blocks.stream_fifo import stream_fifo
from silicodec.rtl.catalog import find_engine
from silicodec.verif.combinational import Gates
from silicodec.verif.compare import check
from silicodec.verif.drivers.block_bench import trace_myhdl
from silicodec.verif.drivers.stalls import STALLS

CAPACITIES = {"register-slice": 2, "stream-fifo": 17, "stream-fifo-depth-2": 3, "stream-fifo-depth-4": 5}
LATENCIES = {"register-slice": 1, "stream-fifo": 2, "stream-fifo-depth-2": 2}


def taken(engine, readies):
    """Return in which cycles a block takes a word that is always on offer, while its sink is ready as told."""
    source, sink = Stream(8), Stream(8)
    ports = {"rst": ResetSignal(0, active=1, isasync=False)}
    for name, stream in (("source", source), ("sink", sink)):
        ports |= {f"{name}_{role}": getattr(stream, role) for role in ("data", "valid", "ready", "last")}
    cycles = len(readies)
    inputs = {
        "rst": [0] * cycles,
        "source_data": list(range(cycles)),
        "source_valid": [1] * cycles,
        "source_last": [0] * cycles,
        "sink_ready": readies,
    }

    @block
    def top(clk, **signals):
        return engine.block(clk, signals["rst"], source, sink, **engine.parameters)

    return trace_myhdl(top, ports, inputs)["source_ready"]


@pytest.mark.parametrize("name", LATENCIES)
def test_words_pass_one_a_cycle(name):
    packets = [np.arange(count, dtype=np.uint8) for count in (1, 90, 9)]
    assert check(find_engine(name), {"source": packets}, backend="myhdl").cycles == 100 + LATENCIES[name]


@pytest.mark.parametrize("name", CAPACITIES)
def test_they_hold_so_many_words_and_go_on_at_full_speed_when_full(name):
    capacity, blocked, free = CAPACITIES[name], 30, 40
    seen = taken(find_engine(name), [0] * blocked + [1] * free)
    assert sum(seen[:blocked]) == capacity
    assert seen[:capacity] == [1] * capacity
    assert sum(seen[blocked:]) >= free - 2


@pytest.mark.parametrize("name", ["register-slice-word-bits-1", "register-slice-word-bits-64", "stream-fifo-depth-2"])
@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
def test_sizes_pass_on_what_they_get(name, stalls):
    engine = find_engine(name)
    tensors = [np.arange(-100, 100, dtype=np.int64) ** 5, np.array([-1])]
    check(engine, engine.stimulus(tensors), backend="myhdl", stalls=stalls)


@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
@pytest.mark.parametrize("name", ["register-slice", "stream-fifo-depth-4"])
def test_no_path_leads_from_one_side_to_the_other(name):
    engine = find_engine(name)
    gates = Gates(engine)
    (source,), (sink,) = engine.inputs, engine.outputs
    reached = gates.reached([*gates.bits(source, "data", "valid", "last"), *gates.bits(sink, "ready")])
    assert not reached.intersection([*gates.bits(sink, "data", "valid", "last"), *gates.bits(source, "ready")])


def test_a_depth_that_is_no_power_of_two_is_refused():
    with pytest.raises(ValueError, match="depth must be a power of two from 2 on, not 3"):
        stream_fifo(Signal(bool(0)), Signal(intbv(0)[1:]), Stream(8), Stream(8), depth=3)
