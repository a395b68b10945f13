"""Every simulator gives the same words in the same cycles, and sees what is wrong."""

import importlib.util
import os

import numpy as np
import pytest

from silicodec.asic import netlist  # noqa: F401 (adds its backend)
from silicodec.rtl.convert import verilog
from silicodec.verif.backends import BACKENDS
from silicodec.verif.compare import first_difference
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.errors import SimulationError, StreamRuleError
from silicodec.verif.simulate import simulate

FALLS, CHANGES, LOSES_LAST, WAITS, STICKS, SWALLOWS_LAST, REPEATS = range(1, 8)
RTL_BACKENDS = [name for name in BACKENDS if name != "netlist"]
BUSY = Stalls(seed=3, input_probability=0, output_probability=0.5)
"""Stalls under which most words are held for a cycle or more."""

no_cells = pytest.mark.skipif(
    not os.environ.get("SILICODEC_PDK") or importlib.util.find_spec("pyosys") is None,
    reason="needs SILICODEC_PDK and pyosys",
)
every_backend = pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=no_cells if name == "netlist" else ()) for name in BACKENDS]
)


def packets(*lengths):
    """Random bytes that tell no toy to misbehave."""
    random = np.random.default_rng(1)
    return [random.integers(8, 256, length, dtype=np.uint8) for length in lengths]


def packet(*words):
    """Return a packet of these bytes."""
    return np.array(words, np.uint8)


@every_backend
@pytest.mark.parametrize("stalls", [None, Stalls(seed=1)])
def test_packets_come_out_as_the_reference_says(toys, backend, stalls):
    inputs = {"s_axis": packets(1, 1, 100, 1, 7)}
    result = simulate(toys.nibbles, inputs, backend=backend, stalls=stalls)
    assert first_difference(toys.nibbles.reference(inputs), result.streams) is None
    assert [len(result.streams[name]) for name in ("m_axis_high", "m_axis_low")] == [5, 5]
    assert result.words == {"s_axis": 110, "m_axis_high": 110, "m_axis_low": 110}


@every_backend
def test_words_move_in_every_cycle_without_stalls(toys, backend):
    result = simulate(toys.increment, {"words": packets(20, 30)}, backend=backend)
    assert result.cycles == 50 + 1  # the register takes one cycle
    assert result.words_per_cycle("words") == 50 / 51


@pytest.mark.parametrize(
    "stalls",
    [
        Stalls(seed=1),
        Stalls(seed=2, input_probability=0.8, output_probability=0, burst_probability=0.05),
        Stalls(seed=3, input_probability=0, output_probability=0.8),
        Stalls(seed=4, ready_after_valid=True),
    ],
)
def test_backends_agree_on_the_cycles(toys, stalls):
    inputs = {"s_axis": packets(1, 200, 3)}
    results = [simulate(toys.nibbles, inputs, backend=backend, stalls=stalls) for backend in RTL_BACKENDS]
    assert len({result.cycles for result in results}) == 1
    assert results[0].cycles > 300


@every_backend
def test_error_flags_belong_to_packets(toys, backend):
    inputs = {"s_axis": [packet(0x11, 0x10, 0x12), packet(0x11, 0x12), packet(0x10)]}
    result = simulate(toys.nibbles, inputs, backend=backend, stalls=Stalls(seed=1))
    assert result.errors == {"m_axis_low": [True, False, True]}


@every_backend
@pytest.mark.parametrize(
    ("word", "what"),
    [
        (FALLS, "valid fell before the transfer"),
        (CHANGES, "data changed before the transfer"),
        (LOSES_LAST, "last or error changed before the transfer"),
    ],
)
def test_a_broken_stream_rule_is_seen(toys, backend, word, what):
    inputs = {"words": [packet(9, 9), packet(*[9, word] * 20), packet(*[word])] + [packet(word)] * 20}
    with pytest.raises(StreamRuleError, match=rf"toy-unruly: stream result, cycle \d+: {what}"):
        simulate(toys.unruly, inputs, backend=backend, stalls=BUSY)


@every_backend
def test_an_engine_that_stops_taking_words_is_seen(toys, backend):
    with pytest.raises(SimulationError, match="toy-unruly: 3 of 5 words of stream words were not taken") as caught:
        simulate(toys.unruly, {"words": packet(8, 9, STICKS, 10, 11)}, backend=backend)
    assert caught.value.simulation.streams["result"][0].tolist() == [8, 9]


@every_backend
@pytest.mark.parametrize(
    "stalls", [None, BUSY, Stalls(ready_after_valid=True)], ids=["free", "busy", "ready-after-valid"]
)
def test_valid_that_waits_for_ready_is_seen(toys, backend, stalls):
    with pytest.raises(StreamRuleError, match=r"stream result, cycle \d+: what is offered depends on ready"):
        simulate(toys.unruly, {"words": packet(8, WAITS, 9)}, backend=backend, stalls=stalls)


@every_backend
def test_a_word_taken_in_reset_is_seen(toys, backend):
    with pytest.raises(StreamRuleError, match=r"stream words, cycle \d+: ready in reset"):
        simulate(toys.careless, {"words": packet(8)}, backend=backend)


def test_icarus_sees_a_ready_that_depends_on_what_is_not_valid(toys):
    ungated = verilog(toys.increment).replace("words_ready =", "words_ready = words_data[0] &&")
    simulate(toys.increment, {"words": packet(1)}, backend="verilator", verilog=ungated)
    with pytest.raises(StreamRuleError, match=r"stream words, cycle \d+: ready is unknown"):
        simulate(toys.increment, {"words": packet(1)}, backend="icarus", verilog=ungated)


@every_backend
def test_a_missing_last_is_seen(toys, backend):
    with pytest.raises(SimulationError, match="stream result ended without last") as caught:
        simulate(toys.unruly, {"words": packet(8, SWALLOWS_LAST)}, backend=backend)
    assert caught.value.simulation.words["result"] == 2


@every_backend
def test_an_engine_that_never_ends_is_seen(toys, backend):
    with pytest.raises(SimulationError, match="still running after 300 cycles"):
        simulate(toys.unruly, {"words": packet(REPEATS)}, backend=backend, max_cycles=300)


def test_icarus_sees_an_unknown_word(toys):
    broken = verilog(toys.increment).replace("((words_data + 1) % 256)", "8'bx")
    with pytest.raises(StreamRuleError, match="unknown"):
        simulate(toys.increment, {"words": packet(1)}, backend="icarus", verilog=broken)


def test_other_verilog_can_take_the_place_of_the_engines(toys):
    other = verilog(toys.increment).replace("words_data + 1", "words_data + 2")
    result = simulate(toys.increment, {"words": packet(1, 2)}, backend="icarus", verilog=other)
    assert result.streams["result"][0].tolist() == [3, 4]
    with pytest.raises(ValueError, match="myhdl simulates the engine itself"):
        simulate(toys.increment, {"words": packet(1)}, backend="myhdl", verilog=other)


@every_backend
def test_no_packet_at_all(toys, backend):
    result = simulate(toys.increment, {"words": []}, backend=backend)
    assert (result.streams, result.cycles) == ({"result": []}, 0)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "has the inputs words, not none"),
        ({"word": packet(1)}, "has the inputs words, not word"),
        ({"words": [packet(1), packet()]}, "packet 1 of stream words must be a one-dimensional array of at least one"),
        ({"words": np.array([[[1]]], np.uint8)}, "one-dimensional"),
        ({"words": np.array([-1])}, "must hold unsigned integers, not int64"),
        ({"words": np.array([1, 256], np.uint16)}, "has the word 256, which does not fit in 8 bits"),
    ],
)
def test_bad_inputs_are_named(toys, inputs, message):
    with pytest.raises(ValueError, match=message):
        simulate(toys.increment, inputs)


def test_unknown_backend_lists_the_known_ones(toys):
    with pytest.raises(ValueError, match="unknown backend 'vcs': known are myhdl, icarus, verilator"):
        simulate(toys.increment, {"words": packet(1)}, backend="vcs")


@every_backend
@pytest.mark.parametrize("stalls", [None, Stalls(seed=1)])
def test_a_reset_begins_everything_anew(toys, backend, stalls):
    inputs = {"s_axis": packets(30, 1, 20)}
    whole = simulate(toys.nibbles, inputs, backend=backend, stalls=stalls)
    for cycles in (1, 13, 30, 45):
        again = simulate(toys.nibbles, inputs, backend=backend, stalls=stalls, reset_after=cycles)
        assert first_difference(whole.streams, again.streams) is None
        assert (again.cycles, again.words, again.errors) == (whole.cycles, whole.words, whole.errors)


@pytest.mark.parametrize("backend", ["icarus", "verilator"])
def test_a_register_that_a_reset_forgets_is_seen(toys, backend):
    text = verilog(toys.nibbles)
    forgetful = text.replace("reg zero_seen;", "reg zero_seen = 0;").replace("        zero_seen <= 0;\n", "")
    assert text.count("zero_seen") == forgetful.count("zero_seen") + 1
    inputs = {"s_axis": [packet(0x11, 0x12), packet(0x10, 0x11, 0x11, 0x11)]}
    options = {"backend": backend, "verilog": forgetful}
    assert simulate(toys.nibbles, inputs, **options).errors == {"m_axis_low": [False, True]}
    assert simulate(toys.nibbles, inputs, **options, reset_after=4).errors == {"m_axis_low": [True, True]}


@pytest.mark.parametrize("backend", RTL_BACKENDS)
def test_a_rule_that_is_broken_before_the_reset_counts(toys, backend):
    inputs = {"words": [packet(*[9, CHANGES] * 20)]}
    with pytest.raises(StreamRuleError, match="data changed"):
        simulate(toys.unruly, inputs, backend=backend, stalls=BUSY, reset_after=60)
