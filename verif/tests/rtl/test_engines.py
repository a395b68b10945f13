"""What holds for every engine of the catalog; what only some have is in the tests of their schemes."""

from __future__ import annotations

import inspect
import re
import subprocess

import pytest

from silicodec.models.accelerator.sample import SMALL
from silicodec.rtl.accelerator.engines import accelerator_engine
from silicodec.rtl.catalog import ENGINES, find_engine
from silicodec.rtl.convert import pins, to_verilog
from silicodec.verif.compare import check, first_difference
from silicodec.verif.drivers.stalls import STALLS, Stalls
from silicodec.verif.drivers.vectors import sample_packets
from silicodec.verif.simulate import simulate

BACKENDS = ["myhdl", "icarus", "verilator"]
FEW = 3
"""Packets for the slower simulators."""

SMALLER = {
    name: find_engine(name, {"rows": 3, "columns": 2}) for name in ("systolic-array", "compressed-systolic-array")
}
"""Smaller engines of the same blocks, to simulate in place of those that take a minute and a half to build."""

every_engine = pytest.mark.parametrize("name", ENGINES)
every_simulated_engine = pytest.mark.parametrize(
    "engine",
    [
        *(
            pytest.param(SMALLER.get(name, engine), id=name)
            for name, engine in ENGINES.items()
            if name != "accelerator"
        ),
        *(pytest.param(ENGINES[name], id=f"{name}-whole", marks=pytest.mark.prove) for name in SMALLER),
        pytest.param(accelerator_engine(SMALL), id="accelerator", marks=pytest.mark.prove),
    ],
)


@every_simulated_engine
def test_every_backend_gives_the_words_of_the_reference_in_the_same_cycles(engine):
    inputs, stalls = sample_packets(engine, FEW), Stalls(seed=5)
    results = [check(engine, inputs, backend=backend, stalls=stalls) for backend in BACKENDS]
    assert len({result.cycles for result in results}) == 1
    assert all(result.words == results[0].words for result in results)


@every_simulated_engine
@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
def test_stalls_change_nothing_but_the_time(engine, stalls):
    check(engine, sample_packets(engine), stalls=stalls)


@every_simulated_engine
def test_packets_come_back_to_back(engine):
    """Each as if it were alone, whatever was before it, without the engine being empty in between."""
    once = sample_packets(engine)
    twice = {stream: 2 * list(words) for stream, words in once.items()}
    first, both = check(engine, once), check(engine, twice)
    assert first_difference({stream: 2 * words for stream, words in first.streams.items()}, both.streams) is None
    assert both.cycles <= 2 * first.cycles + 4


def check_reset(engine, inputs, backend, parts):
    """Reset an engine after these parts of its time; everything must then be as if nothing had been before."""
    options = {"backend": backend, "stalls": Stalls(seed=6)}
    whole = check(engine, inputs, **options)
    for part in parts:
        again = simulate(engine, inputs, **options, reset_after=round(part * whole.cycles))
        assert first_difference(whole.streams, again.streams) is None
        assert (again.errors, again.cycles) == (whole.errors, whole.cycles)


@every_simulated_engine
def test_a_reset_in_the_middle_of_a_packet_leaves_nothing_behind(engine):
    check_reset(engine, sample_packets(engine), "verilator", (0.1, 0.35, 0.6, 0.85))


@every_simulated_engine
def test_nothing_that_a_reset_leaves_is_unknown(engine):
    """Icarus begins with X in every register, and sees it where it reaches an output."""
    check_reset(engine, sample_packets(engine, FEW), "icarus", (0.5,))


@every_engine
def test_verilator_finds_no_fault(name, tmp_path):
    engine = ENGINES[name]
    source = to_verilog(engine, tmp_path)
    command = ["verilator", "--lint-only", "-Wall", "--top-module", engine.top, str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@every_engine
def test_ports_are_one_clock_one_reset_and_streams(name):
    engine = ENGINES[name]
    ports = [*engine.inputs, *engine.outputs]
    assert len({port.name for port in ports}) == len(ports)
    assert all(1 <= port.bits <= 128 for port in ports)
    assert engine.tensor in {port.name for port in ports}
    assert not any(port.error for port in engine.inputs)
    assert len(pins(engine)) == 2 + 4 * len(ports) + sum(port.error + port.keep for port in ports)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name)
    assert engine.name == name
    assert engine.period_ns > 0


@every_engine
def test_the_docstring_tells_of_every_stream_and_parameter(name):
    engine = ENGINES[name]
    text = inspect.getdoc(engine.block) or ""
    streams = {re.sub(r"_\d+$", "", port.name) for port in (*engine.inputs, *engine.outputs)}
    untold = [word for word in (*sorted(streams), *engine.parameters) if not re.search(rf"\b{word}\b", text)]
    assert not untold or text.startswith("`")  # a block under other names refers to the one that it stands for
    assert text.partition("\n")[0].endswith(".")
    assert 0 < len(engine.summary) <= 120
