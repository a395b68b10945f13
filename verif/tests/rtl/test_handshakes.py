"""What may depend on what within a cycle, for every engine."""

import importlib.util
from functools import cache

import pytest

from silicodec.rtl.catalog import ENGINES
from silicodec.verif.combinational import Gates

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
every_engine = pytest.mark.parametrize("name", ENGINES)


@cache
def gates(name):
    return Gates(ENGINES[name])


@every_engine
def test_no_output_depends_on_any_ready(name):
    engine, netlist = ENGINES[name], gates(name)
    reached = netlist.reached(bit for port in engine.outputs for bit in netlist.bits(port, "ready"))
    for port in engine.outputs:
        assert not reached.intersection(netlist.bits(port, "valid", "data", "last", "error")), port.name


@every_engine
def test_what_is_not_valid_decides_nothing(name):
    engine, netlist = ENGINES[name], gates(name)
    handshakes = [bit for port in engine.inputs for bit in netlist.bits(port, "ready")]
    handshakes += [bit for port in engine.outputs for bit in netlist.bits(port, "valid")]
    for port in engine.inputs:
        reached = netlist.reached(netlist.bits(port, "data", "last"), dict.fromkeys(netlist.bits(port, "valid"), "0"))
        assert not reached.intersection(handshakes), port.name


@every_engine
def test_nothing_is_taken_in_reset(name):
    engine, netlist = ENGINES[name], gates(name)
    levels = netlist.levels({netlist.reset: "1"})
    for port in engine.inputs:
        assert [levels.get(bit) for bit in netlist.bits(port, "ready")] == ["0"], port.name
